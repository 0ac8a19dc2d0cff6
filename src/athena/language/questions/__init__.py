"""What is asked and what an answer is: questions, requests, forms, replies; nothing waits here."""

from athena.language.questions._answers import (
    MAX_ANSWER_BYTES,
    Answer,
    AnswerT,
    Malformed,
    answer_schema,
    decoder_schema,
    read_answer,
)
from athena.language.questions._canonical import canonical, digest
from athena.language.questions._errors import RecordingDamaged, RecordingMissing
from athena.language.questions._outcome import (
    Answered,
    Attempt,
    Completion,
    Exchange,
    Failed,
    Unanswered,
    Why,
)
from athena.language.questions._question import (
    MAX_PROMPT_BYTES,
    Message,
    Model,
    Price,
    Question,
    Request,
    Speaker,
    first_request,
    repair_request,
)
from athena.language.questions._roles import ModelRole
from athena.language.questions._walk import Turn, walk

__all__ = [
    "MAX_ANSWER_BYTES",
    "MAX_PROMPT_BYTES",
    "Answer",
    "AnswerT",
    "Answered",
    "Attempt",
    "Completion",
    "Exchange",
    "Failed",
    "Malformed",
    "Message",
    "Model",
    "ModelRole",
    "Price",
    "Question",
    "RecordingDamaged",
    "RecordingMissing",
    "Request",
    "Speaker",
    "Turn",
    "Unanswered",
    "Why",
    "answer_schema",
    "canonical",
    "decoder_schema",
    "digest",
    "first_request",
    "read_answer",
    "repair_request",
    "walk",
]

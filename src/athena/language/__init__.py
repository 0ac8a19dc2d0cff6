"""How a language model is asked: a question goes in, a checked answer comes out, or why not.

The inner rooms: `questions` (what is asked, what an answer is, who is asked next), `prompts`
(facts quoted as data, open or blind), `providers` (the shapes in which models are spoken to),
`records` (what was said, kept by the digest of what was asked), `spending` (the budget).
"""

from athena.language._breaker import Breaker
from athena.language._examine import Ready, RoleModel, examine_roles, try_model
from athena.language._models import Models
from athena.language._open import Asker, open_asker, open_models
from athena.language._replayer import Replayer
from athena.language._setup import Mode, Setup, read_setup
from athena.language.prompts import (
    Asset,
    Blinded,
    Fact,
    Mapped,
    Moment,
    PriceOf,
    VolumeOf,
    Words,
    blind_block,
    data_block,
)
from athena.language.providers import Absent, Provider
from athena.language.questions import (
    Answer,
    Answered,
    AnswerT,
    Attempt,
    Completion,
    Exchange,
    Failed,
    Model,
    ModelRole,
    Price,
    Question,
    RecordingDamaged,
    RecordingMissing,
    Request,
    Unanswered,
    Why,
)
from athena.language.records import ExchangeStore
from athena.language.spending import TABLES, Ledger, Limits, ModelSpending

__all__ = [
    "TABLES",
    "Absent",
    "Answer",
    "AnswerT",
    "Answered",
    "Asker",
    "Asset",
    "Attempt",
    "Blinded",
    "Breaker",
    "Completion",
    "Exchange",
    "ExchangeStore",
    "Fact",
    "Failed",
    "Ledger",
    "Limits",
    "Mapped",
    "Mode",
    "Model",
    "ModelRole",
    "ModelSpending",
    "Models",
    "Moment",
    "Price",
    "PriceOf",
    "Provider",
    "Question",
    "Ready",
    "RecordingDamaged",
    "RecordingMissing",
    "Replayer",
    "Request",
    "RoleModel",
    "Setup",
    "Unanswered",
    "VolumeOf",
    "Why",
    "Words",
    "blind_block",
    "data_block",
    "examine_roles",
    "open_asker",
    "open_models",
    "read_setup",
    "try_model",
]

"""Answer questions from recordings: no network, no waiting, no cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from athena.language.questions import walk
from athena.platform import known_secrets, mask_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.language._setup import Setup
    from athena.language.questions import Answered, AnswerT, Model, Question, Unanswered
    from athena.language.records import ExchangeStore


class Replayer:
    """Answer every question as it was answered when it was recorded.

    Models that were skipped or failed then are skipped or fail now. It never asks anybody.
    """

    __slots__ = ("_secrets", "_setup", "_store")

    def __init__(self, setup: Setup, store: ExchangeStore) -> None:
        """Answer from a store."""
        self._setup = setup
        self._store = store
        self._secrets = known_secrets()

    def ask(self, question: Question[AnswerT]) -> Answered[AnswerT] | Unanswered:
        """Answer as the models of the question's role did, in their order.

        Raises:
            RecordingMissing: the question was never recorded with these models.
            RecordingDamaged: a recording is not as it was written.
        """
        return self._replay(question, self._setup.roles[question.role])

    def ask_each(self, question: Question[AnswerT]) -> dict[str, Answered[AnswerT] | Unanswered]:
        """Answer as each model of the question's role did, by their names.

        Raises:
            RecordingMissing, RecordingDamaged: see `ask`.
        """
        chain = self._setup.roles[question.role]
        return {model.name: self._replay(question, (model,)) for model in chain}

    def _replay(
        self, question: Question[AnswerT], chain: Sequence[Model]
    ) -> Answered[AnswerT] | Unanswered:
        way = walk(without_secrets(question, self._secrets), chain)
        try:
            turn = next(way)
            while True:
                turn = way.send(self._store.need(turn.request))
        except StopIteration as end:
            reply: Answered[AnswerT] | Unanswered = end.value
            return reply


def without_secrets(question: Question[AnswerT], secrets: Sequence[str]) -> Question[AnswerT]:
    """Mask what no provider may read, before the question gets its key."""
    return replace(
        question,
        task=mask_text(question.task, secrets),
        material=mask_text(question.material, secrets),
    )

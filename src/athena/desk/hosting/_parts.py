"""What a hosted desk may be given beside its rules; without any of it, it runs on rules alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from athena.desk.agents import Calibration
from athena.desk.cycle import InlineAsker
from athena.desk.inputs import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.desk.agents import Forecaster, Roster, TextClassifier
    from athena.desk.contract import Output
    from athena.desk.coordinator import Hook, Judge
    from athena.desk.cycle import Asker, CycleResult, DeskMemory
    from athena.domain import Provenance


class Learner(Calibration, Protocol):
    """Who was right so far, and what follows for the next decision; it sees the past only."""

    def price(self, symbol: str, close_ns: int, close: float) -> None:
        """Take a close: opinions whose horizon is over are scored by it."""

    def weights(self, now_ns: int) -> Mapping[str, float]:
        """Return agent -> weight by its record; who is left out has the weight of his role."""

    def note(self, result: CycleResult) -> None:
        """Take what was said and decided, to be scored later."""


def _nobody(_: Output) -> None:
    """Tell nobody."""


_NO_TEXTS = Texts()


def _no_texts(_symbol: str, _as_of_ns: int) -> Texts:
    return _NO_TEXTS


def _no_clock() -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a desk is plugged into.

    Attributes:
        forecaster: a verified model; None makes the forecast agent abstain.
        classifier: scores texts; None counts words.
        texts: what may be read about a symbol at a moment; empty makes the sentiment agent
            abstain.
        judge: asked about conflicts; None resolves them by rule.
        memory: told of each decision, once.
        hooks: run after each cycle.
        publish: takes each output of each agent, on the bus say.
        record: takes each result in full, into a trace say.
        learner: scores the agents as prices come; None leaves confidences and weights as they
            are.
        asker: how agents are asked; one after the other in a backtest.
        timer: nanoseconds of a clock that never goes back, for latencies; a backtest has none.
        alert: told when an agent is disabled.
        provenance: of the bars, in the order of the instruments; empty says that the engine shows
            them.
    """

    forecaster: Forecaster | None = None
    classifier: TextClassifier | None = None
    texts: Callable[[str, int], Texts] = _no_texts
    judge: Judge | None = None
    memory: DeskMemory | None = None
    hooks: tuple[Hook, ...] = ()
    publish: Callable[[Output], None] = _nobody
    record: Callable[[CycleResult], None] | None = None
    learner: Learner | None = None
    asker: Callable[[Roster], Asker] = InlineAsker
    timer: Callable[[], int] = _no_clock
    alert: Callable[[str], None] | None = None
    provenance: tuple[Provenance, ...] = ()

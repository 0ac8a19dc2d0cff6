"""What was said, as columns: every word of an agent, a model or the desk that can be scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from athena.desk.contract import STRICT, Proposal, Role
from athena.domain import Action, Regime
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from pydantic import ConfigDict

    from athena.desk.contract import Decision, Output

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

DESK = "desk"
ACTIONS = tuple(Action)
REGIMES = tuple(Regime)
# Where the price has to go: up, down, or nowhere.
UP, DOWN, STILL = 1, -1, 0
_SIGNS = {
    Action.BUY: UP,
    Action.CLOSE_SHORT: UP,
    Action.SELL: DOWN,
    Action.CLOSE_LONG: DOWN,
    Action.HOLD: STILL,
}
_SIGN_OF = np.array([_SIGNS[action] for action in ACTIONS], np.int64)


class Kind(StrEnum):
    """Who speaks."""

    AGENT = "agent"
    MODEL = "model"
    DECISION = "decision"


class Call(NamedTuple):
    """One word that time will judge.

    Attributes:
        kind, who: a name is unique within its kind; the desk itself is `desk`.
        symbol: what it is about.
        as_of_ns: nothing later was known, UTC.
        action: what was said.
        confidence: 0..1, as it was said.
        raw_confidence: before calibration.
        regime: label in force.
        strategy: rule behind it; empty for none.
        latency_ms, cost_usd: of a model's answer; NaN where nobody measured it.
    """

    kind: Kind
    who: str
    symbol: str
    as_of_ns: int
    action: Action
    confidence: float
    raw_confidence: float
    regime: Regime = Regime.UNKNOWN
    strategy: str = ""
    latency_ms: float = math.nan
    cost_usd: float = math.nan


@dataclass(frozen=True, slots=True)
class ModelWord:
    """One model's valid answer about a symbol, and what it took.

    Attributes:
        model: who.
        action: its choice.
        confidence: 0..1.
        latency_ms, cost_usd: what it took; None where nobody measured it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    model: str
    action: Action
    confidence: float
    latency_ms: float | None = None
    cost_usd: float | None = None


def calls_of(
    decision: Decision, outputs: Iterable[Output], words: Iterable[ModelWord] = ()
) -> Iterator[Call]:
    """List what was said in one cycle: by each agent that did not abstain, model, and the desk.

    The portfolio agent says nothing about where a price goes, so it is not among them. What is
    about the whole account stands for the symbol of the decision.
    """
    for output in outputs:
        if output.abstains or output.role is Role.PORTFOLIO:
            continue
        if output.symbol not in {decision.symbol, ""}:
            continue
        detail = output.detail
        yield Call(
            Kind.AGENT,
            output.agent,
            decision.symbol,
            output.as_of_ns,
            output.action,
            output.confidence,
            output.raw_confidence,
            decision.regime,
            detail.strategy if isinstance(detail, Proposal) else "",
        )
    for word in words:
        yield Call(
            Kind.MODEL,
            word.model,
            decision.symbol,
            decision.as_of_ns,
            word.action,
            word.confidence,
            word.confidence,
            decision.regime,
            latency_ms=math.nan if word.latency_ms is None else word.latency_ms,
            cost_usd=math.nan if word.cost_usd is None else word.cost_usd,
        )
    proposal = decision.proposal
    yield Call(
        Kind.DECISION,
        DESK,
        decision.symbol,
        decision.as_of_ns,
        decision.action,
        decision.confidence,
        decision.confidence,
        decision.regime,
        "" if proposal is None else proposal.strategy,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Many calls as columns of one length N.

    Attributes:
        speakers, symbols, strategies: what the numbers of the columns stand for.
        speaker, symbol, action, regime, strategy: (N,) int64, places in `speakers`, `symbols`,
            `ACTIONS`, `REGIMES` and `strategies`.
        as_of_ns: (N,) int64.
        confidence, raw_confidence: (N,) float64, 0..1.
        latency_ms, cost_usd: (N,) float64, NaN where not known.
    """

    speakers: tuple[tuple[Kind, str], ...]
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    speaker: Ints
    symbol: Ints
    action: Ints
    regime: Ints
    strategy: Ints
    as_of_ns: Ints
    confidence: Floats
    raw_confidence: Floats
    latency_ms: Floats
    cost_usd: Floats

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Calls:
        """Take calls in any order; only the columns are kept.

        Raises:
            InputError: a confidence is not a number in [0, 1].
        """
        speakers: dict[tuple[Kind, str], int] = {}
        symbols: dict[str, int] = {}
        strategies: dict[str, int] = {}
        whole: list[tuple[int, ...]] = []
        parts: list[tuple[float, ...]] = []
        for call in calls:
            if not (0 <= call.confidence <= 1 and 0 <= call.raw_confidence <= 1):
                message = f"expected confidences in [0, 1] of {call.who}, was {call.confidence}"
                raise InputError(message)
            whole.append(
                (
                    speakers.setdefault((call.kind, call.who), len(speakers)),
                    symbols.setdefault(call.symbol, len(symbols)),
                    _PLACE_OF_ACTION[call.action],
                    _PLACE_OF_REGIME[call.regime],
                    strategies.setdefault(call.strategy, len(strategies)),
                    call.as_of_ns,
                )
            )
            parts.append((call.confidence, call.raw_confidence, call.latency_ms, call.cost_usd))
        integers = np.array(whole, np.int64).reshape(-1, 6).T
        floats = np.array(parts, np.float64).reshape(-1, 4).T
        return cls(
            tuple(speakers), tuple(symbols), tuple(strategies), *map(np.copy, [*integers, *floats])
        )

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.speaker)

    @property
    def sign(self) -> Ints:
        """Return where each wants the price to go: (N,) of 1, -1 and 0."""
        return _SIGN_OF[self.action]

    def said_by(self, kind: Kind, who: str) -> Flags:
        """Return which calls are of a speaker: (N,) bool; all False for a stranger."""
        place = self.speakers.index((kind, who)) if (kind, who) in self.speakers else -1
        found: Flags = self.speaker == place
        return found

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return who of a kind spoke, sorted."""
        return tuple(sorted(who for found, who in self.speakers if found is kind))


_PLACE_OF_ACTION = {action: place for place, action in enumerate(ACTIONS)}
_PLACE_OF_REGIME = {regime: place for place, regime in enumerate(REGIMES)}

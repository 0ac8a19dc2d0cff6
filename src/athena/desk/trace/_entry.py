"""What a trace keeps of one cycle: enough to explain it, and to decide it again (DK-22)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import JsonValue  # noqa: TC002 - it reads the annotations itself

from athena.desk.bus import Veto  # noqa: TC001 - pydantic reads the annotations
from athena.desk.contract import (
    STRICT,
    Decision,
    Output,
    Plan,
    Unavailable,
)
from athena.desk.coordinator import Answer, Case, DeskState
from athena.desk.evaluation import ModelWord
from athena.desk.inputs import Grade  # noqa: TC001 - pydantic reads the annotations
from athena.domain import OrderType, PositionSide, Purpose, Side  # noqa: TC001 - pydantic
from athena.trading.live import Level

if TYPE_CHECKING:
    from pydantic import ConfigDict

    from athena.desk.cycle import CycleResult
    from athena.desk.inputs import Frame, Snapshot
    from athena.trading import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeen:
    """The bars of one time frame that were seen.

    Attributes:
        source: such as `BTC/USDT 1h`.
        n_bars: closed ones.
        first_ns, last_ns: opens of the oldest and the newest; -1 without any.
        last_close: of the newest, quote currency; 0 without any.
        grade, reasons: of the quality gate.
        id: digest of bars and indicators.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    source: str
    n_bars: int
    first_ns: int
    last_ns: int
    last_close: float
    grade: Grade
    reasons: tuple[str, ...]
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The snapshot of a cycle, without the bars, which the data set named here holds.

    Attributes:
        id: digest of all that an agent could read in it.
        as_of_ns, last_close_ns: of the moment, and of the newest close.
        price: that close; None before the first bar.
        alignment: -1..1, of the trends of the frames.
        flags: such as `fast_move`.
        data_set, data_sha256: where the bars came from, and the digest of their content.
        is_synthetic: True for made-up prices.
        frames: shortest first.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: str
    as_of_ns: int
    last_close_ns: int
    price: Decimal | None
    alignment: float
    flags: tuple[str, ...]
    data_set: str
    data_sha256: str
    is_synthetic: bool
    frames: tuple[FrameSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the coordinator knew beside the opinions; see `Case`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    position: PositionSide | None
    confidence_min: float
    tick: Decimal
    has_violation: bool
    vetoes: tuple[Veto, ...]
    weights: dict[str, float]
    state: DeskState
    level: int
    shift_max_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a judge said, as it came; `unavailable` stands where nobody answered."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    answered_ns: int
    said: dict[str, JsonValue] | None
    unavailable: Unavailable | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An intent that went to the core; its key is how the journal knows it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: int
    side: Side
    purpose: Purpose
    type: OrderType
    lots: int
    limit_ticks: int
    stop_ticks: int
    target_ticks: int
    leverage: int
    confidence_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cycle of one symbol.

    Attributes:
        decision: its id is the correlation id.
        decision_digest: of the decision, as it was made.
        outputs: every opinion that was there, abstentions too.
        terms: what else the coordinator knew.
        seen: the snapshot.
        asked: intents, in order.
        missing: agents that gave no output, and why.
        judged: None when nobody was asked.
        replanned: plan of a proposal that a judge changed.
        words: valid answers of the models of a panel.
        latencies_ns: step -> time it took; empty where nobody measured it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    version: Literal[1] = 1
    decision: Decision
    decision_digest: str
    outputs: tuple[Output, ...]
    terms: Terms
    seen: Seen
    asked: tuple[Asked, ...]
    missing: tuple[Unavailable, ...]
    judged: Judged | None
    replanned: Plan | None
    words: tuple[ModelWord, ...]
    latencies_ns: dict[str, int]


def entry_of(result: CycleResult, digest: str) -> Entry:
    """Take down a cycle.

    Args:
        result: of the cycle.
        digest: of its decision.
    """
    case = result.case
    return Entry(
        decision=result.decision,
        decision_digest=digest,
        outputs=case.outputs,
        terms=Terms(
            position=case.position,
            confidence_min=case.confidence_min,
            tick=case.tick,
            has_violation=case.has_violation,
            vetoes=case.vetoes,
            weights=dict(case.weights),
            state=case.state,
            level=int(case.level),
            shift_max_frac=case.shift_max_frac,
        ),
        seen=_seen(result.snapshot),
        asked=tuple(_asked(intent) for intent in result.intents),
        missing=result.missing,
        judged=None if result.answer is None else _judged(result.answer),
        replanned=result.replanned,
        words=tuple(
            ModelWord(answer.model, answer.action, answer.confidence) for answer in result.panel
        ),
        latencies_ns=dict(result.latencies_ns),
    )


def case_of(entry: Entry) -> Case:
    """Return what was deliberated, as it was."""
    decision, terms = entry.decision, entry.terms
    return Case(
        id=decision.id,
        symbol=decision.symbol,
        as_of_ns=decision.as_of_ns,
        now_ns=decision.decided_at_ns,
        outputs=entry.outputs,
        position=terms.position,
        confidence_min=terms.confidence_min,
        tick=terms.tick,
        has_violation=terms.has_violation,
        vetoes=terms.vetoes,
        weights=terms.weights,
        state=terms.state,
        level=Level(terms.level),
        shift_max_frac=terms.shift_max_frac,
    )


def _judged(answer: Answer) -> Judged:
    said = answer.said
    if isinstance(said, Unavailable):
        return Judged(answered_ns=answer.answered_ns, said=None, unavailable=said)
    plain = {str(name): _plain(value) for name, value in said.items()}
    return Judged(answered_ns=answer.answered_ns, said=plain, unavailable=None)


def _plain(value: object) -> JsonValue:
    """Return what JSON can hold of an answer; the rest as text, which is refused as it was."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else repr(value)


def _seen(snapshot: Snapshot) -> Seen:
    return Seen(
        id=snapshot.id,
        as_of_ns=snapshot.as_of_ns,
        last_close_ns=snapshot.last_close_ns,
        price=snapshot.price,
        alignment=snapshot.alignment,
        flags=snapshot.flags,
        data_set=snapshot.provenance.name,
        data_sha256=snapshot.provenance.sha256,
        is_synthetic=snapshot.provenance.is_synthetic,
        frames=tuple(_frame(frame) for frame in snapshot.frames),
    )


def _frame(frame: Frame) -> FrameSeen:
    n_bars = len(frame)
    return FrameSeen(
        source=frame.source,
        n_bars=n_bars,
        first_ns=int(frame.ts_ns[0]) if n_bars else -1,
        last_ns=int(frame.ts_ns[-1]) if n_bars else -1,
        last_close=float(frame.close[-1]) if n_bars else 0.0,
        grade=frame.quality.grade,
        reasons=frame.quality.reasons,
        id=frame.id,
    )


def _asked(intent: Intent) -> Asked:
    return Asked(
        key=intent.key,
        side=intent.side,
        purpose=intent.purpose,
        type=intent.type,
        lots=intent.lots,
        limit_ticks=intent.limit_ticks,
        stop_ticks=intent.stop_ticks,
        target_ticks=intent.target_ticks,
        leverage=intent.leverage,
        confidence_ppm=intent.confidence_ppm,
    )

"""The core's records as typed objects, for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from athena.domain import (
    DenialCode,
    Liquidity,
    OrderType,
    Purpose,
    Regime,
    Side,
    TimeInForce,
    from_money,
)
from athena.errors import CheckFailed
from athena.trading._core import layout as at
from athena.trading._core import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from athena.trading._core.layout import Ints

MemberT = TypeVar("MemberT", bound=StrEnum)

RECORD_HEADER = 2  # kind with length, marks
REPORT_FIELDS = 9
TERMS_MASK = 0xFF


class Report(StrEnum):
    """What a venue reports; the order of the members is the core's numbering, from 1."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRIGGERED = "triggered"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    AMENDED = "amended"
    AMEND_REFUSED = "amend_refused"
    NOT_SENT = "not_sent"
    AMBIGUOUS = "ambiguous"
    ABSENT_PROVEN = "absent_proven"
    CANCEL_REFUSED = "cancel_refused"


class Command(StrEnum):
    """What an operator asks; the order of the members is the core's numbering, from 1."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    FLATTEN = "flatten"
    CANCEL_ALL = "cancel_all"
    CANCEL = "cancel"
    CLOSE = "close"
    TIGHTEN = "tighten"
    STOP_STRATEGY = "stop_strategy"
    KILL = "kill"
    ADMIN_RESUME = "admin_resume"
    REDUCE = "reduce"


class Notice(StrEnum):
    """What a person should know; the order of the members is the core's numbering, from 1."""

    HALT = "halt"
    RESET = "reset"
    LATE_FILL = "late_fill"
    OVERFILL = "overfill"
    ILLEGAL = "illegal"
    PAUSE = "pause"
    TIME_EXIT = "time_exit"
    DUPLICATE_FILL = "duplicate_fill"
    SHARE_REFUSED = "share_refused"


class EffectKind(StrEnum):
    """What the core wants; the order of the members is the core's numbering, from 1."""

    SEND = "send"
    CANCEL = "cancel"
    AMEND = "amend"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """Whose order a report is about; a code outside its enum stays a number."""

    instrument: int
    strategy: int
    purpose: Purpose | int
    side: Side | int


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """An intent as it was asked for; a code outside its enum stays a number."""

    marks: int
    key: int
    strategy: int
    instrument: int
    purpose: Purpose | int
    side: Side | int
    type: OrderType | int
    time_in_force: TimeInForce | int
    lots: int
    quote_amount: Decimal
    limit_ticks: int
    trigger_ticks: int
    stop_ticks: int
    target_ticks: int
    trail_ppm: int
    leverage: int
    confidence_ppm: int
    regime: Regime | int
    is_reduce_only: bool
    is_post_only: bool
    is_break_even: bool
    expires_ns: int
    target_ppm: int
    sibling: int


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What the risk engine said of an order.

    Attributes:
        code: the denial that decided; None when approved.
        failed: every check that failed.
    """

    marks: int
    order: int
    code: DenialCode | int | None
    failed: tuple[DenialCode | int, ...]
    approved_lots: int
    stop_ticks: int
    leverage: int


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """What a venue reported of an order.

    Attributes:
        terms: None when the core did not know the order.
    """

    marks: int
    report: Report | int
    order: int
    lots: int
    price_ticks: int
    fee: Decimal
    liquidity: Liquidity | int
    trade: int
    ts_ns: int
    terms: OrderTerms | None


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command of an operator or driver."""

    marks: int
    command: Command | int
    argument: int
    argument_2: int


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """Something a person should know; what the argument is depends on the notice."""

    marks: int
    notice: Notice | int
    argument: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class CashRecord:
    """Money that came or went without an order; `reference` numbers the venue's entry."""

    marks: int
    amount: Decimal
    is_transfer: bool
    reference: int


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What was known of venue, clock and reconciliation; 0 is healthy."""

    marks: int
    health: int
    account_ns: int


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """The share of the equity that a strategy was given, in parts per million."""

    marks: int
    strategy: int
    share_ppm: int


@dataclass(frozen=True, slots=True)
class PriceRecord:
    """A price that a live session was told."""

    marks: int
    instrument: int
    last_ticks: int
    high_ticks: int
    low_ticks: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class TickRecord:
    """Time that passed; `moves_stops` says whether trailing stops were moved."""

    marks: int
    now_ns: int
    moves_stops: bool


@dataclass(frozen=True, slots=True)
class RiskRecord:
    """Risk inputs of an instrument, computed off the path; 0 is unknown."""

    marks: int
    instrument: int
    atr_ticks: int
    mean_atr_ticks: int
    day_volume_lots: int
    bar_volume_lots: int
    volatility_ppm: int
    var_ppm: int
    move_ppm: int


@dataclass(frozen=True, slots=True)
class CorrelationRecord:
    """Correlation of the returns of two instruments, in parts per million."""

    marks: int
    first: int
    second: int
    correlation_ppm: int


@dataclass(frozen=True, slots=True)
class LimitRecord:
    """A risk limit that an operator moved; `column` numbers it as the manifest's limits do."""

    marks: int
    column: int
    value: int


@dataclass(frozen=True, slots=True)
class AdoptRecord:
    """An order that the venue had and the core had not sent.

    Attributes:
        filled_lots: what of it was in the opening balances already.
        reference: number of the venue's id.
    """

    marks: int
    strategy: int
    instrument: int
    purpose: Purpose | int
    side: Side | int
    type: OrderType | int
    lots: int
    limit_ticks: int
    trigger_ticks: int
    filled_lots: int
    reference: int


@dataclass(frozen=True, slots=True)
class HoldingRecord:
    """Coins that came or went without an order; `reference` numbers the venue's entry."""

    marks: int
    strategy: int
    instrument: int
    lots: int
    price_ticks: int
    reference: int


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """What a session's core wanted of the venue; a cancel, or what ended at once, has no terms."""

    marks: int
    effect: EffectKind | int
    order: int
    lots: int
    limit_ticks: int
    trigger_ticks: int


Record = (
    IntentRecord
    | VerdictRecord
    | ReportRecord
    | CommandRecord
    | NoticeRecord
    | CashRecord
    | HealthRecord
    | ShareRecord
    | PriceRecord
    | TickRecord
    | RiskRecord
    | CorrelationRecord
    | LimitRecord
    | AdoptRecord
    | HoldingRecord
    | EffectRecord
)


def record_starts(words: Ints) -> list[int]:
    """Return where each record begins.

    Args:
        words: (W,) int64, whole records.

    Raises:
        CheckFailed: a length leads beyond the end; the message names the word.
    """
    view = words.data
    starts = []
    position = 0
    while position < len(view):
        starts.append(position)
        length = view[position] >> 8
        if length < RECORD_HEADER or position + length > len(view):
            message = f"expected a whole record at word {position}, was a length of {length}"
            raise CheckFailed(message, hint="athena journal verify RUN")
        position += length
    return starts


def read_records(words: Ints) -> Iterator[Record]:
    """Decode the records of one group commit, oldest first.

    Raises:
        CheckFailed: a record is cut short, or of no known kind.
    """
    for start in record_starts(words):
        yield _read(words, start)


def show_record(words: Ints, position: int) -> str:
    """Describe the record that the word at `position` belongs to, for messages; never raises."""
    start = 0
    while start < len(words):
        length = int(words[start]) >> 8
        if length < RECORD_HEADER or start + length > len(words):
            return f"no record: {words[start : start + 4].tolist()}"
        if position < start + length:
            is_known = (
                _READERS.get(int(words[start]) & 0xFF, (None, 0))[1] == length - RECORD_HEADER
            )
            shown = words[start : start + length]
            return str(_read(words, start)) if is_known else f"no record: {shown.tolist()}"
        start += length
    return "nothing more"


def record_values(record: Record) -> dict[str, object]:
    """Return a record as JSON values, its kind first; money as text."""
    kind = type(record).__name__.removesuffix("Record").lower()
    return {"kind": kind, **asdict(record)}


def _member(kind: type[MemberT], code: int, *, first: int = 0) -> MemberT | int:
    members = list(kind)
    index = code - first
    return members[index] if 0 <= index < len(members) else code


def _side(sign: int) -> Side | int:
    return {1: Side.BUY, -1: Side.SELL}.get(sign, sign)


def _read(words: Ints, start: int) -> Record:
    header, marks = int(words[start]), int(words[start + 1])
    kind = header & 0xFF
    fields = [int(word) for word in words[start + RECORD_HEADER : start + (header >> 8)]]
    if kind not in _READERS or len(fields) != _READERS[kind][1]:
        message = (
            f"expected a known record at word {start}, was kind {kind} of {len(fields)} fields"
        )
        raise CheckFailed(message, hint="was the journal written by another version?")
    return _READERS[kind][0](marks, fields)


def _intent(marks: int, row: list[int]) -> IntentRecord:
    flags = row[at.I_FLAGS]
    return IntentRecord(
        marks=marks,
        key=row[at.I_KEY],
        strategy=row[at.I_STRATEGY],
        instrument=row[at.I_INSTRUMENT],
        purpose=_member(Purpose, row[at.I_PURPOSE]),
        side=_side(row[at.I_SIDE]),
        type=_member(OrderType, row[at.I_TYPE]),
        time_in_force=_member(TimeInForce, row[at.I_TIME_IN_FORCE]),
        lots=row[at.I_LOTS],
        quote_amount=from_money(row[at.I_QUOTE_AMOUNT]),
        limit_ticks=row[at.I_LIMIT],
        trigger_ticks=row[at.I_TRIGGER],
        stop_ticks=row[at.I_STOP],
        target_ticks=row[at.I_TARGET],
        trail_ppm=row[at.I_TRAIL_PPM],
        leverage=row[at.I_LEVERAGE],
        confidence_ppm=row[at.I_CONFIDENCE_PPM],
        regime=_member(Regime, row[at.I_REGIME]),
        is_reduce_only=bool(flags & at.FLAG_REDUCE_ONLY),
        is_post_only=bool(flags & at.FLAG_POST_ONLY),
        is_break_even=bool(flags & at.FLAG_BREAK_EVEN),
        expires_ns=row[at.I_EXPIRES_NS],
        target_ppm=row[at.I_TARGET_PPM],
        sibling=row[at.I_SIBLING],
    )


def _verdict(marks: int, row: list[int]) -> VerdictRecord:
    order, code, mask, lots, stop, leverage = row
    failed = (bit for bit in range(1, mask.bit_length()) if mask >> bit & 1)
    return VerdictRecord(
        marks,
        order,
        None if code == 0 else _member(DenialCode, code, first=1),
        tuple(_member(DenialCode, bit, first=1) for bit in failed),
        lots,
        stop,
        leverage,
    )


def _report(marks: int, row: list[int]) -> ReportRecord:
    what, order, lots, price, fee, liquidity, trade, ts_ns, terms = row
    return ReportRecord(
        marks,
        _member(Report, what, first=1),
        order,
        lots,
        price,
        from_money(fee),
        _member(Liquidity, liquidity),
        trade,
        ts_ns,
        _terms(terms),
    )


def _terms(word: int) -> OrderTerms | None:
    if word < 0:
        return None
    instrument, strategy, purpose, side = (word >> shift & TERMS_MASK for shift in (0, 8, 16, 24))
    return OrderTerms(instrument, strategy, _member(Purpose, purpose), _side(side - 1))


def _command(marks: int, row: list[int]) -> CommandRecord:
    return CommandRecord(marks, _member(Command, row[0], first=1), row[1], row[2])


def _notice(marks: int, row: list[int]) -> NoticeRecord:
    return NoticeRecord(marks, _member(Notice, row[0], first=1), row[1], row[2])


def _cash(marks: int, row: list[int]) -> CashRecord:
    return CashRecord(marks, from_money(row[0]), bool(row[1]), row[2])


def _health(marks: int, row: list[int]) -> HealthRecord:
    return HealthRecord(marks, row[0], row[1])


def _share(marks: int, row: list[int]) -> ShareRecord:
    return ShareRecord(marks, row[0], row[1])


def _tick(marks: int, row: list[int]) -> TickRecord:
    return TickRecord(marks, row[0], bool(row[1]))


def _adopt(marks: int, row: list[int]) -> AdoptRecord:
    strategy, instrument, purpose, side, kind = row[:5]
    return AdoptRecord(
        marks,
        strategy,
        instrument,
        _member(Purpose, purpose),
        _side(side),
        _member(OrderType, kind),
        *row[5:],
    )


def _effect(marks: int, row: list[int]) -> EffectRecord:
    return EffectRecord(marks, _member(EffectKind, row[0], first=1), *row[1:])


# kind -> how it is read, and how many fields it has
_READERS: dict[int, tuple[Callable[[int, list[int]], Record], int]] = {
    at.R_INTENT: (_intent, at.N_INTENT),
    at.R_VERDICT: (_verdict, 1 + at.N_VERDICT),
    at.R_REPORT: (_report, REPORT_FIELDS),
    at.R_COMMAND: (_command, 3),
    at.R_NOTICE: (_notice, 3),
    at.R_CASH: (_cash, 3),
    at.R_HEALTH: (_health, 2),
    at.R_SHARE: (_share, 2),
    at.R_PRICE: (lambda marks, row: PriceRecord(marks, *row), 5),
    at.R_TICK: (_tick, 2),
    at.R_RISK: (lambda marks, row: RiskRecord(marks, *row), 1 + outside.N_RISK),
    at.R_CORRELATION: (lambda marks, row: CorrelationRecord(marks, *row), 3),
    at.R_LIMIT: (lambda marks, row: LimitRecord(marks, *row), 2),
    at.R_ADOPT: (_adopt, outside.N_ADOPT),
    at.R_HOLDING: (lambda marks, row: HoldingRecord(marks, *row), 5),
    at.R_EFFECT: (_effect, at.N_EFFECT_FIELDS),
}

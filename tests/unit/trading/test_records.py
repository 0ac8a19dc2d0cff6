"""Records as people read them, and fills as columns."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DenialCode, Liquidity, OrderType, Purpose, Side
from athena.errors import CheckFailed
from athena.trading import (
    AdoptRecord,
    CashRecord,
    Command,
    CommandRecord,
    CorrelationRecord,
    FrameKind,
    HealthRecord,
    HoldingRecord,
    Intent,
    IntentRecord,
    LimitRecord,
    MemoryStore,
    Notice,
    NoticeRecord,
    OrderTerms,
    PriceRecord,
    Record,
    Report,
    ReportRecord,
    RiskRecord,
    State,
    Tables,
    TickRecord,
    VerdictRecord,
    codes,
    fill_columns,
    marks,
    new_state,
    outside,
    read_frames,
    read_records,
    record_values,
    show_record,
    step,
    write_intent,
)
from athena.trading import layout as at
from tests import journal_builder as build
from tests.live_journal import LiveJournal

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = build.START_NS + build.MINUTE_NS
Words = np.ndarray[Any, np.dtype[np.int64]]


@pytest.fixture
def tables() -> Tables[State]:
    tables = new_state(**build.setup(is_open=True))
    state = tables.views
    now = build.START_NS + build.MINUTE_NS
    marks.set_price(state, 0, 1_000_000, 1_000_000, 1_000_000, now)
    state.account[at.ACCOUNT_NS] = now
    marks.mark(state, now)
    return tables


def taken(tables: Tables[State]) -> Words:
    """Empty the buffer of records."""
    n_words = int(tables.arrays.account[at.N_WORDS])
    words = tables.arrays.records[:n_words].copy()
    tables.arrays.account[at.N_WORDS] = 0
    return words


def records(tables: Tables[State]) -> list[Record]:
    return list(read_records(taken(tables)))


def ask(tables: Tables[State], **wants: Any) -> int:
    intent = Intent(**{"side": Side.BUY, "lots": 10**6, **wants})
    write_intent(intent, 1, tables.views.intent)
    return step.apply_intent(tables.views)


def test_an_intent_and_its_verdict_are_read_as_they_were_asked(tables: Tables[State]) -> None:
    number = ask(tables, type=OrderType.LIMIT, limit_ticks=990_000, post_only=True, key=77)
    intent, verdict = records(tables)
    assert isinstance(intent, IntentRecord)
    assert (intent.marks, intent.key, intent.strategy, intent.instrument) == (1, 77, 1, 0)
    assert (intent.side, intent.type, intent.purpose) == (
        Side.BUY,
        OrderType.LIMIT,
        Purpose.ENTRY,
    )
    assert (intent.lots, intent.limit_ticks) == (10**6, 990_000)
    assert (intent.is_post_only, intent.is_reduce_only, intent.is_break_even) == (
        True,
        False,
        False,
    )
    assert verdict == VerdictRecord(1, number, None, (), 10**6, 0, 1)


def test_a_denial_lists_every_check_that_failed(tables: Tables[State]) -> None:
    ask(tables, lots=-1)
    verdict = records(tables)[1]
    assert isinstance(verdict, VerdictRecord)
    assert verdict.code is DenialCode.INVALID_VALUE
    assert DenialCode.INVALID_VALUE in verdict.failed
    assert verdict.approved_lots == 0


def test_a_fill_says_whose_order_it_was(tables: Tables[State]) -> None:
    number = ask(tables)
    step.apply_report(tables.views, codes.ACCEPTED, number, 0, 0, 0, 0, 0)
    step.apply_report(
        tables.views, codes.FILLED_REPORT, number, 10**6, 1_000_100, 26_00, codes.MAKER, 5
    )
    accepted, filled = records(tables)[2:]
    terms = OrderTerms(0, 1, Purpose.ENTRY, Side.BUY)
    now = build.START_NS + build.MINUTE_NS
    assert isinstance(accepted, ReportRecord)
    assert (accepted.report, accepted.terms) == (Report.ACCEPTED, terms)
    assert filled == ReportRecord(
        1, Report.FILLED, number, 10**6, 1_000_100, Decimal("0.00002600"), Liquidity.MAKER, 5, now,
        terms,
    )  # fmt: skip


def test_a_report_on_a_closed_order_still_knows_its_terms(tables: Tables[State]) -> None:
    number = ask(tables)
    step.apply_report(tables.views, codes.FILLED_REPORT, number, 10**6, 1_000_000, 0, 0, 1)
    taken(tables)
    step.apply_report(tables.views, codes.FILLED_REPORT, number, 1, 1_000_000, 0, 0, 2)
    late = records(tables)
    assert isinstance(late[0], ReportRecord)
    assert late[0].terms == OrderTerms(0, 1, Purpose.ENTRY, Side.BUY)
    notices = [item.notice for item in late if isinstance(item, NoticeRecord)]
    assert notices[:1] == [Notice.LATE_FILL]


def test_a_report_on_an_unknown_order_has_no_terms(tables: Tables[State]) -> None:
    step.apply_report(tables.views, codes.CANCELLED_REPORT, 999, 0, 0, 0, 0, 0)
    report, notice = records(tables)
    assert isinstance(report, ReportRecord)
    assert report.terms is None
    assert isinstance(notice, NoticeRecord)
    assert (notice.notice, notice.argument) == (Notice.ILLEGAL, 999)


def test_commands_cash_and_health_are_read(tables: Tables[State]) -> None:
    step.apply_command(tables.views, codes.COMMAND_PAUSE, 0, 0)
    step.apply_cash(tables.views, 150_000_000, 1, 0)
    step.apply_health(tables.views, at.HEALTH_VENUE, 12)
    command, notice, cash, health = records(tables)
    assert command == CommandRecord(1, Command.PAUSE, 0, 0)
    assert isinstance(notice, NoticeRecord)
    assert (notice.notice, notice.argument) == (Notice.HALT, at.HALT_PAUSED)
    assert cash == CashRecord(1, Decimal("1.50000000"), is_transfer=True, reference=0)
    assert health == HealthRecord(1, at.HEALTH_VENUE, 12)


def test_an_intent_with_codes_outside_the_enums_keeps_the_numbers(tables: Tables[State]) -> None:
    write_intent(Intent(side=Side.BUY, lots=1), 0, tables.views.intent)
    for column, value in ((at.I_SIDE, 0), (at.I_TYPE, 99), (at.I_REGIME, -1)):
        tables.views.intent[column] = value
    step.apply_intent(tables.views)
    intent = records(tables)[0]
    assert isinstance(intent, IntentRecord)
    assert (intent.side, intent.type, intent.regime) == (0, 99, -1)


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix"),
    [(Report, "", ""), (Command, "COMMAND_", ""), (Notice, "NOTICE_", "")],
)
def test_the_enums_number_as_the_core_does(kind: Any, prefix: str, suffix: str) -> None:
    renamed = {Report.TRIGGERED: "TRIGGERED_REPORT", Report.FILLED: "FILLED_REPORT"}
    renamed |= {Report.CANCELLED: "CANCELLED_REPORT", Report.EXPIRED: "EXPIRED_REPORT"}
    for number, member in enumerate(kind, start=1):
        assert getattr(codes, renamed.get(member, f"{prefix}{member.name}{suffix}")) == number
    if prefix:
        assert len([name for name in vars(codes) if name.startswith(prefix)]) == len(kind)


def test_a_record_becomes_json_values_with_its_kind() -> None:
    values = record_values(CashRecord(3, Decimal("1.5"), is_transfer=True, reference=7))
    assert values.pop("reference") == 7
    assert values == {"kind": "cash", "marks": 3, "amount": Decimal("1.5"), "is_transfer": True}


@pytest.mark.parametrize(
    "words",
    [
        [at.R_CASH | (4 << 8), 1, 5],
        [at.R_CASH],
        [at.R_CASH | (1 << 8), 1],
        [-1, 2, 3],
        [at.R_CASH | (6 << 8), 1, 5, 0, 0, 0],
        [99 | (3 << 8), 1, 5],
    ],
)
def test_words_that_are_no_records_are_refused(words: list[int]) -> None:
    with pytest.raises(CheckFailed, match=r"expected a (whole|known) record"):
        list(read_records(np.array(words, np.int64)))


def test_a_word_is_shown_with_the_record_around_it() -> None:
    cash = [at.R_CASH | (5 << 8), 1, 5, 0, 7]
    words = np.array([*cash, at.R_HEALTH | (4 << 8), 1, 0, 9], np.int64)
    assert show_record(words, 2).startswith("CashRecord(")
    assert show_record(words, 5).startswith("HealthRecord(")
    assert show_record(words, 9) == "nothing more"
    assert show_record(words[:6], 5) == f"no record: [{at.R_HEALTH | (4 << 8)}]"
    assert show_record(np.array([99 | (3 << 8), 1, 2], np.int64), 0) == "no record: [867, 1, 2]"


def test_fill_columns_equal_the_records_one_by_one() -> None:
    run = build.finished_run(200)
    groups = [
        np.frombuffer(frame.payload, "<i8")
        for frame in read_frames(run.store)
        if frame.kind is FrameKind.WORDS
    ]
    fills = fill_columns(groups)
    expected = [
        item
        for words in groups
        for item in read_records(words)
        if isinstance(item, ReportRecord) and item.report is Report.FILLED
    ]
    assert len(expected) == len(fills.marks) == int(run.tables.arrays.account[at.N_FILLS]) > 20
    purposes = list(Purpose)
    for k, item in enumerate(expected):
        assert item.terms is not None
        assert (item.marks, item.order, item.lots, item.price_ticks, item.trade, item.ts_ns) == (
            fills.marks[k], fills.order[k], fills.lots[k], fills.price_ticks[k], fills.trade[k],
            fills.ts_ns[k],
        )  # fmt: skip
        assert int(item.fee * 10**8) == fills.fee[k]
        assert (item.terms.instrument, item.terms.strategy) == (
            fills.instrument[k],
            fills.strategy[k],
        )
        assert item.terms.purpose is purposes[fills.purpose[k]]
        assert (item.terms.side is Side.BUY) == (fills.side[k] == 1)
    assert {Purpose.PROTECT, Purpose.ENTRY} <= {
        item.terms.purpose for item in expected if item.terms
    }
    assert re.fullmatch(r"ReportRecord\(.*\)", str(expected[0]))


def test_fills_that_the_core_refused_or_had_booked_before_are_no_fills() -> None:
    """F03: a venue that reports a fill twice, or one that cannot be, changes no report of ours."""
    store = MemoryStore()
    live = LiveJournal(store)
    first = live.fill(0, 5, again=2)
    live.report(codes.FILLED_REPORT, first, 0, 100, 77)  # nothing at a price
    live.report(codes.FILLED_REPORT, first, 3, -1, 78)  # something for less than nothing
    second = live.fill(1, 7)
    live.fill(0, -5, again=1)
    groups = [
        np.frombuffer(frame.payload, "<i8")
        for frame in read_frames(store)
        if frame.kind is FrameKind.WORDS
    ]
    fills = fill_columns(groups)
    assert fills.order.tolist() == [first, second, second + 1]
    assert fills.lots.tolist() == [5, 7, 5]
    joined = fill_columns([np.concatenate(groups)])
    assert joined.lots.tolist() == fills.lots.tolist()
    assert len(fills.lots) == int(live.tables.arrays.account[at.N_FILLS])


def test_no_commits_have_no_fills() -> None:
    assert [len(column) for column in fill_columns([])] == [0] * 12
    assert len(fill_columns([np.zeros(0, np.int64)]).marks) == 0


def test_what_a_live_session_is_told_is_read(tables: Tables[State]) -> None:
    s = tables.views
    outside.apply_price(s, 0, 100, 101, 99, 5)
    outside.apply_tick(s, NOON + 1, 1)
    for field in range(8):
        s.intent[field] = field
    outside.apply_risk(s)
    outside.apply_correlation(s, 0, 0, at.PPM)
    outside.apply_limit(s, 3, 77)
    for field, value in enumerate((0, 0, 6, 1, 1, 50, 90, 0, 10, 123)):
        s.intent[field] = value
    assert outside.apply_adopt(s) == 1
    outside.apply_holding(s, 0, 0, 40, 100, 9)
    price, tick, risk, correlation, limit, adopt, holding = records(tables)
    assert price == PriceRecord(1, 0, 100, 101, 99, 5)
    assert tick == TickRecord(1, NOON + 1, moves_stops=True)
    assert risk == RiskRecord(2, 0, 1, 2, 3, 4, 5, 6, 7)
    assert correlation == CorrelationRecord(2, 0, 0, at.PPM)
    assert limit == LimitRecord(2, 3, 77)
    assert adopt == AdoptRecord(
        2, 0, 0, Purpose.MANUAL, Side.BUY, OrderType.LIMIT, 50, 90, 0, 10, 123
    )
    assert holding == HoldingRecord(2, 0, 0, 40, 100, 9)
    assert s.positions[0, at.QUANTITY] == 40


@pytest.mark.parametrize(
    "act",
    [
        lambda s: outside.apply_price(s, 9, 100, 100, 100, 5),
        lambda s: outside.apply_price(s, 0, 0, 0, 0, 5),
        lambda s: outside.apply_price(s, 0, 100, 99, 98, 5),
        lambda s: outside.apply_correlation(s, 0, 9, 0),
        lambda s: outside.apply_limit(s, 10_000, 1),
        lambda s: outside.apply_holding(s, 0, 0, -1, 100, 0),
        lambda s: outside.apply_holding(s, 0, 0, 1, 0, 0),
        lambda s: outside.apply_holding(s, 5, 0, 1, 100, 0),
    ],
    ids=[
        "no instrument", "no price", "high below last", "no pair", "no limit", "less than nothing",
        "coins for nothing", "no strategy",
    ],
)  # fmt: skip
def test_what_cannot_be_is_recorded_as_illegal_and_changes_nothing(
    tables: Tables[State], act: Callable[[State], None]
) -> None:
    arrays = tables.arrays
    before = arrays.instruments.tolist(), arrays.positions.tolist(), arrays.limits.tolist()
    act(tables.views)
    assert tables.views.account[at.N_ILLEGAL] == 1
    after = arrays.instruments.tolist(), arrays.positions.tolist(), arrays.limits.tolist()
    assert after == before

"""Two runs that differ in one thing: its part alone carries the gap, to the unit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderType, Purpose, Side, TimeInForce
from athena.research.comparison import Part, compare_runs
from athena.trading import Intent, limits
from tests.comparison_builder import HOUR_NS, Asked, Cash, Health, Script, close_of, time_of

if TYPE_CHECKING:
    from athena.research.comparison import Comparison

LOTS = 100


def buy(lots: int = LOTS, **terms: Any) -> Intent:
    return Intent(side=Side.BUY, lots=lots, **terms)


def sell(lots: int = LOTS, **terms: Any) -> Intent:
    return Intent(side=Side.SELL, lots=lots, **terms)


def leave(lots: int = LOTS, side: Side = Side.SELL) -> Intent:
    return Intent(side=side, lots=lots, purpose=Purpose.EXIT)


# In at the open of step 6, out at that of step 15.
TRIP = Script({5: [buy()], 14: [leave()]})


def money(ticks_times_lots: int) -> Decimal:
    return Decimal(ticks_times_lots) / 100


GAIN = money(LOTS * (close_of(14) - close_of(5)))


def parts_of(a: Script, b: Script) -> dict[Part, Decimal]:
    """Compare both ways round, and return the parts that are not zero."""
    found, mirrored = compare(a, b), compare(b, a)
    assert mirrored.gap == -found.gap
    assert mirrored.parts == {part: -amount for part, amount in found.parts.items()}
    return {part: amount for part, amount in found.parts.items() if amount}


def compare(a: Script, b: Script) -> Comparison:
    found = compare_runs(a.run("a"), b.run("b"))
    assert found.residual == 0
    assert sum(found.parts.values()) == found.gap == found.b.profit - found.a.profit
    return found


def test_a_run_against_itself_has_no_gap() -> None:
    found = compare(TRIP, TRIP)
    assert not any(found.parts.values())
    assert (found.n_both, found.n_only_a, found.n_only_b) == (2, 0, 0)
    assert found.largest == []
    assert found.a.profit == GAIN


def test_another_fee_is_fee() -> None:
    dear = replace(TRIP, venue={"taker_fee_bps": Decimal(26)})
    paid = money(LOTS * (close_of(5) + close_of(14))) * Decimal("0.0026")
    assert parts_of(TRIP, dear) == {Part.FEE: -paid}


def test_slippage_is_price() -> None:
    rough = replace(TRIP, venue={"base_cost_bps": Decimal(10)})
    parts = parts_of(TRIP, rough)
    assert list(parts) == [Part.PRICE_LATENCY]
    assert parts[Part.PRICE_LATENCY] < 0


def test_the_same_decision_one_bar_later_is_latency() -> None:
    late = Script({6: [buy()], 14: [leave()]})
    assert parts_of(TRIP, late) == {Part.PRICE_LATENCY: -money(LOTS * (close_of(6) - close_of(5)))}


def test_two_bars_later_is_another_signal() -> None:
    late = Script({7: [buy()], 14: [leave()]})
    assert parts_of(TRIP, late) == {Part.SIGNAL: -money(LOTS * (close_of(7) - close_of(5)))}


def test_a_trade_that_only_one_wants_is_signal_and_its_fee_with_it() -> None:
    fees = {"taker_fee_bps": Decimal(10)}
    more = {**TRIP.acts, 20: [buy(50)], 24: [leave(50)]}
    base, keen = Script(TRIP.acts, venue=fees), Script(more, venue=fees)
    fee = money(50 * (close_of(20) + close_of(24))) * Decimal("0.001")
    expected = money(50 * (close_of(24) - close_of(20))) - fee
    assert parts_of(base, keen) == {Part.SIGNAL: expected}


def test_another_quantity_asked_is_size() -> None:
    big = Script({5: [buy(3 * LOTS)], 14: [leave(3 * LOTS)]})
    assert parts_of(TRIP, big) == {Part.SIZE: 2 * GAIN}


def test_a_limit_that_refuses_is_risk() -> None:
    bound = replace(TRIP, cap_lots=LOTS - 1)
    assert parts_of(TRIP, bound) == {Part.RISK: -GAIN}


def test_what_a_limit_shrinks_is_risk() -> None:
    bound = replace(TRIP, limits={limits.POSITION_PPM: 50_000})  # 49 lots at 100.05 of 100,000
    assert parts_of(TRIP, bound) == {Part.RISK: -GAIN * 51 / 100}


def test_a_position_held_too_long_is_risk() -> None:
    bound = replace(TRIP, limits={limits.HOLDING_NS: 3 * HOUR_NS})
    expected = money(LOTS * (close_of(8) - close_of(14)))
    assert parts_of(TRIP, bound) == {Part.RISK: expected}


def test_an_amount_of_money_that_is_refused_is_risk() -> None:
    amount = Intent(side=Side.BUY, quote_amount=LOTS * close_of(5) * 10**6)
    bought = Script({5: [amount], 14: [leave()]})
    refused = replace(bought, cap_lots=LOTS - 1)
    assert parts_of(bought, refused) == {Part.RISK: -GAIN}


def test_a_position_held_too_long_is_risk_though_a_person_paused_the_bar_before() -> None:
    bound = Script(
        {**TRIP.acts, 7: [Asked("pause")], 8: [Asked("resume")]},
        limits={limits.HOLDING_NS: 3 * HOUR_NS},
    )
    expected = money(LOTS * (close_of(8) - close_of(14)))
    assert parts_of(TRIP, bound) == {Part.RISK: expected}


def test_a_position_that_the_drawdown_limit_closes_is_risk() -> None:
    short = Script({5: [sell()], 14: [leave(side=Side.BUY)]})
    near = {limits.DRAWDOWN_LIMIT_PPM: 20, limits.DRAWDOWN_STOP_PPM: 20}  # 2 of 100,000
    parts = parts_of(short, replace(short, limits=near))
    assert list(parts) == [Part.RISK]
    assert parts[Part.RISK] > 0


def test_an_intent_that_names_nothing_there_is_is_refused_and_left_out() -> None:
    odd = Script({**TRIP.acts, 3: [buy(instrument=7), buy(lots=-5)]})
    assert parts_of(TRIP, odd) == {}


def test_a_stop_that_a_breaker_tightened_is_risk() -> None:
    short = sell(stop_ticks=close_of(5) + 300)
    base = Script({5: [short], 14: [leave(side=Side.BUY)]})
    near = {limits.DAY_LOSS_PPM: 20, limits.DAY_TIGHTEN_PPM: 100}  # 2 of 100,000; one tick
    bound = replace(base, limits=near)
    assert list(parts_of(base, bound)) == [Part.RISK]


def test_what_the_engine_must_know_and_does_not_is_missing_data() -> None:
    down = Script({**TRIP.acts, 4: [Health(1)], 8: [Health(0)]})
    assert parts_of(TRIP, down) == {Part.MISSING_DATA: -GAIN}


def test_an_exit_that_follows_belongs_to_what_opened_the_difference() -> None:
    """The position of A alone is charged once, though its exit is no intent of B."""
    quiet = Script({14: [leave()]})  # refused: nothing to reduce
    found = compare(TRIP, quiet)
    assert {part: x for part, x in found.parts.items() if x} == {Part.SIGNAL: -GAIN}
    assert [(item.ts_ns, item.total) for item in found.largest] == [(time_of(5), -GAIN)]


def test_what_the_venue_left_unfilled_is_partial_fill() -> None:
    at_once = {"time_in_force": TimeInForce.IOC}
    acts = {5: [buy(**at_once)], 14: [leave()]}
    thin = Script(acts, venue={"participation_frac": Decimal("0.004")})  # 40 of 10,000
    assert parts_of(Script(acts), thin) == {Part.PARTIAL_FILL: -GAIN * 60 / 100}


def test_what_a_thin_market_fills_bar_by_bar_is_price() -> None:
    thin = replace(TRIP, venue={"participation_frac": Decimal("0.005")})  # 50 a bar
    moved = 50 * (close_of(15) - close_of(14)) - 50 * (close_of(6) - close_of(5))
    assert parts_of(TRIP, thin) == {Part.PRICE_LATENCY: money(moved)}


def test_a_decision_without_its_bar_is_missing_data() -> None:
    gone = Script({}, missing=frozenset({(0, 5)}))
    assert parts_of(TRIP, gone) == {Part.MISSING_DATA: -GAIN}


def test_a_fill_that_waits_for_a_bar_is_missing_data() -> None:
    gone = replace(TRIP, missing=frozenset({(0, 6)}))
    later = money(LOTS * (close_of(6) - close_of(5)))
    assert parts_of(TRIP, gone) == {Part.MISSING_DATA: -later}


def test_a_run_that_ends_earlier_misses_data() -> None:
    short = replace(TRIP, n_steps=11)
    rest = money(LOTS * (close_of(14) - close_of(10)))
    assert parts_of(TRIP, short) == {Part.MISSING_DATA: -rest}


def test_an_order_that_the_end_of_the_data_leaves_open_is_missing_data() -> None:
    ends = replace(TRIP, n_steps=6)
    assert parts_of(TRIP, ends) == {Part.MISSING_DATA: -GAIN}


def test_a_position_marked_at_another_last_bar_is_missing_data() -> None:
    held = Script({5: [buy()]}, n_steps=20)
    blind = replace(held, missing=frozenset({(0, 19)}))
    moved = money(LOTS * (close_of(19) - close_of(18)))
    assert parts_of(held, blind) == {Part.MISSING_DATA: -moved}


def test_the_same_bars_at_another_price_are_price() -> None:
    """Entry and mark move alike, and cancel within the part: nothing was gained or missed."""
    held = Script({5: [buy()]})
    found = compare(held, replace(held, shift_ticks=7))
    assert found.gap == 0
    assert not any(found.parts.values())


@pytest.mark.parametrize("command", ["kill", "flatten", "close"])
def test_a_position_that_a_person_closes_is_operator(command: str) -> None:
    stopped = Script({5: [buy()], 9: [Asked(command)], 14: [leave()]})
    expected = money(LOTS * (close_of(9) - close_of(14)))
    assert parts_of(TRIP, stopped) == {Part.OPERATOR: expected}


@pytest.mark.parametrize("command", ["pause", "halt", "stop_strategy"])
def test_an_entry_refused_because_a_person_stopped_it_is_operator(command: str) -> None:
    stopped = Script({3: [Asked(command)], 5: [buy()]})
    assert parts_of(TRIP, stopped) == {Part.OPERATOR: -GAIN}


def test_what_a_stopped_strategy_does_not_even_ask_for_is_operator() -> None:
    stopped = Script({3: [Asked("pause")], 20: [Asked("resume")]})
    assert parts_of(TRIP, stopped) == {Part.OPERATOR: -GAIN}


def test_what_is_not_asked_for_after_the_pause_is_signal() -> None:
    resumed = Script({2: [Asked("pause")], 3: [Asked("resume")]})
    assert parts_of(TRIP, resumed) == {Part.SIGNAL: -GAIN}


def test_an_order_that_a_person_cancels_is_operator() -> None:
    limit = close_of(14) - 4  # the next bar reaches it
    waits = buy(type=OrderType.LIMIT, limit_ticks=limit, expires_ns=time_of(28))
    filled = Script({14: [waits], 22: [leave()]})
    cancelled = Script({14: [waits, Asked("cancel_all")], 22: [leave()]})
    expected = -money(LOTS * (close_of(22) - limit))
    assert parts_of(filled, cancelled) == {Part.OPERATOR: expected}


def test_an_order_that_expires_unfilled_is_partial_fill() -> None:
    limit = close_of(20) + 3  # no bar before step 20 reaches it
    soon, late = (
        Script({13: [sell(type=OrderType.LIMIT, limit_ticks=limit, expires_ns=time_of(t))]})
        for t in (16, 28)
    )
    expected = money(LOTS * (limit - close_of(29)))
    assert parts_of(soon, late) == {Part.PARTIAL_FILL: expected}


def test_what_was_shrunk_and_then_cancelled_is_charged_to_each() -> None:
    """The venue fills 40 of the 49 lots that were approved before a person cancels the rest."""
    bound = Script(
        {5: [buy()], 6: [Asked("cancel_all")], 14: [leave()]},
        limits={limits.POSITION_PPM: 50_000},
        venue={"participation_frac": Decimal("0.004")},
    )
    assert parts_of(TRIP, bound) == {
        Part.RISK: -GAIN * 51 / 100,
        Part.OPERATOR: -GAIN * 9 / 100,
    }


def test_a_stop_that_a_person_tightened_is_operator() -> None:
    entry = {"stop_ticks": close_of(5) - 300}
    base = Script({5: [buy(**entry)], 14: [leave()]})
    tight = Script({5: [buy(**entry)], 9: [Asked("tighten", 100)], 14: [leave()]})
    stop = close_of(9) - close_of(9) // 10_000  # 100 ppm below the close
    expected = money(LOTS * (stop - close_of(14)))
    assert parts_of(base, tight) == {Part.OPERATOR: expected}


def test_a_trade_by_hand_is_operator() -> None:
    by_hand = Script({**TRIP.acts, 20: [buy(50, purpose=Purpose.MANUAL)], 24: [leave(50)]})
    expected = money(50 * (close_of(24) - close_of(20)))
    assert parts_of(TRIP, by_hand) == {Part.OPERATOR: expected}


def test_funding_is_funding() -> None:
    charged = Script({**TRIP.acts, 8: [Cash(-123_456_789)]})
    assert parts_of(TRIP, charged) == {Part.FUNDING: Decimal("-1.23456789")}


def test_a_deposit_is_no_gain() -> None:
    richer = Script({**TRIP.acts, 8: [Cash(5 * 10**8, is_transfer=True)]})
    found = compare(TRIP, richer)
    assert found.gap == 0
    assert found.b.transfers == 5
    assert found.b.equity == found.a.equity + 5


def test_another_starting_cash_is_no_gain() -> None:
    found = compare(TRIP, replace(TRIP, cash=Decimal(200_000)))
    assert found.gap == 0
    assert found.b.equity - found.a.equity == 100_000


def test_a_stop_or_a_target_first_is_price() -> None:
    """Both inside the bar of the entry: the same protections act at other prices."""
    acts = {6: [buy(stop_ticks=close_of(6) - 4, target_ticks=close_of(6) + 4)]}
    stop_first, path = Script(acts), Script(acts, venue={"is_path": True})
    assert parts_of(stop_first, path) == {Part.PRICE_LATENCY: money(8 * LOTS)}


def test_a_protection_that_acts_in_one_run_only_is_price() -> None:
    """A's stop takes what B sells by its own exit."""
    near = Script({5: [buy(stop_ticks=close_of(5) - 4)], 14: [leave()]})
    far = Script({5: [buy(stop_ticks=close_of(5) - 300)], 14: [leave()]})
    expected = money(LOTS * (close_of(14) - (close_of(5) - 4)))
    assert parts_of(near, far) == {Part.PRICE_LATENCY: expected}


def test_what_is_stopped_in_the_bar_of_its_entry_is_told_of_the_entry() -> None:
    stopped = Script({5: [buy(stop_ticks=close_of(5) - 4)]})
    found = compare(Script({}), stopped)
    assert found.parts[Part.SIGNAL] == -money(4 * LOTS)
    assert [(item.purpose, item.total) for item in found.largest] == [("entry", -money(4 * LOTS))]


def test_a_short_is_split_like_a_long() -> None:
    short = Script({5: [sell()], 14: [leave(side=Side.BUY)]})
    half = Script({5: [sell(LOTS // 2)], 14: [leave(LOTS // 2, side=Side.BUY)]})
    assert parts_of(half, short) == {Part.SIZE: -GAIN / 2}

"""The risk engine, check by check, with the specification's own numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import Book, OrderType, Purpose, Regime, Side
from athena.trading import Intent, StrategySlot, codes, limits
from athena.trading import layout as at
from tests.core_builder import BTC, HOUR, MINUTE, MONEY, NOON, TEST, Core

BUY = Intent(side=Side.BUY, lots=1, stop_ticks=9_900)  # at 100.00, stop 1 % away
SHORT = Intent(side=Side.SELL, lots=1, stop_ticks=10_100)
EXIT = Intent(side=Side.SELL, lots=1, purpose=Purpose.EXIT)


def at_100(**options: object) -> Core:
    core = Core(**options)  # type: ignore[arg-type]
    core.price(10_000)
    return core


# --- TR-15, TR-16, TR-18 ----------------------------------------------------------------------


def test_the_worked_example_gives_7_thousandths_of_a_bitcoin() -> None:
    """TR-15: base 1,050; x0.75 x0.6 = 472.5; tier cap 315 -> 0.007 BTC."""
    core = Core(instruments=[BTC])
    core.price(4_500_000)
    wish = Intent(
        side=Side.BUY,
        lots=10**8,
        stop_ticks=4_410_000,
        confidence_ppm=800_000,
        regime=Regime.RANGING,
    )
    assert core.verdict(wish) == "approved"
    assert BTC.lots_to_quantity(core.approved) == Decimal("0.007")


def test_without_the_tier_cap_the_same_example_is_sized_by_risk() -> None:
    """TR-15: 472.5 at 45,000 is 0.0105 BTC."""
    core = Core(instruments=[BTC])
    core.price(4_500_000)
    core.s.limits[limits.TIER_2_CAP_PPM] = 10**6
    core.s.limits[limits.POSITION_PPM] = 10**6
    wish = Intent(
        side=Side.BUY,
        lots=10**7,
        stop_ticks=4_410_000,
        confidence_ppm=800_000,
        regime=Regime.RANGING,
    )
    assert core.verdict(wish) == "approved"
    assert BTC.lots_to_quantity(core.approved) == Decimal("0.0105")


def test_leverage_5_in_a_ranging_market_is_judged_at_2() -> None:
    """TR-16."""
    core = at_100()
    wish = replace(BUY, leverage=5, regime=Regime.RANGING)
    assert core.verdict(wish) == "approved"
    assert core.s.verdict[at.APPROVED_LEVERAGE] == 2


def test_exposure_is_the_notional_and_not_the_notional_times_leverage() -> None:
    """TR-16: 20 % of 2,100 at 100 is 4 lots, whatever the leverage."""
    sizes = []
    for leverage in (1, 5):
        core = at_100()
        wish = replace(BUY, lots=100, leverage=leverage, regime=Regime.TRENDING_BULL)
        assert core.verdict(wish) == "approved"
        sizes.append(core.approved)
    assert sizes == [4, 4]


def test_a_position_alone_counts_its_share_of_equity_and_not_of_the_book() -> None:
    """TR-18: one lot of 100 on 2,100; three more fit under 20 %, as 1 of 21 is held."""
    core = at_100()
    core.trade(BUY, 10_000)
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    assert core.verdict(replace(BUY, lots=100, regime=Regime.TRENDING_BULL)) == "approved"
    assert core.approved == 3


@pytest.mark.parametrize(
    ("fall", "leverage"), [("0.04", 5), ("0.05", 3), ("0.10", 2), ("0.15", 1), ("0.19", 1)]
)
def test_a_drawdown_caps_leverage(fall: str, leverage: int) -> None:
    core = at_100()
    core.s.account[at.PEAK] = int(Decimal(2_100 * MONEY) / (1 - Decimal(fall))) + 1
    core.ask(replace(BUY, leverage=5, regime=Regime.TRENDING_BULL))
    assert core.s.verdict[at.APPROVED_LEVERAGE] == leverage


@pytest.mark.parametrize(("losses", "leverage"), [(2, 5), (3, 2), (4, 2), (5, 1)])
def test_losses_in_a_row_cap_leverage(losses: int, leverage: int) -> None:
    core = at_100()
    core.s.account[at.LOSS_STREAK] = losses
    core.ask(replace(BUY, leverage=5, regime=Regime.TRENDING_BULL))
    assert core.s.verdict[at.APPROVED_LEVERAGE] == leverage


# --- C14, C15: validity -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lots": 0}, "invalid_value"),
        ({"lots": -1}, "invalid_value"),
        ({"lots": 10_001}, "size_cap"),
        ({"lots": 2**62}, "invalid_value"),
        ({"leverage": 0}, "leverage"),
        ({"leverage": -2}, "leverage"),
        ({"leverage": 6}, "leverage"),
        ({"type": OrderType.LIMIT}, "invalid_value"),
        ({"type": OrderType.LIMIT, "limit_ticks": -5}, "invalid_value"),
        ({"type": OrderType.LIMIT, "limit_ticks": 2**42 + 1}, "invalid_value"),
        ({"type": OrderType.STOP}, "invalid_value"),
        ({"type": OrderType.TRAILING_STOP}, "invalid_value"),
        ({"stop_ticks": -1}, "invalid_value"),
        ({"confidence_ppm": 1_000_001}, "invalid_value"),
        ({"instrument": 1}, "invalid_value"),
    ],
)
def test_a_bad_number_is_denied_with_its_code_and_no_venue_call(
    change: dict[str, object], code: str
) -> None:
    """C14, C15."""
    core = at_100()
    number = core.ask(replace(BUY, **change))  # type: ignore[arg-type]
    assert core.all_codes == {code}
    assert core.approved == 0
    assert core.effects() == []
    assert core.state(number) == "denied"


def test_a_size_under_the_venues_minimum_is_denied_and_never_rounded_up() -> None:
    """C14."""
    core = Core(instruments=[BTC])
    core.price(4_500_000)
    wish = Intent(side=Side.BUY, lots=9_999, stop_ticks=4_410_000)
    assert core.verdict(wish) == "below_minimum"
    assert core.verdict(replace(wish, lots=10_000)) == "approved"


def test_an_unknown_price_divides_nothing() -> None:
    """C15: entry price 0 -> refused."""
    core = Core()
    assert core.verdict(BUY) == "data_stale"
    assert core.effects() == []


def test_an_exit_of_absurd_size_is_cut_to_the_position() -> None:
    """C14, D06."""
    core = at_100()
    core.trade(BUY, 10_000)
    core.effects()
    core.s.instruments[0, at.MIN_NOTIONAL] = 5 * MONEY
    assert core.verdict(replace(EXIT, lots=2**61)) == "approved"
    assert core.approved == 1


# --- D06: exits -------------------------------------------------------------------------------


def test_closing_a_short_of_3_with_5_buys_3_reduce_only() -> None:
    """D06."""
    core = at_100(cash=Decimal(10_000))
    core.trade(replace(SHORT, lots=3), 10_000)
    number = core.ask(Intent(side=Side.BUY, lots=5, purpose=Purpose.EXIT))
    row = core.row(number)
    assert (core.s.orders[row, at.SIDE], core.s.orders[row, at.LOTS]) == (1, 3)
    assert core.s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY


def test_closing_a_long_that_is_not_there_sends_nothing() -> None:
    """D06."""
    core = at_100()
    assert core.verdict(EXIT) == "reduce_only"
    assert core.effects() == []


def test_exits_that_work_already_are_not_closed_twice() -> None:
    core = at_100()
    core.trade(replace(BUY, lots=3), 10_000)
    core.ask(replace(EXIT, lots=2))
    core.ask(replace(EXIT, lots=5))
    assert core.approved == 1


# --- C16 and health ---------------------------------------------------------------------------


@pytest.mark.parametrize("cash", [0, -500 * MONEY])
def test_no_equity_denies_entries_and_lets_exits_pass(cash: int) -> None:
    """C16."""
    core = at_100()
    core.trade(BUY, 10_000)
    core.s.account[at.CASH] = cash - 100 * MONEY
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    core.ask(BUY)
    assert core.all_codes == {"equity_unknown"}
    assert core.verdict(EXIT) == "approved"


@pytest.mark.parametrize(
    ("age_s", "code"), [(29, "approved"), (30, "equity_unknown"), (31, "equity_unknown")]
)
def test_an_account_snapshot_must_be_under_30_s_old(age_s: int, code: str) -> None:
    """C16: stale."""
    core = at_100()
    core.s.account[at.ACCOUNT_NS] = NOON - age_s * 10**9
    assert core.verdict(BUY) == code


def test_equity_never_confirmed_is_unknown() -> None:
    """C16: missing."""
    core = at_100()
    core.s.account[at.ACCOUNT_NS] = 0
    assert core.verdict(BUY) == "equity_unknown"


def test_equity_is_unknown_while_a_held_instrument_has_no_fresh_price() -> None:
    """C16: a stale price makes the profit unknown, never 0 (section 6)."""
    other = replace(TEST, symbol="OTHER/USDT")
    core = at_100(instruments=[TEST, other], cash=Decimal(10_000))
    core.price(10_000, instrument=1)
    core.trade(replace(BUY, instrument=1), 10_000)
    assert core.verdict(BUY) == "approved"
    core.s.instruments[1, at.LAST_NS] = NOON - 60 * 10**9
    assert core.verdict(BUY) == "equity_unknown"
    core.s.instruments[1, at.LAST] = 0
    assert core.verdict(BUY) == "equity_unknown"


@pytest.mark.parametrize(("age_s", "code"), [(59, "approved"), (60, "data_stale")])
def test_a_quote_must_be_under_60_s_old(age_s: int, code: str) -> None:
    core = at_100()
    core.s.instruments[0, at.LAST_NS] = NOON - age_s * 10**9
    assert core.verdict(BUY) == code


@pytest.mark.parametrize(
    ("bit", "code"),
    [
        (at.HEALTH_VENUE, "venue_down"),
        (at.HEALTH_CLOCK, "clock"),
        (at.HEALTH_UNRECONCILED, "unreconciled"),
    ],
)
def test_ill_health_denies_entries_and_lets_exits_pass(bit: int, code: str) -> None:
    core = at_100()
    core.trade(BUY, 10_000)
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    core.s.account[at.HEALTH] = bit
    assert core.verdict(BUY) == code
    assert core.verdict(EXIT) == "approved"


# --- stop, target, confidence -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (9_949, "approved"),
        (9_950, "approved"),
        (9_951, "stop_distance"),
        (9_500, "approved"),
        (9_499, "stop_distance"),
        (10_000, "stop_distance"),
        (10_001, "stop_distance"),
        (0, "stop_missing"),
    ],
)
def test_a_stop_lies_half_to_five_percent_on_the_losing_side(stop: int, code: str) -> None:
    assert at_100().verdict(replace(BUY, stop_ticks=stop)) == code


def test_a_stop_distance_is_not_rounded_in_the_traders_favour() -> None:
    """0.5 % of 1,001 ticks is 5.005: five ticks are too near."""
    core = Core()
    core.price(1_001)
    assert core.verdict(replace(BUY, stop_ticks=996)) == "stop_distance"
    assert core.verdict(replace(BUY, stop_ticks=995)) == "approved"


def test_the_default_stop_is_the_atr_times_the_regimes_factor_within_the_limits() -> None:
    for atr, expected in ((60, 9_850), (10, 9_950), (900, 9_500)):
        core = at_100()
        core.s.instruments[0, at.ATR] = atr
        core.ask(replace(BUY, stop_ticks=0, regime=Regime.RANGING))
        assert core.s.verdict[at.APPROVED_STOP] == expected


@pytest.mark.parametrize(
    ("target", "code"), [(10_150, "approved"), (10_149, "reward_risk"), (9_990, "reward_risk")]
)
def test_a_target_pays_one_and_a_half_times_the_risk(target: int, code: str) -> None:
    assert at_100().verdict(replace(BUY, target_ticks=target)) == code


@pytest.mark.parametrize(
    ("regime", "losses", "confidence", "code"),
    [
        (Regime.TRENDING_BULL, 0, 600_000, "approved"),
        (Regime.TRENDING_BULL, 0, 599_999, "confidence"),
        (Regime.UNKNOWN, 0, 700_000, "approved"),
        (Regime.UNKNOWN, 0, 699_999, "confidence"),
        (Regime.UNKNOWN, 3, 799_999, "confidence"),
        (Regime.UNKNOWN, 3, 800_000, "approved"),
        (Regime.UNKNOWN, 5, 899_999, "confidence"),
    ],
)
def test_confidence_has_a_floor_and_a_tier(
    regime: Regime, losses: int, confidence: int, code: str
) -> None:
    core = at_100(cash=Decimal(100_000))
    core.s.account[at.LOSS_STREAK] = losses
    wish = replace(BUY, regime=regime, confidence_ppm=confidence)
    assert core.verdict(wish) == code


# --- exposure ---------------------------------------------------------------------------------


def test_a_short_limit_far_under_the_market_is_counted_at_the_market() -> None:
    """It would fill at the market: at its own price a thousand times the size would pass."""
    core = at_100(cash=Decimal(100_000))
    core.s.limits[limits.RISK_PER_TRADE_PPM] = 10**6
    wish = Intent(
        side=Side.SELL, lots=900, type=OrderType.LIMIT, limit_ticks=1_000, stop_ticks=1_010
    )
    assert core.verdict(wish) == "approved"
    assert core.approved * 100 <= 20_000
    assert core.s.orders[core.row(1), at.RESERVE] == 10_000


def test_a_purchase_limit_is_counted_at_its_limit() -> None:
    core = at_100()
    number = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=9_990, stop_ticks=9_900))
    assert core.s.orders[core.row(number), at.RESERVE] == 9_990


@pytest.mark.parametrize("state", ["submitting", "unknown", "open"])
def test_a_working_entry_counts_in_full_until_it_is_known_to_be_gone(state: str) -> None:
    core = at_100()
    wish = replace(BUY, lots=100, regime=Regime.TRENDING_BULL)
    number = core.ask(wish)
    assert core.approved == 4
    if state == "unknown":
        core.report(codes.AMBIGUOUS, number)
    if state == "open":
        core.report(codes.ACCEPTED, number)
    assert core.state(number) == state
    assert core.verdict(wish) == "position"
    if state == "unknown":
        core.report(codes.ABSENT_PROVEN, number)
        assert core.verdict(wish) == "approved"


def test_a_half_filled_entry_counts_once() -> None:
    core = at_100()
    wish = replace(BUY, lots=3, regime=Regime.TRENDING_BULL)
    number = core.ask(wish)
    core.fill(number, 2, 10_000)
    assert core.verdict(replace(wish, lots=100)) == "approved"
    assert core.approved == 1


def test_at_most_5_positions_and_2_of_one_symbol() -> None:
    core = at_100(strategies=[StrategySlot(name) for name in "abc"], cash=Decimal(10_000))
    for strategy in (0, 1):
        core.trade(BUY, 10_000, strategy)
    assert core.verdict(BUY, 2) == "count"
    assert core.verdict(BUY, 0) == "approved"


def test_correlated_instruments_share_40_percent_without_netting() -> None:
    others = [replace(TEST, symbol=f"T{k}/USDT") for k in range(3)]
    core = at_100(instruments=others, cash=Decimal(10_000))
    for k in (1, 2):
        core.price(10_000, instrument=k)
    for a in range(3):
        for b in range(3):
            core.s.correlation[a, b] = 1_000_000 if a == b else -700_000
    bull = {"regime": Regime.TRENDING_BULL, "lots": 100}
    core.ask(replace(BUY, instrument=0, **bull))
    core.ask(replace(SHORT, instrument=1, **bull))
    assert core.approved == 20
    assert core.verdict(replace(BUY, instrument=2, **bull)) == "correlated"
    core.s.correlation[2, 0] = 699_999
    assert core.verdict(replace(BUY, instrument=2, **bull)) == "approved"


# --- the books --------------------------------------------------------------------------------


def holding_core() -> Core:
    core = Core(
        instruments=[BTC],
        strategies=[StrategySlot("t"), StrategySlot("core", Book.CORE)],
        cash=Decimal(10_000),
    )
    core.price(4_500_000)
    return core


REBALANCE = Intent(side=Side.BUY, lots=10**8, purpose=Purpose.REBALANCE, target_ppm=333_300)


def test_a_rebalance_needs_no_stop_and_goes_no_farther_than_its_target() -> None:
    core = holding_core()
    assert core.verdict(REBALANCE, 1) == "approved"
    assert BTC.lots_to_quantity(core.approved) == Decimal("0.07406666")


@pytest.mark.parametrize("purpose", [Purpose.REBALANCE, Purpose.DCA, Purpose.HODL])
def test_no_strategy_of_the_trading_book_picks_the_rules_of_holdings(purpose: Purpose) -> None:
    core = holding_core()
    assert core.verdict(replace(REBALANCE, purpose=purpose), 0) == "invalid_value"


@pytest.mark.parametrize("purpose", [Purpose.ENTRY, Purpose.MANUAL])
def test_the_core_book_makes_no_entries(purpose: Purpose) -> None:
    """Its positions do not count under the trading limits, so entries there had none."""
    core = holding_core()
    wish = Intent(side=Side.BUY, lots=10_000, stop_ticks=4_410_000, purpose=purpose)
    assert core.verdict(wish, 1) == "invalid_value"
    assert core.verdict(wish, 0) == "approved"


def test_a_rebalance_waits_for_a_trade_in_the_same_asset() -> None:
    """TR-21."""
    core = holding_core()
    trade = core.ask(Intent(side=Side.BUY, lots=10_000, stop_ticks=4_410_000))
    assert core.verdict(REBALANCE, 1) == "cooldown"
    core.report(codes.REFUSED, trade)
    assert core.verdict(REBALANCE, 1) == "approved"


def test_a_rebalance_is_refused_while_a_breaker_is_active() -> None:
    core = holding_core()
    core.s.account[at.HALT] = at.HALT_DAY
    assert core.verdict(REBALANCE, 1) == "breaker"


@pytest.mark.parametrize("purpose", [Purpose.DCA, Purpose.HODL])
def test_dca_and_hodl_purchases_need_cash_price_and_no_stop(purpose: Purpose) -> None:
    core = holding_core()
    wish = Intent(side=Side.BUY, lots=0, quote_amount=100 * MONEY, purpose=purpose)
    assert core.verdict(wish, 1) == "approved"
    assert BTC.lots_to_quantity(core.approved) == Decimal("0.00222222")
    assert core.verdict(replace(wish, leverage=2), 1) == "leverage"
    core.s.account[at.HALT] = at.HALT_OPERATOR
    assert core.verdict(wish, 1) == "halted"


def test_holdings_count_under_the_leverage_of_all_books() -> None:
    core = holding_core()
    core.s.limits[limits.ACCOUNT_LEVERAGE_PPM] = 100_000
    core.ask(REBALANCE, 1)
    assert BTC.lots_to_quantity(core.approved) == Decimal("0.02222222")


def test_a_spot_sale_beyond_the_holding_is_denied() -> None:
    """TR-14: spot."""
    core = holding_core()
    core.trade(replace(REBALANCE, lots=3_000_000), 4_500_000, 1)
    sale = replace(REBALANCE, side=Side.SELL, target_ppm=0)
    assert core.verdict(replace(sale, lots=5_000_000), 1) == "invalid_value"
    assert core.verdict(replace(sale, lots=3_000_000), 1) == "approved"
    assert core.verdict(replace(sale, lots=10_000), 1) == "invalid_value"


# --- duplicates, rate, windows ----------------------------------------------------------------


def test_an_intent_key_is_judged_once() -> None:
    core = at_100()
    assert core.verdict(replace(BUY, key=7)) == "approved"
    assert core.verdict(replace(BUY, key=7)) == "duplicate_intent"
    assert core.verdict(replace(BUY, key=8)) != "duplicate_intent"


def test_a_denied_intent_is_remembered_too() -> None:
    core = at_100()
    core.ask(replace(BUY, key=7, stop_ticks=9_999))
    core.ask(replace(BUY, key=7))
    assert core.all_codes == {"duplicate_intent"}


def test_keys_are_kept_in_a_ring_of_1024() -> None:
    core = at_100()
    for key in range(1, 1_025):
        core.ask(replace(BUY, key=key, leverage=0))
        core.s.account[at.N_WORDS] = 0
    core.ask(replace(BUY, key=1, leverage=0))
    assert "duplicate_intent" in core.all_codes
    core.ask(replace(BUY, key=1_025, leverage=0))
    core.ask(replace(BUY, key=1, leverage=0))
    assert "duplicate_intent" not in core.all_codes


def test_five_orders_at_once_then_one_every_two_seconds() -> None:
    core = at_100(cash=Decimal(100_000))
    wish = replace(BUY, regime=Regime.TRENDING_BULL)
    assert [core.verdict(wish) for _ in range(6)] == ["approved"] * 5 + ["order_rate"]
    core.price(10_000, NOON + 1_999 * 10**6)
    assert core.verdict(wish) == "order_rate"
    core.price(10_000, NOON + 2_000 * 10**6)
    assert [core.verdict(wish) for _ in range(2)] == ["approved", "order_rate"]


def test_exits_are_not_limited_by_the_order_rate() -> None:
    core = at_100()
    core.trade(BUY, 10_000)
    core.s.account[at.RATE_TOKENS] = 0
    assert core.verdict(EXIT) == "approved"


@pytest.mark.parametrize(
    ("hour", "minute", "code"),
    [(21, 59, "approved"), (22, 0, "window_closed"), (1, 59, "window_closed"), (2, 0, "approved")],
)
def test_the_no_entry_window_runs_over_midnight(hour: int, minute: int, code: str) -> None:
    midnight = NOON - 12 * HOUR
    core = Core(start_ns=midnight)
    core.s.limits[limits.WINDOW_START_NS] = 22 * HOUR
    core.s.limits[limits.WINDOW_END_NS] = 2 * HOUR
    core.price(10_000, midnight + hour * HOUR + minute * MINUTE)
    assert core.verdict(BUY) == code


def test_all_failures_are_listed_and_the_first_decides() -> None:
    core = at_100()
    core.s.account[at.HALT] = at.HALT_DAY
    core.s.account[at.HEALTH] = at.HEALTH_CLOCK
    assert core.verdict(replace(BUY, stop_ticks=9_999, confidence_ppm=0)) == "breaker"
    assert core.all_codes >= {"breaker", "stop_distance", "confidence", "clock"}


def test_the_proceeds_of_a_short_buy_no_holding() -> None:
    core = Core(
        instruments=[TEST, BTC],
        strategies=[StrategySlot("t"), StrategySlot("core", Book.CORE)],
        cash=Decimal(10_000),
    )
    core.price(10_000)
    core.price(4_500_000, instrument=1)
    core.trade(replace(SHORT, lots=10, regime=Regime.TRENDING_BULL), 10_000)
    assert core.get(at.CASH) == 11_000 * MONEY
    core.ask(replace(REBALANCE, instrument=1, target_ppm=10**6), 1)
    assert core.approved == 10_000 * 10**8 * 100 * 10**6 // (4_500_000 * 1_009_600)

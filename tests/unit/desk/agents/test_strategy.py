"""The strategy agent: signals by their formulas, a choice by regime, proposals on whole ticks."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from athena.desk.agents import (
    SIGNALS,
    Opinion,
    PairSettings,
    SignalSettings,
    StrategyInputs,
    StrategyName,
    StrategyRule,
    StrategySettings,
    ValuationSettings,
    Window,
    choose_strategy,
    dickey_fuller,
    measure_spread,
    suggested_size_frac,
    tag_valuation,
)
from athena.desk.agents._pairs import pair_signal
from athena.desk.contract import Proposal
from athena.desk.inputs import AccountView, Fundamentals, Snapshot
from athena.domain import HOUR_NS, Action, Regime
from athena.errors import CoreError
from tests.desk_builder import account_of, context_of, held, instrument_of, snapshot_of, walk

SETTINGS = SignalSettings()
MOMENTUM = SIGNALS[StrategyName.MOMENTUM]
REVERSION = SIGNALS[StrategyName.MEAN_REVERSION]
BREAKOUT = SIGNALS[StrategyName.BREAKOUT]


def window_of(closes: Any, *, squeezed: tuple[int, ...] = (), atr: float = 1.0) -> Window:
    close = np.asarray(closes, dtype=np.float64)
    squeeze = np.zeros(len(close))
    squeeze[list(squeezed)] = 1.0
    return Window(close + 0.5, close - 0.5, close, squeeze, atr)


@pytest.mark.parametrize(
    ("last", "side", "strength"),
    [(101.9, 0, 0.0), (103.0, 1, 0.3), (97.0, -1, 0.3), (115.0, 1, 1.0)],
)
def test_momentum_follows_a_move_of_more_than_two_percent(
    last: float, side: int, strength: float
) -> None:
    signal = MOMENTUM(window_of([100.0] * 20 + [last]), SETTINGS)
    assert (signal.side, signal.strength) == (side, pytest.approx(strength))
    if side:
        assert signal.stop == pytest.approx(last * (1 - side * 0.02))
        assert signal.target == pytest.approx(last * (1 + side * 0.05))


def test_momentum_needs_twenty_one_closes() -> None:
    assert MOMENTUM(window_of([*[100.0] * 19, 110.0]), SETTINGS).side == 0


def test_mean_reversion_goes_back_to_the_mean() -> None:
    closes = [100.0, 101.0] * 9 + [100.5, 104.0]
    mean, deviation = float(np.mean(closes)), float(np.std(closes))
    z = (104.0 - mean) / deviation
    signal = REVERSION(window_of(closes), SETTINGS)
    assert z > 2
    assert (signal.side, signal.strength) == (-1, 1.0)
    assert signal.stop == pytest.approx(104.0 * 1.03)
    assert signal.target == pytest.approx(mean)
    mirrored = REVERSION(window_of([200.0 - close for close in closes]), SETTINGS)
    assert mirrored.side == 1


@pytest.mark.parametrize("closes", [[100.0] * 20, [100.0, 101.0] * 10, [100.0] * 19])
def test_mean_reversion_needs_a_distance(closes: list[float]) -> None:
    assert REVERSION(window_of(closes), SETTINGS).side == 0


def test_a_breakout_leaves_the_range_after_a_squeeze() -> None:
    closes = [100.0] * 25 + [101.3]
    signal = BREAKOUT(window_of(closes, squeezed=(22,), atr=2.0), SETTINGS)
    assert (signal.side, signal.strength) == (1, pytest.approx(0.8 / 2.0))
    assert signal.stop == pytest.approx(101.3 - 4.0)
    assert signal.target == pytest.approx(101.3 + 12.0)
    down = BREAKOUT(window_of([100.0] * 25 + [90.0], squeezed=(24,), atr=2.0), SETTINGS)
    assert (down.side, down.strength) == (-1, 1.0)
    assert down.stop == pytest.approx(94.0)


@pytest.mark.parametrize(
    ("closes", "squeezed", "atr"),
    [
        ([100.0] * 25 + [101.3], (), 2.0),
        ([100.0] * 25 + [101.3], (19,), 2.0),
        ([100.0] * 25 + [101.3], (25,), 2.0),
        ([100.0] * 25 + [100.5], (22,), 2.0),
        ([100.0] * 25 + [101.3], (22,), math.nan),
        ([100.0] * 19 + [101.3], (18,), 2.0),
    ],
    ids=["no squeeze", "long ago", "only now", "at the edge", "no ATR", "too few bars"],
)
def test_a_breakout_needs_squeeze_range_and_atr(
    closes: list[float], squeezed: tuple[int, ...], atr: float
) -> None:
    assert BREAKOUT(window_of(closes, squeezed=squeezed, atr=atr), SETTINGS).side == 0


def pair(seed: int, *, last: float = 0.0) -> tuple[Any, Any]:
    """Draw two prices whose spread comes back, and push the newest spread away."""
    rng = np.random.default_rng(seed)
    x = math.log(100.0) + np.cumsum(rng.normal(0, 0.01, 60))
    spread = rng.normal(0, 0.002, 60)
    spread[-1] = last
    return np.exp(0.5 + 0.8 * x + spread), np.exp(x)


def test_a_pair_is_traded_when_its_spread_is_far_and_comes_back() -> None:
    first, second = pair(3, last=0.007)
    spread = measure_spread(first, second)
    assert spread is not None
    assert spread.is_cointegrated
    signal = pair_signal(first, second, PairSettings())
    assert 2 < spread.z < 4
    assert (signal.side, signal.strength) == (-1, pytest.approx(min(spread.z / 3, 1)))

    def z_at(price: float) -> float:
        """The spread at that price of the first leg, by the line that was found."""
        residual = math.log(price) - spread.level - spread.slope * math.log(second[-1])
        return residual / spread.deviation

    assert z_at(signal.stop) == pytest.approx(4.0)
    assert z_at(signal.target) == pytest.approx(0.5)
    assert pair_signal(*pair(3, last=-0.007), PairSettings()).side == 1


@pytest.mark.parametrize("last", [0.001, 0.012, 0.05])
def test_a_spread_that_is_near_or_beyond_its_stop_is_left_alone(last: float) -> None:
    """At 0.012 the two are a pair still, and its spread stands at 4.5 deviations."""
    assert pair_signal(*pair(3, last=last), PairSettings()).side == 0


def test_two_walks_are_rarely_taken_for_a_pair() -> None:
    """The test holds its size: 5 % of pairs of independent walks, by 1,000 draws."""
    rng = np.random.default_rng(5)
    n_found = 0
    for _ in range(1_000):
        x, y = np.exp(np.cumsum(rng.normal(0, 0.01, (2, 60)), axis=1))
        spread = measure_spread(x, y)
        assert spread is not None
        n_found += spread.is_cointegrated
    assert 25 <= n_found <= 80


def test_series_without_noise_are_no_pair() -> None:
    line = np.linspace(1.0, 2.0, 60)
    assert measure_spread(line, line) is None
    assert measure_spread(line, np.ones(60)) is None
    assert dickey_fuller(np.zeros(10)) == 0.0
    assert pair_signal(line[:59], line[:59], PairSettings()).side == 0


def test_the_statistic_is_that_of_least_squares() -> None:
    values = np.random.default_rng(1).normal(size=50)
    steps = np.diff(values)
    design = np.column_stack((values[1:-1], steps[:-1]))
    found, *_ = np.linalg.lstsq(design, steps[1:], rcond=None)
    noise = steps[1:] - design @ found
    variance = float(noise @ noise) / (len(noise) - 2)
    error = math.sqrt(variance * float(np.linalg.inv(design.T @ design)[0, 0]))
    assert dickey_fuller(values) == pytest.approx(float(found[0]) / error)


@pytest.mark.parametrize(
    ("regime", "trend", "has_pair", "name"),
    [
        (Regime.TRENDING_BULL, 0.71, False, StrategyName.MOMENTUM),
        (Regime.TRENDING_BEAR, -0.71, False, StrategyName.MOMENTUM),
        (Regime.TRENDING_BULL, 0.7, False, StrategyName.BREAKOUT),
        (Regime.RANGING, 0.9, False, StrategyName.MEAN_REVERSION),
        (Regime.VOLATILE_BULL, 0.9, False, None),
        (Regime.VOLATILE_BEAR, 0.9, True, StrategyName.PAIRS),
        (Regime.CHOPPY, 0.9, True, None),
        (Regime.BREAKOUT_POTENTIAL, 0.1, False, StrategyName.MOMENTUM),
        (Regime.UNKNOWN, 0.1, False, StrategyName.MOMENTUM),
    ],
)
def test_the_regime_chooses(
    regime: Regime, trend: float, has_pair: bool, name: StrategyName | None
) -> None:
    found = choose_strategy(regime, trend, has_pair=has_pair, settings=StrategySettings())
    assert found is name


def test_a_strategy_without_a_signal_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """DK-12."""
    monkeypatch.delitem(SIGNALS, StrategyName.BREAKOUT)
    with pytest.raises(CoreError, match="none for breakout"):
        StrategyRule("strategy")


@pytest.mark.parametrize(
    ("volatility", "strength", "size"),
    [
        (0.02, 0.1, 0.1),
        (0.02, 1.0, 0.2),
        (0.2, 1.0, 0.1),
        (0.0, 1.0, 0.0),
        (math.nan, 1.0, 0.0),
        (math.inf, 1.0, 0.0),
    ],
)
def test_the_suggested_size_falls_with_volatility(
    volatility: float, strength: float, size: float
) -> None:
    assert suggested_size_frac(volatility, strength) == pytest.approx(size)


UP = [40_000.0] * 100 + [40_000.0 + 80.0 * k for k in range(1, 21)]  # 4 % in 20 bars


def decide(snapshot: Snapshot, **more: Any) -> Opinion:
    given: dict[str, Any] = {
        "regime": Regime.TRENDING_BULL,
        "trend_strength": 0.9,
        "account": account_of(),
        **more,
    }
    inputs = StrategyInputs(snapshot=snapshot, **given)
    return StrategyRule("strategy").judge(context_of(inputs, as_of_ns=snapshot.as_of_ns))


def proposal_of(said: Opinion) -> Proposal:
    assert isinstance(said.detail, Proposal)
    return said.detail


def test_an_entry_is_proposed_on_whole_ticks() -> None:
    snapshot = snapshot_of(UP)
    said = decide(snapshot)
    found = proposal_of(said)
    assert (said.action, said.label, said.confidence) == (
        Action.BUY,
        "momentum",
        pytest.approx(0.4),
    )
    assert found.id == f"strategy/BTC/USDT/{snapshot.as_of_ns}"
    assert found.entry_price == Decimal("41600.00")
    assert found.stop_price == Decimal("40768.00")
    assert found.target_price == Decimal("43680.00")
    assert found.size_frac == 0.2
    assert found.regime is Regime.TRENDING_BULL


def test_stops_move_away_from_the_entry_and_targets_towards_it() -> None:
    instrument = replace(instrument_of(is_margin=True), tick=Decimal(100))
    up = proposal_of(decide(snapshot_of(UP, instrument=instrument)))
    assert (up.stop_price, up.target_price) == (Decimal(40_700), Decimal(43_600))
    down = decide(snapshot_of(UP[:100] + [80_000.0 - c for c in UP[100:]], instrument=instrument))
    found = proposal_of(down)
    assert down.action is Action.SELL
    assert found.entry_price == Decimal(38_400)
    assert (found.stop_price, found.target_price) == (Decimal(39_200), Decimal(36_500))


def test_a_tick_that_is_too_coarse_holds() -> None:
    coarse = replace(instrument_of(), tick=Decimal(10_000))
    said = decide(snapshot_of([*UP[:100], *[50_000.0] * 20], instrument=coarse))
    assert said.action is Action.HOLD
    assert said.reasons == ("momentum: stop or target is within a tick",)


@pytest.mark.parametrize(
    ("quantity", "is_up", "is_margin", "action"),
    [
        ("0", False, False, Action.HOLD),
        ("0", False, True, Action.SELL),
        ("1", False, False, Action.CLOSE_LONG),
        ("-1", False, True, Action.HOLD),
        ("1", True, False, Action.HOLD),
        ("-1", True, True, Action.CLOSE_SHORT),
    ],
)
def test_what_is_held_decides_what_a_signal_means(
    quantity: str, is_up: bool, is_margin: bool, action: Action
) -> None:
    closes = UP if is_up else [*UP[:100], *(80_000.0 - close for close in UP[100:])]
    snapshot = snapshot_of(closes, instrument=instrument_of(is_margin=is_margin))
    account = account_of(held("BTC/USDT", quantity, quantity)) if quantity != "0" else account_of()
    said = decide(snapshot, account=account)
    assert said.action is action
    if action is Action.CLOSE_LONG:
        assert proposal_of(said).stop_price is None
        assert proposal_of(said).size_frac == 0.0
    if action is Action.HOLD:
        assert said.detail is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"account": None}, "the positions are not known"),
        ({"regime": Regime.CHOPPY}, "no strategy for a choppy market"),
        ({"regime": Regime.RANGING}, "mean_reversion sees no entry"),
        ({"regime": Regime.VOLATILE_BULL}, "no strategy for a volatile_bull market"),
    ],
)
def test_without_a_reason_to_trade_it_holds(more: dict[str, Any], reason: str) -> None:
    closes = walk(120, 2, deviation=0.0) if "mean" in reason else UP
    said = decide(snapshot_of(closes), **more)
    assert (said.action, said.confidence, said.reasons) == (Action.HOLD, 0.0, (reason,))


def test_unusable_bars_hold() -> None:
    said = decide(snapshot_of(UP, late_ns=3 * HOUR_NS))
    assert said.action is Action.HOLD
    assert said.reasons[0] == "the bars cannot be used"


def pair_of(last: float, *, is_margin: bool) -> tuple[Snapshot, Snapshot]:
    first, second = pair(3, last=last)
    legs = zip(("BTC/USDT", "ETH/USDT"), (first * 100, second * 100), strict=True)
    one, two = (
        snapshot_of(closes.tolist(), instrument=instrument_of(symbol, is_margin=is_margin))
        for symbol, closes in legs
    )
    return one, two


def test_a_pair_names_its_other_leg() -> None:
    one, two = pair_of(0.007, is_margin=True)
    said = decide(one, regime=Regime.VOLATILE_BULL, pair=two)
    assert (said.action, said.label) == (Action.SELL, "pairs")
    assert proposal_of(said).hedge_symbol == "ETH/USDT"


def test_a_pair_on_spot_or_on_other_bars_is_none() -> None:
    one, two = pair_of(0.007, is_margin=False)
    assert decide(one, regime=Regime.VOLATILE_BULL, pair=two).label == "none"
    one, two = pair_of(0.007, is_margin=True)
    shifted = replace(two.working, ts_ns=two.working.ts_ns + HOUR_NS)
    moved = replace(two, frames=(shifted, *two.frames[1:]))
    assert decide(one, regime=Regime.VOLATILE_BULL, pair=moved).action is Action.HOLD


BOOKS = Fundamentals(known_at_ns=1, source="x")


@pytest.mark.parametrize(
    ("books", "tag", "remarks", "factor"),
    [
        (BOOKS, "fair", (), 1.0),
        (replace(BOOKS, price_earnings=14.9), "cheap", (), 1.1),
        (replace(BOOKS, price_earnings=-3.0), "fair", (), 1.0),
        (replace(BOOKS, price_earnings=41.0), "expensive", (), 0.8),
        (
            replace(BOOKS, price_earnings=20.0, forward_price_earnings=15.9),
            "fair",
            ("earnings improving",),
            1.0,
        ),
        (
            replace(BOOKS, revenue_growth=0.11, profit_margin=0.21),
            "fair",
            ("revenue growing", "margin wide"),
            1.0,
        ),
        (replace(BOOKS, revenue_growth=-0.06), "fair", ("revenue shrinking",), 1.0),
        (
            replace(BOOKS, high_52w=143.0, low_52w=66.0),
            "fair",
            ("far below its high", "far above its low"),
            1.0,
        ),
    ],
)
def test_a_share_is_tagged_by_its_books(
    books: Fundamentals, tag: str, remarks: tuple[str, ...], factor: float
) -> None:
    found = tag_valuation(books, 100.0, ValuationSettings())
    assert (found.tag, found.remarks, found.buy_factor) == (tag, remarks, factor)


def test_the_valuation_scales_purchases_only() -> None:
    dear = replace(BOOKS, price_earnings=50.0)
    said = decide(snapshot_of(UP), fundamentals=dear)
    assert said.confidence == pytest.approx(0.4 * 0.8)
    assert "valuation expensive: strength x0.8" in said.reasons
    account: AccountView = account_of(held("BTC/USDT", "1", "40000"))
    down = [*UP[:100], *(80_000.0 - close for close in UP[100:])]
    assert decide(snapshot_of(down), account=account, fundamentals=dear).confidence == (
        pytest.approx(0.4)
    )


def test_the_same_inputs_give_the_same_proposal() -> None:
    snapshot = snapshot_of(UP)
    assert decide(snapshot) == decide(snapshot)

"""The technical analyst: indicators, patterns that override them, levels, confidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from athena.desk.agents import (
    Pattern,
    PatternRules,
    Swings,
    TechnicalRule,
    TechnicalSettings,
    find_patterns,
    find_swings,
    momentum,
    technical_agent,
    trend_strength,
    volatility_band,
)
from athena.desk.contract import Context, TechnicalView
from athena.desk.inputs import ClosedBar, Grade, Quality, Snapshot
from athena.domain import HOUR_NS, Action
from tests.desk_builder import (
    Outbox,
    bars_of,
    context_of,
    feed_of,
    snapshot_of,
    walk,
    with_values,
)

RULES = PatternRules()


def judge(snapshot: Snapshot) -> tuple[Action, float, tuple[str, ...]]:
    said = TechnicalRule().judge(context_of(snapshot))
    return said.action, min(said.confidence, said.confidence_cap), said.reasons


def bars_with(highs: dict[int, float], lows: dict[int, float], n: int = 120) -> list[ClosedBar]:
    """Make flat bars around 100 with some extremes, alternating so that nothing else swings."""
    bars = bars_of([100.0] * n)
    for k, bar in enumerate(bars):
        bars[k] = bar._replace(
            high=round(highs.get(k, 100.2) * 100), low=round(lows.get(k, 99.8) * 100)
        )
    return bars


def with_patterns(highs: dict[int, float], lows: dict[int, float]) -> Snapshot:
    bars = bars_with(highs, lows)
    return feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)


DOUBLE_BOTTOM = {60: 97.0, 90: 97.5}
DOUBLE_TOP = {75: 103.0, 95: 103.2}


def test_a_high_rsi_without_a_pattern_sells() -> None:
    """DK-31."""
    snapshot = with_values(with_patterns({}, {}), {"rsi_14": 75.0})
    action, _, reasons = judge(snapshot)
    assert (action, reasons) == (Action.SELL, ("RSI 75.0 is above 70",))


def test_a_double_bottom_overrides_a_high_rsi() -> None:
    """DK-31."""
    snapshot = with_values(with_patterns({}, DOUBLE_BOTTOM), {"rsi_14": 75.0})
    action, _, reasons = judge(snapshot)
    assert (action, reasons) == (Action.BUY, ("double_bottom: buy",))


def test_patterns_that_contradict_each_other_cancel() -> None:
    """DK-31: a double bottom and a double top together leave the indicator's action."""
    snapshot = with_values(with_patterns(DOUBLE_TOP, DOUBLE_BOTTOM), {"rsi_14": 75.0})
    action, _, reasons = judge(snapshot)
    assert action is Action.SELL
    assert reasons[0] == "double_bottom, double_top contradict each other"


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({"rsi_14": 29.0, "macd_histogram": -1.0}, Action.BUY),
        ({"rsi_14": 30.0, "macd_histogram": -1.0}, Action.SELL),
        ({"rsi_14": 70.0, "macd_histogram": 1.0}, Action.BUY),
        ({"rsi_14": 50.0, "macd_histogram": 0.0}, Action.HOLD),
    ],
)
def test_indicators_decide_in_order(values: dict[str, float], action: Action) -> None:
    assert judge(with_values(with_patterns({}, {}), values))[0] is action


def test_a_swing_counts_only_when_five_later_bars_have_closed() -> None:
    """DK-32: a low 3 bars ago is none yet; after 2 more it is."""
    low = np.full(60, 99.0)
    low[56] = 95.0
    high = low + 2.0
    for n_closed in range(57, 62):
        assert find_swings(high[:n_closed], low[:n_closed], 5).lows == ()
    low = np.append(low, [99.0] * 2)
    assert find_swings(low + 2.0, low, 5).lows == (95.0,)
    assert find_swings(low[:61] + 2.0, low[:61], 5).lows == ()


def test_swings_found_on_a_prefix_stay() -> None:
    """D02: what follows adds swings and takes none away."""
    rng = np.random.default_rng(1)
    close = 100 + np.cumsum(rng.normal(size=300))
    whole = find_swings(close + 1, close - 1, 5)
    for n in range(20, 300, 7):
        part = find_swings(close[:n] + 1, close[:n] - 1, 5)
        assert part.highs == whole.highs[: len(part.highs)]
        assert part.lows == whole.lows[: len(part.lows)]


def test_an_equal_neighbour_makes_no_swing() -> None:
    high = np.array([1.0] * 5 + [2.0, 2.0] + [1.0] * 6)
    assert find_swings(high, high - 0.5, 5).highs == ()


def flat(n: int, value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.full(n, value)


STEEP = np.linspace(60.0, 140.0, 40)  # no side is flat
NO_SWINGS = Swings((), ())


@pytest.mark.parametrize(
    ("swings", "found"),
    [
        (Swings((100.0, 102.0), ()), {Pattern.DOUBLE_TOP}),
        (Swings((100.0, 102.1), ()), set()),
        (Swings((), (100.0, 98.0)), {Pattern.DOUBLE_BOTTOM}),
        (Swings((100.0, 110.0, 104.0), ()), {Pattern.HEAD_AND_SHOULDERS}),
        (Swings((100.0, 110.0, 106.0), ()), set()),
        (Swings((100.0, 99.0, 96.0), ()), set()),
        (Swings((), (100.0, 90.0, 97.0)), {Pattern.INVERSE_HEAD_AND_SHOULDERS}),
        (Swings((100.0,), (50.0,)), set()),
    ],
)
def test_swings_make_patterns(swings: Swings, found: set[Pattern]) -> None:
    assert set(find_patterns(STEEP, STEEP - 1.0, swings, RULES)) == found


def test_head_and_shoulders_need_thirty_bars() -> None:
    swings = Swings((100.0, 110.0, 104.0), ())
    assert find_patterns(STEEP[:29], STEEP[:29] - 1.0, swings, RULES) == ()


def test_triangles_have_one_flat_side() -> None:
    rising, falling = np.linspace(90.0, 99.0, 20), np.linspace(110.0, 101.0, 20)
    level = flat(20, 100.0)
    assert find_patterns(level, rising, NO_SWINGS, RULES) == (Pattern.ASCENDING_TRIANGLE,)
    assert find_patterns(falling, level, NO_SWINGS, RULES) == (Pattern.DESCENDING_TRIANGLE,)
    assert find_patterns(level[1:], rising[1:], NO_SWINGS, RULES) == ()


def test_a_quiet_trend_is_no_triangle() -> None:
    """Both sides of a channel are flat by variance; only one may be flat by slope."""
    low = np.linspace(99.0, 101.0, 20)
    assert find_patterns(low + 1.0, low, NO_SWINGS, RULES) == ()
    loose = replace(RULES, flat_slope=1.0)
    assert Pattern.ASCENDING_TRIANGLE in find_patterns(low + 1.0, low, NO_SWINGS, loose)


def test_fewer_than_fifty_closes_hold_with_the_reason() -> None:
    """A16."""
    action, confidence, reasons = judge(snapshot_of(walk(49, 1)))
    assert (action, confidence, reasons) == (Action.HOLD, 0.0, ("49 closes, expected 50",))


def test_unusable_bars_hold() -> None:
    """DK-30."""
    action, confidence, reasons = judge(snapshot_of(walk(60, 1), late_ns=3 * HOUR_NS))
    assert (action, confidence) == (Action.HOLD, 0.0)
    assert "late" in reasons[1]


@pytest.mark.parametrize(
    ("n", "missing", "confidence"),
    [(50, (), 0.7), (99, (), 0.7), (100, (), 0.8), (120, (), 0.8), (120, ("macd",), 0.7)],
)
def test_confidence_counts_bars_and_indicators(
    n: int, missing: tuple[str, ...], confidence: float
) -> None:
    bars = bars_with({}, {}, n)
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    snapshot = with_values(snapshot, dict.fromkeys(missing))
    assert judge(snapshot)[1] == pytest.approx(confidence)


def test_each_agreeing_pattern_adds_a_tenth_up_to_two() -> None:
    assert judge(with_patterns({}, DOUBLE_BOTTOM))[1] == pytest.approx(0.9)
    shoulders = {40: 97.5, 70: 97.0, 95: 97.4}
    snapshot = with_patterns({}, shoulders)
    assert judge(snapshot)[1] == pytest.approx(1.0)
    settings = TechnicalSettings(pattern_bonus_max=0.05)
    said = TechnicalRule(settings).judge(context_of(snapshot))
    assert said.confidence == pytest.approx(0.85)


def test_degraded_bars_cap_the_confidence() -> None:
    snapshot = snapshot_of(walk(120, 3))
    weak = Quality(Grade.DEGRADED, ("9 bars are missing",))
    frames = tuple(replace(frame, quality=weak) for frame in snapshot.frames)
    action, confidence, reasons = judge(replace(snapshot, frames=frames))
    assert action is not Action.HOLD
    assert confidence == 0.25
    assert "9 bars are missing" in reasons


class Learned:
    """A calibration that knows the answer."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def calibrated(self, agent: str, confidence: float) -> float | None:
        assert (agent, confidence) == ("technical", pytest.approx(0.8))
        return self.value


@pytest.mark.parametrize(("learned", "confidence"), [(0.55, 0.55), (None, 0.8)])
def test_the_confidence_is_replaced_once_outcomes_teach_another(
    learned: float | None, confidence: float
) -> None:
    """Both are kept."""
    agent = technical_agent(Outbox(), calibration=Learned(learned))
    thought = agent.think(context_of(with_patterns({}, {})))
    assert thought.output is not None
    assert thought.output.confidence == pytest.approx(confidence)
    assert thought.output.raw_confidence == pytest.approx(0.8)


def test_no_opinion_is_not_calibrated_into_one() -> None:
    agent = technical_agent(Outbox(), calibration=Learned(0.55))
    thought = agent.think(context_of(snapshot_of(walk(20, 1))))
    assert thought.output is not None
    assert thought.output.confidence == 0.0


@pytest.mark.parametrize(
    ("deviation", "band"), [(0.0, "low"), (0.0099, "low"), (0.02, "normal"), (0.031, "high")]
)
def test_the_volatility_band_is_deviation_over_mean(deviation: float, band: str) -> None:
    close = np.concatenate((np.full(50, 7.0), 100.0 * (1 + deviation * np.tile([-1.0, 1.0], 10))))
    assert volatility_band(close, TechnicalSettings()) == band


def test_momentum_is_a_mean_of_clamped_parts() -> None:
    settings = TechnicalSettings()
    values = {"rsi_14": 75.0, "macd_histogram": -1.0, "atr_14": 4.0, "roc_10": 12.0}
    assert momentum(values, settings) == pytest.approx((0.5 - 0.25 + 1.0) / 3)
    assert momentum({"roc_10": -2.5}, settings) == pytest.approx(-0.5)
    assert momentum({}, settings) == 0.0


def test_trend_strength_is_the_signed_index_of_direction() -> None:
    assert trend_strength({"plus_di_14": 30.0, "minus_di_14": 10.0}) == pytest.approx(0.5)
    assert trend_strength({}) == 0.0


@pytest.mark.parametrize(
    ("fast", "slow", "trend"),
    [(103.0, 100.0, "up"), (97.0, 100.0, "down"), (101.99, 100.0, "flat")],
)
def test_the_trend_is_a_distance_of_two_averages(fast: float, slow: float, trend: str) -> None:
    snapshot = with_values(with_patterns({}, {}), {"sma_20": fast, "sma_50": slow})
    view = TechnicalRule().judge(context_of(snapshot)).detail
    assert isinstance(view, TechnicalView)
    assert view.trend == trend


def test_levels_are_the_last_three_swings_of_each_side_newest_first() -> None:
    lows = {k: 99.0 - k / 100 for k in (30, 50, 70, 90)}
    highs = {k: 101.0 + k / 100 for k in (40, 60)}
    view = TechnicalRule().judge(context_of(with_patterns(highs, lows))).detail
    assert isinstance(view, TechnicalView)
    assert view.supports == pytest.approx((98.1, 98.3, 98.5))
    assert view.resistances == pytest.approx((101.6, 101.4))


def test_only_the_last_hundred_bars_are_looked_at() -> None:
    view = TechnicalRule().judge(context_of(with_patterns({10: 110.0}, {}))).detail
    assert isinstance(view, TechnicalView)
    assert view.resistances == ()


def test_the_evidence_names_its_numbers_and_their_source() -> None:
    said = TechnicalRule().judge(context_of(snapshot_of(walk(120, 4))))
    by_name = {item.name: item for item in said.evidence}
    assert by_name["rsi_14"].source == "BTC/USDT 1h"
    assert {"rsi_14", "macd_histogram", "sma_20", "sma_50", "atr_14", "roc_10"} == set(by_name)


def test_the_same_context_gives_the_same_opinion() -> None:
    context: Context[Snapshot] = context_of(snapshot_of(walk(120, 5)))
    assert TechnicalRule().judge(context) == TechnicalRule().judge(context)

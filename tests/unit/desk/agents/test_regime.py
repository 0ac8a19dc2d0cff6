"""The regime agent: first label that matches, and a memory per symbol that hesitates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from athena.desk.agents import (
    RegimeRule,
    RegimeSettings,
    RegimeState,
    classify,
    classify_daily,
    regime_after,
    regime_agent,
    risk_regime,
)
from athena.desk.contract import RegimeView
from athena.desk.inputs import Grade, Quality, Snapshot
from athena.domain import DAY_NS, HOUR_NS, Action, Regime
from tests.desk_builder import (
    START_NS,
    Outbox,
    context_of,
    instrument_of,
    snapshot_of,
    walk,
    with_values,
)

SETTINGS = RegimeSettings()
BULL = {"ema_21": 101.0, "ema_50": 100.0, "squeeze": 0.0}
BEAR = {"ema_21": 99.0, "ema_50": 100.0, "squeeze": 0.0}
QUIET = walk(120, 1, deviation=0.0005)


@pytest.mark.parametrize(
    ("values", "band", "label"),
    [
        ({**BULL, "adx_14": 30.0, "choppiness_14": 30.0}, "high", Regime.VOLATILE_BULL),
        ({**BEAR, "adx_14": 30.0, "choppiness_14": 30.0}, "high", Regime.VOLATILE_BEAR),
        (
            {**BULL, "squeeze": 1.0, "adx_14": 19.9, "choppiness_14": 70.0},
            "normal",
            Regime.BREAKOUT_POTENTIAL,
        ),
        (
            {**BULL, "squeeze": 1.0, "adx_14": 20.0, "choppiness_14": 70.0},
            "normal",
            Regime.CHOPPY,
        ),
        ({**BULL, "adx_14": 25.1, "choppiness_14": 61.7}, "normal", Regime.TRENDING_BULL),
        ({**BEAR, "adx_14": 25.1, "choppiness_14": 61.7}, "low", Regime.TRENDING_BEAR),
        ({**BULL, "adx_14": 25.1, "choppiness_14": 61.8}, "normal", Regime.UNKNOWN),
        ({**BULL, "adx_14": 25.1, "choppiness_14": 61.9}, "normal", Regime.CHOPPY),
        ({**BULL, "adx_14": 25.1, "choppiness_14": 61.9}, "low", Regime.RANGING),
        ({**BULL, "adx_14": 19.9, "choppiness_14": 50.0}, "normal", Regime.RANGING),
        ({**BEAR, "adx_14": 22.0, "choppiness_14": 38.1}, "normal", Regime.TRENDING_BEAR),
        ({**BULL, "adx_14": 22.0, "choppiness_14": 38.2}, "normal", Regime.UNKNOWN),
    ],
)
def test_the_first_label_that_matches_is_the_one(
    values: dict[str, float], band: Any, label: Regime
) -> None:
    assert classify(values, band, Regime.UNKNOWN, SETTINGS) is label


def test_where_nothing_matches_the_label_stays() -> None:
    values = {**BULL, "adx_14": 22.0, "choppiness_14": 50.0}
    assert classify(values, "normal", Regime.RANGING, SETTINGS) is Regime.RANGING


@pytest.mark.parametrize(
    ("volatility", "trend", "label"),
    [
        (0.31, 0.9, Regime.VOLATILE_BULL),
        (0.3, 0.51, Regime.TRENDING_BULL),
        (0.2, -0.51, Regime.TRENDING_BEAR),
        (0.09, 0.19, Regime.RANGING),
        (0.09, 0.2, Regime.UNKNOWN),
        (0.2, 0.5, Regime.UNKNOWN),
    ],
)
def test_daily_bars_alone_carry_a_coarser_label(
    volatility: float, trend: float, label: Regime
) -> None:
    assert classify_daily(volatility, trend, rises=True, settings=SETTINGS) is label


def ranging(snapshot: Snapshot) -> Snapshot:
    return with_values(snapshot, {**BULL, "adx_14": 10.0, "choppiness_14": 50.0})


def trending(snapshot: Snapshot) -> Snapshot:
    return with_values(snapshot, {**BULL, "adx_14": 30.0, "choppiness_14": 30.0})


def at(snapshot: Snapshot, k: int) -> Any:
    return context_of(snapshot, as_of_ns=START_NS + k * HOUR_NS, symbol=snapshot.symbol)


def test_a_label_changes_with_the_second_confirmation() -> None:
    """DK-09: one confirmation leaves it unchanged."""
    rule, snapshot = RegimeRule(), snapshot_of(QUIET)
    labels = [
        rule.judge(at(made(snapshot), k)).label
        for k, made in enumerate([ranging, ranging, trending, ranging, trending, trending])
    ]
    assert labels == [
        "unknown",
        "ranging",
        "ranging",
        "ranging",
        "ranging",
        "trending_bull",
    ]


def test_a_flip_of_one_symbol_does_not_touch_the_other() -> None:
    """DK-09."""
    rule, one = RegimeRule(), snapshot_of(QUIET)
    other = replace(one, instrument=instrument_of("ETH/USDT"))
    for k in range(2):
        rule.judge(at(ranging(one), k))
        rule.judge(at(ranging(other), k))
    rule.judge(at(trending(one), 2))
    rule.judge(at(ranging(other), 2))
    rule.judge(at(trending(one), 3))
    states = dict(rule.states)
    assert states["BTC/USDT"].regime is Regime.TRENDING_BULL
    assert states["ETH/USDT"] == RegimeState(
        Regime.RANGING, START_NS + HOUR_NS, Regime.RANGING, 0, START_NS + 2 * HOUR_NS
    )


def test_asking_twice_in_a_cycle_is_no_second_confirmation() -> None:
    rule, snapshot = RegimeRule(), ranging(snapshot_of(QUIET))
    first = rule.judge(at(snapshot, 0))
    assert [rule.judge(at(snapshot, 0)) for _ in range(3)] == [first] * 3
    assert first.label == "unknown"


def test_without_sma_50_the_confidence_is_too_low_for_a_change() -> None:
    rule = RegimeRule()
    snapshot = with_values(ranging(snapshot_of(QUIET)), {"sma_50": None})
    said = [rule.judge(at(snapshot, k)) for k in range(4)]
    assert {item.label for item in said} == {"unknown"}
    assert said[0].confidence == 0.5
    assert RegimeRule().judge(at(ranging(snapshot_of(QUIET)), 0)).confidence == 0.7


def test_degraded_bars_change_no_label() -> None:
    rule, snapshot = RegimeRule(), ranging(snapshot_of(QUIET))
    weak = Quality(Grade.DEGRADED, ("bars are missing",))
    frames = tuple(replace(frame, quality=weak) for frame in snapshot.frames)
    said = [rule.judge(at(replace(snapshot, frames=frames), k)) for k in range(3)]
    assert {item.label for item in said} == {"unknown"}
    assert said[0].confidence_cap == 0.25


def test_a_state_survives_a_restart() -> None:
    rule, snapshot = RegimeRule(), snapshot_of(QUIET)
    rule.judge(at(ranging(snapshot), 0))
    again = RegimeRule(states=rule.states)
    assert again.judge(at(ranging(snapshot), 1)).label == "ranging"


def test_a_candidate_that_changes_begins_to_count_anew() -> None:
    state = RegimeState()
    for k, candidate in enumerate([Regime.RANGING, Regime.CHOPPY, Regime.RANGING]):
        state = regime_after(state, candidate, 0.7, k, SETTINGS)
    assert (state.regime, state.candidate, state.confirmations) == (
        Regime.UNKNOWN,
        Regime.RANGING,
        1,
    )


@pytest.mark.parametrize(
    ("regime", "action", "stop", "target"),
    [
        (Regime.TRENDING_BULL, Action.BUY, 1.2, 2.0),
        (Regime.TRENDING_BEAR, Action.SELL, 1.2, 2.0),
        (Regime.RANGING, Action.HOLD, 0.8, 1.5),
        (Regime.VOLATILE_BULL, Action.HOLD, 1.5, 2.5),
        (Regime.VOLATILE_BEAR, Action.HOLD, 1.5, 2.5),
        (Regime.CHOPPY, Action.HOLD, 1.0, 1.0),
        (Regime.BREAKOUT_POTENTIAL, Action.HOLD, 1.0, 3.0),
    ],
)
def test_multipliers_go_with_the_label(
    regime: Regime, action: Action, stop: float, target: float
) -> None:
    state = RegimeState(regime, START_NS, regime, 0, START_NS)
    said = RegimeRule(states=[("BTC/USDT", state)]).judge(at(ranging(snapshot_of(QUIET)), 1))
    assert isinstance(said.detail, RegimeView)
    assert said.action is action
    assert (said.detail.stop_factor, said.detail.target_multiple) == (stop, target)
    assert said.detail.since_ns == START_NS


def test_too_few_bars_hold_and_say_what_is_missing() -> None:
    """A16."""
    said = RegimeRule().judge(at(snapshot_of(walk(25, 2)), 0))
    assert (said.action, said.confidence) == (Action.HOLD, 0.0)
    assert said.reasons == ("adx_14 is not defined after 25 bars",)


def test_unusable_bars_are_choppy() -> None:
    said = RegimeRule().judge(at(snapshot_of(QUIET, late_ns=3 * HOUR_NS), 0))
    assert (said.label, said.detail) == ("choppy", None)


def test_risk_takes_a_missing_answer_for_choppy() -> None:
    """DK-13: a time-out, a failure, or no sound view."""
    assert risk_regime(None) is Regime.CHOPPY
    agent = regime_agent(Outbox())
    late = agent.think(at(snapshot_of(QUIET, late_ns=3 * HOUR_NS), 0)).output
    assert risk_regime(late) is Regime.CHOPPY
    for k in range(2):
        sound = agent.think(at(trending(snapshot_of(QUIET)), k)).output
    assert risk_regime(sound) is Regime.TRENDING_BULL


def test_a_desk_on_daily_bars_uses_the_daily_labels() -> None:
    rule = RegimeRule()
    closes = [100.0 * 1.0005**k for k in range(80)]
    snapshot = snapshot_of(closes, interval_ns=DAY_NS)
    for k in range(2):
        said = rule.judge(at(snapshot, k))
    assert said.label == "trending_bull"
    assert "a year" in said.reasons[0]

"""The forecast agent: a verified model's vote, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.desk.agents import ForecastRule, Opinion
from athena.desk.contract import ForecastView, Unavailable
from athena.domain import HOUR_NS, Action
from tests.desk_builder import context_of, snapshot_of, walk

if TYPE_CHECKING:
    from athena.desk.inputs import Snapshot

GOOD = ForecastView(
    status="ok",
    horizon_bars=10,
    quantiles=((0.05, -0.03), (0.5, 0.02), (0.95, 0.06)),
    up_probability=0.70,
    base_rate=0.51,
    base_n=4_000,
    is_calibrated=True,
    coverage=0.81,
    coverage_n=600,
    model_id="ssm",
    bundle_id="b" * 64,
    feature_hash="f" * 64,
)
SNAPSHOT = snapshot_of(walk(120, 1))


class Served:
    """A forecaster with an answer prepared."""

    def __init__(self, *views: ForecastView | Unavailable) -> None:
        self.views = views

    def forecast(self, snapshot: Snapshot) -> tuple[ForecastView, ...] | Unavailable:
        assert snapshot.symbol == "BTC/USDT"
        first = self.views[0]
        return first if isinstance(first, Unavailable) else self.views  # type: ignore[return-value]


def judge(*views: ForecastView | Unavailable, snapshot: Snapshot = SNAPSHOT) -> Opinion:
    return ForecastRule(Served(*views)).judge(context_of(snapshot))


def test_confidence_is_the_distance_from_a_coin() -> None:
    """DK-47: P(up) 0.70 with calibration is 0.40."""
    said = judge(GOOD)
    assert (said.action, said.confidence) == (Action.BUY, pytest.approx(0.40))
    assert said.detail == GOOD
    assert {item.name for item in said.evidence} == {
        "up_probability",
        "median_return",
        "base_rate",
        "coverage",
    }


def test_a_degraded_forecast_votes_hold() -> None:
    """DK-47."""
    said = judge(replace(GOOD, status="degraded", warnings=("stale",)))
    assert (said.action, said.abstains, said.confidence) == (Action.HOLD, False, 0.0)
    assert said.reasons == ("the forecast is degraded", "stale")


def test_a_refused_forecast_does_not_vote() -> None:
    """DK-47."""
    said = judge(ForecastView(status="refused", horizon_bars=10, warnings=("no bundle",)))
    assert said.abstains
    assert said.reasons == ("the model refused", "no bundle")


def test_without_a_verified_model_it_abstains_and_says_why() -> None:
    said = ForecastRule().judge(context_of(SNAPSHOT))
    assert said.abstains
    assert said.reasons == ("no verified model is served",)
    assert judge(Unavailable("forecast", "bundle not verified")).reasons == (
        "no forecast: bundle not verified",
    )


@pytest.mark.parametrize(
    ("probability", "median", "action"),
    [
        (0.56, 0.0144, Action.BUY),
        (0.56, 0.0143, Action.HOLD),
        (0.55, 0.02, Action.HOLD),
        (0.44, -0.0144, Action.SELL),
        (0.44, -0.0143, Action.HOLD),
        (0.45, -0.02, Action.HOLD),
        (0.80, -0.02, Action.HOLD),
    ],
)
def test_a_direction_needs_probability_and_twice_the_cost(
    probability: float, median: float, action: Action
) -> None:
    view = replace(GOOD, up_probability=probability, quantiles=((0.5, median),))
    assert judge(view).action is action


@pytest.mark.parametrize(
    "view",
    [
        replace(GOOD, is_calibrated=False),
        replace(GOOD, up_probability=None),
        replace(GOOD, quantiles=()),
    ],
)
def test_a_probability_without_calibration_or_median_is_no_direction(view: ForecastView) -> None:
    said = judge(view)
    assert (said.action, said.confidence) == (Action.HOLD, 0.0)


def test_it_votes_by_one_horizon() -> None:
    other = replace(GOOD, horizon_bars=1, up_probability=0.1)
    assert judge(other, GOOD).action is Action.BUY
    assert judge(other).reasons == ("no forecast over 10 bars",)


def test_it_needs_its_window_and_usable_bars() -> None:
    assert judge(GOOD, snapshot=snapshot_of(walk(59, 1))).reasons == ("59 bars, expected 60",)
    late = judge(GOOD, snapshot=snapshot_of(walk(120, 1), late_ns=3 * HOUR_NS))
    assert (late.action, late.confidence) == (Action.HOLD, 0.0)

"""The forecast agent: a verified model's opinion, or none and the reason (4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from athena.desk.agents._opinion import Opinion, abstain, evidence_of, hold
from athena.desk.agents._technical import DEGRADED_CAP
from athena.desk.contract import Unavailable
from athena.desk.inputs import Grade
from athena.domain import Action

if TYPE_CHECKING:
    from athena.desk.contract import Context, ForecastView
    from athena.desk.inputs import Snapshot

_MEDIAN = 0.5


@dataclass(frozen=True, slots=True)
class ForecastSettings:
    """Numbers of the forecast agent.

    Attributes:
        horizon_bars: of the forecast it votes by.
        up_probability: above it, and with a median return that covers the round trip
            `cost_multiple` times, it buys; below one minus it, mirrored, it sells.
        cost_multiple: times that the median return has to cover a round trip.
        round_trip_frac: cost of getting in and out.
        window_bars: bars that a forecaster is given.
    """

    horizon_bars: int = 10
    up_probability: float = 0.55
    cost_multiple: float = 2.0
    round_trip_frac: float = 0.0072
    window_bars: int = 60


class Forecaster(Protocol):
    """A verified model as the desk sees it; `app` plugs `forecasting` in here.

    It serves only a published and verified bundle or a named baseline, and says which. The same
    snapshot gives the same forecast, whatever came after it.
    """

    def forecast(self, snapshot: Snapshot) -> tuple[ForecastView, ...] | Unavailable:
        """Return one record per horizon, or say why there is none; nothing is raised."""


class ForecastRule:
    """Vote by a forecast. Its weight is 0 until a champion beats its baselines (DK-36)."""

    def __init__(
        self, forecaster: Forecaster | None = None, settings: ForecastSettings | None = None
    ) -> None:
        """Take a forecaster; without one it abstains and says so."""
        self._forecaster = forecaster
        self._settings = settings or ForecastSettings()

    def input_ids(self, inputs: Snapshot) -> tuple[str, ...]:
        """Return the digest of the snapshot."""
        return (inputs.id,)

    def judge(self, context: Context[Snapshot]) -> Opinion:
        """Vote by the forecast of the horizon; no verified model means no vote."""
        settings, snapshot = self._settings, context.inputs
        if self._forecaster is None:
            return abstain("no verified model is served")
        if snapshot.quality.grade is Grade.UNUSABLE:
            return hold("the bars cannot be used", *snapshot.quality.reasons)
        if len(snapshot.working) < settings.window_bars:
            return hold(f"{len(snapshot.working)} bars, expected {settings.window_bars}")
        answer = self._forecaster.forecast(snapshot)
        if isinstance(answer, Unavailable):
            return abstain(f"no forecast: {answer.reason}")
        chosen = [item for item in answer if item.horizon_bars == settings.horizon_bars]
        if len(chosen) != 1:
            return abstain(f"no forecast over {settings.horizon_bars} bars")
        return self._vote(chosen[0], snapshot)

    def _vote(self, view: ForecastView, snapshot: Snapshot) -> Opinion:
        warnings = view.warnings
        if view.status == "refused":
            return abstain("the model refused", *warnings, label=view.status, detail=view)
        if view.status == "degraded":
            return hold("the forecast is degraded", *warnings, label=view.status, detail=view)
        probability = view.up_probability
        median = dict(view.quantiles).get(_MEDIAN)
        if probability is None or median is None or not view.is_calibrated:
            said = "the forecast is not calibrated, or has no median"
            return hold(said, *warnings, label=view.status, detail=view)
        action, reason = self._action(probability, median)
        return Opinion(
            action=action,
            confidence=abs(2.0 * probability - 1.0),
            confidence_cap=(DEGRADED_CAP if snapshot.quality.grade is Grade.DEGRADED else 1.0),
            label=view.status,
            reasons=(reason, *warnings),
            evidence=evidence_of(
                [
                    ("up_probability", probability),
                    ("median_return", median),
                    ("base_rate", view.base_rate),
                    ("coverage", view.coverage),
                ],
                "frac",
                view.model_id,
            ),
            detail=view,
        )

    def _action(self, probability: float, median: float) -> tuple[Action, str]:
        settings = self._settings
        least = settings.cost_multiple * settings.round_trip_frac
        said = f"P(up) {probability:.2f}, median {median:+.2%}, a round trip needs {least:.2%}"
        if probability > settings.up_probability and median >= least:
            return Action.BUY, said
        if probability < 1.0 - settings.up_probability and median <= -least:
            return Action.SELL, said
        return Action.HOLD, said

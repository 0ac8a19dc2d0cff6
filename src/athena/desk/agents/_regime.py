"""The regime agent: what kind of market this is, and when to believe that it changed (4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.agents._opinion import Opinion, evidence_of, hold
from athena.desk.agents._technical import (
    DEGRADED_CAP,
    TechnicalSettings,
    VolatilityBand,
    trend_strength,
    volatility_band,
)
from athena.desk.contract import RegimeView
from athena.desk.inputs import Grade
from athena.domain import DAY_NS, Action, Regime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athena.desk.contract import Context, Output
    from athena.desk.inputs import Frame, Snapshot

_DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class RegimeSettings:
    """Numbers of the regime agent.

    Attributes:
        weak_adx, strong_adx: ADX 14 below which there is no trend, and above which there is one.
        calm_choppiness, high_choppiness: choppiness 14 below which it trends, and above which it
            does not.
        confidence_full, confidence_partial: with all data, and without SMA 50.
        confidence_change: that a change needs.
        confirmations: cycles in a row that a change needs.
        daily_bars: of the volatility where there are only daily bars.
        daily_volatile, daily_calm: annualised volatility above which it is volatile, and below
            which it may be ranging.
        daily_trend, daily_flat: strength of the trend, likewise.
        bands: cuts of the volatility band.
    """

    weak_adx: float = 20.0
    strong_adx: float = 25.0
    calm_choppiness: float = 38.2
    high_choppiness: float = 61.8
    confidence_full: float = 0.7
    confidence_partial: float = 0.5
    confidence_change: float = 0.7
    confirmations: int = 2
    daily_bars: int = 20
    daily_volatile: float = 0.3
    daily_calm: float = 0.1
    daily_trend: float = 0.5
    daily_flat: float = 0.2
    bands: TechnicalSettings = field(default_factory=TechnicalSettings)


# Factor of a percent stop (used only where the ATR is missing), and target in stop distances.
# Targets of choppy markets fail the reward:risk rule of the risk engine on purpose.
_MULTIPLIERS = {
    Regime.TRENDING_BULL: (1.2, 2.0),
    Regime.TRENDING_BEAR: (1.2, 2.0),
    Regime.RANGING: (0.8, 1.5),
    Regime.VOLATILE_BULL: (1.5, 2.5),
    Regime.VOLATILE_BEAR: (1.5, 2.5),
    Regime.CHOPPY: (1.0, 1.0),
    Regime.BREAKOUT_POTENTIAL: (1.0, 3.0),
    Regime.UNKNOWN: (1.0, 1.0),
}
_VOTES = {Regime.TRENDING_BULL: Action.BUY, Regime.TRENDING_BEAR: Action.SELL}
_NEEDED = ("adx_14", "choppiness_14", "ema_21", "ema_50", "squeeze")


@dataclass(frozen=True, slots=True)
class RegimeState:
    """What the agent remembers of one symbol.

    Attributes:
        regime: label in force.
        since_ns: when it began, UTC.
        candidate: another label that was asked for lately.
        confirmations: times in a row.
        seen_ns: newest cycle that was counted; -1 before the first.
    """

    regime: Regime = Regime.UNKNOWN
    since_ns: int = 0
    candidate: Regime = Regime.UNKNOWN
    confirmations: int = 0
    seen_ns: int = -1


def regime_after(
    state: RegimeState,
    candidate: Regime,
    confidence: float,
    as_of_ns: int,
    settings: RegimeSettings,
) -> RegimeState:
    """Take one cycle's label into account: a change needs confidence and confirmations (DK-09).

    A cycle counts once, however often it is asked about.
    """
    if as_of_ns <= state.seen_ns:
        return state
    if candidate is state.regime or confidence < settings.confidence_change:
        return replace(state, candidate=state.regime, confirmations=0, seen_ns=as_of_ns)
    n = state.confirmations + 1 if candidate is state.candidate else 1
    if n < settings.confirmations:
        return replace(state, candidate=candidate, confirmations=n, seen_ns=as_of_ns)
    return RegimeState(candidate, as_of_ns, candidate, n, as_of_ns)


def classify(
    values: Mapping[str, float],
    band: VolatilityBand,
    previous: Regime,
    settings: RegimeSettings,
) -> Regime:
    """Return the first label that matches the indicators.

    Args:
        values: indicators of the newest bar, with all that is needed.
        band: of volatility.
        previous: label in force, for where nothing matches.
        settings: the cuts.
    """
    adx, choppiness = values["adx_14"], values["choppiness_14"]
    rises = values["ema_21"] >= values["ema_50"]
    trending = Regime.TRENDING_BULL if rises else Regime.TRENDING_BEAR
    if band == "high":
        return Regime.VOLATILE_BULL if rises else Regime.VOLATILE_BEAR
    if values["squeeze"] > 0 and adx < settings.weak_adx:
        return Regime.BREAKOUT_POTENTIAL
    if adx > settings.strong_adx and choppiness < settings.high_choppiness:
        return trending
    if choppiness > settings.high_choppiness and band != "low":
        return Regime.CHOPPY
    if adx < settings.weak_adx or choppiness > settings.high_choppiness:
        return Regime.RANGING
    return trending if choppiness < settings.calm_choppiness else previous


def classify_daily(
    volatility: float, trend: float, *, rises: bool, settings: RegimeSettings
) -> Regime:
    """Return the label that daily bars alone can carry.

    Args:
        volatility: annualised, fraction.
        trend: strength, -1..1.
        rises: EMA 21 is not under EMA 50.
        settings: the cuts.
    """
    if volatility > settings.daily_volatile:
        return Regime.VOLATILE_BULL if rises else Regime.VOLATILE_BEAR
    if abs(trend) > settings.daily_trend:
        return Regime.TRENDING_BULL if trend > 0 else Regime.TRENDING_BEAR
    is_ranging = volatility < settings.daily_calm and abs(trend) < settings.daily_flat
    return Regime.RANGING if is_ranging else Regime.UNKNOWN


class RegimeRule:
    """Label the market per symbol; it remembers one `RegimeState` for each symbol it was asked."""

    def __init__(
        self,
        settings: RegimeSettings | None = None,
        states: Iterable[tuple[str, RegimeState]] = (),
    ) -> None:
        """Take the numbers, and the states that an earlier run left."""
        self._settings = settings or RegimeSettings()
        self._states = dict(states)

    @property
    def states(self) -> tuple[tuple[str, RegimeState], ...]:
        """Return the state of each symbol, by name: what a restart needs."""
        return tuple(sorted(self._states.items()))

    def input_ids(self, inputs: Snapshot) -> tuple[str, ...]:
        """Return the digest of the snapshot."""
        return (inputs.id,)

    def judge(self, context: Context[Snapshot]) -> Opinion:
        """Label the market; where bars cannot be used, risk is to take it for choppy."""
        settings, snapshot = self._settings, context.inputs
        quality, frame = snapshot.quality, snapshot.working
        if quality.grade is Grade.UNUSABLE:
            return hold("the bars cannot be used", *quality.reasons, label=Regime.CHOPPY.value)
        state = self._states.get(snapshot.symbol, RegimeState())
        missing = [name for name in _NEEDED if name not in frame.values]
        if missing:
            return hold(
                f"{missing[0]} is not defined after {len(frame)} bars", label=state.regime.value
            )
        is_full = "sma_50" in frame.values
        confidence = settings.confidence_full if is_full else settings.confidence_partial
        cap = DEGRADED_CAP if quality.grade is Grade.DEGRADED else 1.0
        candidate, reason = self._candidate(snapshot, state.regime)
        state = regime_after(state, candidate, min(confidence, cap), context.as_of_ns, settings)
        self._states[snapshot.symbol] = state
        return Opinion(
            action=_VOTES.get(state.regime, Action.HOLD),
            confidence=confidence,
            confidence_cap=cap,
            label=state.regime.value,
            reasons=(reason, *quality.reasons),
            evidence=evidence_of(
                [(name, frame.values[name]) for name in _NEEDED], "", frame.source
            ),
            detail=_view(state, candidate),
        )

    def _candidate(self, snapshot: Snapshot, previous: Regime) -> tuple[Regime, str]:
        settings, frame = self._settings, snapshot.working
        values = frame.values
        if frame.interval_ns == DAY_NS and len(snapshot.frames) == 1:  # daily bars only
            volatility = _annual_volatility(frame, settings.daily_bars)
            trend = trend_strength(values)
            rises = values["ema_21"] >= values["ema_50"]
            label = classify_daily(volatility, trend, rises=rises, settings=settings)
            return label, f"{label}: volatility {volatility:.0%} a year, trend {trend:+.2f}"
        band = volatility_band(frame.close, settings.bands)
        label = classify(values, band, previous, settings)
        return label, (
            f"{label}: volatility {band}, ADX {values['adx_14']:.1f}, "
            f"choppiness {values['choppiness_14']:.1f}"
        )


def _view(state: RegimeState, candidate: Regime) -> RegimeView:
    stop_factor, target_multiple = _MULTIPLIERS[state.regime]
    return RegimeView(
        regime=state.regime,
        candidate=candidate,
        confirmations=state.confirmations,
        since_ns=state.since_ns,
        stop_factor=stop_factor,
        target_multiple=target_multiple,
    )


def _annual_volatility(frame: Frame, n_bars: int) -> float:
    close = frame.close[-n_bars - 1 :]
    returns = np.diff(close) / close[:-1]
    return float(returns.std() * math.sqrt(_DAYS_PER_YEAR))


def risk_regime(output: Output | None) -> Regime:
    """Return the label that risk has to work with: choppy without a sound one (DK-13).

    Args:
        output: of the regime agent in this cycle; None when it failed, was late or had no answer.
    """
    if output is None or not isinstance(output.detail, RegimeView):
        return Regime.CHOPPY
    return output.detail.regime

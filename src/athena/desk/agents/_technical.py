"""The technical analyst: indicators, patterns and levels of the working frame (4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from athena.desk.agents._opinion import Opinion, evidence_of, hold
from athena.desk.agents._swings import (
    BULLISH,
    Pattern,
    PatternRules,
    Swings,
    find_patterns,
    find_swings,
)
from athena.desk.contract import TechnicalView
from athena.desk.inputs import Grade
from athena.domain import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from athena.desk.contract import Context
    from athena.desk.inputs import Frame, Snapshot

VolatilityBand = Literal["low", "normal", "high"]
Trend = Literal["up", "down", "flat"]

DEGRADED_CAP = 0.25  # the confidence that weak data, or rules in the place of a model, allow


@dataclass(frozen=True, slots=True)
class TechnicalSettings:
    """Numbers of the technical analyst.

    Attributes:
        n_needed: closes without which it holds.
        look_back: bars that patterns and levels are searched in.
        overbought, oversold: RSI 14 above which it sells and below which it buys.
        band_bars: of the volatility band.
        band_low, band_normal: deviation / mean below which volatility is low, and normal.
        trend_frac: distance of SMA 20 from SMA 50 that makes a trend.
        full_roc: change over 10 bars, in percent, that counts as full momentum.
        n_levels: swings of each side that are levels.
        base_much, base_enough, base_little: confidence with `look_back` closes, with `n_needed`
            and with fewer.
        indicator_share: confidence that all of its indicators add.
        pattern_bonus, pattern_bonus_max: that each agreeing pattern adds, and all together.
        patterns: what makes a pattern.
    """

    n_needed: int = 50
    look_back: int = 100
    overbought: float = 70.0
    oversold: float = 30.0
    band_bars: int = 20
    band_low: float = 0.01
    band_normal: float = 0.03
    trend_frac: float = 0.02
    full_roc: float = 5.0
    n_levels: int = 3
    base_much: float = 0.4
    base_enough: float = 0.3
    base_little: float = 0.1
    indicator_share: float = 0.4
    pattern_bonus: float = 0.1
    pattern_bonus_max: float = 0.2
    patterns: PatternRules = field(default_factory=PatternRules)


_COUNTED = ("sma_20", "sma_50", "rsi_14", "macd")
_SHOWN = ("rsi_14", "macd_histogram", "sma_20", "sma_50", "atr_14", "roc_10")


def volatility_band(close: NDArray[np.float64], settings: TechnicalSettings) -> VolatilityBand:
    """Name the volatility of the last bars: standard deviation over mean of the closes.

    Args:
        close: (N,), at least `band_bars`.
        settings: the cuts.
    """
    window = close[-settings.band_bars :]
    deviation = float(window.std() / window.mean())
    if deviation < settings.band_low:
        return "low"
    return "normal" if deviation < settings.band_normal else "high"


def trend_strength(values: Mapping[str, float]) -> float:
    """Return how one-sided the movement is: (+DI - -DI) / (+DI + -DI), -1..1.

    Wilder (1978), the index of direction with its sign; 0 while it is not known.
    """
    plus, minus = values.get("plus_di_14", 0.0), values.get("minus_di_14", 0.0)
    return (plus - minus) / (plus + minus) if plus + minus > 0 else 0.0


def momentum(values: Mapping[str, float], settings: TechnicalSettings) -> float:
    """Return the mean of RSI, MACD histogram over ATR and ROC, each scaled into [-1, 1].

    What is not known yet does not count; 0 without any.
    """
    parts = []
    if "rsi_14" in values:
        parts.append((values["rsi_14"] - 50.0) / 50.0)
    if "macd_histogram" in values and values.get("atr_14", 0.0) > 0:
        parts.append(values["macd_histogram"] / values["atr_14"])
    if "roc_10" in values:
        parts.append(values["roc_10"] / settings.full_roc)
    return math.fsum(max(-1.0, min(1.0, part)) for part in parts) / max(len(parts), 1)


class TechnicalRule:
    """Judge the working frame; it remembers nothing."""

    def __init__(self, settings: TechnicalSettings | None = None) -> None:
        """Take the numbers; None is the specification's."""
        self._settings = settings or TechnicalSettings()

    def input_ids(self, inputs: Snapshot) -> tuple[str, ...]:
        """Return the digest of the snapshot."""
        return (inputs.id,)

    def judge(self, context: Context[Snapshot]) -> Opinion:
        """Form an opinion; bars that cannot be used, or too few, make it hold."""
        settings = self._settings
        snapshot = context.inputs
        quality, frame = snapshot.quality, snapshot.working
        if quality.grade is Grade.UNUSABLE:
            return hold("the bars cannot be used", *quality.reasons)
        n_bars = min(len(frame), settings.look_back)
        if n_bars < settings.n_needed:
            return hold(f"{n_bars} closes, expected {settings.n_needed}")
        high, low = frame.high[-n_bars:], frame.low[-n_bars:]
        swings = find_swings(high, low, settings.patterns.swing_bars)
        patterns = find_patterns(high, low, swings, settings.patterns)
        action, reasons = self._action(frame.values, patterns)
        n_agreeing = sum(_side(pattern) is action for pattern in patterns)
        caps = [DEGRADED_CAP] if quality.grade is Grade.DEGRADED else []
        return Opinion(
            action=action,
            confidence=self._confidence(n_bars, frame.values, n_agreeing),
            confidence_cap=min([1.0, *caps]),
            label=self._bias(frame),
            reasons=(*reasons, *quality.reasons),
            evidence=evidence_of(
                [(name, frame.values.get(name)) for name in _SHOWN], "", frame.source
            ),
            detail=self._view(snapshot, swings, patterns),
        )

    def _action(
        self, values: Mapping[str, float], patterns: tuple[Pattern, ...]
    ) -> tuple[Action, tuple[str, ...]]:
        """Let a pattern override the indicators, unless patterns contradict each other."""
        sides = {_side(pattern) for pattern in patterns}
        names = ", ".join(patterns)
        if len(sides) == 1:
            action = sides.pop()
            return action, (f"{names}: {action}",)
        action, reason = self._indicated(values)
        if sides:
            return action, (f"{names} contradict each other", reason)
        return action, (reason,)

    def _indicated(self, values: Mapping[str, float]) -> tuple[Action, str]:
        index = values["rsi_14"]
        if index > self._settings.overbought:
            return Action.SELL, f"RSI {index:.1f} is above {self._settings.overbought:g}"
        if index < self._settings.oversold:
            return Action.BUY, f"RSI {index:.1f} is below {self._settings.oversold:g}"
        histogram = values["macd_histogram"]
        if histogram == 0:
            return Action.HOLD, "MACD is at its signal"
        if histogram > 0:
            return Action.BUY, "MACD is above its signal"
        return Action.SELL, "MACD is below its signal"

    def _confidence(self, n_bars: int, values: Mapping[str, float], n_agreeing: int) -> float:
        settings = self._settings
        base = settings.base_little
        if n_bars >= settings.look_back:
            base = settings.base_much
        elif n_bars >= settings.n_needed:
            base = settings.base_enough
        present = sum(name in values for name in _COUNTED) / len(_COUNTED)
        bonus = min(settings.pattern_bonus * n_agreeing, settings.pattern_bonus_max)
        return min(1.0, base + settings.indicator_share * present + bonus)

    def _trend(self, values: Mapping[str, float]) -> Trend:
        ratio = values["sma_20"] / values["sma_50"] - 1.0
        if ratio > self._settings.trend_frac:
            return "up"
        return "down" if ratio < -self._settings.trend_frac else "flat"

    def _bias(self, frame: Frame) -> str:
        value = momentum(frame.values, self._settings)
        if value == 0:
            return "neutral"
        return "bullish" if value > 0 else "bearish"

    def _view(
        self, snapshot: Snapshot, swings: Swings, patterns: tuple[Pattern, ...]
    ) -> TechnicalView:
        frame, n = snapshot.working, self._settings.n_levels
        return TechnicalView(
            trend=self._trend(frame.values),
            trend_strength=trend_strength(frame.values),
            momentum=momentum(frame.values, self._settings),
            volatility_band=volatility_band(frame.close, self._settings),
            supports=swings.lows[: -n - 1 : -1],
            resistances=swings.highs[: -n - 1 : -1],
            patterns=tuple(pattern.value for pattern in patterns),
            alignment=snapshot.alignment,
        )


def _side(pattern: Pattern) -> Action:
    return Action.BUY if pattern in BULLISH else Action.SELL

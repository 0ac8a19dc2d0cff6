"""The strategy agent: which strategy fits the market, and what it would do (4.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.agents._opinion import Opinion, evidence_of, hold
from athena.desk.agents._signals import (
    SIGNALS,
    SignalSettings,
    StrategyName,
    Window,
    check_strategies,
    suggested_size_frac,
)
from athena.desk.agents._technical import DEGRADED_CAP
from athena.desk.agents._valuation import ValuationSettings, tag_valuation
from athena.desk.contract import Proposal
from athena.desk.inputs import Grade, bar_volatility
from athena.domain import Action, Regime

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.agents._signal import Signal
    from athena.desk.contract import Context
    from athena.desk.inputs import AccountView, Frame, Fundamentals, Snapshot
    from athena.domain import Instrument

_TRENDING = frozenset({Regime.TRENDING_BULL, Regime.TRENDING_BEAR})
_VOLATILE = frozenset({Regime.VOLATILE_BULL, Regime.VOLATILE_BEAR})


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """Numbers of the strategy agent.

    Attributes:
        strong_trend: strength of a trend above which momentum is chosen over breakout.
        volatility_bars: of the volatility that sizes.
        size_scale: volatility at which full strength is all of the equity.
        size_cap_frac: largest share of equity suggested.
        signals: of the strategies.
        valuation: cuts of the valuation tag.
    """

    strong_trend: float = 0.7
    volatility_bars: int = 20
    size_scale: float = 0.02
    size_cap_frac: float = 0.20
    signals: SignalSettings = field(default_factory=SignalSettings)
    valuation: ValuationSettings = field(default_factory=ValuationSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyInputs:
    """What the strategy agent reads.

    Attributes:
        snapshot: of the symbol.
        regime: label that risk works with.
        trend_strength: -1..1, from the technical view.
        account: real positions; None when the core does not show them, and then nothing is
            proposed.
        pair: snapshot of the other leg of a pair; None without one.
        fundamentals: of a share; None otherwise.
    """

    snapshot: Snapshot
    regime: Regime
    trend_strength: float
    account: AccountView | None
    pair: Snapshot | None = None
    fundamentals: Fundamentals | None = None


def choose_strategy(
    regime: Regime, trend: float, *, has_pair: bool, settings: StrategySettings
) -> StrategyName | None:
    """Return the strategy that fits a regime; None for no trade.

    Args:
        regime: label in force.
        trend: strength, -1..1.
        has_pair: whether there is a second leg, and both can be sold short.
        settings: the cut between momentum and breakout.
    """
    if regime in _TRENDING:
        is_strong = abs(trend) > settings.strong_trend
        return StrategyName.MOMENTUM if is_strong else StrategyName.BREAKOUT
    if regime is Regime.RANGING:
        return StrategyName.MEAN_REVERSION
    if regime in _VOLATILE:
        return StrategyName.PAIRS if has_pair else None
    return None if regime is Regime.CHOPPY else StrategyName.MOMENTUM


class StrategyRule:
    """Propose what the strategy of the day would do; it remembers nothing."""

    def __init__(self, name: str, settings: StrategySettings | None = None) -> None:
        """Take the agent's name, which begins the ids of its proposals, and the numbers.

        Raises:
            CoreError: a strategy has no signal.
        """
        check_strategies()
        self._name = name
        self._settings = settings or StrategySettings()

    def input_ids(self, inputs: StrategyInputs) -> tuple[str, ...]:
        """Return the digests of the snapshots."""
        seen = (inputs.snapshot, inputs.pair)
        return tuple(item.id for item in seen if item is not None)

    def judge(self, context: Context[StrategyInputs]) -> Opinion:
        """Propose an entry, a close, or nothing."""
        inputs, settings = context.inputs, self._settings
        snapshot = inputs.snapshot
        quality = snapshot.quality
        if quality.grade is Grade.UNUSABLE or snapshot.price is None:
            return hold("the bars cannot be used", *quality.reasons)
        if inputs.account is None:
            return hold("the positions are not known")
        name = choose_strategy(
            inputs.regime, inputs.trend_strength, has_pair=_has_pair(inputs), settings=settings
        )
        if name is None:
            return hold(f"no strategy for a {inputs.regime} market", label="none")
        signal = SIGNALS[name](_window(inputs), settings.signals)
        if signal.side == 0:
            return hold(f"{name} sees no entry", label=name.value)
        return self._follow(context, inputs.account, name, signal)

    def _follow(
        self,
        context: Context[StrategyInputs],
        account: AccountView,
        name: StrategyName,
        signal: Signal,
    ) -> Opinion:
        """Turn a signal into a proposal, where what is held allows it."""
        inputs, snapshot = context.inputs, context.inputs.snapshot
        quality = snapshot.quality
        action, why = action_on(signal.side, account, snapshot.instrument)
        if action is Action.HOLD:
            return hold(f"{name}: {signal.reason}; {why}", label=name.value)
        strength, remark = self._strength(signal, action, inputs)
        volatility = bar_volatility(snapshot.working, self._settings.volatility_bars)
        proposal = self._proposal(context, name, action, signal, strength, volatility)
        if proposal is None:
            return hold(f"{name}: stop or target is within a tick", label=name.value)
        return Opinion(
            action=action,
            confidence=strength,
            confidence_cap=DEGRADED_CAP if quality.grade is Grade.DEGRADED else 1.0,
            label=name.value,
            reasons=(f"{name}: {signal.reason}", *remark, *quality.reasons),
            evidence=evidence_of(
                [
                    ("strength", strength),
                    ("volatility", volatility),
                    ("trend_strength", inputs.trend_strength),
                ],
                "frac",
                snapshot.working.source,
            ),
            detail=proposal,
        )

    def _strength(
        self, signal: Signal, action: Action, inputs: StrategyInputs
    ) -> tuple[float, tuple[str, ...]]:
        """Scale the strength of a purchase by what the share's books say."""
        if action is not Action.BUY or inputs.fundamentals is None:
            return signal.strength, ()
        price = float(inputs.snapshot.working.close[-1])
        tagged = tag_valuation(inputs.fundamentals, price, self._settings.valuation)
        said = f"valuation {tagged.tag}: strength x{tagged.buy_factor:g}"
        return min(signal.strength * tagged.buy_factor, 1.0), (said, *tagged.remarks)

    def _proposal(  # noqa: PLR0913, PLR0917 - what it is made of
        self,
        context: Context[StrategyInputs],
        name: StrategyName,
        action: Action,
        signal: Signal,
        strength: float,
        volatility: float,
    ) -> Proposal | None:
        """Put a signal on whole ticks; None when a tick is too coarse for its distances."""
        inputs, settings = context.inputs, self._settings
        snapshot = inputs.snapshot
        instrument, price = snapshot.instrument, snapshot.price
        proposal = Proposal(
            id=f"{self._name}/{snapshot.symbol}/{context.as_of_ns}",
            symbol=snapshot.symbol,
            action=action,
            strategy=name.value,
            strength=strength,
            regime=inputs.regime,
            entry_price=price,
        )
        if action in {Action.CLOSE_LONG, Action.CLOSE_SHORT}:
            return proposal
        stop = whole_ticks(signal.stop, signal.side, instrument)
        target = whole_ticks(signal.target, signal.side, instrument)
        if price is None or stop is None or target is None:
            return None
        if not (stop < price < target if signal.side > 0 else target < price < stop):
            return None
        size_frac = suggested_size_frac(
            volatility, strength, scale=settings.size_scale, cap=settings.size_cap_frac
        )
        hedge = inputs.pair if name is StrategyName.PAIRS else None
        return replace(
            proposal,
            stop_price=stop,
            target_price=target,
            size_frac=size_frac,
            hedge_symbol=hedge.symbol if hedge else "",
        )


def whole_ticks(price: float, side: int, instrument: Instrument) -> Decimal | None:
    """Put a stop or target on a tick: downwards for a long position, upwards for a short one.

    A stop moves away from the entry, so that the size that follows is the smaller one, and a
    target towards it. None when no tick is left above 0.
    """
    exact = price / float(instrument.tick)
    if not math.isfinite(exact):
        return None
    ticks = math.floor(exact) if side > 0 else math.ceil(exact)
    return instrument.ticks_to_price(ticks) if ticks > 0 else None


def action_on(side: int, account: AccountView, instrument: Instrument) -> tuple[Action, str]:
    """Turn a side into an action on what is held; spot that is not held cannot be sold."""
    held = account.held(instrument.symbol)
    if side > 0:
        if held < 0:
            return Action.CLOSE_SHORT, ""
        return (Action.HOLD, "already long") if held > 0 else (Action.BUY, "")
    if held > 0:
        return Action.CLOSE_LONG, ""
    if held < 0:
        return Action.HOLD, "already short"
    if not instrument.is_margin:
        return Action.HOLD, "nothing is held, and spot cannot be sold short"
    return Action.SELL, ""


def _has_pair(inputs: StrategyInputs) -> bool:
    """Tell whether both legs of a pair can be traded either way, on bars that can be used."""
    pair = inputs.pair
    return (
        pair is not None
        and pair.quality.grade is not Grade.UNUSABLE
        and pair.instrument.is_margin
        and inputs.snapshot.instrument.is_margin
    )


def _window(inputs: StrategyInputs) -> Window:
    frame = inputs.snapshot.working
    other = None
    if inputs.pair is not None:
        other = _on_the_same_bars(frame, inputs.pair.working)
    return Window(
        high=frame.high,
        low=frame.low,
        close=frame.close,
        squeeze=frame.squeeze,
        atr=frame.values.get("atr_14", math.nan),
        other=other,
    )


def _on_the_same_bars(frame: Frame, pair: Frame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the other leg's closes if its newest bars are the same ones, else none."""
    n = min(len(frame), len(pair))
    if n == 0 or (frame.ts_ns[-n:] != pair.ts_ns[-n:]).any():
        return np.empty(0)
    return pair.close[-n:]

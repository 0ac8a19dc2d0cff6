"""Execution planning: how a proposal would be traded, and whether it is worth its cost (4.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from athena.desk.agents._opinion import Opinion, abstain, evidence_of
from athena.desk.contract import Plan, PlannedOrder, PlanStyle, digest
from athena.domain import MINUTE_NS, Action, OrderType, Side

if TYPE_CHECKING:
    from athena.desk.contract import Context, Proposal
    from athena.desk.inputs import AccountView, MarketConditions
    from athena.domain import Instrument

_BPS = 10_000.0
_ENTRIES = {Action.BUY: Side.BUY, Action.SELL: Side.SELL}
_CLOSES = {Action.CLOSE_LONG: Side.SELL, Action.CLOSE_SHORT: Side.BUY}


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Numbers of execution planning.

    Attributes:
        base_slippage_bps: paid beside the impact.
        impact_cap, impact_unknown: largest impact, and the one where volume is not known.
        small_frac, twap_frac, vwap_frac: order over mean daily volume: below the first a market
            order, above the others slices in time, and by volume.
        calm_volatility: below it a limit order is tried.
        limit_better_frac: distance of the limit from the market.
        stop_frac: distance of the stop of a proposal that has none.
        gain_cost_frac: round trip's cost over the expected gain, at most.
        quote_age_ns: of a fresh quote, at most.
        taker_fee_bps, maker_fee_bps: of the venue.
    """

    base_slippage_bps: float = 10.0
    impact_cap: float = 0.05
    impact_unknown: float = 0.01
    small_frac: float = 0.01
    twap_frac: float = 0.05
    vwap_frac: float = 0.10
    calm_volatility: float = 0.03
    limit_better_frac: float = 0.001
    stop_frac: float = 0.02
    gain_cost_frac: float = 0.5
    quote_age_ns: int = MINUTE_NS
    taker_fee_bps: float = 26.0
    maker_fee_bps: float = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionInputs:
    """What execution planning reads.

    Attributes:
        instrument: that would be traded.
        proposal: None when nothing is proposed.
        conditions: of its market.
        account: real money and positions; None when the core does not show them.
        target_multiple: of the regime: target in stop distances, for a proposal without one.
        stop_factor: of the regime: times `stop_frac`, for a proposal without a stop.
        is_urgent: trade at once.
    """

    instrument: Instrument
    proposal: Proposal | None
    conditions: MarketConditions
    account: AccountView | None
    target_multiple: float = 2.0
    stop_factor: float = 1.0
    is_urgent: bool = False


def impact_frac(size: float, conditions: MarketConditions, settings: ExecutionSettings) -> float:
    """Estimate what an order moves the price by: volatility x sqrt(size / mean volume).

    5 % at most; 1 % where volume or volatility is not known.
    """
    volume, volatility = conditions.daily_volume, conditions.volatility
    if not volume or volatility is None or not (volume > 0 and volatility >= 0):
        return settings.impact_unknown
    return min(volatility * math.sqrt(size / volume), settings.impact_cap)


def choose_style(
    size: float, conditions: MarketConditions, *, is_urgent: bool, settings: ExecutionSettings
) -> PlanStyle:
    """Return the first style that fits an order (DK-34).

    Args:
        size: base currency.
        conditions: of the market.
        is_urgent: trade at once.
        settings: the cuts.
    """
    volume = conditions.daily_volume
    share = size / volume if volume else None
    if is_urgent or (share is not None and share < settings.small_frac):
        return PlanStyle.MARKET
    if share is not None and share > settings.vwap_frac:
        # Without a profile there is nothing to weigh slices by.
        return PlanStyle.VWAP if sum(conditions.volume_profile) > 0 else PlanStyle.TWAP
    if share is not None and share > settings.twap_frac:
        return PlanStyle.TWAP
    volatility = conditions.volatility
    is_calm = volatility is not None and volatility < settings.calm_volatility
    return PlanStyle.LIMIT if is_calm else PlanStyle.MARKET


class ExecutionRule:
    """Plan a proposal; it remembers nothing. It abstains, or holds what is not feasible."""

    def __init__(self, settings: ExecutionSettings | None = None) -> None:
        """Take the numbers; None is the specification's."""
        self._settings = settings or ExecutionSettings()

    def input_ids(self, inputs: ExecutionInputs) -> tuple[str, ...]:
        """Return the digests of proposal, conditions and account; none without a proposal."""
        if inputs.proposal is None:
            return ()
        read = (inputs.proposal, inputs.conditions, inputs.account)
        return tuple(digest(item) for item in read if item is not None)

    def judge(self, context: Context[ExecutionInputs]) -> Opinion:
        """Plan the proposal, and hold when it cannot or should not be traded."""
        inputs = context.inputs
        if inputs.proposal is None or inputs.proposal.action is Action.HOLD:
            return abstain("nothing is proposed")
        plan = make_plan(inputs, context.as_of_ns, self._settings)
        shown = evidence_of(
            [
                ("expected_slippage", plan.expected_slippage_bps),
                ("expected_fee", plan.expected_fee_bps),
                ("expected_gain", plan.expected_gain_bps),
            ],
            "bps",
            "execution plan",
        )
        if plan.is_feasible:
            reason = f"{plan.style}: feasible"
            return Opinion(
                action=Action.HOLD,
                confidence=0.0,
                reasons=(reason,),
                label=plan.style.value,
                evidence=shown,
                abstains=True,
                detail=plan,
            )
        return Opinion(
            action=Action.HOLD,
            confidence=1.0,
            reasons=plan.refusals,
            label="infeasible",
            evidence=shown,
            detail=plan,
        )


def make_plan(inputs: ExecutionInputs, as_of_ns: int, settings: ExecutionSettings) -> Plan:
    """Plan how a proposal would be traded at a moment.

    Args:
        inputs: with a proposal that is not hold.
        as_of_ns: the moment.
        settings: the numbers.
    """
    proposal, conditions = inputs.proposal, inputs.conditions
    price = conditions.price
    is_fresh = 0 <= as_of_ns - conditions.quoted_at_ns <= settings.quote_age_ns
    if proposal is None or price is None or not is_fresh:
        return _refused(inputs, "no fresh quote")
    is_exit = proposal.action in _CLOSES
    lots = _whole_lots(_quantity(inputs, proposal, price), inputs.instrument)
    size = float(lots)
    style = choose_style(
        size, conditions, is_urgent=inputs.is_urgent or is_exit, settings=settings
    )
    slippage_bps = settings.base_slippage_bps + _BPS * impact_frac(size, conditions, settings)
    is_maker = style is PlanStyle.LIMIT
    fee_bps = settings.maker_fee_bps if is_maker else settings.taker_fee_bps
    refusals = _refusals(inputs.instrument, lots, price, is_exit=is_exit)
    stop, target, gain_bps = None, None, None
    if not is_exit:
        stop, target = _protections(inputs, proposal, price, settings)
        gain_bps = float(abs(target - price) / price) * _BPS
        cost_bps = 2.0 * (slippage_bps + fee_bps)
        refusals += _doubts(proposal, (stop, price, target), cost_bps, gain_bps, settings)
    order = None
    if not refusals:
        side = _CLOSES[proposal.action] if is_exit else _ENTRIES[proposal.action]
        order = PlannedOrder(
            symbol=proposal.symbol,
            side=side,
            type=OrderType.LIMIT if is_maker else OrderType.MARKET,
            quantity=lots,
            limit_price=_limit(price, side, inputs.instrument, settings) if is_maker else None,
            stop_price=stop,
            target_price=target,
            is_exit=is_exit,
        )
    return Plan(
        proposal_id=proposal.id,
        style=style,
        orders=() if order is None else (order,),
        is_feasible=order is not None,
        refusals=tuple(refusals),
        expected_slippage_bps=slippage_bps,
        expected_fee_bps=fee_bps,
        expected_gain_bps=gain_bps,
    )


def _doubts(
    proposal: Proposal,
    prices: tuple[Decimal, Decimal, Decimal],
    cost_bps: float,
    gain_bps: float,
    settings: ExecutionSettings,
) -> list[str]:
    """Say what speaks against an entry: protections on the wrong side, or a cost too high."""
    stop, price, target = prices
    found = []
    is_around = stop < price < target if proposal.action is Action.BUY else target < price < stop
    if not is_around:
        found.append(f"stop {stop} and target {target} do not protect a {proposal.action}")
    if cost_bps > settings.gain_cost_frac * gain_bps:
        found.append(f"a round trip costs {cost_bps:.0f} bps of a gain of {gain_bps:.0f} bps")
    return found


def _refused(inputs: ExecutionInputs, reason: str) -> Plan:
    return Plan(
        proposal_id=inputs.proposal.id if inputs.proposal else "",
        style=PlanStyle.MARKET,
        orders=(),
        is_feasible=False,
        refusals=(reason,),
        expected_slippage_bps=0.0,
        expected_fee_bps=0.0,
        expected_gain_bps=None,
    )


def _quantity(inputs: ExecutionInputs, proposal: Proposal, price: Decimal) -> Decimal:
    """Return what is wanted in base currency: all that is held, or a share of equity."""
    account = inputs.account
    if account is None:
        return Decimal(0)
    if proposal.action in _CLOSES:
        return abs(account.held(proposal.symbol))
    if account.equity is None or account.equity <= 0:
        return Decimal(0)
    return account.equity * Decimal(repr(proposal.size_frac)) / price


def _whole_lots(quantity: Decimal, instrument: Instrument) -> Decimal:
    lots = int((quantity / instrument.lot).to_integral_value(rounding=ROUND_FLOOR))
    return instrument.lots_to_quantity(lots)


def _refusals(
    instrument: Instrument, quantity: Decimal, price: Decimal, *, is_exit: bool
) -> list[str]:
    least = instrument.lots_to_quantity(instrument.min_lots)
    if quantity < least:
        what = "what is held" if is_exit else "the size"
        return [f"{what} is {quantity} {instrument.base}, the venue takes {least}"]
    if quantity * price < instrument.min_notional:
        return [
            f"the order is worth {quantity * price}, the venue takes {instrument.min_notional}"
        ]
    return []


def _protections(
    inputs: ExecutionInputs, proposal: Proposal, price: Decimal, settings: ExecutionSettings
) -> tuple[Decimal, Decimal]:
    """Return stop and target: the proposal's own, or the defaults of the regime."""
    side = 1 if proposal.action is Action.BUY else -1
    tick = inputs.instrument.tick
    stop = proposal.stop_price
    if stop is None:
        distance = price * Decimal(repr(settings.stop_frac * inputs.stop_factor))
        stop = _on_tick(price - side * distance, tick, up=side < 0)
    target = proposal.target_price
    if target is None:
        distance = abs(price - stop) * Decimal(repr(inputs.target_multiple))
        target = _on_tick(price + side * distance, tick, up=side < 0)
    return stop, target


def _limit(
    price: Decimal, side: Side, instrument: Instrument, settings: ExecutionSettings
) -> Decimal:
    """Return a limit that is better than the market, on a tick that is not worse."""
    better = Decimal(repr(settings.limit_better_frac))
    is_buy = side is Side.BUY
    wanted = price * (1 - better if is_buy else 1 + better)
    return _on_tick(wanted, instrument.tick, up=not is_buy)


def _on_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding=rounding) * tick, tick)

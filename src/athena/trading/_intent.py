"""Intents: what a strategy, the desk or a person wants, before the risk engine has judged it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import OrderType, Purpose, Regime, Side, TimeInForce
from athena.trading._core import layout as at

if TYPE_CHECKING:
    from athena.trading._core.layout import Table

_SIDES = {Side.BUY: 1, Side.SELL: -1}
_TYPES = {kind: code for code, kind in enumerate(OrderType)}
_TIMES_IN_FORCE = {kind: code for code, kind in enumerate(TimeInForce)}
_PURPOSES = {kind: code for code, kind in enumerate(Purpose)}
REGIME_CODES = {kind: code for code, kind in enumerate(Regime)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Ask for one order, in ticks and lots.

    Attributes:
        side: direction.
        lots: quantity; 0 when `quote_amount` says how much to spend.
        instrument: index of the instrument in the run.
        purpose: decides the rule set; `exit` can only reduce.
        type: what the order asks of the venue.
        limit_ticks, trigger_ticks: prices of the types that have them.
        stop_ticks, target_ticks: protections born with each fill; 0 is none (the risk engine may
            add its default stop).
        quote_amount: money units (10^-8) to spend, used when lots is 0.
        trail_ppm: > 0 makes the stop trail by this fraction once armed.
        break_even: True moves the stop to the entry once in profit.
        time_in_force, post_only, expires_ns: as at a venue; expires_ns 0 is the default.
        leverage: asked for, 1..5; judged at no more than the caps.
        confidence: 0..1, in ppm.
        regime: label the desk gives the market; `unknown` without a desk.
        target_ppm: target weight of a rebalance.
        sibling: number of a live order that this one pairs with (OCO).
        key: identity against duplicates; 0 lets the core number it.
    """

    side: Side
    lots: int = 0
    instrument: int = 0
    purpose: Purpose = Purpose.ENTRY
    type: OrderType = OrderType.MARKET
    limit_ticks: int = 0
    trigger_ticks: int = 0
    stop_ticks: int = 0
    target_ticks: int = 0
    quote_amount: int = 0
    trail_ppm: int = 0
    break_even: bool = False
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expires_ns: int = 0
    leverage: int = 1
    confidence_ppm: int = at.PPM
    regime: Regime = Regime.UNKNOWN
    target_ppm: int = 0
    sibling: int = 0
    key: int = 0


def write_intent(intent: Intent, strategy: int, row: Table) -> None:
    """Write an intent into an (N_INTENT,) row, as a rule set of strategy `strategy`."""
    row[at.I_KEY] = intent.key
    row[at.I_STRATEGY] = strategy
    row[at.I_INSTRUMENT] = intent.instrument
    row[at.I_PURPOSE] = _PURPOSES[intent.purpose]
    row[at.I_SIDE] = _SIDES[intent.side]
    row[at.I_TYPE] = _TYPES[intent.type]
    row[at.I_TIME_IN_FORCE] = _TIMES_IN_FORCE[intent.time_in_force]
    row[at.I_LOTS] = intent.lots
    row[at.I_QUOTE_AMOUNT] = intent.quote_amount
    row[at.I_LIMIT] = intent.limit_ticks
    row[at.I_TRIGGER] = intent.trigger_ticks
    row[at.I_STOP] = intent.stop_ticks
    row[at.I_TARGET] = intent.target_ticks
    row[at.I_TRAIL_PPM] = intent.trail_ppm
    row[at.I_LEVERAGE] = intent.leverage
    row[at.I_CONFIDENCE_PPM] = intent.confidence_ppm
    row[at.I_REGIME] = REGIME_CODES[intent.regime]
    row[at.I_FLAGS] = at.FLAG_POST_ONLY * intent.post_only + at.FLAG_BREAK_EVEN * intent.break_even
    row[at.I_EXPIRES_NS] = intent.expires_ns
    row[at.I_TARGET_PPM] = intent.target_ppm
    row[at.I_SIBLING] = intent.sibling

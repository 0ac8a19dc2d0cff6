"""Translate the risk configuration into the core's integers, once; and the limits of `open`."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from athena.trading import InstrumentLimits, limit_columns, limits_table

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.domain import Instrument
    from athena.platform.config import CostsConfig, RiskConfig
    from athena.trading import Ints

_PPM = 1_000_000
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS
_MONEY = 10**8
# Wide enough never to bind, small enough that no product of them leaves 64 bits.
_WIDE_PPM = 10**9
_WIDE_COUNT = 10**9
_WIDE_MONEY = 2**61
_WIDE_NS = 2**61
_STRICTNESS_PPM = {"relaxed": -50_000, "normal": 0, "strict": 50_000, "strictest": 100_000}
_TRAIL_PPM = 15_000
_TRAIL_ARM_PPM = 10_000
_BREAK_EVEN_ARM_PPM = 10_000
_BREAK_EVEN_PPM = 1_000
_TRAIL_ATR_PPM = 1_500_000
_ENTRY_LIMIT_MINUTES = 60
_ENTRY_LIMIT_MAX_MINUTES = 24 * 60
_SPOT_BUFFER_PPM = 5_000


def _ppm(value: Decimal) -> int:
    return int(value * _PPM)


def risk_limits(risk: RiskConfig, costs: CostsConfig) -> Ints:
    """Build the limits vector of a risk configuration."""
    values = {
        **_size_limits(risk),
        **_loss_limits(risk),
        **_wait_limits(risk),
        **_confidence_limits(risk),
        **_regime_limits(risk),
        **_cost_limits(costs),
        **_protection_limits(),
    }
    return limits_table(values)


def _size_limits(risk: RiskConfig) -> dict[str, int]:
    return {
        "NEEDS_STOP": 1,
        "SIZES_BY_RISK": 1,
        "NEEDS_CONFIDENCE": 1,
        "POSITION_PPM": _ppm(risk.position_notional_frac),
        "GROSS_PPM": _ppm(risk.gross_exposure_frac),
        "NET_PPM": _ppm(risk.net_exposure_frac),
        "SECTOR_PPM": _ppm(risk.sector_exposure_frac),
        "CORRELATED_PPM": _ppm(risk.correlated_exposure_frac),
        "CORRELATION_PPM": _ppm(risk.correlation_min),
        "ACCOUNT_LEVERAGE_PPM": _ppm(risk.account_leverage_max),
        "MARGIN_PPM": _ppm(risk.margin_use_frac),
        "VAR_PPM": _ppm(risk.var95_frac),
        "LIQUIDITY_PPM": _ppm(risk.liquidity_frac),
        "RISK_PER_TRADE_PPM": _ppm(risk.risk_per_trade_frac),
        "ORDER_CAP_MONEY": _money(risk.order_notional_max),
        "TOTAL_GROSS_MONEY": _money(risk.gross_notional_max),
        "MAX_POSITIONS": risk.positions_max,
        "MAX_POSITIONS_PER_SYMBOL": risk.positions_per_symbol_max,
        "ORDERS_PER_MINUTE": risk.orders_per_minute,
        "ORDER_BURST": risk.orders_burst,
        "STOP_MIN_PPM": _ppm(risk.stop_distance_min_frac),
        "REWARD_RISK_PPM": _ppm(risk.reward_risk_min),
        "SLIPPAGE_PPM": _ppm(risk.entry_slippage_max_frac),
        "MAX_LEVERAGE": risk.position_leverage_max,
        "HOLDING_NS": risk.holding_minutes_max * _MINUTE_NS,
        "VOLATILITY_SPIKE_PPM": _ppm(risk.volatility_spike_ratio),
        "VOLATILITY_SIZE_PPM": _ppm(risk.volatility_size_factor),
        "QUOTE_AGE_NS": risk.health.quote_age_max_s * _SECOND_NS,
        "ACCOUNT_AGE_NS": risk.health.account_age_max_s * _SECOND_NS,
    }


def _money(value: Decimal) -> int:
    return min(_WIDE_MONEY, int(value * _MONEY))


def _loss_limits(risk: RiskConfig) -> dict[str, int]:
    breakers = risk.breakers
    falls = risk.drawdown_leverage
    streak = risk.loss_streak
    return {
        "DAY_LOSS_PPM": _ppm(breakers.daily_loss_frac),
        "DAY_TIGHTEN_PPM": _ppm(breakers.daily_stop_frac),
        "WEEK_LOSS_PPM": _ppm(breakers.weekly_loss_frac),
        "WEEK_CUT_PPM": _ppm(breakers.weekly_cut_frac),
        "DRAWDOWN_STOP_PPM": _ppm(breakers.drawdown_stop_frac),
        "DRAWDOWN_LIMIT_PPM": _ppm(breakers.drawdown_limit_frac),
        "ERROR_PAUSE": breakers.execution_error_count,
        "ERROR_PAUSE_NS": breakers.execution_error_pause_minutes * _MINUTE_NS,
        "DRAWDOWN_1_PPM": _ppm(falls.first_drawdown_frac),
        "DRAWDOWN_2_PPM": _ppm(falls.second_drawdown_frac),
        "DRAWDOWN_3_PPM": _ppm(falls.third_drawdown_frac),
        "DRAWDOWN_1_LEVERAGE": falls.first_leverage_max,
        "DRAWDOWN_2_LEVERAGE": falls.second_leverage_max,
        "DRAWDOWN_3_LEVERAGE": falls.third_leverage_max,
        "SHORT_STREAK": streak.short_count,
        "LONG_STREAK": streak.long_count,
        "SHORT_STREAK_LEVERAGE": streak.short_leverage_max,
        "LONG_STREAK_LEVERAGE": streak.long_leverage_max,
        "SHORT_STREAK_FLOOR_PPM": _ppm(streak.short_confidence_add),
        "LONG_STREAK_FLOOR_PPM": _ppm(streak.long_confidence_add),
        "LOSS_SIZE_PPM": _ppm(streak.long_size_factor),
        "STREAK_PAUSE_NS": streak.pause_minutes * _MINUTE_NS,
    }


def _wait_limits(risk: RiskConfig) -> dict[str, int]:
    waits = risk.cooldowns
    window = risk.no_entry_window
    is_open = int(window.is_enabled)
    return {
        "COOLDOWN_TRADE_NS": waits.after_trade_minutes * _MINUTE_NS,
        "COOLDOWN_LOSS_NS": waits.after_loss_minutes * _MINUTE_NS,
        "COOLDOWN_SHORT_STREAK_NS": waits.after_short_streak_minutes * _MINUTE_NS,
        "COOLDOWN_LONG_STREAK_NS": waits.after_long_streak_minutes * _MINUTE_NS,
        "COOLDOWN_REBALANCE_NS": waits.after_rebalance_minutes * _MINUTE_NS,
        "COOLDOWN_VOLATILITY_NS": waits.volatility_spike_minutes * _MINUTE_NS,
        "COOLDOWN_MOVE_NS": waits.fast_move_minutes * _MINUTE_NS,
        "MOVE_PPM": _ppm(waits.fast_move_frac),
        "WINDOW_START_NS": is_open * window.start_minute * _MINUTE_NS,
        "WINDOW_END_NS": is_open * window.end_minute * _MINUTE_NS,
    }


def _confidence_limits(risk: RiskConfig) -> dict[str, int]:
    tiers = (risk.tiers.tier_1, risk.tiers.tier_2, risk.tiers.tier_3, risk.tiers.tier_4)
    values = {"STRICTNESS_PPM": _STRICTNESS_PPM[risk.strictness]}
    for number, tier in enumerate(tiers, start=1):
        values[f"TIER_{number}_PPM"] = _ppm(tier.confidence_min)
        values[f"TIER_{number}_SIZE_PPM"] = _ppm(tier.size_factor)
        values[f"TIER_{number}_CAP_PPM"] = _ppm(tier.position_cap_frac)
        values[f"TIER_{number}_LEVERAGE"] = tier.leverage_max
    return values


def _regime_limits(risk: RiskConfig) -> dict[str, int]:
    """Spread the seven labels of the configuration over the eight regimes."""
    values: dict[str, int] = {}
    for name, section, scale in (
        ("REGIME_FLOOR_PPM", risk.regime_confidence, _PPM),
        ("REGIME_SIZE_PPM", risk.regime_size, _PPM),
        ("REGIME_LEVERAGE", risk.regime_leverage, 1),
        ("REGIME_ATR_PPM", risk.regime_stop_atr, _PPM),
    ):
        by_regime = (
            section.bull,
            section.bear,
            section.ranging,
            section.volatile,
            section.volatile,
            section.choppy,
            section.breakout,
            section.unknown,
        )
        for regime, value in enumerate(by_regime):
            values[f"{name}_{regime}"] = int(value * scale)
    return values


def _cost_limits(costs: CostsConfig) -> dict[str, int]:
    base_ppm = int(costs.base_cost_bps * 100)
    fee_ppm = math.ceil(costs.taker_fee_bps * 100)
    return {
        "BASE_COST_PPM": base_ppm,
        "CASH_BUFFER_PPM": fee_ppm + 2 * base_ppm + _SPOT_BUFFER_PPM,
        "IMPACT_CAP_PPM": _ppm(costs.impact_cap_frac),
        "IMPACT_UNKNOWN_PPM": _ppm(costs.impact_unknown_frac),
    }


def _protection_limits() -> dict[str, int]:
    """Return what the order types of the specification fix."""
    return {
        "ENTRY_LIMIT_NS": _ENTRY_LIMIT_MINUTES * _MINUTE_NS,
        "ENTRY_LIMIT_MAX_NS": _ENTRY_LIMIT_MAX_MINUTES * _MINUTE_NS,
        "TRAIL_PPM": _TRAIL_PPM,
        "TRAIL_ARM_PPM": _TRAIL_ARM_PPM,
        "TRAIL_ATR_PPM": _TRAIL_ATR_PPM,
        "BREAK_EVEN_ARM_PPM": _BREAK_EVEN_ARM_PPM,
        "BREAK_EVEN_PPM": _BREAK_EVEN_PPM,
    }


def open_limits(costs: CostsConfig) -> Ints:
    """Build limits so wide that they never bind: every check runs, nothing is asked for.

    No stop, no confidence, no holding time; the requested size is kept.
    """
    values: dict[str, int] = {}
    for name in limit_columns():
        if name.startswith(("NEEDS_", "COOLDOWN_")) or name in _ZERO_WHEN_OPEN:
            values[name] = 0
        elif name.endswith("_MONEY"):
            values[name] = _WIDE_MONEY
        elif name.endswith("_NS"):
            values[name] = _WIDE_NS
        elif name.endswith("_PPM") or "_PPM_" in name:
            values[name] = _WIDE_PPM
        else:
            values[name] = _WIDE_COUNT
    values |= {name: _OPEN_LEVERAGE for name in values if "LEVERAGE" in name and "PPM" not in name}
    values |= _cost_limits(costs) | _protection_limits()
    values |= {"ENTRY_LIMIT_NS": _WIDE_NS, "ENTRY_LIMIT_MAX_NS": _WIDE_NS}
    return limits_table(values)


_OPEN_LEVERAGE = 5
_ZERO_WHEN_OPEN = {
    "SIZES_BY_RISK",
    "STOP_MIN_PPM",
    "REWARD_RISK_PPM",
    "STRICTNESS_PPM",
    "STREAK_PAUSE_NS",
    "ERROR_PAUSE_NS",
    "WINDOW_START_NS",
    "WINDOW_END_NS",
    "SHORT_STREAK_FLOOR_PPM",
    "LONG_STREAK_FLOOR_PPM",
}


def instrument_limits(instrument: Instrument, risk: RiskConfig) -> InstrumentLimits:
    """Return the limits that differ by instrument: farthest stop and largest order."""
    base = instrument.base
    stop = min(
        risk.stop_distance_max_frac_by_base.get(base, risk.stop_distance_max_frac),
        risk.stop_distance_max_frac,
    )
    quantity = risk.order_quantity_max_by_base.get(base, risk.order_quantity_max)
    return InstrumentLimits(
        max_stop_ppm=_ppm(stop),
        cap_lots=min(_WIDE_MONEY, int(quantity / instrument.lot)),
        sector=sector_number(instrument.sector),
    )


def sector_number(sector: str) -> int:
    """Return a number that stands for a sector's name in the core, > 0; 0 for no name."""
    if not sector:
        return 0
    return 1 + int.from_bytes(hashlib.sha256(sector.encode()).digest()[:6])


def open_instrument_limits() -> InstrumentLimits:
    """Return instrument limits that never bind."""
    return InstrumentLimits(max_stop_ppm=_WIDE_PPM, cap_lots=_WIDE_MONEY)

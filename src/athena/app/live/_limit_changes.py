"""What an operator may change of a running session's risk limits, and how it reaches the core.

A new value is what the configuration would make of it: the same bounds, the same conversion to the
core's integers. Limits that differ by instrument stand in no column of their own and are not
changed while a session runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from athena.app.live._access import Role
from athena.app.live._wishes import Verb
from athena.errors import ConfigError, InputError
from athena.platform.config import Config, flatten
from athena.trading import limit_columns
from athena.trading.live import LimitChanged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.live._inbox import Request


@dataclass(frozen=True, slots=True)
class ChangeableLimit:
    """One key of the risk section that can be changed while a session runs.

    Attributes:
        columns: of the core's limits that it sets.
        is_lower_tighter: a smaller value takes less risk; else a larger one does.
    """

    columns: tuple[str, ...]
    is_lower_tighter: bool = True


def _lower(*columns: str) -> ChangeableLimit:
    return ChangeableLimit(columns)


def _higher(*columns: str) -> ChangeableLimit:
    return ChangeableLimit(columns, is_lower_tighter=False)


CHANGEABLE: Mapping[str, ChangeableLimit] = {
    "risk.risk_per_trade_frac": _lower("RISK_PER_TRADE_PPM"),
    "risk.position_notional_frac": _lower("POSITION_PPM"),
    "risk.gross_exposure_frac": _lower("GROSS_PPM"),
    "risk.net_exposure_frac": _lower("NET_PPM"),
    "risk.sector_exposure_frac": _lower("SECTOR_PPM"),
    "risk.correlated_exposure_frac": _lower("CORRELATED_PPM"),
    "risk.correlation_min": _lower("CORRELATION_PPM"),
    "risk.position_leverage_max": _lower("MAX_LEVERAGE"),
    "risk.account_leverage_max": _lower("ACCOUNT_LEVERAGE_PPM"),
    "risk.stop_distance_min_frac": _higher("STOP_MIN_PPM"),
    "risk.reward_risk_min": _higher("REWARD_RISK_PPM"),
    "risk.entry_slippage_max_frac": _lower("SLIPPAGE_PPM"),
    "risk.positions_max": _lower("MAX_POSITIONS"),
    "risk.positions_per_symbol_max": _lower("MAX_POSITIONS_PER_SYMBOL"),
    "risk.margin_use_frac": _lower("MARGIN_PPM"),
    "risk.holding_minutes_max": _lower("HOLDING_NS"),
    "risk.var95_frac": _lower("VAR_PPM"),
    "risk.liquidity_frac": _lower("LIQUIDITY_PPM"),
    "risk.order_notional_max": _lower("ORDER_CAP_MONEY"),
    "risk.gross_notional_max": _lower("TOTAL_GROSS_MONEY"),
    "risk.orders_per_minute": _lower("ORDERS_PER_MINUTE"),
    "risk.orders_burst": _lower("ORDER_BURST"),
    "risk.volatility_spike_ratio": _lower("VOLATILITY_SPIKE_PPM"),
    "risk.volatility_size_factor": _lower("VOLATILITY_SIZE_PPM"),
    "risk.breakers.daily_loss_frac": _lower("DAY_LOSS_PPM"),
    "risk.breakers.weekly_loss_frac": _lower("WEEK_LOSS_PPM"),
    "risk.breakers.drawdown_stop_frac": _lower("DRAWDOWN_STOP_PPM"),
    "risk.breakers.drawdown_limit_frac": _lower("DRAWDOWN_LIMIT_PPM"),
    "risk.breakers.execution_error_count": _lower("ERROR_PAUSE"),
    "risk.breakers.execution_error_pause_minutes": _higher("ERROR_PAUSE_NS"),
    "risk.loss_streak.pause_minutes": _higher("STREAK_PAUSE_NS"),
    "risk.loss_streak.long_size_factor": _lower("LOSS_SIZE_PPM"),
    "risk.cooldowns.after_trade_minutes": _higher("COOLDOWN_TRADE_NS"),
    "risk.cooldowns.after_loss_minutes": _higher("COOLDOWN_LOSS_NS"),
    "risk.cooldowns.after_short_streak_minutes": _higher("COOLDOWN_SHORT_STREAK_NS"),
    "risk.cooldowns.after_long_streak_minutes": _higher("COOLDOWN_LONG_STREAK_NS"),
    "risk.cooldowns.after_rebalance_minutes": _higher("COOLDOWN_REBALANCE_NS"),
    "risk.cooldowns.volatility_spike_minutes": _higher("COOLDOWN_VOLATILITY_NS"),
    "risk.cooldowns.fast_move_minutes": _higher("COOLDOWN_MOVE_NS"),
    "risk.cooldowns.fast_move_frac": _lower("MOVE_PPM"),
    "risk.health.quote_age_max_s": _lower("QUOTE_AGE_NS"),
    "risk.health.account_age_max_s": _lower("ACCOUNT_AGE_NS"),
}


def to_limit_changed(request: Request, config: Config, ts_ns: int) -> tuple[LimitChanged, ...]:
    """Return the events of a request with the verb `limit`, one for each column of the core.

    Nobody gets beyond the bounds of the key, which no file can raise either. Within them an admin
    may loosen a limit; everybody else only tightens it, measured by the configuration.

    Args:
        request: with the arguments `name` and `value`.
        config: that the session was started with.
        ts_ns: the engine's clock.

    Raises:
        InputError: the key cannot be changed while a session runs, the value is beyond its
            bounds or does not go with the others, or only an admin may loosen it; to be answered
            with, as rejected.
    """
    from athena.research import risk_limits

    wish = request.wish
    if wish.verb is not Verb.LIMIT:
        message = f"expected a change of a limit, was {wish.verb}"
        raise InputError(message)
    name, text = wish.arguments.get("name", ""), wish.arguments.get("value", "")
    limit = CHANGEABLE.get(name)
    if limit is None:
        message = f"expected a limit that can be changed while a session runs, was {name!r}"
        raise InputError(message, hint="change the configuration and start the session again")
    changed = _with_value(config, name, text)
    ours, theirs = (risk_limits(item.risk, item.costs) for item in (config, changed))
    at = [limit_columns()[column] for column in limit.columns]
    sign = 1 if limit.is_lower_tighter else -1
    is_looser = any(sign * (int(theirs[column]) - int(ours[column])) > 0 for column in at)
    if is_looser and not request.role.may(Role.ADMIN):
        message = f"expected {name} no looser than {_value(config, name)}, was {text}"
        raise InputError(message, hint="ask somebody with the role admin")
    return tuple(
        LimitChanged(
            name=column,
            value=int(theirs[position]),
            ts_ns=ts_ns,
            by=request.operator,
            reason=wish.reason,
        )
        for column, position in zip(limit.columns, at, strict=True)
    )


def _with_value(config: Config, name: str, text: str) -> Config:
    """Return the configuration with one other value, which passes what a file has to pass."""
    values = config.model_dump()
    section: dict[str, Any] = values
    *parents, last = name.split(".")
    for parent in parents:
        section = section[parent]
    section[last] = text
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        reasons = "; ".join(
            str(item["msg"]).removeprefix("Value error, ") for item in error.errors()
        )
        message = f"expected a value of {name} within its bounds, was {text!r}: {reasons}"
        raise ConfigError(message) from None


def _value(config: Config, name: str) -> object:
    return dict(flatten(config.model_dump()))[name]

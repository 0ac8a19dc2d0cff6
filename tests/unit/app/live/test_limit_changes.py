"""What an operator may change of a running session's limits: names, units, bounds, direction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from athena.app.live import (
    CHANGEABLE,
    Request,
    RequestState,
    Role,
    Verb,
    Wish,
    to_limit_changed,
)
from athena.errors import ConfigError, InputError
from athena.platform.config import Config, flatten
from athena.research import risk_limits
from athena.trading import limit_columns

CONFIG = Config()
NOW_NS = 7
MINUTE_NS = 60 * 10**9


def asked(name: str, value: str, role: Role = Role.ADMIN, verb: Verb = Verb.LIMIT) -> Request:
    """Return a request as the inbox hands it to the engine."""
    return Request(
        id="r",
        wish=Wish("s", verb, "thin markets", {"name": name, "value": value}),
        operator="ann",
        role=role,
        asked_ns=1,
        expires_ns=None,
        state=RequestState.PENDING,
        answer="",
        answered_ns=None,
        state_before={},
        state_after={},
    )


def with_value(name: str, value: object) -> Config:
    values: dict[str, Any] = CONFIG.model_dump()
    section = values
    *parents, last = name.split(".")
    for parent in parents:
        section = section[parent]
    section[last] = value
    return Config.model_validate(values)


@pytest.mark.parametrize(
    ("name", "value", "column", "units"),
    [
        ("risk.positions_max", "3", "MAX_POSITIONS", 3),
        ("risk.gross_exposure_frac", "0.5", "GROSS_PPM", 500_000),
        ("risk.order_notional_max", "2500.50", "ORDER_CAP_MONEY", 250_050_000_000),
        ("risk.cooldowns.after_loss_minutes", "45", "COOLDOWN_LOSS_NS", 45 * MINUTE_NS),
        ("risk.health.quote_age_max_s", "30", "QUOTE_AGE_NS", 30 * 10**9),
        ("risk.account_leverage_max", "1.5", "ACCOUNT_LEVERAGE_PPM", 1_500_000),
        ("risk.breakers.daily_loss_frac", "0.02", "DAY_LOSS_PPM", 20_000),
    ],
)
def test_a_value_reaches_the_core_in_its_unit(
    name: str, value: str, column: str, units: int
) -> None:
    (changed,) = to_limit_changed(asked(name, value), CONFIG, NOW_NS)
    assert (changed.name, changed.value) == (column, units)
    assert (changed.ts_ns, changed.by, changed.reason) == (NOW_NS, "ann", "thin markets")


@pytest.mark.parametrize("name", CHANGEABLE)
def test_each_key_moves_its_columns_and_no_other(name: str) -> None:
    """The table against the translation that a session starts with."""
    value = dict(flatten(CONFIG.model_dump()))[name]
    other = value / 2 if isinstance(value, Decimal) else max(1, value - 1)
    columns = limit_columns()
    before = risk_limits(CONFIG.risk, CONFIG.costs)
    changed = with_value(name, other)
    after = risk_limits(changed.risk, changed.costs)
    moved = {key for key, position in columns.items() if before[position] != after[position]}
    assert moved == set(CHANGEABLE[name].columns)


def test_the_fixed_ceilings_hold_for_an_admin_too() -> None:
    """Nobody risks more than 2 % a trade, levers above 5, or is older than a minute."""
    for name, value in (
        ("risk.risk_per_trade_frac", "0.03"),
        ("risk.position_leverage_max", "6"),
        ("risk.health.quote_age_max_s", "61"),
        ("risk.gross_exposure_frac", "1.5"),
        ("risk.positions_max", "0"),
        ("risk.positions_max", "two"),
        ("risk.gross_exposure_frac", "nan"),
    ):
        with pytest.raises(ConfigError, match=name):
            to_limit_changed(asked(name, value), CONFIG, NOW_NS)


def test_a_value_must_go_with_the_others() -> None:
    """The drawdown stop comes before the limit that flattens."""
    with pytest.raises(ConfigError, match="drawdown_stop_frac"):
        to_limit_changed(asked("risk.breakers.drawdown_stop_frac", "0.3"), CONFIG, NOW_NS)


@pytest.mark.parametrize(
    ("name", "tighter", "looser"),
    [
        ("risk.positions_max", "4", "6"),
        ("risk.breakers.daily_loss_frac", "0.04", "0.06"),
        ("risk.cooldowns.after_loss_minutes", "20", "5"),
        ("risk.reward_risk_min", "2", "1"),
    ],
)
def test_who_is_no_admin_only_tightens(name: str, tighter: str, looser: str) -> None:
    assert to_limit_changed(asked(name, tighter, Role.TRADER), CONFIG, NOW_NS)
    same = str(dict(flatten(CONFIG.model_dump()))[name])
    assert to_limit_changed(asked(name, same, Role.TRADER), CONFIG, NOW_NS)
    with pytest.raises(InputError, match="no looser than"):
        to_limit_changed(asked(name, looser, Role.TRADER), CONFIG, NOW_NS)
    assert to_limit_changed(asked(name, looser), CONFIG, NOW_NS)


@pytest.mark.parametrize(
    "name",
    ["risk.stop_distance_max_frac", "risk.order_quantity_max", "risk.nosuch", "run.seed", ""],
)
def test_what_no_column_holds_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="can be changed while a session runs"):
        to_limit_changed(asked(name, "1"), CONFIG, NOW_NS)


def test_another_verb_is_none() -> None:
    with pytest.raises(InputError, match="pause"):
        to_limit_changed(asked("risk.positions_max", "3", verb=Verb.PAUSE), CONFIG, NOW_NS)

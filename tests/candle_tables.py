"""Read the hand-written candle tables and run one of them through the core and the venue."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from athena.domain import OrderType, Purpose, Side, TimeInForce, from_money
from athena.trading import Intent, codes, layout
from athena.venues import VenueSettings, books_agree
from tests.bar_run import MINUTE_NS, START_NS, BarRun, instrument

if TYPE_CHECKING:
    from tests.bar_run import Engine

FOLDER = Path(__file__).parent / "golden" / "candles"
DEFAULT_VOLUME = 1_000
COMMANDS = {"flatten": codes.COMMAND_FLATTEN, "cancel_all": codes.COMMAND_CANCEL_ALL}


def read_tables() -> dict[str, dict[str, Any]]:
    """Return every table by theme and name; a second one of the same name is a mistake."""
    tables: dict[str, dict[str, Any]] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text(encoding="utf-8")):
            name = f"{file.stem}: {case['name']}"
            assert name not in tables, name
            tables[name] = case
    return tables


def _run(case: dict[str, Any], engine: Engine) -> BarRun:
    is_margin = not case.get("spot", False)
    n_instruments = 1 + max((order.get("instrument", 0) for order in case["orders"]), default=0)
    symbols = ("AAA/USD", "BBB/USD")[:n_instruments]
    factors = [Decimal(str(factor)) for factor in case.get("cost_factor", [1, 1])]
    settings = VenueSettings(
        seed=42,
        taker_fee_bps=Decimal(case.get("fee_bps", 0)),
        maker_fee_bps=Decimal(case.get("maker_fee_bps", case.get("fee_bps", 0))),
        base_cost_bps=Decimal(case.get("cost_bps", 0)),
        is_touch=case.get("touch", False),
        is_path=case.get("path", False),
        cost_factor_min=factors[0],
        cost_factor_max=factors[1],
        impact_unknown_frac=Decimal(str(case.get("impact_unknown", 0))),
    )
    run = BarRun(
        engine=engine,
        instruments=tuple(instrument(symbol, is_margin=is_margin) for symbol in symbols),
        venue_settings=settings,
        cash=Decimal(str(case.get("cash", 1_000_000))),
        entry_limit_ns=case.get("entry_limit_min", 0) * MINUTE_NS,
    )
    rows = run.state.instruments
    rows[:, layout.VOLATILITY_PPM] = round(case.get("volatility", 0) * layout.PPM)
    rows[:, layout.BAR_VOLUME] = case.get("mean_volume", 0)
    return run


def _intent(order: dict[str, Any], numbers: list[int]) -> Intent:
    side = Side.BUY if "buy" in order else Side.SELL
    expires_bar = order.get("expires_after_bar")
    return Intent(
        side=side,
        lots=order[side.value],
        instrument=order.get("instrument", 0),
        purpose=Purpose(order.get("purpose", "entry")),
        type=OrderType(order.get("type", "market")),
        limit_ticks=order.get("limit", 0),
        trigger_ticks=order.get("trigger", 0),
        stop_ticks=order.get("stop", 0),
        target_ticks=order.get("target", 0),
        trail_ppm=order.get("trail_ppm", 0),
        break_even=order.get("break_even", False),
        time_in_force=TimeInForce(order.get("in_force", "gtc")),
        post_only=order.get("post_only", False),
        expires_ns=0 if expires_bar is None else START_NS + (expires_bar + 1) * MINUTE_NS,
        sibling=numbers[order["pairs_with"] - 1] if "pairs_with" in order else 0,
    )


def _act(run: BarRun, order: dict[str, Any], numbers: list[int]) -> None:
    if "cancel" in order:
        run.cancel(numbers[order["cancel"] - 1])
    elif "command" in order:
        run.command(COMMANDS[order["command"]])
    else:
        numbers.append(run.send(_intent(order, numbers)))


def _bar(row: list[int] | None) -> tuple[int, int, int, int, int] | None:
    if row is None:
        return None
    open_, high, low, close, volume = [*row, DEFAULT_VOLUME][:5]
    return open_, high, low, close, volume


def _play(case: dict[str, Any], engine: Engine) -> tuple[BarRun, list[int]]:
    run = _run(case, engine)
    numbers: list[int] = []
    others = case.get("bars_of_second", [])
    for index, row in enumerate(case["bars"]):
        both = [_bar(row), _bar(others[index])] if others else [_bar(row)]
        run.step(*both)
        for order in case["orders"]:
            if order["after"] == index:
                _act(run, order, numbers)
    return run, numbers


def _shown(run: BarRun) -> list[str]:
    return [
        f"{fill.bar} {'buy' if fill.side > 0 else 'sell'} {fill.lots} @ {fill.price} "
        f"{'maker' if fill.liquidity == codes.MAKER else 'taker'}"
        for fill in run.fills
    ]


def check_table(case: dict[str, Any], engine: Engine) -> None:
    """Play a table and compare its fills, end states and working orders."""
    run, numbers = _play(case, engine)
    assert _shown(run) == case["fills"]
    if "states" in case:
        assert [run.state_of(number) for number in numbers] == case["states"]
    if "working" in case:
        assert run.working() == case["working"]
    if "fees" in case:
        assert [from_money(fill.fee) for fill in run.fills] == [*map(Decimal, case["fees"])]
    if "equity" in case:
        assert from_money(int(run.state.account[layout.EQUITY])) == Decimal(case["equity"])
    assert books_agree(run.venue, run.state)
    assert int(run.state.account[layout.N_ILLEGAL]) == 0

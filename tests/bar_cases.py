"""Random markets and orders of every type, from a seed: the same seed, the same run."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import OrderType, Purpose, Side, TimeInForce
from athena.trading import Intent, codes
from athena.trading import layout as at
from athena.venues import VenueSettings
from tests.bar_run import INTERPRETED, MINUTE_NS, START_NS, BarRun, instrument

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.bar_run import Engine

N_BARS = 60
FIRST_PRICE = 1_000
_LIMITED = {OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
_TRIGGERED = {
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
}

BarRow = tuple[int, int, int, int, int]


def random_run(rng: Random, engine: Engine = INTERPRETED) -> BarRun:
    """Build a run of two instruments and two strategies with random rules and costs."""
    is_margin = rng.random() < 0.5
    return BarRun(
        engine=engine,
        instruments=tuple(
            instrument(f"{base}/USD", is_margin=is_margin) for base in ("AAA", "BBB")
        ),
        venue_settings=VenueSettings(
            seed=rng.randrange(10),
            taker_fee_bps=Decimal(26),
            maker_fee_bps=Decimal(rng.choice([0, 16, 40])),
            base_cost_bps=Decimal(rng.choice([0, 10])),
            is_touch=rng.random() < 0.5,
            is_path=rng.random() < 0.5,
            impact_unknown_frac=Decimal("0.002"),
        ),
        cash=Decimal(rng.choice([20, 100, 100_000])),
        entry_limit_ns=5 * MINUTE_NS,
    )


def random_bar(rng: Random, last: int) -> BarRow | None:
    """Draw the bar after a close; some are missing, without volume, or open with a gap."""
    if rng.random() < 0.05:
        return None
    open_ = max(50, last + (rng.randint(-40, 40) if rng.random() < 0.1 else rng.randint(-2, 2)))
    close = max(50, open_ + rng.randint(-15, 15))
    high = max(open_, close) + rng.randint(0, 10)
    low = min(open_, close) - rng.randint(0, 10)
    volume = rng.choice([0, 5, 200, 1_000, 5_000])
    return open_, high, low, close, volume


def random_intent(rng: Random, run: BarRun, last: int, row: int, strategy: int) -> Intent:
    """Draw an intent of any type around the last price, often with protections or a sibling."""
    side = rng.choice([Side.BUY, Side.SELL])
    sign = 1 if side is Side.BUY else -1
    kind = rng.choice(list(OrderType))
    near = last + rng.randint(-12, 12)
    purpose = rng.choice([Purpose.ENTRY, Purpose.ENTRY, Purpose.EXIT, Purpose.PROTECT])
    is_entry = purpose is Purpose.ENTRY
    in_force = (
        rng.choice(list(TimeInForce)) if kind in {OrderType.MARKET, OrderType.LIMIT} else None
    )
    intent = Intent(
        side=side,
        lots=rng.randint(1, 120),
        instrument=row,
        purpose=purpose,
        type=kind,
        limit_ticks=near + rng.randint(-3, 3) if kind in _LIMITED else 0,
        trigger_ticks=near if kind in _TRIGGERED else 0,
        stop_ticks=near - sign * rng.randint(8, 25) if is_entry and rng.random() < 0.6 else 0,
        target_ticks=near + sign * rng.randint(8, 25) if is_entry and rng.random() < 0.5 else 0,
        trail_ppm=rng.choice([0, 0, 8_000]),
        break_even=rng.random() < 0.3,
        time_in_force=in_force or TimeInForce.GTC,
        post_only=kind is OrderType.LIMIT and rng.random() < 0.2,
        sibling=_sibling(rng, run, row, strategy),
    )
    if intent.time_in_force is TimeInForce.GTD:
        expires_ns = START_NS + (run.bar + 1 + rng.randint(1, 4)) * MINUTE_NS
        return replace(intent, expires_ns=expires_ns)
    return intent


def _sibling(rng: Random, run: BarRun, row: int, strategy: int) -> int:
    """Choose a live order of the same strategy and instrument to pair with, or none."""
    if rng.random() < 0.7:
        return 0
    own = [
        int(order[at.NUMBER])
        for order in run.live_orders()
        if order[at.ORDER_INSTRUMENT] == row
        and order[at.ORDER_STRATEGY] == strategy
        and order[at.SIBLING] == 0
        and order[at.PARENT] == 0
    ]
    return rng.choice(own) if own else 0


def _act(rng: Random, run: BarRun, lasts: list[int]) -> None:
    """Send, cancel or command at random after a bar."""
    for _ in range(rng.randint(0, 3)):
        row, strategy = rng.randrange(2), rng.randrange(2)
        run.send(random_intent(rng, run, lasts[row], row, strategy), strategy)
    live = [int(order[at.NUMBER]) for order in run.live_orders()]
    if live and rng.random() < 0.15:
        run.cancel(rng.choice(live))
    if rng.random() < 0.03:
        run.command(codes.COMMAND_FLATTEN)
    if rng.random() < 0.03:
        run.command(codes.COMMAND_TIGHTEN, 10_000)


def play(
    rng: Random,
    run: BarRun,
    *,
    before_bar: Callable[[BarRun], None] = lambda _: None,
    after_bar: Callable[[BarRun, list[Any]], None] = lambda _, __: None,
) -> BarRun:
    """Play a random market against random orders, calling back around each bar."""
    lasts = [FIRST_PRICE, FIRST_PRICE]
    for _ in range(N_BARS):
        bars = [random_bar(rng, last) for last in lasts]
        lasts = [last if bar is None else bar[3] for last, bar in zip(lasts, bars, strict=True)]
        before_bar(run)
        run.step(*bars)
        after_bar(run, bars)
        if all(row[at.LAST] > 0 for row in run.state.instruments[:2]):
            _act(rng, run, lasts)
    return run

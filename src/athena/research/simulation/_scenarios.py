"""Twenty short stories of a desk; each is told again with the process dying at every place."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import OrderType, Purpose, Side
from athena.research.simulation._stage import ACCOUNT
from athena.trading import Command, Intent
from athena.trading import layout as at
from athena.trading.live import Operated, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.research.simulation._world import World

    Act = Callable[[World], None]
    Script = tuple[tuple[float, Act], ...]

_LOTS = (10_000_000, 800_000_000_000)  # 0.1 BTC, 8,000 XRP
_FALL, _RISE = Decimal("0.97"), Decimal("1.05")


def _want(make: Callable[[int], Intent], *, strategy: int = 0, instrument: int = 0) -> Act:
    """Want what is made of the last price in ticks; nothing while there is no session."""

    def act(world: World) -> None:
        if world.session is None:
            return
        last = world.session.core.s.instruments[instrument, at.LAST]
        if last > 0:
            world.tell(Wanted(strategy, make(last), world.heap.now_ns))

    return act


def _buy(
    *, strategy: int = 0, instrument: int = 0, trail_ppm: int = 0, target: bool = True
) -> Act:
    def make(last: int) -> Intent:
        return Intent(
            side=Side.BUY,
            lots=_LOTS[instrument],
            instrument=instrument,
            stop_ticks=last - last * 2 // 100,
            target_ticks=last + last * 4 // 100 if target else 0,
            trail_ppm=trail_ppm,
        )

    return _want(make, strategy=strategy, instrument=instrument)


def _bid(*, below_ppm: int, instrument: int = 0, strategy: int = 0) -> Act:
    def make(last: int) -> Intent:
        limit = last - last * below_ppm // 1_000_000
        return Intent(
            side=Side.BUY,
            lots=_LOTS[instrument],
            instrument=instrument,
            type=OrderType.LIMIT,
            limit_ticks=limit,
            stop_ticks=limit - limit * 2 // 100,
        )

    return _want(make, strategy=strategy, instrument=instrument)


def _sell(*, part: int = 1, instrument: int = 0, strategy: int = 0) -> Act:
    def make(last: int) -> Intent:
        del last
        return Intent(
            side=Side.SELL,
            lots=_LOTS[instrument] // part,
            instrument=instrument,
            purpose=Purpose.EXIT,
        )

    return _want(make, strategy=strategy, instrument=instrument)


def _operate(command: Command, argument: int = 0) -> Act:
    def act(world: World) -> None:
        world.tell(Operated(command, world.heap.now_ns, "operator", "scripted", argument))

    return act


def _cancel_newest(world: World) -> None:
    if world.session is None:
        return
    rows = world.session.core.live_rows()
    if rows:
        number = world.session.core.s.orders[rows[-1], at.NUMBER]
        world.tell(Operated(Command.CANCEL, world.heap.now_ns, "operator", "scripted", number))


def _move(factor: Decimal, instrument: int = 0) -> Act:
    return lambda world: world.move_price(instrument, factor)


def _by_hand(**fields: str) -> Act:
    return lambda world: world.by_hand({"pair": "XBTUSD", **fields})


def _liquidate(world: World) -> None:
    world.exchange.liquidate(ACCOUNT, "BTC/USD", Decimal("0.1"))
    world.network.deliver()


def _deposit(world: World) -> None:
    world.exchange.deposit(ACCOUNT, "USD", Decimal(5_000))
    world.network.deliver()


_HAND = {"type": "buy", "volume": "0.02"}

SCENARIOS: Mapping[str, Script] = {
    "entry with stop and target": ((20, _buy()),),
    "the stop is hit": ((20, _buy()), (26, _move(_FALL))),
    "the target is hit": ((20, _buy()), (26, _move(_RISE))),
    "a bid that fills": ((20, _bid(below_ppm=5_000)), (26, _move(Decimal("0.99")))),
    "a bid that is cancelled": ((20, _bid(below_ppm=9_000)), (24, _cancel_newest)),
    "a bid that fills while it is cancelled": (
        (20, _bid(below_ppm=5_000)), (24, _cancel_newest), (24.03, _move(Decimal("0.99"))),
    ),
    "part of a position is sold": ((20, _buy()), (26, _sell(part=3))),
    "a position is sold": ((20, _buy()), (26, _sell())),
    "a sale while the stop is hit": ((20, _buy()), (26, _sell()), (26.02, _move(_FALL))),
    "two strategies in one instrument": (
        (20, _buy()), (20.5, _buy(strategy=1)), (26, _sell()), (30, _move(_FALL)),
    ),
    "two instruments": ((20, _buy()), (20.1, _buy(instrument=1)), (27, _move(_FALL, 1))),
    "a trailing stop": (
        (20, _buy(trail_ppm=15_000, target=False)), (26, _move(Decimal("1.03"))),
        (95, _move(Decimal("1.01"))), (165, _move(Decimal("0.96"))),
    ),
    "stops are tightened": ((20, _buy()), (26, _operate(Command.TIGHTEN, 5_000))),
    "pause and resume": (
        (20, _operate(Command.PAUSE)), (22, _buy()), (24, _operate(Command.RESUME)), (26, _buy()),
    ),
    "halt with a bid in the book": (
        (20, _bid(below_ppm=9_000)), (21, _buy(strategy=1)), (25, _operate(Command.HALT)),
    ),
    "flatten": ((20, _buy()), (21, _bid(below_ppm=9_000)), (26, _operate(Command.FLATTEN))),
    "the kill switch": (
        (20, _buy()), (21, _buy(instrument=1)), (26, _operate(Command.KILL)), (27, _buy()),
    ),
    "the owner buys by hand": ((20, _buy()), (24, _by_hand(**_HAND, ordertype="market"))),
    "the owner bids by hand": (
        (20, _by_hand(**_HAND, ordertype="limit", price="44000.0")), (24, _buy()),
    ),
    "the venue sells a position": ((20, _buy()), (27, _liquidate)),
    "a deposit": ((20, _deposit), (22, _buy())),
    "more than the limits allow": tuple((20 + k, _buy(instrument=k % 2)) for k in range(8)),
}  # fmt: skip

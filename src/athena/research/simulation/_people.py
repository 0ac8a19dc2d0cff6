"""Who wants things: strategies with random wishes, an operator, the account's other user, fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import SECOND_NS, OrderType, Purpose, Side
from athena.trading import Command, Intent
from athena.trading import layout as at
from athena.trading.live import Operated, Wanted
from athena.venues.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.research.simulation._stage import Stage

_WISH_EVERY_S = 7.0
_STRANGER = 0.03  # of all wishes: the account's owner trades by hand at the venue
_OPERATOR = 0.05


class People:
    """Act at random, by the scene's seed."""

    def __init__(self, world: Stage) -> None:
        """Look at a world."""
        self._world = world
        self._random = np.random.default_rng([world.seed, 1])
        self._is_here = False
        self._n_stranger = 0
        self._n_ticks = 0
        self.has_killed = False

    def begin(self) -> None:
        """Begin to want things."""
        self._is_here = True
        self._plan_next()

    def leave(self) -> None:
        """Want nothing any more."""
        self._is_here = False

    def maybe_crash(self) -> None:
        """Let the process die at random, the disk fill up, or the journal tear (F15, F16, F19)."""
        if not self._is_here:
            return
        plan, now_ns = self._world.plan, self._world.heap.now_ns
        self._n_ticks += 1
        if plan.strikes(Fault.RESTART, self._n_ticks, now_ns):
            is_torn = plan.strikes(Fault.TORN_JOURNAL, self._n_ticks, now_ns)
            torn = plan.pick(Fault.TORN_JOURNAL, self._n_ticks, 1, 999_999) if is_torn else 0
            self._world.crash(torn_ppm=torn)
        elif plan.strikes(Fault.DISK_FULL, self._n_ticks, now_ns):
            self._world.store.is_full = True

    def _plan_next(self) -> None:
        wait_s = float(self._random.exponential(_WISH_EVERY_S))
        self._world.heap.after(round(wait_s * SECOND_NS), self._act)

    def _act(self) -> None:
        if not self._is_here:
            return
        draw = float(self._random.random())
        if draw < _STRANGER:
            self._trade_by_hand()
        elif self._world.session is not None:
            if draw < _STRANGER + _OPERATOR:
                self._operate()
            else:
                self._wish()
        self._plan_next()

    # --- strategies -----------------------------------------------------------------------------

    def _wish(self) -> None:
        session = self._world.session
        if session is None:
            return
        kinds: tuple[Callable[[int, int], Intent | None], ...] = (
            self._entry, self._entry, self._limit_entry, self._exit,
        )  # fmt: skip
        strategy = int(self._random.integers(0, 2))
        instrument = int(self._random.integers(0, len(session.instruments)))
        kind = kinds[int(self._random.integers(0, len(kinds)))]
        intent = kind(strategy, instrument)
        if intent is not None:
            self._world.tell(Wanted(strategy, intent, self._world.heap.now_ns, ""))
            self._world.wished()

    def _last(self, instrument: int) -> int:
        session = self._world.session
        return 0 if session is None else session.core.s.instruments[instrument, at.LAST]

    def _lots(self, instrument: int) -> int:
        """Draw a size of 500 to 15,000 quote units."""
        worth = int(self._random.integers(500, 15_000))
        item = self._world.session.instruments[instrument]  # type: ignore[union-attr] # is on
        price = item.tick * max(1, self._last(instrument))
        return int(worth / price / item.lot)

    def _entry(self, strategy: int, instrument: int) -> Intent | None:
        del strategy
        last = self._last(instrument)
        if last == 0:
            return None
        far = int(self._random.integers(6, 20))
        trails = bool(self._random.random() < 0.3)  # noqa: PLR2004 - a share
        return Intent(
            side=Side.BUY,
            lots=self._lots(instrument),
            instrument=instrument,
            stop_ticks=last - last * far // 1_000,
            target_ticks=last + last * 2 * far // 1_000,
            trail_ppm=10_000 if trails else 0,
        )

    def _limit_entry(self, strategy: int, instrument: int) -> Intent | None:
        del strategy
        last = self._last(instrument)
        if last == 0:
            return None
        limit = last - last * int(self._random.integers(-1, 5)) // 1_000
        return Intent(
            side=Side.BUY,
            lots=self._lots(instrument),
            instrument=instrument,
            type=OrderType.LIMIT,
            limit_ticks=limit,
            stop_ticks=limit - limit * 15 // 1_000,
            target_ticks=limit + limit * 30 // 1_000,
        )

    def _exit(self, strategy: int, instrument: int) -> Intent | None:
        session = self._world.session
        if session is None:
            return None
        row = strategy * len(session.instruments) + instrument
        held = session.core.s.positions[row, at.QUANTITY]
        if held <= 0:
            return None
        part = float(self._random.random())
        lots = held if part < 0.5 else max(1, int(held * part))  # noqa: PLR2004 - a half
        return Intent(side=Side.SELL, lots=lots, instrument=instrument, purpose=Purpose.EXIT)

    # --- others ---------------------------------------------------------------------------------

    def _operate(self) -> None:
        draw = float(self._random.random())
        now_ns = self._world.heap.now_ns
        if draw < 0.4:  # noqa: PLR2004 - shares
            command = Command.PAUSE
        elif draw < 0.75:  # noqa: PLR2004
            command = Command.RESUME
        elif draw < 0.9:  # noqa: PLR2004
            command = Command.FLATTEN
        else:
            command = Command.KILL
        if command is Command.RESUME and self.has_killed:
            command = Command.ADMIN_RESUME
        self.has_killed = (self.has_killed or command is Command.KILL) and (
            command is not Command.ADMIN_RESUME
        )
        self._world.tell(Operated(command, now_ns, "operator", "at random"))

    def _trade_by_hand(self) -> None:
        """Place an order of the account's owner, who uses no client id."""
        world = self._world
        self._n_stranger += 1
        k = int(self._random.integers(0, len(world.instruments)))
        item, price = world.instruments[k], world.price(k)
        quantity = (600 / price).quantize(item.lot)
        rests = bool(self._random.random() < 0.5)  # noqa: PLR2004 - a half
        fields = {
            "pair": item.symbol.replace("BTC", "XBT").replace("/", ""),
            "type": "buy",
            "ordertype": "limit" if rests else "market",
            "volume": f"{quantity:f}",
        }
        if rests:
            limit = price * 99 // 100 // item.tick * item.tick
            fields["price"] = f"{limit:f}"
        world.by_hand(fields)

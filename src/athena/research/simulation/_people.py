"""Who wants things: strategies with random wishes, plans, an operator, fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import SECOND_NS, OrderType, Purpose, Side
from athena.research.simulation._owner import Owner
from athena.trading import Command, Intent
from athena.trading import layout as at
from athena.trading.algorithms import dca_plan, twap_plan
from athena.trading.live import Operated, PlanStarted, PlanStopped, Wanted
from athena.venues.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.research.simulation._stage import Stage

_WISH_EVERY_S = 7.0
# Shares of all wishes.
_BY_HAND = 0.06
_OPERATOR = 0.05
_PLANNED = 0.1  # of what strategies want, where plans run
_CLOCK = 0.03  # where the machine's clock jumps
_JUMP_MAX_NS = 8 * SECOND_NS
_JUMPED_NS = 25 * SECOND_NS  # until it is set right
_PLAN_NS = 40 * SECOND_NS
_MONEY = 10**8


class People:
    """Act at random, by the scene's seed."""

    def __init__(self, world: Stage) -> None:
        """Look at a world."""
        self._world = world
        self._random = np.random.default_rng([world.seed, 1])
        self._owner = Owner(world)
        self._is_here = False
        self._n_ticks = 0
        self._plan_ids: list[str] = []
        self.has_killed = False

    def begin(self) -> None:
        """Begin to want things."""
        self._is_here = True
        self._plan_next()

    def leave(self) -> None:
        """Want nothing any more, and let plans end."""
        self._is_here = False
        now_ns = self._world.heap.now_ns
        for plan_id in self._plan_ids:
            self._world.tell(PlanStopped(plan_id, now_ns, "operator", "the end"))

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
        if draw < _BY_HAND:
            self._owner.act()
        elif self._world.session is not None:
            if draw < _BY_HAND + _OPERATOR:
                self._operate()
            elif self._world.scene.has_plans and draw < _BY_HAND + _OPERATOR + _PLANNED:
                self._plan()
            else:
                self._wish()
        if self._world.scene.has_clock_jumps and float(self._random.random()) < _CLOCK:
            self._jump()
        self._plan_next()

    def _jump(self) -> None:
        """Set the machine's clock wrong, and right again a while later."""
        off_ns = int(self._random.integers(-_JUMP_MAX_NS, _JUMP_MAX_NS))
        self._world.set_clock(off_ns)
        self._world.heap.after(_JUMPED_NS, lambda: self._world.set_clock(0))

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

    # --- plans ----------------------------------------------------------------------------------

    def _plan(self) -> None:
        """Begin a plan: buy or sell in slices, or save up in the core book."""
        session, now_ns = self._world.session, self._world.heap.now_ns
        instrument = int(self._random.integers(0, len(self._world.instruments)))
        last = self._last(instrument)
        if session is None or last == 0:
            return
        plan_id = f"plan-{now_ns}"
        slot = int(self._random.integers(0, 2))
        kind = float(self._random.random())
        item = self._world.instruments[instrument]
        smallest = int(item.min_quantity / item.lot)
        held = session.core.s.positions[slot * len(session.instruments) + instrument, at.QUANTITY]
        when = {"start_ns": now_ns, "smallest_lots": smallest}
        if kind < 0.2:  # noqa: PLR2004 - shares
            order = Intent(side=Side.BUY, instrument=instrument, purpose=Purpose.DCA)
            money = int(self._random.integers(30, 300)) * _MONEY
            plan = dca_plan(
                plan_id, self._world.core_slot, order, money,
                start_ns=now_ns, batches=4, interval_ns=_PLAN_NS // 4, split_from=1,
            )  # fmt: skip
        elif kind < 0.6 and held >= smallest:  # noqa: PLR2004
            order = Intent(side=Side.SELL, instrument=instrument, purpose=Purpose.EXIT)
            plan = twap_plan(plan_id, slot, order, held, slices=4, window_ns=_PLAN_NS, **when)
        else:
            order = Intent(
                side=Side.BUY, instrument=instrument, stop_ticks=last - last * 15 // 1_000
            )
            lots = max(smallest, self._lots(instrument))
            plan = twap_plan(plan_id, slot, order, lots, slices=4, window_ns=_PLAN_NS, **when)
        self._plan_ids.append(plan_id)
        self._world.tell(PlanStarted(plan, now_ns, "operator", "at random"))

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

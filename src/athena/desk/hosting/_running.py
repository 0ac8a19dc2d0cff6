"""The desk beside one engine: its feeds, its agents, and one cycle per symbol when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.desk.agents import Place
from athena.desk.coordinator import CycleInfo
from athena.desk.cycle import TASK, CycleInputs, Desk, Team, run_cycle
from athena.desk.hosting._account import account_of, floors_of
from athena.desk.hosting._returns import DailyReturns
from athena.desk.hosting._roster import RegimeMemory, rule_based_roster
from athena.desk.inputs import ClosedBar, SymbolFeed
from athena.domain import Provenance
from athena.platform import derive_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.agents import ExecutionSettings, RegimeState
    from athena.desk.cycle import CycleResult
    from athena.desk.hosting._parts import Parts
    from athena.trading import Bar, Intent, Market, View

_SHOWN = Provenance("engine", "bars as the engine shows them", "")


class RunningDesk:
    """The desk of one run. Its memory does not grow with the number of cycles (A08)."""

    def __init__(
        self,
        market: Market,
        parts: Parts,
        execution: ExecutionSettings,
        *,
        desk_id: str,
        states: dict[str, RegimeState],
    ) -> None:
        """Seat the agents.

        Args:
            market: names the instruments and the length of a bar; nothing is read from its columns
                here.
            parts: what the desk is plugged into.
            execution: of the planner.
            desk_id: the ids of decisions follow from it, symbol and as-of time.
            states: of the regime agent, by symbol; kept up to date.
        """
        self._parts = parts
        self._desk_id = desk_id
        self._interval_ns = market.interval_ns
        self._instruments = market.instruments
        sources = parts.provenance or (_SHOWN,) * len(market.instruments)
        self._feeds = [
            SymbolFeed(instrument, market.interval_ns, market.interval_ns, source)
            for instrument, source in zip(market.instruments, sources, strict=True)
        ]
        self._returns = DailyReturns([item.symbol for item in market.instruments])
        self._ticks = [float(item.tick) for item in market.instruments]
        self._memory = RegimeMemory(states)
        roster = rule_based_roster(parts, execution, self._memory)
        self.roster = roster
        self._desk = Desk(
            team=Team.of(roster),
            asker=parts.asker(roster),
            judge=parts.judge,
            memory=parts.memory,
            hooks=parts.hooks,
            is_coarse=True,
        )
        self._seen_ns = -1
        self._n_cycles = 0

    @property
    def regimes(self) -> dict[str, RegimeState]:
        """Return the state of the regime agent by symbol."""
        return self._memory.states

    def see(self, market: Market, view: View) -> None:
        """Take every bar that closed since the last call, up to the view's; none beyond it (D02).

        Args:
            market: columns that `view.step` counts in; what lies beyond is not read.
            view: at the present step.
        """
        step = view.step
        first = step
        if step and int(market.close_ns[step - 1]) > self._seen_ns:  # a start in the middle
            known = market.close_ns[:step]
            first = int(np.searchsorted(known, self._seen_ns, side="right"))
        for past in range(first, step):
            bars = [
                tuple(int(column[k, past]) for column in _columns(market))
                for k in range(len(self._instruments))
            ]
            self._take(int(market.close_ns[past]), bars)
        self._take(view.now_ns, view.bars)

    def decide(self, view: View, next_ns: int) -> list[Intent]:
        """Run one cycle for each symbol on what was seen, and return what the core is asked for.

        Args:
            view: at the present step.
            next_ns: when the next cycle is due, UTC; entries that rest are withdrawn by then.
        """
        parts, now_ns = self._parts, view.now_ns
        snapshots = [feed.at(now_ns) for feed in self._feeds]
        account = account_of(view, snapshots)
        floors = floors_of(view)
        returns = self._returns.table()
        weights = {} if parts.learner is None else parts.learner.weights(now_ns)
        wanted: list[Intent] = []
        for k, snapshot in enumerate(snapshots):
            inputs = CycleInputs(
                id=derive_id(self._desk_id, snapshot.symbol, now_ns),
                snapshot=snapshot,
                now_ns=now_ns,
                account=account,
                returns=returns,
                confidence_floors=floors,
                texts=parts.texts(snapshot.symbol, now_ns),
                weights=weights,
            )
            self._n_cycles += 1
            result = run_cycle(
                self._desk,
                inputs,
                Place(snapshot.instrument, k, 0),
                info=CycleInfo(TASK, self._n_cycles),
                expires_ns=next_ns,
            )
            self._note(result)
            wanted += result.intents
        return wanted

    def _take(self, close_ns: int, bars: Sequence[Bar | tuple[int, ...]]) -> None:
        """Push the bars of one step; a missing one, whose volume is -1, is a gap."""
        open_ns = close_ns - self._interval_ns
        learner = self._parts.learner
        closes = []
        for k, (open_, high, low, close, volume) in enumerate(bars):
            is_bar = volume >= 0
            closes.append(close * self._ticks[k] if is_bar else float("nan"))
            if not is_bar:
                continue
            self._feeds[k].push(ClosedBar(open_ns, open_, high, low, close, volume))
            if learner is not None:
                learner.price(self._instruments[k].symbol, close_ns, closes[k])
        self._returns.take(close_ns, closes)
        self._seen_ns = close_ns

    def _note(self, result: CycleResult) -> None:
        for output in result.outputs:
            self._memory.note(output)
        if self._parts.learner is not None:
            self._parts.learner.note(result)
        if self._parts.record is not None:
            self._parts.record(result)


def _columns(market: Market) -> tuple[np.ndarray, ...]:
    return (market.open, market.high, market.low, market.close, market.volume)

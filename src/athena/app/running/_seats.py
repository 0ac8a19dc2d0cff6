"""Strategies beside a session: what they decide on closed bars, kept across a restart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from athena.app.running._bar_book import BarBook
from athena.domain import DAY_NS
from athena.errors import InputError
from athena.platform import atomic_write_text, storage_errors
from athena.research.hosting import RiskFeed, StrategyHost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athena.app.running._bars import Step
    from athena.domain import Bars
    from athena.research.hosting import Decision
    from athena.trading import State, Strategy
    from athena.trading.live import CorrelationSeen, RiskSeen

SEATS_FILE = "strategies.json"


class Seats:
    """Strategies in their places, and the risk inputs of the bars that they see."""

    __slots__ = ("_book", "_file", "_host", "_known_from_ns", "_risk")

    def __init__(
        self,
        strategies: Sequence[tuple[str, Strategy]],
        history: Sequence[Bars],
        state: State,
        folder: Path,
        *,
        daily: Sequence[Bars] = (),
    ) -> None:
        """Seat strategies, with what they remembered before a restart.

        Args:
            strategies: by name, in the order of the session's slots.
            history: one set per instrument.
            state: of the session.
            folder: of the session.
            daily: of the days before the history, for the risk inputs; one set per instrument, or
                none.

        Raises:
            InputError: what was remembered is damaged, or of other strategies.
            StrategyError: a strategy raised.
        """
        self._file = folder / SEATS_FILE
        self._risk = RiskFeed(history, daily)
        self._book = BarBook(folder, history[0].interval_ns)
        self._book.begin(history, daily)
        self._known_from_ns = {
            item.instrument.symbol: _known_from_ns(item, days)
            for item, days in zip(history, daily or history, strict=True)
        }
        self._host = StrategyHost(strategies, history, state, saved=read_kept(folder))

    def risk_of(self, step: Step) -> tuple[RiskSeen | CorrelationSeen, ...]:
        """Return what the risk engine has to know before anybody decides; the bars are kept."""
        self._book.step(step)
        for k, symbol in enumerate(self._known_from_ns):
            if k in step.bars and self._known_from_ns[symbol] is None:
                self._known_from_ns[symbol] = step.close_ns
        return self._risk.on_bars(step.close_ns, step.bars)

    def decide(self, step: Step) -> tuple[Decision, ...]:
        """Ask the strategies that the step wakes."""
        return self._host.on_bars(step.close_ns, step.bars)

    def save(self) -> None:
        """Keep what they have to know after a restart; called once their wishes were judged."""
        atomic_write_text(self._file, json.dumps(self._host.save()))

    def unknown_volumes(self, now_ns: int) -> dict[str, int | None]:
        """Return the symbols whose volume of a day is unknown: no entry is let through (slippage).

        Returns:
            When it will be known, UTC nanoseconds; None where no bar is known yet.
        """
        return {
            symbol: None if from_ns is None else from_ns + DAY_NS
            for symbol, from_ns in self._known_from_ns.items()
            if from_ns is None or now_ns < from_ns + DAY_NS
        }

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Name what a restart makes them forget."""
        return self._host.not_kept()


def _known_from_ns(bars: Bars, daily: Bars) -> int | None:
    """Return since when it is known what was traded; None without a bar."""
    begins = [int(bars.ts_ns[0])] if len(bars) else []
    if daily.interval_ns == DAY_NS and len(daily):
        begins.append(int(daily.ts_ns[0]) + DAY_NS)  # the first of the days does not count
    return min(begins, default=None)


def read_kept(folder: Path) -> dict[str, Any] | None:
    """Read what strategies remembered; None when they have not decided yet.

    Raises:
        InputError: it is damaged.
    """
    file = folder / SEATS_FILE
    with storage_errors(file):
        if not file.is_file():
            return None
        text = file.read_text("utf-8")
    try:
        kept: dict[str, Any] = json.loads(text)
        kept["decided_ns"] += 0
    except (ValueError, KeyError, TypeError):
        message = f"expected what strategies remember in {file}, was something else"
        hint = f"rm {file}: they begin anew, orders and positions stay as they are"
        raise InputError(message, hint=hint) from None
    return kept

"""The desk as one strategy of the core: a backtest, paper, live and advice are the same road."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from athena.desk.agents import ExecutionSettings, RegimeState
from athena.desk.hosting._parts import Parts
from athena.desk.hosting._running import RunningDesk
from athena.domain import Regime, parse_interval_ns
from athena.errors import CoreError
from athena.trading import Wake, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.trading import Intent, Market, View


@dataclass
class DeskStrategy(WokenStrategy):
    """Let the full rule-based desk decide about every instrument of a run.

    It is woken at every close: bars go to the feeds, and where a decision is due one cycle runs
    for each symbol. Bars are coarser than the slices of a TWAP or VWAP plan, so that such a plan
    becomes one order here.

    A restart gives it back what it remembers; its feeds are filled again from the bars before the
    first step, which the engine shows it with its signals.

    Attributes:
        every: decisions are due at closes that are multiples of this length (`4h`); empty is every
            bar.
        desk_id: the ids of decisions, and with them the keys of orders, follow from it.
        taker_fee_bps, maker_fee_bps: of the venue, for what a plan is expected to cost.
    """

    # What cannot be kept over a restart, and need not be: it is built again. The slots keep it
    # from being taken for memory.
    __slots__ = ("_every_ns", "_market", "_parts", "_running")

    wake: ClassVar[Wake] = Wake(every_ns=1)

    every: str = ""
    desk_id: str = "desk"
    taker_fee_bps: float = 26.0
    maker_fee_bps: float = 16.0
    _regimes: dict[str, tuple[Regime, int, Regime, int, int]] = field(
        default_factory=dict, init=False
    )

    def __post_init__(self) -> None:
        """Begin unplugged.

        Raises:
            InputError: `every` is no length of time.
        """
        self._parts: Parts = Parts()
        self._market: Market | None = None
        self._running: RunningDesk | None = None
        self._every_ns = parse_interval_ns(self.every) if self.every else 0

    def plug(self, parts: Parts) -> None:
        """Plug the desk into models, memory, trace and so on, before its first bar.

        Raises:
            CoreError: it has begun.
        """
        if self._running is not None:
            message = "expected a desk that has not begun, was running"
            raise CoreError(message)
        self._parts = parts

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Take the columns that the bars are read from, each bar once it has closed."""
        self._market = market
        return {}

    def on_wake(self, view: View) -> list[Intent] | None:
        """Take what has closed, and decide where a decision is due."""
        if self._market is None:
            message = "expected the market before the first bar, was none"
            raise CoreError(message)
        if self._running is None:
            self._running = self._begin(self._market)
        running = self._running
        running.see(self._market, view)
        if self._every_ns and view.now_ns % self._every_ns:
            return None
        next_ns = view.now_ns + (self._every_ns or self._market.interval_ns)
        wanted = running.decide(view, next_ns)
        self._regimes = {
            symbol: (one.regime, one.since_ns, one.candidate, one.confirmations, one.seen_ns)
            for symbol, one in running.regimes.items()
        }
        return wanted or None

    def _begin(self, market: Market) -> RunningDesk:
        execution = ExecutionSettings(
            taker_fee_bps=self.taker_fee_bps, maker_fee_bps=self.maker_fee_bps
        )
        states = {symbol: RegimeState(*values) for symbol, values in self._regimes.items()}
        return RunningDesk(market, self._parts, execution, desk_id=self.desk_id, states=states)

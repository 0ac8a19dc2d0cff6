"""From a fill to the stop that protects it, over real sockets, by the exchange's own clock.

The exchange runs in a process of its own; here are session, adapter, rate limiter and sockets as
`athena live` has them, with a journal on disk that is synced before anything leaves. No database.
The house's own limits of calls and orders a minute are lifted: there would be too few samples.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athena.app.running._ending import Ending
from athena.app.running._overheard import Overheard
from athena.app.running._sockets import SocketWires, addresses_of
from athena.domain import Side
from athena.platform import Secret, SystemClock
from athena.research import FileStore
from athena.trading import Intent
from athena.trading import layout as at
from athena.trading.live import FillSeen, OrderSeen, Wanted, open_session
from athena.venues import Driver
from athena.venues.exchange import Listing
from athena.venues.kraken import Keys, KrakenAdapter, NonceSource, Signer, Tier
from athena.venues.limits import Counter, CounterRule, LimitState, RateLimiter, write_state
from benchmarks.live.desk import INSTRUMENTS, N_STRATEGIES, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athena.trading.live import AccountSeen, Effect, Event, Session
    from athena.venues import Output

_MARKET = Path(__file__).with_name("market.py")
_KRAKENS = frozenset({"rest", "trading"})
_EVERY_S = 0.4  # Kraken's counters leave room for one entry and one stop a pair in 1.6 s
_LOTS = 1_000_000
_STOP_AWAY = 10  # a tenth under the price


class _Engine:
    """Carry out what a session wants, and note when the venue filled and took orders."""

    def __init__(self, wires: SocketWires, folder: Path) -> None:
        self._wires = wires
        self._folder = folder
        self.fills_ns: dict[str, int] = {}
        self.opened_ns: dict[str, int] = {}
        adapter = Overheard(KrakenAdapter(INSTRUMENTS, tier=Tier.PRO), self._note)
        self._driver = Driver(adapter, len(INSTRUMENTS), opener=self._open)

    def _open(
        self, account: AccountSeen, prices: Mapping[int, int], now_ns: int
    ) -> tuple[Session, list[Effect]]:
        return open_session(FileStore(self._folder), plan_of(), account, prices, now_ns=now_ns)

    def _note(self, event: Event) -> None:
        if isinstance(event, FillSeen):
            self.fills_ns.setdefault(event.client_id, event.ts_ns)
        elif isinstance(event, OrderSeen):
            self.opened_ns.setdefault(event.client_id, event.opened_ns)

    @property
    def session(self) -> Session | None:
        return self._driver.session

    @property
    def has_unwritten(self) -> bool:
        return self.session is not None and self.session.has_unwritten

    @property
    def is_quiet(self) -> bool:
        return True

    def flush(self) -> None:
        if self.session is not None:
            self.session.flush()

    def wind_down(self, now_ns: int, reason: str) -> None:
        """Do nothing: the exchange goes away with everything."""

    def begin(self, now_ns: int) -> None:
        self._carry_out(self._driver.begin(now_ns))

    def answered(self, call: Any, answer: Any, now_ns: int) -> None:
        self._carry_out(self._driver.answered(call, answer, now_ns))

    def stream_opened(self, now_ns: int) -> None:
        self._carry_out(self._driver.stream_opened(now_ns))

    def heard(self, text: str, now_ns: int) -> None:
        self._carry_out(self._driver.heard(text, now_ns))

    def stream_lost(self, reason: str, now_ns: int) -> None:
        message = f"expected a stream that stays, was lost at {now_ns}: {reason}"
        raise RuntimeError(message)

    def tick(self, now_ns: int) -> None:
        self._carry_out(self._driver.tick(now_ns))

    def want(self, slot: int, k: int, now_ns: int) -> None:
        """Want an entry with a stop."""
        if self.session is None:
            return
        last = self.session.core.s.instruments[k, at.LAST]
        stop = last - last // _STOP_AWAY
        intent = Intent(side=Side.BUY, lots=_LOTS, instrument=k, stop_ticks=stop)
        self._carry_out(self._driver.tell(Wanted(slot, intent, now_ns), now_ns))

    def _carry_out(self, output: Output) -> None:
        for pause in output.pauses:
            self._wires.pause(pause)
        for call in output.calls:
            self._wires.send(call)
        for text in output.messages:
            self._wires.say(text)
        if output.wants_stream is not None:
            self._wires.want_stream(is_wanted=output.wants_stream)


def reaction(size: int, runs: int) -> dict[str, Any]:
    """Milliseconds from the first fill of an entry to the time its stop was accepted.

    Args:
        size: entries.
        runs: must be 1: wall time has no best run.
    """
    del runs
    with _exchange() as address, tempfile.TemporaryDirectory() as folder:
        found_ms = asyncio.run(_measure(address, Path(folder), size))
    ordered = sorted(found_ms)
    return {
        "reactions": len(ordered),
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
        "max_ms": ordered[-1],
    }


@contextmanager
def _exchange() -> Iterator[str]:
    command = [sys.executable, _MARKET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def _measure(address: str, folder: Path, size: int) -> list[float]:
    keys = Keys(Secret("bench"), Secret("a" * 88))
    signer = Signer(address, keys, NonceSource())
    lifted = CounterRule.of(10_000, Decimal(1_000))
    rules = {
        family: rule if family in _KRAKENS else lifted
        for family, rule in KrakenAdapter(INSTRUMENTS, tier=Tier.PRO).counter_rules.items()
    }
    limits = folder / "limits.json"
    # What nobody has counted counts as full: an account that has been traded on begins empty.
    buckets = [*rules, *(f"trading:{Listing(item).altname}" for item in INSTRUMENTS)]
    now_ns = SystemClock().now_ns()
    write_state(limits, LimitState({name: Counter(0, now_ns) for name in buckets}))
    limiter = RateLimiter(limits, rules)
    wires = SocketWires(addresses_of(address), signer, limiter, clock=SystemClock())
    engine = _Engine(wires, folder / "journal")
    ending = Ending()
    running = asyncio.create_task(wires.run(engine, ending))  # type: ignore[arg-type] # as much of one as sockets need
    while engine.session is None or engine.session.findings(wires.now_ns):
        await asyncio.sleep(0.1)
        if running.done():
            await running
    for n in range(size):
        slot, k = divmod(n % (N_STRATEGIES * len(INSTRUMENTS)), len(INSTRUMENTS))
        engine.want(slot, k, wires.now_ns)
        await asyncio.sleep(_EVERY_S)
    await asyncio.sleep(2)
    ending.ask("measured")
    await running
    return list(_reactions(engine))


def _reactions(engine: _Engine) -> Iterator[float]:
    """Yield the time between each entry's first fill and its stop."""
    session = engine.session
    assert session is not None
    s = session.core.s
    for row in session.core.live_rows():
        stop = session.client_id(s.orders[row, at.NUMBER])
        entry = session.client_id(s.orders[row, at.PARENT])
        if s.orders[row, at.PARENT] and stop in engine.opened_ns:
            yield (engine.opened_ns[stop] - engine.fills_ns[entry]) / 1e6

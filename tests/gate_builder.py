"""A paper session as the live gate finds it: its journal and its health file in a home."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.app.gate import LIVE_FOLDER, HealthMinute, append_health
from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, Side
from athena.market import FeedSource
from athena.research import JOURNAL_FOLDER, FileStore
from athena.trading import Intent
from athena.trading.live import PriceSeen, QueryAccount, StreamAlive, Tick, TransferSeen
from tests.session_builder import PRICE, Desk, buy, only

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

FINGERPRINT = "f" * 64
SESSION = "a" * 32
LOTS = 100_000_000  # one bitcoin
_EVERY_NS = 6 * HOUR_NS


@dataclass
class PaperSession:
    """A session on paper that trades four times a day, two of three times with a gain.

    Attributes:
        gain_ticks, loss_ticks: of a round trip of one bitcoin.
    """

    home: Path
    session: str = SESSION
    gain_ticks: int = 20_000
    loss_ticks: int = 8_000
    desk: Desk = field(init=False)
    begun_ns: int = field(init=False)
    n_trips: int = 0

    def __post_init__(self) -> None:
        self.desk = Desk(store=FileStore(self.folder / JOURNAL_FOLDER))  # type: ignore[arg-type] # as good a store
        self.begun_ns = self.desk.now_ns

    @property
    def folder(self) -> Path:
        return self.home / LIVE_FOLDER / self.session

    def trade(self, n_trips: int) -> None:
        """Make round trips, one every six hours."""
        for _ in range(n_trips):
            self.n_trips += 1
            moved = self.gain_ticks if self.n_trips % 3 else -self.loss_ticks
            self._price(PRICE)
            (order,) = self.desk.want(buy(LOTS))
            self.desk.answer(order)
            self.desk.fill(order, LOTS, PRICE)
            self._price(PRICE + moved)
            asked = Intent(side=Side.SELL, lots=LOTS)
            (order,) = self.desk.want(asked)
            self.desk.answer(order)
            self.desk.fill(order, LOTS, PRICE + moved)
            self.wait(_EVERY_NS)

    def wait(self, ns: int) -> None:
        """Let time pass."""
        self.desk.now_ns += ns
        self._price(PRICE)

    def deposit(self, amount: Decimal) -> None:
        """Let money come."""
        self.desk.now_ns += MINUTE_NS
        self.desk.tell(TransferSeen(f"L{self.desk.now_ns}", "USDT", amount, self.desk.now_ns))
        self._price(PRICE)

    def close(self) -> None:
        """Write everything."""
        self.desk.session.close()

    def _price(self, price: int) -> None:
        now_ns = self.desk.now_ns
        wanted = self.desk.tell(
            StreamAlive(now_ns),
            PriceSeen(0, price, price, price, now_ns),
            Tick(now_ns, venue_ahead_ns=0),
        )
        if only(QueryAccount, wanted):
            self.desk.tell(self.desk.account(), Tick(now_ns, venue_ahead_ns=0))

    def live_through(  # noqa: PLR0913 - what a minute is about
        self,
        days: float,
        *,
        down: int = 0,
        lost: int = 0,
        failed: int = 0,
        path_ms: float = 200.0,
        feed: FeedSource = FeedSource.LIVE,
        fingerprint: str = FINGERPRINT,
    ) -> None:
        """Write a line for each minute of some days.

        Args:
            days: from the session's beginning on.
            down: so many minutes were down.
            lost: so many minutes left no line, within.
            failed: so often a strategy raised.
            path_ms: of every order but one in a hundred, which took three seconds.
            feed: where prices came from.
            fingerprint: of what was run.
        """
        n = round(days * DAY_NS / MINUTE_NS)
        lines = []
        for k in range(n):
            if 0 < k <= lost:
                continue
            lines.append(
                HealthMinute(
                    ts_ns=self.begun_ns + (k + 1) * MINUTE_NS,
                    is_up=k >= down,
                    feed=feed,
                    fingerprint=fingerprint,
                    n_asked=1,
                    n_failed=int(k < failed),
                    order_path_ms=(3_000.0 if k % 6_000 == 0 else path_ms,) if k % 60 == 0 else (),
                )
            )
        append_minutes(self.folder, lines)


def append_minutes(folder: Path, minutes: list[HealthMinute]) -> None:
    """Write lines as `append_health` does, all at once: opening a file 20,000 times is slow."""
    append_health(folder, minutes[0])
    path = folder / "health.jsonl"
    head = path.read_bytes()
    template = head.splitlines()[-1]
    assert template.startswith(b"{")
    from pydantic import TypeAdapter

    adapter = TypeAdapter(HealthMinute)
    rest = b"".join(adapter.dump_json(minute) + b"\n" for minute in minutes[1:])
    path.write_bytes(head + rest)


def make_paper(home: Path, *, days: float = 15, n_trips: int = 60) -> PaperSession:
    """Make a session whose record meets every condition of the gate."""
    session = PaperSession(home)
    session.trade(n_trips)
    session.live_through(days)
    session.close()
    return session

"""What tests of operator commands share: a session's rows, a known operator, an engine."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.app._database import bring_up_to_date
from athena.app.live import (
    CORE_COMMANDS,
    Answer,
    BalanceSeen,
    FillRow,
    LimitUse,
    OrderRow,
    PositionSeen,
    Proof,
    Recorder,
    SessionRow,
    Snapshot,
    Verb,
    Wish,
    answer,
    clear_halt,
    enrol_home,
    pending,
    read_token,
    to_operated,
)
from athena.domain import (
    Liquidity,
    OrderState,
    OrderType,
    PositionSide,
    Purpose,
    RunMode,
    Side,
)
from athena.errors import InputError
from athena.platform import SeededIds, SystemClock
from athena.platform.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.app.live import Request, Row
    from athena.platform.database import Database

NOW_NS = 1_800_000_000_000_000_000
SYMBOLS = ("BTC/USD", "ETH/USD")
SQLITE = "sqlite:///athena.db"
DOOR = "test"
_PAUSE_S = 0.005


def prepared(url: str, home: Path) -> Database:
    """Open a database with the tables of this version."""
    database = open_database(url, home, environment={})
    bring_up_to_date(database, home, NOW_NS)
    return database


def admin_of(database: Database, home: Path) -> Proof:
    """Enrol the home's owner and return what proves it."""
    enrol_home(database, home, ids=SeededIds(7), now_ns=NOW_NS, environment={})
    return Proof(read_token(home, {}), DOOR)


def session_row(session: str = "s1", started_ns: int = NOW_NS) -> SessionRow:
    return SessionRow(
        session, RunMode.PAPER, "kraken", "USD", SYMBOLS, started_ns, "ab" * 32, "live/s1", 4711
    )


def order_row(number: int, state: OrderState = OrderState.OPEN, reason: str = "") -> OrderRow:
    return OrderRow(
        session="s1",
        number=number,
        client_id=f"{number:032x}",
        venue_id=f"O-{number}",
        symbol="BTC/USD",
        side=Side.BUY,
        type=OrderType.LIMIT,
        purpose=Purpose.ENTRY,
        strategy="sma_cross",
        state=state,
        quantity=Decimal("123456789.12345678"),
        filled=Decimal("0.00000001"),
        limit_price=Decimal("0.12345678"),
        trigger_price=None,
        average_price=Decimal("0.1"),
        created_ns=NOW_NS,
        updated_ns=NOW_NS + number,
        correlation_id=f"c{number}",
        reason=reason,
    )


def fill_row(trade: str, number: int = 1) -> FillRow:
    return FillRow(
        session="s1",
        trade_id=trade,
        order_number=number,
        symbol="BTC/USD",
        side=Side.BUY,
        quantity=Decimal("0.5"),
        price=Decimal("64000.1"),
        fee=Decimal("83.20013"),
        liquidity=Liquidity.TAKER,
        ts_ns=NOW_NS,
        correlation_id=f"c{number}",
    )


def snapshot(updated_ns: int = NOW_NS, session: str = "s1") -> Snapshot:
    return Snapshot(
        session=session,
        updated_ns=updated_ns,
        mode=RunMode.PAPER,
        venue="kraken",
        pid=4711,
        digest="00ff00ff00ff00ff",
        quote="USD",
        equity=Decimal("10012.33000001"),
        cash=None,
        priced_ns=updated_ns,
        is_linked=True,
        reconciled_ns=updated_ns,
        level=2,
        halts=("paused by an operator",),
        waiting_for=("no price for ETH/USD",),
        unknown_orders=("ab" * 16,),
        positions=(
            PositionSeen(
                symbol="BTC/USD",
                strategy="sma_cross",
                side=PositionSide.LONG,
                quantity=Decimal("0.5"),
                entry_price=Decimal(64_000),
                mark_price=Decimal("64100.5"),
                marked_ns=updated_ns,
                unrealised=Decimal("50.25"),
                stop_price=Decimal(63_000),
            ),
        ),
        balances=(BalanceSeen("USD", Decimal("10012.3"), Decimal(9_000), updated_ns),),
        limits=(
            LimitUse("risk.positions_max", Decimal(5), Decimal(1)),
            LimitUse("risk.var95_frac", Decimal("0.05"), None),
        ),
    )


def record(home: Path, *rows: Row) -> None:
    """Write rows into the home's database."""
    prepared(SQLITE, home).close()
    with Recorder(lambda: open_database(SQLITE, home, environment={})) as recorder:
        recorder.put(*rows)


def begun(home: Path, *sessions: str) -> Proof:
    """Begin sessions in a home, whose engines wrote just now."""
    now_ns = SystemClock().now_ns()
    for session in sessions or ("s1",):
        record(home, session_row(session, now_ns), snapshot(now_ns, session).row())
    database = prepared(SQLITE, home)
    proof = admin_of(database, home)
    database.close()
    return proof


def wish(verb: Verb, session: str = "s1", **arguments: str) -> Wish:
    return Wish(session, verb, "because", arguments)


@dataclass
class FakeEngine:
    """Do what an engine does with its inbox, without a market.

    Attributes:
        events: what the core would be given, in order.
        done: every request that was read, in order.
    """

    home: Path
    session: str = "s1"
    events: list[object] = field(default_factory=list)
    done: list[Request] = field(default_factory=list)

    def work(self, database: Database, now_ns: int) -> None:
        for request in pending(database, self.session, now_ns=now_ns):
            self.done.append(request)
            answer(database, request.id, self._said(request, now_ns), now_ns=now_ns)

    def _said(self, request: Request, now_ns: int) -> Answer:
        verb = request.wish.verb
        if verb is Verb.ADMIN_RESUME:
            clear_halt(self.home)
        if verb in CORE_COMMANDS:
            try:
                self.events.append(to_operated(request, SYMBOLS, now_ns))
            except InputError as error:
                return Answer(is_executed=False, text=error.message)
        if verb is Verb.REJECT and request.wish.arguments["decision"] == "gone":
            return Answer(is_executed=False, text="no decision 'gone' waits")
        before, after = {"halts": []}, {"halts": [str(verb)]}
        return Answer(is_executed=True, text="done", state_before=before, state_after=after)


@contextmanager
def running(home: Path, session: str = "s1") -> Iterator[FakeEngine]:
    """Run an engine in a thread while the block runs."""
    engine, ended = FakeEngine(home, session), threading.Event()

    def run() -> None:
        database = prepared(SQLITE, home)
        while not ended.wait(_PAUSE_S):
            engine.work(database, SystemClock().now_ns())
        database.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield engine
    finally:
        ended.set()
        thread.join()

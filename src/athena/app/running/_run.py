"""Put everything about one account together, run it, and say what came of it."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from athena.app.live import Recorder
from athena.app.notices import Notifier, open_channels
from athena.app.running._account_rows import Titles, halts_of
from athena.app.running._books import connector, session_row
from athena.app.running._chronicle import Chronicle
from athena.app.running._clerk import Clerk
from athena.app.running._engine import Engine, EngineParts
from athena.app.running._loop import LiveLoop
from athena.app.running._pace import tell_when_behind
from athena.domain import RunMode, format_decimal, from_money
from athena.errors import ServiceDown
from athena.platform import RandomIds, SystemClock
from athena.trading import codes
from athena.trading import layout as at
from athena.trading.live import EXTERNAL_SLOT, HOLDINGS_SLOT, Alert, Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from decimal import Decimal
    from pathlib import Path

    from athena.app._signals import Caught
    from athena.app.running._accounts import Account, Opening
    from athena.app.running._bars import BarSource
    from athena.app.running._business import Business
    from athena.app.running._ending import Ending
    from athena.app.running._engine import Wires
    from athena.app.running._loop import Ground
    from athena.market import FeedSource
    from athena.platform.config import Config
    from athena.trading.live import Session
    from athena.venues import Adapter

_NOTICES_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything about one account, ready to run.

    Attributes:
        config: limits, notices, database.
        home: data home.
        account: held by this process.
        opening: how its session begins, when it does.
        adapter: of the venue.
        ground: where it trades, which is the wire too.
        bars: that strategies decide on.
        besides: what runs beside the engine; given the engine.
        venue: name of the venue.
        feed: where prices come from.
        speed: seconds of the session in one of the wall's, as asked.
        caught: signals, since the command began.
        compare: asks the venue what it knows at the end, and says what the books do not; None
            when the session's own last comparison has to do.
        arguments: of the command line, for crash bundles.
    """

    config: Config
    home: Path
    account: Account
    opening: Opening
    adapter: Adapter
    ground: Ground
    wires: Wires
    bars: BarSource
    venue: str
    feed: FeedSource
    speed: float
    caught: Caught
    besides: Sequence[Callable[[Engine], Coroutine[Any, Any, None]]] = ()
    compare: Callable[[Session], list[str]] | None = None
    arguments: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of a session while it ran here.

    Attributes:
        session_id: of the session.
        is_resumed: it was there before.
        end_reason: why it stopped.
        signal: number of the signal that asked for the end; 0 for another reason.
        orders, denied, fills: since the session began.
        equity, cash: at the end; None before the account was read.
        quote: their currency.
        digest: of all state transitions.
        steps: closed bars that strategies were asked about, in this run.
        violations: where books and venue differ, in words.
        findings: what kept new risk from being taken at the end.
        halts: what forbids new risk.
        positions: symbol and quantity of each, over all strategies.
        alerts: how many of each urgency, in this run.
        crashed: strategies that raised.
        speed, speed_reached: seconds of the session in one of the wall's, as asked and as it was.
    """

    session_id: str
    is_resumed: bool
    end_reason: str
    signal: int
    orders: int = 0
    denied: int = 0
    fills: int = 0
    equity: Decimal | None = None
    cash: Decimal | None = None
    quote: str
    digest: str = ""
    steps: int = 0
    violations: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    halts: tuple[str, ...] = ()
    positions: dict[str, Decimal] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    crashed: tuple[str, ...] = ()
    speed: float = 1.0
    speed_reached: float = 1.0


def run_account(
    stage: Stage, *, mode: RunMode, duration_ns: int | None, say: Callable[[str], None]
) -> RunResult:
    """Run an account until it is over.

    Args:
        stage: everything about it.
        mode: name of the run mode.
        duration_ns: of the session's clock; None is for ever.
        say: told a line a minute.

    Raises:
        ServiceDown: the account could not be read before the end.
        AthenaError: the journal could not be written, or what else nothing goes on without.
    """
    account, config = stage.account, stage.config
    business = stage.opening.business(account)
    titles = Titles(mode, stage.venue, _slot_names(stage, business))
    connect = connector(config.database.url, stage.home)
    row = session_row(account, titles, stage.opening.instruments, config, os.getpid())
    stage.caught.is_starting = False  # from here on a signal waits for its turn
    with ExitStack() as stack:
        # What a strategy prints is talk: stdout carries the result and nothing else.
        stack.enter_context(redirect_stdout(sys.stderr))
        notifier = Notifier(open_channels(config.notices), origin=f"{mode} {account.file.id[:8]}")
        stack.callback(notifier.close, _NOTICES_S)
        recorder = stack.enter_context(Recorder(connect))
        recorder.put(row)
        chronicle = Chronicle(titles, recorder, notifier, row=row)
        chronicle.recall(account.decisions)
        if account.session is not None and account.session.plans.rules != business.rules:
            chronicle.alert(_other_rules(stage), account.session)
        engine = Engine(_parts(stage, chronicle))
        loop = LiveLoop(
            engine,
            stage.ground,
            hire=lambda hand_over: Clerk(connect, account.file.id, hand_over),
            report=lambda: say(describe(engine, chronicle, stage.ground.now_ns)),
            besides=[
                *(partial(beside, engine) for beside in stage.besides),
                partial(tell_when_behind, stage.ground, stage.speed, say),
            ],
        )
        end_reason = "stopped by an error"
        try:
            ending = loop.run(duration_ns, stage.caught)
            end_reason = ending.reason
        finally:
            ended_ns = SystemClock().now_ns()
            recorder.put(replace(row, ended_ns=ended_ns, end_reason=end_reason))
    return _result(stage, engine, chronicle, ending)


def _slot_names(stage: Stage, business: Business) -> tuple[str, ...]:
    """Name the slots of the session, in their order."""
    session = stage.account.session
    if session is not None:
        return tuple(slot.name for slot in session.slots)
    own = [name for name, _ in stage.opening.strategies]
    return (*own, *(slot.name for slot in business.slots), EXTERNAL_SLOT, HOLDINGS_SLOT)


def _other_rules(stage: Stage) -> Alert:
    text = (
        "the sections rebalance or hodl have changed; the session goes on with the rules that it "
        "began with, --new begins another"
    )
    return Alert(Urgency.WARNING, "other_rules", text, stage.ground.now_ns)


def _parts(stage: Stage, chronicle: Chronicle) -> EngineParts:
    return EngineParts(
        adapter=stage.adapter,
        wires=stage.wires,
        n_instruments=len(stage.opening.instruments),
        session=stage.account.session,
        opener=partial(stage.opening.open, stage.account),
        strategies=stage.opening.strategies,
        bars=stage.bars,
        chronicle=chronicle,
        folder=stage.account.folder,
        home=stage.home,
        ids=RandomIds(),
        keep_crash=partial(_keep_crash, stage),
        config=stage.config,
        feed=stage.feed,
        fingerprint=stage.opening.fingerprint,
        wall=SystemClock(),
        needs_self_test=chronicle.titles.mode is RunMode.LIVE,
    )


def _keep_crash(stage: Stage, error: BaseException) -> str:
    from athena.app._crash import write_crash_bundle

    return str(write_crash_bundle(error, stage.arguments, stage.home))


def _result(stage: Stage, engine: Engine, chronicle: Chronicle, ending: Ending) -> RunResult:
    from athena.trading import digest_of

    session = engine.session
    quote = stage.opening.instruments[0].quote
    common: dict[str, Any] = {
        "session_id": stage.account.file.id,
        "is_resumed": stage.account.resumed is not None,
        "end_reason": ending.reason,
        "signal": ending.signal,
        "quote": quote,
        "speed": stage.speed,
        "speed_reached": stage.ground.speed_reached,
    }
    if session is None:
        if ending.signal:
            return RunResult(**common)
        why = chronicle.last_failure or "no answer"
        message = f"expected to read the account before {ending.reason}, was: {why}"
        raise ServiceDown(message, hint="athena venue serve runs a local exchange")
    s = session.core.s
    differences = list(session.readiness.differences or ())
    if stage.compare is not None:
        differences = stage.compare(session)
    symbols = [item.symbol for item in session.instruments]
    return RunResult(
        **common,
        orders=s.account[at.NEXT_NUMBER] - 1 - s.account[at.N_DENIED],
        denied=s.account[at.N_DENIED],
        fills=s.account[at.N_FILLS],
        equity=from_money(s.account[at.EQUITY]),
        cash=from_money(s.account[at.CASH]),
        digest=digest_of(s),
        steps=engine.n_steps,
        violations=(*differences, *session.watch.gaps(symbols)),
        findings=(
            *session.findings(stage.ground.now_ns),
            *_unsettled(session),
            *engine.unknown_volumes(stage.ground.now_ns),
        ),
        halts=halts_of(session),
        positions=held(session),
        alerts={urgency.value: chronicle.n_alerts[urgency] for urgency in Urgency},
        crashed=tuple(engine.crashed),
    )


def _unsettled(session: Session) -> list[str]:
    """Name the orders whose outcome is not known yet; the next start goes on asking."""
    s = session.core.s
    return [
        f"the outcome of order {s.orders[row, at.NUMBER]} is not known"
        for row in session.core.live_rows()
        if s.orders[row, at.STATE] in {codes.SUBMITTING, codes.UNKNOWN}
    ]


def held(session: Session) -> dict[str, Decimal]:
    """Return what all slots together hold, by symbol; nothing where nothing is held."""
    found = {
        item.symbol: item.lots_to_quantity(session.core.held_lots(k))
        for k, item in enumerate(session.instruments)
    }
    return {symbol: quantity for symbol, quantity in found.items() if quantity}


def describe(engine: Engine, chronicle: Chronicle, now_ns: int) -> str:
    """Say in one line how a session is."""
    from athena.domain import format_time

    session = engine.session
    moment = format_time(now_ns)[:19]
    if session is None:
        return f"{moment}  waits for the venue: {chronicle.last_failure or 'no answer yet'}"
    s = session.core.s
    holdings = ", ".join(f"{format_decimal(v)} {k}" for k, v in held(session).items())
    hurdles = [
        *halts_of(session),
        *session.findings(now_ns),
        *engine.unknown_volumes(now_ns),
    ]
    return (
        f"{moment}  equity {format_decimal(from_money(s.account[at.EQUITY]))} "
        f"{session.instruments[0].quote}  holds {holdings or 'nothing'}  "
        f"orders {s.account[at.NEXT_NUMBER] - 1 - s.account[at.N_DENIED]}  "
        f"fills {s.account[at.N_FILLS]}  "
        f"{'; '.join(hurdles) or 'ready'}"
    )

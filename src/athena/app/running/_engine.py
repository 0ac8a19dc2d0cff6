"""One account under way: everything that happens goes through here, one thing after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from athena.app.live import (
    ORDERING,
    Answer,
    Verb,
    clear_halt,
    ordered_answer,
    read_halt,
    to_limit_changed,
    to_operated,
    to_ordered,
)
from athena.app.running._answers import next_number, operated_answer, state_of
from athena.app.running._health import HealthBook
from athena.app.running._overheard import Overheard
from athena.app.running._seats import Seats, read_kept
from athena.domain import SECOND_NS, format_time
from athena.errors import AthenaError, InputError, MissingError
from athena.platform import get_logger
from athena.trading import Command, codes
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.live import Alert, Dependency, Operated, Outage, Urgency, Wanted
from athena.venues import Driver
from athena.venues.kraken import is_key_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.app.live import Request
    from athena.app.running._bars import BarSource, Step
    from athena.app.running._chronicle import Chronicle
    from athena.domain import DenialCode
    from athena.errors import StrategyError
    from athena.market import FeedSource
    from athena.platform import Clock, IdSource
    from athena.platform.config import Config
    from athena.trading import Intent, Strategy
    from athena.trading.live import AccountSeen, Effect, Event, Session
    from athena.venues import Adapter, Call, CallFailed, HttpAnswer, Output, Pause

    Opener = Callable[[AccountSeen, Mapping[int, int], int], tuple[Session, list[Effect]]]

TICK_NS = SECOND_NS // 4
_STATUS_NS = SECOND_NS
_BY_FILE = "HALT file"
_BY_ENGINE = "engine"


class Wires(Protocol):
    """How requests and messages leave; what comes back is told to the engine."""

    def send(self, call: Call) -> None:
        """Make a request as soon as the rate limit has room for it."""
        ...

    def say(self, text: str) -> None:
        """Say a text on the stream."""
        ...

    def want_stream(self, *, is_wanted: bool) -> None:
        """Open the stream, or close it."""
        ...

    def pause(self, pause: Pause) -> None:
        """Hold a counter's requests back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """What an engine is made of.

    Attributes:
        adapter: of the venue.
        wires: to the venue.
        n_instruments: of the session.
        session: taken up again; None to begin one.
        opener: begins a session on an account, see `athena.venues.Driver`.
        strategies: by name, in the order of the session's slots.
        bars: that they decide on.
        chronicle: of what happens.
        folder: of the session.
        home: where the HALT file lies.
        ids: of decisions.
        keep_crash: writes a crash bundle and says where it is.
        config: that the session was started with.
        feed: where prices come from.
        fingerprint: of code, limits and strategies.
        needs_self_test: no new risk before the venue has checked a test order.
        wall: the machine's clock: people and the HALT file are looked for by it, however fast the
            session's runs.
    """

    adapter: Adapter
    wires: Wires
    n_instruments: int
    session: Session | None
    opener: Opener
    strategies: Sequence[tuple[str, Strategy]]
    bars: BarSource
    chronicle: Chronicle
    folder: Path
    home: Path
    ids: IdSource
    keep_crash: Callable[[BaseException], str]
    config: Config
    feed: FeedSource
    fingerprint: str
    wall: Clock
    needs_self_test: bool


class Engine:
    """Join session, venue, strategies, operators and records; not thread-safe, one writer.

    Every method may raise what the journal raises; nothing may be asked of the engine after that.

    Attributes:
        crashed: strategies that raised, by name.
        n_steps: closed steps that strategies were asked about.
    """

    def __init__(self, parts: EngineParts) -> None:
        """Join the parts; nothing is asked of the venue before `begin`."""
        self._parts = parts
        self._chronicle = parts.chronicle
        adapter = Overheard(parts.adapter, self._hear)
        self._driver = Driver(
            adapter,
            parts.n_instruments,
            session=parts.session,
            opener=parts.opener,
            needs_self_test=parts.needs_self_test,
        )
        self._seats: Seats | None = None
        self._is_new = True
        self._now_ns = 0
        self._health = HealthBook(parts.folder, parts.feed, parts.fingerprint)
        self._is_deciding = True
        self._status_ns = 0
        self._n_defects = 0
        self.crashed: dict[str, StrategyError] = {}
        self.n_steps = 0

    @property
    def session(self) -> Session | None:
        """Return the session; None until the account was read."""
        return self._driver.session

    @property
    def has_unwritten(self) -> bool:
        """Tell whether events wait to be written into the journal."""
        return self.session is not None and self.session.has_unwritten

    def flush(self) -> None:
        """Write what waits to be written; called within 50 ms of an event."""
        if self.session is not None:
            self.session.flush()

    # --- what the venue does --------------------------------------------------------------------

    def begin(self, now_ns: int) -> None:
        """Start to talk to the venue."""
        self._carry_out(self._driver.begin(now_ns), now_ns)

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> None:
        """Hear what came of a request."""
        self._now_ns = now_ns
        self._carry_out(self._driver.answered(call, answer, now_ns), now_ns)

    def stream_opened(self, now_ns: int) -> None:
        """Hear that the stream is open."""
        self._carry_out(self._driver.stream_opened(now_ns), now_ns)

    def heard(self, text: str, now_ns: int) -> None:
        """Hear one text of the stream."""
        self._carry_out(self._driver.heard(text, now_ns), now_ns)

    def stream_lost(self, reason: str, now_ns: int) -> None:
        """Hear that the stream broke or could not be opened."""
        self._carry_out(self._driver.stream_lost(reason, now_ns), now_ns)

    # --- time -----------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Let time pass: four times a second."""
        self._carry_out(self._driver.tick(now_ns), now_ns)
        if self.session is None:
            return
        self._mind_bars(self.session, now_ns)
        self._health.mind(self.session, now_ns)
        wall_ns = self._parts.wall.now_ns()
        if not 0 <= wall_ns - self._status_ns < _STATUS_NS:
            self._status_ns = wall_ns
            self._mind_halt_file(self.session, now_ns)
            self._chronicle.status(self.session, now_ns)

    def data_judged(self, failure: str, now_ns: int) -> None:
        """Hear that the bars came as they should, or why they did not."""
        outage = Outage(Dependency.DATA, has_failed=bool(failure), ts_ns=now_ns, reason=failure)
        self._tell(outage, now_ns)

    # --- strategies -----------------------------------------------------------------------------

    def _mind_bars(self, session: Session, now_ns: int) -> None:
        if self._seats is None:
            kept = read_kept(self._parts.folder)
            decided_ns = -1 if kept is None else int(kept["decided_ns"])
            history = self._parts.bars.begin(decided_ns, now_ns)
            if history is None:
                return
            self._seats = Seats(
                self._parts.strategies,
                history,
                session.core.s,
                self._parts.folder,
                daily=self._parts.bars.daily,
            )
            for text in self.unknown_volumes(now_ns):
                self._chronicle.alert(
                    Alert(Urgency.NOTICE, "volume_unknown", text, now_ns), session
                )
            for name in self._seats.not_kept:
                get_logger("athena.session").warning("a restart forgets it", attribute=name)
        for step in self._parts.bars.take(now_ns):
            self._take_step(self._seats, step, now_ns)
        for text in list(self._parts.bars.defects)[self._n_defects :]:
            get_logger("athena.session").warning("a bar was refused", why=text)
        self._n_defects = len(self._parts.bars.defects)

    def unknown_volumes(self, now_ns: int) -> list[str]:
        """Say which symbols no entry is let into as a day's volume is unknown, and until when."""
        if self._seats is None or self.session is None or _lets_unknown_in(self.session):
            return []
        found = self._seats.unknown_volumes(now_ns)
        return [
            f"no entry in {symbol} {_until(known_ns)}: without it the slippage cannot be estimated"
            for symbol, known_ns in found.items()
        ]

    def _take_step(self, seats: Seats, step: Step, now_ns: int) -> None:
        for seen in seats.risk_of(step):
            self._tell(seen, now_ns)
        if not self._is_deciding:
            return
        self.n_steps += 1
        for decision in seats.decide(step):
            self._health.asked(has_failed=decision.error is not None)
            if decision.error is not None:
                self._stop_strategy(decision.slot, decision.name, decision.error, now_ns)
            for intent in decision.keyed():
                self.want(decision.slot, intent, now_ns)
        # After its wishes were judged: a crash before this asks again about the same step, and
        # the core refuses the keys that it has judged.
        self.flush()
        seats.save()

    def want(self, slot: int, intent: Intent, now_ns: int) -> None:
        """Want an order for a strategy; the core judges it."""
        self._want(Wanted(slot, intent, now_ns, self._parts.ids.next_id()), now_ns)

    def _want(self, wanted: Wanted, now_ns: int) -> None:
        session = self.session
        if session is None:
            return
        self._now_ns = now_ns
        output = self._driver.tell(wanted, now_ns)
        self._take_verdict(session, *session.last_verdict, wanted.correlation_id, now_ns)
        self._carry_out(output, now_ns)

    def _take_verdict(
        self,
        session: Session,
        number: int,
        code: DenialCode | None,
        correlation_id: str,
        now_ns: int,
    ) -> None:
        if code is None:
            self._health.wanted(session.client_id(number), now_ns)
        self._chronicle.wanted(number, code, correlation_id)

    def _stop_strategy(self, slot: int, name: str, error: StrategyError, now_ns: int) -> None:
        """Ask a strategy that raised no more; what it has at the venue stays."""
        self.crashed[name] = error
        bundle = self._parts.keep_crash(error)
        text = f"{error.message}; its stops stay, it is asked no more; crash bundle: {bundle}"
        self._chronicle.alert(
            Alert(Urgency.URGENT, "strategy_stopped", text, now_ns), self.session
        )
        self._operate(Command.STOP_STRATEGY, now_ns, by=_BY_ENGINE, reason=text, argument=slot)

    # --- people ---------------------------------------------------------------------------------

    def requested(self, request: Request, now_ns: int) -> Answer:
        """Do what an operator wants, and say what was done."""
        session, verb = self.session, request.wish.verb
        if session is None:
            return Answer(is_executed=False, text="the account was not read yet; ask again")
        before, first_number = state_of(session), next_number(session)
        if verb in {Verb.APPROVE, Verb.REJECT}:
            return Answer(is_executed=False, text="no decision waits for a person")
        if verb in ORDERING:
            return self._ordered(session, request, now_ns)
        try:
            if verb is Verb.LIMIT:
                for change in to_limit_changed(request, self._parts.config, now_ns):
                    self._tell(change, now_ns)
            else:
                event = to_operated(request, [item.symbol for item in session.instruments], now_ns)
                if verb is Verb.ADMIN_RESUME:
                    clear_halt(self._parts.home)  # first: else the file halts again
                self._tell(event, now_ns)
        except InputError as error:
            return Answer(is_executed=False, text=error.message, state_before=before)
        self.flush()
        return operated_answer(request.wish, session, before, first_number)

    def _ordered(self, session: Session, request: Request, now_ns: int) -> Answer:
        """Take a person's order or plan; the risk engine judges whatever comes of it."""
        before = state_of(session)
        try:
            event = to_ordered(request, session, now_ns)
        except InputError as error:
            return Answer(is_executed=False, text=error.message, state_before=before)
        if isinstance(event, Wanted):
            self._want(event, now_ns)
        else:
            self._tell(event, now_ns)
        self.flush()
        said = ordered_answer(event, session)
        return replace(said, state_before=before, state_after=state_of(session))

    def _mind_halt_file(self, session: Session, now_ns: int) -> None:
        found = read_halt(self._parts.home)
        if found is None:
            return
        bit = at.HALT_OPERATOR if found.keeps_positions else at.HALT_KILL
        if session.core.s.account[at.HALT] & bit:
            return
        command = Command.HALT if found.keeps_positions else Command.KILL
        self._operate(command, now_ns, by=_BY_FILE, reason=found.reason or "no reason given")

    def _operate(
        self, command: Command, now_ns: int, *, by: str, reason: str, argument: int = 0
    ) -> None:
        self._tell(Operated(command, now_ns, by, reason, argument), now_ns)

    # --- the end --------------------------------------------------------------------------------

    def wind_down(self, now_ns: int, reason: str) -> None:
        """Take no new risk from now on: nobody is asked, entries that work are cancelled."""
        if self._is_deciding and self.session is not None:
            self.session.carries_on = False
            self._operate(Command.CANCEL_ALL, now_ns, by=_BY_ENGINE, reason=reason)
        self._is_deciding = False

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing is under way at the venue, and books and account agree."""
        session = self.session
        if session is None:
            return True
        s = session.core.s
        is_busy = any(
            s.orders[row, at.PENDING]
            or s.orders[row, at.STATE] in {codes.SUBMITTING, codes.UNKNOWN}
            for row in session.core.live_rows()
        )
        return not is_busy and session.readiness.is_reconciled

    def close(self, now_ns: int) -> None:
        """Write everything and a snapshot; the session can be taken up again."""
        if self.session is not None:
            self._chronicle.status(self.session, now_ns)
            self.session.close()

    def stopped_by(self, error: BaseException, now_ns: int) -> None:
        """Tell people that the engine ends because of an error; the session is not used on."""
        words = error.message if isinstance(error, AthenaError) else type(error).__name__
        text = f"the engine stops at once: {words}; stops stay at the venue"
        self._chronicle.alert(Alert(Urgency.URGENT, "engine_stopped", text, now_ns), self.session)

    # --- between all of them --------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        self._chronicle.hear(event)
        self._health.hear(event, self._now_ns)

    def _tell(self, event: Event, now_ns: int) -> None:
        self._carry_out(self._driver.tell(event, now_ns), now_ns)

    def _carry_out(self, output: Output, now_ns: int) -> None:
        """Let leave what the journal holds, and write down what changed."""
        wires = self._parts.wires
        for pause in output.pauses:
            wires.pause(pause)
        for call in output.calls:
            wires.send(call)
        for text in output.messages:
            wires.say(text)
        if output.wants_stream is not None:
            wires.want_stream(is_wanted=output.wants_stream)
        session = self.session
        for alert in output.alerts:
            self._chronicle.alert(alert, session)
        self._chronicle.failed(output.failures)
        if session is None:
            self._chronicle.forget_heard()
            _refuse_keys(output.failures)
            return
        if self._is_new:
            self._is_new = False
            self._chronicle.everything(session, now_ns)
        for number, code, plan_id in session.take_asked():
            self._take_verdict(session, number, code, plan_id, now_ns)
        self._chronicle.changed(session, session.take_touched(), now_ns)


def _refuse_keys(failures: Sequence[str]) -> None:
    """End a start whose keys the venue refuses: nothing was begun, and waiting mends nothing.

    Raises:
        MissingError: it does.
    """
    for reason in failures:
        if is_key_refused(reason):
            message = f"expected keys that the venue takes, was: {reason}"
            hint = "check ATHENA_KRAKEN_KEY and ATHENA_KRAKEN_SECRET: athena doctor"
            raise MissingError(message, hint=hint)


def _lets_unknown_in(session: Session) -> bool:
    """Tell whether the limits let an entry through whose market impact is not known."""
    limits = session.core.s.limits
    least_ppm = limits[limit.BASE_COST_PPM] + limits[limit.IMPACT_UNKNOWN_PPM]
    return least_ppm <= limits[limit.SLIPPAGE_PPM]


def _until(known_ns: int | None) -> str:
    if known_ns is None:
        return "before its first bar, and a day after it, as its volume is unknown"
    return f"before {format_time(known_ns)[:16]}Z, when its volume of a day is known"

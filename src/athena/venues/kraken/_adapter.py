"""Kraken as a venue: effects of a session become requests, answers and the stream become events.

No I/O, no clock, no chance: the same calls give the same steps. Nothing that cannot be read
becomes an event about an order; it becomes an `Outage` with the reason, and the account is read
again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType
from athena.errors import AthenaError, InputError
from athena.trading.live import (
    AccountSeen,
    Alert,
    AmendOrder,
    Answered,
    CancelOrder,
    OrderSeen,
    PlaceOrder,
    PriceSeen,
    QueryAccount,
    Request,
    Result,
    StreamAlive,
    StreamChanged,
    Urgency,
)
from athena.venues._contract import CallFailed, Capabilities, Step
from athena.venues.kraken._adapter_account import PAGE_SIZE
from athena.venues.kraken._adapter_calls import Caller, Draft, Question, result_of
from athena.venues.kraken._adapter_clock import VenueClock
from athena.venues.kraken._adapter_link import Backoff, Channel, Link, LinkState
from athena.venues.kraken._adapter_orders import ENDED, OrderMemory
from athena.venues.kraken._adapter_query import AccountQueries
from athena.venues.kraken._adapter_requests import (
    SENT_TIMES,
    SENT_TYPES,
    outcome_of,
    self_test_of,
    sending_of,
)
from athena.venues.kraken._adapter_start import Opening
from athena.venues.kraken._adapter_stream import StreamReader
from athena.venues.kraken._answers import Accepted, Refused, read_sent
from athena.venues.kraken._dead_man import DeadMan
from athena.venues.kraken._limits import TIERS, Tier
from athena.venues.kraken._markets import Markets
from athena.venues.kraken._requests import read_added
from athena.venues.kraken._stream import ChannelMessage, Reply, SystemStatus, read_text
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Instrument
    from athena.trading.live import Effect
    from athena.venues._contract import Call, HttpAnswer
    from athena.venues.kraken._adapter_requests import Sending
    from athena.venues.kraken._pairs import AccountFees
    from athena.venues.limits import CounterRule

KRAKEN = Capabilities(
    name="Kraken",
    order_types=SENT_TYPES,
    times_in_force=SENT_TIMES,
    max_leverage=1,
    has_post_only=True,
    has_reduce_only=False,
    has_amend=True,
    has_conditional_close=True,
    has_oco=False,
    has_trailing=False,
    has_validate=True,
    has_deadline=True,
    has_dead_man=True,
    has_client_ids=True,
    has_execution_stream=True,
    has_balance_stream=True,
    has_price_stream=True,
    has_full_history=True,
    page_size=PAGE_SIZE,
)
_TRIGGERED = frozenset(
    {
        OrderType.STOP,
        OrderType.STOP_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP,
    }
)
_UNDER_WAY_NS = 2 * SECOND_NS
_RESTATE_NS = 15 * SECOND_NS
_NO_FUNDS = "EOrder:Insufficient funds"
_REQUESTS: Mapping[type, Request] = {
    PlaceOrder: Request.PLACE,
    CancelOrder: Request.CANCEL,
    AmendOrder: Request.AMEND,
}
_STILL_OPENING = "the rules of the venue are still being read"


class KrakenAdapter:
    """Implement `athena.venues.Adapter` for Kraken's REST and WebSocket v2 interfaces.

    The stream is wanted only once rules, fees and time were read and agree with the session's
    instruments; so `StreamChanged(is_up=True)` says that all of them are in order.
    """

    __slots__ = (
        "_backoff", "_caller", "_clock", "_dead_man", "_is_opening", "_link", "_memory",
        "_opening", "_placing", "_queries", "_reader", "_restated_ns", "_stops", "_tier",
    )  # fmt: skip

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        tier: Tier,
        wants_dead_man: bool = False,
        seed: int = 0,
    ) -> None:
        """Prepare; nothing is asked before `begin`.

        Args:
            instruments: of the session, in its order; with Kraken's own steps and minima.
            tier: of the account; decides the rules of the rate limit.
            wants_dead_man: let Kraken cancel everything when it hears nothing for a minute; only
                while no stop rests, because it cancels stops too.
            seed: decides how waits between connections are spread.
        """
        self._tier = tier
        self._opening = Opening(Markets.of(instruments))
        self._restated_ns = 0
        self._is_opening = False
        self._backoff = Backoff(seed, "opening")
        self._memory = OrderMemory()
        self._reader = StreamReader(self._memory)
        self._link = Link(seed)
        self._dead_man = DeadMan(is_wanted=wants_dead_man)
        self._stops: set[str] = set()  # client ids of those sent and not known to be over
        self._placing: dict[str, int] = {}  # client id -> call that may not have left yet
        self._caller = Caller()
        self._clock = VenueClock()
        self._queries = AccountQueries(self._caller, self._memory, self._clock)

    @property
    def capabilities(self) -> Capabilities:
        """Return what Kraken does by itself."""
        return KRAKEN

    @property
    def counter_rules(self) -> Mapping[str, CounterRule]:
        """Return the rules of the account's rate limit, the house's included."""
        return TIERS[self._tier].rules()

    @property
    def fees(self) -> AccountFees | None:
        """Return what the account pays, by Kraken's names of the pairs; None before it is read."""
        return self._opening.fees

    @property
    def venue_ahead_ns(self) -> int | None:
        """Return how far Kraken's clock is proven to be ahead of ours; None before it is read."""
        return self._clock.ahead_ns

    def begin(self, now_ns: int) -> Step:
        """Ask for rules, fees and time; the stream follows when they are in order."""
        draft = Draft()
        self._open(draft, now_ns)
        return self._step(draft)

    def carry_out(self, effect: Effect, now_ns: int) -> Step:
        """Turn an effect into requests; an `Alert` is none of Kraken's business."""
        draft = Draft()
        match effect:
            case Alert():
                pass
            case QueryAccount() if self._opening.is_done:
                self._queries.ask(draft, effect, self._opening.markets, now_ns)
            case QueryAccount():
                draft.events.append(_not_read(effect, now_ns))
            case PlaceOrder() | CancelOrder() | AmendOrder():
                self._send(draft, effect, now_ns)
        return self._step(draft)

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> Step:
        """Hear what came of a request; an answer that came before says nothing."""
        draft = Draft()
        self._caller.answer(draft, call, answer, now_ns)
        return self._step(draft)

    def stream_opened(self, now_ns: int) -> Step:
        """Subscribe: our orders, balances, prices, rules."""
        draft = Draft()
        if self._link.state is LinkState.OPENING:
            self._link.open(now_ns)
            self._reader.last_ticks.clear()  # what stood before may stand no more
            symbols = [item.symbol for item in self._opening.markets.instruments]
            draft.messages += self._link.subscriptions(symbols)
        return self._step(draft)

    def heard(self, text: str, now_ns: int) -> Step:
        """Hear one text; one that cannot be read is dropped, and the account is read again."""
        draft = Draft()
        if self._link.is_open:
            if self._link.hear(now_ns):
                draft.events.append(StreamAlive(now_ns))
            try:
                self._understand(draft, text, now_ns)
            except AthenaError as error:
                self._queries.want_more()
                draft.judge_venue(now_ns, error.message)
        return self._step(draft)

    def stream_lost(self, reason: str, now_ns: int) -> Step:
        """Hear that the stream broke or could not be opened; one given up before says nothing."""
        draft = Draft()
        if self._link.is_wanted:
            self._lose(draft, reason, now_ns)
        return self._step(draft)

    def tick(self, now_ns: int) -> Step:
        """Try again what failed, give up what is silent, renew the dead-man switch."""
        draft = Draft()
        if not self._opening.is_done:
            if not self._is_opening and self._backoff.is_over(now_ns):
                self._open(draft, now_ns)
            return self._step(draft)
        if trouble := self._link.trouble(now_ns):
            self._lose(draft, trouble, now_ns)
        self._connect(draft, now_ns)
        self._restate_prices(draft, now_ns)
        self._queries.tick(draft, self._opening.markets, now_ns)
        self._mind_dead_man(draft, now_ns)
        return self._step(draft)

    def _restate_prices(self, draft: Draft, now_ns: int) -> None:
        """Say prices again that stand: the stream tells changes, and it is there.

        A quiet market is no stale one while its stream speaks; one that is silent is given up by
        `Link.trouble` before a price is said again.
        """
        if self._link.state is not LinkState.UP or now_ns - self._restated_ns < _RESTATE_NS:
            return
        self._restated_ns = now_ns
        # A little back, so that the next change, which was under way, is not taken for older.
        venue_ns = now_ns + (self._clock.ahead_ns or 0) - _UNDER_WAY_NS
        for index, last in sorted(self._reader.last_ticks.items()):
            draft.events.append(PriceSeen(index, last, last, last, venue_ns))

    def self_test_calls(self, now_ns: int) -> tuple[Call, ...]:
        """Return the smallest order of each instrument, to be checked by Kraken and not placed.

        Nothing before the rules were read and each instrument has a price. The answers go to
        `read_self_test`, not to `answered`.
        """
        markets = self._opening.markets
        prices = self._reader.last_ticks
        if not self._opening.is_done or len(prices) != len(markets.instruments):
            return ()
        return tuple(
            self._caller.call_for(self_test_of(markets, index, price, now_ns))
            for index, price in sorted(prices.items())
        )

    def read_self_test(self, answer: HttpAnswer | CallFailed) -> str:
        """Return why Kraken would not take an order of the self-test; empty when it would.

        A lack of funds counts as taken: key, permission, rules and deadline were judged before.
        """
        if isinstance(answer, CallFailed):
            return answer.reason
        outcome = read_sent(answer, "AddOrder", read_added)
        if isinstance(outcome, Accepted):
            is_placed = bool(outcome.value)
            return "expected an order to be checked only, was placed" if is_placed else ""
        if isinstance(outcome, Refused) and outcome.codes == (_NO_FUNDS,):
            return ""
        return outcome.error.message

    # The opening

    def _open(self, draft: Draft, now_ns: int) -> None:
        question = self._opening.question()
        self._is_opening = question is not None
        if question is None:
            self._connect(draft, now_ns)
            return
        self._caller.ask(
            draft, question, partial(self._opened, question, now_ns), Priority.READ, now_ns
        )

    def _opened(
        self,
        question: Question,
        asked_ns: int,
        draft: Draft,
        answer: HttpAnswer | CallFailed,
        now_ns: int,
    ) -> None:
        try:
            result = result_of(answer, question.endpoint)
            self._opening.take(result)
            self._clock.note(question, result, asked_ns, now_ns)
        except AthenaError as error:
            self._is_opening = False
            self._backoff.wait(now_ns)
            draft.judge_venue(now_ns, error.message)
            return
        self._backoff.settle()
        draft.judge_venue(now_ns)
        self._open(draft, now_ns)

    # Orders

    def _send(
        self, draft: Draft, effect: PlaceOrder | CancelOrder | AmendOrder, now_ns: int
    ) -> None:
        if not self._opening.is_done:
            draft.events.append(_not_sent(effect, now_ns, _STILL_OPENING))
            return
        try:
            sending = sending_of(effect, self._opening.markets, now_ns)
        except InputError as error:
            draft.events.append(_not_sent(effect, now_ns, error.message))
            return
        if isinstance(effect, PlaceOrder) and effect.type in _TRIGGERED:
            self._stops.add(effect.client_id)
            self._mind_dead_man(draft, now_ns)  # a switch that is armed would cancel the stop
        handle = partial(self._sent, sending)
        if isinstance(effect, CancelOrder):
            placing = self._placing.get(effect.client_id, 0)
            self._caller.send(draft, sending, handle, withdraws=placing)
            return
        number = self._caller.send(draft, sending, handle)
        if isinstance(effect, PlaceOrder):
            self._placing[effect.client_id] = number

    def _sent(
        self, sending: Sending, draft: Draft, answer: HttpAnswer | CallFailed, now_ns: int
    ) -> None:
        outcome, is_well = outcome_of(sending, answer, now_ns)
        self._memory.note_id(outcome.venue_id, outcome.client_id)
        is_placing = outcome.request is Request.PLACE
        if is_placing:
            self._placing.pop(outcome.client_id, None)
        if is_placing and outcome.result in {Result.REFUSED, Result.NOT_SENT}:
            self._stops.discard(outcome.client_id)
        draft.events.append(outcome)
        if not (isinstance(answer, CallFailed) and answer.is_held_back):
            draft.judge_venue(now_ns, "" if is_well else outcome.reason)

    # The stream

    def _connect(self, draft: Draft, now_ns: int) -> None:
        if self._link.is_due(now_ns):
            self._link.ask()
            question = Question("GetWebSocketsToken")
            self._caller.ask(draft, question, self._authorised, Priority.TRADE, now_ns)

    def _authorised(self, draft: Draft, answer: HttpAnswer | CallFailed, now_ns: int) -> None:
        try:
            token = result_of(answer, "GetWebSocketsToken").text("token")
        except AthenaError as error:
            self._link.lose(now_ns)
            draft.judge_venue(now_ns, error.message)
            return
        self._link.authorise(token)
        draft.judge_venue(now_ns)

    def _lose(self, draft: Draft, reason: str, now_ns: int) -> None:
        if self._link.state is LinkState.UP:
            draft.events.append(StreamChanged(is_up=False, ts_ns=now_ns, reason=reason))
        else:
            draft.judge_venue(now_ns, f"expected a stream of our orders, was: {reason}")
        self._link.lose(now_ns)

    def _understand(self, draft: Draft, text: str, now_ns: int) -> None:
        match message := read_text(text.encode(errors="surrogatepass")):
            case Reply():
                self._replied(draft, message, now_ns)
            case SystemStatus():
                is_well = message.system == "online"
                draft.judge_venue(
                    now_ns, "" if is_well else f"Kraken says that it is {message.system}"
                )
            case ChannelMessage():
                self._take_in(draft, message, now_ns)

    def _replied(self, draft: Draft, reply: Reply, now_ns: int) -> None:
        if reply.method != "subscribe":
            return
        if not reply.is_success:
            self._lose(draft, f"a subscription was refused: {reply.error}", now_ns)
        elif reply.channel == Channel.EXECUTIONS and self._link.state is LinkState.SUBSCRIBING:
            self._link.confirm()
            draft.events.append(StreamChanged(is_up=True, ts_ns=now_ns))

    def _take_in(self, draft: Draft, message: ChannelMessage, now_ns: int) -> None:
        match self._link.is_next(message):
            case True:
                events = self._reader.read(message, self._opening.markets, now_ns)
                draft.events += events
                self._stops -= {
                    event.client_id
                    for event in events
                    if isinstance(event, OrderSeen) and event.state in ENDED
                }
            case False:
                self._lose(draft, f"messages of {message.channel} were missed", now_ns)

    # The dead-man switch

    def _mind_dead_man(self, draft: Draft, now_ns: int) -> None:
        timeout_s = self._dead_man.due(now_ns, is_safe=self._is_dead_man_safe())
        if timeout_s is not None:
            self._dead_man.ask(timeout_s, now_ns)
            question = Question("CancelAllOrdersAfter", {"timeout": str(timeout_s)})
            handle = partial(self._dead_man_answered, timeout_s)
            self._caller.ask(draft, question, handle, Priority.PROTECT, now_ns)

    def _is_dead_man_safe(self) -> bool:
        if self._link.state is not LinkState.UP or not self._link.has_orders or self._stops:
            return False
        return all(order.type not in _TRIGGERED for order in self._memory.working.values())

    def _dead_man_answered(
        self, timeout_s: int, draft: Draft, answer: HttpAnswer | CallFailed, now_ns: int
    ) -> None:
        try:
            result_of(answer, "CancelAllOrdersAfter")
        except AthenaError as error:
            self._dead_man.answer(timeout_s, is_done=False)
            draft.judge_venue(now_ns, error.message)
            return
        self._dead_man.answer(timeout_s, is_done=True)
        if news := self._dead_man.news():
            draft.alerts.append(Alert(Urgency.NOTICE, "dead_man", news, now_ns))
        draft.judge_venue(now_ns)

    def _step(self, draft: Draft) -> Step:
        return Step(
            calls=tuple(draft.calls),
            messages=tuple(draft.messages) if self._link.is_wanted else (),
            events=tuple(draft.events),
            wants_stream=self._link.is_wanted,
            pauses=tuple(draft.pauses),
            alerts=tuple(draft.alerts),
        )


def _not_read(query: QueryAccount, now_ns: int) -> AccountSeen:
    return AccountSeen(now_ns, 0, query.since_ns, is_complete=False, reason=_STILL_OPENING)


def _not_sent(effect: PlaceOrder | CancelOrder | AmendOrder, now_ns: int, reason: str) -> Answered:
    request = _REQUESTS[type(effect)]
    serial = effect.serial if isinstance(effect, AmendOrder) else 0
    return Answered(
        request, effect.client_id, Result.NOT_SENT, now_ns, reason=reason, serial=serial
    )

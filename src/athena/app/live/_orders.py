"""How a request for an order, or for an execution plan, becomes an event of the session.

The request's id becomes the order's key and the plan's id, so that a request which an engine finds
again after a crash is carried out once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from athena.app.live._inbox import Answer
from athena.app.live._sentences import denial_sentence, plan_sentence
from athena.app.live._snapshot import PlanSeen
from athena.app.live._wishes import Verb
from athena.domain import (
    HOUR_NS,
    MINUTE_NS,
    Book,
    DenialCode,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
    format_decimal,
    from_money,
    parse_enum,
    parse_interval_ns,
)
from athena.errors import InputError
from athena.trading import OrderRequest, Refusal, to_intent
from athena.trading import layout as at
from athena.trading.algorithms import (
    Measure,
    PlanKind,
    dca_plan,
    intent_key,
    twap_plan,
    vwap_plan,
)
from athena.trading.live import (
    PlanStarted,
    PlanStopped,
    PurchaseAsked,
    RebalanceAsked,
    RunningPlan,
    Wanted,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.live._inbox import Request
    from athena.domain import Instrument
    from athena.trading import Intent, StrategySlot
    from athena.trading.algorithms import Plan
    from athena.trading.live import Session

MANUAL_SLOT = "manual"
CORE_SLOT = "core"
BAGS_SLOT = "bags"
ORDERING = frozenset(
    {
        Verb.ORDER,
        Verb.PLAN,
        Verb.PLAN_STOP,
        Verb.REBALANCE,
        Verb.SKIP_REBALANCE,
        Verb.PURCHASE,
    }
)
Ordered = Wanted | PlanStarted | PlanStopped | RebalanceAsked | PurchaseAsked
_SLICES_MAX = 500
_LAST_NS = 30 * 24 * HOUR_NS  # longest window of a TWAP
_SHORTEST_NS = MINUTE_NS
_ROOM = Decimal("1.1")  # above the least order, so that a price which falls does not end a plan
_PRICES = {
    "limit": "limit_price",
    "trigger": "trigger_price",
    "stop": "stop_price",
    "target": "target_price",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an order goes: instrument and slot, with their indices."""

    instrument: Instrument
    index: int
    slot: StrategySlot
    slot_index: int


def to_ordered(request: Request, session: Session, ts_ns: int) -> Ordered:
    """Return the event of a request whose verb is in `ORDERING`.

    Raises:
        InputError: something of it cannot be; to be answered with, as rejected.
    """
    if request.wish.verb is Verb.ORDER:
        return to_wanted(request, session, ts_ns)
    if request.wish.verb is Verb.PLAN:
        return to_plan_started(request, session, ts_ns)
    if request.wish.verb is Verb.PURCHASE:
        return to_purchase_asked(request, session, ts_ns)
    if request.wish.verb in {Verb.REBALANCE, Verb.SKIP_REBALANCE}:
        return to_rebalance_asked(request, session, ts_ns)
    return to_plan_stopped(request, session, ts_ns)


def to_wanted(request: Request, session: Session, ts_ns: int) -> Wanted:
    """Return the event of a request with the verb `order`.

    Args:
        request: with `symbol`, `side`, `quantity` or `quote_amount`, and at choice `type`,
            `limit`, `trigger`, `stop`, `target`, `time_in_force`, `post_only`, `slot`.
        session: whose instruments and slots they are.
        ts_ns: the engine's clock.

    Raises:
        InputError: something of it cannot be; to be answered with, as rejected.
    """
    arguments = request.wish.arguments
    place = _place(arguments, session, default=MANUAL_SLOT)
    intent = replace(_intent(arguments, place), key=intent_key(request.id, "order", 0))
    return Wanted(place.slot_index, intent, ts_ns, request.id)


def to_plan_started(request: Request, session: Session, ts_ns: int) -> PlanStarted:
    """Return the event of a request with the verb `plan`; it begins now.

    Args:
        request: as of an order, and `kind`: `twap` with `slices` and `window`, `vwap` with
            `profile` (volumes, separated by commas), `dca` with `batches` and `every`.
        session: whose instruments, slots and prices they are.
        ts_ns: the engine's clock.

    Raises:
        InputError: something of it cannot be; to be answered with, as rejected.
    """
    arguments = request.wish.arguments
    kind = parse_enum(PlanKind, arguments.get("kind", ""))
    if kind is PlanKind.REBALANCE:
        message = "expected a plan of kind twap, vwap or dca, was rebalance"
        raise InputError(message, hint="rebalancing follows the configuration: rebalance.weights")
    default = CORE_SLOT if kind is PlanKind.DCA else MANUAL_SLOT
    place = _place(arguments, session, default=default)
    intent = _intent(arguments, place)
    order = replace(intent, lots=0, quote_amount=0)
    if kind is PlanKind.DCA:
        plan = _dca(request, place, order, intent.quote_amount, ts_ns)
    else:
        plan = _in_lots(
            request, place, order, intent.lots, _smallest(place, order, session), ts_ns
        )
    return PlanStarted(plan, ts_ns, request.operator, request.wish.reason)


def to_plan_stopped(request: Request, session: Session, ts_ns: int) -> PlanStopped:
    """Return the event of a request with the verb `plan_stop`; `plan` is an id or its beginning.

    Raises:
        InputError: no such plan runs, or several begin like that.
    """
    wanted = request.wish.arguments.get("plan", "")
    known = session.plans.running_ids()
    found = [plan_id for plan_id in known if wanted and plan_id.startswith(wanted)]
    if len(found) != 1:
        message = f"expected the id of a plan that runs, was {wanted!r}"
        raise InputError(message, hint=f"running: {', '.join(known) or 'none'}")
    return PlanStopped(found[0], ts_ns, request.operator, request.wish.reason)


def to_rebalance_asked(request: Request, session: Session, ts_ns: int) -> RebalanceAsked:
    """Return the event of a request with the verb `rebalance` or `skip_rebalance`.

    Raises:
        InputError: the session rebalances nothing, or is at it already.
    """
    is_wanted = request.wish.verb is Verb.REBALANCE
    if session.plans.rules.rebalance is None:
        message = "expected a session that rebalances, was one without weights"
        raise InputError(message, hint="rebalance.weights in the configuration, then --new")
    if is_wanted and session.plans.rebalancing.is_under_way:
        message = "expected no rebalance under way, was one"
        raise InputError(message, hint="athena order plans shows it")
    return RebalanceAsked(is_wanted, ts_ns, request.operator, request.wish.reason)


def to_purchase_asked(request: Request, session: Session, ts_ns: int) -> PurchaseAsked:
    """Return the event of a request with the verb `purchase`; `asset` is a coin of the bags.

    Raises:
        InputError: the session keeps no bags, none of that coin, or nothing is pending for it.
    """
    rules, bags = session.plans.rules.hodl, session.plans.bags
    if rules is None or bags is None:
        message = "expected a session that keeps bags, was one without"
        raise InputError(message, hint="hodl.is_enabled in the configuration, then --new")
    names = [asset.name for asset in rules.assets]
    wanted = request.wish.arguments.get("asset", "")
    if wanted not in names:
        message = f"expected one of {', '.join(names)}, was {wanted!r}"
        raise InputError(message)
    asset = names.index(wanted)
    if bags.bags[asset].pending <= 0:
        message = f"expected profits that wait to become {wanted}, was none"
        raise InputError(message, hint="they come of closed trades: athena gains")
    return PurchaseAsked(asset, ts_ns, request.operator, request.wish.reason)


def ordered_answer(event: Ordered, session: Session) -> Answer:
    """Say what a session did with the event of a request; asked right after it was told."""
    if isinstance(event, RebalanceAsked | PurchaseAsked):
        return Answer(is_executed=True, text=_asked_text(event, session))
    if isinstance(event, PlanStopped):
        return Answer(is_executed=True, text=f"plan {event.plan_id} asks for nothing more")
    if isinstance(event, PlanStarted):
        if not session.plans.knows(event.plan.id):
            n = len(session.plans.running_ids())
            text = f"the plan was not begun: {n} plans run, stop one first"
            return Answer(is_executed=False, text=text)
        instrument = session.instruments[event.plan.order.instrument]
        return Answer(is_executed=True, text=plan_sentence(event.plan, instrument))
    return _wanted_answer(event, session)


def _wanted_answer(event: Wanted, session: Session) -> Answer:
    """Say what the risk engine made of an order."""
    number, code = session.last_verdict
    if code is DenialCode.DUPLICATE_INTENT:
        text = "it was taken already, before the engine began again: athena orders --all"
        return Answer(is_executed=True, text=text)
    if code is not None:
        return Answer(is_executed=False, text=denial_sentence(code))
    instrument = session.instruments[event.intent.instrument]
    row = session.core.row_of(number)
    lots = session.core.s.orders[row, at.LOTS]
    quantity = format_decimal(instrument.lots_to_quantity(lots))
    text = f"order {number}: {event.intent.side.value} {quantity} {instrument.base}"
    if lots < event.intent.lots:
        asked = format_decimal(instrument.lots_to_quantity(event.intent.lots))
        text += f"; the risk engine allows no more, {asked} {instrument.base} was asked for"
    return Answer(is_executed=True, text=text)


def _asked_text(event: RebalanceAsked | PurchaseAsked, session: Session) -> str:
    judged = "as far as the risk engine allows; athena status tells what came of it"
    if isinstance(event, PurchaseAsked):
        rules, bags = session.plans.rules.hodl, session.plans.bags
        if rules is None or bags is None:
            return judged
        amount = format_decimal(from_money(bags.bags[event.asset].pending))
        quote, name = session.instruments[0].quote, rules.assets[event.asset].name
        return f"{amount} {quote} become {name} now, {judged}"
    if event.is_wanted:
        return f"the weights are looked at now and put right, {judged}"
    return "no rebalance before the rest after one has passed"


def plans_seen(session: Session) -> tuple[PlanSeen, ...]:
    """Return the plans that run, a rebalance's trades among them, for the status row."""
    found = [_seen(item, item.plan.id, session) for item in session.plans.running.values()]
    state = session.plans.rebalancing
    if state.plan is not None and state.is_under_way:
        found += [
            _seen(RunningPlan(leg, progress), state.plan.id, session)
            for leg, progress in zip(state.plan.legs, state.legs, strict=True)
        ]
    return tuple(found)


def _seen(item: RunningPlan, plan_id: str, session: Session) -> PlanSeen:
    plan, instrument = item.plan, session.instruments[item.plan.order.instrument]
    is_money = plan.measure is Measure.MONEY
    read = from_money if is_money else instrument.lots_to_quantity
    return PlanSeen(
        id=plan_id,
        kind=plan.kind,
        symbol=instrument.symbol,
        side=plan.order.side,
        slot=session.slots[plan.strategy].name,
        currency=instrument.quote if is_money else instrument.base,
        total=read(plan.total),
        done=read(item.done),
        n_asked=len(item.progress.slices),
        n_planned=sum(1 for part in plan.parts if part),
        started_ns=plan.start_ns,
    )


# --- parts --------------------------------------------------------------------------------------


def _place(arguments: Mapping[str, str], session: Session, *, default: str) -> _Place:
    symbol, name = arguments.get("symbol", ""), arguments.get("slot", default)
    symbols = [item.symbol for item in session.instruments]
    if symbol not in symbols:
        message = f"expected one of {', '.join(symbols)}, was {symbol!r}"
        raise InputError(message)
    # Nobody sells what is set aside, and a stranger's orders are a stranger's.
    names = [slot.name for slot in session.slots]
    own = [
        slot.name for slot in session.slots if slot.book is not Book.HODL and slot.share_ppm > 0
    ]
    if name not in own:
        message = f"expected a slot of {', '.join(own)}, was {name!r}"
        raise InputError(message)
    slot = len(names) - 1 - names[::-1].index(name)  # ours come after the strategies'
    index = symbols.index(symbol)
    return _Place(session.instruments[index], index, session.slots[slot], slot)


def _intent(arguments: Mapping[str, str], place: _Place) -> Intent:
    """Convert exactly, or refuse; the purpose follows from the slot's book and the side."""
    side = parse_enum(Side, arguments.get("side", ""))
    purpose = Purpose.DCA
    if place.slot.book is Book.TRADING:
        purpose = Purpose.MANUAL if side is Side.BUY else Purpose.EXIT
    prices = {ours: arguments[name] for name, ours in _PRICES.items() if name in arguments}
    wanted = OrderRequest(
        side=side,
        quantity=arguments.get("quantity"),
        quote_amount=arguments.get("quote_amount"),
        purpose=purpose,
        type=parse_enum(OrderType, arguments.get("type", OrderType.MARKET.value)),
        time_in_force=parse_enum(
            TimeInForce, arguments.get("time_in_force", TimeInForce.GTC.value)
        ),
        post_only=arguments.get("post_only") == "true",
        **prices,  # type: ignore[arg-type] # prices as text
    )
    intent = to_intent(wanted, place.instrument, place.index)
    if isinstance(intent, Refusal):
        raise InputError(intent.message)
    return intent


def _smallest(place: _Place, order: Intent, session: Session) -> int:
    """Return the least lots that the venue takes at the order's price, or the last one."""
    ticks = order.limit_ticks or session.core.s.instruments[place.index, at.LAST]
    if ticks <= 0:
        message = f"expected a price of {place.instrument.symbol}, was none yet"
        raise InputError(message, hint="athena status says what the session waits for")
    item = place.instrument
    quantity = item.min_notional * _ROOM / item.ticks_to_price(ticks)
    lots = int((quantity / item.lot).to_integral_value(ROUND_CEILING))
    return max(1, item.min_lots, lots)


def _in_lots(  # noqa: PLR0913, PLR0917 - what the schedule is made of
    request: Request, place: _Place, order: Intent, lots: int, smallest: int, ts_ns: int
) -> Plan:
    arguments = request.wish.arguments
    if lots == 0:
        message = "expected a quantity in base currency, was none"
        raise InputError(message)
    if arguments["kind"] == PlanKind.VWAP:
        volumes = [_whole(text, "volume", 10**15) for text in _parts(arguments.get("profile", ""))]
        if len(volumes) > _SLICES_MAX:
            message = f"expected at most {_SLICES_MAX} volumes, was {len(volumes)}"
            raise InputError(message)
        return vwap_plan(
            request.id,
            place.slot_index,
            order,
            lots,
            volumes,
            start_ns=ts_ns,
            smallest_lots=smallest,
        )
    slices = _whole(arguments.get("slices", "10"), "slices", _SLICES_MAX)
    window_ns = parse_interval_ns(arguments.get("window", "1h"))
    if slices < 1 or not slices * _SHORTEST_NS <= window_ns <= _LAST_NS:
        message = f"expected slices at least a minute apart, 30 days at most, was {slices} in "
        raise InputError(message + arguments.get("window", "1h"))
    return twap_plan(
        request.id,
        place.slot_index,
        order,
        lots,
        start_ns=ts_ns,
        smallest_lots=smallest,
        slices=slices,
        window_ns=window_ns,
    )


def _dca(request: Request, place: _Place, order: Intent, money: int, ts_ns: int) -> Plan:
    arguments = request.wish.arguments
    if money == 0:
        message = "expected an amount in quote currency, was none"
        raise InputError(message)
    every_ns = parse_interval_ns(arguments.get("every", "4h"))
    batches = _whole(arguments.get("batches", "6"), "batches", _SLICES_MAX)
    if batches < 1 or every_ns < _SHORTEST_NS:
        message = f"expected batches >= 1 at least a minute apart, was {batches}"
        raise InputError(message)
    return dca_plan(
        request.id,
        place.slot_index,
        order,
        money,
        start_ns=ts_ns,
        batches=batches,
        interval_ns=every_ns,
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _whole(text: str, what: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        message = f"expected {what} as a whole number up to {most}, was {text!r}"
        raise InputError(message)
    return int(text)

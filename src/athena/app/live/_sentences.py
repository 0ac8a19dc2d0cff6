"""What operators ask for, and what they are answered, in sentences with their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.live._wishes import Verb
from athena.domain import MINUTE_NS, SECOND_NS, format_decimal, format_interval, from_money
from athena.trading.algorithms import Measure, PlanKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.live._wishes import Wish
    from athena.domain import DenialCode, Instrument
    from athena.trading.algorithms import Plan


def sentence_of(wish: Wish) -> str:
    """Say what somebody asks for, without its reason."""
    arguments = wish.arguments
    if wish.verb is Verb.ORDER:
        return f"{_trade(arguments)} {_price(arguments)}{_more(arguments)}"
    if wish.verb is Verb.PLAN:
        return f"{_trade(arguments)} {_schedule(arguments)}{_more(arguments)}"
    if wish.verb is Verb.PLAN_STOP:
        return f"end plan {arguments['plan']}"
    if wish.verb is Verb.PURCHASE:
        return f"buy what is pending of {arguments['asset']} for the bags"
    if wish.verb is Verb.LIMIT:
        return f"set {arguments['name']} to {arguments['value']}"
    return " ".join((wish.verb.replace("_", " "), *arguments.values()))


def denial_sentence(code: DenialCode) -> str:
    """Say why the risk engine let nothing through, with the code that the tables name."""
    return f"the risk engine denied it ({code.value}): {code.meaning}"


def plan_sentence(plan: Plan, instrument: Instrument) -> str:
    """Say what a plan will do."""
    n = sum(1 for part in plan.parts if part)
    if plan.measure is Measure.MONEY:
        amount = f"{instrument.base} for {format_decimal(from_money(plan.total))} "
        amount += instrument.quote
    else:
        quantity = instrument.lots_to_quantity(plan.total)
        amount = f"{format_decimal(quantity)} {instrument.base}"
    orders = f"{n} orders, one every {duration(plan.interval_ns)}" if n > 1 else "one order"
    kind = plan.kind.value.upper()
    text = f"plan {plan.id}: {plan.order.side.value} {amount} in {orders} ({kind})"
    return f"{text}; {plan.remark}" if plan.remark else text


def duration(span_ns: int) -> str:
    """Return a span of time as people say it: `6m`, `90s`."""
    if span_ns % MINUTE_NS == 0 and span_ns:
        return format_interval(span_ns)
    return f"{span_ns / SECOND_NS:g}s"


def _trade(arguments: Mapping[str, str]) -> str:
    """Say how much of what, in its unit: `buy 0.5 BTC`, `buy BTC for 500 USD`."""
    symbol, side = arguments.get("symbol", ""), arguments.get("side", "")
    base, _, quote = symbol.partition("/")
    if "quote_amount" in arguments:
        return f"{side} {base} for {arguments['quote_amount']} {quote}"
    return f"{side} {arguments.get('quantity', '')} {base}"


def _price(arguments: Mapping[str, str]) -> str:
    _, _, quote = arguments.get("symbol", "").partition("/")
    limit, trigger = arguments.get("limit"), arguments.get("trigger")
    worst = f"at {limit} {quote} or better"
    if trigger is not None:
        once = f"once the price reaches {trigger} {quote}"
        return once if limit is None else f"{once}, {worst}"
    return "at market" if limit is None else worst


def _schedule(arguments: Mapping[str, str]) -> str:
    kind = arguments.get("kind", "")
    if kind == PlanKind.DCA:
        return f"in {arguments.get('batches')} batches, one every {arguments.get('every')} (DCA)"
    worst = f" {_price(arguments)}" if "limit" in arguments else ""
    if kind == PlanKind.TWAP:
        n, window = arguments.get("slices"), arguments.get("window")
        return f"in {n} slices over {window} (TWAP){worst}"
    return f"in slices by the volume expected ({kind.upper()}){worst}"


def _more(arguments: Mapping[str, str]) -> str:
    """Say what comes with it: stop, target, how long it works, whose it is."""
    _, _, quote = arguments.get("symbol", "").partition("/")
    words = [
        f"{name} {arguments[name]} {quote}" for name in ("stop", "target") if name in arguments
    ]
    if arguments.get("time_in_force", "gtc") != "gtc":
        words.append(arguments["time_in_force"])
    if arguments.get("post_only") == "true":
        words.append("post only")
    if "slot" in arguments:
        words.append(f"slot {arguments['slot']}")
    return "".join(f", {word}" for word in words)

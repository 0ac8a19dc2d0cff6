"""`athena desk explain`: the causal chain of a decision, from the bars to what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._desk_trace import RunOption, hours_text, trace_of
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athena.desk.contract import Output
    from athena.desk.trace import Chain, Entry, TracedRun
    from athena.research import Fill, IntentStory

_SHOWN_EVIDENCE = 6
_ID_SHOWN = 16


def explain(
    ctx: typer.Context,
    decision: Annotated[
        str,
        typer.Argument(
            help="Id or its beginning; `last`; `last-trade`: the newest that traded; "
            "`order:N`: the one that an order or fill goes back to."
        ),
    ],
    *,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how a decision came about and what came of it, and check what it was made from.

    Everything stored is checked: the chain of the trace, each opinion, the decision itself, which
    is made again, and the bars. Exit 1 names what is no longer as it was.

    Example: athena desk explain last-trade
    """
    from athena.desk.trace import business_of, check_bars, open_run, price_lines
    from athena.desk.trace import explain as explain_entry

    context = Context.of(ctx, as_json=as_json)
    folder, path, head = trace_of(context, run)
    opened = open_run(folder, context.home)
    entry = _find(opened, path, head, decision)
    chain = explain_entry(
        entry,
        business_of(opened, entry),
        price_lines(opened),
        findings=check_bars(opened, entry),
        notes=_notes(opened, head),
    )
    context.output.emit(_values(chain, folder.name), *_parts(chain, folder.name))
    if not chain.holds:
        raise typer.Exit(1)


def _find(opened: TracedRun, path: Path, head: str | None, decision: str) -> Entry:
    """Find what is asked about.

    Raises:
        CheckFailed: the trace was changed.
        InputError: there is no such decision or order, or several decisions begin so.
    """
    from athena.desk.trace import find_entry, find_entry_of_intent, key_of_order
    from athena.errors import InputError

    word, colon, number = decision.partition(":")
    if (word, colon) != ("order", ":"):
        return find_entry(path, decision, head=head)
    if not (number.isascii() and number.isdigit()):
        message = f"expected order:N with the number of an order, was {decision!r}"
        raise InputError(message, hint="athena why --json lists orders")
    return find_entry_of_intent(path, key_of_order(opened, int(number)), head=head)


def _notes(opened: TracedRun, head: str | None) -> list[str]:
    notes = []
    if opened.bars_note and not opened.is_changed:
        notes.append(f"the bars were not checked: {opened.bars_note}")
    elif opened.bars_note:
        notes.append(opened.bars_note)
    if head is None:
        notes.append("the run does not say how its trace ends: an end cut off would not show")
    return notes


def _values(chain: Chain, run: str) -> dict[str, Any]:
    from athena.desk.contract import digest
    from athena.domain import format_time

    entry, business = chain.entry, chain.business
    decision = entry.decision
    stories = [_story(story) for story in business.stories]
    return {
        "run": run,
        "decision": {
            "id": decision.id,
            "digest": entry.decision_digest,
            "symbol": decision.symbol,
            "as_of": format_time(decision.as_of_ns),
            "decided_at": format_time(decision.decided_at_ns),
            "action": decision.action.value,
            "confidence": decision.confidence,
            "regime": decision.regime.value,
            "risk_level": decision.risk_level.value,
            "method": decision.method,
            "winner": decision.winner,
            "hold_code": decision.hold_code,
            "reasons": list(decision.reasons),
        },
        "bars": _bars(entry),
        "views": [_view(output, digest(output)) for output in entry.outputs],
        "missing": [{"agent": one.what, "reason": one.reason} for one in entry.missing],
        "votes": [
            {
                "agent": vote.agent,
                "role": vote.role.value,
                "action": vote.action.value,
                "confidence": vote.confidence,
                "weight": vote.weight,
                "output": vote.output_id,
            }
            for vote in decision.votes
        ],
        "multiplier": decision.multiplier,
        "conflict": _conflict(entry),
        "veto": {
            "is_vetoed": chain.is_vetoed,
            "risk_level": decision.risk_level.value,
            "vetoes": [veto.rule for veto in entry.terms.vetoes],
        },
        "intent": stories[0]["asked"] if stories else None,
        "verdict": stories[0]["verdict"] if stories else None,
        "limits": [
            {"name": one.name, "used": one.used_frac, "left": one.left_frac}
            for one in chain.limits
        ],
        "orders": stories,
        "fills": [_fill(fill) for fill in business.fills],
        "exits": [_fill(fill) for fill in business.exits],
        "outcome": _outcome(chain),
        "latencies_ns": entry.latencies_ns,
        "checks": [
            {"what": one.what, "stated": one.stated, "was": one.was, "holds": one.holds}
            for one in chain.findings
        ],
        "holds": chain.holds,
        "notes": list(chain.notes),
    }


def _bars(entry: Entry) -> dict[str, Any]:
    from athena.domain import format_time

    seen = entry.seen
    return {
        "snapshot": seen.id,
        "as_of": format_time(seen.as_of_ns),
        "price": seen.price,
        "data_set": seen.data_set,
        "sha256": seen.data_sha256,
        "is_synthetic": seen.is_synthetic,
        "flags": list(seen.flags),
        "frames": [
            {
                "source": frame.source,
                "bars": frame.n_bars,
                "last_close": frame.last_close,
                "grade": frame.grade.value,
                "reasons": list(frame.reasons),
                "digest": frame.id,
            }
            for frame in seen.frames
        ],
    }


def _view(output: Output, digest: str) -> dict[str, Any]:
    return {
        "agent": output.agent,
        "role": output.role.value,
        "action": output.action.value,
        "label": output.label,
        "confidence": output.confidence,
        "raw_confidence": output.raw_confidence,
        "abstains": output.abstains,
        "reasons": list(output.reasons),
        "evidence": [
            {"name": one.name, "value": one.value, "unit": one.unit, "source": one.source}
            for one in output.evidence
        ],
        "inputs": list(output.input_ids),
        "version": output.version,
        "digest": digest,
    }


def _conflict(entry: Entry) -> dict[str, Any] | None:
    judged = entry.judged
    if judged is None:
        return None
    unavailable = "" if judged.unavailable is None else judged.unavailable.reason
    return {"answer": judged.said, "unavailable": unavailable}


def _story(story: IntentStory) -> dict[str, Any]:
    return {
        "order": story.order,
        "asked": {"what": story.asked, "symbol": story.symbol, "confidence": story.confidence},
        "verdict": {
            "code": story.code or "approved",
            "failures": list(story.failures),
            "approved": story.approved,
        },
        "filled": story.filled,
        "state": story.state,
    }


def _fill(fill: Fill) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "time": format_time(fill.ts_ns),
        "order": fill.order,
        "purpose": fill.purpose.value,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "fee": fill.fee,
    }


def _outcome(chain: Chain) -> dict[str, Any]:
    from athena.domain import format_time

    trade = chain.business.trade
    return {
        "judgements": [
            {
                "who": one.who,
                "horizon": hours_text(one.horizon_ns),
                "state": one.state,
                "move": one.move_frac,
                "right": one.is_right if one.state == "settled" else None,
                "net": one.net_frac,
            }
            for one in chain.judgements
        ],
        "trade": None
        if trade is None
        else {
            "opened": format_time(trade.opened_at_ns),
            "closed": None if trade.is_open else format_time(trade.closed_at_ns),
            "quantity": trade.quantity,
            "entry_price": trade.entry_price,
            "exit_price": trade.exit_price,
            "gain": trade.gain,
            "fees": trade.fees,
        },
    }


def _parts(chain: Chain, run: str) -> list[str | Table]:
    from athena.domain import format_time

    decision = chain.entry.decision
    head = f"{decision.symbol} {format_time(decision.as_of_ns)}  run {run}"
    shown: list[str | Table] = [f"decision {decision.id}", head]
    shown += [_frames_table(chain.entry), _views_table(chain.entry), _votes_table(chain.entry)]
    shown.append("\n".join(_verdict_lines(chain)))
    if chain.limits:
        shown.append(_limits_table(chain))
    if chain.business.stories:
        shown.append(_orders_table(chain.business.stories))
    fills = (*chain.business.fills, *chain.business.exits)
    if fills:
        shown.append(_fills_table(fills))
    shown += [_outcome_table(chain), *_trade_line(chain)]
    shown.append("\n".join(_check_lines(chain)))
    return shown


def _frames_table(entry: Entry) -> Table:
    from athena.domain import format_decimal, format_time

    seen = entry.seen
    price = "none" if seen.price is None else format_decimal(seen.price)
    rows = [
        (
            frame.source,
            str(frame.n_bars),
            format_time(frame.last_ns) if frame.n_bars else "",
            f"{frame.last_close:g}",
            " ".join([frame.grade.value, *frame.reasons]),
        )
        for frame in seen.frames
    ]
    made = ", made up" if seen.is_synthetic else ""
    title = f"1 what was seen: {seen.data_set}{made}, price {price}"
    return Table(("frame", ">bars", "newest opened", ">close", "quality"), rows, title=title)


def _views_table(entry: Entry) -> Table:
    rows = [
        (
            output.agent,
            "abstains" if output.abstains else output.action.value,
            _confidence(output),
            "; ".join(output.reasons),
            ", ".join(f"{one.name} {one.value:.4g}" for one in output.evidence[:_SHOWN_EVIDENCE]),
        )
        for output in entry.outputs
    ]
    rows += [(one.what, "nothing", "", one.reason, "") for one in entry.missing]
    heads = ("who", "says", ">confidence", "because", "evidence")
    return Table(heads, rows, title="2 what was said")


def _confidence(output: Output) -> str:
    if output.confidence == output.raw_confidence:
        return f"{output.confidence:.2f}"
    return f"{output.confidence:.2f} (said {output.raw_confidence:.2f})"


def _votes_table(entry: Entry) -> Table:
    rows = [
        (vote.agent, vote.action.value, f"{vote.confidence:.2f}", f"{vote.weight:.2f}")
        for vote in entry.decision.votes
    ]
    return Table(("voter", "for", ">confidence", ">weight"), rows, title="3 the vote")


def _verdict_lines(chain: Chain) -> list[str]:
    entry = chain.entry
    decision = entry.decision
    lines = [
        f"4 decided: {decision.action} at {decision.confidence:.3f} ({decision.method}, agreement "
        f"x{decision.multiplier:.3g}, {decision.regime}, risk {decision.risk_level})"
        + (f", hold because {decision.hold_code}" if decision.hold_code else "")
    ]
    lines += [f"   {reason}" for reason in decision.reasons]
    conflict = _conflict(entry)
    if conflict is not None:
        lines.append(f"   a judge said {conflict['answer'] or conflict['unavailable']}")
    lines.append(f"   veto: {'yes' if chain.is_vetoed else 'no'}")
    if not entry.asked:
        lines.append("5 nothing was asked of the core")
    return lines


def _limits_table(chain: Chain) -> Table:
    rows = [(one.name, f"{one.used_frac:.1%}", f"{one.left_frac:.1%}") for one in chain.limits]
    return Table(("limit", ">used", ">left"), rows, title="risk view: its limits")


def _orders_table(stories: Sequence[IntentStory]) -> Table:
    from athena.domain import format_decimal

    rows = [
        (
            story.asked,
            story.code or "approved",
            format_decimal(story.approved),
            format_decimal(story.filled),
            story.state,
        )
        for story in stories
    ]
    heads = ("asked", "risk", ">approved", ">filled", "order ended")
    return Table(heads, rows, title="5 what the core made of it")


def _fills_table(fills: Sequence[Fill]) -> Table:
    from athena.domain import format_decimal, format_time

    rows = [
        (
            format_time(fill.ts_ns),
            str(fill.order),
            f"{fill.side} ({fill.purpose})",
            format_decimal(fill.quantity),
            format_decimal(fill.price),
            format_decimal(fill.fee),
        )
        for fill in fills
    ]
    return Table(("at", ">order", "fill", ">quantity", ">price", ">fee"), rows, title="6 fills")


def _outcome_table(chain: Chain) -> Table:
    rows = []
    for one in chain.judgements:
        settled = one.state == "settled"
        rows.append(
            (
                one.who,
                hours_text(one.horizon_ns),
                f"{one.move_frac:+.2%}" if settled else one.state,
                ("right" if one.is_right else "wrong") if settled else "",
                f"{one.net_frac:+.2%}" if settled and one.net_frac else "",
            )
        )
    heads = ("who", ">after", ">price moved", "was", ">net")
    return Table(heads, rows, title="7 what came of it")


def _trade_line(chain: Chain) -> list[str]:
    from athena.domain import format_decimal

    trade = chain.business.trade
    if trade is None:
        return []
    how = "still open" if trade.is_open else "closed"
    return [f"the round trip is {how}: gain {format_decimal(trade.gain)} after fees"]


def _check_lines(chain: Chain) -> list[str]:
    wrong = [one for one in chain.findings if not one.holds]
    lines = [f"checked: {len(chain.findings)} digests, {len(wrong)} do not hold"]
    for one in wrong:
        stated, was = one.stated[:_ID_SHOWN], one.was[:_ID_SHOWN]
        lines.append(f"  {one.what}: hash mismatch, expected {stated}, was {was}")
    return [*lines, *(f"  {note}" for note in chain.notes)]

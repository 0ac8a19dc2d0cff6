"""`athena desk compare-models`: the models of a desk side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._desk_score import read_calls
from athena.app._desk_trace import RunOption, estimate_values, interval_text, trace_of
from athena.app._output import Table

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.evaluation import ModelComparison, ModelScore, Pair


def compare_models(
    ctx: typer.Context,
    *,
    run: RunOption = None,
    leader: Annotated[
        str, typer.Option(help="Who leads now; only one better by more than luck replaces it.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Score the models that answered a run's questions, and test each pair on what both answered.

    Example: athena desk compare-models
    """
    from athena.desk.evaluation import HORIZONS_NS, SHOWN_FROM, settle
    from athena.desk.evaluation import compare_models as compare
    from athena.desk.trace import open_run, price_lines

    context = Context.of(ctx, as_json=as_json)
    folder, path, head = trace_of(context, run)
    calls, _ = read_calls(context, path, head, _measured(context))
    opened = open_run(folder, context.home)
    context.output.say(*([opened.bars_note] if opened.bars_note else []))
    found = compare(settle(calls, price_lines(opened), HORIZONS_NS[1]), leader)
    shown = [one for one in found.models if one.is_shown]
    hidden = [f"{one.model} ({one.score.accuracy.n})" for one in found.models if not one.is_shown]
    parts: list[str | Table] = [f"run {folder.name}: {found.reason}"]
    if hidden:
        parts.append(f"fewer than {SHOWN_FROM} settled answers: {', '.join(hidden)}")
    if shown:
        parts.append(_model_table(shown))
    if found.pairs:
        parts.append(_pair_table(found.pairs))
    context.output.emit(_values(found, folder.name), *parts)


def _measured(context: Context) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Read what answers took, where the home's database knows it; a replay costs nothing."""
    from athena.app._database import is_there, opened
    from athena.language import ModelRole
    from athena.language.spending import Ledger, Limits
    from athena.platform.database import schema_versions

    url = context.config.database.url
    if not is_there(url, context.home):
        return {}
    with opened(url, context.home) as database:
        with database.read() as transaction:
            rooms = {item.room for item in schema_versions(transaction)}
        if "language" not in rooms:
            return {}
        return Ledger(database, Limits()).by_decision(ModelRole.PANEL.value)


def _values(found: ModelComparison, run: str) -> dict[str, Any]:
    return {
        "run": run,
        "leader": found.leader,
        "reason": found.reason,
        "models": [
            {
                "model": one.model,
                "score": one.total if one.is_shown else None,
                "parts": one.parts if one.is_shown else None,
                "n": one.score.accuracy.n,
                "accuracy": estimate_values(one.score.accuracy),
                "base_rate": one.score.base_rate,
                "is_shown": one.is_shown,
            }
            for one in found.models
        ],
        "pairs": [
            {
                "better": pair.better,
                "worse": pair.worse,
                "difference": pair.difference,
                "n": pair.n,
                "p": pair.p_value,
                "is_acted_on": pair.is_acted_on,
            }
            for pair in found.pairs
        ],
    }


def _model_table(shown: list[ModelScore]) -> Table:
    rows = [
        (
            one.model,
            f"{one.total:.3f}",
            f"{one.score.accuracy.n:,}",
            interval_text(one.score.accuracy),
            *(f"{one.parts[part]:.2f}" for part in ("gain", "calibration", "latency", "cost")),
        )
        for one in shown
    ]
    heads = ("model", ">score", ">n", ">right", ">gain", ">calibration", ">latency", ">cost")
    return Table(heads, rows, title="models after 4h")


def _pair_table(pairs: tuple[Pair, ...]) -> Table:
    rows = [
        (
            pair.better,
            pair.worse,
            f"{pair.difference:.3f}",
            f"{pair.n:,}",
            f"{pair.p_value:.3g}",
            "yes" if pair.is_acted_on else "no",
        )
        for pair in pairs
    ]
    heads = ("better", "worse", ">by", ">dates", ">p (Holm)", "counts")
    return Table(heads, rows, title="pair by pair")

"""`athena models`: which language models are asked for what, whether they answer, their cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.domain import format_decimal
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.language import Answered, Ready, RoleModel, Unanswered

_NOT_ANSWERING = 3
_DEADLINE_S = 30.0


def register(app: typer.Typer) -> None:
    """Add the group `models` to the command line."""
    group = typer.Typer(help="Language models: roles, trial, costs.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command("check")(check)
    group.command("spending")(spending)
    app.add_typer(group, name="models")


def list_models(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show which models each role has, in the order they are asked; nothing is sent.

    Example: athena models list
    """
    from athena.app._model_home import role_values, roles_table
    from athena.language import examine_roles

    context = Context.of(ctx, as_json=as_json)
    language = context.config.language
    items = examine_roles(language)
    n_there = len({item.model.name for item in items if item.absent is None})
    context.output.emit(
        {"mode": language.mode, "roles": [role_values(item) for item in items]},
        roles_table(items),
        f"mode {language.mode}, {n_there} of {len({item.model.name for item in items})} "
        "models configured; a role without a model that answers follows rules",
    )


def check(
    ctx: typer.Context,
    *,
    model: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    deadline: Annotated[
        float, typer.Option(min=1, max=120, help="Seconds that each may take.")
    ] = _DEADLINE_S,
    as_json: JsonOption = False,
) -> None:
    """Ask every configured model one small question; exit 3 when one does not answer.

    It costs what the models cost, within the budget. Absent models are listed and not asked.

    Example: athena models check --model qwen
    """
    from athena.language import examine_roles

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    items = {item.model.name: item for item in examine_roles(context.config.language)}
    if model is not None and model not in items:
        message = f"expected a model that a role names ({', '.join(items)}), was {model!r}"
        raise InputError(message, hint="athena models list")
    chosen = [item for name, item in items.items() if model in {None, name}]
    there = [item.model.name for item in chosen if item.absent is None]
    replies = asyncio.run(_try(context, there, deadline))
    rows = [_values(item, replies.get(item.model.name)) for item in chosen]
    total = sum((reply.cost_usd for reply in replies.values()), Decimal(0))
    context.output.emit(
        {"models": rows, "cost_usd": total}, _table(rows), f"cost {format_decimal(total)} USD"
    )
    if any(row["state"] == "failed" for row in rows):
        raise typer.Exit(_NOT_ANSWERING)


def spending(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show what the models cost today (UTC), and what is left; open calls at their worst case.

    Example: athena models spending
    """
    from athena.app._model_home import ledger_opener
    from athena.language import read_setup
    from athena.language.spending import day_of
    from athena.platform import SystemClock

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    now_ns = SystemClock().now_ns()
    limits = read_setup(context.config.language).limits
    ledger = ledger_opener(context)(limits)
    try:
        spent, models = ledger.day_usd(now_ns), ledger.by_model(now_ns)
    finally:
        ledger.close()
    rows = [
        (
            item.model,
            str(item.n_calls),
            str(item.n_texts),
            f"{item.n_input:,}",
            f"{item.n_output:,}",
            format_decimal(item.cost_usd),
        )
        for item in models
    ]
    context.output.emit(
        {
            "day": day_of(now_ns),
            "spent_usd": spent,
            "day_max_usd": limits.day_max_usd,
            "left_usd": limits.day_max_usd - spent,
            "models": [
                {
                    "model": item.model,
                    "calls": item.n_calls,
                    "texts": item.n_texts,
                    "input_tokens": item.n_input,
                    "output_tokens": item.n_output,
                    "cost_usd": item.cost_usd,
                }
                for item in models
            ],
        },
        Table(("model", ">calls", ">texts", ">tokens in", ">tokens out", ">USD"), rows),
        f"{day_of(now_ns)}: {format_decimal(spent)} of {format_decimal(limits.day_max_usd)} USD",
    )


async def _try(
    context: Context, names: Sequence[str], deadline_s: float
) -> dict[str, Answered[Ready] | Unanswered]:
    """Ask models at once, live whatever the configured mode."""
    from athena.app._model_home import ledger_opener
    from athena.language import Mode, open_models, try_model
    from athena.platform import RandomIds, SystemClock

    decision_id = f"check-{RandomIds().next_id()}"
    async with (
        open_models(
            context.config.language, context.home, ledger_opener(context), mode=Mode.LIVE
        ) as models,
        asyncio.TaskGroup() as group,
    ):
        tasks = {
            name: group.create_task(
                try_model(
                    models,
                    name,
                    decision_id=decision_id,
                    as_of_ns=SystemClock().now_ns(),
                    deadline_s=deadline_s,
                )
            )
            for name in names
        }
    return {name: task.result() for name, task in tasks.items()}


def _values(item: RoleModel, reply: Answered[Ready] | Unanswered | None) -> dict[str, Any]:
    from athena.language import Answered

    values: dict[str, Any] = {
        "model": item.model.name,
        "provider": item.model.provider,
        "id": item.model.id,
    }
    if reply is None:
        return values | {
            "state": "absent",
            "detail": item.absent.reason if item.absent else "",
            "fix": item.absent.fix if item.absent else "",
        }
    is_there = isinstance(reply, Answered)
    return values | {
        "state": "answers" if is_there else "failed",
        "detail": reply.served_by if isinstance(reply, Answered) else reply.detail,
        "latency_ms": sum(attempt.latency_ms for attempt in reply.attempts),
        "input_tokens": sum(attempt.n_input for attempt in reply.attempts),
        "output_tokens": sum(attempt.n_output for attempt in reply.attempts),
        "cost_usd": reply.cost_usd,
    }


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    return Table(
        ("model", "is", "state", "detail", ">ms", ">USD"),
        [
            (
                row["model"],
                f"{row['provider']} {row['id']}",
                row["state"],
                row.get("fix") or row["detail"],
                str(row.get("latency_ms", "")),
                format_decimal(row["cost_usd"]) if "cost_usd" in row else "",
            )
            for row in rows
        ],
    )

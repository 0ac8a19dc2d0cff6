"""`athena artifacts`: what is published, whether it is whole, what serves, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from athena.app._output import Progress
    from athena.platform.artifacts import Finding, Move, Record

_MEGABYTE = 1_000_000
_SHOWN = 12
_DOES_NOT_HOLD = 1
_REFUSED, _VERIFIED = "refused", "verified"
_NOTHING = "nothing is published yet: athena forecast train"

NameArgument = Annotated[str, typer.Argument(help="Name of a bundle.")]
VersionOption = Annotated[
    str | None, typer.Option("--version", help="First digits of a version's id.")
]
ReasonOption = Annotated[str, typer.Option(help="Why, for the history.")]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        help="Published models: list, verify, show, promote, roll back.", no_args_is_help=True
    )
    group.command("list")(list_all)
    group.command()(verify)
    group.command()(show)
    group.command()(promote)
    group.command()(rollback)
    app.add_typer(group, name="artifacts")


def list_all(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """List every version of every model: where it stands, and what keeps it from the next step.

    Documents are verified, weights are not read: `athena artifacts verify` does that.

    Example: athena artifacts list
    """
    from athena.platform.artifacts import list_bundles

    context = Context.of(ctx, as_json=as_json)
    findings = list(list_bundles(context.home))
    rows = [_values(item, _standing(item)) for item in findings]
    context.output.emit({"bundles": rows}, _table(rows) if rows else _NOTHING)


def verify(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of a bundle; else all.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Read every byte of every version and compare it with what was published; exit 1 names it.

    Example: athena artifacts verify
    """
    from athena.platform.artifacts import verify_bundles

    context = Context.of(ctx, as_json=as_json)
    with _reading(context, name) as progress:
        findings = list(verify_bundles(context.home, name, on_bytes=_counting(progress)))
    rows = [_values(item, _REFUSED if item.status is None else _VERIFIED) for item in findings]
    for row in rows:
        # What keeps a sound version from its next step is not this command's business.
        row["reason"] = row["reason"] if row["status"] == _REFUSED else ""
    context.output.emit({"bundles": rows}, _table(rows) if rows else _NOTHING)
    if any(row["status"] == _REFUSED for row in rows):
        raise typer.Exit(_DOES_NOT_HOLD)


def show(ctx: typer.Context, name: NameArgument, *, as_json: JsonOption = False) -> None:
    """Show the versions of a model with their scorecards, where they come from, and the history.

    Example: athena artifacts show btc-usd-1h
    """
    from athena.platform.artifacts import list_bundles, read_record

    context = Context.of(ctx, as_json=as_json)
    record = read_record(context.home, name)
    findings = list(list_bundles(context.home, name))
    rows = [_values(item, _standing(item)) | _details(item, record) for item in findings]
    history = [_moved(move) for move in record.history]
    context.output.emit(
        {"bundles": rows, "history": history, "moves_forgotten": record.n_forgotten},
        *(part for row in rows for part in _shown(row)),
        Table(
            ("time", "version", "from", "to", "reason"),
            [_move_cells(row) for row in history],
            title="history",
        ),
    )


def promote(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    name: NameArgument,
    *,
    to: Annotated[
        Literal["shadow", "promoted"],
        typer.Option(help="Decide beside the serving one, or serve."),
    ] = "promoted",
    version: VersionOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a version shadow or serve, once its gates hold; exit 4 names each gate that is missing.

    A version goes from candidate to shadow to promoted. Without `--version` it is the newest
    candidate, or the one in shadow. What served before stays ready for `rollback`.

    Example: athena artifacts promote btc-usd-1h --to shadow
    """
    from athena.platform import SystemClock
    from athena.platform.artifacts import Status, promote_bundle

    context = Context.of(ctx, as_json=as_json)
    with _reading(context, name) as progress:
        move = promote_bundle(
            context.home,
            name,
            to=Status.SHADOW if to == "shadow" else Status.PROMOTED,
            now_ns=SystemClock().now_ns(),
            version=version,
            reason=reason,
            on_bytes=_counting(progress),
        )
    _say_move(context, name, move)


def rollback(
    ctx: typer.Context,
    name: NameArgument,
    *,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let the version serve that served before; the present one is retired.

    Example: athena artifacts rollback btc-usd-1h --reason "coverage fell to 60 %"
    """
    from athena.platform import SystemClock
    from athena.platform.artifacts import roll_back_bundle

    context = Context.of(ctx, as_json=as_json)
    with _reading(context, name) as progress:
        move = roll_back_bundle(
            context.home,
            name,
            now_ns=SystemClock().now_ns(),
            reason=reason,
            on_bytes=_counting(progress),
        )
    _say_move(context, name, move)


def _say_move(context: Context, name: str, move: Move) -> None:
    from athena.platform.artifacts import list_bundles

    findings = [item for item in list_bundles(context.home, name) if item.version == move.version]
    rows = [_values(item, _standing(item)) for item in findings]
    said = f"{name}@{move.version[:_SHOWN]} is {move.after} now, was {move.before}"
    context.output.emit({"bundles": rows, "move": _moved(move)}, said)


def _values(item: Finding, status: str) -> dict[str, Any]:
    return {
        "name": item.name,
        "kind": item.kind,
        "status": status,
        "reason": item.reason,
        "version": item.version,
        "published_at": _time(item.published_at_ns) if item.published_at_ns else None,
    }


def _standing(item: Finding) -> str:
    return _REFUSED if item.status is None else str(item.status)


def _details(item: Finding, record: Record) -> dict[str, Any]:
    from dataclasses import asdict

    if item.card is None:
        return {"gates": [], "config": {}, "metrics": {}, "lineage": {}}
    later = [item.gate for item in record.find(item.version).evidence]
    return {
        "gates": [asdict(gate) for gate in (*item.card.scorecard.gates, *later)],
        "config": item.card.config,
        "metrics": item.card.metrics,
        "lineage": asdict(item.card.lineage),
    }


def _moved(move: Move) -> dict[str, Any]:
    return {
        "time": _time(move.at_ns),
        "version": move.version,
        "from": move.before,
        "to": move.after,
        "reason": move.reason,
    }


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    columns = ("name", "kind", "version", "status", "published", "reason")
    return Table(
        columns,
        [
            (
                row["name"],
                str(row["kind"] or ""),
                row["version"][:_SHOWN],
                row["status"],
                row["published_at"] or "",
                row["reason"],
            )
            for row in rows
        ],
    )


def _shown(row: dict[str, Any]) -> Iterator[str | Table]:
    yield f"{row['name']}@{row['version'][:_SHOWN]}: {row['kind']}, {row['status']}"
    if row["reason"]:
        yield f"  {row['reason']}"
    if row["lineage"]:
        lineage = row["lineage"]
        sources = ", ".join(
            f"{item['name']} ({item['sha256'][:_SHOWN]})" for item in lineage["data"]
        )
        yield (
            f"  {lineage['training_steps']:,} training steps, {lineage['n_trials']:,} trials, on "
            f"{sources}; code {lineage['code_sha256'][:_SHOWN]}"
        )
    yield Table(
        ("gate", "expected", ">was", ">n", "interval", "holds"),
        [_gate_cells(gate) for gate in row["gates"]],
    )


def _move_cells(row: dict[str, Any]) -> tuple[str, ...]:
    version, before, after = row["version"][:_SHOWN], row["from"] or "", row["to"] or "removed"
    return row["time"], version, before, after, row["reason"]


def _gate_cells(gate: dict[str, Any]) -> tuple[str, ...]:
    interval = gate["interval"]
    return (
        gate["name"],
        gate["expected"],
        "not measured" if gate["was"] is None else f"{gate['was']:g}",
        "" if gate["n"] is None else f"{gate['n']:,}",
        "" if interval is None else f"{interval[0]:g} to {interval[1]:g}",
        "yes" if gate["holds"] else "no",
    )


def _time(at_ns: int) -> str:
    from athena.domain import format_time

    return format_time(at_ns)


def _reading(context: Context, name: str | None) -> AbstractContextManager[Progress]:
    from athena.platform.artifacts import bundle_bytes

    n_bytes = bundle_bytes(context.home, name)
    return context.output.progress("verify", n_bytes / _MEGABYTE, "MB")


def _counting(progress: Progress) -> Callable[[int], None]:
    done_mb = 0.0

    def add(n_bytes: int) -> None:
        nonlocal done_mb
        done_mb += n_bytes / _MEGABYTE
        progress(done_mb)

    return add

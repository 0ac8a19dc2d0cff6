"""`athena simulate`: the desk against a venue that lies, on a clock that nobody waits for."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athena.app._output import Output
    from athena.research.simulation import CrashResult, SeedResult, SimulationSummary

_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("simulate")(simulate)


def simulate(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    seeds: Annotated[int, typer.Option(min=0, help="How many seeds.")] = 100,
    first: Annotated[int, typer.Option("--from", min=0, help="The first seed.")] = 0,
    faults: Annotated[
        str, typer.Option(help="`all`, or names with rates: timeout_after_accept,duplicate:0.1.")
    ] = "all",
    crash_every: Annotated[
        int,
        typer.Option(
            "--crash-points", min=0, help="Die at every n-th place of every story; 0 at none."
        ),
    ] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores unless given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate desk, wire and venue with faults in swarms; exit 1 with the seed that fails.

    The real session and the real adapter talk to the local exchange on a virtual clock. Requests
    time out, answers get lost, doubled, late and out of order, the process dies, the venue lies;
    then calm returns and every invariant is checked. The same seed always does the same.

    Example: athena simulate --seeds 20
    """
    from athena.errors import InputError
    from athena.research.simulation import run_crash_points, run_seeds, summarise
    from athena.venues.faults import Fault, parse_faults

    context = Context.of(ctx, as_json=as_json)
    if seeds == 0 and crash_every == 0:
        message = "expected seeds or crash points to simulate, was neither"
        raise InputError(message, hint="athena simulate --seeds 20")
    rates = parse_faults(faults, Fault).rates
    n_workers = workers or os.cpu_count() or 1
    found: list[SeedResult | CrashResult] = []
    chosen = range(first, first + seeds)
    todo = run_seeds(chosen, rates, workers=n_workers)
    found.extend(_shown(context.output, todo, "seeds", seeds))
    if crash_every:
        dying = run_crash_points(every=crash_every, workers=n_workers)
        found.extend(_shown(context.output, dying, "crash points", 0))
    summary = summarise(found)
    context.output.emit(_payload(summary), *_report(summary, faults))
    if summary.failing:
        raise typer.Exit(1)


def _shown(
    output: Output, results: Iterable[SeedResult | CrashResult], unit: str, total: int
) -> Iterator[SeedResult | CrashResult]:
    with output.progress("simulate", total, unit) as progress:
        for done, result in enumerate(results, start=1):
            progress(done)
            yield result


def _payload(summary: SimulationSummary) -> dict[str, object]:
    values = asdict(summary)
    seeds = _failing_seeds(summary)
    values["failing_seed"] = seeds[0] if seeds else None
    values["failing"] = [
        {"what": _name(result), "violations": list(result.violations)}
        for result, _ in summary.failing
    ]
    return values


def _report(summary: SimulationSummary, faults: str) -> list[str | Table]:
    rows = [
        ["seeds", f"{summary.seeds:,}"],
        ["crash points", f"{summary.crash_points:,}"],
        ["orders at the venue", f"{summary.orders:,}"],
        ["crashes", f"{summary.crashes:,}"],
        ["lost", f"{summary.lost:,}"],
        ["doubled", f"{summary.doubled:,}"],
        ["limit breaches", f"{summary.breaches:,}"],
        ["unprotected beyond 2 s, summed over positions", f"{summary.unprotected_s:,.0f} s"],
        ["with a violation", f"{len(summary.failing):,}"],
    ]
    parts: list[str | Table] = [Table(["figure", ">value"], rows)]
    for result, violation in summary.failing[:_SHOWN]:
        parts.append(f"{_name(result)}: {violation}")
    seeds = _failing_seeds(summary)
    if seeds:
        parts.append(f"again: athena simulate --seeds 1 --from {seeds[0]} --faults {faults}")
    return parts


def _failing_seeds(summary: SimulationSummary) -> list[int]:
    from athena.research.simulation import SeedResult

    found = [result for result, _ in summary.failing]
    return sorted(result.seed for result in found if isinstance(result, SeedResult))


def _name(result: SeedResult | CrashResult) -> str:
    from athena.research.simulation import SeedResult

    if isinstance(result, SeedResult):
        return f"seed {result.seed}"
    return f"'{result.scenario}', {result.point.kind.value} {result.point.index}"

"""`athena trials`: how often was tried on each data set, and what luck alone would reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.research.statistics import TriedData

_HASH_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("trials")(trials)


def trials(
    ctx: typer.Context,
    *,
    data: Annotated[str | None, typer.Option(help="Only trials on this data set or file.")] = None,
    tables: Annotated[
        bool, typer.Option("--tables", help="Also how much data a claim needs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count what was tried on each data set, and say how good the best of it would be by luck.

    Example: athena trials --tables
    """
    from athena.research import read_trials
    from athena.research.statistics import summarise_trials

    context = Context.of(ctx, as_json=as_json)
    ledger = read_trials(context.home)
    tried = _only(summarise_trials(ledger.trials), data)
    context.output.say(*([ledger.warning] if ledger.warning else []))
    shown = [_table(tried), *map(_verdict, tried)] if tried else ["no trials yet: athena backtest"]
    context.output.emit(
        {"data": [_values(item) for item in tried], "warning": ledger.warning}
        | ({"bars_needed": _power(), "noise_sharpes": _noise()} if tables else {}),
        *shown,
        *(_tables() if tables else []),
    )


def _only(tried: list[TriedData], name: str | None) -> list[TriedData]:
    """Keep what was tried on one data set, alone or beside others.

    Raises:
        MissingError: nothing was; the message names what the ledger knows.
    """
    from athena.errors import MissingError

    found = [item for item in tried if name is None or name in item.sources]
    if name is not None and not found:
        known = sorted({source for item in tried for source in item.sources})
        message = (
            f"expected trials on {name!r}, was none; tried on: {', '.join(known) or 'nothing'}"
        )
        raise MissingError(message, hint=f"athena backtest --data {name}")
    return found


def _values(item: TriedData) -> dict[str, Any]:
    best = item.best
    return {
        "data_sha256": item.data_sha256,
        "sources": item.sources,
        "interval": item.interval,
        "trials": item.n_trials,
        "recorded": item.n_recorded,
        "commands": item.commands,
        "best": best
        and {
            "sharpe": item.best_sharpe,
            "n": best.n,
            "strategy": best.strategy,
            "run_id": best.run_id,
            "command": best.command,
            "parameters": best.parameters,
        },
        "spread": item.spread,
        "years": item.years,
        "noise_sharpe": item.noise_sharpe,
        "deflation_sharpe": item.deflation_sharpe,
        "needed_sharpe": item.needed_sharpe,
    }


def _table(tried: Sequence[TriedData]) -> Table:
    columns = (
        "data", ">trials", "by command", ">best Sharpe", ">spread", ">years", ">noise reaches",
        ">needed",
    )  # fmt: skip
    return Table(columns, [_cells(item) for item in tried], title="Sharpe ratios are annual")


def _name(item: TriedData) -> str:
    """Name the data, with its digest: a name can be given to other data later."""
    return " ".join([", ".join(item.sources), f"({item.data_sha256[:_HASH_SHOWN]})"]).strip()


def _cells(item: TriedData) -> tuple[str, ...]:
    commands = ", ".join(f"{name} {n:,}" for name, n in item.commands.items())
    return (
        _name(item),
        f"{item.n_trials:,}",
        commands,
        _ratio(item.best_sharpe),
        _ratio(item.spread),
        _ratio(item.years),
        _ratio(item.noise_sharpe),
        _ratio(item.needed_sharpe),
    )


def _ratio(value: float) -> str:
    # A ratio that is not known is none, not 0.
    return f"{value:.2f}" if math.isfinite(value) else "none"


def _verdict(item: TriedData) -> str:
    """Say in one sentence whether the best is more than luck."""
    name = _name(item)
    if item.best is None or math.isnan(item.needed_sharpe):
        return f"{name}: too little is known for a verdict."
    verb = "is" if item.best_sharpe > item.needed_sharpe else "is not"
    return (
        f"{name}: the best of {item.n_trials:,}, {item.best.strategy} with "
        f"{item.best_sharpe:.2f}, {verb} above the {item.needed_sharpe:.2f} that a deflated "
        "Sharpe ratio of 0.95 needs."
    )


def _power() -> list[dict[str, Any]]:
    from athena.research.statistics import POWER_ACCURACIES, bars_needed

    return [{"accuracy": share, "bars": bars_needed(share)} for share in POWER_ACCURACIES]


def _noise() -> list[dict[str, Any]]:
    from athena.research.statistics import NOISE_TRIALS, NOISE_YEARS, noise_sharpe

    return [
        {"trials": n, "years": years, "sharpe": noise_sharpe(n, years)}
        for n in NOISE_TRIALS
        for years in NOISE_YEARS
    ]


def _tables() -> list[Table]:
    from athena.research.statistics import NOISE_TRIALS, NOISE_YEARS, noise_sharpe

    power = [(f"{row['accuracy']:.1%}", f"{row['bars']:,}") for row in _power()]
    noise = [
        (f"{n:,}", *(f"{noise_sharpe(n, years):.2f}" for years in NOISE_YEARS))
        for n in NOISE_TRIALS
    ]
    return [
        Table(
            (">directions right", ">independent bars to show more than 50 %"),
            power,
            title="one-sided 5 %, power 80 %; of a panel count dates",
        ),
        Table(
            (
                ">trials without skill",
                *(f">best Sharpe in {years:g} years" for years in NOISE_YEARS),
            ),
            noise,
            title="annual Sharpe ratio that the best is expected to show",
        ),
    ]

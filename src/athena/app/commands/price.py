"""`athena price`: one option, or a whole chain from a file."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.pricing import Quote
    from athena.pricing.chain import ChainAnalysis, ProtectivePut
    from athena.pricing.engines import Dividend

_DAYS_PER_YEAR = 365.0
_PER_POINT = 0.01
_REPORT_NAME = "chain.html"
_N_STEPS = 5
_SHOWN_FINDINGS = 10


class OptionType(StrEnum):
    """What the holder may do."""

    CALL = "call"
    PUT = "put"


class ExerciseStyle(StrEnum):
    """When the holder may do it."""

    EUROPEAN = "european"
    AMERICAN = "american"


def register(app: typer.Typer) -> None:
    """Add the group `price` to the command line."""
    group = typer.Typer(help="Price options: one contract or a chain.", no_args_is_help=True)
    group.command("quote")(quote)
    group.command("chain")(chain)
    app.add_typer(group, name="price")


def quote(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    spot: Annotated[float, typer.Option(help="Price of the underlying.")],
    strike: Annotated[float, typer.Option(help="Strike, in the same unit.")],
    years: Annotated[float, typer.Option(help="To expiry, days / 365.")],
    vol: Annotated[float, typer.Option(help="Volatility a year; 0.2 is 20 %.")],
    option_type: Annotated[OptionType, typer.Option("--type", help="call or put.")],
    rate: Annotated[float, typer.Option(help="Continuous interest rate a year.")] = 0.0,
    dividend_yield: Annotated[
        float, typer.Option("--yield", help="Continuous yield of the underlying a year.")
    ] = 0.0,
    style: Annotated[
        ExerciseStyle, typer.Option(help="When it may be exercised.")
    ] = ExerciseStyle.EUROPEAN,
    dividend: Annotated[
        list[str] | None, typer.Option(help="Cash dividend, YEARS:AMOUNT; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Price one option with its Greeks; the answer names the engine and its error bound.

    In JSON the Greeks have natural units: vega and rho per 1.00, theta per year.

    Example: athena price quote --spot 100 --strike 100 --years 1 --rate 0.05 --vol 0.2 --type call
    """
    from athena.pricing import Contracts, Style, require_ok
    from athena.pricing import quote as price_quote

    context = Context.of(ctx, as_json=as_json)
    contract = Contracts.of(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        sigma=vol,
        is_call=option_type is OptionType.CALL,
    )
    dividends = [_dividend(text) for text in dividend or []]
    found = price_quote(contract, Style(style.value), dividends)
    require_ok(found.status, what="the contract")
    greeks = found.greeks
    context.output.emit(
        {
            "price": greeks.price,
            "delta": greeks.delta,
            "gamma": greeks.gamma,
            "vega": greeks.vega,
            "theta": greeks.theta,
            "rho": greeks.rho,
            "status": found.status.name,
            "engine": found.engine.value,
            "error_bound": found.error_bound,
        },
        Table(("", ">value", "unit"), _rows(found)),
        f"{found.engine.value}, error at most {found.error_bound:.1g} where it is certified",
    )


def _dividend(text: str) -> Dividend:
    """Read `YEARS:AMOUNT`.

    Raises:
        InputError: it does not read so.
    """
    from athena.errors import InputError
    from athena.pricing.engines import Dividend

    years, _, amount = text.partition(":")
    try:
        return Dividend(float(years), float(amount))
    except ValueError:
        message = f"expected --dividend as YEARS:AMOUNT, was {text!r}"
        raise InputError(message) from None


def chain(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Quotes as CSV or Parquet.")],
    *,
    underlying: Annotated[
        float | None, typer.Option(help="Price of the underlying, where the file has no column.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Continuous interest rate a year; else it is fitted.")
    ] = None,
    dividend_yield: Annotated[
        float | None, typer.Option("--yield", help="For expiries with too few pairs.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Time of the snapshot; else that of the newest quote.")
    ] = None,
    style: Annotated[
        ExerciseStyle, typer.Option(help="Of rows that state none and are not settled in coins.")
    ] = ExerciseStyle.AMERICAN,
    column: Annotated[list[str] | None, typer.Option(help="Name of a column, field=NAME.")] = None,
    fee: Annotated[float, typer.Option(help="Of each leg of a finding, quote currency.")] = 0.0,
    leave_one_out: Annotated[
        bool, typer.Option(help="Compare each quote with a surface fitted without it.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Folder for the HTML report.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the priced rows: .csv, .parquet or .json.")
    ] = None,
    protect: Annotated[
        float | None, typer.Option(help="Units of the underlying held: what protective puts cost.")
    ] = None,
    fail_on_findings: Annotated[
        bool, typer.Option(help="Exit 1 when a finding can be executed at bid and ask.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Price a whole chain: status of each row, forwards, smiles, Greeks, arbitrage.

    Example: athena price chain quotes.csv --report chain-report
    """
    from athena.domain import parse_time_ns
    from athena.platform import atomic_write_text, ensure_folder
    from athena.pricing.chain import (
        ChainSettings,
        analyse_chain,
        analysis_payload,
        check_table_name,
        protective_puts,
        read_chain,
        render_chain_report,
        write_table,
    )

    context = Context.of(ctx, as_json=as_json)
    settings = ChainSettings(
        underlying=underlying,
        rate=rate,
        dividend_yield=dividend_yield,
        at_ns=None if at is None else parse_time_ns(at),
        is_american=style is ExerciseStyle.AMERICAN,
        columns=tuple(_column_pair(text) for text in column or []),
        fee_per_leg=fee,
        leave_one_out=leave_one_out,
    )
    if out is not None:
        check_table_name(out)
    quotes = read_chain(file, settings)
    with context.output.progress("chain", _N_STEPS, "steps") as show:
        analysis = analyse_chain(quotes, settings, show)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    puts = [] if protect is None else protective_puts(analysis, protect)
    page = None
    if report is not None:
        ensure_folder(report)
        page = report / _REPORT_NAME
        html = render_chain_report(analysis, settings, title=file.name, file_sha256=sha256)
        atomic_write_text(page, html)
    if out is not None:
        write_table(analysis, out)
    context.output.emit(
        {
            **analysis_payload(analysis, settings, sha256),
            "protective_puts": [_put_payload(item) for item in puts],
            "report": page,
            "table": out,
        },
        *_chain_parts(analysis),
        *([_puts_table(puts)] if puts else []),
        *([f"report: {page}"] if page else []),
        *([f"rows: {out}"] if out else []),
    )
    if fail_on_findings and analysis.findings.n_executable:
        raise typer.Exit(1)


def _put_payload(item: ProtectivePut) -> dict[str, object]:
    from athena.domain import format_time

    values = dataclasses.asdict(item)
    return {"expiry": format_time(values.pop("expiry_ns")), **values}


def _puts_table(puts: Sequence[ProtectivePut]) -> Table:
    from athena.domain import format_time

    rows = [
        (
            format_time(item.expiry_ns)[:10],
            f"{item.floor_frac:.0%}",
            f"{item.strike:,.6g}",
            f"{item.cost:,.2f}",
            f"{item.cost_frac:.2%}",
            f"{item.cost_frac_year:.1%}",
            f"{item.worst_frac:.1%}",
        )
        for item in puts
    ]
    columns = ("expiry", ">floor", ">strike", ">cost", ">of holding", ">a year", ">worst loss")
    return Table(columns, rows, title="protective puts, at the ask")


def _column_pair(text: str) -> tuple[str, str]:
    """Read `field=NAME`.

    Raises:
        InputError: no `=`, or nothing on one side.
    """
    from athena.errors import InputError

    field, equals, name = text.partition("=")
    if not (field and equals and name):
        message = f"expected --column as field=NAME, was {text!r}"
        raise InputError(message)
    return field, name


def _chain_parts(analysis: ChainAnalysis) -> list[str | Table]:
    """Show statuses, expiries and the first findings."""
    from athena.domain import format_time

    fits = {item.forward.expiry_ns: item for item in analysis.slices}
    expiries = []
    for item in analysis.forwards:
        fit = fits.get(item.expiry_ns)
        smile = (f"{fit.error_points:.2f}", f"{fit.inside_frac:.0%}") if fit else ("", "")
        expiries.append(
            (
                format_time(item.expiry_ns)[:10],
                f"{item.forward:,.4f}",
                item.source,
                f"{item.dividend_yield:.2%}",
                *smile,
            )
        )
    columns = ("expiry", ">forward", "from", ">yield", ">error, points", ">inside bid/ask")
    found = [
        (
            item.kind,
            item.rule,
            ", ".join(f"{leg.side} row {leg.row}" for leg in item.legs),
            f"{item.profit:.4g}",
            "yes" if item.is_executable else "mid only",
        )
        for item in analysis.findings.found[:_SHOWN_FINDINGS]
    ]
    # A table without a row says nothing.
    counts = [(name, f"{n:,}") for name, n in analysis.status_counts.items()]
    return [
        Table(("status", ">rows"), counts),
        *([Table(columns, expiries, title=f"rate {analysis.rate:.3%}")] if expiries else []),
        *([Table(("finding", "rule", "legs", ">profit", "executable"), found)] if found else []),
        *analysis.summary(),
    ]


def _rows(found: Quote) -> list[tuple[str, str, str]]:
    """Write price and Greeks in the units that people use."""
    greeks = found.greeks
    return [
        ("price", _shown(greeks.price), "currency"),
        ("delta", _shown(greeks.delta), "per 1 of the underlying"),
        ("gamma", _shown(greeks.gamma), "of delta, per 1 of the underlying"),
        ("vega", _shown(greeks.vega * _PER_POINT), "per point of volatility"),
        ("theta", _shown(greeks.theta / _DAYS_PER_YEAR), "per calendar day"),
        ("rho", _shown(greeks.rho * _PER_POINT), "per point of the rate"),
    ]


def _shown(value: object) -> str:
    """Write eight digits that matter."""
    number = float(str(value))
    return f"{number:.8g}" if math.isfinite(number) else "none"

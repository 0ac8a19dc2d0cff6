"""The priced chain as a table and as one JSON object: what a program reads."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import format_time
from athena.errors import InputError, MissingExtra
from athena.platform import atomic_write_bytes, atomic_write_text, storage_errors
from athena.pricing.chain._analysis import SCHEMA_VERSION, ChainAnalysis
from athena.pricing.chain._holdings import SIGMA_MOVES, SPOT_MOVES

if TYPE_CHECKING:
    from pathlib import Path

    from athena.pricing.chain._findings import Finding
    from athena.pricing.chain._forwards import Forward
    from athena.pricing.chain._quotes import ChainSettings
    from athena.pricing.chain._surface import SurfaceSlice

_SHOWN_MID_ONLY = 100
_ROWS_AT_A_TIME = 50_000
_DENSITY_POINTS = 121


def priced_columns(analysis: ChainAnalysis, rows: slice = slice(None)) -> dict[str, list[Any]]:
    """Return the table, column by column: inputs, status, what they are priced with, results.

    Prices are in quote currency except `bid`, `ask` and `mark`, which are as in the file; Greeks
    are in natural units, as the names say; None where there is no value.
    """
    quotes, terms, fair = analysis.quotes, analysis.terms, analysis.fair
    numbers = {
        "underlying": quotes.underlying,
        "bid": quotes.bid,
        "ask": quotes.ask,
        "mark": quotes.mark,
        "quantity": quotes.quantity,
        "multiplier": quotes.multiplier,
        "years": terms.contracts.years,
        "forward": terms.forward,
        "discount": terms.discount,
        "iv_bid": analysis.volatility.bid,
        "iv_mid": analysis.volatility.mid,
        "iv_ask": analysis.volatility.ask,
        "iv_surface": analysis.sigma,
        "fair_value": fair.price,
        "rich_half_spreads": analysis.rich,
        "delta": fair.delta,
        "gamma": fair.gamma,
        "vega_per_1": fair.vega,
        "theta_per_year": fair.theta,
        "rho_per_1": fair.rho,
    }
    return {
        "row": quotes.row[rows].tolist(),
        "status": [str(item) for item in analysis.status[rows]],
        "quoted_at": _times(quotes.quoted_ns[rows]),
        "expiry": _times(quotes.expiry_ns[rows]),
        "strike": _known(quotes.strike[rows]),
        "type": np.where(quotes.is_call[rows], "C", "P").tolist(),
        "style": np.where(quotes.is_american[rows], "american", "european").tolist(),
        "settled_in": np.where(quotes.is_coin[rows], "coin", "currency").tolist(),
        "symbol": [str(item) for item in quotes.symbol[rows]],
        **{name: _known(np.asarray(column)[rows]) for name, column in numbers.items()},
        "is_extrapolated": analysis.is_extrapolated[rows].tolist(),
    }


def write_table(analysis: ChainAnalysis, path: Path) -> None:
    """Write the table as `.csv`, `.parquet` (extra `data`) or `.json` (rows).

    Raises:
        InputError: another suffix.
        MissingExtra: polars is not installed.
    """
    check_table_name(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        _write_csv(analysis, path)
    elif suffix == ".json":
        columns = priced_columns(analysis)
        rows = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        atomic_write_text(path, json.dumps({"schema": SCHEMA_VERSION, "rows": rows}) + "\n")
    else:
        atomic_write_bytes(path, _parquet(priced_columns(analysis)))


def check_table_name(path: Path) -> None:
    """Refuse a name whose ending says no format that can be written.

    Raises:
        InputError: the ending is none of .csv, .parquet and .json.
    """
    if path.suffix.lower() not in {".csv", ".json", ".parquet"}:
        message = f"expected a name ending in .csv, .parquet or .json, was {path.name!r}"
        raise InputError(message)


def _write_csv(analysis: ChainAnalysis, path: Path) -> None:
    """Write a part of the rows at a time: a million of them as objects would not fit."""
    part = path.with_name(path.name + ".part")
    with storage_errors(path):
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for start in range(0, len(analysis.quotes), _ROWS_AT_A_TIME):
                columns = priced_columns(analysis, slice(start, start + _ROWS_AT_A_TIME))
                if start == 0:
                    writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        part.replace(path)  # never a half-written table


def analysis_payload(
    analysis: ChainAnalysis, settings: ChainSettings, file_sha256: str
) -> dict[str, Any]:
    """Return everything but the rows as plain values; all executable findings, the largest others.

    The two hashes name the file and the settings that reproduce every number.
    """
    findings = analysis.findings
    mid_only = [item for item in findings.found if not item.is_executable]
    shown = [item for item in findings.found if item.is_executable] + mid_only[:_SHOWN_MID_ONLY]
    return {
        "schema": SCHEMA_VERSION,
        "rows": len(analysis.quotes),
        "status_counts": analysis.status_counts,
        "snapshot": format_time(analysis.at_ns),
        "rate": analysis.rate,
        "forwards": [_forward(item) for item in analysis.forwards],
        "surface": {"model": "raw SVI", "slices": [_slice(item) for item in analysis.slices]},
        "findings": [_finding(item) for item in shown],
        "findings_counts": {
            "executable": findings.n_executable,
            "mid_only": len(mid_only),
            "broken_neighbours_frac": findings.broken_frac,
        },
        "holdings": _holdings(analysis),
        "summary": analysis.summary(),
        "file_sha256": file_sha256,
        "settings_sha256": settings_sha256(settings),
    }


def settings_sha256(settings: ChainSettings) -> str:
    """Name the settings by their content."""
    text = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def density_curve(item: SurfaceSlice) -> tuple[np.ndarray, np.ndarray]:
    """Return prices at expiry and the risk-neutral density over them, on the quoted strikes."""
    k = np.linspace(item.low, item.high, _DENSITY_POINTS)
    prices = item.forward.forward * np.exp(k)
    return prices, item.slice.density(k) / prices


def _forward(item: Forward) -> dict[str, Any]:
    return {
        "expiry": format_time(item.expiry_ns),
        "years": item.years,
        "forward": _plain(item.forward),
        "discount": item.discount,
        "rate": item.rate,
        "yield": item.dividend_yield,
        "spot": item.spot,
        "pairs": item.n_pairs,
        "source": item.source,
    }


def _slice(item: SurfaceSlice) -> dict[str, Any]:
    return {
        "expiry": format_time(item.forward.expiry_ns),
        "a": item.slice.a,
        "b": item.slice.b,
        "rho": item.slice.rho,
        "m": item.slice.m,
        "c": item.slice.c,
        "quotes": len(item.rows),
        "log_moneyness": [item.low, item.high],
        "error_points": item.error_points,
        "inside_frac": item.inside_frac,
        "least_g": item.least_g,
        "calendar_gap": item.calendar_gap,
        "is_repaired": item.is_repaired,
        "risk_neutral_density": {"integral": item.mass, "mean_over_forward": item.mean},
    }


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "rule": item.rule,
        "legs": [dataclasses.asdict(leg) for leg in item.legs],
        "profit": item.profit,
        "half_spreads": _plain(item.half_spreads),
        "executable": item.is_executable,
        "oldest_s": item.oldest_s,
    }


def _holdings(analysis: ChainAnalysis) -> dict[str, Any] | None:
    held = analysis.holdings
    if held is None:
        return None
    return {
        "totals": held.totals,
        "by_expiry": {format_time(at): totals for at, totals in held.by_expiry.items()},
        "scenarios": {
            "spot_moves": list(SPOT_MOVES),
            "volatility_moves": list(SIGMA_MOVES),
            "change": held.scenarios.tolist(),
        },
        "unpriced": held.n_unpriced,
    }


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    try:
        import polars as pl
    except ImportError as error:
        needed_for = "writing Parquet"
        raise MissingExtra(extra="data", package="polars", needed_for=needed_for) from error
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def _times(values: np.ndarray) -> list[str]:
    texts = {value: format_time(value) for value in set(values.tolist())}
    return [texts[value] for value in values.tolist()]


def _known(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

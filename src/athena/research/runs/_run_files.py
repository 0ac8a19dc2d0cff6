"""A run's folder: what it is about and came to, in files that other programs can read."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from athena.domain import (
    Liquidity,
    Provenance,
    Purpose,
    Side,
    format_decimal,
    format_time,
    parse_time_ns,
)
from athena.errors import InputError, MissingError
from athena.platform import atomic_write_text, storage_errors
from athena.research._record import Candles, Curve, Fill, Halt, RunRecord, Trade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

RowT = TypeVar("RowT")

RUN_FILE = "run.json"
SERIES_FILE = "series.npz"
FILLS_FILE = "fills.csv"
TRADES_FILE = "trades.csv"
_LISTED = ("run_id", "created_at", "digest", "journal_sha256")


def write_run(folder: Path, record: RunRecord) -> None:
    """Write a record: `run.json`, `series.npz`, `fills.csv`, `trades.csv`.

    The folder is a staged one, so that its files are synced and published together.
    """
    atomic_write_text(folder / RUN_FILE, json.dumps(_description(record), indent=2) + "\n")
    series = folder / SERIES_FILE
    with storage_errors(
        series
    ):  # straight into the file: a second copy would be the peak of memory
        np.savez(series, **_series(record))
    atomic_write_text(folder / FILLS_FILE, _csv(record.fills, Fill))
    atomic_write_text(folder / TRADES_FILE, _csv(record.trades, Trade))


def _description(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "created_at": format_time(record.created_at_ns),
        "parameters": record.parameters,
        "interval_ns": record.interval_ns,
        "main": _curve_values(record.main),
        "baselines": [_curve_values(curve) for curve in record.baselines],
        "candles": [[item.symbol, item.interval_ns] for item in record.candles],
        "provenance": [dataclasses.asdict(item) for item in record.provenance],
        "costs": {name: format_decimal(value) for name, value in record.costs.items()},
        "quote": record.quote,
        "cash": format_decimal(record.cash),
        "digest": record.digest,
        "journal_sha256": record.journal_sha256,
        "trials": record.trials,
        "environment": record.environment,
        "files": record.files,
    }


def _curve_values(curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "final_equity": None if curve.final_equity is None else format_decimal(curve.final_equity),
        "fees": format_decimal(curve.fees),
        "n_fills": curve.n_fills,
        "n_orders": curve.n_orders,
        "digest": curve.digest,
        "refusals": curve.refusals,
        "halts": [{"at": format_time(item.ts_ns), "reason": item.reason} for item in curve.halts],
    }


def _series(record: RunRecord) -> dict[str, Any]:
    series: dict[str, Any] = {
        "ts_ns": record.ts_ns,
        "equity": record.main.equity,
        "gross_exposure": record.gross_exposure,
        "trial_sharpes": record.trial_sharpes,
    }
    for k, curve in enumerate(record.baselines):
        series[f"baseline_{k}"] = curve.equity
    for k, item in enumerate(record.candles):
        series[f"candle_ts_ns_{k}"] = item.ts_ns
        series[f"candle_prices_{k}"] = np.stack([item.open, item.high, item.low, item.close])
    return series


def _csv(rows: Sequence[Fill] | Sequence[Trade], kind: type[Fill | Trade]) -> str:
    """Write rows exactly: decimals with every digit, times ISO-8601 UTC."""
    names = [field.name for field in dataclasses.fields(kind)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_heads(kind))
    for row in rows:
        writer.writerow([_cell(name, getattr(row, name)) for name in names])
    return text.getvalue()


def _heads(kind: type[Fill | Trade]) -> list[str]:
    return [field.name.removesuffix("_ns") for field in dataclasses.fields(kind)]


def _cell(name: str, value: object) -> str:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if name.endswith("_ns") and isinstance(value, int):
        return format_time(value)
    return str(value)


def read_run(folder: Path) -> RunRecord:
    """Read a record back, equal to what was written.

    Raises:
        MissingError: there is no such run.
        InputError: a file of it is damaged; the message names it.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        message = f"expected a run in {folder}, was none"
        raise MissingError(message, hint="athena runs list")
    values = read_run_description(folder)
    with _damage(folder / SERIES_FILE), np.load(folder / SERIES_FILE) as archive:
        series = {name: archive[name] for name in archive.files}
    fills = _rows(folder / FILLS_FILE, Fill, _fill)
    trades = _rows(folder / TRADES_FILE, Trade, _trade)
    with _damage(path):
        return _record(values, series, fills, trades)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Name the file of a run that is missing or cannot be read."""
    try:
        with storage_errors(path):
            yield
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile, csv.Error) as error:
        message = f"expected {path} as a run wrote it, was damaged: {error}"
        raise InputError(message, hint="run the backtest again") from error


def read_run_description(folder: Path) -> dict[str, Any]:
    """Read what a run was about, without its series.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / RUN_FILE
    with _damage(path):
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _check_description(values)
    return values


def _check_description(values: object) -> None:
    """Refuse JSON that is not what a run is listed by; `_damage` names the file."""
    if not (isinstance(values, dict) and isinstance(values.get("parameters"), dict)):
        message = "expected a JSON object with parameters"
        raise TypeError(message)
    parameters = values["parameters"]
    missing = [name for name in _LISTED if name not in values]
    missing += [name for name in ("strategy", "symbols") if name not in parameters]
    if missing:
        message = f"expected {', '.join(missing)}, was without"
        raise ValueError(message)


def _record(
    values: Mapping[str, Any], series: Mapping[str, Any], fills: list[Fill], trades: list[Trade]
) -> RunRecord:
    return RunRecord(
        run_id=values["run_id"],
        created_at_ns=parse_time_ns(values["created_at"]),
        parameters=values["parameters"],
        interval_ns=values["interval_ns"],
        ts_ns=series["ts_ns"],
        main=_curve(values["main"], series["equity"]),
        gross_exposure=series["gross_exposure"],
        baselines=[
            _curve(item, series[f"baseline_{k}"]) for k, item in enumerate(values["baselines"])
        ],
        fills=fills,
        trades=trades,
        candles=[
            Candles(
                symbol, interval_ns, series[f"candle_ts_ns_{k}"], *series[f"candle_prices_{k}"]
            )
            for k, (symbol, interval_ns) in enumerate(values["candles"])
        ],
        provenance=[Provenance(**item) for item in values["provenance"]],
        costs={name: Decimal(text) for name, text in values["costs"].items()},
        quote=values["quote"],
        cash=Decimal(values["cash"]),
        digest=values["digest"],
        journal_sha256=values["journal_sha256"],
        trials=values["trials"],
        trial_sharpes=series["trial_sharpes"],
        environment=values["environment"],
        files=values.get("files", {}),  # older runs wrote none
    )


def _curve(values: Mapping[str, Any], equity: Any) -> Curve:  # noqa: ANN401 - a float64 array
    final = values.get("final_equity")
    return Curve(
        name=values["name"],
        equity=equity,
        fees=Decimal(values["fees"]),
        n_fills=values["n_fills"],
        n_orders=values["n_orders"],
        digest=values.get("digest", ""),  # older runs kept none of the curves
        refusals=values["refusals"],
        halts=tuple(Halt(parse_time_ns(item["at"]), item["reason"]) for item in values["halts"]),
        final_equity=None if final is None else Decimal(final),
    )


def _rows(
    path: Path, kind: type[Fill | Trade], build: Callable[[dict[str, str]], RowT]
) -> list[RowT]:
    with _damage(path), path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        if rows.fieldnames != _heads(kind):
            message = f"expected the columns {_heads(kind)}, was {rows.fieldnames}"
            raise ValueError(message)
        return [build(row) for row in rows]


def _fill(row: dict[str, str]) -> Fill:
    return Fill(
        ts_ns=parse_time_ns(row["ts"]),
        step=int(row["step"]),
        symbol=row["symbol"],
        strategy=row["strategy"],
        order=int(row["order"]),
        purpose=Purpose(row["purpose"]),
        side=Side(row["side"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        liquidity=Liquidity(row["liquidity"]),
    )


def _trade(row: dict[str, str]) -> Trade:
    return Trade(
        symbol=row["symbol"],
        strategy=row["strategy"],
        is_long=row["is_long"] == "true",
        opened_at_ns=parse_time_ns(row["opened_at"]),
        closed_at_ns=parse_time_ns(row["closed_at"]),
        quantity=Decimal(row["quantity"]),
        entry_price=Decimal(row["entry_price"]),
        exit_price=Decimal(row["exit_price"]),
        gain=Decimal(row["gain"]),
        fees=Decimal(row["fees"]),
        is_open=row["is_open"] == "true",
    )

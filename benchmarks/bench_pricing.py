"""Options per CPU second on one thread, errors beside them, latency, and the peers' figures.

The peers are measured where `.bench/v_pricing` holds py_vollib and QuantLib:
`python -m venv .bench/v_pricing && .bench/v_pricing/bin/pip install QuantLib py_vollib`.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.pricing import (
    Contracts,
    Style,
    european_greeks,
    european_price,
    implied_volatility,
    quote,
)
from athena.pricing.chain import ChainSettings, analyse_chain
from athena.pricing.engines import FAST, PRECISE, american_price
from benchmarks.measure import FOLDER, best, calibrate, run_json
from benchmarks.table import Figure, Report
from tests.chain_builder import build_chain

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = FOLDER / "v_pricing" / "bin" / "python"
PEER_SCRIPT = Path(__file__).parent / "peers" / "pricing_py.py"
N_BATCH = 20_000
N_AMERICAN = 300
COLD = "from athena.pricing import Contracts, european_greeks as g; g(Contracts.of(spot=1.0,"
COLD += "strike=1.0,years=1.0,rate=0.0,sigma=0.2,is_call=True))"


def desk(n: int, seed: int = 0) -> Contracts:
    """Draw the ranges of PR-36, as calls; whole days, as the peers count them."""
    rng = np.random.default_rng(seed)
    return Contracts.of(
        spot=rng.uniform(50, 150, n),
        strike=100.0,
        years=np.round(rng.uniform(0.05, 2, n) * 365) / 365,
        rate=rng.uniform(0, 0.08, n),
        dividend_yield=rng.uniform(0, 0.05, n),
        sigma=rng.uniform(0.1, 0.6, n),
        is_call=True,
    )


def as_puts(rows: Contracts) -> Contracts:
    return Contracts.of(
        spot=rows.spot,
        strike=rows.strike,
        years=rows.years,
        rate=rows.rate,
        dividend_yield=rows.dividend_yield,
        sigma=rows.sigma,
        is_call=False,
    )


def cpu_s(work: Callable[[], object], n_runs: int = 20) -> float:
    """Return the least CPU time of a run, numpy's own start left out."""
    work()
    best_s = float("inf")
    for _ in range(n_runs):
        started_s = time.process_time()
        work()
        best_s = min(best_s, time.process_time() - started_s)
    return best_s


@cache
def peers() -> dict[str, Any]:
    """Measure the peers in this session; empty where they are not installed."""
    return run_json([PEERS, PEER_SCRIPT]) if PEERS.exists() else {}


def test_closed_forms(report: Report) -> None:
    """PR-10: price, price and five Greeks, implied volatility, in one block-sized batch."""
    rows = desk(N_BATCH)
    prices = european_price(rows).value
    for key, what, work, ask, aim in (
        ("european_price", "European price", lambda: european_price(rows), 10e6, 39e6),
        (
            "european_greeks",
            "European price and 5 Greeks",
            lambda: european_greeks(rows),
            8e6,
            30e6,
        ),
        (
            "implied_volatility",
            "implied volatility",
            lambda: implied_volatility(rows, prices),
            0.2e6,
            1e6,
        ),
    ):
        value = N_BATCH / cpu_s(work)
        report.figures.append(
            Figure(key, what, value, "options/CPU-s", ask, aim, calibrate(), is_rate=True)
        )
    found = implied_volatility(rows, prices)
    is_outside = rows.spot < rows.strike * np.exp(-0.13 * rows.years)
    assert np.max(np.abs(found.sigma / rows.sigma - 1.0)[is_outside]) < 1e-9


def test_american_engine(report: Report) -> None:
    """PR-15 and its speed: both efforts, with their error against the peer where it is there."""
    many = as_puts(desk(3_000))
    for key, effort, ask, aim in (
        ("american_fast", FAST, 2_000.0, 50_000.0),
        ("american_precise", PRECISE, None, None),
    ):
        value = len(many) / cpu_s(lambda effort=effort: american_price(many, effort), 5)
        what = f"American put, {key.partition('_')[2]}"
        report.figures.append(
            Figure(key, what, value, "options/CPU-s", ask, aim, calibrate(), is_rate=True)
        )
    if not peers():
        return
    # The peer draws a thousand and prices the first of them.
    first = as_puts(desk(1_000)).take(np.arange(N_AMERICAN))
    for key, effort, limit in (("fast", FAST, 2e-6), ("precise", PRECISE, 1e-7)):
        error = (american_price(first, effort).value - np.array(peers()["american"])) / 100.0
        rmse = float(np.sqrt(np.mean(error**2)))
        what = f"error of American {key}, root mean square"
        report.figures.append(Figure(f"american_{key}_rmse", what, rmse, "strikes", 2e-5, limit))


def test_latency(report: Report) -> None:
    """P0-5: 1 and 10,000 options with Greeks, warm; and a cold start in a fresh process."""
    terms = {"spot": 100.0, "strike": 95.0, "years": 0.5, "rate": 0.03, "sigma": 0.25}
    ten_thousand = desk(10_000)

    def one(style: Style) -> object:
        return quote(Contracts.of(**terms, is_call=False), style)

    for key, what, work, n_runs, ask, aim in (
        ("quote_european", "one European", lambda: one(Style.EUROPEAN), 2_000, 5_000, 50),
        ("quote_american", "one American", lambda: one(Style.AMERICAN), 200, 5_000, None),
        ("batch", "10,000 European", lambda: european_greeks(ten_thousand), 300, 1e5, 2_000),
    ):
        p50, p95, p99 = percentiles_us(work, n_runs)
        for name, value, limits in (
            ("p50", p50, (None, None)),
            ("p95", p95, (ask, aim)),
            ("p99", p99, (None, None)),
        ):
            report.figures.append(
                Figure(f"{key}_{name}", f"{what}, price and Greeks, {name}", value, "us", *limits)
            )
    usage = best([sys.executable, "-c", COLD])
    report.figures.append(
        Figure("pricing_cold", "cold start to the first price", usage.wall_s, "s", 0.5)
    )


def percentiles_us(work: Callable[[], object], n_runs: int) -> tuple[float, float, float]:
    """Return p50, p95 and p99 of warm runs, wall microseconds."""
    work()
    found = np.empty(n_runs)
    for index in range(n_runs):
        started_ns = time.perf_counter_ns()
        work()
        found[index] = (time.perf_counter_ns() - started_ns) / 1e3
    p50, p95, p99 = np.percentile(found, [50, 95, 99])
    return float(p50), float(p95), float(p99)


@pytest.mark.parametrize(
    ("is_american", "n_strikes", "ask", "aim"),
    [
        (False, 282, 5.0, 1.0),
        (True, 282, 5.0, 1.0),
        (False, 625, 2.0, None),
        (True, 625, 10.0, None),
    ],
)
def test_chains(
    report: Report, is_american: bool, n_strikes: int, ask: float, aim: float | None
) -> None:
    """PR-33: 4,512 and 10,000 quotes of eight expiries, from quotes to findings."""
    quotes = build_chain(n_strikes=n_strikes, is_american=is_american)
    style = "American" if is_american else "European"
    value = cpu_s(lambda: analyse_chain(quotes, ChainSettings()), 1)
    what = f"chain of {len(quotes):,} {style} quotes"
    key = f"chain_{style.lower()}_{len(quotes)}"
    report.figures.append(Figure(key, what, value, "CPU-s", ask, aim, calibrate()))


def test_peers(report: Report) -> None:
    """Put the peers' figures beside ours."""
    found = peers()
    if not found:
        report.notes += ["No pricing peers: see benchmarks/bench_pricing.py.", ""]
        return
    rows = [f"| {name} | {value:,.0f} |" for name, value in found.items() if "/" not in name
            and name not in {"versions", "american"}]  # fmt: skip
    report.notes += [
        "## Pricing peers, in the same session",
        "",
        f"{found['versions']}; options per CPU second, one at a time as their interface is.",
        "",
        "| peer | options/CPU-s |",
        "|---|---:|",
        *rows,
        "",
    ]

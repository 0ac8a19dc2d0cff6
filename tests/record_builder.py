"""Build run records for tests: a seeded, demo-sized one, and small variations of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DAY_NS, MINUTE_NS, Liquidity, Provenance, Purpose, Side, parse_time_ns
from athena.research import Candles, Curve, Fill, Halt, RunRecord, Trade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

INTERVAL_NS = 30 * MINUTE_NS
START_NS = parse_time_ns("2017-10-01")
CASH = Decimal(100_000)
_START_PRICES = {"BTC/USD": 4_300.0, "XRP/USD": 0.2, "ETH/USD": 300.0}


def build_record(
    *,
    n_steps: int = 35_000,
    symbols: tuple[str, ...] = ("BTC/USD", "XRP/USD", "ETH/USD"),
    n_fills: int = 200,
    n_baselines: int = 6,
    seed: int = 42,
    **changes: Any,
) -> RunRecord:
    """Build a record of a made-up equal-weight portfolio; `changes` replaces fields of it."""
    generator = np.random.default_rng(seed)
    ts_ns = START_NS + INTERVAL_NS * (1 + np.arange(n_steps, dtype=np.int64))
    prices = {symbol: _walk(generator, symbol, n_steps) for symbol in symbols}
    growth = np.mean([price / price[:1] for price in prices.values()], axis=0)
    noise = np.exp(np.cumsum(generator.normal(0, 2e-4, n_steps)))
    held = np.where(np.arange(n_steps) < n_steps * 3 // 5, 1.0, 0.25)
    equity = float(CASH) * _compound(growth * noise, held)
    fills = _fills(generator, prices, ts_ns, n_fills)
    record = RunRecord(
        run_id="20190930T120000-rebalance-7f3a",
        created_at_ns=parse_time_ns("2026-11-20T07:00:00"),
        parameters={
            "strategy": "rebalance",
            "param": {"band": "0.05", "every": "7d"},
            "symbols": list(symbols),
            "from": "2017-10-01",
            "to": "2019-10-01",
            "fee_bps": 26,
            "slippage_bps": 10,
            "risk": "default",
            "seed": seed,
        },
        interval_ns=INTERVAL_NS,
        ts_ns=ts_ns,
        main=_curve(
            "rebalance", equity, n_fills, {"gross": 41, "breaker": 212, "below_minimum": 7}
        ),
        gross_exposure=0.97 * held[:n_steps],
        baselines=_baselines(generator, prices, growth, n_baselines),
        fills=fills,
        trades=_trades(generator, symbols, ts_ns, n_fills // 4),
        candles=[_candles(symbol, price, ts_ns) for symbol, price in prices.items()],
        provenance=[_provenance(symbol) for symbol in symbols],
        costs={
            "fees": Decimal("1312.44"),
            "slippage": Decimal("504.91"),
            "spread": Decimal("77.2"),
        },
        quote="USD",
        cash=CASH,
        digest="9f86d081884c7d65",
        journal_sha256="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        trials=7,
        trial_sharpes=generator.normal(0.02, 0.03, 7),
        environment={"athena": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "platform": "Linux"},
    )
    return replace(record, **changes)


def with_equity(record: RunRecord, equity: Floats) -> RunRecord:
    """Replace the curve of the run."""
    return replace(record, main=replace(record.main, equity=equity, final_equity=None))


def _walk(generator: np.random.Generator, symbol: str, n_steps: int) -> Floats:
    # A boom and a long fall, as the sample years had, with fat tails.
    phase = np.linspace(0, 1, n_steps)
    drift = np.where(phase < 0.12, 3.4e-4, np.where(phase < 0.55, -7e-5, 3e-5))
    steps = drift + 0.0055 * generator.standard_t(4, n_steps) / np.sqrt(2)
    return _START_PRICES.get(symbol, 100.0) * np.exp(np.cumsum(steps * 0.8))


def _compound(growth: Floats, held: Floats) -> Floats:
    steps = np.diff(np.log(growth), prepend=np.log(growth[:1])) * held
    return np.exp(np.cumsum(steps))


def _curve(
    name: str, equity: Floats, n_fills: int, refusals: dict[str, int] | None = None
) -> Curve:
    halts = () if refusals is None else (Halt(int(START_NS + 400 * DAY_NS), "drawdown stop"),)
    fees = Decimal("1312.44") if refusals is not None else Decimal(n_fills) * 13
    final = Decimal(f"{equity[-1]:.8f}") if len(equity) else None
    return Curve(name, equity, fees, n_fills, n_fills, refusals or {}, halts, final_equity=final)


def _baselines(
    generator: np.random.Generator, prices: dict[str, Floats], growth: Floats, count: int
) -> list[Curve]:
    cash = float(CASH)
    names = list(prices)
    holds = [
        (f"hold {name.partition('/')[0]}", prices[name] / prices[name][:1]) for name in names[:2]
    ]
    zigzag = np.where(np.arange(len(growth)) // 900 % 2, 0.0, 1.0)
    others = [
        ("monthly equal weight", growth),
        ("ema_cross 9/21", _compound(growth, zigzag)),
        ("random (20 seeds, median)", _compound(growth, generator.permutation(zigzag))),
        ("rebalance --risk open", growth * 0.99),
    ]
    return [
        _curve(name, cash * curve, 10 * index)
        for index, (name, curve) in enumerate([*holds, *others][:count], start=1)
    ]


def _fills(
    generator: np.random.Generator, prices: dict[str, Floats], ts_ns: NDArray[np.int64], count: int
) -> list[Fill]:
    names = list(prices)
    steps = np.sort(generator.integers(0, max(len(ts_ns), 1), size=count)) if len(ts_ns) else []
    fills = []
    for number, step in enumerate(steps, start=1):
        symbol = names[number % len(names)]
        price = Decimal(f"{prices[symbol][step]:.5f}")
        quantity = Decimal(f"{2_500 / float(price):.4f}")
        fills.append(
            Fill(
                ts_ns=int(ts_ns[step]) - INTERVAL_NS,
                step=int(step),
                symbol=symbol,
                strategy="rebalance",
                order=number,
                purpose=Purpose.REBALANCE,
                side=Side.BUY if generator.random() < 0.5 else Side.SELL,
                quantity=quantity,
                price=price,
                fee=(quantity * price * Decimal("0.0026")).quantize(Decimal("0.00000001")),
                liquidity=Liquidity.TAKER,
            )
        )
    return fills


def _trades(
    generator: np.random.Generator,
    symbols: tuple[str, ...],
    ts_ns: NDArray[np.int64],
    count: int,
) -> list[Trade]:
    trades = []
    for number in range(count if len(ts_ns) else 0):
        opened, closed = sorted(int(step) for step in generator.choice(ts_ns, size=2))
        gain = Decimal(f"{generator.standard_t(4) * 180 + 25:.2f}")
        trades.append(
            Trade(
                symbol=symbols[number % len(symbols)],
                strategy="rebalance",
                is_long=True,
                opened_at_ns=opened,
                closed_at_ns=closed,
                quantity=Decimal(1),
                entry_price=Decimal(100),
                exit_price=Decimal(100) + gain,
                gain=gain,
                fees=Decimal("5.20"),
                is_open=number == count - 1,
            )
        )
    return trades


def _candles(symbol: str, price: Floats, ts_ns: NDArray[np.int64]) -> Candles:
    size = max(1, -(-len(price) // 2_000))
    starts = np.arange(0, len(price), size)
    high, low = np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts)
    ends = np.minimum(starts + size, len(price)) - 1
    return Candles(
        symbol=symbol,
        interval_ns=size * INTERVAL_NS,
        ts_ns=ts_ns[starts] - INTERVAL_NS,
        open=price[starts],
        high=high * 1.002,
        low=low * 0.998,
        close=price[ends],
    )


def _provenance(symbol: str) -> Provenance:
    name = symbol.partition("/")[0].lower()
    return Provenance(
        name=f"{name}-30m-test",
        origin="seeded walk of the tests",
        sha256="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        licence_note="made up; no rights",
        is_synthetic=True,
    )

"""The record of one run: what was asked, what came out, on which data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    from athena.domain import Liquidity, Provenance, Purpose, Side


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill, exact.

    Attributes:
        ts_ns: open time of the bar it happened in, UTC nanoseconds.
        step: index of that bar in the run's time line.
        order: number of the order in the run, from 1.
        fee: in quote currency, >= 0.
    """

    ts_ns: int
    step: int
    symbol: str
    strategy: str
    order: int
    purpose: Purpose
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip: a position from flat to flat, or marked at the end when still open.

    Attributes:
        gain: realised, net of fees, in quote currency.
        is_open: True when it was still held at the last bar; `exit_price` is then the mark.
    """

    symbol: str
    strategy: str
    is_long: bool
    opened_at_ns: int
    closed_at_ns: int
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gain: Decimal
    fees: Decimal
    is_open: bool


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one symbol for a chart, thinned to at most a few thousand.

    Attributes:
        ts_ns: (N,) int64, open of the (thinned) candle; prices are float64 of shape (N,).
    """

    symbol: str
    interval_ns: int
    ts_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Halt:
    """One halt that latched.

    Attributes:
        ts_ns: close of the bar that did it, UTC nanoseconds.
        reason: `day loss`, `week loss`, `drawdown stop`, `drawdown limit`, ...
    """

    ts_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A named account value through time.

    Attributes:
        equity: (T,) float64 in quote currency at each bar's close, on the run's `ts_ns`.
        fees: total in quote currency.
        n_fills: number of fills.
        n_orders: number of orders sent, filled or not; refused intents are no orders.
        refusals: denial code -> count.
        halts: every halt that latched, oldest first.
        digest: of all state transitions, 16 hex digits; empty when it was not simulated.
        final_equity: exact, at the last close; None where only the float is known: of a curve
            that was not simulated, and of runs kept before it was recorded.
    """

    name: str
    equity: NDArray[np.float64]
    fees: Decimal
    n_fills: int
    n_orders: int
    refusals: dict[str, int] = field(default_factory=dict)
    halts: tuple[Halt, ...] = ()
    digest: str = ""
    final_equity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything a report needs to know about one run.

    Attributes:
        run_id: folder name of the run.
        parameters: as asked for: strategy, its parameters, symbols, dates, costs, risk, seed.
        interval_ns: length of a bar.
        ts_ns: (T,) int64, *close* time of each step of the time line.
        main: the run itself.
        gross_exposure: (T,) float64, sum of |position value| / equity at each close.
        baselines: the runs it is compared with, same `ts_ns`.
        fills, trades: oldest first.
        costs: 'fees', 'slippage', ... -> amount in quote currency.
        quote: currency of every amount.
        cash: starting cash.
        digest: state digest of the run, 16 hex digits.
        journal_sha256: hash of the last journal segment, hex.
        trials: runs entered in the trial ledger for this data so far, this one included.
        trial_sharpes: per-period Sharpe ratios of those trials on the scale of this run, see
            `TrialLedger.tried_on` (variance for deflation).
        environment: versions of athena, python, numpy, platform.
        files: what else was written beside it, such as the trace of a desk: name -> SHA-256.
    """

    run_id: str
    created_at_ns: int
    parameters: dict[str, Any]
    interval_ns: int
    ts_ns: NDArray[np.int64]
    main: Curve
    gross_exposure: NDArray[np.float64]
    baselines: list[Curve]
    fills: list[Fill]
    trades: list[Trade]
    candles: list[Candles]
    provenance: list[Provenance]
    costs: dict[str, Decimal]
    quote: str
    cash: Decimal
    digest: str
    journal_sha256: str
    trials: int
    trial_sharpes: NDArray[np.float64]
    environment: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)

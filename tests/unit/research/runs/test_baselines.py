"""What a run is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.runs._baselines import list_baselines, mean_size, run_baseline, run_random
from athena.research.runs._results import follow_account, list_trades
from tests.market_builder import HOUR_NS, MINUTE_NS, driftless_bars, run_named, setup_of

if TYPE_CHECKING:
    import numpy as np

    from athena.research import Setup, Trade
    from tests.market_builder import Simulated


def account(done: Simulated) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[Trade]]:
    """Return the equity and the trades of a run."""
    trades = list_trades(done.setup, done.outcome, done.fills)
    return follow_account(done.setup, done.fills).equity, trades


def traded(fraction: float, symbols: tuple[str, ...] = ("TEST/USD",)) -> Simulated:
    bars = [driftless_bars(800, k, symbol, HOUR_NS) for k, symbol in enumerate(symbols)]
    return run_named(setup_of(bars), "sma_cross", fraction=fraction)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.9])
def test_the_mean_size_is_the_part_of_the_account_that_trades_were_for(fraction: float) -> None:
    done = traded(fraction)
    equity, trades = account(done)
    assert mean_size(done.setup, equity, trades) == pytest.approx(fraction, rel=0.02)


def test_random_trades_are_as_large_as_the_run_s_and_pay_the_fees_of_their_turnover() -> None:
    """A fifth of the account, n times there and back: its fees, not those of the whole account."""
    for symbols in (("TEST/USD",), ("TEST/USD", "ETH/USD")):
        done = traded(0.2, symbols)
        equity, trades = account(done)
        curve = run_random(done.setup, equity, trades, fee_frac=0.001, slippage_frac=0.0)
        assert curve is not None
        assert curve.n_fills == curve.n_orders == 2 * len(trades)
        expected = 2 * len(trades) * 0.2 * 1_000_000 * 0.001
        assert float(curve.fees) == pytest.approx(expected, rel=0.1)
        assert "median of 1000 seeds" in curve.name


def test_costs_that_leave_nothing_leave_the_random_baseline_out() -> None:
    done = traded(0.2)
    equity, trades = account(done)
    assert run_random(done.setup, equity, trades, fee_frac=1.0, slippage_frac=0.0) is None
    assert run_random(done.setup, equity, trades, fee_frac=0.6, slippage_frac=0.6) is None
    assert run_random(done.setup, equity, trades, fee_frac=0.6, slippage_frac=0.3) is not None
    assert run_random(done.setup, equity, [], fee_frac=0.0, slippage_frac=0.0) is None


@pytest.mark.parametrize(
    ("interval_ns", "name"),
    [
        (30 * MINUTE_NS, "EMA 9/21 on 4 h, TEST"),
        (HOUR_NS, "EMA 9/21 on 4 h, TEST"),
        (3 * HOUR_NS, "EMA 9/21 on 3 h, TEST"),
        (4 * HOUR_NS, "EMA 9/21 on 4 h, TEST"),
        (DAY_NS, "EMA 9/21 on 1 d, TEST"),
    ],
)
def test_the_exponential_baseline_says_which_bars_it_looks_at(interval_ns: int, name: str) -> None:
    setup: Setup = setup_of([driftless_bars(400, 1, interval_ns=interval_ns)])
    baseline = list_baselines(setup)[-1]
    assert baseline.name == name
    assert len(run_baseline(baseline, lambda _step: None).equity) == 400


@pytest.mark.parametrize(
    ("frame", "interval_ns"),
    [("90m", HOUR_NS), ("30m", HOUR_NS), ("1h", HOUR_NS), ("4h", DAY_NS), ("4h", 3 * HOUR_NS)],
)
def test_a_frame_that_bars_do_not_add_up_to_is_refused(frame: str, interval_ns: int) -> None:
    setup = setup_of([driftless_bars(50, 1, interval_ns=interval_ns)])
    with pytest.raises(InputError, match=f"frame a multiple.*was frame={frame}"):
        run_named(setup, "ema_cross", frame=frame)

"""When accounts are valued: at the moments of a report, with the values of a report."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.runs._results import follow_account
from athena.research.statistics import sample_returns, with_start
from athena.research.sweep._marks import marks_of, value_at
from tests.market_builder import HOUR_NS, START_NS, driftless_bars, run_named, setup_of

if TYPE_CHECKING:
    from athena.domain import Bars

FEE = Decimal(26)


@pytest.mark.parametrize(
    "bars",
    [
        [driftless_bars(500, 1, interval_ns=HOUR_NS)],
        [driftless_bars(400, 2, interval_ns=DAY_NS)],
        [
            driftless_bars(300, seed, symbol, HOUR_NS)
            for seed, symbol in enumerate(("BTC/USD", "ETH/USD"))
        ],
        [driftless_bars(500, 1, interval_ns=HOUR_NS).rows(7, 480)],
    ],
    ids=["hours", "days", "two", "cut"],
)
def test_returns_at_the_marks_are_those_of_a_report(bars: list[Bars]) -> None:
    setup = setup_of(bars, taker_fee_bps=FEE, maker_fee_bps=FEE)
    name = "sma_cross" if len(bars) == 1 else "rebalance"
    own = {"fast": 3, "slow": 8} if len(bars) == 1 else {"tolerance": "0.001"}
    simulated = run_named(setup, name, **own)
    fills = simulated.fills
    assert len(fills.marks) > 4
    marks = marks_of(setup, Decimal("0.3"))
    curve = follow_account(setup, fills).equity
    series = sample_returns(
        *with_start(curve, setup.columns.close_ns, float(setup.cash), setup.interval_ns),
        setup.interval_ns,
    )
    equity = value_at(setup, fills, marks)
    assert equity[0] == float(setup.cash)
    assert equity[-1] == pytest.approx(simulated.equity / 1e8, rel=1e-12)
    assert np.diff(equity) / equity[:-1] == pytest.approx(series.returns, abs=1e-12)
    assert marks.ends_ns.tolist() == series.ts_ns.tolist()
    assert marks.periods_per_year == series.periods_per_year
    assert marks.years == series.years


def test_a_day_without_bars_has_a_mark_and_no_return() -> None:
    whole = driftless_bars(240, 3, interval_ns=HOUR_NS)
    keep = np.ones(240, np.bool_)
    keep[50:110] = False  # more than two days
    from tests.market_builder import bars_of

    bars = bars_of([column[keep] for column in whole.columns()], interval_ns=HOUR_NS)
    setup = setup_of([bars])
    simulated = run_named(setup, "hold")
    marks = marks_of(setup, Decimal("0.3"))
    returns = np.diff(value_at(setup, simulated.fills, marks))
    assert marks.n_periods == 10
    assert returns[3] == 0.0


def test_the_split_is_by_time_and_the_last_part_is_out_of_sample() -> None:
    setup = setup_of([driftless_bars(240, 3, interval_ns=HOUR_NS)])
    marks = marks_of(setup, Decimal("0.3"))
    assert marks.n_periods == 10
    assert marks.n_in_sample == 7
    assert marks.ends_ns[6] == START_NS + 7 * DAY_NS


@pytest.mark.parametrize("oos", ["0.1", "0.95"])
def test_a_side_with_fewer_than_two_periods_is_refused(oos: str) -> None:
    setup = setup_of([driftless_bars(240, 3, interval_ns=HOUR_NS)])
    with pytest.raises(InputError, match="at least 2 periods on either side of 2020-01-"):
        marks_of(setup, Decimal(oos))

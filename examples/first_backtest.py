"""Run a backtest from Python and look at it. A script of cells: run it whole, or cell by cell."""

# %% A data home, and bars in it: made up, and they say so. `athena data sample` brings real ones.
from athena.domain import MINUTE_NS, built_in_instrument
from athena.market import mock_bars, store_dataset
from athena.platform import SystemClock, find_home
from athena.platform.config import load_config
from athena.reporting import comparison_table, render_tear_sheet
from athena.research import BacktestRequest, run_backtest

home = find_home(None)
now_ns = SystemClock().now_ns()
bars = mock_bars(built_in_instrument("TEST/USD"), 2_000, seed=42, interval_ns=30 * MINUTE_NS)
name = bars.provenance.name
store_dataset(bars, home, venue="", imported_at_ns=now_ns)

# %% Run a strategy beside its baselines; everything is kept in the home's `runs` folder.
request = BacktestRequest(strategy="ema_cross", parameters={"fast": "9"}, sources=[name])
result = run_backtest(
    request, load_config().config, home, run_id=f"example-{now_ns}", now_ns=now_ns
)

# %% What came out.
for row in comparison_table(result.record, result.summary):
    print(f"{row.name:24} {row.total_return.value:+8.1%}  {row.n_fills:5} fills")
print(result.summary.sentence)

# %% The tear sheet, one file that needs no network.
page = result.folder / "report.html"
page.write_text(render_tear_sheet(result.record, result.summary), encoding="utf-8")
print(page)

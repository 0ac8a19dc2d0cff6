"""What a strategy is shown of the risk engine: the fall from the peak, the least confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import Purpose, Regime, Side
from athena.trading import BarStrategy, Intent
from athena.trading import layout as at
from tests.market_builder import bars_of, run, setup_of

if TYPE_CHECKING:
    from athena.domain import Bars
    from athena.trading import View


class Watching(BarStrategy):
    """Hold half of the account from the first bar on, and note what it is shown."""

    def __init__(self) -> None:
        self.falls: list[int] = []
        self.floors: list[dict[Regime, int]] = []
        self.equities: list[int] = []

    def on_bar(self, view: View) -> Intent | None:
        self.falls.append(view.drawdown_ppm())
        self.floors.append({regime: view.confidence_floor_ppm(regime) for regime in Regime})
        self.equities.append(view._state.account[at.EQUITY])
        if view.position:
            return None
        return Intent(side=Side.BUY, lots=view.lots_for(0.5), purpose=Purpose.ENTRY)


def bars_through(closes: list[int]) -> Bars:
    n = len(closes)
    opens = [closes[0], *closes[:-1]]
    highs = [max(pair) for pair in zip(opens, closes, strict=True)]
    lows = [min(pair) for pair in zip(opens, closes, strict=True)]
    times = [1_577_836_800 * 10**9 + k * 60 * 10**9 for k in range(n)]
    return bars_of((times, opens, highs, lows, closes, [10**12] * n))


def test_the_fall_is_measured_from_the_peak_of_the_account() -> None:
    strategy = Watching()
    run(setup_of([bars_through([10_000, 10_000, 12_000, 11_000, 12_500])], cash=10_000), strategy)
    peaks = [max(strategy.equities[: k + 1]) for k in range(5)]
    expected = [
        (peak - now) * at.PPM // peak for peak, now in zip(peaks, strategy.equities, strict=True)
    ]
    assert strategy.falls == expected
    assert strategy.falls[3] > 0
    assert strategy.falls[4] == 0


def test_the_floor_of_confidence_is_that_of_regime_and_lowest_tier() -> None:
    strategy = Watching()
    run(setup_of([bars_through([10_000, 10_000])], is_open=False), strategy)
    assert strategy.floors[0] == {
        Regime.TRENDING_BULL: 600_000,  # of the lowest tier: 0.55 is under it
        Regime.TRENDING_BEAR: 600_000,
        Regime.RANGING: 600_000,
        Regime.VOLATILE_BULL: 650_000,
        Regime.VOLATILE_BEAR: 650_000,
        Regime.CHOPPY: 750_000,
        Regime.BREAKOUT_POTENTIAL: 600_000,
        Regime.UNKNOWN: 700_000,
    }


def test_limits_that_ask_for_no_confidence_have_no_floor() -> None:
    strategy = Watching()
    run(setup_of([bars_through([10_000, 10_000])]), strategy)
    assert set(strategy.floors[0].values()) == {0}

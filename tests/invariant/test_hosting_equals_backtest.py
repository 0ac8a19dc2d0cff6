"""A strategy that is shown bars as they come decides as in a backtest: D01, D02, TR-07."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DAY_NS, Purpose, Side
from athena.research.strategies import BUILT_IN, Leg, load_strategy, relay_of, solo_of
from athena.trading import (
    Intent,
    Market,
    RuleStrategy,
    View,
    Wake,
    WokenStrategy,
    fill_columns,
)
from tests.hosting_driver import Hosted, drive
from tests.market_builder import (
    HOUR_NS,
    MINUTE_NS,
    START_NS,
    Simulated,
    bars_of,
    driftless_bars,
    run,
    setup_of,
)
from tests.planted_strategies import Honest, Leaking, Peeking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.domain import Bars
    from athena.trading import Strategy

CASES = [(name, kind) for name, info in BUILT_IN.items() for kind in info.kinds]
N_BARS = 600
_LOTS = 10_000_000  # a tenth of a coin
# What makes rare signals frequent enough to say something within so few bars.
_LIVELY: dict[str, dict[str, str]] = {
    "hold": {"fraction": "0.05"},
    "sma_bracket": {"stop": "0.005", "target": "0.008"},
    "momentum": {"length": "5", "threshold": "0.003"},
    "mean_reversion": {"threshold": "1.5"},
    "breakout": {"within": "20"},
    "rebalance": {"weights": "0.1", "tolerance": "0.001"},
    "monthly": {"weights": "0.1"},
}


def made(name: str, kind: str = "woken") -> Strategy:
    return load_strategy(name, _LIVELY.get(name, {}), kind=kind)[1]


def named(*makers: Callable[[], Strategy]) -> Callable[[], list[tuple[str, Strategy]]]:
    """Return a function that builds strategies anew, with their names."""

    def build() -> list[tuple[str, Strategy]]:
        return [(type(item).__name__, item) for item in (make() for make in makers)]

    return build


def run_both(
    bars: Sequence[Bars], *makers: Callable[[], Strategy], is_open: bool = True, **options: Any
) -> tuple[Simulated, Hosted]:
    """Run strategies in a backtest, and beside the core bar by bar."""
    # The default limits refuse orders as large as a million would ask for.
    setup = setup_of(bars, is_open=is_open, cash=1_000_000 if is_open else 10_000)
    backtest = run(setup, *(make() for make in makers))
    return backtest, drive(setup, bars, named(*makers), **options)


def assert_equal(backtest: Simulated, hosted: Hosted) -> None:
    """Hold every record and the digest of all state transitions equal."""
    errors = [one.error for step in hosted.decisions for one in step if one.error]
    assert errors == []
    assert np.array_equal(backtest.words, hosted.words)
    assert backtest.digest == hosted.digest


def without(bars: Bars, *rows: int) -> Bars:
    keep = np.setdiff1d(np.arange(len(bars)), rows)
    columns = [column[keep] for column in bars.columns()]
    return bars_of(columns, bars.instrument.symbol, bars.interval_ns)


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "default"])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_built_in_strategy_decides_as_in_a_backtest(
    name: str, kind: str, is_open: bool
) -> None:
    """TR-07: one by one or as a whole, with risk inputs and without: record for record."""
    bars = [driftless_bars(N_BARS, 3, "BTC/USD", HOUR_NS)]
    backtest, hosted = run_both(bars, lambda: made(name, kind), is_open=is_open)
    assert_equal(backtest, hosted)
    # Some ask only once, before the risk inputs are known, or for too little a reward.
    is_refused = not is_open and name in {"hold", "mean_reversion"}
    assert len(backtest.fills.side) >= 1 or (is_refused and backtest.n_denied >= 1)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_restart_at_any_step_changes_no_decision(name: str, kind: str) -> None:
    """TR-07: what was saved, and bars read again, are enough to go on as if nothing happened."""
    bars = [driftless_bars(N_BARS, 4, "BTC/USD", HOUR_NS)]
    restarts = [1, 2, 29, 30, *range(31, N_BARS, 23), N_BARS - 1]
    backtest, hosted = run_both(bars, lambda: made(name, kind), restarts=restarts)
    assert_equal(backtest, hosted)
    assert len(backtest.fills.side) >= 1


@pytest.mark.parametrize(("name", "kind"), [*CASES, ("pyramid", "")])
def test_a_step_that_is_decided_on_again_after_a_crash_doubles_no_order(
    name: str, kind: str
) -> None:
    """I2: the orders were sent, and the memory of having asked for them was lost."""

    def make() -> Strategy:
        return Pyramid() if name == "pyramid" else made(name, kind)

    bars = [driftless_bars(N_BARS, 4, "BTC/USD", HOUR_NS)]
    setup = setup_of(bars)
    whole = fills_of(drive(setup, bars, named(make), is_keyed=True))
    crashed = drive(setup, bars, named(make), is_keyed=True, crashes=range(0, N_BARS, 2))
    assert fills_of(crashed) == whole
    assert len(whole) >= 1


def test_without_keys_it_would_double_them() -> None:
    """The planted fault."""
    bars = [driftless_bars(N_BARS, 4, "BTC/USD", HOUR_NS)]
    setup = setup_of(bars)
    whole = fills_of(drive(setup, bars, named(Pyramid)))
    crashed = fills_of(drive(setup, bars, named(Pyramid), crashes=range(0, N_BARS, 2)))
    assert len(crashed) > 1.4 * len(whole)


class Pyramid(WokenStrategy):
    """Buy a little more at every change, whatever works already."""

    wake = Wake(on_change=("up",))

    def signals(self, market: Market) -> Mapping[str, Any]:
        return {"up": market.close[0] > np.append(0, market.close[0, :-1])}

    def on_wake(self, view: View) -> Intent:
        return Intent(side=Side.BUY, lots=_LOTS + view.step)


def fills_of(hosted: Hosted) -> list[tuple[int, ...]]:
    """Return when, how much and at which price everything was filled."""
    found = fill_columns([hosted.words])
    columns = (found.marks, found.side, found.lots, found.price_ticks)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "default"])
def test_missing_bars_and_late_listings_are_what_they_are_in_a_backtest(is_open: bool) -> None:
    one, two = (
        driftless_bars(N_BARS, k, s, HOUR_NS) for k, s in enumerate(("BTC/USD", "ETH/USD"))
    )
    bars = [without(one, 40, 41, 42, 333), without(two, *range(30), 42, 50, 51, N_BARS - 1)]
    makers: list[Callable[[], Strategy]] = [
        lambda: load_strategy("rebalance", {"weights": "0.1,0.1", "tolerance": "0.001"})[1],
        lambda: load_strategy("hold", {"fraction": "0.1"})[1],
    ]
    for make in makers:
        backtest, hosted = run_both(bars, make, is_open=is_open, restarts=[31, 43, 51, 400])
        assert_equal(backtest, hosted)
        assert set(backtest.fills.instrument.tolist()) == {0, 1} or not is_open


def test_several_strategies_share_one_account_as_in_a_portfolio() -> None:
    bars = [
        driftless_bars(N_BARS, 7 + k, s, HOUR_NS) for k, s in enumerate(("BTC/USD", "ETH/USD"))
    ]
    backtest, hosted = run_both(
        bars,
        lambda: solo_of(made("sma_cross"), 0),
        lambda: solo_of(made("sma_cross", "bar"), 1),
        lambda: made("hold"),
        lambda: solo_of(made("mean_reversion"), 1),
        restarts=[200, 201, 350],
    )
    assert_equal(backtest, hosted)
    assert {decision.slot for step in hosted.decisions for decision in step} == {0, 1, 2, 3}


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[1] != "rule"])
def test_with_history_the_tail_is_decided_as_by_a_backtest_that_knew_it(
    name: str, kind: str
) -> None:
    """Rule 7: what came before warms signals up, gives no orders, and changes nothing else."""
    whole, n_before = driftless_bars(N_BARS, 5, "BTC/USD", HOUR_NS), 200
    history, tail = whole.rows(0, n_before), whole.rows(n_before, N_BARS)
    market = setup_of([whole]).market
    setup = setup_of([tail])
    relay = relay_of(market, [Leg(made(name, kind), N_BARS - n_before)])  # type: ignore[arg-type]
    backtest = run(setup, relay)
    hosted = drive(
        setup, [tail], named(lambda: made(name, kind)), history=[history], restarts=[100]
    )
    assert_equal(backtest, hosted)
    assert len(backtest.fills.side) >= 1


@pytest.mark.parametrize("window_bars", [64, 65, 100])
def test_a_window_longer_than_the_memory_of_the_signals_changes_no_decision(
    window_bars: int,
) -> None:
    """The oldest steps go in blocks; SMA 30 does not notice."""
    bars = [driftless_bars(N_BARS, 6, "BTC/USD", HOUR_NS)]
    backtest, hosted = run_both(bars, lambda: made("sma_cross"), window_bars=window_bars)
    assert_equal(backtest, hosted)
    assert len(hosted.host.market.close_ns) <= window_bars


def test_a_window_shorter_than_the_memory_of_the_signals_does() -> None:
    """The planted fault: SMA 30 on 20 bars is never there."""
    bars = [driftless_bars(N_BARS, 6, "BTC/USD", HOUR_NS)]
    backtest, hosted = run_both(bars, lambda: made("sma_cross"), window_bars=20)
    assert backtest.digest != hosted.digest


# --- own strategies ----------------------------------------------------------------------------

OWN = '''
from dataclasses import dataclass, field
from athena.domain import Side, Purpose
from athena.trading import BarStrategy, Intent, View


@dataclass
class Rising(BarStrategy):
    """Buy after a number of rising closes, sell after one that falls; it remembers them."""

    n_rises: int = 3
    _seen: list[int] = field(default_factory=list, init=False)

    def on_bar(self, view: View) -> Intent | None:
        self._seen = [*self._seen, view.bar.close][-self.n_rises - 1 :]
        rises = [b > a for a, b in zip(self._seen, self._seen[1:])]
        if len(rises) == self.n_rises and all(rises) and not view.position:
            return Intent(side=Side.BUY, lots=view.lots_for(0.1))
        if view.position and rises and not rises[-1]:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None
'''


def test_a_strategy_of_an_own_file_decides_as_in_a_backtest(tmp_path: Path) -> None:
    path = tmp_path / "rising.py"
    path.write_text(OWN)
    bars = [driftless_bars(N_BARS, 8, "BTC/USD", HOUR_NS)]

    def make() -> Strategy:
        return load_strategy(f"{path}:Rising", {"n_rises": "2"})[1]

    backtest, hosted = run_both(bars, make, restarts=[5, 77, 78, 300])
    assert_equal(backtest, hosted)
    assert len(backtest.fills.side) > 20


class Levels(WokenStrategy):
    """Woken by everything there is: levels, a timer, moments, fills."""

    wake = Wake(
        every_ns=DAY_NS, on_fill=True, at_ns=(START_NS + 50 * HOUR_NS + 1, START_NS + 51 * HOUR_NS)
    )

    def on_wake(self, view: View) -> Sequence[Intent] | None:
        close = view.bar.close
        view.wake_at(below=close - 60, above=close + 60)
        if view.position and close % 4:
            return [Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)]
        if not view.position and not view.n_working:
            return [
                Intent(side=Side.BUY, lots=_LOTS, stop_ticks=close - 90),
                Intent(side=Side.BUY, lots=_LOTS // 2),
            ]
        return None


class Ringing(RuleStrategy):
    """A rule that writes up to two intents, and remembers a count."""

    @staticmethod
    def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
        from athena.trading import codes, rules

        memory[0] += 1
        if memory[0] % parameters[0]:
            return 0
        held = now[rules.N_NOW + rules.POSITION]
        rules.write_market(
            intents, 0, 0, -held if held else _LOTS, codes.EXIT if held else codes.ENTRY
        )
        rules.write_market(intents, 1, 0, _LOTS + 10_000 * now[rules.NOW_STEP], codes.ENTRY)
        return 2

    def parameters(self, market: Market) -> list[int]:
        return [7 * len(market.instruments)]

    def memory_size(self) -> int:
        return 1

    def max_intents(self) -> int:
        return 2


@pytest.mark.parametrize("make", [Levels, Ringing])
def test_levels_timers_moments_and_rules_wake_at_the_same_bars(make: type[Strategy]) -> None:
    bars = [driftless_bars(N_BARS, 9, "BTC/USD", HOUR_NS)]
    backtest, hosted = run_both(bars, make, restarts=[49, 50, 51, 52, 300, 301])
    assert_equal(backtest, hosted)
    assert len(backtest.fills.side) > 20


# --- planted faults ----------------------------------------------------------------------------


@pytest.mark.parametrize("leak", [Leaking, Peeking])
def test_there_is_no_future_to_look_into(leak: type[Strategy]) -> None:
    """D02: what a backtest shows a cheat, the bars that come do not; so the two differ."""
    bars = [driftless_bars(N_BARS, 3, interval_ns=MINUTE_NS)]
    backtest, hosted = run_both(bars, leak)
    assert len(backtest.fills.side) > 100
    assert backtest.digest != hosted.digest
    assert sum(len(one.intents) for step in hosted.decisions for one in step) == 0


def test_the_clean_twin_is_not_accused() -> None:
    bars = [driftless_bars(N_BARS, 3, interval_ns=MINUTE_NS)]
    assert_equal(*run_both(bars, Honest))


class Forgetful(Levels):
    """Planted fault: what it remembers is of a kind that is not kept."""

    def __init__(self) -> None:
        self.count = iter(range(10_000))

    def on_wake(self, view: View) -> Sequence[Intent] | None:
        view.wake_at(below=view.bar.close)
        if next(self.count) % 5 == 4:
            return [Intent(side=Side.BUY, lots=_LOTS)]
        return None


class Minding(Forgetful):
    """The clean twin: it counts in a number."""

    def __init__(self) -> None:
        self.n_calls = 0

    def on_wake(self, view: View) -> Sequence[Intent] | None:
        self.count = iter([self.n_calls])
        self.n_calls += 1
        return super().on_wake(view)


def test_a_memory_that_cannot_be_kept_would_be_seen_to_be_lost() -> None:
    bars = [driftless_bars(N_BARS, 3, "BTC/USD", HOUR_NS)]
    backtest, hosted = run_both(bars, Forgetful, restarts=range(3, N_BARS, 3))
    assert backtest.digest != hosted.digest
    assert_equal(*run_both(bars, Minding, restarts=range(3, N_BARS, 3)))

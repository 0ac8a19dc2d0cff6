"""Strategies under audit: signals, kept columns, decisions, fills; each fault beside its twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import OrderType, Side
from athena.research.audit import AuditResult, World, audit_strategy
from athena.research.strategies import BUILT_IN, find_strategy, load_strategy
from athena.trading import BarStrategy, Intent, RuleStrategy, Wake, WokenStrategy
from tests.market_builder import HOUR_NS, driftless_bars, setup_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from athena.trading import Market, Strategy, View

WORLD = World.of([driftless_bars(450, 3, interval_ns=HOUR_NS)])
SHORT = World.of([driftless_bars(100, 3, interval_ns=HOUR_NS)])
TWO = World.of(
    [
        driftless_bars(450, seed, symbol, HOUR_NS)
        for seed, symbol in ((3, "BTC/USD"), (4, "ETH/USD"))
    ]
)


def audited(make: Callable[[], Strategy], world: World = WORLD) -> AuditResult:
    return audit_strategy(
        "planted",
        lambda: make,
        world,
        make_setup=lambda bars: setup_of(list(bars), is_open=False),
        make_open_setup=lambda bars: setup_of(list(bars)),
    )


class Honest(WokenStrategy):
    """Every fifth bar it looks whether the last close was higher."""

    wake = Wake(every_ns=5 * HOUR_NS)

    def signals(self, market: Market) -> Mapping[str, Any]:
        closes = market.close[0]
        return {"up": closes > np.append(closes[:1], closes[:-1])}

    def want(self, view: View, *, is_up: bool) -> Intent | None:
        if is_up and not view.position:
            return Intent(side=Side.BUY, lots=10)
        if view.position and not is_up:
            return Intent(side=Side.SELL, lots=view.position)
        return None

    def on_wake(self, view: View) -> Intent | None:
        return self.want(view, is_up=bool(view.signals[0]))


class SignalOfNextClose(Honest):
    def signals(self, market: Market) -> Mapping[str, Any]:
        closes = market.close[0]
        return {"up": np.append(closes[1:], closes[-1:]) > closes}


class KeepsTheMarket(Honest):
    ahead = 1

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.market = market
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        closes = self.market.close[0]
        k = view.step + self.ahead
        return self.want(view, is_up=0 <= k < len(closes) and closes[k] > view.bar.close)


class KeepsThePast(KeepsTheMarket):
    ahead = -3


class KeepsAList(Honest):
    ahead = 1

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.closes = market.close[0].tolist()
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        k = view.step + self.ahead
        return self.want(view, is_up=0 <= k < len(self.closes) and self.closes[k] > view.bar.close)


class KeepsAListOfThePast(KeepsAList):
    ahead = -3


class KeepsAColumnOfTheFuture(Honest):
    """It does not even use it."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        closes = market.close[0]
        self.best = np.maximum.accumulate(closes[::-1])[::-1]
        return super().signals(market)


class KnowsTheMean(Honest):
    """A single number of all data, kept where no column is."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.mean = {"close": float(market.close[0].mean())}
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        return self.want(view, is_up=view.bar.close < self.mean["close"])


class KeepsTheMarketOnBars(BarStrategy):
    """Called on every bar, it acts only once: at bar 333, knowing bar 334."""

    ahead = 1

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.market = market
        return {}

    def on_bar(self, view: View) -> Intent | None:
        closes = self.market.close[0]
        k = view.step + self.ahead
        if view.step == 333 and k < len(closes) and closes[k] > 0:
            return Intent(side=Side.BUY, lots=1 + int(closes[k] % 50))
        return None


class PastOnBars(KeepsTheMarketOnBars):
    ahead = -1


def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
    del now, memory, parameters, intents
    return 0


class RuleOfAllData(RuleStrategy):
    """Its parameter is the highest price of the run."""

    rule = staticmethod(rule)

    def parameters(self, market: Market) -> list[int]:
        return [int(market.high.max())]

    def memory_size(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("fault", "output", "bar"),
    [
        (SignalOfNextClose, "up", None),
        (KeepsTheMarket, "intents", None),
        (KeepsAList, "intents", None),
        (KeepsAColumnOfTheFuture, "self.best", None),
        (KnowsTheMean, "intents", None),
        (KeepsTheMarketOnBars, "intents", 333),
        (RuleOfAllData, "parameters", 0),
    ],
)
def test_a_strategy_that_knows_later_bars_is_caught(
    fault: type[Strategy], output: str, bar: int | None
) -> None:
    """D02: signals, columns it keeps, lists, single numbers, one bar ahead, once in a run."""
    result = audited(fault)
    found = {item.output: item for item in result.violations}
    assert output in found
    if bar is not None:
        assert found[output].bar == bar
    assert found[output].inputs or fault is KnowsTheMean  # no column alone turns its decision


@pytest.mark.parametrize("twin", [Honest, KeepsThePast, KeepsAListOfThePast, PastOnBars])
def test_its_honest_twin_is_not_accused(twin: type[Strategy]) -> None:
    result = audited(twin)
    assert result.violations == ()
    assert result.is_clean
    assert result.n_points > len(WORLD.moments())


def test_who_knows_the_next_close_earns_where_nothing_can_be_earned() -> None:
    """LA-4."""
    found = {item.output: item for item in audited(SignalOfNextClose).violations}
    assert "standard errors above 0" in found["profit on shuffled bars"].full


def test_the_first_bar_is_named_not_the_first_cut() -> None:
    found = {item.output: item for item in audited(KeepsTheMarket).violations}
    first = found["intents"]
    # It wakes at every fifth hour since 1970, and is first right to buy when the next bar rises.
    closes = WORLD.bars[0].close_ticks
    hours = (WORLD.bars[0].ts_ns + HOUR_NS) // HOUR_NS
    rises = np.append(closes[1:] > closes[:-1], False)
    assert first.bar == int(np.flatnonzero((hours % 5 == 0) & rises)[0])


class Learns(Honest):
    """It learns a level, and buys under it."""

    level = 0

    def fit(self, market: Market) -> None:
        self.level = int(market.close[0].mean())

    def on_wake(self, view: View) -> Intent | None:
        return self.want(view, is_up=view.bar.close % 7 < self.level % 7)


class LearnsAndLooks(Learns):
    """What it learned is honest, what it looks at is not."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        closes = market.close[0]
        return {"up": np.append(closes[1:], closes[-1:]) > self.level}

    def on_wake(self, view: View) -> Intent | None:
        return self.want(view, is_up=bool(view.signals[0]))


def test_a_strategy_that_is_fitted_learns_from_the_first_half() -> None:
    assert audited(Learns).is_clean
    result = audited(LearnsAndLooks)
    assert "up" in {item.output for item in result.violations}
    assert result.n_bars < len(WORLD.bars[0])


class KeepsACopyOfAll(Honest):
    """It leaves out what the next bar would make a loss: a copy of all columns as floats."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.all = {"closes": market.close.astype(float)}
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        closes = self.all["closes"][0]
        k = view.step + 1
        if not view.position and k < len(closes) and closes[k] < view.bar.close - 40:
            return None
        return self.want(view, is_up=bool(view.signals[0]))


class KeepsDifferences(Honest):
    """The moves, one fewer than bars, in a tuple: the one at k is known at bar k + 1."""

    ahead = 0

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.moves = tuple(np.diff(market.close[0]).tolist())
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        k = view.step + self.ahead
        return self.want(view, is_up=0 <= k < len(self.moves) and self.moves[k] > 0)


class KeepsPastDifferences(KeepsDifferences):
    ahead = -1


class Plans(Honest):
    """It writes into a column of its own, ahead of time: that is a plan, not a look."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.plan = np.zeros(len(market.close_ns))
        return super().signals(market)

    def on_wake(self, view: View) -> Intent | None:
        self.plan[view.step + 5 : view.step + 6] = 1.0 if view.signals[0] else 0.0
        return self.want(view, is_up=bool(self.plan[view.step]))


class Expires(Honest):
    """Orders that end by themselves: cancellations at the mark of a bar."""

    def on_wake(self, view: View) -> Intent | None:
        if view.position or view.n_working:
            return None
        return Intent(
            side=Side.BUY,
            lots=10,
            type=OrderType.LIMIT,
            limit_ticks=view.bar.close - 30,
            expires_ns=view.now_ns + 2 * HOUR_NS,
        )


@pytest.mark.parametrize("fault", [KeepsACopyOfAll, KeepsDifferences])
def test_what_it_keeps_in_another_form_is_veiled_too(fault: type[Strategy]) -> None:
    result = audited(fault)
    assert "intents" in {item.output for item in result.violations}


@pytest.mark.parametrize("twin", [KeepsPastDifferences, Plans, Expires])
def test_what_is_kept_and_used_honestly_is_not_accused(twin: type[Strategy]) -> None:
    assert audited(twin).is_clean


CACHED = """
from athena.domain import OrderType, Side
from athena.trading import BarStrategy, Intent

CLOSES = {}

class Cached(BarStrategy):
    def signals(self, market):
        CLOSES.update(zip(market.close_ns.tolist(), market.close[0].tolist()))
        return {}

    def on_bar(self, view):
        later = CLOSES.get(view.now_ns + AHEAD * 3_600_000_000_000)
        if later is not None and later > view.bar.close and not view.position:
            return Intent(side=Side.BUY, lots=10)
        if view.position and later is not None and later < view.bar.close:
            return Intent(side=Side.SELL, lots=view.position)
        return None
"""


@pytest.mark.parametrize(
    "world", [SHORT, pytest.param(WORLD, marks=pytest.mark.slow)], ids=["short", "long"]
)
@pytest.mark.parametrize(("ahead", "is_clean"), [(1, False), (-1, True)])
def test_what_a_run_leaves_on_its_module_hides_nothing(
    tmp_path: Path, ahead: int, is_clean: bool, world: World
) -> None:
    """A cache of closes by time, filled on all data, would tell every later run on a part."""
    path = tmp_path / "cached.py"
    path.write_text(CACHED.replace("AHEAD", str(ahead)), "utf-8")

    def renew() -> Callable[[], Strategy]:
        return find_strategy(f"{path}:Cached")[1]

    result = audit_strategy(
        "cached",
        renew,
        world,
        make_setup=lambda bars: setup_of(list(bars), is_open=False),
        make_open_setup=lambda bars: setup_of(list(bars)),
    )
    assert result.is_clean is is_clean


def test_a_strategy_that_never_decides_says_so() -> None:
    class Idle(WokenStrategy):
        wake = Wake()

        def on_wake(self, view: View) -> None:
            del view

    result = audited(Idle)
    assert result.violations == ()
    assert "decided nothing" in result.unproven[0]
    assert not result.is_clean


CASES = [(name, kind) for name, info in BUILT_IN.items() for kind in info.kinds]
_LIVELY: dict[str, dict[str, str]] = {
    "momentum": {"length": "5", "threshold": "0.005"},
    "mean_reversion": {"threshold": "1.5"},
    "breakout": {"within": "20"},
    "rebalance": {"tolerance": "0.005"},
}


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_no_built_in_strategy_is_accused(name: str, kind: str) -> None:
    """D02, FC-43: found by registry, on two instruments, under the default limits."""
    result = audited(lambda: load_strategy(name, _LIVELY.get(name, {}), kind=kind)[1], TWO)
    assert result.violations == ()
    assert result.is_clean

"""All rule agents together: the same words twice, memory that stays flat, no future."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.desk.agents import (
    ExecutionInputs,
    RiskInputs,
    Roster,
    StrategyInputs,
    execution_agent,
    forecast_agent,
    regime_agent,
    risk_agent,
    risk_regime,
    sentiment_agent,
    strategy_agent,
    technical_agent,
)
from athena.desk.contract import Output, Proposal, TechnicalView, digest
from athena.desk.inputs import Macro, ReturnTable, SymbolFeed, Texts, conditions_of
from athena.domain import HOUR_NS
from tests.conftest import IS_FULL
from tests.desk_builder import MADE, account_of, bars_of, context_of, held, instrument_of, walk

if TYPE_CHECKING:
    from athena.desk.inputs import ClosedBar

SYMBOLS = ("BTC/USDT", "ETH/USDT", "XRP/USDT")
AGENTS = (
    technical_agent,
    regime_agent,
    sentiment_agent,
    forecast_agent,
    strategy_agent,
    execution_agent,
    risk_agent,
)


class Desk:
    """Every rule agent on three symbols, called as a cycle calls them."""

    def __init__(self) -> None:
        self.roster = Roster(self._alert, time.perf_counter_ns)
        for make in AGENTS:
            self.roster.add(lambda make=make: make(lambda _: None))  # type: ignore[misc]
        self.feeds = {
            symbol: SymbolFeed(instrument_of(symbol), HOUR_NS, HOUR_NS, MADE) for symbol in SYMBOLS
        }
        self.account = account_of(
            held("BTC/USDT", "0.01", "400"), held("ETH/USDT", "1", "300"), equity="100000"
        )
        returns = np.random.default_rng(1).normal(0, 0.02, (365, len(SYMBOLS)))
        self.risk_inputs = RiskInputs(
            account=self.account, returns=ReturnTable(SYMBOLS, returns), macro=Macro()
        )

    @staticmethod
    def _alert(text: str) -> None:
        pytest.fail(text)

    def run(self, name: str, inputs: object, symbol: str, now_ns: int) -> Output:
        result = self.roster.run(name, context_of(inputs, as_of_ns=now_ns, symbol=symbol))
        assert isinstance(result, Output), result
        return result

    def cycle(self, symbol: str, bar: ClosedBar) -> list[Output]:
        """Push a bar and ask everybody."""
        feed = self.feeds[symbol]
        assert not feed.push(bar)
        now_ns = bar.ts_ns + HOUR_NS
        snapshot = feed.at(now_ns)
        technical = self.run("technical", snapshot, symbol, now_ns)
        regime = self.run("regime", snapshot, symbol, now_ns)
        sentiment = self.run("sentiment", Texts(), symbol, now_ns)
        forecast = self.run("forecast", snapshot, symbol, now_ns)
        view = technical.detail
        strategy = self.run(
            "strategy",
            StrategyInputs(
                snapshot=snapshot,
                regime=risk_regime(regime),
                trend_strength=view.trend_strength if isinstance(view, TechnicalView) else 0.0,
                account=self.account,
            ),
            symbol,
            now_ns,
        )
        risk = self.run("risk", self.risk_inputs, symbol, now_ns)
        proposal = strategy.detail if isinstance(strategy.detail, Proposal) else None
        execution = self.run(
            "execution",
            ExecutionInputs(
                instrument=snapshot.instrument,
                proposal=proposal,
                conditions=conditions_of(snapshot),
                account=self.account,
            ),
            symbol,
            now_ns,
        )
        return [technical, regime, sentiment, forecast, strategy, risk, execution]


def bars_by_symbol(n: int) -> dict[str, list[ClosedBar]]:
    return {
        symbol: bars_of(walk(n, k), instrument=instrument_of(symbol))
        for k, symbol in enumerate(SYMBOLS)
    }


def test_two_runs_say_the_same_word_for_word() -> None:
    bars = bars_by_symbol(150)["BTC/USDT"]
    first, second = Desk(), Desk()
    for bar in bars:
        one = [digest(output) for output in first.cycle("BTC/USDT", bar)]
        assert one == [digest(output) for output in second.cycle("BTC/USDT", bar)]


def test_another_future_changes_no_opinion_before_it() -> None:
    """D02 for every agent."""
    closes = walk(160, 1)
    first, second = Desk(), Desk()
    shared = bars_of(closes)
    other = bars_of([*closes[:140], *walk(20, 9)])
    for one, two in zip(shared[:140], other[:140], strict=True):
        told = [digest(output) for output in first.cycle("BTC/USDT", one)]
        assert told == [digest(output) for output in second.cycle("BTC/USDT", two)]


def test_memory_is_flat_over_many_cycles() -> None:
    """A08: 100 cycles here, 100,000 in the full suite, after everything bounded is full."""
    n_cycles, most_bytes = (100_000, 50_000) if IS_FULL else (100, 15_000)
    desk, bars = Desk(), bars_of(walk(1_000, 1))
    span_ns = len(bars) * HOUR_NS

    def run(first: int, last: int) -> None:
        for k in range(first, last):
            turn, place = divmod(k, len(bars))
            bar = bars[place]
            desk.cycle("BTC/USDT", bar._replace(ts_ns=bar.ts_ns + turn * span_ns))

    tracemalloc.start()
    try:
        run(0, 300)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        run(300, 300 + n_cycles)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < most_bytes, grown

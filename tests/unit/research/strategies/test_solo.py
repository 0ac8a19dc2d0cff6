"""A strategy on one instrument of several: what it sees, and where its wishes go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import Book, Side
from athena.errors import InputError, StrategyError
from athena.research.strategies import load_strategy, solo_of
from athena.trading import BarStrategy, Intent, Market, View, Wake, WokenStrategy
from tests.market_builder import Simulated, driftless_bars, run, setup_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading import Strategy

SYMBOLS = ("TEST/USD", "BTC/USD", "ETH/USD")
BARS = [driftless_bars(400, seed, symbol) for seed, symbol in enumerate(SYMBOLS)]
JOBS: dict[str, dict[str, str]] = {
    "sma_cross": {"fast": "3", "slow": "9"},
    "sma_bracket": {"fast": "3", "slow": "9"},
    "mean_reversion": {},
    "breakout": {},
    "ema_cross": {},
    "hold": {},
    "random": {},
    "rebalance": {"weights": "0.5"},
}


def orders(done: Simulated) -> list[tuple[int, ...]]:
    """Return time, lots, price, fee and side of each fill."""
    columns = done.fills
    return list(
        zip(
            columns.marks.tolist(),
            columns.lots.tolist(),
            columns.price_ticks.tolist(),
            columns.side.tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("k", range(3))
@pytest.mark.parametrize(("name", "parameters"), JOBS.items())
def test_it_trades_as_it_does_alone(name: str, parameters: dict[str, str], k: int) -> None:
    """The same fills as on that instrument's bars only, placed on it; nothing of the others."""
    kinds = ("woken", "bar") if name.startswith("sma") else ("woken",)
    for kind in kinds:
        plain = run(setup_of([BARS[k]]), load_strategy(name, parameters, kind=kind)[1])
        among = run(setup_of(BARS), solo_of(load_strategy(name, parameters, kind=kind)[1], k))
        assert orders(among) == orders(plain)
        assert len(orders(plain)) > 0
        assert set(among.fills.instrument.tolist()) == {k}
        assert among.equity == plain.equity


class Watcher(WokenStrategy):
    """Ask to be woken at a price, and note what is seen there."""

    wake = Wake(on_change=("first",))

    def __init__(self, above: int) -> None:
        self.above = above
        self.seen: list[tuple[Any, ...]] = []

    def signals(self, market: Market) -> Mapping[str, Any]:
        assert market.close.shape == (1, len(market.close_ns))
        return {"first": np.zeros(len(market.close_ns))}

    def on_wake(self, view: View) -> None:
        view.wake_at(above=self.above)
        symbols = [instrument.symbol for instrument in view.instruments]
        self.seen.append((symbols, len(view.bars), view.bar.close, view.cash, view.equity()))


def test_it_sees_one_instrument_and_is_woken_by_its_price_only() -> None:
    own = BARS[1].close_ticks
    above = int(np.quantile(own, 0.9))
    watcher = Watcher(above)
    run(setup_of(BARS), solo_of(watcher, 1))
    assert len(watcher.seen) == 1 + int((own[1:] >= above).sum())
    assert all(row[:2] == (["BTC/USD"], 1) for row in watcher.seen)
    assert [row[2] for row in watcher.seen] == [own[0], *own[1:][own[1:] >= above]]
    assert {row[3] for row in watcher.seen} == {row[4] for row in watcher.seen} == {10**14}


@pytest.mark.parametrize("wanted", [[Intent(side=Side.BUY, lots=1, instrument=1)], "buy"])
def test_what_it_has_no_business_with_is_refused(wanted: Any) -> None:
    class Stray(BarStrategy):
        def on_bar(self, view: View) -> Any:
            del view
            return wanted

    with pytest.raises((InputError, StrategyError)):
        run(setup_of(BARS), solo_of(Stray(), 2))


def test_its_book_is_still_not_its_to_choose() -> None:
    class Bold(BarStrategy):
        book = Book.CORE

        def on_bar(self, view: View) -> None:
            del view

    with pytest.raises(InputError, match="Bold in the trading book"):
        run(setup_of(BARS), solo_of(Bold(), 0))


def test_a_compiled_rule_is_refused() -> None:
    rule: Strategy = load_strategy("sma_cross", {}, kind="rule")[1]
    with pytest.raises(InputError, match="bar or woken"):
        solo_of(rule, 0)

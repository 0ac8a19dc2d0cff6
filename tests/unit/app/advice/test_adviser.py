"""Advice: what the core says of an intent on an assumed account, and that nothing is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.advice import Adviser, Assumption, closed_steps
from athena.domain import Action, DenialCode, OrderType, Purpose, RunMode, Side
from athena.errors import StrategyError
from athena.platform.config import CostsConfig, RiskConfig
from athena.research import instrument_limits, open_instrument_limits, open_limits, risk_limits
from athena.research.strategies import load_strategy
from athena.trading import Bar, BarStrategy, Intent, digest_of
from athena.trading import layout as at
from athena.trading.live import fold_journal
from tests.market_builder import HOUR_NS, START_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app.advice import Suggestion
    from athena.trading import Strategy, View

N_BARS = 300
CASH = Decimal(10_000)


class Wants(BarStrategy):
    """Want the same intents at every bar."""

    def __init__(self, *intents: Intent) -> None:
        self.intents = intents

    def on_bar(self, view: View) -> Sequence[Intent]:
        del view
        return self.intents


class Raises(BarStrategy):
    """Raise at every bar."""

    def on_bar(self, view: View) -> Sequence[Intent]:
        del view
        raise ZeroDivisionError


def adviser(strategy: Strategy, *, is_open: bool = True, seed: int = 3) -> tuple[Adviser, Any]:
    """Return an adviser that has seen all bars but the last, and that one's step."""
    bars = [driftless_bars(N_BARS, seed, "BTC/USD", HOUR_NS)]
    last_ns = int(bars[0].ts_ns[-1])
    costs = CostsConfig()
    own = [open_instrument_limits() if is_open else instrument_limits(b.instrument, RiskConfig())
           for b in bars]  # fmt: skip
    assumption = Assumption(
        mode=RunMode.ADVISE,
        strategies=[("tested", strategy)],
        instruments=[item.instrument for item in bars],
        instrument_limits=own,
        limits=open_limits(costs) if is_open else risk_limits(RiskConfig(), costs),
        cash=CASH,
        root="r" * 64,
    )
    made = Adviser(assumption, [item.between(None, last_ns) for item in bars], started_ns=last_ns)
    (step,) = closed_steps(bars, last_ns)
    return made, step


def suggested(strategy: Strategy, *, is_open: bool = True) -> list[Suggestion]:
    made, (close_ns, bars) = adviser(strategy, is_open=is_open)
    return made.on_bars(close_ns, bars)


def test_a_suggestion_says_what_the_risk_engine_agrees_to() -> None:
    (item,) = suggested(Wants(Intent(side=Side.BUY, lots=10**8)))
    assert (item.symbol, item.action, item.code) == ("BTC/USD", Action.BUY, None)
    assert (item.wanted, item.quantity) == (Decimal(1), Decimal(1))
    assert item.order is not None
    assert item.order.type is OrderType.MARKET
    assert "agrees to 1 BTC" in item.rationale
    assert item.evidence["assumed_equity"] == CASH
    assert item.evidence["price"] is not None
    assert len(item.trace_id) == 32


def test_a_size_that_is_too_large_is_shrunk_and_both_are_said() -> None:
    """C02: what is suggested is never above what the risk engine allows: 20 % of equity."""
    (item,) = suggested(Wants(Intent(side=Side.BUY, lots=50 * 10**8)), is_open=False)
    price = item.evidence["price"]
    assert isinstance(price, Decimal)
    assert item.wanted == 50
    assert 0 < item.quantity * price <= CASH * Decimal("0.20")
    assert "allows only" in item.rationale


def test_a_refusal_is_a_suggestion_without_a_size() -> None:
    (item,) = suggested(Wants(Intent(side=Side.SELL, lots=10**8, purpose=Purpose.EXIT)))
    assert item.code is DenialCode.REDUCE_ONLY
    assert (item.quantity, item.order) == (Decimal(0), None)
    assert item.action is Action.CLOSE_LONG
    values = item.to_values()
    assert values["code"] == "reduce_only"
    assert values["meaning"]


def test_suggestions_do_not_count_for_each_other() -> None:
    """Nobody has acted on the first one when the second is judged."""
    made, (close_ns, _) = adviser(Wants(Intent(side=Side.BUY, lots=20 * 10**8)))
    for k in range(5):
        (item,) = made.on_bars(close_ns + k * HOUR_NS, {0: Bar(20_000, 20_000, 20_000, 20_000, 1)})
        assert item.quantity == 20, k
    s = made.session.core.s
    assert made.session.core.live_rows() == []
    assert s.account[at.CASH] == int(CASH) * 10**8
    assert s.account[at.ERROR_STREAK] == 0


def test_the_same_bar_gives_the_same_trace_id_and_another_strategy_another() -> None:
    asked = Wants(Intent(side=Side.BUY, lots=10**8), Intent(side=Side.BUY, lots=10**7))
    first, second = suggested(asked), suggested(asked)
    assert [item.trace_id for item in first] == [item.trace_id for item in second]
    assert first[0].trace_id != first[1].trace_id


def test_the_journal_of_the_rehearsal_replays_to_its_digest() -> None:
    made, (close_ns, bars) = adviser(Wants(Intent(side=Side.BUY, lots=10**8)))
    made.on_bars(close_ns, bars)
    made.session.flush()
    folded = fold_journal(made.store, from_beginning=True)
    assert digest_of(folded.tables.views) == digest_of(made.session.core.s)


def test_a_strategy_that_raises_is_named_with_its_bar() -> None:
    with pytest.raises(StrategyError, match=r"tested.*bar closed 2020-"):
        suggested(Raises())


@pytest.mark.parametrize("name", ["sma_cross", "hold", "rebalance", "breakout", "random"])
def test_built_in_strategies_are_advised_on(name: str) -> None:
    _, strategy = load_strategy(name, {})
    for item in suggested(strategy):
        assert item.quantity >= 0
        assert item.rationale.startswith("tested wants")


def test_steps_join_instruments_whose_bars_have_gaps() -> None:
    first = driftless_bars(5, 1, "BTC/USD", HOUR_NS)
    second = driftless_bars(5, 2, "ETH/USD", HOUR_NS).rows(3, 5)
    steps = list(closed_steps([first, second], START_NS + 2 * HOUR_NS))
    assert [sorted(found) for _, found in steps] == [[0], [0, 1], [0, 1]]
    assert steps[0][0] == START_NS + 3 * HOUR_NS
    assert steps[1][1][1].close == int(second.close_ticks[0])

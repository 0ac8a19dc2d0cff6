"""Laws of several strategies on one account, on random bars, signals and shares."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import Purpose, Side
from athena.research import replay_run, simulate
from athena.research.engine import ShareChange, strategy_slots
from athena.research.portfolio import contributions
from athena.research.runs._replay import COLUMNS_KEY, columns_sha256
from athena.trading import (
    BarStrategy,
    Intent,
    JournalWriter,
    MemoryStore,
    ShareRecord,
    describe_end,
    describe_setup,
    digest_of,
    fill_columns,
    read_records,
    step,
)
from athena.trading import layout as at
from athena.trading._core import exposure, positions, risk
from athena.venues import matching
from tests.conftest import IS_FULL
from tests.market_builder import driftless_bars, setup_of
from tests.property.test_core_invariants import Market

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.trading import View

N = 120
seeds = st.integers(0, 2**31)


@dataclass
class Coin(BarStrategy):
    """Enter either instrument, leave it or turn it around, as the coin falls."""

    seed: int

    def on_bar(self, view: View) -> Iterator[Intent]:
        draw = Random(self.seed * 1_000_003 + view.step)  # noqa: S311 - cases, not secrets
        k = draw.randrange(2)
        held = view.positions[k]
        what = draw.random()
        if what < 0.15:
            lots = view.lots_for(draw.uniform(0.1, 1.0), k)
            if lots:
                yield Intent(side=draw.choice([Side.BUY, Side.SELL]), lots=lots, instrument=k)
        elif what < 0.3 and held:
            side = Side.SELL if held > 0 else Side.BUY
            yield Intent(side=side, lots=abs(held), instrument=k, purpose=Purpose.EXIT)


def random_changes(seed: int, n: int) -> list[ShareChange]:
    rng = np.random.default_rng(seed)
    steps = np.sort(rng.choice(N, 5, replace=False)).tolist()
    return [
        ShareChange(t, tuple((rng.dirichlet(np.ones(n + 1))[:n] * 1e6).astype(int).tolist()))
        for t in steps
    ]


@settings(max_examples=200 if IS_FULL else 25, deadline=None)
@given(seeds, st.integers(1, 4), st.booleans())
def test_contributions_are_the_accounts_profit_and_the_journal_replays(
    seed: int, n: int, is_open: bool
) -> None:
    """Exactly, to the money unit, whatever was traded, at odd fees; I9 with shares in it."""
    bars = [driftless_bars(N, seed), driftless_bars(N, seed + 1, "BTC/USD")]
    setup = setup_of(
        bars,
        is_open=is_open,
        cash=1_000_003,
        taker_fee_bps=Decimal("26.37"),
        base_cost_bps=Decimal(7),
    )
    strategies = [(f"s{k}", Coin(seed + k)) for k in range(n)]
    changes = random_changes(seed, n)
    store = MemoryStore()
    manifest = {
        "setup": describe_setup(
            instruments=setup.instruments,
            instrument_limits=setup.instrument_limits,
            strategies=strategy_slots(strategies),
            limits=setup.limits,
            cash=setup.cash,
            start_ns=setup.start_ns,
        ),
        COLUMNS_KEY: columns_sha256(setup.columns),
    }
    groups: list[Any] = []
    writer = JournalWriter(store, manifest)

    def keep(words: Any) -> None:
        writer.commit(words)
        groups.append(words.copy())

    outcome = simulate(setup, strategies, shares=changes, on_records=keep)
    writer.close(describe_end(outcome.state.arrays))

    earned = contributions(setup, n, fill_columns(groups))
    equity = int(outcome.state.arrays.account[at.EQUITY])
    assert sum(earned) == equity - 1_000_003 * 10**8
    replayed, report = replay_run(store, setup.columns)
    assert report.is_final
    assert digest_of(replayed.arrays) == outcome.digest
    given_ = [item for item in read_records(np.concatenate(groups)) if type(item) is ShareRecord]
    assert len(given_) >= 1
    rows = outcome.state.arrays.strategies[:n, at.SHARE_PPM]
    assert rows.tolist() == list(changes[-1].shares_ppm)


@settings(max_examples=500 if IS_FULL else 25, deadline=None)
@given(seeds)
def test_no_intent_takes_a_strategy_beyond_its_share(seed: int) -> None:
    """I6, with shares that change at random between bars, on the simulated venue."""
    market = Market(seed)
    s = market.core.s
    for k, ppm in enumerate((400_000, 300_000, 300_000)):
        step.apply_share(s, k, ppm)
    for _ in range(40):
        market.bar()
        market.check()
        k = market.draw.randrange(3)
        step.apply_share(s, k, market.draw.choice([0, 100_000, 250_000, 500_000, 2_000_000]))
        matching.drain(s, market.venue.views)
        assert sum(s.strategies[j, at.SHARE_PPM] for j in range(3)) <= 1_000_000
        for _ in range(market.draw.randint(0, 3)):
            before = [exposure.strategy_exposure(s, j) for j in range(3)]
            market.act()
            total = positions.equity(s)
            for j in range(3):
                grown = exposure.strategy_exposure(s, j) > before[j]
                assert not (grown and risk.is_beyond_share(s, j)), (j, total)
            market.check()

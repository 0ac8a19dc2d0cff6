"""Shares that change while strategies run: when they are given, who is woken, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import InputError, StrategyError
from athena.research import EngineKind, simulate
from athena.research.engine import ShareChange
from athena.research.strategies import load_strategy
from athena.trading import BarStrategy, ShareRecord, View, Wake, WokenStrategy, read_records
from tests.market_builder import MINUTE_NS, Simulated, driftless_bars, setup_of

if TYPE_CHECKING:
    from pathlib import Path

PPM = 1_000_000
N = 300


@dataclass
class Watching(WokenStrategy):
    """Note what it may use, and how often it is asked."""

    wake = Wake(every_ns=10 * MINUTE_NS)
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)

    def on_wake(self, view: View) -> None:
        self.seen[view.step] = (view.equity(), view.lots_for(0.5))


@dataclass
class WatchingBars(BarStrategy):
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)

    def on_bar(self, view: View) -> None:
        self.seen[view.step] = (view.equity(), view.lots_for(0.5))


def run_shared(
    strategies: list[Any], changes: list[ShareChange], **settings: Any
) -> tuple[Simulated, list[ShareRecord]]:
    setup = setup_of([driftless_bars(N, 3)], **settings)
    groups: list[Any] = []
    named = [(f"s{k}", strategy) for k, strategy in enumerate(strategies)]
    outcome = simulate(
        setup, named, shares=changes, on_records=lambda words: groups.append(words.copy())
    )
    words = np.concatenate([np.zeros(0, np.int64), *groups])
    shares = [item for item in read_records(words) if isinstance(item, ShareRecord)]
    return Simulated(setup, outcome, words), shares


def test_shares_are_given_at_the_close_before_anybody_decides() -> None:
    first, second = Watching(), WatchingBars()
    _, shares = run_shared([first, second], [ShareChange(100, (300_000, 700_000))])
    assert shares == [ShareRecord(101, 0, 300_000), ShareRecord(101, 1, 700_000)]
    whole = 1_000_000 * 10**8
    assert second.seen[99][0] == whole // 2
    assert second.seen[100][0] == whole * 7 // 10
    assert first.seen[109][0] == whole * 3 // 10
    assert second.seen[100][1] * 5 // 7 == pytest.approx(second.seen[99][1], rel=0.02)


def test_the_lowered_ones_come_first_so_that_all_are_never_more_than_the_whole() -> None:
    _, shares = run_shared([Watching(), Watching()], [ShareChange(7, (900_000, 100_000))])
    assert shares == [ShareRecord(8, 1, 100_000), ShareRecord(8, 0, 900_000)]


def test_a_share_that_stays_is_no_event() -> None:
    changes = [ShareChange(7, (500_000, 500_000)), ShareChange(9, (500_000, 400_000))]
    _, shares = run_shared([Watching(), Watching()], changes)
    assert shares == [ShareRecord(10, 1, 400_000)]


def test_a_new_share_wakes_nobody() -> None:
    plain, shared = Watching(), Watching()
    run_shared([plain], [])
    run_shared([shared], [ShareChange(13, (400_000,)), ShareChange(14, (800_000,))])
    assert list(plain.seen) == list(shared.seen)
    assert shared.seen[19][0] == plain.seen[19][0] * 8 // 10


@pytest.mark.parametrize(
    "engine",
    [EngineKind.PYTHON, pytest.param(EngineKind.COMPILED, marks=pytest.mark.slow)],
)
def test_how_strategies_are_called_makes_no_difference(
    engine: EngineKind, compiler_cache: Path
) -> None:
    """TR-07, TR-34: woken and bar kinds, interpreted and compiled, give the same words."""
    if engine is EngineKind.COMPILED:
        pytest.importorskip("numba", reason="the extra `fast` is not installed")
    changes = [ShareChange(90, (800_000, 200_000)), ShareChange(200, (0, 1_000_000))]
    found = []
    for kind in ("woken", "bar"):
        pair = [
            load_strategy("sma_cross", {"fast": "3", "slow": "9", "fraction": "1"}, kind=kind)[1],
            load_strategy("sma_bracket", {"fast": "2", "slow": "7", "fraction": "1"}, kind=kind)[
                1
            ],
        ]
        found.append(run_shared(pair, changes, engine=engine, cache=compiler_cache)[0])
    plain = run_shared(
        [
            load_strategy("sma_cross", {"fast": "3", "slow": "9", "fraction": "1"})[1],
            load_strategy("sma_bracket", {"fast": "2", "slow": "7", "fraction": "1"})[1],
        ],
        changes,
    )[0]
    assert found[0].digest == found[1].digest == plain.digest
    assert len(plain.fills.side) > 20


def test_a_strategy_that_runs_alone_has_all_of_it() -> None:
    alone = Watching()
    run_shared([alone], [])
    assert alone.seen[9][0] == 1_000_000 * 10**8


@pytest.mark.parametrize(
    "changes",
    [
        [ShareChange(-1, (1, 1))],
        [ShareChange(N, (1, 1))],
        [ShareChange(5, (1, 1)), ShareChange(5, (2, 2))],
        [ShareChange(5, (1,))],
        [ShareChange(5, (-1, 1))],
        [ShareChange(5, (PPM, 1))],
    ],
)
def test_shares_that_cannot_be_are_refused_before_the_run(changes: list[ShareChange]) -> None:
    with pytest.raises(InputError, match=r"expected (a step|2 shares)"):
        run_shared([Watching(), Watching()], changes)


def test_a_compiled_rule_shares_with_nobody() -> None:
    rule = load_strategy("sma_cross", {}, kind="rule")[1]
    with pytest.raises(InputError, match="alone"):
        run_shared([rule], [ShareChange(5, (1,))])


def test_one_that_raises_is_named_and_the_records_before_it_are_kept() -> None:
    """TR-03, in a portfolio."""

    class Failing(BarStrategy):
        def on_bar(self, view: View) -> None:
            if view.step == 50:
                message = "no"
                raise ValueError(message)

    kept: list[Any] = []
    with pytest.raises(StrategyError, match=r"second raised ValueError: no, on bar 50"):
        simulate(
            setup_of([driftless_bars(N, 3)]),
            [("first", Watching()), ("second", Failing())],
            shares=[ShareChange(10, (1, 2))],
            on_records=lambda words: kept.append(words.copy()),
        )
    assert [type(item) for item in read_records(np.concatenate(kept))] == [ShareRecord] * 2

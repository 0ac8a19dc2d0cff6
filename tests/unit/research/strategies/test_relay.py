"""A relay: who decides when, what is handed over, and what each leg is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from athena.domain import Book, Side
from athena.errors import InputError, StrategyError
from athena.research.strategies import Leg, load_strategy, relay_of
from athena.trading import BarStrategy, Intent, Wake, WokenStrategy
from tests.market_builder import HOUR_NS, Simulated, driftless_bars, run, setup_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, View

N = 600
BARS = driftless_bars(N, 3, interval_ns=HOUR_NS)


def leg(n_steps: int, name: str = "sma_cross", kind: str = "woken", **parameters: object) -> Leg:
    texts = {key: str(value) for key, value in parameters.items()}
    strategy = load_strategy(name, texts, kind=kind)[1]
    assert isinstance(strategy, BarStrategy | WokenStrategy)
    return Leg(strategy, n_steps)


def relayed(*legs: Leg) -> Simulated:
    """Run a relay over the last bars, with those before as history."""
    n_steps = sum(item.n_steps for item in legs)
    history = setup_of([BARS]).market
    return run(setup_of([BARS.rows(N - n_steps, N)]), relay_of(history, legs))


@dataclass
class Hold(WokenStrategy):
    """Want so many lots when asked, and note when that was; asked on the first bar only."""

    wake: ClassVar[Wake] = Wake(on_change=("same",))

    lots: int = 0
    below: int = 0
    asked: list[int] = field(default_factory=list)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        return {"same": np.zeros(len(market.close_ns), np.int8)}

    def on_wake(self, view: View) -> Intent | None:
        self.asked.append(view.step)
        if self.below:
            view.wake_at(below=self.below)
        missing = self.lots - view.position
        if not missing or view.n_working:
            return None
        return Intent(side=Side.BUY if missing > 0 else Side.SELL, lots=abs(missing))


def test_one_leg_is_the_strategy_itself() -> None:
    plain = run(setup_of([BARS]), leg(N, fast=5, slow=20).strategy)
    assert relayed(leg(N, fast=5, slow=20)).digest == plain.digest


def test_equal_legs_are_the_strategy_itself() -> None:
    """A hand-over to the same parameters changes no order: nothing is closed and opened anew."""
    plain = run(setup_of([BARS]), leg(N, fast=5, slow=20).strategy)
    parts = [leg(200, fast=5, slow=20) for _ in range(3)]
    assert relayed(*parts).digest == plain.digest


def test_called_and_woken_legs_come_to_the_same() -> None:
    lengths = ((200, 5, 20), (150, 3, 12), (100, 8, 40))
    digests = {
        relayed(*(leg(n, kind=kind, fast=fast, slow=slow) for n, fast, slow in lengths)).digest
        for kind in ("woken", "bar")
    }
    assert len(digests) == 1


def test_the_next_leg_decides_at_once_on_what_it_is_handed() -> None:
    first, second = Hold(lots=7), Hold(lots=2)
    done = relayed(Leg(first, 100), Leg(second, 50))
    assert (first.asked, second.asked) == ([450], [550]), "steps of the history"
    fills = done.fills
    assert fills.marks.tolist() == [1, 101], "ordered at a close, filled on the next bar"
    assert (fills.lots * fills.side).tolist() == [7, -5]


def test_price_levels_are_not_handed_over() -> None:
    first, second = Hold(below=10**9), Hold()
    relayed(Leg(first, 100), Leg(second, 50))
    assert first.asked == list(range(450, 550))
    assert second.asked == [550]


def test_signals_use_the_history_and_end_with_their_leg() -> None:
    seen: list[tuple[int, int]] = []

    class Spy(Hold):
        def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
            seen.append((len(market.close_ns), int(market.close_ns[-1])))
            return super().signals(market)

    relayed(Leg(Spy(), 100), Leg(Spy(), 50))
    close_ns = BARS.ts_ns + HOUR_NS
    assert seen == [(550, close_ns[549]), (600, close_ns[599])]


def test_signals_are_warm_on_the_first_bar() -> None:
    """A mean over 300 bars is known at once, where the run alone would wait for it."""
    history = setup_of([BARS])
    relay = relay_of(history.market, [leg(200, fast=5, slow=300)])
    own = setup_of([BARS.rows(N - 200, N)])
    warm = relay.signals(own.market)["trend"]
    assert (warm != 0).all()
    assert (leg(200, fast=5, slow=300).strategy.signals(own.market)["trend"] == 0).all()


def test_steps_count_on_the_history_as_the_legs_own_columns_do() -> None:
    """Else a column that a strategy keeps is read at the wrong bar; lazy wishes included."""
    seen: list[bool] = []

    class Keeper(BarStrategy):
        def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
            self.close = market.close[0]
            return {}

        def on_bar(self, view: View) -> Iterator[Intent]:
            yield from ()
            seen.append(bool(self.close[view.step] == view.bar.close))

    done = relayed(Leg(Keeper(), 100), Leg(Keeper(), 50))
    assert len(done.setup.columns.close_ns) == len(seen) == 150
    assert all(seen)


def test_the_core_book_is_that_of_the_legs() -> None:
    legs = [leg(100, "rebalance"), leg(100, "rebalance", tolerance=0.1)]
    relay = relay_of(setup_of([BARS]).market, legs)
    assert relay.book is Book.CORE
    assert relayed(*legs).fills.marks.size > 0


def test_a_leg_of_ones_own_does_not_get_into_the_core_book() -> None:
    class Mine(Hold):
        book: ClassVar[Book] = Book.CORE

    with pytest.raises(InputError, match="expected Mine in the trading book"):
        relayed(Leg(Mine(), N))


def test_hold_keeps_what_it_is_handed() -> None:
    """Half of the equity, not half of it again at each hand-over."""
    done = relayed(*(leg(100, "hold", fraction=0.5) for _ in range(3)))
    assert done.fills.marks.tolist() == [1]


@pytest.mark.parametrize("legs", [[], [leg(100), leg(100, "hold")]], ids=["none", "two classes"])
def test_what_is_no_relay_is_refused(legs: list[Leg]) -> None:
    with pytest.raises(InputError, match="of one class"):
        relay_of(setup_of([BARS]).market, legs)


@dataclass
class Clock(Hold):
    """Be woken by a timer that is a parameter, or that changes when signals are computed."""

    hours: int = 24
    later: int = 0

    def __post_init__(self) -> None:
        self.wake = Wake(every_ns=self.hours * HOUR_NS)  # type: ignore[misc] # of an instance

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        if self.later:
            self.wake = Wake(every_ns=self.later * HOUR_NS)  # type: ignore[misc]
        return super().signals(market)


def test_legs_that_wake_otherwise_are_refused() -> None:
    """One run has one wake: the first leg's would be used for all of them."""
    both = f"one wake .* every_ns={24 * HOUR_NS}.* and .* every_ns={3 * HOUR_NS}"
    for other in (Clock(hours=3), Clock(later=3)):
        with pytest.raises(InputError, match=both):
            relayed(Leg(Clock(), 100), Leg(other, 50))


def test_legs_that_wake_alike_are_not_refused() -> None:
    first, second = Clock(hours=50), Clock(hours=50)
    relayed(Leg(first, 100), Leg(second, 100))
    assert (first.asked, second.asked) == ([411, 461], [500, 511, 561])


def test_legs_of_two_books_are_refused() -> None:
    core = Hold()
    core.book = Book.CORE  # type: ignore[misc] # of an instance, which a strategy may try
    with pytest.raises(InputError, match=r"one book .* was trading and core"):
        relayed(Leg(Hold(), 100), Leg(core, 50))


def test_legs_from_imports_of_their_own_are_of_one_class() -> None:
    """Classes of two imports of one file have the same name and are not the same."""
    twin = type("Hold", (Hold,), {"__qualname__": Hold.__qualname__})
    done = relayed(Leg(Hold(lots=7), 100), Leg(twin(lots=2), 50))
    assert (done.fills.lots * done.fills.side).tolist() == [7, -5]


def test_a_relay_on_other_bars_than_its_own_is_refused() -> None:
    relay = relay_of(setup_of([BARS]).market, [leg(100)])
    with pytest.raises(InputError, match="end of its history"):
        run(setup_of([BARS.rows(0, 100)]), relay)


def test_signals_of_another_shape_or_name_are_refused() -> None:
    class Short(Hold):
        def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
            return {"same": np.zeros(self.lots or len(market.close_ns))}

    class Named(Hold):
        def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
            return {f"same{self.lots}": np.zeros(len(market.close_ns))}

    with pytest.raises(InputError, match=r"signal 'same' of shape \(600,\), was \(5,\)"):
        relayed(Leg(Short(lots=5), N))
    with pytest.raises(InputError, match=r"the signals \['same1'\] of every leg"):
        relayed(Leg(Named(lots=1), 100), Leg(Named(lots=2), 100))


def test_a_leg_that_raises_is_blamed() -> None:
    class Raising(Hold):
        def on_wake(self, view: View) -> Intent | None:
            message = f"at {view.step}"
            raise ValueError(message)

    with pytest.raises(StrategyError, match="ValueError: at 0, on bar 0"):
        relayed(Leg(Raising(), N))

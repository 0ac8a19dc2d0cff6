"""Prefix invariance: what is found, where, and how it is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from athena.errors import InputError, StrategyError
from athena.research.audit import Feature, Output, World, audit
from athena.research.audit._prefix import first_difference
from tests.market_builder import HOUR_NS, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

N = 900
WORLD = World.of([driftless_bars(N, 5, interval_ns=HOUR_NS)])


def closes(world: World) -> Any:
    return world.bars[0].close_ticks.astype(np.float64)


def feature(compute: Callable[[World], Any], context: int = 64) -> Feature:
    return Feature("planted", lambda world: {"value": compute(world)}, context)


def leak_at(bar: int, ahead: int) -> Callable[[World], Any]:
    """Know, at one bar only, the close of a later one."""
    moment = int(WORLD.moments()[bar])

    def compute(world: World) -> Any:
        values = closes(world)
        times = world.bars[0].ts_ns + HOUR_NS
        row = np.searchsorted(times, moment)
        if row < len(times) and times[row] == moment and row + ahead < len(values):
            values[row] = values[row + ahead]
        return values

    return compute


@pytest.mark.parametrize("bar", [0, 1, 63, 64, 127, 128, 400, N - 2])
def test_a_leak_of_one_bar_at_one_bar_is_found_and_named(bar: int) -> None:
    """D02: at every bar, one-bar leaks included."""
    result = audit(lambda: feature(leak_at(bar, 1)), WORLD)
    assert not result.is_clean
    (found,) = result.violations
    assert (found.bar, found.output) == (bar, "value")
    assert found.time_ns == int(WORLD.moments()[bar])
    assert found.inputs == ("TEST/USD close_ticks",)
    assert float(found.full) == closes(WORLD)[bar + 1]
    assert float(found.prefix) == closes(WORLD)[bar]


@given(bar=st.integers(0, N - 40), ahead=st.integers(1, 30))
def test_a_leak_of_some_bars_is_found_at_its_bar(bar: int, ahead: int) -> None:
    assume(closes(WORLD)[bar] != closes(WORLD)[bar + ahead])
    (found,) = audit(lambda: feature(leak_at(bar, ahead)), WORLD).violations
    assert found.bar == bar


def test_a_leak_that_only_far_cuts_see_is_bisected() -> None:
    """The value at bar 300 knows what comes 400 bars later: no stretch reaches so far."""
    result = audit(lambda: feature(leak_at(300, 400)), WORLD)
    (found,) = result.violations
    assert found.bar == 300
    assert "bisected" in found.method


def test_every_value_of_an_honest_feature_is_checked() -> None:
    def mean(world: World) -> Any:
        values = closes(world)
        out = np.full(len(values), np.nan)
        total = np.append(0.0, np.cumsum(values))
        out[9:] = (total[10:] - total[:-10]) / 10
        return out

    # The running total of a stretch begins elsewhere, but the same for both sides of a cut.
    result = audit(lambda: feature(mean), WORLD)
    assert result.violations == ()
    assert result.is_clean
    assert result.n_points >= N - 9
    assert result.n_runs > N


def test_a_value_that_is_never_defined_proves_nothing() -> None:
    result = audit(lambda: feature(lambda world: np.full(len(world.bars[0]), np.nan)), WORLD)
    assert result.violations == ()
    assert not result.is_clean


def test_every_output_is_judged_on_its_own() -> None:
    both = Feature(
        "two", lambda world: {"honest": closes(world), "leaking": leak_at(7, 1)(world)}, 64
    )
    (found,) = audit(lambda: both, WORLD).violations
    assert found.output == "leaking"


def test_an_output_that_comes_and_goes_is_found() -> None:
    def compute(world: World) -> Mapping[str, Any]:
        return {"value": closes(world)} if len(world.bars[0]) == N else {}

    result = audit(lambda: Feature("fickle", compute, 0), WORLD)
    assert result.violations[0].prefix == "nothing"


def test_a_column_that_only_the_number_of_bars_changes_names_no_input() -> None:
    counted = feature(lambda world: np.full(len(world.bars[0]), float(len(world.bars[0]))))
    assert audit(lambda: counted, WORLD).violations[0].inputs == ()


def test_a_column_that_all_prices_together_change_says_so() -> None:
    """The range of the next bar over its close moves only when they move together."""

    def compute(world: World) -> Any:
        bars = world.bars[0]
        level = np.append(np.minimum(bars.low_ticks[1:], 10**6) > 10**5, np.array([False]))
        return (level & np.append(bars.low_ticks[1:] > 0, np.array([True]))).astype(float)

    cheap = audit(lambda: feature(compute), WORLD)
    assert cheap.violations == ()  # nothing there is so high: no leak shows on these bars


@dataclass(frozen=True)
class Fitted:
    """Whatever is fitted once, at bar 500, on rows that end `late` bars after it."""

    late: int
    name: str = "scaler"
    context_bars: int = 0

    def evaluate(self, world: World) -> Mapping[str, Output]:
        moment = WORLD.moments()[500]
        rows = closes(world)[: 501 + self.late]
        n = int(len(world.bars[0]) > 500)
        return {"mean": Output(np.full(n, rows.mean()), np.full(n, moment, np.int64))}


@pytest.mark.parametrize("late", [1, 5, 300])
def test_what_is_fitted_once_on_later_rows_is_found(late: int) -> None:
    """LA-3: the fit, not the forecasts; even where no cut falls on its own bar by chance."""
    assert audit(lambda: Fitted(late), WORLD).violations[0].output == "mean"


def test_what_is_fitted_on_its_own_past_is_not() -> None:
    assert audit(lambda: Fitted(0), WORLD).violations == ()


def test_a_value_that_needs_more_bars_than_it_says_is_cut_at_every_bar_all_the_same() -> None:
    """A mean of 300 bars says 64: its stretches are made long enough, and the leak shows."""

    def compute(world: World) -> Any:
        values = closes(world)
        out = np.full(len(values), np.nan)
        total = np.append(0.0, np.cumsum(values))
        out[299:] = (total[300:] - total[:-300]) / 300 if len(values) >= 300 else out[299:]
        jumps = np.append(np.diff(values), 0.0)
        return out + np.where(jumps > 60, jumps, 0.0)

    result = audit(lambda: feature(compute), WORLD)
    assert result.violations[0].bar >= 299

    def honest(world: World) -> Any:
        values = closes(world)
        out = np.full(len(values), np.nan)
        total = np.append(0.0, np.cumsum(values))
        out[299:] = (total[300:] - total[:-300]) / 300 if len(values) >= 300 else out[299:]
        return out

    clean = audit(lambda: feature(honest), WORLD)
    assert clean.is_clean
    assert clean.n_points >= N - 299


def test_what_gives_other_values_each_time_is_told_from_a_leak() -> None:
    rng = np.random.default_rng()
    (found,) = audit(lambda: feature(lambda w: rng.random(len(w.bars[0]))), WORLD).violations
    assert "not repeatable" in found.method
    assert found.inputs == ()


def test_a_sum_in_another_order_is_named_as_rounding() -> None:
    def compute(world: World) -> Any:
        values = closes(world) / 3.0
        return np.fft.irfft(np.fft.rfft(values, 2 * len(values)), 2 * len(values))[: len(values)]

    (found,) = audit(lambda: feature(compute), WORLD).violations
    assert "only the last digits differ" in found.method


def test_what_raises_is_named_with_the_number_of_bars() -> None:
    def compute(world: World) -> Any:
        return np.lib.stride_tricks.sliding_window_view(closes(world), 50)[:, 0]

    with pytest.raises(StrategyError, match=r"planted raised ValueError.*on the first 1 bars"):
        audit(lambda: feature(compute), World.of([WORLD.bars[0].rows(0, 1)]))


def test_outputs_are_rows_with_times_in_order() -> None:
    times = np.array([1, 2], np.int64)
    with pytest.raises(InputError, match="one time each"):
        Output(np.zeros(3), times)
    with pytest.raises(InputError, match="numbers"):
        Output(np.array(["a", "b"]), times)
    with pytest.raises(InputError, match="order"):
        Output(np.zeros(2), times[::-1])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], -1),
        ([1.0, np.nan, 3.0], [1.0, np.nan, 3.0], -1),
        ([1.0, 2.0, 3.0], [1.0, 9.0, 3.0], 1),
        ([1.0, 2.0, 3.0], [1.0, 2.0], 2),
        ([1.0, 2.0, np.nan], [1.0, 2.0, 3.0], 2),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0], -1),  # the cut comes before the fourth
    ],
)
def test_the_first_row_that_differs(one: list[float], other: list[float], expected: int) -> None:
    def output(values: list[float]) -> Output:
        return Output(np.array(values), np.arange(len(values)))

    assert first_difference(output(one), output(other), cut_ns=2) == expected

"""Specimens whose columns see the future: each beside an honest twin that wants the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, HOUR_NS
from athena.market import closed_index, resample
from athena.research.audit._features import Feature
from athena.research.audit._subject import Output
from athena.research.audit.gallery._bars import close_times, closes, returns, trailing_mean
from athena.research.audit.gallery._specimen import Specimen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.research.audit._world import World

    Floats = NDArray[np.float64]

_WINDOW = 5
_SLOW = 48
_KEPT_FREQUENCIES = 8  # one in so many
_LATE_NS = 6 * HOUR_NS


def _next_return(world: World) -> Floats:
    return np.append(returns(world)[1:], 0.0)


def _centred(world: World) -> Floats:
    mean = trailing_mean(closes(world), _WINDOW)
    half = _WINDOW // 2
    return np.append(mean[half:], np.full(half, np.nan))[: len(mean)]


def _trailing(world: World) -> Floats:
    return trailing_mean(closes(world), _WINDOW)


def _whole_score(world: World) -> Floats:
    values = closes(world)
    score: Floats = (values - values.mean()) / max(float(values.std()), 1.0)
    return score


def _window_score(world: World) -> Floats:
    values = closes(world)
    mean = trailing_mean(values, _SLOW)
    return (values - mean) / np.maximum(np.sqrt(trailing_mean((values - mean) ** 2, _SLOW)), 1.0)


def _whole_range(world: World) -> Floats:
    values = closes(world)
    share: Floats = (values - values.min()) / max(float(np.ptp(values)), 1.0)
    return share


def _range_so_far(world: World) -> Floats:
    values = closes(world)
    low, high = np.minimum.accumulate(values), np.maximum.accumulate(values)
    share: Floats = (values - low) / np.maximum(high - low, 1.0)
    return share


def _smoothed(world: World) -> Floats:
    values = np.log(closes(world))
    spectrum = np.fft.rfft(values)
    spectrum[len(spectrum) // _KEPT_FREQUENCIES + 1 :] = 0
    return np.fft.irfft(spectrum, len(values))


def _averaged(world: World) -> Floats:
    """Smooth with what is past: an exponential mean."""
    value, smoothed = np.nan, []
    for price in np.log(closes(world)).tolist():
        value = price if np.isnan(value) else value + 0.1 * (price - value)
        smoothed.append(value)
    return np.array(smoothed)


def _frame_early(world: World) -> Floats:
    """Show the close of the day that is still going on."""
    bars = world.bars[0]
    higher = resample(bars, DAY_NS)
    index = np.searchsorted(higher.ts_ns, bars.ts_ns, side="right") - 1
    return higher.close_ticks[index].astype(np.float64)


def _frame_closed(world: World) -> Floats:
    bars = world.bars[0]
    higher = resample(bars, DAY_NS)
    index = closed_index(bars, higher)
    return np.where(index >= 0, higher.close_ticks[index], np.nan)


def _hourly_grid(world: World) -> Floats:
    """Return the closes on the hourly grid, up to now; NaN in outages."""
    bars = world.bars[0]
    n = (world.now_ns - int(bars.ts_ns[0])) // bars.interval_ns
    grid = np.full(n, np.nan)
    grid[(bars.ts_ns - bars.ts_ns[0]) // bars.interval_ns] = closes(world)
    return grid


def _back_filled(world: World) -> Floats:
    """Fill an outage with the price after it."""
    grid = _hourly_grid(world)
    following = np.where(np.isnan(grid), len(grid), np.arange(len(grid)))
    following = np.minimum.accumulate(following[::-1])[::-1]
    return np.append(grid, np.nan)[following]


def _forward_filled(world: World) -> Floats:
    """Fill an outage with the price before it."""
    grid = _hourly_grid(world)
    newest = np.maximum.accumulate(np.where(np.isnan(grid), 0, np.arange(len(grid))))
    return grid[newest]


@dataclass(frozen=True, slots=True)
class _OnGrid:
    """A column with a value for every hour, outages included."""

    name: str
    compute: Callable[[World], Floats]
    context_bars: int = 256

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Compute the column."""
        bars = world.bars[0]
        values = self.compute(world)
        known_ns = bars.ts_ns[0] + bars.interval_ns * np.arange(1, len(values) + 1)
        return {"value": Output(values, known_ns)}


def _by_observation_date(world: World) -> Floats:
    """Join a late figure by the day it is about, not by when it was known."""
    figure = world.observations[0]
    about_ns = figure.known_ns - _LATE_NS
    newest = np.searchsorted(about_ns, close_times(world), side="right") - 1
    return np.concatenate(([np.nan], figure.values))[newest + 1]


def _as_of(world: World) -> Floats:
    return world.observations[0].as_of(close_times(world))


def column_specimens() -> list[Specimen]:
    """List the specimens that are columns."""

    def specimen(
        name: str, how: str, leak: Callable[[World], Floats], twin: Callable[[World], Floats]
    ) -> Specimen:
        def feature(kind: str, compute: Callable[[World], Floats]) -> Feature:
            return Feature(f"{name}, {kind}", lambda world: {"value": compute(world)})

        return Specimen(name, how, feature("leaking", leak), feature("honest", twin))

    return [
        specimen("shift(-1)", "the next return as a feature", _next_return, returns),
        specimen("centred window", "a mean of two bars ahead", _centred, _trailing),
        specimen(
            "whole-series z-score", "mean and deviation of all data", _whole_score, _window_score
        ),
        specimen(
            "whole-series min-max", "lowest and highest of all data", _whole_range, _range_so_far
        ),
        specimen("spectral smoothing", "frequencies of all data", _smoothed, _averaged),
        specimen(
            "higher frame early", "the close of a day not yet over", _frame_early, _frame_closed
        ),
        Specimen(
            "back-fill across an outage",
            "the first price after it",
            _OnGrid("back-fill across an outage, leaking", _back_filled),
            _OnGrid("back-fill across an outage, honest", _forward_filled),
        ),
        specimen(
            "late figure by its own date",
            "known 6 hours before it was",
            _by_observation_date,
            _as_of,
        ),
    ]

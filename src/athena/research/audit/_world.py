"""What could be known by a moment: bars and dated observations, cut, spoilt and shuffled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import BAR_COLUMNS, Bars, Provenance, content_sha256
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Random = np.random.Generator

PRICE_COLUMNS = BAR_COLUMNS[1:5]
_SPIKED = BAR_COLUMNS[1:]
_SMALLEST_FACTOR = 0.2
_LARGEST_FACTOR = 5.0
_SPIKE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """A series whose values become known late: a macro figure, a headline's score (LA-9).

    Attributes:
        name: of the series.
        known_ns: (N,) int64, when each value could first be known, rising.
        values: (N,) float64.
    """

    name: str
    known_ns: Ints
    values: Floats

    def __post_init__(self) -> None:
        """Refuse values without a time, or times out of order."""
        if self.known_ns.shape != self.values.shape or np.any(np.diff(self.known_ns) < 0):
            message = f"expected one rising time for each value of {self.name}, was something else"
            raise InputError(message)

    def as_of(self, times_ns: Ints) -> Floats:
        """Return the newest value known at each time, (T,) float64; NaN before the first."""
        newest = np.searchsorted(self.known_ns, times_ns, side="right") - 1
        with_nothing = np.concatenate(([np.nan], self.values))
        found: Floats = with_nothing[newest + 1]
        return found

    def until(self, now_ns: int) -> Observations:
        """Cut to what is known by a moment."""
        last = int(np.searchsorted(self.known_ns, now_ns, side="right"))
        return replace(self, known_ns=self.known_ns[:last], values=self.values[:last])


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything that could be known by a moment.

    A bar is known from its close on, an observation from its own time on.

    Attributes:
        bars: one per instrument, at least one.
        now_ns: the moment; nothing in the world is known later.
        observations: dated series, by name.
    """

    bars: tuple[Bars, ...]
    now_ns: int
    observations: tuple[Observations, ...] = field(default=())

    @classmethod
    def of(cls, bars: Sequence[Bars], observations: Sequence[Observations] = ()) -> World:
        """Build the world at the last close of its bars.

        Raises:
            InputError: there are no bars.
        """
        if not bars or any(len(item) == 0 for item in bars):
            message = "expected bars of every instrument of a world, was none"
            raise InputError(message)
        now_ns = max(int(item.ts_ns[-1]) + item.interval_ns for item in bars)
        return cls(tuple(bars), now_ns, tuple(observations)).until(now_ns)

    def until(self, now_ns: int) -> World:
        """Return the world as it was at a moment."""
        return World(
            tuple(item.rows(0, n_known(item, now_ns)) for item in self.bars),
            now_ns,
            tuple(item.until(now_ns) for item in self.observations),
        )

    def since(self, start_ns: int) -> World:
        """Return the world without the bars that opened before a time."""
        return replace(self, bars=tuple(item.between(start_ns, None) for item in self.bars))

    def moments(self) -> Ints:
        """Return (M,) the times at which something became known, once every instrument has a bar.

        Rising and distinct; they are the places to cut at.
        """
        closes = [item.ts_ns + item.interval_ns for item in self.bars]
        first = max(int(item[0]) for item in closes)
        known = np.unique(np.concatenate([*closes, *(o.known_ns for o in self.observations)]))
        return known[(known >= first) & (known <= self.now_ns)]

    def inputs(self) -> list[str]:
        """Name the input columns, such as ``BTC/USD close_ticks``."""
        names = [f"{item.instrument.symbol} {column}" for item in self.bars for column in _SPIKED]
        return names + [item.name for item in self.observations]

    def poisoned(self, after_ns: int, seed: int) -> World:
        """Return a world of the same length whose later rows are garbage (LA-2).

        Bars keep low <= open, close <= high, so that nothing refuses them.
        """
        rng = np.random.Generator(np.random.PCG64(seed))
        bars = tuple(_poison(item, n_known(item, after_ns), rng) for item in self.bars)
        observations = tuple(_poison_series(item, after_ns, rng) for item in self.observations)
        return World(bars, self.now_ns, observations)

    def spiked(self, after_ns: int, name: str, *, is_up: bool) -> World:
        """Return a world in which only one input column is higher, or lower, after a moment.

        Open and close stay inside their bar.

        Raises:
            InputError: there is no such column.
        """
        if name not in self.inputs():
            message = f"expected an input out of {', '.join(self.inputs())}, was {name!r}"
            raise InputError(message)
        bars = tuple(
            _spike(item, n_known(item, after_ns), name, is_up=is_up) for item in self.bars
        )
        observations = tuple(
            _spike_series(item, after_ns, is_up=is_up) if item.name == name else item
            for item in self.observations
        )
        return World(bars, self.now_ns, observations)

    def dealt(self, after_ns: int, seed: int) -> World:
        """Return a world whose later bars come in another order, as the veil shows them."""
        rng = np.random.Generator(np.random.PCG64(seed))
        bars = tuple(_deal_later(item, n_known(item, after_ns), rng) for item in self.bars)
        return replace(self, bars=bars)

    def shuffled(self, seed: int) -> World:
        """Return a null world: the same bars in random order, each mirrored or not (LA-4).

        A step up and the same step down are equally likely, so nothing can be foreseen; a price
        expects itself. Bars of one time line are dealt together. Observations are left out.
        """
        rng = np.random.Generator(np.random.PCG64(seed))
        first = self.bars[0]
        deals = {len(first): _deal(len(first), rng)}
        for item in self.bars[1:]:
            if len(item) not in deals:
                deals[len(item)] = _deal(len(item), rng)
        bars = tuple(_shuffle(item, *deals[len(item)]) for item in self.bars)
        return World(bars, self.now_ns)


def n_known(bars: Bars, now_ns: int) -> int:
    """Count the bars that have closed by a moment."""
    return int(np.searchsorted(bars.ts_ns, now_ns - bars.interval_ns, side="right"))


def _remade(bars: Bars, columns: dict[str, Ints], what: str) -> Bars:
    """Return bars with other columns, and a provenance that says so."""
    table: dict[str, Any] = {
        name: np.ascontiguousarray(column, np.int64) for name, column in columns.items()
    }
    made = replace(bars, **table)
    origin = f"{bars.provenance.origin}, {what}"
    provenance = Provenance(
        bars.provenance.name, origin, content_sha256(made.columns()), is_synthetic=True
    )
    return replace(made, provenance=provenance)


def _poison(bars: Bars, first: int, rng: Random) -> Bars:
    n = len(bars) - first
    factor = rng.uniform(_SMALLEST_FACTOR, _LARGEST_FACTOR, n)
    columns = {}
    for name in PRICE_COLUMNS:
        column = getattr(bars, name).copy()
        column[first:] = np.maximum(np.rint(column[first:] * factor), 1)
        columns[name] = column
    volume = bars.volume_lots.copy()
    volume[first:] = np.rint(volume[first:] * rng.uniform(0.0, _LARGEST_FACTOR, n))
    return _remade(bars, {**columns, "volume_lots": volume}, "its end spoilt")


def _deal_later(bars: Bars, first: int, rng: Random) -> Bars:
    order = np.concatenate((np.arange(first), first + rng.permutation(len(bars) - first)))
    columns = {name: getattr(bars, name)[order] for name in _SPIKED}
    return _remade(bars, columns, "its end dealt anew")


def _poison_series(item: Observations, after_ns: int, rng: Random) -> Observations:
    values = item.values.copy()
    later = item.known_ns > after_ns
    scale = float(np.nanstd(values)) if len(values) else 0.0
    values[later] = rng.normal(0.0, 10.0 * scale + 1.0, int(later.sum()))
    return replace(item, values=values)


def _spike(bars: Bars, first: int, name: str, *, is_up: bool) -> Bars:
    symbol, _, column = name.rpartition(" ")
    if symbol != bars.instrument.symbol or column not in _SPIKED:
        return bars
    later = slice(first, None)
    low, high = bars.low_ticks[later], bars.high_ticks[later]
    values = getattr(bars, column).copy()
    if column in ("open_ticks", "close_ticks"):
        values[later] = high if is_up else low
    elif column == "high_ticks":
        body = np.maximum(bars.open_ticks[later], bars.close_ticks[later])
        values[later] = _SPIKE * high if is_up else body
    elif column == "low_ticks":
        body = np.minimum(bars.open_ticks[later], bars.close_ticks[later])
        values[later] = body if is_up else np.maximum(low // _SPIKE, 1)
    else:
        values[later] = _SPIKE * values[later] + 1 if is_up else values[later] // _SPIKE
    return _remade(bars, {column: values}, f"{column} spiked")


def _spike_series(item: Observations, after_ns: int, *, is_up: bool) -> Observations:
    values = item.values.copy()
    later = item.known_ns > after_ns
    reach = 1.0 + _SPIKE * np.abs(values[later])
    values[later] += reach if is_up else -reach
    return replace(item, values=values)


def _deal(n: int, rng: Random) -> tuple[Ints, Floats, Floats]:
    """Deal an order of the bars after the first, and signs for their gaps and bodies."""
    order = rng.permutation(n - 1) + 1
    gap_signs, body_signs = rng.choice(np.array([-1.0, 1.0]), (2, n - 1))
    return order, gap_signs, body_signs


def _shuffle(bars: Bars, order: Ints, gap_signs: Floats, body_signs: Floats) -> Bars:
    open_, high, low, close = (getattr(bars, name).astype(float) for name in PRICE_COLUMNS)
    if len(bars) < 2:  # noqa: PLR2004 - one bar has no order
        return bars
    # Simple moves, mirrored by sign: the price expects itself. A move beyond 90 % is cut there.
    gap = np.clip(gap_signs * (open_[order] / close[order - 1] - 1), -0.9, 0.9)
    up, down, body = (side[order] / open_[order] - 1 for side in (high, low, close))
    body = np.clip(body_signs * body, -0.9, 0.9)
    is_mirrored = body_signs < 0
    reach_up = np.where(is_mirrored, -down, up)
    reach_down = np.maximum(np.where(is_mirrored, -up, down), -0.9)
    closes = close[0] * np.cumprod((1 + gap) * (1 + body))
    opens = closes / (1 + body)
    made = np.rint([opens, opens * (1 + reach_up), opens * (1 + reach_down), closes])
    made = np.maximum(made, 1)
    made[1] = np.maximum(made[1], np.maximum(made[0], made[3]))
    made[2] = np.minimum(made[2], np.minimum(made[0], made[3]))
    columns = {
        name: np.concatenate((getattr(bars, name)[:1], row.astype(np.int64)))
        for name, row in zip(PRICE_COLUMNS, made, strict=True)
    }
    volume = np.concatenate((bars.volume_lots[:1], bars.volume_lots[order]))
    return _remade(bars, {**columns, "volume_lots": volume}, "its bars dealt anew")

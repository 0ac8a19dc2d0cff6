"""Worlds: what could be known by a moment."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.audit import Observations, World
from athena.research.audit.gallery import gallery_world
from tests.market_builder import HOUR_NS, START_NS, after, driftless_bars

HOUR = HOUR_NS


@pytest.fixture
def world() -> World:
    return gallery_world()


def test_a_world_knows_bars_from_their_close_and_observations_from_their_own_time() -> None:
    """LA-9."""
    bars = driftless_bars(10, 1, interval_ns=HOUR)
    figure = Observations(
        "figure", START_NS + np.array([90, 150]) * 60 * 10**9, np.array([1.0, 2.0])
    )
    world = World.of([bars], [figure])
    at_two = world.until(START_NS + 2 * HOUR)
    assert len(at_two.bars[0]) == 2
    assert at_two.observations[0].values.tolist() == [1.0]
    just_before = world.until(START_NS + 2 * HOUR - 1)
    assert len(just_before.bars[0]) == 1
    asked = START_NS + np.array([1, 2, 3]) * HOUR
    assert figure.as_of(asked).tolist()[1:] == [1.0, 2.0]
    assert np.isnan(figure.as_of(asked)[0])


def test_moments_begin_when_every_instrument_has_a_bar() -> None:
    early = driftless_bars(10, 1, interval_ns=HOUR)
    late = driftless_bars(10, 2, "BTC/USD", HOUR).rows(4, 10)
    moments = World.of([early, late]).moments()
    assert moments.tolist() == (START_NS + HOUR * np.arange(5, 11)).tolist()


def test_a_world_without_bars_is_refused() -> None:
    with pytest.raises(InputError, match="expected bars"):
        World.of([])
    with pytest.raises(InputError, match="rising time"):
        Observations("figure", np.array([2, 1]), np.array([0.0, 0.0]))


@pytest.mark.parametrize("cut", [0, 300, 1_000])
def test_a_spoilt_future_leaves_the_past_alone_and_is_still_made_of_bars(
    world: World, cut: int
) -> None:
    moment = int(world.bars[0].ts_ns[cut]) + HOUR
    spoilt = world.poisoned(moment, seed=1)
    for one, two in zip(world.bars[0].columns(), spoilt.bars[0].columns(), strict=True):
        assert np.array_equal(one[: cut + 1], two[: cut + 1])
    bars = spoilt.bars[0]
    changed = world.bars[0].close_ticks[cut + 1 :] != bars.close_ticks[cut + 1 :]
    assert changed.mean() > 0.9
    assert (bars.low_ticks <= np.minimum(bars.open_ticks, bars.close_ticks)).all()
    assert (bars.high_ticks >= np.maximum(bars.open_ticks, bars.close_ticks)).all()
    assert bars.provenance.is_synthetic
    known = world.observations[0].known_ns <= moment
    before, behind = world.observations[0].values, spoilt.observations[0].values
    assert np.array_equal(before[known], behind[known])
    assert (before[~known] != behind[~known]).all()


def test_a_spike_moves_one_column_and_nothing_before_it(world: World) -> None:
    moment = int(world.moments()[700])
    for name in world.inputs():
        moved = [world.spiked(moment, name, is_up=up) for up in (True, False)]
        for other in moved:
            differs = [
                not np.array_equal(a, b)
                for a, b in zip(world.bars[0].columns(), other.bars[0].columns(), strict=True)
            ]
            series = not np.array_equal(world.observations[0].values, other.observations[0].values)
            assert sum(differs) + series == 1, name
            past = other.until(moment).bars[0]
            assert np.array_equal(past.close_ticks, world.until(moment).bars[0].close_ticks)
            bars = other.bars[0]
            assert (bars.low_ticks <= np.minimum(bars.open_ticks, bars.close_ticks)).all()
            assert (bars.high_ticks >= np.maximum(bars.open_ticks, bars.close_ticks)).all()
    with pytest.raises(InputError, match="expected an input"):
        world.spiked(moment, "TEST/USD colour", is_up=True)


def test_shuffled_bars_are_as_wild_and_cannot_be_foreseen(world: World) -> None:
    """LA-4: permuted data give the base rate; a rising market does not rise when dealt anew."""
    bars = world.bars[0]
    drift = np.arange(len(bars)) * 40
    rising = World.of([_moved(world, drift)])
    ends, signs = [], []
    for seed in range(200):
        null = rising.shuffled(seed).bars[0]
        assert (null.low_ticks <= np.minimum(null.open_ticks, null.close_ticks)).all()
        assert (null.high_ticks >= np.maximum(null.open_ticks, null.close_ticks)).all()
        assert sorted(null.volume_lots) == sorted(bars.volume_lots)
        moves = np.diff(np.log(null.close_ticks))
        ends.append(null.close_ticks[-1] / null.close_ticks[0] - 1)
        moved = np.sign(moves[moves != 0])
        signs.append((moved[1:] == moved[:-1]).mean())
    assert rising.bars[0].close_ticks[-1] > 3 * rising.bars[0].close_ticks[0]
    error = np.std(ends) / np.sqrt(len(ends))
    assert abs(np.mean(ends)) < 3 * error
    assert abs(np.mean(signs) - 0.5) < 3 * np.std(signs) / np.sqrt(len(signs))


def _moved(world: World, drift: np.ndarray) -> object:
    from dataclasses import replace

    bars = world.bars[0]
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks")
    return replace(bars, **{name: getattr(bars, name) + drift for name in names})


def test_instruments_of_one_time_line_are_dealt_together() -> None:
    one = driftless_bars(200, 1, interval_ns=HOUR)
    two = after(one, 0, np.random.default_rng(1))
    null = World.of([one, two]).shuffled(3)
    volumes = dict(zip(one.volume_lots.tolist(), two.volume_lots.tolist(), strict=True))
    dealt = zip(null.bars[0].volume_lots.tolist(), null.bars[1].volume_lots.tolist(), strict=True)
    assert all(volumes[a] == b for a, b in dealt)

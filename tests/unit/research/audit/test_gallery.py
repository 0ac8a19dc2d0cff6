"""The gallery: every planted leak is caught, and no twin is accused."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from athena.research.audit import World, audit, audit_trader
from athena.research.audit._trades import check_fills, check_next_open, profit
from athena.research.audit.gallery import Shown, audit_gallery, gallery_world, specimens
from athena.research.audit.gallery._show import _as_it_is
from athena.research.audit.gallery._specimen import Specimen
from tests.conftest import IS_FULL

# FC-41's twelve, and those of the issue, by the names they hang under.
NAMED = {
    "shift(-1)", "centred window", "back-fill across an outage", "higher frame early",
    "whole-series z-score", "whole-series min-max", "spectral smoothing",
    "target encoding on all", "selection on all", "model fitted on all", "no purge",
    "fill at the signal bar", "scaler fitted on all", "label overlap",
    "forward fill across an outage",
}  # fmt: skip


@pytest.fixture(scope="module")
def shown() -> list[Shown]:
    told: list[tuple[int, int]] = []
    found = audit_gallery(lambda done, total: told.append((done, total)))
    assert told[-1] == (len(found), len(found))
    return found


def test_the_gallery_holds_every_leak_that_was_named() -> None:
    """FC-41."""
    assert {item.name for item in specimens()} >= NAMED


def test_every_leak_is_caught(shown: list[Shown]) -> None:
    """FC-41: with bar, value and, where one is to blame, the column."""
    for item in shown:
        assert item.leaking.violations, item.specimen.name
        first = item.leaking.violations[0]
        assert first.full != first.prefix
        if isinstance(item.specimen, Specimen):
            assert first.inputs, item.specimen.name


def test_no_twin_is_accused(shown: list[Shown]) -> None:
    for item in shown:
        assert item.honest.violations == (), item.specimen.name
        assert item.is_right


def test_the_leak_of_an_outage_is_found_in_it(shown: list[Shown]) -> None:
    by_name = {item.specimen.name: item.leaking for item in shown}
    bars = gallery_world().bars[0]
    last_before = int(np.argmax(np.diff(bars.ts_ns)))
    assert by_name["back-fill across an outage"].violations[0].bar == last_before
    assert by_name["forward fill across an outage"].violations[0].bar >= last_before
    assert by_name["late figure by its own date"].violations[0].inputs == ("figure",)


@pytest.mark.slow
def test_honest_pipelines_are_not_accused_on_many_seeds() -> None:
    """FC-42: 10 seeds, 100 nightly."""
    for seed in range(100 if IS_FULL else 10):
        world = gallery_world(seed)
        for item in specimens():
            if isinstance(item, Specimen):
                assert audit(partial(_as_it_is, item.honest), world).violations == (), (
                    item.name,
                    seed,
                )
            else:
                assert audit_trader(item.honest, world).violations == (), (item.name, seed)


@pytest.mark.parametrize("seed", range(5))
def test_trades_that_cannot_be_had_are_told_from_those_that_can(seed: int) -> None:
    """D01's pitfall: by time, by price, and by what is left of it at the next open."""
    world = gallery_world(seed)
    kinds = {
        "fill at the signal bar": "fill before its decision",
        "fill at the signal bar, dated later": "fill at a price that was not there",
        "forward fill across an outage": "fill where nothing traded",
    }
    by_name = {item.name: item for item in specimens() if not isinstance(item, Specimen)}
    for name, kind in kinds.items():
        leaking = by_name[name].leaking.trade(world)
        assert kind in {item.method for item in check_fills(name, world, leaking)}
    best = by_name["fill at the best price"].leaking.trade(world)
    assert check_fills("best", world, best) == []  # there was such a price, in hindsight
    honest = by_name["fill at the best price"].honest.trade(world)
    assert check_next_open("honest", world, honest) == []


def test_profit_is_counted_to_the_last_close() -> None:
    world = gallery_world()
    trades = specimens()[-1].honest.trade(world)  # type: ignore[union-attr]
    lots, price = trades.lots, trades.price_ticks
    held = np.cumsum(lots)
    last = float(world.bars[0].close_ticks[-1])
    steps = np.append(price[1:], last) - price
    expected = float((held * steps).sum() * trades.value[0])
    assert profit(world, trades) == pytest.approx(expected)
    assert profit(world, _nothing(world)) == 0.0


def _nothing(world: World) -> object:
    from dataclasses import replace

    none = np.zeros(0, np.int64)
    trades = specimens()[-1].honest.trade(world)  # type: ignore[union-attr]
    return replace(trades, decided_ns=none, filled_ns=none, instrument=none, lots=none,
                   price_ticks=np.zeros(0))  # fmt: skip

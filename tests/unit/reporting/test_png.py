"""PNG pictures."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from athena.errors import MissingExtra
from athena.reporting import render_pngs
from athena.reporting._figures import account_figure
from athena.reporting._svg import Scale
from athena.research import summarise
from tests.record_builder import build_record, with_equity

if TYPE_CHECKING:
    from pathlib import Path


def test_pictures_of_a_run_are_written(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    written = render_pngs(build_record(n_steps=3_000), tmp_path)
    names = ["account", "months", "price-BTC-USD", "price-XRP-USD", "price-ETH-USD"]
    assert written == [tmp_path / f"{name}.png" for name in names]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_same_record_gives_the_same_pixels(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    record = build_record(n_steps=300, candles=[])
    first = [path.read_bytes() for path in render_pngs(record, tmp_path)]
    assert [path.read_bytes() for path in render_pngs(record, tmp_path)] == first


@pytest.mark.parametrize(
    "changes",
    [
        {"n_steps": 0, "n_fills": 0},
        {"n_steps": 1, "n_fills": 1},
        {"n_steps": 200, "n_baselines": 0, "n_fills": 3_000},
    ],
)
def test_small_and_odd_runs_have_pictures(changes: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    record = build_record(**changes)
    written = render_pngs(record, tmp_path)
    assert len(written) == (5 if len(record.ts_ns) else 0)


def test_missing_rasteriser_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra) as caught:
        render_pngs(build_record(n_steps=50), tmp_path)
    assert caught.value.hint == "pip install 'athena-desk[report]'"
    assert list(tmp_path.iterdir()) == []


def test_figure_is_well_formed_with_hostile_names_and_a_ruined_account() -> None:
    record = build_record(n_steps=480)
    hostile = replace(
        with_equity(record, np.linspace(100_000.0, -10.0, 480)), parameters={"strategy": "<&\">'"}
    )
    root = ET.fromstring(account_figure(hostile, summarise(hostile)))  # noqa: S314 - our own text
    assert any(element.text == "<&\">'" for element in root.iter())


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Scale(0, 10, 0, 1), [0, 2, 4, 6, 8, 10]),
        (Scale(90, 1_100, 0, 1, is_log=True), [100, 200, 500, 1_000]),
        (Scale(-0.5, 0, 0, 1), [-0.5, -0.4, -0.3, -0.2, -0.1, 0]),
    ],
)
def test_ticks_are_round(scale: Scale, expected: list[float]) -> None:
    assert scale.ticks() == pytest.approx(expected)

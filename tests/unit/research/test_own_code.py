"""A person's own code: executed anew each time, so that nothing passes from run to run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import align
from athena.research._own_code import own_module
from athena.research.strategies import load_strategy
from athena.trading import Market
from tests.market_builder import HOUR_NS, driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import beside
from athena.trading import Wake, WokenStrategy

class Remembers(WokenStrategy):
    wake = Wake()
    seen = []

    def on_wake(self, view):
        self.seen.append(1)
        beside.seen.append(1)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own_code.py"
    path.write_text(CODE, "utf-8")
    (tmp_path / "beside.py").write_text("seen = []\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


@pytest.mark.parametrize("form", ["{path}:Remembers", "own_code:Remembers"])
def test_what_a_run_leaves_on_class_and_module_is_gone_for_the_next(own: Path, form: str) -> None:
    name = form.format(path=own)
    first = load_strategy(name, {})[1]
    first.on_wake(None)  # type: ignore[attr-defined]
    second = load_strategy(name, {})[1]
    module = sys.modules[type(second).__module__]
    assert type(first).seen == [1]  # type: ignore[attr-defined]
    assert type(second).seen == []  # type: ignore[attr-defined]
    assert module.beside.seen == []


def test_what_is_installed_is_not_imported_anew(own: Path) -> None:
    own.write_text("import numpy\nX = numpy\n", "utf-8")
    module, name = own_module(f"{own}:X", what="a thing")
    assert vars(module)[name] is np


def test_what_cannot_be_imported_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a module to import"):
        own_module("no.such.module:X", what="a thing")
    with pytest.raises(InputError, match="expected a Python file"):
        own_module(f"{tmp_path}/missing.py:X", what="a thing")


def test_a_part_of_a_data_set_shows_nothing_of_the_rest() -> None:
    """The base of a view is all there is: a training market must have none."""
    bars = driftless_bars(100, 1, interval_ns=HOUR_NS)
    columns = align([bars.rows(0, 60)], with_risk_inputs=False)
    market = Market((bars.instrument,), HOUR_NS, *columns[:6])
    for part, most in ((market, 60), (market.until(40), 40)):
        for column in (part.close_ns, part.close, part.high, part.volume):
            assert not column.flags.writeable
            base = column.base
            while base is not None:
                assert base.size <= most
                base = base.base

"""What the documentation shows runs as it stands, and its three ways give one result."""

from __future__ import annotations

import os
import re
import runpy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.market_builder import HOUR_NS, driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
TEMPLATES = sorted((ROOT / "examples" / "templates").glob("*_strategy.py"))
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bars = driftless_bars(500, 3, interval_ns=HOUR_NS)
    path = tmp_path / "bars.npz"
    prices = {
        name: getattr(bars, f"{name}_ticks") / 100 for name in ("open", "high", "low", "close")
    }
    np.savez(path, ts=bars.ts_ns // 10**9, volume=bars.volume_lots.astype(float), **prices)
    return path


def digest_of(cli: Cli, file: Path, strategy: Path) -> str:
    result = cli(
        "backtest", "--strategy", f"{strategy}:Rising", "--data", file, "--symbol", "TEST/USD",
        "--risk", "open", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.err + result.out
    assert result.json()["fills"] > 100
    return str(result.json()["digest"])


def test_the_three_templates_give_one_result(cli: Cli, file: Path) -> None:
    """TR-34."""
    assert [path.stem for path in TEMPLATES] == [
        "bar_strategy", "rule_strategy", "woken_strategy"
    ]  # fmt: skip
    assert len({digest_of(cli, file, template) for template in TEMPLATES}) == 1


def test_the_page_shows_the_templates_as_they_are() -> None:
    page = (ROOT / "docs" / "how-to" / "write-a-strategy.md").read_text("utf-8")
    shown = set(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert shown == {template.read_text("utf-8") for template in TEMPLATES}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_about_fifteen_lines_of_code(template: Path) -> None:
    text = re.sub(r'"""(.|\n)*?"""', "", template.read_text("utf-8"))
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 24


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_from_its_first_cell_to_its_last(
    script: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.read_text("utf-8").count("# %%") >= 2
    runpy.run_path(str(script))
    assert capsys.readouterr().out
    assert (home / "runs").is_dir()
    assert os.environ["ATHENA_HOME"] == str(home)

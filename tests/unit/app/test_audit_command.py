"""`athena audit`: the JSON contract, the exit codes, what is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.research.audit import market_features
from athena.research.audit.gallery import Specimen, specimens
from athena.research.strategies import BUILT_IN
from tests.market_builder import HOUR_NS, driftless_bars

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
LEAKING = """
import numpy as np
from athena.domain import Side
from athena.trading import Intent, Wake, WokenStrategy

class Leaking(WokenStrategy):
    wake = Wake(on_change=("up",))

    def signals(self, market):
        closes = market.close[0]
        return {"up": np.append(closes[1:], closes[-1]) > closes}

    def on_wake(self, view):
        return Intent(side=Side.BUY, lots=1) if view.signals[0] and not view.position else None

class Honest(Leaking):
    def signals(self, market):
        closes = market.close[0]
        return {"up": closes > np.append(closes[0], closes[:-1])}

def smooth(bars):
    closes = np.pad(bars.close_ticks.astype(float), 2, "edge")
    return {"smooth": np.convolve(closes, np.ones(5) / 5, "valid")}

def change(bars):
    return np.diff(bars.close_ticks, prepend=bars.close_ticks[:1])

def short(bars):
    return np.zeros(3)

class Model:
    name = "my model"
    context_bars = 0

    def evaluate(self, world):
        from athena.research.audit import Output
        closes = world.bars[0].close_ticks
        times = world.bars[0].ts_ns + world.bars[0].interval_ns
        n = len(closes) // 100
        means = [closes[: 100 * (k + 1) + LATE].mean() for k in range(n)]
        return {"mean": Output(np.array(means), times[99::100][:n])}

NOTHING = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write bars as a person would have them."""
    path = tmp_path / "TESTUSD_1h.csv"
    bars = driftless_bars(420, 5, interval_ns=HOUR_NS)
    rows = ["ts,open,high,low,close,volume"]
    for ts_ns, *prices, lots in zip(*(column.tolist() for column in bars.columns()), strict=True):
        rows.append(
            ",".join([str(ts_ns // 10**9), *(f"{p / 100:.2f}" for p in prices), str(lots)])
        )
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Write code as a person would have it."""
    path = tmp_path / "own.py"
    path.write_text(LEAKING.replace("LATE", "0"), "utf-8")
    return path


def on(cli: Cli, file: Path, *options: object) -> Any:
    return cli("audit", "--data", file, "--symbol", "TEST/USD", "--json", *options)


def test_a_built_in_strategy_is_clean(cli: Cli, file: Path) -> None:
    result = on(cli, file, "--strategy", "sma_cross", "--param", "fast=5", "--param", "slow=20")
    payload = result.json()
    assert result.exit_code == 0
    assert payload["checked"] == 1
    assert payload["violations"] == []
    assert payload["points"] > 420
    assert payload["items"][0]["name"] == "sma_cross, woken"


def test_a_leak_exits_1_and_names_bar_time_value_and_column(
    cli: Cli, file: Path, own: Path
) -> None:
    result = on(cli, file, "--strategy", f"{own}:Leaking")
    assert result.exit_code == 1
    violations = result.json()["violations"]
    first = next(item for item in violations if item["output"] == "up")
    assert set(first) >= {"name", "bar", "time", "full", "prefix"}
    assert first["name"] == "Leaking"
    assert first["time"].endswith("Z")
    assert (first["full"], first["prefix"]) == ("True", "False")
    assert first["inputs"] == ["TEST/USD close_ticks"]
    said = cli("audit", "--data", file, "--symbol", "TEST/USD", "--strategy", f"{own}:Leaking")
    assert said.exit_code == 1
    assert f"up at bar {first['bar']}" in said.out
    assert "SEES THE FUTURE" in said.out


def test_its_clean_twin_exits_0(cli: Cli, file: Path, own: Path) -> None:
    assert on(cli, file, "--strategy", f"{own}:Honest").exit_code == 0


def test_features_of_ones_own(cli: Cli, file: Path, own: Path) -> None:
    assert on(cli, file, "--feature", f"{own}:smooth").exit_code == 1
    assert on(cli, file, "--feature", f"{own}:change", "--feature", "rsi_14").exit_code == 0
    refused = on(cli, file, "--feature", f"{own}:short")
    assert refused.exit_code == 2
    assert "numbers of 'value', one for each of" in refused.out


@pytest.mark.parametrize(("late", "exit_code"), [(0, 0), (7, 1)])
def test_a_model_of_ones_own(cli: Cli, file: Path, own: Path, late: int, exit_code: int) -> None:
    """LA-3: fitted on all it may know, and on seven bars more."""
    own.write_text(LEAKING.replace("LATE", str(late)), "utf-8")
    result = on(cli, file, "--model", f"{own}:Model")
    assert result.exit_code == exit_code
    assert result.json()["items"][0]["name"] == "my model"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "expected one of --strategy"),
        (("--all", "--gallery"), "expected one of --strategy"),
        (("--strategy", "sma_cros"), "expected a strategy out of"),
        (("--feature", "rsi"), "expected a feature out of"),
        (("--feature", "OWN:NOTHING"), "expected a function"),
        (("--model", "OWN:NOTHING"), "to be auditable"),
        (("--model", "OWN:missing"), "to be auditable"),
        (("--strategy", "sma_cross", "--param", "fast=x"), "fast"),
    ],
)
def test_wrong_usage_exits_2(
    cli: Cli, file: Path, own: Path, options: tuple[str, ...], message: str
) -> None:
    texts = [option.replace("OWN", str(own)) for option in options]
    result = on(cli, file, *texts)
    assert result.exit_code == 2
    assert message in result.out


def test_data_too_short_to_define_anything_is_no_pass(cli: Cli, file: Path) -> None:
    result = on(cli, file, "--feature", "sma_200", "--bars", "100")
    assert result.exit_code == 1
    assert result.json()["points"] == 0


@pytest.mark.slow
def test_everything_built_in_is_audited_and_counted(cli: Cli, file: Path) -> None:
    """FC-43: 100 % covered, count equals the registries."""
    result = on(cli, file, "--all")
    kinds = sum(len(info.kinds) for info in BUILT_IN.values())
    payload = result.json()
    assert payload["checked"] == kinds + len(market_features(HOUR_NS))
    assert payload["violations"] == []


def test_specimens_are_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = specimens()[:2]
    monkeypatch.setattr("athena.research.audit.gallery._show.specimens", lambda: hung)
    result = cli("audit", "--gallery", "--json")
    assert result.exit_code == 0
    assert result.json()["gallery"] == [
        {"name": item.name, "caught": True, "twin_clean": True} for item in hung
    ]
    assert "2 of 2 leaks caught" in cli("audit", "--gallery").out


def test_a_leak_that_is_missed_exits_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    first = specimens()[0]
    assert isinstance(first, Specimen)
    missed = replace(first, leaking=first.honest)
    monkeypatch.setattr("athena.research.audit.gallery._show.specimens", lambda: [missed])
    result = cli("audit", "--gallery", "--json")
    assert result.exit_code == 1
    assert result.json()["gallery"] == [{"name": first.name, "caught": False, "twin_clean": True}]


@pytest.mark.slow
def test_the_gallery_is_shown(cli: Cli) -> None:
    result = cli("audit", "--gallery", "--json")
    payload = result.json()
    assert result.exit_code == 0
    assert len(payload["gallery"]) == len(specimens())
    assert all(item["caught"] and item["twin_clean"] for item in payload["gallery"])
    said = cli("audit", "--gallery")
    assert f"{len(specimens())} of {len(specimens())} leaks caught" in said.out

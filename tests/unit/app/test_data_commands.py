"""`athena data`: the JSON contract, the exit codes, and nothing written on a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
CSV = """ts,open,high,low,close,volume
2018-01-01T00:00:00Z,100,101,99,100,10
2018-01-01T01:00:00Z,100,102,100,101,11
2018-01-01T02:00:00Z,101,103,100,102,12
2018-01-01T05:00:00Z,102,103,101,103,13
"""
DEFECT_KEYS = {"kind", "count", "severity", "first", "detail"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "BTCUSDT_1h.csv"
    path.write_text(CSV)
    return path


def test_an_import_names_what_was_stored(cli: Cli, file: Path) -> None:
    result = cli("data", "import", file, "--symbol", "BTC/USDT", "--interval", "1h", "--json")
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert payload["name"] == "btc-usdt-1h"
    assert payload["rows"] == 4
    assert payload["first"] == "2018-01-01T00:00:00Z"
    assert len(payload["sha256"]) == 64
    assert [d["kind"] for d in payload["defects"]] == ["gaps"]
    assert set(payload["defects"][0]) == DEFECT_KEYS


def test_list_and_show_tell_the_provenance(cli: Cli, file: Path) -> None:
    assert "athena data sample" in cli("data", "list").out
    cli("data", "import", file, "--symbol", "BTC/USDT", "--interval", "1h", "--venue", "binance")
    (listed,) = cli("data", "list", "--json").json()["datasets"]
    shown = cli("data", "show", "btc-usdt-1h", "--json").json()
    assert listed == shown
    assert {"name", "symbol", "interval", "rows", "first", "last", "sha256"} <= set(shown)
    assert {"origin", "licence_note", "is_synthetic"} <= set(shown)
    assert "binance" in cli("data", "show", "btc-usdt-1h").out


def test_mild_defects_leave_exit_0_and_severe_ones_exit_1(cli: Cli, file: Path) -> None:
    result = cli("data", "check", file, "--json")
    assert result.exit_code == 0
    assert [d["severity"] for d in result.json()["defects"]] == ["mild"]
    file.write_text(CSV.replace("100,102,100,101,11", "100,102,100,105,11"))
    result = cli("data", "check", file, "--json")
    assert result.exit_code == 1
    assert {d["kind"] for d in result.json()["defects"]} == {"high_low", "gaps"}
    assert "severe" in cli("data", "check", file).out


def test_a_stored_data_set_is_checked_by_name(cli: Cli, file: Path) -> None:
    cli("data", "import", file, "--symbol", "BTC/USDT", "--interval", "1h")
    result = cli("data", "check", "btc-usdt-1h")
    assert result.exit_code == 0
    assert "1 kinds of defects, 0 severe" in result.out


@pytest.mark.parametrize(
    ("line", "exit_code", "named"),
    [
        ("import none.csv --symbol BTC/USDT --interval 1h", 2, "none.csv"),
        ("import FILE --symbol BTC/USDT --interval soon", 2, "soon"),
        ("import FILE --symbol BTC/USDT --interval 5m", 2, "was 1h"),
        ("import FILE --symbol DOGE/USD --interval 1h", 2, "--tick 0.01 --lot 0.001"),
        ("import FILE --symbol BTC/USDT --interval 1h --tick x", 2, "--tick"),
        ("import FILE --symbol BTC/USDT --interval 1h --tick 0", 2, "tick"),
        ("import FILE --symbol BTC/USDT --interval 1h --name ../x", 2, "../x"),
        ("import FILE --interval 1h", 2, "--symbol"),
        ("show nothing", 3, "nothing"),
        ("check nothing", 3, "nothing"),
        ("check nothing.csv", 2, "nothing.csv"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(  # noqa: PLR0913, PLR0917 (fixtures)
    line: str, exit_code: int, named: str, cli: Cli, file: Path, home: Path
) -> None:
    result = cli("data", *line.replace("FILE", str(file)).split())
    assert result.exit_code == exit_code, result.err
    assert named in result.err
    folder = home / "datasets"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_the_sample_without_a_registry_says_how_to_go_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "athena.market._download.index_urls", lambda: ["http://127.0.0.1:1/simple"]
    )
    result = cli("data", "sample")
    assert result.exit_code == 3
    assert "127.0.0.1:1" in result.err
    assert "athena data import FILE --symbol BTC/USDT --interval 1h" in result.err

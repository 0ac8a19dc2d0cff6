"""`athena price`: what a person types, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chain_builder import build_chain, chain_rows, moved, write_rows

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
QUOTE = ("price", "quote", "--spot", 100, "--strike", 100, "--years", 1, "--rate", 0.05)


def test_a_european_quote_is_the_closed_form(cli: Cli) -> None:
    """PR-01 through the door."""
    found = cli(*QUOTE, "--vol", 0.2, "--type", "call", "--json").json()
    assert found["price"] == pytest.approx(10.4505835722, rel=1e-10)
    assert found["delta"] == pytest.approx(0.636830651, rel=1e-8)
    assert (found["status"], found["engine"]) == ("OK", "closed form")
    assert found["error_bound"] <= 1e-9


def test_an_american_quote_names_its_engine_and_bound(cli: Cli) -> None:
    """PR-14, PR-37 through the door."""
    found = cli(*QUOTE, "--vol", 0.2, "--type", "put", "--style", "american", "--json").json()
    assert found["price"] == pytest.approx(6.09037061, abs=1e-5)
    assert found["engine"] == "boundary collocation"
    assert abs(found["price"] - 6.09037061) <= found["error_bound"]


def test_a_person_gets_units(cli: Cli) -> None:
    shown = cli(*QUOTE, "--vol", 0.2, "--type", "call").out
    for unit in ("per point of volatility", "per calendar day", "closed form"):
        assert unit in shown


@pytest.mark.parametrize("bad", [("--vol", -0.2), ("--vol", "nan")])
def test_bad_terms_are_usage_errors(cli: Cli, bad: tuple[str, Any]) -> None:
    result = cli(*QUOTE, *bad, "--type", "call", "--json")
    assert result.exit_code == 2
    assert "BAD_INPUT" in result.json()["error"]["message"]


@pytest.fixture
def chain_file(tmp_path: Path) -> Path:
    """A clean chain of three expiries."""
    rows = chain_rows(build_chain(n_strikes=15, days=(91, 182, 365)))
    return write_rows(rows, tmp_path / "chain.csv")


def test_a_chain_gives_one_object_a_page_and_a_table(
    cli: Cli, chain_file: Path, tmp_path: Path
) -> None:
    out, folder = tmp_path / "rows.csv", tmp_path / "report"
    found = cli(
        "price", "chain", chain_file, "--report", folder, "--out", out, "--json"
    ).json()  # fmt: skip
    assert found["rows"] == 90
    assert found["status_counts"] == {"OK": 90}
    assert [item["source"] for item in found["forwards"]] == ["parity"] * 3
    assert len(found["surface"]["slices"]) == 3
    assert found["findings"] == []
    page = (folder / "chain.html").read_text(encoding="utf-8")
    assert found["report"] == str(folder / "chain.html")
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "risk-neutral" in page
    assert found["file_sha256"] in page
    assert len(out.read_text(encoding="utf-8").splitlines()) == 91
    again = cli("price", "chain", chain_file, "--json").json()
    assert again["surface"] == found["surface"]


def test_nothing_is_called_a_forecast(cli: Cli, chain_file: Path, tmp_path: Path) -> None:
    """C-X1: no key or column of an output promises where a price goes."""
    out = tmp_path / "rows.csv"
    found = cli("price", "chain", chain_file, "--out", out, "--json").json()

    def keys(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(key for item in value.values() for key in keys(item))]
        return [key for item in value for key in keys(item)] if isinstance(value, list) else []

    header = out.read_text(encoding="utf-8").splitlines()[0].split(",")
    for name in [*keys(found), *header]:
        assert "forecast" not in name
        assert "direction" not in name
    assert "risk_neutral_density" in found["surface"]["slices"][0]


def test_findings_decide_the_exit_code_when_asked(
    cli: Cli, tmp_path: Path, chain_file: Path
) -> None:
    quotes = build_chain(n_strikes=15, days=(91, 182, 365))
    dear = quotes.ask.max() + 5
    path = write_rows(chain_rows(moved(quotes, 8, bid=dear, ask=dear + 0.01)), tmp_path / "x.csv")
    assert cli("price", "chain", path, "--json").exit_code == 0
    result = cli("price", "chain", path, "--fail-on-findings", "--json")
    assert result.exit_code == 1
    assert result.json()["findings"][0]["executable"] is True
    assert cli("price", "chain", chain_file, "--fail-on-findings").exit_code == 0


def test_unusable_input_is_named(cli: Cli, tmp_path: Path, chain_file: Path) -> None:
    assert cli("price", "chain", tmp_path / "none.csv").exit_code == 3
    result = cli("price", "chain", chain_file, "--column", "bid")
    assert result.exit_code == 2
    assert "field=NAME" in result.err
    late = cli("price", "chain", chain_file, "--at", "2030-01-01")
    assert late.exit_code == 2
    assert "EXPIRED" in late.err


def test_a_holding_shows_what_its_protection_costs(cli: Cli, chain_file: Path) -> None:
    found = cli("price", "chain", chain_file, "--protect", 100, "--json").json()
    assert {item["floor_frac"] for item in found["protective_puts"]} <= {0.95, 0.9, 0.8}
    assert all(item["cost"] > 0 for item in found["protective_puts"])
    assert "protective puts" in cli("price", "chain", chain_file, "--protect", 100).out


@pytest.mark.parametrize("text", ["0.5", "x:1", "0.5:-1"])
def test_a_dividend_that_cannot_be_is_refused(cli: Cli, text: str) -> None:
    result = cli(*QUOTE, "--vol", 0.2, "--type", "call", "--dividend", text)
    assert result.exit_code == 2


def test_wrong_usage_writes_nothing(cli: Cli, chain_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    for wrong in (
        ("--out", tmp_path / "rows.xls"),
        ("--underlying", -5),
        ("--fee", -1),
        ("--rate", 5),
        ("--protect", 0),
        ("--at", "yesterday"),
    ):
        result = cli("price", "chain", chain_file, "--report", folder, *wrong)
        assert result.exit_code == 2, wrong
        assert not folder.exists(), wrong

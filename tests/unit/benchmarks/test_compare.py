"""The table of engines: none is left out silently, and other money is explained or called so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import compare, environments
from benchmarks.bars import make_bars
from benchmarks.compare import Absent, Comparison, Row, explain
from benchmarks.environments import NotInstalledError, Peer, find_python, set_up
from benchmarks.measure import KINDS
from benchmarks.oracle import Result, bracket, cross

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
BARS = make_bars(5_000)


def row(engine: str, cpu_s: float = 1.0, loop_s: float = 0.02, **others: Any) -> Row:
    return Row(engine, "A", 1_000, cpu_s, loop_s, Result(7, 1_234.5), **others)


def ours(cpu_s: float = 0.5) -> dict[tuple[str, str], Row]:
    return {(kind, "A"): row(f"Athena, {kind}", cpu_s) for kind in KINDS}


def test_the_table_shows_ours_over_theirs() -> None:
    theirs = row("other 1.0", notes=("Sells later",))
    lines = Comparison(ours(), [theirs]).lines()
    assert lines[len(KINDS) + 2] == (
        "| other 1.0 | A | 1,000 | 1,000 | 7 | 1,234.50 | 20.0 | 2.00 | 2.00 | 2.00 | 1 |"
    )
    assert "1. Sells later." in lines


def test_a_peer_that_is_not_here_has_a_row_and_its_reason() -> None:
    lines = Comparison(ours(), [Absent("other==1.0", "A, B", "Needs Python 1.5")]).lines()
    assert "| other==1.0 | A, B | - | - | - | - | - | - | - | - | 1 |" in lines
    assert "1. Needs Python 1.5." in lines


def test_a_note_is_numbered_once() -> None:
    twice = [row("one 1.0", notes=("Same", "")), row("two 2.0", notes=("Other", "Same"))]
    lines = Comparison(ours(), twice).lines()
    assert [line for line in lines if line[:1].isdigit()] == ["1. Same.", "2. Other."]
    assert lines[len(KINDS) + 2].endswith("| 1 |")
    assert lines[len(KINDS) + 3].endswith("| 2, 1 |")


@pytest.mark.parametrize(("loop_s", "said"), [(0.021, "steady"), (0.03, "**not steady")])
def test_a_machine_that_changed_its_speed_is_told(loop_s: float, said: str) -> None:
    found = Comparison(ours(), [row("other 1.0", loop_s=loop_s)])
    assert f"the machine was {said}" in found.steadiness()


def test_the_job_as_asked_needs_no_note() -> None:
    assert explain("A", BARS, cross(BARS)) == ()
    assert explain("B", BARS, Result(None, bracket(BARS).equity)) == ()


def test_a_rule_that_explains_the_money_is_named() -> None:
    found = explain("B", BARS, bracket(BARS, is_rounded=False))
    assert found == ("Leaves stops and targets between ticks",)


def test_money_that_no_rule_explains_is_called_a_difference() -> None:
    asked = cross(BARS)
    wrong = Result((asked.fills or 0) + 4, asked.equity - 12.5)
    assert explain("A", BARS, wrong) == ("Differs from job A by +4 fills, -12.50",)


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Return a function that sets a peer up in an empty folder and runs its jobs."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path)

    def measured(peer: Peer) -> list[Any]:
        return list(compare._theirs(peer, BARS, lambda _: None))

    return measured


def test_a_peer_without_its_python_is_named(peer: Callable[..., list[Any]]) -> None:
    assert peer(Peer("old", ("old==1.0",), ("1.5",))) == [
        Absent("old==1.0", "A, B", "old was not installed: needs Python 1.5, which is not here")
    ]


def test_a_peer_that_fails_is_named_with_its_last_word(
    peer: Callable[..., list[Any]], tmp_path: Path
) -> None:
    """Its environment is said to be there; it has no Python that runs the script."""
    bin_folder = tmp_path / "v_broken" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(sys.executable)
    (tmp_path / "v_broken" / "installed.txt").write_text("broken==1.0")
    (only,) = peer(Peer("broken", ("broken==1.0",), jobs={"A": 1_000}))
    assert isinstance(only, Absent)
    assert "broken_py.py" in only.reason


def test_what_is_installed_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    (tmp_path / "v_there").mkdir()
    (tmp_path / "v_there" / "installed.txt").write_text("there==1.0")
    python = set_up(Peer("there", ("there==1.0",), ("1.5",)))
    assert python == tmp_path / "v_there" / "bin" / "python"
    with pytest.raises(NotInstalledError, match=r"needs Python 1\.5"):
        set_up(Peer("there", ("there==1.1",), ("1.5",)))


def test_a_fitting_python_is_found_and_another_is_not() -> None:
    assert find_python(("1.5", HERE)).exists()
    with pytest.raises(NotInstalledError, match=r"needs Python 1\.4 or 1\.5"):
        find_python(("1.4", "1.5"))


@pytest.mark.parametrize("wanted", ["100", "2000000", "many"])
def test_a_number_of_bars_that_cannot_be_is_refused(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_N", wanted)
    with pytest.raises(SystemExit, match="expected BENCH_N from 300 to 1000000"):
        compare._wanted_bars()


def test_every_peer_has_a_script_and_pins_its_packages() -> None:
    scripts = Path(compare.__file__).parent / "peers"
    for item in environments.PEERS:
        assert (scripts / f"{item.name}_py.py").is_file()
        assert all("==" in package for package in item.packages)

"""The mutants of a module, and that one in force is what every caller runs (TR-32)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import InputError
from tests import mutation
from tests.mutants import list_mutants, put_in_force

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutants import Change, Mutant

SOURCE = '''
"""A module."""

LARGEST = {"a": 3, "b": 4}


def least(numbers: list[int], floor: int = 7) -> int:
    """Return the least, not under a floor."""
    found = floor
    for number in numbers:
        if number < found or number == 0:
            found = min(found, number)
    if not numbers:
        raise ValueError("expected numbers, was none")
    return found - 1


class Shelf:
    """Hold things."""

    @property
    def is_empty(self) -> bool:
        """Tell whether it is empty."""
        return True
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module that a test may change."""
    (tmp_path / "planted_shelf.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    import planted_shelf  # type: ignore[import-not-found]

    yield planted_shelf
    del sys.modules["planted_shelf"]


def mutant_named(change: str) -> tuple[Mutant, Change]:
    (found,) = [pair for pair in list_mutants("planted_shelf") if pair[0].change == change]
    return found


@pytest.mark.usefixtures("module")
def test_every_operator_has_its_mutants() -> None:
    assert [(mutant.place, mutant.change) for mutant, _ in list_mutants("planted_shelf")] == [
        ("LARGEST", "LARGEST = {'a': 3, 'b': 4} => LARGEST = {'b': 4}"),
        ("LARGEST", "LARGEST = {'a': 3, 'b': 4} => LARGEST = {'a': 4, 'b': 4}"),
        ("LARGEST", "LARGEST = {'a': 3, 'b': 4} => LARGEST = {'a': 3}"),
        ("LARGEST", "LARGEST = {'a': 3, 'b': 4} => LARGEST = {'a': 3, 'b': 3}"),
        *(
            ("least", change)
            for change in (
                "if number < found or number == 0: => if not (number < found or number == 0):",
                "if number < found or number == 0: => if number < found and number == 0:",
                "if number < found or number == 0: => if number <= found or number == 0:",
                "if number < found or number == 0: => if number >= found or number == 0:",
                "if number < found or number == 0: => if number < found or number != 0:",
                "if number < found or number == 0: => if number < found or number == 1:",
                "if number < found or number == 0: => if number < found or number == -1:",
                "found = min(found, number) => pass",
                "found = min(found, number) => found = max(found, number)",
                "if not numbers: => if not not numbers:",
                "if not numbers: => if numbers:",
                "raise ValueError('expected numbers, was none') => pass",
                "return found - 1 => pass",
                "return found - 1 => return found + 1",
                "return found - 1 => return found - 2",
                "return found - 1 => return found - 0",
            )
        ),
        ("Shelf.is_empty", "return True => pass"),
        ("Shelf.is_empty", "return True => return False"),
    ]


def test_a_function_that_was_imported_before_runs_the_change(module: Any) -> None:
    imported = module.least
    assert imported([5, 3]) == 2
    put_in_force(*mutant_named("return found - 1 => return found + 1"))
    assert imported([5, 3]) == 4


def test_a_property_and_a_table_change_in_place(module: Any) -> None:
    table = module.LARGEST
    put_in_force(*mutant_named("return True => return False"))
    put_in_force(*mutant_named("LARGEST = {'a': 3, 'b': 4} => LARGEST = {'b': 4}"))
    assert not module.Shelf().is_empty
    assert table is module.LARGEST
    assert table == {"b": 4}


def test_names_of_mutants_are_unique() -> None:
    """A list of equivalent mutants says exactly which."""
    for module in mutation.MODULES:
        names = [mutant.name for mutant, _ in list_mutants(module)]
        assert names
        assert len(set(names)) == len(names)


def test_each_equivalent_mutant_is_one_of_todays_source_and_has_its_reason() -> None:
    found = {mutant.name for module in mutation.MODULES for mutant, _ in list_mutants(module)}
    reasons = mutation.read_equivalents()
    assert reasons.keys() <= found
    assert all(len(reason) > 10 for reason in reasons.values())


def test_a_sample_is_drawn_by_its_seed() -> None:
    first, counts = mutation.choose("_lots", 10, 1)
    again, _ = mutation.choose("_lots", 10, 1)
    other, _ = mutation.choose("_lots", 10, 2)
    assert [mutant for mutant, _ in first] == [mutant for mutant, _ in again]
    assert [mutant for mutant, _ in first] != [mutant for mutant, _ in other]
    assert len(first) == 10 < counts["mutants"]


def test_an_equivalent_that_is_no_mutant_any_more_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mutation, "read_equivalents", lambda: {"gone:f: a => b": "it was so"})
    with pytest.raises(InputError, match="gone:f"):
        mutation.choose("", None, 0)


TEST_OF_SHELF = """
from planted_shelf import Shelf, least

def test_least():
    assert least([5, 3, 9]) == 2
"""


def test_a_mutant_that_no_test_notices_survives_and_a_killed_one_names_its_test(
    tmp_path: Path,
) -> None:
    (tmp_path / "planted_shelf.py").write_text(SOURCE)
    (tmp_path / "test_shelf.py").write_text(TEST_OF_SHELF)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from tests import mutation
mutation.MODULES = {{"planted_shelf": ({str(tmp_path / "test_shelf.py")!r},)}}
mutation.read_equivalents = dict
mutation.main()
"""
    command = [sys.executable, "-c", program, "--out", str(tmp_path / "figures.json")]
    run = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=mutation.ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1, run.stderr  # fewer than TR-32 asks for
    lines = run.stdout.splitlines()
    killed = [line for line in lines if "return found - 1 => return found + 1" in line]
    assert killed[0].startswith("failed")
    assert killed[0].endswith("test_shelf.py::test_least")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["is_whole"]
    assert figures["judged"] == figures["mutants"] == 22
    assert figures["by_outcome"]["unreached"] == 3  # the raise, and both of the property
    survivors = [name.partition(": ")[2] for name in figures["survivors"]]
    assert "if number < found or number == 0: => if number <= found or number == 0:" in survivors
    assert "return found - 1 => return found + 1" not in survivors

"""House rules that a linter does not know, each with a planted fault and a clean twin."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import athena
from athena import domain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = Path(athena.__file__).parent
ENUM_FILE = SOURCE / "domain" / "_enums.py"
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
CORE_FORBIDDEN = {
    "asyncio", "datetime", "os", "random", "secrets", "socket", "threading", "time", "uuid",
}  # fmt: skip
HEAVY = {"fastapi", "numba", "pandas", "polars", "pyarrow", "scipy", "torch", "transformers"}


def _modules() -> list[str]:
    found = pkgutil.walk_packages([str(SOURCE)], "athena.")
    return ["athena", *(item.name for item in found if not item.name.endswith("__main__"))]


def _lint(rule: Callable[[ast.Module], Iterator[int]], folder: Path) -> list[str]:
    return [
        f"{file.relative_to(folder)}:{line}"
        for file in sorted(folder.rglob("*.py"))
        for line in rule(ast.parse(file.read_text()))
    ]


def _lines(rule: Callable[[ast.Module], Iterator[int]], source: str) -> list[int]:
    return list(rule(ast.parse(source)))


# A04: one definition of each enum


def _enums() -> dict[str, type[StrEnum]]:
    exported = {name: getattr(domain, name) for name in domain.__all__}
    return {
        name: item
        for name, item in exported.items()
        if isinstance(item, type) and issubclass(item, StrEnum)
    }


def second_definitions(tree: ast.Module) -> Iterator[int]:
    """Find a class that has an enum's name, or the values of one."""
    known = {name: {member.value for member in kind} for name, kind in _enums().items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            values = {
                item.value.value
                for item in node.body
                if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant)
            }
            if node.name in known or values in known.values():
                yield node.lineno


def test_every_enum_is_defined_once() -> None:
    """A04."""
    found = [place for place in _lint(second_definitions, SOURCE) if "_enums.py" not in place]
    assert found == []


def test_a_second_definition_is_found() -> None:
    """A04: by name, and under another name by its values."""
    assert _lines(second_definitions, "class Side:\n    X = 'x'\n") == [1]
    assert _lines(second_definitions, "class Way:\n    A = 'buy'\n    B = 'sell'\n") == [1]
    assert _lines(second_definitions, "class Way:\n    A = 'up'\n    B = 'down'\n") == []


@pytest.mark.parametrize("name", _enums())
def test_every_member_round_trips_by_value_through_text(name: str) -> None:
    """A04."""
    kind = _enums()[name]
    assert [domain.parse_enum(kind, f" {member.value.upper()} ") for member in kind] == list(kind)


def test_every_module_that_shows_an_enum_shows_the_same_object() -> None:
    """A04."""
    enums = _enums()
    modules = [importlib.import_module(name) for name in _modules()]
    for module in modules:
        for name in set(enums) & set(vars(module)):
            assert vars(module)[name] is enums[name], module.__name__


# A12: every time has an offset


def naive_times(tree: ast.Module) -> Iterator[int]:
    """Find `now()` without a zone, `today()`, `utcnow()` and `utcfromtimestamp()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_bare_now = node.func.attr == "now" and not node.args and not node.keywords
            if is_bare_now or node.func.attr in {"utcnow", "utcfromtimestamp", "today"}:
                yield node.lineno


def test_no_time_is_naive() -> None:
    """A12."""
    assert _lint(naive_times, SOURCE) == []


def test_a_naive_time_is_found() -> None:
    """A12."""
    assert _lines(naive_times, "datetime.now()\ndatetime.utcnow()\ndate.today()") == [1, 2, 3]
    assert _lines(naive_times, "datetime.now(UTC)\ndatetime.now(tz=UTC)") == []


# TR-02: the core is deterministic


def core_impurities(tree: ast.Module) -> Iterator[int]:
    """Find imports that bring time, randomness or I/O, float literals and calls of `float`."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
        calls = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        is_impure_call = calls and node.func.id in {"float", "open", "print", "input"}
        is_forbidden = any(name.partition(".")[0] in CORE_FORBIDDEN for name in names)
        if is_float or is_impure_call or is_forbidden:
            yield node.lineno


def test_the_core_has_no_clock_no_random_number_no_io_and_no_float() -> None:
    """TR-02."""
    assert _lint(core_impurities, SOURCE / "trading") == []


@pytest.mark.parametrize(
    "line", ["import time", "from random import random", "x = 0.5", "float(x)", "open('a')"]
)
def test_an_impurity_in_the_core_is_found(line: str) -> None:
    """TR-02."""
    assert _lines(core_impurities, f"import math\n{line}\n") == [2]


def test_a_pure_core_is_not_accused() -> None:
    """TR-02."""
    assert _lines(core_impurities, "import math\nx = 5 // 2\ny = 'time'\n") == []


# B07: log calls take constant texts


def eager_logs(tree: ast.Module) -> Iterator[int]:
    """Find a log call whose event is put together before the level is known."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        target = ast.unparse(node.func.value).lower()
        is_log = node.func.attr in LOG_METHODS and "log" in target
        if is_log and any(not isinstance(item, ast.Constant | ast.Name) for item in node.args):
            yield node.lineno


def test_no_log_call_formats_eagerly() -> None:
    """B07."""
    assert _lint(eager_logs, SOURCE) == []


@pytest.mark.parametrize("event", ["f'a {x}'", "'a %s' % x", "'a {}'.format(x)", "'a' + x"])
def test_eager_formatting_is_found(event: str) -> None:
    """B07."""
    assert _lines(eager_logs, f"logger.info({event})") == [1]
    assert _lines(eager_logs, f"get_logger('a').info({event})") == [1]


def test_a_constant_event_with_keywords_is_not_accused() -> None:
    """B07."""
    assert _lines(eager_logs, "logger.info('sent', price=f'{x}')\nmath.log(x + 1)") == []


# A05: no hidden state


def hidden_randomness(tree: ast.Module) -> Iterator[int]:
    """Find `hash()`, the module `random` and NumPy's global generator."""
    for node in ast.walk(tree):
        is_hash = isinstance(node, ast.Call) and ast.unparse(node.func) == "hash"
        is_random = (
            isinstance(node, ast.Import) and any(name.name == "random" for name in node.names)
        ) or (isinstance(node, ast.ImportFrom) and node.module == "random")
        is_global = (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) == "np.random"
            and node.attr.islower()
            and node.attr != "default_rng"
        )
        if is_hash or is_random or is_global:
            yield node.lineno


def test_nothing_depends_on_the_hash_seed_or_a_global_generator() -> None:
    """A05."""
    assert _lint(hidden_randomness, SOURCE) == []


@pytest.mark.parametrize(
    "line", ["hash('a')", "import random", "from random import choice", "np.random.seed(1)"]
)
def test_hidden_randomness_is_found(line: str) -> None:
    """A05."""
    assert _lines(hidden_randomness, line) == [1]


def test_a_seeded_generator_is_not_accused() -> None:
    """A05."""
    assert _lines(hidden_randomness, "r: np.random.Generator = np.random.default_rng(1)") == []


# The doors of the rooms


def _door_order(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", _modules())
def test_the_names_a_module_exports_exist_and_are_sorted(name: str) -> None:
    module = importlib.import_module(name)
    exported = list(vars(module).get("__all__", []))
    assert [item for item in exported if item not in vars(module)] == []
    assert len(set(exported)) == len(exported)
    dunders = [item for item in exported if item.startswith("__")]
    rest = [item for item in exported if item not in dunders]
    assert rest == sorted(rest, key=_door_order)


def test_a_room_imports_only_lower_floors() -> None:
    """The contracts of `pyproject.toml`, as `lint-imports` checks them."""
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run(  # noqa: S603  # our own tool, fixed arguments
        [linter, "--no-cache"], cwd=SOURCE.parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


# What an import brings along


def _loaded_by(statement: str) -> set[str]:
    code = (
        f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_athena_brings_nothing_but_itself() -> None:
    assert _loaded_by("import athena") == {"athena"}


def test_the_version_is_answered_before_the_command_line_is_imported() -> None:
    statement = "sys.argv = ['athena', '--version']; from athena.__main__ import main; main()"
    assert _loaded_by(statement) - {"0", "__future__", "athena"} == set()


def test_building_the_command_line_brings_nothing_heavy() -> None:
    loaded = _loaded_by("from athena.app import build_app; build_app()")
    assert loaded & (HEAVY | {"pydantic", "rich", "structlog", "yaml", "httpx2"}) == set()


@pytest.mark.parametrize(
    "room", ["platform", "domain", "market", "trading", "research", "pricing"]
)
def test_importing_a_room_brings_nothing_heavy(room: str) -> None:
    """A14: the base runs without extras; the modules are listed, not the seconds."""
    assert _loaded_by(f"import athena.{room}") & HEAVY == set()

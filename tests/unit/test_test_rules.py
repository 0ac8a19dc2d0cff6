"""Rules for asynchronous code and for the tests themselves: A09, B09, B11."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# Calls that hold the event loop for as long as a disk, a process or a server takes.
BLOCKING = {
    "open", "sleep", "read_text", "read_bytes", "write_text", "write_bytes", "fsync", "run",
    "check_output", "urlopen", "connect", "execute",
}  # fmt: skip


def blocking_calls(tree: ast.AST) -> list[str]:
    """List the calls in coroutines that would block: not awaited, and known to wait."""
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        awaited = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Await)}
        awaited |= {id(argument) for argument in _tasks(function)}
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or id(call) in awaited:
                continue
            name = (
                call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
            )
            if name in BLOCKING:
                found.append(f"{function.name}:{call.lineno} {name}")
    return found


def _tasks(function: ast.AsyncFunctionDef) -> list[ast.expr]:
    """List the coroutines that are made a task: the loop runs them."""
    return [
        argument
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "create_task"
        for argument in call.args
    ]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_coroutine_blocks_the_event_loop(path: Path) -> None:
    """A09: blocking work runs off the event loop."""
    assert blocking_calls(ast.parse(path.read_text("utf-8"))) == []


def test_a_coroutine_that_blocks_is_found_and_one_that_awaits_is_not() -> None:
    """A09: the planted fault and its clean twin."""
    planted = ast.parse("async def f():\n    time.sleep(1)\n    open('x')\n")
    clean = ast.parse(
        "async def f():\n    await asyncio.sleep(1)\n    await db.execute('x')\n"
        "    group.create_task(engine.run())\n"
    )
    assert blocking_calls(planted) == ["f:2 sleep", "f:3 open"]
    assert blocking_calls(clean) == []


def test_warnings_are_errors_so_that_no_coroutine_is_left_unawaited() -> None:
    """B09: a coroutine never awaited is a RuntimeWarning, and a warning fails the suite."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert settings["tool"]["pytest"]["ini_options"]["filterwarnings"][0] == "error"


def swallowed(tree: ast.AST) -> list[int]:
    """List the lines of handlers that drop an exception without a word."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = ast.unparse(node.type) if node.type else ""
        is_broad = kinds in {"", "Exception", "BaseException"}
        is_empty = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
        if is_broad and is_empty:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_no_test_swallows_an_exception(path: Path) -> None:
    """B09."""
    assert swallowed(ast.parse(path.read_text("utf-8"))) == []


def test_a_swallowed_exception_is_found() -> None:
    """B09: the planted fault and its clean twin."""
    assert swallowed(ast.parse("try:\n    f()\nexcept Exception:\n    pass\n")) == [3]
    assert swallowed(ast.parse("try:\n    f()\nexcept ValueError:\n    n += 1\n")) == []


def skips_without_reason(tree: ast.AST) -> list[int]:
    """List the lines of skips that do not say why."""
    lines = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        has_reason = bool(call.args) or any(word.arg == "reason" for word in call.keywords)
        if name in {"pytest.skip", "pytest.mark.skip"} and not has_reason:
            lines.append(call.lineno)
        if name == "pytest.mark.skipif" and not any(w.arg == "reason" for w in call.keywords):
            lines.append(call.lineno)
    return lines


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_every_skip_says_why(path: Path) -> None:
    """B11: skips are counted with reasons."""
    assert skips_without_reason(ast.parse(path.read_text("utf-8"))) == []


def test_a_skip_without_reason_is_found() -> None:
    """B11: the planted fault and its clean twin."""
    assert skips_without_reason(ast.parse("pytest.skip()")) == [1]
    assert skips_without_reason(ast.parse("pytest.skip('no browser')")) == []


def checks_nothing(function: ast.FunctionDef) -> bool:
    """Tell whether a test has nothing that could fail: no assert, no raises, no check called."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return isinstance(node.test, ast.Constant)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name == "raises" or name.startswith(("assert_", "check_", "expect", "verify_")):
                return False
    return True


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_every_test_checks_something(path: Path) -> None:
    """B11: tests check values."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert [function.name for function in functions if checks_nothing(function)] == []

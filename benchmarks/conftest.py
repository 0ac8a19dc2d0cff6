"""Collect `bench_*.py`, gather their figures, and write the table when all have run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.bars import bars_file
from benchmarks.measure import FOLDER
from benchmarks.table import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Take the files that begin with `bench_`."""
    if file_path.name.startswith("bench_") and file_path.suffix == ".py":
        return pytest.Module.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each as long as it needs: a cold compiler takes minutes."""
    for item in items:
        item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Gather figures; print and store the page at the end, and say what was lost (TR-35)."""
    found = Report()
    yield found
    if any(figure.calib_s for figure in found.figures):
        found.settle()
    is_whole = request.session.testsfailed == 0 and request.config.getoption("keyword") == ""
    if is_whole:
        found.write()
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("", *found.lines(), sep="\n")  # noqa: T201 - the table is what was asked for
    losses = found.losses()
    if losses and os.environ.get("ATHENA_FULL") == "1":
        pytest.fail(
            "expected no loss over 10 % against the stored figures, was " + "; ".join(losses)
        )


@pytest.fixture(scope="session")
def bars() -> Path:
    """Return the file of the benchmark's bars."""
    return bars_file(FOLDER)

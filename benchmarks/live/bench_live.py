"""The live core's figures, in the table of `make bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.live.figures import SIZES, figures, measure

if TYPE_CHECKING:
    from benchmarks.table import Report

pytest.importorskip("numba", reason="the extra `fast` is not installed")
pytest.importorskip("uvicorn", reason="the extra `web` is not installed")


@pytest.mark.parametrize("job", SIZES)
def test_live(job: str, report: Report) -> None:
    found = measure(job)
    report.figures += figures(job, found)
    if job == "seeds":
        assert found["violated"] == 0

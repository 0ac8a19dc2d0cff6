"""Any file of quotes is analysed or refused with a reason; it never crashes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.errors import AthenaError
from athena.pricing.chain import (
    ChainSettings,
    analyse_chain,
    analysis_payload,
    priced_columns,
    read_chain,
    render_chain_report,
)
from tests.chain_builder import build_chain, chain_rows, write_rows

CLEAN = {
    is_american: chain_rows(build_chain(n_strikes=5, days=(30, 200), is_american=is_american))
    for is_american in (False, True)
}
CELLS = st.sampled_from(
    ["", "nan", "inf", "-inf", "0", "-1", "1e308", "1e-300", "abc", "100", "99.5", "5", "1e9",
     "C", "P", "2024-06-01", "2024-03-01", "1709327000000", "American", "european"]
)  # fmt: skip


@st.composite
def dirty_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = [dict(row) for row in CLEAN[draw(st.booleans())]]
    names = st.sampled_from(list(rows[0]))
    for _ in range(draw(st.integers(0, 12))):
        rows[draw(st.integers(0, len(rows) - 1))][draw(names)] = draw(CELLS)
    if draw(st.booleans()):
        name, cell = draw(names), draw(CELLS)
        rows = [{**row, name: cell} for row in rows]
    return rows[: draw(st.integers(1, len(rows)))]


@settings(max_examples=40)
@given(dirty_rows(), st.booleans(), st.sampled_from([None, 0.03, -0.02]))
def test_no_file_crashes_the_analysis(
    rows: list[dict[str, Any]], leave_one_out: bool, rate: float | None
) -> None:
    """PR-29: warnings are errors here too."""
    given_settings = ChainSettings(leave_one_out=leave_one_out, rate=rate)
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(rows, Path(folder) / "chain.csv")
        try:
            found = analyse_chain(read_chain(path, given_settings), given_settings)
        except AthenaError:
            return
    table = priced_columns(found)
    assert len(table["status"]) == len(rows)
    assert sum(found.status_counts.values()) == len(rows)
    assert analysis_payload(found, given_settings, "")["rows"] == len(rows)
    assert "</html>" in render_chain_report(found, given_settings, title="x", file_sha256="")

"""What a person looks at: tear sheets, charts, pages."""

from athena.reporting._comparison_page import render_comparison
from athena.reporting._png import render_pngs
from athena.reporting._svg import Canvas, Scale
from athena.reporting._tables import ComparisonRow, comparison_table, describe_halts, metrics_json
from athena.reporting._tear_sheet import render_tear_sheet

__all__ = [
    "Canvas",
    "ComparisonRow",
    "Scale",
    "comparison_table",
    "describe_halts",
    "metrics_json",
    "render_comparison",
    "render_pngs",
    "render_tear_sheet",
]

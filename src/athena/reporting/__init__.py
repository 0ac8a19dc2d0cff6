"""What a person looks at: tear sheets, charts, pages."""

from athena.reporting._png import render_pngs
from athena.reporting._tables import ComparisonRow, comparison_table, describe_halts, metrics_json
from athena.reporting._tear_sheet import render_tear_sheet

__all__ = [
    "ComparisonRow",
    "comparison_table",
    "describe_halts",
    "metrics_json",
    "render_pngs",
    "render_tear_sheet",
]

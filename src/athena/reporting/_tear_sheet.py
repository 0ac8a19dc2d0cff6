"""The tear sheet: one HTML file that opens anywhere and asks nobody for anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from athena.reporting._chart_data import chart_data
from athena.reporting._page import asset, content_policy, template
from athena.reporting._view import page_view
from athena.research.statistics import summarise

if TYPE_CHECKING:
    from athena.research import RunRecord
    from athena.research.statistics import RunSummary


def render_tear_sheet(record: RunRecord, summary: RunSummary | None = None) -> str:
    """Render a run as one self-contained HTML page, at most 1 MB.

    The page makes no request (its content policy forbids any), works without scripts as tables,
    and shows any text of the record as text.

    Args:
        record: of the run.
        summary: its statistics when the caller has them; computed otherwise.

    Raises:
        InputError: a curve holds NaN or infinity; the message names the index.
    """
    from markupsafe import Markup

    summary = summary or summarise(record)
    scripts = [asset("lightweight-charts.js"), asset("tear_sheet.js")]
    data = _script_safe_json(chart_data(record, summary))
    # Our own files and the escaped JSON are the only text that is not autoescaped.
    return template("tear_sheet.html").render(
        **page_view(record, summary),
        policy=content_policy(scripts),
        style=Markup(asset("tear_sheet.css")),  # noqa: S704 - a packaged file
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - packaged files
        data=Markup(data),  # noqa: S704 - escaped by _script_safe_json
    )


def _script_safe_json(data: dict[str, Any]) -> str:
    # Inside a script element only "<" can end it ("</script", "<!--"); "&" and ">" too.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

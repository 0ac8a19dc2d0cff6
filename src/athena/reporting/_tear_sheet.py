"""The tear sheet: one HTML file that opens anywhere and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from athena.reporting._chart_data import chart_data
from athena.reporting._view import page_view
from athena.research.statistics import summarise

if TYPE_CHECKING:
    from jinja2 import Template

    from athena.research import RunRecord
    from athena.research.statistics import RunSummary

_ASSETS = resources.files("athena.reporting") / "assets"


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
    scripts = [_asset("lightweight-charts.js"), _asset("tear_sheet.js")]
    data = _script_safe_json(chart_data(record, summary))
    # Our own files and the escaped JSON are the only text that is not autoescaped.
    return _template().render(
        **page_view(record, summary),
        policy=_content_policy(scripts),
        style=Markup(_asset("tear_sheet.css")),  # noqa: S704 - a packaged file
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - packaged files
        data=Markup(data),  # noqa: S704 - escaped by _script_safe_json
    )


def _content_policy(scripts: list[str]) -> str:
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _script_safe_json(data: dict[str, Any]) -> str:
    # Inside a script element only "<" can end it ("</script", "<!--"); "&" and ">" too.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset("tear_sheet.html"))

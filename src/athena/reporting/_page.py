"""What every page is made of: packaged files, a template, a policy that lets nothing in or out."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

_ASSETS = resources.files("athena.reporting") / "assets"


@cache
def asset(name: str) -> str:
    """Return the text of a packaged file."""
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """Return a packaged template; what it prints is escaped, a missing name is an error."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(asset(name))


def content_policy(scripts: Sequence[str]) -> str:
    """Return a content policy under which a page asks nobody and runs these scripts only."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = _generator().generate()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_equals_what_the_code_gives(name: str) -> None:
    committed = (ROOT / name).read_text(encoding="utf-8")
    assert committed == PAGES[name], "run .venv/bin/python docs/generate.py"


def test_no_generated_page_is_left_over() -> None:
    found = {str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("reference/api/*.md")}
    assert found <= set(PAGES)


def test_every_denial_code_and_key_has_a_row() -> None:
    from athena.domain import DenialCode
    from athena.platform.config import config_keys

    codes = PAGES["docs/reference/denial-codes.md"]
    assert all(f"| `{code.value}` |" in codes for code in DenialCode)
    keys = PAGES["docs/reference/configuration.md"]
    assert all(f"| `{path.rpartition('.')[2]}` |" in keys for path in config_keys())


def _broken_links(folder: Path) -> list[str]:
    return [
        f"{file.relative_to(folder)}: {target}"
        for file in sorted(folder.rglob("*.md"))
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        if not (file.parent / target).exists()
    ]


def test_every_relative_link_leads_somewhere() -> None:
    assert _broken_links(ROOT / "docs") == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[a](a.md) [b](b.md#x) [c](https://example.org/c)")
    assert _broken_links(tmp_path) == ["a.md: b.md"]

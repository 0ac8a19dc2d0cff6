"""D08: a configuration key that nothing reads fails here."""

from __future__ import annotations

import ast
from pathlib import Path

import athena
from athena.platform.config import config_keys

SOURCE = Path(athena.__file__).parent


def _attributes_read(folder: Path) -> set[str]:
    files = [
        file for file in folder.rglob("*.py") if folder / "platform" / "config" not in file.parents
    ]
    return {
        node.attr
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def unread_keys(folder: Path, patterns: list[str]) -> list[str]:
    """List the keys of which some part of the dotted path is never read as an attribute."""
    read = _attributes_read(folder) | {"*"}
    return [pattern for pattern in patterns if not set(pattern.split(".")) <= read]


def test_every_configuration_key_is_read_somewhere() -> None:
    """D08."""
    assert unread_keys(SOURCE, [key.pattern for key in config_keys().values()]) == []


def test_a_key_that_nobody_reads_is_found(tmp_path: Path) -> None:
    """The planted fault, and its clean twin."""
    (tmp_path / "reader.py").write_text("def f(config): return config.run.seed\n")
    assert unread_keys(tmp_path, ["run.seed", "run.speed"]) == ["run.speed"]


def test_setting_an_attribute_is_no_reading(tmp_path: Path) -> None:
    (tmp_path / "writer.py").write_text("def f(config): config.run.seed = 1\n")
    assert unread_keys(tmp_path, ["run.seed"]) == ["run.seed"]

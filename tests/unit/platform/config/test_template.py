"""The commented configuration of `athena init` says what the models say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from athena.platform.config import Config, config_keys, config_template, load_config

if TYPE_CHECKING:
    from pathlib import Path


def test_the_template_as_it_stands_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "athena.yaml"
    file.write_text(config_template())
    loaded = load_config(file, environment={})
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {"default"}


def test_the_template_with_every_key_in_force_gives_the_defaults(tmp_path: Path) -> None:
    """Every key is there, spelled so that it loads, with its default."""
    file = tmp_path / "athena.yaml"
    header, body = config_template().split("\n\n", 1)
    assert header.startswith("# Configuration")
    file.write_text(re.sub(r"^( +)# ", r"\1", body, flags=re.MULTILINE))
    loaded = load_config(file, environment={})
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {f"file {file}"}


def test_every_key_is_in_the_template_with_its_meaning() -> None:
    text = config_template()
    for path, key in config_keys().items():
        assert re.search(rf"# {path.rpartition('.')[2]}: .*# {re.escape(key.meaning)}", text)

"""Write a configuration so that loading it gives the same values (B08)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import yaml

from athena.platform.config._describe import KeyInfo, describe_config

if TYPE_CHECKING:
    from athena.platform.config._models import Config

_INDENT = "  "
_HEADER = """\
# Configuration of Athena. Every key is shown with its default; remove the leading "# " to set one.
# Options of a command and environment variables (ATHENA_SECTION__KEY) beat this file.
# Shares are fractions: "0.05" is five percent. `athena config show --origin` tells what holds.
"""


def dump_config(config: Config, form: Literal["yaml", "json"] = "yaml") -> str:
    """Write every value as YAML or JSON text; decimals are quoted, so no digit is lost."""
    nested: dict[str, Any] = config.model_dump(mode="json")
    if form == "json":
        return json.dumps(nested, indent=2) + "\n"
    return yaml.safe_dump(nested, sort_keys=False)


def config_template() -> str:
    """Write the commented configuration of `athena init`; as it stands it changes nothing."""
    lines = [_HEADER]
    for item in describe_config():
        depth = item.path.count(".")
        name = item.path.rpartition(".")[2]
        indent = _INDENT * depth
        if isinstance(item, KeyInfo):
            lines.append(f"{indent}# {name}: {format_default(item.default)}  # {_remark(item)}")
        else:
            lines.append(f"{'' if depth else chr(10)}{indent}{name}:  # {item.meaning}")
    return "\n".join(lines) + "\n"


def format_default(value: object) -> str:
    """Write a default as one YAML value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f'{name}: "{item}"' for name, item in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)


def _remark(item: KeyInfo) -> str:
    return f"{item.meaning}; {item.allowed.replace('`', '')}"

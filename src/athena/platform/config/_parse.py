"""Read YAML and JSON exactly: decimals stay text, a repeated key or an alias is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from athena.errors import ConfigError, InputError
from athena.platform._storage import storage_errors

if TYPE_CHECKING:
    from pathlib import Path

MAX_DEPTH = 64


class _ExactLoader(yaml.SafeLoader):
    """YAML without binary floats, repeated keys and aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            message = "expected a value, was an alias (*name), which is not supported here"
            mark = parent.start_mark if parent else None
            raise yaml.constructor.ConstructorError(None, None, message, mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # its parent's signature
        seen: set[str] = set()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode):
                message = "expected a plain key, was a list or a mapping"
                raise yaml.constructor.ConstructorError(None, None, message, name.start_mark)
            if name.value in seen:
                message = f"expected each key once, was {name.value!r} twice"
                raise yaml.constructor.ConstructorError(None, None, message, name.start_mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


# A decimal such as 0.1 has no exact binary form, so its text is kept for Decimal to read.
_ExactLoader.add_constructor(
    "tag:yaml.org,2002:float", lambda _loader, node: str(node.value).replace("_", "")
)


def parse_file(path: Path) -> dict[str, Any]:
    """Read a configuration file as nested keys; `.json` is JSON, anything else YAML.

    Raises:
        InputError: it is missing, a folder, or not UTF-8.
        ConfigError: it is not valid, or nested deeper than 64 levels (A15).
    """
    with storage_errors(path):
        data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        message = (
            f"expected UTF-8 text in {path}, was byte {data[error.start]:#x} at {error.start}"
        )
        raise InputError(message) from None
    try:
        nested = _parse_json(text, path) if path.suffix == ".json" else _parse_yaml(text, path)
    except RecursionError:
        raise too_deep(str(path)) from None
    if nested is None:
        return {}
    if not isinstance(nested, dict):
        message = f"expected sections with keys in {path}, was {type(nested).__name__}"
        raise ConfigError(message, hint="athena init writes a commented example")
    return nested


def too_deep(where: str) -> ConfigError:
    """Build the error for configuration that is nested too deep."""
    return ConfigError(f"expected at most {MAX_DEPTH} nested levels in {where}, was more")


def _parse_yaml(text: str, path: Path) -> object:
    try:
        return yaml.load(text, Loader=_ExactLoader)  # noqa: S506  # a SafeLoader with less
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        message = f"expected valid YAML in {path}{line}: {reason}"
        raise ConfigError(message) from None


def _parse_json(text: str, path: Path) -> object:
    try:
        return json.loads(
            text, parse_float=str, parse_constant=str, object_pairs_hook=_unique_pairs
        )
    except json.JSONDecodeError as error:
        message = f"expected valid JSON in {path}, line {error.lineno}: {error.msg}"
        raise ConfigError(message) from None
    except _RepeatedKeyError as error:
        message = f"expected each key once in {path}, was {error.args[0]!r} twice"
        raise ConfigError(message) from None


class _RepeatedKeyError(ValueError):
    """A JSON object that names a key twice."""


def _unique_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for name, value in pairs:
        if name in seen:
            raise _RepeatedKeyError(name)
        seen[name] = value
    return seen

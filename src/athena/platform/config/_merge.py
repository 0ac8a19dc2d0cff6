"""Layers of nested keys, later ones on top; the depth is bounded (A15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athena.platform.config._parse import MAX_DEPTH, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def deep_merge(base: Mapping[str, Any], top: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Lay nested keys over others; a mapping merges with a mapping, anything else replaces.

    An empty section (`None` over a mapping) changes nothing.

    Args:
        base: the lower layer.
        top: the upper layer.
        where: where the upper layer came from, for the error.

    Raises:
        ConfigError: the upper layer is nested deeper than 64 levels.
    """
    return _merge(base, top, where, 1)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List the leaves of nested keys as (dotted path, value); an empty mapping has none."""
    for name, value in nested.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def nest(path: str, value: object) -> dict[str, Any]:
    """Build the nested keys of one dotted path."""
    nested = value
    for name in reversed(path.split(".")):
        nested = {name: nested}
    return nested  # type: ignore[return-value]  # a path has at least one name


def _merge(
    base: Mapping[str, Any], top: Mapping[str, Any], where: str, depth: int
) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise too_deep(where)
    merged = dict(base)
    for name, value in top.items():
        below = base.get(name)
        if isinstance(value, dict):
            merged[name] = _merge(
                below if isinstance(below, dict) else {}, value, where, depth + 1
            )
        elif not (value is None and isinstance(below, dict)):
            merged[name] = value
    return merged

"""Load the configuration (options > environment > file > defaults) and where values came from."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from athena.errors import ConfigError
from athena.platform._redaction import looks_secret
from athena.platform._secrets import SecretName, how_to_set
from athena.platform.config._describe import config_keys
from athena.platform.config._language import ProvidersConfig
from athena.platform.config._merge import deep_merge, flatten, nest
from athena.platform.config._models import Config
from athena.platform.config._parse import parse_file

if TYPE_CHECKING:
    from athena.platform.config._describe import KeyInfo

_PREFIX = "ATHENA_"
_PATH_KEYS = ("paths.home", "log.file")
# A wrong address may hold a password where none belongs.
_NEVER_QUOTED = frozenset(
    {
        "bus.url",
        "database.url",
        "notices.webhook.url",
        "notices.telegram.url",
        *(f"language.providers.{name}.url" for name in ProvidersConfig.model_fields),
    }
)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where each of its values came from.

    Attributes:
        config: the values.
        origins: dotted path -> `default`, `file PATH`, `environment NAME` or `option`.
        file: the file that was read, or None.
    """

    config: Config
    origins: dict[str, str]
    file: Path | None


@dataclass(frozen=True, slots=True)
class _Layer:
    nested: dict[str, Any]
    origins: dict[str, str]
    where: str


def load_config(
    file: Path | None = None,
    *,
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> LoadedConfig:
    """Load and check the configuration.

    Args:
        file: a YAML or JSON file; None reads none.
        options: dotted path -> value from the command line; None values are skipped.
        environment: variables `ATHENA_SECTION__KEY`, and `ATHENA_HOME` for `paths.home`.

    Raises:
        ConfigError: a key is not known (the nearest valid one is named) or a value not valid.
        InputError: the file cannot be read.
    """
    keys = config_keys()
    layers = [_environment_layer(environment, keys), _options_layer(options or {})]
    if file is not None:
        layers.insert(0, _file_layer(file, keys))
    merged: dict[str, Any] = Config().model_dump()
    origins = dict.fromkeys((path for path, _ in flatten(merged)), "default")
    for layer in layers:
        merged = deep_merge(merged, layer.nested, layer.where)
        _refuse_unknown(layer, keys)
        origins.update(layer.origins)
    config = _validate(merged, origins)
    for path, _ in flatten(config.model_dump()):
        # A section under a free name (a model's) gets the keys that nobody set here.
        origins.setdefault(path, "default")
    return LoadedConfig(config, origins, file)


def _file_layer(file: Path, known: Mapping[str, KeyInfo]) -> _Layer:
    nested = parse_file(file)
    where = f"file {file}"
    for path in _PATH_KEYS:
        section, _, name = path.partition(".")
        keys = nested.get(section)
        if isinstance(keys, dict) and isinstance(keys.get(name), str):
            # A relative path belongs to the file that says it, wherever the command is run.
            keys[name] = str(file.absolute().parent / Path(keys[name]).expanduser())
    # The merge checks the depth first; only then may the leaves be listed by recursion.
    deep_merge({}, nested, where)
    # An empty section sets nothing.
    sections = _sections(known)
    paths = [path for path, value in flatten(nested) if value is not None or path not in sections]
    return _Layer(nested, dict.fromkeys(paths, where), where)


def _environment_layer(environment: Mapping[str, str], keys: Mapping[str, KeyInfo]) -> _Layer:
    nested: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, value in sorted(environment.items()):
        path = _path_of_variable(name, keys)
        if path is None:
            continue
        if path in origins:
            message = f"expected {path} to be set once, was set by {origins[path]} and by {name}"
            raise ConfigError(message)
        origins[path] = f"environment {name}"
        nested = deep_merge(nested, nest(path, value), origins[path])
    return _Layer(nested, origins, "the environment")


def _options_layer(options: Mapping[str, object]) -> _Layer:
    nested: dict[str, Any] = {}
    given = {path: value for path, value in options.items() if value is not None}
    for path, value in given.items():
        nested = deep_merge(nested, nest(path, value), "the options")
    return _Layer(nested, dict.fromkeys(given, "option"), "the options")


def _path_of_variable(name: str, keys: Mapping[str, KeyInfo]) -> str | None:
    if name == "ATHENA_HOME":
        return "paths.home"
    if not name.startswith(_PREFIX):
        return None
    rest = name.removeprefix(_PREFIX).lower()
    if "__" not in rest:
        if name in set(SecretName):
            return None
        _refuse_missing_underscore(name, rest)
        return None
    parent, _, last = rest.replace("__", ".").rpartition(".")
    is_mapping = parent in keys and keys[parent].is_mapping
    return f"{parent}.{last.upper() if is_mapping else last}"


def _refuse_missing_underscore(name: str, rest: str) -> None:
    # A limit that someone believes to have set must not be ignored without a word.
    section, _, key = rest.partition("_")
    if key and section in Config.model_fields:
        message = f"expected ATHENA_SECTION__KEY with two underscores, was {name}"
        raise ConfigError(message, hint=f"{_PREFIX}{section.upper()}__{key.upper()}")


def _refuse_unknown(layer: _Layer, keys: Mapping[str, KeyInfo]) -> None:
    for path, origin in layer.origins.items():
        parent = path.rpartition(".")[0]
        is_entry = parent in keys and keys[parent].is_mapping
        if path in keys or is_entry or path in _sections(keys) or _has_free_name(path, keys):
            continue
        _refuse_secret(path, origin)
        near = difflib.get_close_matches(path, keys, n=1)
        message = f"expected a known key, was '{path}' ({origin})"
        raise ConfigError(message, hint=f"did you mean '{near[0]}'?" if near else _LIST_HINT)


def _has_free_name(path: str, keys: Mapping[str, KeyInfo]) -> bool:
    """Tell whether a path is a key's whose section the user names, such as a model's."""
    patterns = {key.pattern for key in keys.values()}
    parts = path.split(".")
    return any(".".join([*parts[:k], "*", *parts[k + 1 :]]) in patterns for k in range(len(parts)))


def _refuse_secret(path: str, origin: str) -> None:
    # What the configuration holds is shown, recorded and backed up.
    parts = path.split(".")
    if not any(part == "key" or looks_secret(part) for part in parts):
        return
    ending = "_".join(parts[-2:]).upper()
    names = [name for name in SecretName if name.endswith(ending)]
    message = f"expected no secret in the configuration, was '{path}' ({origin})"
    raise ConfigError(message, hint=how_to_set(names[0]) if names else _WHERE_HINT)


_WHERE_HINT = "secrets come from the environment or the keyring; athena doctor lists them"
_LIST_HINT = "athena config show lists every key"


def _sections(keys: Mapping[str, KeyInfo]) -> set[str]:
    # An empty section, or a wrong value in its place, is left for the validation to judge.
    return {
        ".".join(parts[:depth])
        for parts in (path.split(".") for path in keys)
        for depth in range(1, len(parts))
    }


def _validate(merged: dict[str, Any], origins: Mapping[str, str]) -> Config:
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        findings = [_finding(item, origins) for item in error.errors(include_url=False)]
        raise ConfigError("; ".join(findings), hint="athena config show --origin") from None


def _finding(item: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    path = ".".join(str(part) for part in item["loc"])
    reason = item["msg"].removeprefix("Value error, ")
    origin = origins.get(path)
    if path in _NEVER_QUOTED:
        return f"{path}: {reason} ({origin})"
    if isinstance(item["input"], Mapping):
        return f"{path}: {reason}"
    return f"{path}: {reason}, was {item['input']!r}" + (f" ({origin})" if origin else "")

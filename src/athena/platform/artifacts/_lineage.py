"""Where a model comes from: data, code, libraries, parent, and how much was tried."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from athena.errors import InputError
from athena.platform._code import package_sha256
from athena.platform.artifacts._documents import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ConfigDict

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DataSource:
    """Data that a model was fitted or judged on.

    Attributes:
        name: of the data set.
        sha256: of its content, 64 hex digits.
        first_ns, last_ns: its range, UTC nanoseconds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    sha256: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a model comes from; make one with `trace_lineage`.

    Attributes:
        data: everything that it saw, at least one.
        code_sha256: of the package that trained it.
        versions: of Python and of the libraries that trained it.
        parent: id of the version that it was trained on from; None for a new one.
        training_steps: >= 1; 1 for a fit in closed form.
        n_trials: settings that were tried to find it, >= 1; what is deflated by.
        seed: of the training's random numbers.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    data: tuple[DataSource, ...]
    code_sha256: str
    versions: dict[str, str]
    parent: str | None
    training_steps: int
    n_trials: int
    seed: int


def trace_lineage(  # noqa: PLR0913 - one for each fact
    data: Iterable[DataSource],
    *,
    training_steps: int,
    seed: int,
    n_trials: int = 1,
    parent: str | None = None,
    packages: Iterable[str] = ("numpy",),
) -> Lineage:
    """Describe where a model comes from, with the code and the library versions that run now.

    Args:
        data: everything that it saw.
        training_steps: >= 1; 1 for a fit in closed form.
        seed: of the training's random numbers.
        n_trials: settings that were tried to find it, >= 1.
        parent: id of the version that it was trained on from.
        packages: that trained it, by the names they are installed under.

    Raises:
        InputError: a digest is none, a number is out of its range, or the code cannot be read.
    """
    versions = {name: version(name) for name in packages}
    versions["python"] = sys.version.partition(" ")[0]
    lineage = Lineage(
        data=tuple(data),
        code_sha256=package_sha256(),
        versions=versions,
        parent=parent,
        training_steps=training_steps,
        n_trials=n_trials,
        seed=seed,
    )
    if fault := lineage_fault(lineage):
        raise InputError(fault)
    return lineage


def lineage_fault(lineage: Lineage) -> str:
    """Say what is wrong with a lineage; empty when nothing is (PR-22)."""
    digests = [source.sha256 for source in lineage.data] + [lineage.code_sha256]
    digests += [] if lineage.parent is None else [lineage.parent]
    wrong = [text for text in digests if not _SHA256.fullmatch(text)]
    if wrong:
        return f"expected SHA-256 of 64 hex digits in the lineage, was {wrong[0]!r}"
    if not lineage.data or any(source.first_ns > source.last_ns for source in lineage.data):
        return "expected at least one source of data, each with first <= last, in the lineage"
    if lineage.training_steps < 1 or lineage.n_trials < 1:
        return (
            "expected training steps and trials >= 1 in the lineage, was "
            f"{lineage.training_steps} and {lineage.n_trials}"
        )
    return ""

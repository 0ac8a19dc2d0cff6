"""What stands in the files of a bundle, checked before it is published and whenever it is loaded.

Two kinds of files and two strict parsers: nothing that could be executed gets past them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import RefusedError
from athena.platform.artifacts._documents import read_as, read_object
from athena.platform.artifacts._gates import Scorecard, check_gates
from athena.platform.artifacts._kinds import KIND_RULES, BundleKind
from athena.platform.artifacts._lineage import Lineage, lineage_fault
from athena.platform.artifacts._tensors import check_tensors, decode_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    Content = bytes | memoryview

MANIFEST_NAME = "manifest.json"
CONFIG_NAME, METRICS_NAME = "config.json", "metrics.json"
SCORECARD_NAME, LINEAGE_NAME = "scorecard.json", "lineage.json"
WEIGHTS_NAME, REFERENCE_NAME = "weights.safetensors", "reference.safetensors"
DOCUMENT_SUFFIX, TENSOR_SUFFIX = ".json", ".safetensors"
_REQUIRED = (CONFIG_NAME, METRICS_NAME, SCORECARD_NAME, LINEAGE_NAME, WEIGHTS_NAME)
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}(\.json|\.safetensors)")


@dataclass(frozen=True, slots=True)
class Card:
    """What a bundle says about its model.

    Attributes:
        config: what the model is built from again.
        metrics: what was measured, baselines included.
        scorecard: what was measured against bounds.
        lineage: where it comes from.
    """

    config: Mapping[str, JsonValue]
    metrics: Mapping[str, JsonValue]
    scorecard: Scorecard
    lineage: Lineage


def is_file_name(name: str) -> bool:
    """Tell whether a bundle may have a file of that name, besides the manifest."""
    return _FILE_NAME.fullmatch(name) is not None and name != MANIFEST_NAME


def check_names(kind: BundleKind, names: set[str]) -> None:
    """Check that a bundle has the files of its kind, under names that stay in its folder.

    Raises:
        RefusedError: one is missing, or its name leads elsewhere or says another format.
    """
    wrong = sorted(name for name in names if not is_file_name(name))
    if wrong:
        message = f"expected files NAME.json and NAME.safetensors, was {wrong[0]!r}"
        raise RefusedError(message, hint="only these are loaded; nothing is ever unpickled")
    required = [*_REQUIRED, *([REFERENCE_NAME] if KIND_RULES[kind].n_reference else [])]
    missing = [name for name in required if name not in names]
    if missing:
        message = f"expected {', '.join(missing)} in a {kind}, was missing"
        raise RefusedError(message)


def read_card(kind: BundleKind, files: Mapping[str, Content]) -> Card:
    """Read what a bundle says about its model, and check it.

    Args:
        kind: of the model.
        files: at least the four documents that every bundle has.

    Raises:
        RefusedError: a document has another form, lacks what its kind demands, or has a gate
            that contradicts its own figures.
    """
    config = read_object(files[CONFIG_NAME], what=CONFIG_NAME)
    absent = [key for key in KIND_RULES[kind].config_keys if not config.get(key)]
    if absent:
        message = f"expected {', '.join(absent)} in {CONFIG_NAME} of a {kind}, was missing"
        raise RefusedError(message)
    scorecard = read_as(Scorecard, files[SCORECARD_NAME], what=SCORECARD_NAME)
    check_gates(scorecard.gates, what=SCORECARD_NAME)
    lineage = read_as(Lineage, files[LINEAGE_NAME], what=LINEAGE_NAME)
    if fault := lineage_fault(lineage):
        raise RefusedError(fault)
    metrics = read_object(files[METRICS_NAME], what=METRICS_NAME)
    return Card(config, metrics, scorecard, lineage)


def check_content(kind: BundleKind, files: Mapping[str, Content]) -> None:
    """Check every file of a bundle: its form, finite values, and what its kind demands.

    Raises:
        RefusedError: something does not hold; the message names the file.
    """
    check_names(kind, set(files))
    for name, content in files.items():
        if name.endswith(TENSOR_SUFFIX):
            check_tensors(content, what=name)
        else:
            read_object(content, what=name)
    read_card(kind, files)
    least = KIND_RULES[kind].n_reference
    if least:
        tensors = decode_tensors(files[REFERENCE_NAME], what=REFERENCE_NAME)
        n_points = min((len(array) for array in tensors.values() if array.ndim), default=0)
        if n_points < least:
            message = f"expected {least} points in {REFERENCE_NAME}, was {n_points}"
            raise RefusedError(message)

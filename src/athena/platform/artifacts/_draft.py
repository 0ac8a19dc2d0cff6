"""What a trainer hands over, and the files that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from athena.errors import InputError, RefusedError
from athena.platform.artifacts._content import (
    CONFIG_NAME,
    DOCUMENT_SUFFIX,
    LINEAGE_NAME,
    METRICS_NAME,
    SCORECARD_NAME,
    TENSOR_SUFFIX,
    check_content,
)
from athena.platform.artifacts._documents import to_json
from athena.platform.artifacts._gates import Gate, Scorecard
from athena.platform.artifacts._tensors import encode_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.platform.artifacts._kinds import BundleKind
    from athena.platform.artifacts._lineage import Lineage

    Tensors = Mapping[str, NDArray[Any]] | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDraft:
    """A trained model before it is published.

    Attributes:
        name: key that it is served under: lowercase letters, digits, '.', '_' and '-'.
        kind: what it is a model of.
        weights: name -> array, or the bytes of a safetensors file (for types NumPy lacks).
        config: whatever the kind needs to build the model again; JSON values.
        metrics: whatever was measured, baselines included; JSON values.
        gates: what the trainer measured against bounds.
        lineage: where it comes from.
        tensors: more files of arrays, such as `scaler` or `reference`; name without suffix.
        documents: more files of JSON values, such as `calibration`; name without suffix.
    """

    name: str
    kind: BundleKind
    weights: Tensors
    config: Mapping[str, object]
    metrics: Mapping[str, object]
    gates: Sequence[Gate]
    lineage: Lineage
    tensors: Mapping[str, Tensors] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def draft_files(draft: BundleDraft) -> dict[str, bytes]:
    """Turn a draft into the content of its files, all but the manifest; arrays are copied.

    Raises:
        InputError: something in it would be refused when it is loaded; the message says what.
    """
    files = {
        CONFIG_NAME: to_json(draft.config, what=CONFIG_NAME),
        METRICS_NAME: to_json(draft.metrics, what=METRICS_NAME),
        SCORECARD_NAME: to_json(asdict(Scorecard(tuple(draft.gates))), what=SCORECARD_NAME),
        LINEAGE_NAME: to_json(asdict(draft.lineage), what=LINEAGE_NAME),
    }
    more: dict[str, bytes] = {
        f"{name}{DOCUMENT_SUFFIX}": to_json(values, what=name)
        for name, values in draft.documents.items()
    }
    for name, tensors in [("weights", draft.weights), *draft.tensors.items()]:
        content = encode_tensors(tensors) if isinstance(tensors, Mapping) else tensors
        more[f"{name}{TENSOR_SUFFIX}"] = content
    twice = sorted(set(files) & set(more)) + (["weights"] if "weights" in draft.tensors else [])
    if twice:
        message = f"expected each file of the bundle once, was given twice: {twice[0]}"
        raise InputError(message)
    files |= more
    try:
        check_content(draft.kind, files)
    except RefusedError as error:
        raise InputError(error.message, hint=error.hint) from error
    return files

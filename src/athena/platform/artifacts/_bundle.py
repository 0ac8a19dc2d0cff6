"""A bundle in memory, made of the very bytes that were verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import MissingError, RefusedError
from athena.platform.artifacts._content import (
    DOCUMENT_SUFFIX,
    REFERENCE_NAME,
    TENSOR_SUFFIX,
    WEIGHTS_NAME,
)
from athena.platform.artifacts._documents import read_object
from athena.platform.artifacts._record import SHOWN_DIGITS
from athena.platform.artifacts._tensors import decode_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from pydantic import JsonValue

    from athena.platform.artifacts._content import Card
    from athena.platform.artifacts._kinds import BundleKind, Status

_INPUT, _OUTPUT = "input.", "output."
_TOLERANCE_F64, _TOLERANCE_F32 = 1e-6, 1e-4


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model; that it is verified is known in memory only, and never stored.

    Attributes:
        name: key that it is served under.
        kind: what it is a model of.
        version: SHA-256 of its manifest, 64 hex digits.
        status: where it stood when it was loaded.
        card: configuration, metrics, scorecard and lineage.
        contents: every file's bytes, by name; they cannot be written.
    """

    name: str
    kind: BundleKind
    version: str
    status: Status
    card: Card
    contents: Mapping[str, memoryview]

    @property
    def id(self) -> str:
        """Return what a trace names it: name and first digits of its version."""
        return f"{self.name}@{self.version[:SHOWN_DIGITS]}"

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights; see `tensors`."""
        return self.tensors(WEIGHTS_NAME.removesuffix(TENSOR_SUFFIX))

    def tensors(self, file: str) -> dict[str, NDArray[Any]]:
        """Return a file's tensors by name, as views that cannot be written.

        Args:
            file: name without suffix, such as `scaler`.

        Raises:
            InputError: one is of a type that NumPy does not have.
            MissingError: the bundle has no such file.
        """
        name = f"{file}{TENSOR_SUFFIX}"
        return decode_tensors(self.content(name), what=name)

    def document(self, file: str) -> Mapping[str, JsonValue]:
        """Return a JSON file's values.

        Args:
            file: name without suffix, such as `calibration`.

        Raises:
            MissingError: the bundle has no such file.
        """
        name = f"{file}{DOCUMENT_SUFFIX}"
        return read_object(self.content(name), what=name)

    def content(self, name: str) -> memoryview:
        """Return a file's bytes, for a reader of one's own such as `safetensors.torch.load`.

        Raises:
            MissingError: the bundle has no such file.
        """
        if name not in self.contents:
            known = ", ".join(sorted(self.contents))
            message = f"expected a file {name!r} in {self.id}, was none; there is: {known}"
            raise MissingError(message)
        return self.contents[name]


def check_reference(
    bundle: Bundle, predict: Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]
) -> None:
    """Run the recorded inputs through the model again, and compare with the recorded outputs.

    The file `reference` holds tensors `input.NAME` and `output.NAME`. Equal means
    `|was - expected| <= tolerance * max(1, |expected|)`, with 1e-6 for float64 and 1e-4 for
    shorter floats; other types must be equal (FC-36).

    Args:
        bundle: that the model was built from.
        predict: inputs by name -> outputs by name.

    Raises:
        RefusedError: an output is missing, or another one; the message names it.
    """
    recorded = bundle.tensors(REFERENCE_NAME.removesuffix(TENSOR_SUFFIX))
    inputs = {name.removeprefix(_INPUT): recorded[name] for name in recorded if _is_input(name)}
    outputs = {name.removeprefix(_OUTPUT): recorded[name] for name in recorded if _is_output(name)}
    if not outputs:
        message = f"expected recorded outputs in {bundle.id}, was none"
        raise RefusedError(message)
    found = predict(inputs)
    for name, expected in outputs.items():
        was = found.get(name)
        if was is None or was.shape != expected.shape:
            message = (
                f"expected output {name!r} of shape {expected.shape} from {bundle.id}, was "
                f"{'missing' if was is None else f'of shape {was.shape}'}"
            )
            raise RefusedError(message)
        gap = np.abs(was.astype(np.float64) - expected) / np.maximum(1.0, np.abs(expected))
        # Written so that NaN does not pass.
        if not (gap <= _tolerance(expected)).all():
            message = (
                f"expected the recorded output {name!r} from {bundle.id} within "
                f"{_tolerance(expected):g}, was {np.max(gap):g} away"
            )
            raise RefusedError(message, hint="the model is not the one that was published")


def _tolerance(expected: NDArray[Any]) -> float:
    if expected.dtype.kind != "f":
        return 0.0
    return _TOLERANCE_F64 if expected.dtype.itemsize == np.dtype("f8").itemsize else _TOLERANCE_F32


def _is_input(name: str) -> bool:
    return name.startswith(_INPUT)


def _is_output(name: str) -> bool:
    return name.startswith(_OUTPUT)

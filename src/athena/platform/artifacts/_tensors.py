"""Weights in the safetensors format: a header that is checked whole, then views on the bytes.

The format (huggingface/safetensors, README): 8 bytes little-endian length of the header, a JSON
object `name -> {dtype, shape, data_offsets}`, then the tensors without gap or overlap. There is
nothing in it that could be executed. It is read here and not by the package `safetensors` because
that costs one more package in the base and one more copy of all weights; the bytes are equal.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LENGTH_BYTES = 8
_LARGEST_HEADER_BYTES = 16_000_000
_SHORTEST_HEADER = len("{}")
_METADATA = "__metadata__"
_ALIGNMENT = 8
# In the order in which tensors are laid out: the widest first, so that each is aligned.
_DTYPES = MappingProxyType(
    {
        "U64": "<u8", "I64": "<i8", "F64": "<f8", "F32": "<f4", "U32": "<u4", "I32": "<i4",
        "BF16": "<u2", "F16": "<f2", "U16": "<u2", "I16": "<i2", "I8": "|i1", "U8": "|u1",
        "BOOL": "|b1",
    }
)  # fmt: skip
_BRAIN_FLOAT = "BF16"  # NumPy has no such type; its values are looked at as bits
_BRAIN_EXPONENT = 0x7F80
_NAMES = MappingProxyType(
    {np.dtype(code): name for name, code in _DTYPES.items() if name != _BRAIN_FLOAT}
)
# Magic numbers of what people save models as, for a message that helps.
_FOREIGN = MappingProxyType({b"\x80": "a pickle", b"PK": "a ZIP file, as torch.save writes"})


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where a tensor lies.

    Attributes:
        dtype: safetensors' name of it.
        shape: of the tensor.
        start, end: of its bytes in the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def encode_tensors(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Lay tensors out as a safetensors file; the same tensors give the same bytes.

    Args:
        tensors: name -> array of any shape, boolean, integer or float up to 64 bits.

    Raises:
        InputError: an array has another type, or a name that the format reserves.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in tensors.items():
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _NAMES or name == _METADATA:
            message = (
                f"expected booleans, integers or floats in tensor {name!r}, was {array.dtype}"
            )
            raise InputError(message)
        arrays[name] = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    rank = {name: index for index, name in enumerate(_DTYPES)}
    order = sorted(arrays, key=lambda name: (rank[_NAMES[arrays[name].dtype]], name))
    header, start = {}, 0
    for name in order:
        array = arrays[name]
        end = start + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    data = [arrays[name].reshape(-1).view(np.uint8).data for name in order]
    return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *data])


def header_length(prefix: bytes | memoryview, n_bytes: int, *, what: str) -> int:
    """Read the length of a header.

    Args:
        prefix: the file's first 8 bytes.
        n_bytes: length of the file.
        what: the file's name, for the message.

    Raises:
        RefusedError: it is no safetensors file, or the header would not fit into it.
    """
    length = int.from_bytes(prefix[:LENGTH_BYTES], "little")
    is_short = len(prefix) < LENGTH_BYTES
    if is_short or not _SHORTEST_HEADER <= length <= min(
        _LARGEST_HEADER_BYTES, n_bytes - LENGTH_BYTES
    ):
        looks = [name for magic, name in _FOREIGN.items() if bytes(prefix[:2]).startswith(magic)]
        was = looks[0] if looks else f"a header of {length:,} bytes in {n_bytes:,}"
        message = f"expected a safetensors file, was {was}: {what}"
        raise RefusedError(message, hint="only safetensors are loaded; nothing is ever unpickled")
    return length


def read_header(header: bytes | memoryview, n_bytes: int, *, what: str) -> dict[str, TensorPlace]:
    """Read where the tensors lie; every size is checked before any array is made.

    Args:
        header: the JSON text.
        n_bytes: length of the file.
        what: the file's name, for the message.

    Raises:
        RefusedError: a size, type or shape is wrong, or tensors overlap, leave a gap, or reach
            beyond the file.
    """
    try:
        entries = json.loads(bytes(header), object_pairs_hook=_unique)
        base = LENGTH_BYTES + len(header)
        places = {
            name: _place(entry, base) for name, entry in entries.items() if name != _METADATA
        }
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        message = f"expected a header that agrees with itself, was {error!r}: {what}"
        raise RefusedError(message) from error
    reached = base
    for place in sorted(places.values(), key=lambda place: (place.start, place.end)):
        if place.start != reached:
            message = f"expected a tensor at byte {reached}, was at {place.start}: {what}"
            raise RefusedError(message)
        reached = place.end
    if reached != n_bytes:
        message = f"expected tensors of {reached:,} bytes by its header, was {n_bytes:,}: {what}"
        raise RefusedError(message)
    return places


def check_tensors(content: bytes | memoryview, *, what: str) -> None:
    """Check a whole safetensors file.

    Raises:
        RefusedError: it is none, or a tensor holds NaN, infinity, or a boolean that is neither.
    """
    for name, place in _places(content, what=what).items():
        array = _view(content, place)
        if not _has_sound_values(array, place.dtype):
            message = f"expected finite values in tensor {name!r}, was not: {what}"
            raise RefusedError(message)


def decode_tensors(content: bytes | memoryview, *, what: str) -> dict[str, NDArray[Any]]:
    """Return a file's tensors as views that cannot be written, in the file's order.

    Raises:
        InputError: one is of a type that NumPy does not have.
        RefusedError: it is no safetensors file.
    """
    tensors = {}
    for name, place in _places(content, what=what).items():
        if place.dtype == _BRAIN_FLOAT:
            message = (
                f"expected a type that NumPy has in tensor {name!r}, was {place.dtype}: {what}"
            )
            raise InputError(message, hint="safetensors.torch.load(bytes(bundle.content(...)))")
        tensors[name] = _view(content, place)
    return tensors


def _places(content: bytes | memoryview, *, what: str) -> dict[str, TensorPlace]:
    length = header_length(content[:LENGTH_BYTES], len(content), what=what)
    header = content[LENGTH_BYTES : LENGTH_BYTES + length]
    return read_header(header, len(content), what=what)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key twice"
        raise ValueError(message)
    return found


def _place(entry: dict[str, Any], base: int) -> TensorPlace:
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(sorted(entry))
    dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    # A boolean is an int to Python, and is none here.
    if not all(type(size) is int and size >= 0 for size in [*shape, start, end]):
        raise ValueError(shape, start, end)
    if math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize != end - start:
        raise ValueError(dtype, shape, start, end)
    return TensorPlace(dtype, tuple(shape), base + start, base + end)


def _view(content: bytes | memoryview, place: TensorPlace) -> NDArray[Any]:
    piece = memoryview(content)[place.start : place.end]
    array = np.frombuffer(piece, dtype=_DTYPES[place.dtype]).reshape(place.shape)
    array.flags.writeable = False
    return array


def _has_sound_values(array: NDArray[Any], dtype: str) -> bool:
    if dtype == _BRAIN_FLOAT:
        return bool(((array & _BRAIN_EXPONENT) != _BRAIN_EXPONENT).all())
    if array.dtype.kind == "b":
        return bool((array.view(np.uint8) <= 1).all())
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())

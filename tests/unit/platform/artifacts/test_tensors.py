"""The safetensors format: the library's bytes, and every lie of a header refused."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.errors import InputError, RefusedError
from athena.platform.artifacts import decode_tensors, encode_tensors
from athena.platform.artifacts._tensors import check_tensors

# What safetensors 0.8.0 writes for the tensors of `golden`.
GOLDEN = bytes.fromhex(
    "70000000000000007b226e223a7b226474797065223a22493634222c227368617065223a5b315d2c22646174615f6f"
    "666673657473223a5b302c385d7d2c2277223a7b226474797065223a22463332222c227368617065223a5b322c325d"
    "2c22646174615f6f666673657473223a5b382c32345d7d7d202003000000000000000000803f000000c00000003f00"
    "004040"
)
GOOD = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}


def golden() -> dict[str, np.ndarray[Any, Any]]:
    return {
        "w": np.array([[1, -2], [0.5, 3]], dtype=np.float32),
        "n": np.array([3], dtype=np.int64),
    }


def crafted(header: object, data: bytes = bytes(16)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_the_bytes_are_those_of_the_library() -> None:
    assert encode_tensors(golden()) == GOLDEN
    found = decode_tensors(GOLDEN, what="golden")
    assert list(found) == ["n", "w"]
    assert found["w"].dtype == np.float32
    assert found["w"].tolist() == [[1, -2], [0.5, 3]]


def test_the_library_reads_ours_and_we_read_the_librarys() -> None:
    library = pytest.importorskip("safetensors.numpy")
    assert library.save(golden()) == encode_tensors(golden())
    assert library.load(encode_tensors(golden()))["w"].tolist() == [[1, -2], [0.5, 3]]


@pytest.mark.parametrize(
    "array",
    [
        np.array(2.5),
        np.zeros((0, 4), dtype=np.float32),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.arange(12.0).reshape(3, 4).T,
        np.array([True, False]),
        np.array([2**64 - 1], dtype=np.uint64),
    ],
    ids=["0-d", "empty", "big-endian", "transposed", "boolean", "uint64"],
)
def test_an_array_comes_back_as_it_was(array: np.ndarray[Any, Any]) -> None:
    (found,) = decode_tensors(encode_tensors({"a": array}), what="a").values()
    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(found, array)


def test_views_cannot_be_written() -> None:
    found = decode_tensors(bytearray(GOLDEN), what="golden")
    with pytest.raises(ValueError, match="read-only"):
        found["w"][0, 0] = 9


@pytest.mark.parametrize(
    "tensors", [{"a": np.array(["x"])}, {"a": np.array([1j])}, {"__metadata__": np.zeros(1)}]
)
def test_what_the_format_cannot_hold_is_refused(tensors: Any) -> None:
    with pytest.raises(InputError, match="expected booleans, integers or floats"):
        encode_tensors(tensors)


def test_a_sound_file_made_by_hand_is_not_accused() -> None:
    """The clean twin of all lies below."""
    check_tensors(crafted(GOOD), what="good")
    check_tensors(crafted({**GOOD, "__metadata__": {"format": "pt"}}), what="good")


LIES: dict[str, bytes] = {
    "empty": b"",
    "too short for a length": b"\x10\x00",
    "header longer than the file": (1 << 40).to_bytes(8, "little") + b"{}",
    "header of no length": bytes(16),
    "not JSON": crafted(b"{'w'}  "),
    "not an object": crafted([GOOD]),
    "not UTF-8": crafted(b'{"\xff": 1}'),
    "very deep": crafted(b'{"w":' * 50_000 + b"1" + b"}" * 50_000),
    "a name twice": crafted(b'{"w": {}, "w": {}}'),
    "a tensor that is no object": crafted({"w": 5}),
    "another key": crafted({"w": {**GOOD["w"], "pickle": "x"}}),
    "unknown type": crafted({"w": {**GOOD["w"], "dtype": "F128"}}),
    "type that is no text": crafted({"w": {**GOOD["w"], "dtype": ["F32"]}}),
    "larger shape": crafted({"w": {**GOOD["w"], "shape": [1 << 40, 1 << 40]}}),
    "shape that overflows to its size": crafted({"w": {**GOOD["w"], "shape": [(1 << 64) + 4]}}),
    "negative shape": crafted({"w": {**GOOD["w"], "shape": [-2, -2]}}),
    "boolean shape": crafted({"w": {**GOOD["w"], "shape": [True, 4]}}),
    "float shape": crafted({"w": {**GOOD["w"], "shape": [2.0, 2]}}),
    "offsets swapped": crafted({"w": {**GOOD["w"], "data_offsets": [16, 0]}}),
    "three offsets": crafted({"w": {**GOOD["w"], "data_offsets": [0, 8, 16]}}),
    "beyond the file": crafted({"w": {**GOOD["w"], "shape": [2, 4], "data_offsets": [0, 32]}}),
    "bytes that nobody owns": crafted(GOOD, bytes(24)),
    "a gap": crafted({"w": {**GOOD["w"], "data_offsets": [8, 24]}}, bytes(24)),
    "an overlap": crafted({**GOOD, "v": GOOD["w"]}),
    "a pickle": pickle.dumps({"w": [1.0] * 100}),
}


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_lies_is_refused_before_anything_is_made_of_it(name: str) -> None:
    """FC-36: sizes are compared first; no room is made for what a header claims."""
    tracemalloc.start()
    try:
        with pytest.raises(RefusedError):
            check_tensors(LIES[name], what="weights")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 30_000_000


def test_a_pickle_is_named_and_never_executed(tmp_path: Path) -> None:
    """A03, M2: the payload would make a file."""
    mark = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> Any:
            return Path.touch, (mark,)

    with pytest.raises(RefusedError, match="was a pickle"):
        decode_tensors(pickle.dumps(Payload()), what="weights")
    assert not mark.exists()


def test_a_zip_file_of_torch_is_named() -> None:
    """A03."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps([1]))
    with pytest.raises(RefusedError, match=r"torch\.save"):
        decode_tensors(buffer.getvalue(), what="weights")


@pytest.mark.parametrize(
    "array",
    [np.array([1, np.nan]), np.array([np.inf], dtype=np.float32), np.array([-np.inf], np.float16)],
)
def test_weights_that_are_not_finite_are_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(RefusedError, match="finite values in tensor 'a'"):
        check_tensors(encode_tensors({"a": array}), what="weights")
    check_tensors(encode_tensors({"a": np.nan_to_num(array, posinf=1, neginf=-1)}), what="weights")


def test_a_boolean_that_is_neither_is_refused() -> None:
    header = {"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    check_tensors(crafted(header, b"\x00\x01"), what="flags")
    with pytest.raises(RefusedError, match="tensor 'a'"):
        check_tensors(crafted(header, b"\x00\x02"), what="flags")


@pytest.mark.parametrize(("bits", "is_finite"), [(0x3F80, True), (0x7F80, False), (0xFFC0, False)])
def test_brain_floats_are_verified_and_left_to_torch(bits: int, is_finite: bool) -> None:
    header = {"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}
    content = crafted(header, bits.to_bytes(2, "little"))
    if is_finite:
        check_tensors(content, what="weights")
    else:
        with pytest.raises(RefusedError, match="finite"):
            check_tensors(content, what="weights")
    with pytest.raises(InputError, match="BF16"):
        decode_tensors(content, what="weights")

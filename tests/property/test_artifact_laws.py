"""Laws of the artifact store, for any byte, any tensors and any order of moves."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.extra.numpy as st_numpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from athena.errors import MissingError, RefusedError
from athena.platform.artifacts import (
    BundleKind,
    Status,
    decode_tensors,
    encode_tensors,
    load_bundle,
    measure_gate,
    promote_bundle,
    read_record,
    retire_bundle,
    roll_back_bundle,
    verify_bundles,
)
from athena.platform.artifacts._gates import check_gates
from athena.platform.artifacts._tensors import check_tensors
from tests.artifact_builder import NAME, NOW_NS, pass_shadow, publish, serve, version_files

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
arrays = st.sampled_from(TYPES).flatmap(
    lambda code: st_numpy.arrays(
        code, st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    )
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A home with one promoted version, in which bytes are flipped and put back."""
    home = tmp_path_factory.mktemp("flips")
    yield home, serve(home)
    assert [item.status for item in verify_bundles(home)] == [Status.PROMOTED]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_anywhere_is_refused_and_put_back_it_loads(
    served: tuple[Path, str], data: st.DataObject
) -> None:
    """FC-36, ML-37, PR-21: any bit of any byte of any file, the record included."""
    home, version = served
    path = data.draw(st.sampled_from(version_files(home, version)), label="file")
    clean = path.read_bytes()
    position = data.draw(st.integers(0, len(clean) - 1), label="position")
    mask = data.draw(st.integers(1, 255), label="mask")
    spoiled = bytearray(clean)
    spoiled[position] ^= mask
    path.write_bytes(spoiled)
    try:
        with pytest.raises(RefusedError, match=path.name):
            load_bundle(home, NAME, kind=BundleKind.FORECASTER)
    finally:
        path.write_bytes(clean)
    assert load_bundle(home, NAME, kind=BundleKind.FORECASTER).version == version


@given(st.dictionaries(st.text(max_size=8).filter(lambda name: name != "__metadata__"), arrays))
def test_tensors_come_back_bit_for_bit_and_always_as_the_same_bytes(
    tensors: dict[str, np.ndarray[Any, Any]],
) -> None:
    content = encode_tensors(tensors)
    assert content == encode_tensors(dict(reversed(tensors.items())))
    found = decode_tensors(content, what="any")
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_tensors_or_refused(content: bytes) -> None:
    """Nothing else is raised, whatever is offered."""
    try:
        check_tensors(content, what="any")
    except RefusedError:
        return
    assert len(content) >= 10


HEADERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["w", "dtype", "shape", "data_offsets"]), inner)
    ),
    max_leaves=12,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BOOL", "BF16", "X"]),
        "shape": st.lists(st.integers(-1, 5), max_size=3),
        "data_offsets": st.lists(st.integers(-1, 20), min_size=2, max_size=2),
    }
)


@given(st.one_of(HEADERS, st.dictionaries(st.text(max_size=2), ENTRIES)), st.binary(max_size=20))
def test_a_header_of_any_kind_is_refused_or_owns_every_byte(header: object, data: bytes) -> None:
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + data
    try:
        check_tensors(content, what="any")
    except RefusedError:
        return
    assert isinstance(header, dict)
    entries = [entry for name, entry in header.items() if name != "__metadata__"]
    assert sum(b - a for a, b in (entry["data_offsets"] for entry in entries)) == len(data)


@given(
    st.sampled_from([">=", "<=", "==", ">", "<"]),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda bound: round(bound, 3)),
    st.none() | st.floats(),
)
def test_a_gate_that_was_measured_is_never_accused(
    relation: str, bound: float, was: float | None
) -> None:
    gate = measure_gate("any", f"{relation} {bound:.3f}", was, n=3)
    check_gates([gate], what="any")
    assert gate.was is None or np.isfinite(gate.was)
    assert not (gate.was is None and gate.holds)


class Store(RuleBasedStateMachine):
    """The store beside a model of it: who stands where, and what a roll-back would take."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.n = 0
        self.status: dict[str, Status] = {}
        self.previous: list[str] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    def standing(self, status: Status) -> str | None:
        found = [version for version, is_now in self.status.items() if is_now is status]
        return found[-1] if found else None

    def replaced(self, status: Status) -> None:
        before = self.standing(status)
        if before is not None:
            self.status[before] = Status.RETIRED
            if status is Status.PROMOTED:
                self.previous.append(before)

    @precondition(lambda self: self.n < 6)  # no version is old enough to be removed
    @rule()
    def publish(self) -> None:
        self.n += 1
        version = publish(self.home, float(self.n), at_ns=NOW_NS + self.n)
        pass_shadow(self.home, version)
        self.status[version] = Status.CANDIDATE

    @precondition(lambda self: self.n)
    @rule()
    def shadow(self) -> None:
        version = self.standing(Status.CANDIDATE)
        if version is None:
            with pytest.raises(RefusedError):
                promote_bundle(self.home, NAME, to=Status.SHADOW, now_ns=NOW_NS)
            return
        promote_bundle(self.home, NAME, to=Status.SHADOW, now_ns=NOW_NS)
        self.replaced(Status.SHADOW)
        self.status[version] = Status.SHADOW

    @precondition(lambda self: self.n)
    @rule()
    def promote(self) -> None:
        version = self.standing(Status.SHADOW)
        if version is None:
            with pytest.raises(RefusedError):
                promote_bundle(self.home, NAME, to=Status.PROMOTED, now_ns=NOW_NS)
            return
        promote_bundle(self.home, NAME, to=Status.PROMOTED, now_ns=NOW_NS)
        self.replaced(Status.PROMOTED)
        self.status[version] = Status.PROMOTED

    @precondition(lambda self: self.n)
    @rule()
    def roll_back(self) -> None:
        if not self.previous:
            with pytest.raises(RefusedError):
                roll_back_bundle(self.home, NAME, now_ns=NOW_NS)
            return
        roll_back_bundle(self.home, NAME, now_ns=NOW_NS)
        version, before = self.previous.pop(), self.standing(Status.PROMOTED)
        if before is not None:
            self.status[before] = Status.RETIRED
        self.status[version] = Status.PROMOTED

    @precondition(lambda self: self.standing(Status.PROMOTED))
    @rule()
    def withdraw(self) -> None:
        version = self.standing(Status.PROMOTED)
        assert version is not None
        retire_bundle(self.home, NAME, version=version, now_ns=NOW_NS, reason="withdrawn")
        self.status[version] = Status.RETIRED

    @precondition(lambda self: self.n)
    @invariant()
    def agrees(self) -> None:
        record = read_record(self.home, NAME)
        assert {version.id: version.status for version in record.versions} == self.status
        assert list(record.previous) == self.previous
        serving = self.standing(Status.PROMOTED)
        if serving is None:
            with pytest.raises(MissingError):
                load_bundle(self.home, NAME, kind=BundleKind.FORECASTER)
        else:
            assert load_bundle(self.home, NAME, kind=BundleKind.FORECASTER).version == serving


Store.TestCase.settings = settings(
    max_examples=max(8, settings().max_examples // 40), stateful_step_count=12, deadline=None
)
TestStore = Store.TestCase

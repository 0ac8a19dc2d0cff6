"""A bundle goes out and comes back as it was; whatever is wrong with it is refused by name."""

from __future__ import annotations

import os
import pickle
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import InputError, MissingError, RefusedError
from athena.platform.artifacts import (
    Bundle,
    BundleKind,
    DataSource,
    check_reference,
    encode_tensors,
    list_bundles,
    load_bundle,
    read_record,
    trace_lineage,
    verify_bundles,
)
from tests.artifact_builder import (
    CONFIG,
    LINEAGE,
    N_REFERENCE,
    NAME,
    NOW_NS,
    SHA,
    digest,
    draft,
    flip,
    linear,
    publish,
    serve,
    version_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def load(home: Path, **demands: Any) -> Bundle:
    return load_bundle(home, NAME, **{"kind": BundleKind.FORECASTER, **demands})


def folder(home: Path, version: str) -> Path:
    return home / "artifacts" / NAME / version


def test_what_was_published_is_what_is_loaded(home: Path) -> None:
    version = publish(
        home,
        2.0,
        tensors={**draft(2.0).tensors, "scaler": {"mean": np.array([1.0, 2.0])}},
        documents={"calibration": {"coverage": 0.8}},
    )
    bundle = load(home, version=version[:8])
    assert bundle.version == version
    assert bundle.id == f"{NAME}@{version[:12]}"
    assert bundle.weights["w"].tolist() == [[2.0, 2.0]] * 3
    assert bundle.tensors("scaler")["mean"].tolist() == [1.0, 2.0]
    assert bundle.document("calibration") == {"coverage": 0.8}
    assert bundle.card.config == CONFIG
    assert bundle.card.lineage == LINEAGE
    assert bundle.card.metrics["value"] == 2.0
    assert {gate.name for gate in bundle.card.scorecard.gates} >= {"look_ahead_audit"}
    with pytest.raises(MissingError, match=r"'other\.json'.*calibration\.json"):
        bundle.document("other")


def test_the_version_is_the_digest_of_the_manifest_and_states_every_other(home: Path) -> None:
    version = publish(home)
    manifest = (folder(home, version) / "manifest.json").read_bytes()
    assert digest(manifest) == version
    for file in folder(home, version).iterdir():
        if file.name != "manifest.json":
            assert digest(file.read_bytes()) in manifest.decode()


def test_the_same_model_gives_the_same_bytes_anywhere(home: Path, tmp_path: Path) -> None:
    assert publish(home) == publish(tmp_path)
    with pytest.raises(InputError, match="exists"):
        publish(home)


def test_a_published_model_serves_nothing_until_it_is_promoted(home: Path) -> None:
    publish(home)
    with pytest.raises(MissingError, match="expected a promoted version"):
        load(home)
    served = serve(home, 2.0, at_ns=NOW_NS + 1)
    publish(home, 3.0, at_ns=NOW_NS + 2)
    assert load(home).version == served


def test_weights_are_those_that_were_verified_whatever_happens_to_the_file(home: Path) -> None:
    version = serve(home)
    bundle = load(home)
    flip(folder(home, version) / "weights.safetensors", -1)
    assert bundle.weights["w"].tolist() == [[1.0, 1.0]] * 3


def test_an_unknown_name_is_missing_with_the_known_ones(home: Path) -> None:
    publish(home)
    with pytest.raises(MissingError, match=NAME):
        load_bundle(home, "eth", kind=BundleKind.FORECASTER)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "BTC", "a\0b", "x" * 101])
def test_a_name_that_could_lead_elsewhere_is_refused(home: Path, name: str) -> None:
    with pytest.raises(InputError, match="as bundle, was"):
        load_bundle(home, name, kind=BundleKind.FORECASTER)
    with pytest.raises(InputError, match="as bundle, was"):
        publish(home, name=name)
    assert not (home / "artifacts").exists() or not list((home / "artifacts").iterdir())


def test_the_caller_demands_kind_and_configuration(home: Path) -> None:
    """FC-36: features in another order have another hash."""
    serve(home)
    load(home, config={"feature_sha256": SHA})
    with pytest.raises(RefusedError, match="feature_sha256"):
        load(home, config={"feature_sha256": "cd" * 32})
    with pytest.raises(InputError, match="expected a pricer"):
        load(home, kind=BundleKind.PRICER)
    with pytest.raises(InputError, match="expected a pricer"):
        publish(home, kind=BundleKind.PRICER, gates=(), at_ns=NOW_NS + 1)


# What a draft must not be


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"w": np.array([np.nan])}}, "finite values in tensor 'w'"),
        ({"weights": pickle.dumps([1])}, "a pickle"),
        ({"config": {}}, "feature_sha256, split in config.json"),
        ({"config": {"a": float("nan")}}, "JSON values in config.json"),
        ({"metrics": {"a": {1, 2}}}, "JSON values in metrics.json"),
        ({"tensors": {}}, "reference.safetensors in a forecaster, was missing"),
        ({"tensors": {"reference": {"output.y": np.zeros(31)}}}, "32 points"),
        ({"lineage": replace(LINEAGE, data=())}, "at least one source"),
        ({"lineage": replace(LINEAGE, training_steps=0)}, "training steps and trials >= 1"),
        ({"lineage": replace(LINEAGE, code_sha256="no")}, "64 hex digits"),
        ({"lineage": replace(LINEAGE, parent="v1")}, "64 hex digits"),
        ({"documents": {"../escape": {}}}, "NAME.json"),
        ({"documents": {"manifest": {}}}, "NAME.json"),
        ({"documents": {"metrics": {}}}, "metrics.json"),
        ({"tensors": {**draft().tensors, "weights": {}}}, "weights"),
        ({"gates": (replace(draft().gates[0], holds=False),)}, "holds = False"),
    ],
)
def test_a_draft_that_would_be_refused_at_load_is_not_published(
    home: Path, changes: dict[str, Any], message: str
) -> None:
    """PR-22: no training steps, no data, no scorecard, no bundle."""
    with pytest.raises(InputError, match=message):
        publish(home, **changes)
    assert not (home / "artifacts").exists()
    publish(home)


# What is found on the disk: each fault beside the clean twin in `spoiled`


def _drop(path: Path) -> None:
    path.unlink()


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b" ")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _become_a_link(path: Path) -> None:
    twin = path.with_name("elsewhere")
    outside = path.parents[3] / "elsewhere"
    shutil.move(path, outside)
    path.symlink_to(outside)
    assert not twin.exists()


def _become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _become_a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps([1]).ljust(path.stat().st_size, b"."))


def _flip_first(path: Path) -> None:
    flip(path, 0)


FAULTS = [
    _drop, _grow, _cut, _become_a_link, _become_a_pipe, _become_a_folder, _become_a_pickle,
    _flip_first,
]  # fmt: skip
FILES = [
    "manifest.json", "config.json", "metrics.json", "scorecard.json", "lineage.json",
    "weights.safetensors", "reference.safetensors",
]  # fmt: skip


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_spoiled_file_is_refused_by_name_and_its_twin_is_not(
    home: Path, tmp_path: Path, fault: Callable[[Path], None], file: str
) -> None:
    """FC-36, ML-37, PR-21."""
    version = serve(home)
    assert serve(tmp_path) == version
    fault(folder(home, version) / file)
    with pytest.raises(RefusedError, match=file):
        load(home)
    (finding,) = verify_bundles(home)
    assert finding.status is None
    assert file in finding.reason
    assert load(tmp_path).version == version
    assert [item.status for item in verify_bundles(tmp_path)] == ["promoted"]


@pytest.mark.parametrize(
    "name", ["model.pkl", "more.json", "weights.bin", ".hidden", "__init__.py"]
)
def test_a_file_that_nobody_listed_is_refused(home: Path, name: str) -> None:
    """A03: nothing in it is looked at."""
    version = serve(home)
    (folder(home, version) / name).write_bytes(pickle.dumps([1]))
    with pytest.raises(RefusedError, match=f"'{name}' was not listed"):
        load(home)


def test_a_folder_or_a_record_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    version = serve(home)
    name_folder = home / "artifacts" / NAME
    for path in (folder(home, version), name_folder / "record", name_folder):
        away = tmp_path / "away"
        shutil.move(path, away)
        path.symlink_to(away)
        with pytest.raises(RefusedError):
            load(home)
        path.unlink()
        shutil.move(away, path)
    assert load(home).version == version


def test_a_link_in_the_place_of_a_name_is_never_published_into(home: Path, tmp_path: Path) -> None:
    (home / "artifacts").mkdir()
    (home / "artifacts" / NAME).symlink_to(tmp_path)
    with pytest.raises(RefusedError, match="link"):
        publish(home)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_version_are_refused(home: Path) -> None:
    """FC-36: two bundles' weights swapped, each of them sound."""
    one, two = serve(home), publish(home, 2.0, at_ns=NOW_NS + 1)
    first, second = (folder(home, item) / "weights.safetensors" for item in (one, two))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert [item.status for item in verify_bundles(home)] == [None, None]
    with pytest.raises(RefusedError, match=r"weights\.safetensors"):
        load(home)


def test_a_bundle_under_another_name_is_refused(home: Path) -> None:
    serve(home)
    shutil.copytree(home / "artifacts" / NAME, home / "artifacts" / "eth-usd-1h")
    with pytest.raises(RefusedError, match="contradicts itself"):
        load_bundle(home, "eth-usd-1h", kind=BundleKind.FORECASTER)


def test_a_manifest_with_a_name_that_leads_elsewhere_is_refused(home: Path) -> None:
    """Zip-slip: the record is forged too, so that only the name is left to object to."""
    version = serve(home)
    manifest = folder(home, version) / "manifest.json"
    text = manifest.read_text().replace('"config.json"', '"../record"')
    forged = digest(text.encode())
    manifest.write_text(text)
    folder(home, version).rename(folder(home, forged))
    record = home / "artifacts" / NAME / "record"
    body = record.read_bytes().partition(b"\n")[2].replace(version.encode(), forged.encode())
    record.write_bytes(f"sha256 {digest(body)}\n".encode() + body)
    with pytest.raises(RefusedError, match=r"was '\.\./record'"):
        load(home)


@pytest.mark.parametrize("position", [0, 10, 80, 200, -1])
def test_a_flipped_byte_in_the_record_is_refused(home: Path, position: int) -> None:
    serve(home)
    flip(home / "artifacts" / NAME / "record", position)
    with pytest.raises(RefusedError, match="record"):
        load(home)
    (finding,) = list_bundles(home)
    assert (finding.status, finding.kind, finding.version) == (None, None, "")


def test_a_lost_version_is_refused_with_the_whole_ones_and_none_is_taken(home: Path) -> None:
    """FC-38."""
    first = serve(home)
    second = serve(home, 2.0, at_ns=NOW_NS + 1)
    shutil.rmtree(folder(home, second))
    with pytest.raises(RefusedError, match=f"whole: {first[:12]} \\(retired\\)") as caught:
        load(home)
    assert caught.value.hint == f"athena artifacts rollback {NAME}"


def test_versions_without_their_record_are_never_swept(home: Path) -> None:
    version = serve(home)
    (home / "artifacts" / NAME / "record").unlink()
    with pytest.raises(RefusedError, match="expected a record beside the versions"):
        publish(home, 2.0, at_ns=NOW_NS + 1)
    assert folder(home, version).is_dir()
    (finding,) = list_bundles(home)
    assert "expected a record" in finding.reason


# The model itself


def test_the_model_gives_its_recorded_outputs_again(home: Path) -> None:
    serve(home)
    bundle = load(home)
    check_reference(bundle, lambda inputs: {"y": linear(bundle.weights, inputs["x"])})


@pytest.mark.parametrize("kind", ["zero", "random", "other", "missing", "nan", "shape"])
def test_another_model_is_refused_by_its_outputs(
    home: Path, rng: np.random.Generator, kind: str
) -> None:
    """FC-36: zero or random weights; PR-21: wrong reference output."""
    serve(home)
    right = {"w": np.ones((3, 2)), "b": np.zeros(2)}
    wrong = {
        "zero": {**right, "w": np.zeros((3, 2))},
        "random": {**right, "w": rng.standard_normal((3, 2))},
        "other": {**right, "b": np.full(2, 1e-2)},
        "nan": {**right, "b": np.full(2, np.nan)},
    }
    x = load(home).tensors("reference")["input.x"]
    answers = {
        "missing": {},
        "shape": {"y": np.zeros((N_REFERENCE, 3))},
        **{name: {"y": linear(weights, x)} for name, weights in wrong.items()},
    }
    with pytest.raises(RefusedError, match="output 'y'"):
        check_reference(load(home), lambda _: answers[kind])


def test_a_bundle_without_recorded_outputs_does_not_pass(home: Path) -> None:
    reference = {"input.x": np.zeros((N_REFERENCE, 3))}
    version = publish(home, tensors={"reference": reference})
    with pytest.raises(RefusedError, match="recorded outputs"):
        check_reference(load(home, version=version), lambda _: {})


@pytest.mark.parametrize(("dtype", "away", "passes"), [("f4", 5e-5, True), ("f8", 5e-5, False)])
def test_the_tolerance_is_that_of_the_type(
    home: Path, dtype: str, away: float, passes: bool
) -> None:
    y = np.full(N_REFERENCE, 0.5, dtype=dtype)
    version = publish(home, tensors={"reference": {"output.y": y}})
    bundle = load(home, version=version)
    if passes:
        check_reference(bundle, lambda _: {"y": y + y.dtype.type(away)})
    else:
        with pytest.raises(RefusedError, match="away"):
            check_reference(bundle, lambda _: {"y": y + away})


def test_the_bytes_of_a_library_are_published_as_they_are(home: Path) -> None:
    weights = encode_tensors({"w": np.ones(3)})
    version = publish(home, weights=weights)
    assert bytes(load(home, version=version).content("weights.safetensors")) == weights


def test_the_lineage_names_code_and_versions() -> None:
    lineage = trace_lineage(
        [DataSource("a", SHA, 0, 1)], training_steps=3, seed=1, packages=("numpy", "pydantic")
    )
    assert set(lineage.versions) == {"numpy", "pydantic", "python"}
    assert lineage.versions["numpy"] == np.__version__
    assert len(lineage.code_sha256) == 64
    with pytest.raises(InputError, match="at least one source"):
        trace_lineage([], training_steps=3, seed=1)


def test_five_old_versions_are_kept_besides_what_serves_and_what_it_replaced(home: Path) -> None:
    first = serve(home)
    second = serve(home, 2.0, at_ns=NOW_NS + 1)
    others = [publish(home, 3.0 + k, at_ns=NOW_NS + 2 + k) for k in range(8)]
    record = read_record(home, NAME)
    kept = [version.id for version in record.versions]
    assert kept == [first, second, *others[-6:]]
    there = {path.name for path in (home / "artifacts" / NAME).iterdir()}
    assert there == {*kept, "record", "lock", "holder"}
    assert [move.version for move in record.history if move.after is None] == others[:2]
    assert load(home).version == second


def test_every_file_of_a_version_is_one_that_the_tests_flip(home: Path) -> None:
    version = serve(home)
    assert {path.name for path in version_files(home, version)} == {"record", *FILES}

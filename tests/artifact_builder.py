"""Bundles for tests: small models of each kind that pass their gates, and ways to spoil them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.platform.artifacts import (
    KIND_RULES,
    BundleDraft,
    BundleKind,
    DataSource,
    Gate,
    Lineage,
    Status,
    add_evidence,
    measure_gate,
    promote_bundle,
    publish_bundle,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "btc-usd-1h"
NOW_NS = 1_800_000_000_000_000_000
N_REFERENCE = 32
SHA = "ab" * 32
LINEAGE = Lineage(
    data=(DataSource("btc-usd-1h", SHA, 0, NOW_NS),),
    code_sha256=SHA,
    versions={"numpy": "2.4.6", "python": "3.11.7"},
    parent=None,
    training_steps=100,
    n_trials=12,
    seed=7,
)
CONFIG = {
    "feature_sha256": SHA,
    "split": {"train": 0.6, "validate": 0.2, "test": 0.2},
    "base_revision": "main",
    "tokenizer_sha256": SHA,
    "structure": ["linear"],
}


def linear(weights: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """The model of these tests: x (N, 3) -> (N, 2)."""
    y: NDArray[Any] = x @ weights["w"] + weights["b"]
    return y


def draft(value: float = 1.0, *, kind: BundleKind = BundleKind.FORECASTER) -> BundleDraft:
    """A linear model whose weights are all one value, with its reference outputs."""
    weights = {"w": np.full((3, 2), value), "b": np.zeros(2)}
    x = np.arange(3.0 * N_REFERENCE).reshape(N_REFERENCE, 3)
    return BundleDraft(
        name=NAME,
        kind=kind,
        weights=weights,
        config=CONFIG,
        metrics={"value": value, "baselines": {"zero": 0.5}},
        gates=passing(kind),
        lineage=LINEAGE,
        tensors={"reference": {"input.x": x, "output.y": linear(weights, x)}},
    )


def passing(kind: BundleKind, *, status: Status = Status.SHADOW) -> Sequence[Gate]:
    """Gates that let a kind into a status."""
    gates = KIND_RULES[kind].gates(status)
    return [
        measure_gate(item.name, ">= 0.5", 0.75, n=1_000, interval=(0.7, 0.8)) for item in gates
    ]


def publish(home: Path, value: float = 1.0, *, at_ns: int = NOW_NS, **changes: Any) -> str:
    """Publish the linear model with that value; its version."""
    return publish_bundle(home, replace(draft(value), **changes), now_ns=at_ns)


def pass_shadow(home: Path, version: str, *, at_ns: int = NOW_NS) -> None:
    """Record the gates that a forecaster's shadow run gives."""
    add_evidence(
        home, NAME, [measure_gate("shadow_bars", ">= 20", 20)], version=version, now_ns=at_ns
    )


def serve(home: Path, value: float = 1.0, *, at_ns: int = NOW_NS) -> str:
    """Publish the model and take it all the way; its version."""
    version = publish(home, value, at_ns=at_ns)
    promote_bundle(home, NAME, to=Status.SHADOW, now_ns=at_ns)
    pass_shadow(home, version, at_ns=at_ns)
    promote_bundle(home, NAME, to=Status.PROMOTED, now_ns=at_ns)
    return version


def version_files(home: Path, version: str) -> list[Path]:
    """Every file that a promoted version depends on, the record included."""
    folder = home / "artifacts" / NAME
    return [folder / "record", *sorted((folder / version).iterdir())]


def flip(path: Path, position: int, mask: int = 1) -> None:
    """Change bits of one byte in place."""
    data = bytearray(path.read_bytes())
    data[position] ^= mask
    path.write_bytes(data)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()

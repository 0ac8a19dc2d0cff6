"""The kinds of learned models, and what each must show before it may shadow or serve.

The table lies here and not in a bundle: what must be proved is never for the model to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a version stands; only a promoted one serves."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    PROMOTED = "promoted"
    RETIRED = "retired"


class BundleKind(StrEnum):
    """What a bundle is a model of."""

    FORECASTER = "forecaster"
    PRICER = "pricer"
    MEMORY_POLICY = "memory-policy"
    LANGUAGE_ADAPTER = "language-adapter"
    GROWN_NETWORK = "grown-network"


@dataclass(frozen=True, slots=True)
class RequiredGate:
    """A gate that must hold.

    Attributes:
        name: of the gate.
        least_n: fewest observations behind it, which then need an interval too; 0 when it does
            not count any.
    """

    name: str
    least_n: int = 0


@dataclass(frozen=True, slots=True)
class KindRules:
    """What a kind demands.

    Attributes:
        to_shadow: gates that must hold before a version decides beside the serving one.
        to_promote: gates that must hold besides before it serves.
        config_keys: that its configuration must have.
        n_reference: fewest recorded inputs with outputs that are run again at load (FC-36).
    """

    to_shadow: tuple[RequiredGate, ...]
    to_promote: tuple[RequiredGate, ...] = ()
    config_keys: tuple[str, ...] = ()
    n_reference: int = 0

    def gates(self, target: Status) -> tuple[RequiredGate, ...]:
        """Return the gates on the way to a status, those of earlier steps included."""
        is_last = target is Status.PROMOTED
        return (*self.to_shadow, *self.to_promote) if is_last else self.to_shadow


_LEAST_N = 100  # ML-36
_N_REFERENCE = 32
_UNATTENDED = (RequiredGate("shadow_days"), RequiredGate("calibration"), RequiredGate("approval"))

KIND_RULES = MappingProxyType(
    {
        BundleKind.FORECASTER: KindRules(
            to_shadow=(
                RequiredGate("look_ahead_audit"),
                RequiredGate("statistics_complete"),
                RequiredGate("beats_champion", _LEAST_N),
            ),
            to_promote=(RequiredGate("shadow_bars"),),
            config_keys=("feature_sha256", "split"),
            n_reference=_N_REFERENCE,
        ),
        BundleKind.PRICER: KindRules(
            to_shadow=(
                RequiredGate("price_error", _LEAST_N),
                RequiredGate("greek_error", _LEAST_N),
                RequiredGate("residual"),
                RequiredGate("parity"),
                RequiredGate("bounds"),
                RequiredGate("monotonicity"),
                RequiredGate("convexity"),
                RequiredGate("payoff"),
                RequiredGate("negative_controls"),
            ),
            n_reference=_N_REFERENCE,
        ),
        BundleKind.MEMORY_POLICY: KindRules(
            to_shadow=(RequiredGate("yardstick", _LEAST_N),), to_promote=_UNATTENDED
        ),
        BundleKind.LANGUAGE_ADAPTER: KindRules(
            to_shadow=(RequiredGate("yardstick", _LEAST_N),),
            to_promote=_UNATTENDED,
            config_keys=("base_revision", "tokenizer_sha256"),
        ),
        BundleKind.GROWN_NETWORK: KindRules(
            to_shadow=(RequiredGate("beats_never_grow"), RequiredGate("beats_static_final")),
            config_keys=("structure",),
        ),
    }
)

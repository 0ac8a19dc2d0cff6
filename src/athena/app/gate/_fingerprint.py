"""What a session runs, as digests: who passed the gate with one did not with another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from athena.platform import package_sha256
from athena.research.sweep import source_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.platform.config import RiskConfig
    from athena.trading import Strategy


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """A strategy as it was asked for.

    Attributes:
        name: built-in name, ``file.py:Class`` or ``module:Class``.
        parameters: name -> text, as typed.
        strategy: what was built of them.
    """

    name: str
    parameters: Mapping[str, str]
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digests of what a session runs, SHA-256 in hex.

    Attributes:
        code: every source file of the package.
        limits: the risk section of the configuration.
        strategies: names, parameters, sources and markets.
    """

    code: str
    limits: str
    strategies: str

    @property
    def digest(self) -> str:
        """Return one digest of all three."""
        return _sha256(self.to_values())

    def to_values(self) -> dict[str, str]:
        """Return them as JSON values."""
        return asdict(self)

    def differences(self, other: Mapping[str, str]) -> list[str]:
        """Name what differs from recorded values: code, limits or strategies."""
        return [name for name, value in self.to_values().items() if other.get(name) != value]


def take_fingerprint(
    risk: RiskConfig, strategies: Sequence[StrategyChoice], markets: Sequence[str]
) -> Fingerprint:
    """Digest what a session is to run.

    Args:
        risk: its limits.
        strategies: in the order of their slots.
        markets: symbol and interval of each instrument, such as ``BTC/USD 1h``.

    Raises:
        InputError: a source file cannot be read.
    """
    chosen = [
        [
            item.name.rpartition(":")[2],
            dict(sorted(item.parameters.items())),
            source_sha256(type(item.strategy)),
        ]
        for item in strategies
    ]
    return Fingerprint(
        code=package_sha256(),
        limits=_sha256(risk.model_dump(mode="json")),
        strategies=_sha256({"strategies": chosen, "markets": list(markets)}),
    )


def _sha256(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

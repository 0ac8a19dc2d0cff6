"""Everything that computes values from bars, found by registry: none may know later ones."""

from __future__ import annotations

import pytest

from athena.market.indicators import INDICATORS
from athena.research.audit import Feature, World, audit, market_features
from tests.market_builder import HOUR_NS, driftless_bars

N = 1_900  # 79 days: correlations and values at risk are there
WORLD = World.of(
    [driftless_bars(N, seed, symbol, HOUR_NS) for seed, symbol in ((3, "BTC/USD"), (4, "ETH/USD"))]
)
FEATURES = market_features(HOUR_NS)


def test_every_registered_indicator_is_audited() -> None:
    """FC-43: the count equals the registry."""
    names = {item.name for item in FEATURES}
    assert names >= {f"indicator {item.outputs[0]}" for item in INDICATORS}
    assert len(names) == len(FEATURES)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_no_value_knows_later_bars(feature: Feature) -> None:
    """D02, P0-2, LA-1, LA-2: bit for bit, at every bar."""
    result = audit(lambda: feature, WORLD)
    assert result.violations == ()
    assert result.is_clean
    assert result.n_points >= N - 200  # all but the longest warm-up

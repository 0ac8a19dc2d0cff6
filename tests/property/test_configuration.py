"""Laws of the configuration for any values."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from athena.errors import ConfigError
from athena.platform.config import dump_config, flatten, load_config
from athena.platform.config._merge import deep_merge

FRACTIONS = st.decimals("0.000000000001", "0.02", places=12)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "risk.risk_per_trade_frac": FRACTIONS,
        "risk.breakers.daily_loss_frac": FRACTIONS,
        "risk.stop_distance_max_frac_by_base.ETH": FRACTIONS,
        "risk.order_notional_max": st.decimals("0.01", "1e12", places=8),
        "risk.positions_max": st.integers(1, 10_000),
        "risk.no_entry_window.is_enabled": st.booleans(),
        "run.seed": st.integers(0, 2**63 - 1),
        "log.level": st.sampled_from(["debug", "info", "warning", "error"]),
        "paths.home": st.text("abc é'\"#:", min_size=1).map(lambda name: f"/srv/{name}"),
    },
)
NESTED = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers()),
    lambda below: st.dictionaries(st.sampled_from("abc"), below | st.integers()),
    max_leaves=20,
)


@given(OPTIONS, st.sampled_from(["yaml", "json"]))
def test_loading_a_dump_gives_the_same_configuration(options: dict[str, Any], form: Any) -> None:
    """B08."""
    config = load_config(options=options, environment={}).config
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"athena.{form}"
        file.write_text(dump_config(config, form))
        assert load_config(file, environment={}).config == config


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_no_value_passes_the_ceiling(value: Decimal) -> None:
    """Spec 11: whatever is written, at most 2 % is risked on a trade, or it is refused."""
    try:
        config = load_config(
            options={"risk.risk_per_trade_frac": str(value)}, environment={}
        ).config
    except ConfigError:
        return
    assert 0 < config.risk.risk_per_trade_frac <= Decimal("0.02")
    assert config.risk.risk_per_trade_frac == value


@given(NESTED, NESTED)
def test_the_upper_layer_wins_and_the_lower_shows_elsewhere(
    base: dict[str, Any], top: dict[str, Any]
) -> None:
    merged = dict(flatten(deep_merge(base, top, "test")))
    for path, value in flatten(top):
        assert merged[path] == value
    untouched = {path for path, _ in flatten(base) if path in merged} - set(dict(flatten(top)))
    for path in untouched:
        assert merged[path] == dict(flatten(base))[path]


@given(NESTED)
def test_merging_changes_neither_layer_and_a_layer_with_itself_is_itself(
    layer: dict[str, Any],
) -> None:
    before = repr(layer)
    assert deep_merge(layer, layer, "test") == layer
    assert repr(layer) == before

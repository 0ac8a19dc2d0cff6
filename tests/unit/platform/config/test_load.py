"""Layers, origins, unknown keys, bounds (B08, A15)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from athena.errors import ConfigError, InputError
from athena.platform.config import Config, config_keys, dump_config, flatten, load_config

if TYPE_CHECKING:
    from pathlib import Path


def _write(tmp_path: Path, text: str, name: str = "athena.yaml") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def _load(tmp_path: Path, text: str, **environment: str) -> Config:
    return load_config(_write(tmp_path, text), environment=environment).config


def test_without_file_and_environment_the_defaults_hold() -> None:
    loaded = load_config(environment={})
    assert loaded.config == Config()
    assert loaded.config.run.seed == 42
    assert loaded.config.costs.taker_fee_bps == 26
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.file is None


def test_options_beat_environment_which_beats_file_which_beats_defaults(tmp_path: Path) -> None:
    file = _write(tmp_path, "run:\n  seed: 1\ncosts:\n  taker_fee_bps: 1\n  maker_fee_bps: 1\n")
    loaded = load_config(
        file,
        options={"costs.taker_fee_bps": Decimal(3), "run.seed": None},
        environment={"ATHENA_COSTS__TAKER_FEE_BPS": "2", "ATHENA_COSTS__MAKER_FEE_BPS": "2"},
    )
    costs = loaded.config.costs
    assert (costs.taker_fee_bps, costs.maker_fee_bps, loaded.config.run.seed) == (3, 2, 1)
    assert costs.base_cost_bps == 10
    assert loaded.origins["costs.taker_fee_bps"] == "option"
    assert loaded.origins["costs.maker_fee_bps"] == "environment ATHENA_COSTS__MAKER_FEE_BPS"
    assert loaded.origins["run.seed"] == f"file {file}"
    assert loaded.origins["costs.base_cost_bps"] == "default"


def test_every_value_has_an_origin(tmp_path: Path) -> None:
    loaded = load_config(_write(tmp_path, "risk:\n  positions_max: 3\n"), environment={})
    assert set(loaded.origins) == {path for path, _ in flatten(loaded.config.model_dump())}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_dumped_configuration_loads_equal(tmp_path: Path, form: Any) -> None:
    """B08: load(dump(c)) == c, to the last digit."""
    config = load_config(
        options={
            "costs.taker_fee_bps": "0.123456789012345678901234567890",
            "risk.stop_distance_max_frac_by_base.ETH": "0.04",
            "paths.home": tmp_path / "home",
            "risk.no_entry_window.is_enabled": True,
        },
        environment={},
    ).config
    file = _write(tmp_path, dump_config(config, form), f"athena.{form}")
    assert load_config(file, environment={}).config == config


def test_a_decimal_in_a_file_keeps_every_digit_quoted_or_not(tmp_path: Path) -> None:
    digits = "0.0123456789012345678901"
    for text in (digits, f'"{digits}"'):
        config = _load(tmp_path, f"risk:\n  risk_per_trade_frac: {text}\n")
        assert config.risk.risk_per_trade_frac == Decimal(digits)
    file = _write(tmp_path, f'{{"risk": {{"risk_per_trade_frac": {digits}}}}}', "a.json")
    assert load_config(file, environment={}).config.risk.risk_per_trade_frac == Decimal(digits)


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("run:\n  sed: 1\n", "run.sed", "run.seed"),
        ("rum:\n  seed: 1\n", "rum.seed", "run.seed"),
        ("risk:\n  breakers:\n    daily_los_frac: 0.1\n", "daily_los_frac", "daily_loss_frac"),
        ("nonsense: 1\n", "nonsense", "athena config show"),
        ("1: 2\n", "'1'", "athena config show"),
    ],
)
def test_an_unknown_key_is_named_with_its_file_and_the_nearest_valid_key(
    tmp_path: Path, text: str, key: str, near: str
) -> None:
    """B08."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert key in caught.value.message
    assert str(tmp_path / "athena.yaml") in caught.value.message
    assert near in caught.value.hint


@pytest.mark.parametrize("name", ["ATHENA_RUN__SED", "ATHENA_NOPE__X", "ATHENA_RUN__SEED__X"])
def test_an_unknown_variable_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config(environment={name: "1"})


def test_a_variable_with_one_underscore_is_not_ignored() -> None:
    with pytest.raises(ConfigError, match="ATHENA_RUN_SEED") as caught:
        load_config(environment={"ATHENA_RUN_SEED": "1"})
    assert caught.value.hint == "ATHENA_RUN__SEED"


def test_other_variables_are_not_configuration() -> None:
    environment = {"ATHENA_FULL": "1", "ATHENA_INDEX_URL": "x", "PATH": "/bin"}
    assert load_config(environment=environment).config == Config()


def test_the_home_has_a_short_variable_that_may_not_disagree(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert load_config(environment={"ATHENA_HOME": home}).config.paths.home == tmp_path
    with pytest.raises(ConfigError, match=r"paths\.home"):
        load_config(environment={"ATHENA_HOME": home, "ATHENA_PATHS__HOME": home})


def test_a_base_currency_may_be_added_but_must_be_in_capitals(tmp_path: Path) -> None:
    limits = _load(
        tmp_path,
        "risk:\n  stop_distance_max_frac_by_base: {ETH: 0.04}\n",
        ATHENA_RISK__STOP_DISTANCE_MAX_FRAC_BY_BASE__BTC="0.02",
    ).risk.stop_distance_max_frac_by_base
    assert limits == {"BTC": Decimal("0.02"), "XRP": Decimal("0.05"), "ETH": Decimal("0.04")}
    with pytest.raises(ConfigError, match="eth"):
        _load(tmp_path, "risk:\n  stop_distance_max_frac_by_base: {eth: 0.04}\n")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("risk.risk_per_trade_frac", "0.021"),
        ("risk.position_leverage_max", "6"),
        ("risk.regime_leverage.bull", "6"),
        ("risk.tiers.tier_1.leverage_max", "6"),
        ("risk.account_leverage_max", "5.1"),
        ("risk.health.quote_age_max_s", "61"),
        ("risk.position_notional_frac", "1.01"),
        ("risk.position_notional_frac", "0"),
        ("risk.position_notional_frac", "-0.1"),
        ("risk.position_notional_frac", "nan"),
        ("risk.order_notional_max", "inf"),
        ("risk.positions_max", "2.5"),
        ("risk.positions_max", "yes"),
        ("risk.position_notional_frac", "true"),
        ("risk.strictness", "loose"),
        ("run.seed", "-1"),
        ("costs.taker_fee_bps", "-1"),
        ("costs.participation_frac", "1.5"),
        ("execution.limit_fill", "always"),
        ("log.level", "loud"),
    ],
)
def test_no_file_passes_a_bound_or_raises_a_ceiling(tmp_path: Path, key: str, value: str) -> None:
    """Spec 11: ceilings cannot be raised by file."""
    nested: Any = f"@{value}@"
    for name in reversed(key.split(".")):
        nested = {name: nested}
    text = yaml.safe_dump(nested).replace("'@", "").replace("@'", "").replace("@", "")
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert key in caught.value.message
    assert str(tmp_path / "athena.yaml") in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risk:\n  breakers: {drawdown_stop_frac: 0.3}\n", "drawdown_stop_frac <= drawdown_limit"),
        ("risk:\n  stop_distance_min_frac: 0.06\n", "stop_distance_min_frac <= stop_distance_max"),
        ("risk:\n  tiers: {tier_4: {confidence_min: 0.9}}\n", "fall from tier to tier"),
        ("costs:\n  cost_factor_min: 2\n", "cost_factor_min <= cost_factor_max"),
        ("run: 5\n", "run"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        _load(tmp_path, text)


def test_all_wrong_values_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "run:\n  seed: x\ncosts:\n  taker_fee_bps: y\n")
    assert "run.seed" in caught.value.message
    assert "costs.taker_fee_bps" in caught.value.message


@pytest.mark.parametrize("levels", [65, 200, 5000])
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_deep_nesting_is_a_clear_error(tmp_path: Path, levels: int, suffix: str) -> None:
    """A15: 200 nested levels name the limit of 64, never a recursion crash."""
    text = '{"a": ' * levels + "1" + "}" * levels
    with pytest.raises(ConfigError, match="at most 64 nested levels"):
        load_config(_write(tmp_path, text, f"a.{suffix}"), environment={})


def test_the_deepest_allowed_nesting_fails_only_for_its_key(tmp_path: Path) -> None:
    text = '{"a": ' * 64 + "1" + "}" * 64
    with pytest.raises(ConfigError, match="expected a known key"):
        load_config(_write(tmp_path, text, "a.json"), environment={})


def test_a_variable_can_nest_too_deep_as_well() -> None:
    name = "ATHENA_" + "__".join(["A"] * 200)
    with pytest.raises(ConfigError, match="at most 64 nested levels"):
        load_config(environment={name: "1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run:\n  seed: 1\n  seed: 2\n", "line 3: expected each key once, was 'seed' twice"),
        ("run:\n  seed: [1\n", "expected valid YAML"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("? [a]\n: 1\n", "plain key"),
        ("- 1\n", "expected sections"),
        ("run: !!python/object:os.system {}\n", "expected valid YAML"),
    ],
)
def test_yaml_that_could_be_misread_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"run": {"seed": 1, "seed": 2}}', "'seed' twice"),
        ('{"run": ', "line 1"),
        ("[]", "expected sections"),
        ('{"risk": {"positions_max": NaN}}', r"risk\.positions_max"),
    ],
)
def test_json_that_could_be_misread_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(_write(tmp_path, text, "a.json"), environment={})


def test_an_empty_file_and_an_empty_section_change_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, "") == Config()
    assert _load(tmp_path, "risk:\nrun:\n") == Config()


def test_a_file_that_is_missing_a_folder_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        load_config(tmp_path / "absent")
    with pytest.raises(InputError, match=str(tmp_path)):
        load_config(tmp_path)
    file = tmp_path / "a.yaml"
    file.write_bytes(b"run: \xff")
    with pytest.raises(InputError, match=r"a\.yaml.*0xff"):
        load_config(file)


def test_a_relative_path_belongs_to_the_file_that_says_it(tmp_path: Path) -> None:
    config = _load(tmp_path, "paths:\n  home: desk\nlog:\n  file: ../a.log\n")
    assert config.paths.home == tmp_path / "desk"
    assert config.log.file == tmp_path / ".." / "a.log"


def test_the_file_keeps_what_loading_read(tmp_path: Path) -> None:
    file = _write(tmp_path, json.dumps({"run": {"seed": 7}}), "a.json")
    assert load_config(file, environment={}).file == file


def test_a_configuration_cannot_be_changed_after_loading() -> None:
    config = load_config(environment={}).config
    with pytest.raises(ValueError, match="frozen"):
        config.run.seed = 1


def test_keys_are_described_completely() -> None:
    for path, key in config_keys().items():
        assert key.meaning, path
        assert key.allowed, path

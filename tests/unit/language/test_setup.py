"""How models are asked, as the configuration says; which roles have one (A20)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from athena.domain import parse_time_ns
from athena.language import Limits, Mode, ModelRole, examine_roles, read_setup
from athena.platform.config import LanguageConfig, load_config


def language(**options: Any) -> LanguageConfig:
    given = {f"language.{path.replace('__', '.')}": value for path, value in options.items()}
    return load_config(options=given, environment={}).config.language


def test_every_role_has_its_models_in_order() -> None:
    setup = read_setup(language(roles__conflicts="claude, deepseek", roles__social=""))
    assert [model.name for model in setup.roles[ModelRole.CONFLICTS]] == ["claude", "deepseek"]
    assert setup.roles[ModelRole.SOCIAL] == ()
    assert set(setup.roles) == set(ModelRole)


def test_the_panel_has_six_models_of_at_least_three_vendors() -> None:
    """Spec 7."""
    panel = read_setup(language()).roles[ModelRole.PANEL]
    assert len(panel) == 6
    assert len({model.provider for model in panel}) >= 3


def test_every_setting_of_a_model_is_read() -> None:
    """A20: no model setting is unread."""
    own = {
        "provider": "local", "model": "m", "input_usd": "0.5", "output_usd": "1.5",
        "priced_on": "2026-11-01", "trained_until": "2026-06-30", "takes_temperature": False,
        "takes_seed": True, "options": '{"b": 1, "a": 2}',
    }  # fmt: skip
    config = language(roles__news="own", **{f"models__own__{key}": own[key] for key in own})
    (model,) = read_setup(config).roles[ModelRole.NEWS]
    assert (model.name, model.provider, model.id) == ("own", "local", "m")
    assert (model.price.input_usd, model.price.output_usd) == (Decimal("0.5"), Decimal("1.5"))
    assert model.price.looked_up_on == "2026-11-01"
    assert (model.takes_temperature, model.takes_seed) == (False, True)
    assert model.options == '{"a":2,"b":1}'
    midnight = parse_time_ns("2026-07-01")
    assert model.trained_until_ns == midnight - 1


def test_limits_breaker_and_mode_are_read() -> None:
    setup = read_setup(
        language(
            mode="record", retries_max=1, breaker_failures=4, breaker_rest_s=60,
            budget__day_max_usd=9, budget__day_warn_usd=8, budget__decision_max_usd="0.1",
        )
    )  # fmt: skip
    assert (setup.mode, setup.retries_max) == (Mode.RECORD, 1)
    assert (setup.breaker_failures, setup.breaker_rest_s) == (4, 60)
    assert setup.limits == Limits(Decimal(9), Decimal(8), Decimal("0.1"))
    assert read_setup(language(), mode=Mode.REPLAY).mode is Mode.REPLAY


def test_the_defaults_are_those_of_the_specification() -> None:
    setup = read_setup(language())
    assert (setup.mode, setup.retries_max) == (Mode.LIVE, 2)
    assert (setup.breaker_failures, setup.breaker_rest_s) == (3, 300)
    assert setup.limits == Limits(Decimal(5), Decimal(4), Decimal("0.50"))
    assert [model.name for model in setup.roles[ModelRole.CONFLICTS]] == ["deepseek", "claude"]


def test_a_role_without_key_or_address_is_reported_as_absent_with_what_brings_it() -> None:
    """A20."""
    config = language(models__mine__provider="local", models__mine__model="m", roles__news="mine")
    found = {(item.role, item.model.name): item.absent for item in examine_roles(config, {})}
    deepseek = found[ModelRole.CONFLICTS, "deepseek"]
    assert deepseek is not None
    assert deepseek.reason == "ATHENA_LANGUAGE_DEEPSEEK_KEY is not set"
    assert "export ATHENA_LANGUAGE_DEEPSEEK_KEY=..." in deepseek.fix
    mine = found[ModelRole.NEWS, "mine"]
    assert mine is not None
    assert mine.fix == "set language.providers.local.url to its address"
    assert found[ModelRole.WORDING, "qwen"] is None


def test_a_role_with_a_key_is_there_and_one_with_a_broken_key_is_not() -> None:
    environment = {"ATHENA_LANGUAGE_DEEPSEEK_KEY": "k" * 20, "ATHENA_LANGUAGE_XAI_KEY": "k\n"}
    found = {item.model.name: item.absent for item in examine_roles(language(), environment)}
    assert found["deepseek"] is None
    grok = found["grok"]
    assert grok is not None
    assert "without white space" in grok.reason


def test_the_order_of_a_role_is_told() -> None:
    items = [item for item in examine_roles(language(), {}) if item.role is ModelRole.SOCIAL]
    assert [(item.place, item.model.name) for item in items] == [(1, "grok"), (2, "deepseek")]

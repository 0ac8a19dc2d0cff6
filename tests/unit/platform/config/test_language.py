"""The section `language`: models by free names, prices with a date, no secret."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import ConfigError
from athena.platform.config import Config, dump_config, load_config, split_names

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-1234567890"
OWN = "language: {models: {mine: {provider: ollama, model: 'llama3:8b'}}, roles: {news: mine}}"


def load(tmp_path: Path, text: str, **environment: str) -> Config:
    file = tmp_path / "athena.yaml"
    file.write_text(text)
    return load_config(file, environment=environment).config


def test_a_model_of_ones_own_needs_a_name_a_provider_and_no_price_where_nobody_pays(
    tmp_path: Path,
) -> None:
    language = load(tmp_path, OWN).language
    assert language.models["mine"].model == "llama3:8b"
    assert language.models["mine"].output_usd == 0
    assert language.roles.news == "mine"
    assert "deepseek" in language.models


def test_a_key_of_a_model_is_set_by_a_variable_too(tmp_path: Path) -> None:
    variables = {
        "ATHENA_LANGUAGE__MODELS__MINE__TAKES_SEED": "true",
        "ATHENA_LANGUAGE__MODELS__DEEPSEEK__INPUT_USD": "0.5",
    }
    language = load(tmp_path, OWN, **variables).language
    assert language.models["mine"].takes_seed
    assert language.models["deepseek"].input_usd == Decimal("0.5")
    assert language.models["deepseek"].model == "deepseek-flash"


def test_every_key_of_a_model_has_an_origin_and_a_dump_loads_equal(tmp_path: Path) -> None:
    file = tmp_path / "athena.yaml"
    file.write_text(OWN)
    loaded = load_config(file, environment={})
    assert loaded.origins["language.models.mine.provider"] == f"file {file}"
    assert loaded.origins["language.models.mine.input_usd"] == "default"
    file.write_text(dump_config(loaded.config))
    assert load_config(file, environment={}).config == loaded.config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {a: {provider: openai, model: m}}", "input_usd, output_usd and priced_on for m"),
        ("models: {a: {provider: ollama}}", "language.models.a.model"),
        ("models: {a: {provider: nobody, model: m}}", "language.models.a.provider"),
        ("models: {a: {provider: ollama, model: m, price: 1}}", "'language.models.a.price'"),
        ("models: {A-B: {provider: ollama, model: m}}", "language.models.A-B"),
        ("models: {deepseek: {input_usd: -1}}", "language.models.deepseek.input_usd"),
        ("models: {deepseek: {priced_on: yesterday}}", "language.models.deepseek.priced_on"),
        ("models: {deepseek: {priced_on: '2026-13-01'}}", "language.models.deepseek.priced_on"),
        ("models: {deepseek: {priced_on: ''}}", "priced_on for deepseek-flash"),
        ("models: {deepseek: {options: '[1]'}}", "expected a JSON object"),
        ("models: {deepseek: {options: '{'}}", "expected a JSON object"),
        ("models: {deepseek: {options: '{\"tools\": []}'}}", "none of the fields .* was tools"),
        ("roles: {news: nobody}", "roles.news to name models .* was nobody"),
        ("roles: {news: 'gpt; claude'}", "language.roles.news"),
        ("roles: {nobody: gpt}", "'language.roles.nobody'"),
        ("mode: always", "language.mode"),
        ("retries_max: 3", "language.retries_max"),
        ("budget: {day_warn_usd: 6}", "day_warn_usd <= day_max_usd"),
        ("budget: {decision_max_usd: 0}", "language.budget.decision_max_usd"),
        ("providers: {local: {url: 'http://10.0.0.1/v1'}}", "language.providers.local.url"),
        ("providers: {local: {url: 'http://127.0.0.1:99999/v1'}}", "port up to 65535"),
        ("providers: {deepseek: {structured: yes}}", "language.providers.deepseek.structured"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, f"language: {{{text}}}")


def test_a_key_in_the_configuration_is_refused_and_an_address_with_one_not_quoted(
    tmp_path: Path,
) -> None:
    """C23."""
    with pytest.raises(ConfigError, match="expected no secret") as caught:
        load(tmp_path, f"language: {{providers: {{deepseek: {{key: {CANARY}}}}}}}")
    assert "ATHENA_LANGUAGE_DEEPSEEK_KEY" in caught.value.hint
    url = f"https://user:{CANARY}@example.org/v1"
    with pytest.raises(ConfigError, match=r"language\.providers\.openai\.url") as caught:
        load(tmp_path, f"language: {{providers: {{openai: {{url: '{url}'}}}}}}")
    assert CANARY not in caught.value.message + caught.value.hint


def test_the_variables_of_keys_are_no_configuration() -> None:
    variables: dict[str, Any] = {"ATHENA_LANGUAGE_DEEPSEEK_KEY": CANARY}
    assert load_config(environment=variables).config == Config()


def test_names_are_split_at_commas_and_kept_once() -> None:
    assert split_names("") == ()
    assert split_names("gpt,  claude, gpt") == ("gpt", "claude")

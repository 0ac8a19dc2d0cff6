"""Language keys: which models are asked for what, at what price, and how much may be spent."""

import json
from decimal import Decimal
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from athena.platform.config._keys import (
    Amount,
    Count,
    Number,
    OptionalWebAddress,
    Section,
    Whole,
    key,
)

ProviderName = Literal["deepseek", "anthropic", "openai", "xai", "groq", "ollama", "local"]
_MODEL_NAME = "[a-z][a-z0-9_]*"
ModelName = Annotated[str, Field(pattern=f"^{_MODEL_NAME}$")]
ModelNames = Annotated[str, Field(pattern=f"^({_MODEL_NAME}(, *{_MODEL_NAME})*)?$")]
Day = Annotated[str, Field(pattern=r"^(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$")]
ProviderId = Annotated[str, Field(pattern=r"^[^\s]+$")]

# Whoever runs these sends no bill.
_OWN = frozenset({"ollama", "local"})
# What Athena itself says in a request: no option may change it, and no model is given a tool.
_OWN_FIELDS = frozenset(
    {
        "functions", "max_completion_tokens", "max_tokens", "messages", "model", "n",
        "response_format", "seed", "stream", "system", "temperature", "tool_choice", "tools",
    }
)  # fmt: skip


class ProviderConfig(Section):
    """Where a provider is, and how it takes the form of an answer."""

    url: OptionalWebAddress = Field(description="address of its interface; empty: not used")
    structured: Literal["schema", "object", "text"] = Field(
        description="how the form is asked for: JSON Schema, any JSON object, or in words alone"
    )

    @field_validator("url")
    @classmethod
    def _has_a_port_that_exists(cls, url: str) -> str:
        try:
            _ = urlsplit(url).port
        except ValueError:
            message = "expected a port up to 65535"
            raise ValueError(message) from None
        return url


def _at(url: str, structured: Literal["schema", "object", "text"] = "schema") -> ProviderConfig:
    return ProviderConfig(url=url, structured=structured)


class ProvidersConfig(Section):
    """Who serves models; `local` is any address that speaks as OpenAI does."""

    deepseek: ProviderConfig = _at("https://api.deepseek.com", "object")
    anthropic: ProviderConfig = _at("https://api.anthropic.com/v1")
    openai: ProviderConfig = _at("https://api.openai.com/v1")
    xai: ProviderConfig = _at("https://api.x.ai/v1")
    groq: ProviderConfig = _at("https://api.groq.com/openai/v1")
    ollama: ProviderConfig = _at("http://127.0.0.1:11434/v1")
    local: ProviderConfig = _at("")


class ModelConfig(Section):
    """One model: its provider, its prices with their date, what it takes and what it knows."""

    provider: ProviderName = Field(description="who serves it")
    model: ProviderId = Field(description="its name there")
    input_usd: Number = key(Decimal(0), "price of a million tokens read", ge=0, le=1_000)
    output_usd: Number = key(Decimal(0), "price of a million tokens written", ge=0, le=1_000)
    priced_on: Day = key(
        "", "day on which the prices were looked up; empty only where no one pays"
    )
    trained_until: Day = key(
        "", "last day it may have read about; empty: not known, the day before it answers"
    )
    takes_temperature: bool = key(default=True, meaning="it is asked with temperature 0")
    takes_seed: bool = key(default=False, meaning="it is asked with the seed of the run")
    options: str = key("", "further fields of a request as a JSON object, such as its effort")

    @field_validator("options")
    @classmethod
    def _is_an_object(cls, options: str) -> str:
        if not options:
            return options
        try:
            fields = json.loads(options)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            message = "expected a JSON object"
            raise ValueError(message)  # noqa: TRY004  # pydantic reports a ValueError
        taken = sorted(_OWN_FIELDS & set(fields))
        if taken:
            message = f"expected none of the fields that Athena sets, was {', '.join(taken)}"
            raise ValueError(message)
        return options

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        # A price that nobody looked up would let the budget pass anything.
        if self.provider not in _OWN and not (self.priced_on and self.output_usd):
            message = f"expected input_usd, output_usd and priced_on for {self.model}, was without"
            raise ValueError(message)
        return self


class RolesConfig(Section):
    """Which models are asked for what: names of models, in the order in which they are tried."""

    conflicts: ModelNames = key("deepseek, claude", "judge opposed views; wait when none answers")
    panel: ModelNames = key(
        "deepseek, claude, gpt, grok, oss, qwen", "opinions on a trade; every one is asked"
    )
    researchers: ModelNames = key("deepseek, claude", "argue for and against a proposal")
    reflection: ModelNames = key("deepseek, claude", "read past outcomes for lessons")
    social: ModelNames = key("grok, deepseek", "score posts")
    news: ModelNames = key("gpt, deepseek", "score news")
    wording: ModelNames = key("qwen", "put computed numbers into words")
    portfolio: ModelNames = key("deepseek, claude", "choose how a rebalance is carried out")


class LanguageBudgetConfig(Section):
    """What asking may cost; the worst case is set aside before each call."""

    day_max_usd: Amount = key(Decimal(5), "all calls of a UTC day")
    day_warn_usd: Amount = key(Decimal(4), "a day's calls from which on it is told")
    decision_max_usd: Amount = key(Decimal("0.50"), "all calls for one decision")

    @model_validator(mode="after")
    def _warns_before(self) -> Self:
        if self.day_warn_usd > self.day_max_usd:
            message = (
                f"expected day_warn_usd <= day_max_usd, "
                f"was {self.day_warn_usd} > {self.day_max_usd}"
            )
            raise ValueError(message)
        return self


def _model(  # noqa: PLR0913  # one argument for each key
    provider: ProviderName,
    model: str,
    usd: tuple[str, str],
    *,
    priced_on: str = "2026-11-20",
    trained_until: str = "",
    takes_temperature: bool = False,
    takes_seed: bool = False,
    options: str = "",
) -> ModelConfig:
    return ModelConfig(
        provider=provider,
        model=model,
        input_usd=Decimal(usd[0]),
        output_usd=Decimal(usd[1]),
        priced_on=priced_on,
        trained_until=trained_until,
        takes_temperature=takes_temperature,
        takes_seed=takes_seed,
        options=options,
    )


# List prices as they were found on that day; of two prices by the hour, the higher.
_MODELS = {
    "deepseek": _model(
        "deepseek",
        "deepseek-flash",
        ("0.30", "1.20"),
        takes_temperature=True,
        options='{"thinking": {"type": "disabled"}}',
    ),
    "claude": _model(
        "anthropic",
        "claude-sonnet-5-5",
        ("2", "10"),
        trained_until="2026-06-30",
        options='{"output_config": {"effort": "low"}}',
    ),
    "gpt": _model("openai", "gpt-6.1-terra", ("1", "5")),
    "grok": _model("xai", "grok-4.6", ("2", "6")),
    "oss": _model(
        "groq",
        "openai/gpt-oss-120b",
        ("0.15", "0.60"),
        takes_temperature=True,
        takes_seed=True,
    ),
    "qwen": _model(
        "ollama",
        "qwen2.5:7b",
        ("0", "0"),
        priced_on="",
        takes_temperature=True,
        takes_seed=True,
    ),
}


class LanguageConfig(Section):
    """How language models are asked; a role without a model that answers falls back on rules."""

    mode: Literal["live", "record", "replay"] = key(
        "live",
        "ask always; ask what is not recorded yet; or never ask, a missing recording is an error",
    )
    retries_max: Whole = key(2, "tries after the first, where the connection failed", ge=0, le=2)
    breaker_failures: Count = key(3, "failures in a row after which a provider is left alone")
    breaker_rest_s: Count = key(300, "how long; then it is tried once")
    budget: LanguageBudgetConfig = LanguageBudgetConfig()
    roles: RolesConfig = RolesConfig()
    providers: ProvidersConfig = ProvidersConfig()
    models: dict[ModelName, ModelConfig] = key(
        _MODELS, "Models by the names that roles use; one of your own is a further section."
    )

    @model_validator(mode="after")
    def _roles_name_models(self) -> Self:
        for role, names in self.roles.model_dump().items():
            unknown = sorted(set(split_names(names)) - set(self.models))
            if unknown:
                known = ", ".join(sorted(self.models))
                message = f"expected roles.{role} to name models ({known}), was {unknown[0]}"
                raise ValueError(message)
        return self


def split_names(names: str) -> tuple[str, ...]:
    """Split names at their commas, each kept once, in order."""
    return tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))

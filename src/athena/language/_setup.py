"""How models are asked, as the configuration says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, parse_time_ns
from athena.language.questions import Model, ModelRole, Price, canonical
from athena.language.spending import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.platform.config import (
        LanguageConfig,
        ModelConfig,
        ProviderConfig,
        ProvidersConfig,
        RolesConfig,
    )


class Mode(StrEnum):
    """Whether models are asked.

    Live asks always and keeps what was said. Record asks only what is not kept yet. Replay asks
    nobody: what is not kept is an error.
    """

    LIVE = "live"
    RECORD = "record"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Setup:
    """How models are asked.

    Attributes:
        mode: whether they are.
        roles: the models of each role, in the order in which they are tried.
        retries_max: repetitions of a call whose connection failed.
        breaker_failures, breaker_rest_s: when a provider is left alone, and how long.
        limits: what may be spent.
    """

    mode: Mode
    roles: Mapping[ModelRole, tuple[Model, ...]]
    retries_max: int = 2
    breaker_failures: int = 3
    breaker_rest_s: int = 300
    limits: Limits = field(default_factory=Limits)

    @property
    def models(self) -> dict[str, Model]:
        """Return every model that a role names, by its name."""
        return {model.name: model for chain in self.roles.values() for model in chain}


def read_setup(config: LanguageConfig, *, mode: Mode | None = None) -> Setup:
    """Read the section `language`.

    Args:
        config: the section; it has been checked when it was loaded.
        mode: in the place of the configured one, as a backtest asks for.
    """
    from athena.platform.config import split_names

    models = {name: _read_model(name, item) for name, item in config.models.items()}
    return Setup(
        mode=mode or Mode(config.mode),
        roles={
            role: tuple(models[name] for name in split_names(names))
            for role, names in _names(config.roles).items()
        },
        retries_max=config.retries_max,
        breaker_failures=config.breaker_failures,
        breaker_rest_s=config.breaker_rest_s,
        limits=Limits(
            day_max_usd=config.budget.day_max_usd,
            day_warn_usd=config.budget.day_warn_usd,
            decision_max_usd=config.budget.decision_max_usd,
        ),
    )


def provider_configs(config: ProvidersConfig) -> dict[str, ProviderConfig]:
    """Return the section of each provider by its name."""
    return {
        "deepseek": config.deepseek,
        "anthropic": config.anthropic,
        "openai": config.openai,
        "xai": config.xai,
        "groq": config.groq,
        "ollama": config.ollama,
        "local": config.local,
    }


def _names(roles: RolesConfig) -> dict[ModelRole, str]:
    return {
        ModelRole.CONFLICTS: roles.conflicts,
        ModelRole.PANEL: roles.panel,
        ModelRole.RESEARCHERS: roles.researchers,
        ModelRole.REFLECTION: roles.reflection,
        ModelRole.SOCIAL: roles.social,
        ModelRole.NEWS: roles.news,
        ModelRole.WORDING: roles.wording,
        ModelRole.PORTFOLIO: roles.portfolio,
    }


def _read_model(name: str, config: ModelConfig) -> Model:
    until = config.trained_until
    return Model(
        name=name,
        provider=config.provider,
        id=config.model,
        price=Price(config.input_usd, config.output_usd, config.priced_on),
        # The day itself belongs to what it may have read.
        trained_until_ns=parse_time_ns(until) + DAY_NS - 1 if until else None,
        takes_temperature=config.takes_temperature,
        takes_seed=config.takes_seed,
        options=canonical(json.loads(config.options or "{}")).decode(),
    )

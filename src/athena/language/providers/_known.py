"""The providers that can be configured: how each is spoken to and which secret it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import AthenaError
from athena.language.providers._http import HttpProvider
from athena.language.providers._shapes import AnthropicShape, OpenAiShape
from athena.platform import SecretName, find_secret, how_to_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from athena.language.providers._provider import Provider
    from athena.language.providers._shapes import Shape
    from athena.platform import Secret
    from athena.platform.config import ProviderConfig


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What configuration does not say about a provider.

    Attributes:
        shape: how it is spoken to.
        secret: its key; None where there is none.
        needs_secret: False when it may be asked without.
    """

    shape: Shape
    secret: SecretName | None
    needs_secret: bool = True


KNOWN: Mapping[str, KnownProvider] = {
    "deepseek": KnownProvider(OpenAiShape(), SecretName.DEEPSEEK_KEY),
    "anthropic": KnownProvider(AnthropicShape(), SecretName.ANTHROPIC_KEY),
    "openai": KnownProvider(OpenAiShape("max_completion_tokens"), SecretName.OPENAI_KEY),
    "xai": KnownProvider(OpenAiShape(), SecretName.XAI_KEY),
    "groq": KnownProvider(OpenAiShape(), SecretName.GROQ_KEY),
    "ollama": KnownProvider(OpenAiShape(), None, needs_secret=False),
    "local": KnownProvider(OpenAiShape(), SecretName.LOCAL_KEY, needs_secret=False),
}


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a provider cannot be asked, and what brings it."""

    reason: str
    fix: str


def find_key(
    name: str, config: ProviderConfig, environment: Mapping[str, str]
) -> Secret | Absent | None:
    """Find what proves to a provider who asks: its key, None where none is needed, or why not.

    Args:
        name: of the provider.
        config: its section.
        environment: where the key is looked up, before the keyring.
    """
    known = KNOWN[name]
    if not config.url:
        setting = f"language.providers.{name}.url"
        return Absent(f"{setting} is empty", f"set {setting} to its address")
    if known.secret is None:
        return None
    try:
        found = find_secret(known.secret, environment)
    except AthenaError as error:
        return Absent(error.message, error.hint)
    if found is None and known.needs_secret:
        return Absent(f"{known.secret} is not set", how_to_set(known.secret))
    return found.secret if found else None


def open_provider(
    name: str, config: ProviderConfig, client: httpx2.AsyncClient, environment: Mapping[str, str]
) -> Provider | Absent:
    """Make a provider ready to be asked, or say what is missing; nothing is sent."""
    key = find_key(name, config, environment)
    if isinstance(key, Absent):
        return key
    return HttpProvider(
        name,
        url=config.url,
        shape=KNOWN[name].shape,
        structured=config.structured,
        key=key,
        client=client,
    )

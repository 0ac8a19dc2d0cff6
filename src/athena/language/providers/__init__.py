"""Who serves models, and how each is spoken to: one protocol, two shapes over HTTP."""

from athena.language.providers._http import HttpProvider
from athena.language.providers._known import (
    KNOWN,
    Absent,
    KnownProvider,
    find_key,
    open_provider,
)
from athena.language.providers._provider import Provider
from athena.language.providers._shapes import AnthropicShape, OpenAiShape, Shape, Structured

__all__ = [
    "KNOWN",
    "Absent",
    "AnthropicShape",
    "HttpProvider",
    "KnownProvider",
    "OpenAiShape",
    "Provider",
    "Shape",
    "Structured",
    "find_key",
    "open_provider",
]

"""The two shapes in which models are asked over HTTP, as pure functions of request and answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, Protocol

from athena.language.questions import Completion, Speaker, decoder_schema

if TYPE_CHECKING:
    from athena.language.questions import Request

Structured = Literal["schema", "object", "text"]
_ANTHROPIC_VERSION = "2023-06-01"
_LONGEST_NAME = 100


class Shape(Protocol):
    """How a provider is spoken to."""

    @property
    def path(self) -> str:
        """Return where requests go, below the provider's address."""
        ...

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of a request; an empty key is not sent."""
        ...

    def body(self, request: Request, structured: Structured) -> dict[str, Any]:
        """Write a request."""
        ...

    def read(self, answer: dict[str, Any]) -> Completion | None:
        """Read an answer; None when it is not of this shape."""
        ...


class OpenAiShape:
    """Chat completions, as OpenAI, DeepSeek, xAI, Groq, Ollama, vLLM and llama.cpp take them."""

    path = "/chat/completions"

    def __init__(self, token_field: str = "max_tokens") -> None:  # noqa: S107  # a field's name
        """Choose the name of the token limit: OpenAI's own newer models take another one."""
        self._token_field = token_field

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request, structured: Structured) -> dict[str, Any]:
        """Write a request."""
        parameters = json.loads(request.parameters)
        body: dict[str, Any] = {
            **parameters.pop("options"),
            "model": request.model,
            "messages": [
                {"role": item.speaker.value, "content": item.text} for item in request.messages
            ],
            self._token_field: parameters.pop("max_tokens"),
            **parameters,
        }
        if structured == "schema":
            schema = decoder_schema(json.loads(request.schema))
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif structured == "object":
            body["response_format"] = {"type": "json_object"}
        return body

    def read(self, answer: dict[str, Any]) -> Completion | None:
        """Read an answer; None when it is not of this shape."""
        match answer:
            case {"choices": [{"message": {"content": str() | None as text}}, *_]}:
                usage = answer.get("usage")
                return Completion(
                    text or "",
                    _count(usage, "prompt_tokens"),
                    _count(usage, "completion_tokens"),
                    _name(answer),
                )
        return None


class AnthropicShape:
    """Anthropic's messages."""

    path = "/messages"

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of a request."""
        named = {"x-api-key": key} if key else {}
        return {**named, "anthropic-version": _ANTHROPIC_VERSION}

    def body(self, request: Request, structured: Structured) -> dict[str, Any]:
        """Write a request; the system's message has a field of its own."""
        parameters = json.loads(request.parameters)
        parameters.pop("seed", None)  # there is none
        options = parameters.pop("options")
        said = [item for item in request.messages if item.speaker is not Speaker.SYSTEM]
        system = [item.text for item in request.messages if item.speaker is Speaker.SYSTEM]
        if structured == "schema":
            schema = decoder_schema(json.loads(request.schema))
            form = {"type": "json_schema", "schema": schema}
            options["output_config"] = {**options.get("output_config", {}), "format": form}
        return {
            **options,
            "model": request.model,
            "system": "\n\n".join(system),
            "messages": [{"role": item.speaker.value, "content": item.text} for item in said],
            **parameters,
        }

    def read(self, answer: dict[str, Any]) -> Completion | None:
        """Read an answer; None when it is not of this shape. Thoughts are left out."""
        blocks = answer.get("content")
        if not isinstance(blocks, list):
            return None
        texts: list[str] = []
        for block in blocks:
            match block:
                case {"type": "text", "text": str() as text}:
                    texts.append(text)
                case {"type": str()}:
                    continue
                case _:
                    return None
        usage = answer.get("usage")
        return Completion(
            "".join(texts), _input(usage), _count(usage, "output_tokens"), _name(answer)
        )


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _input(usage: object) -> int | None:
    """Count what was read, from the cache and into it too."""
    first = _count(usage, "input_tokens")
    if first is None:
        return None
    names = ("cache_creation_input_tokens", "cache_read_input_tokens")
    return first + sum(_count(usage, name) or 0 for name in names)


def _name(answer: dict[str, Any]) -> str:
    value = answer.get("model")
    return value[:_LONGEST_NAME] if isinstance(value, str) else ""

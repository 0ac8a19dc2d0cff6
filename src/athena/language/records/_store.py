"""Recordings of exchanges: one file each, named by the digest of what was asked."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.language.questions import (
    Completion,
    Exchange,
    Failed,
    RecordingDamaged,
    RecordingMissing,
    Why,
    canonical,
    digest,
)
from athena.platform import atomic_write_bytes, ensure_folder, storage_errors

if TYPE_CHECKING:
    from pathlib import Path

    from athena.language.questions import Request

_FORMAT = "athena-exchange-1"
_HINT = "ask again with language.mode record, which costs what the models cost"


class ExchangeStore:
    """Keep exchanges in a folder; a file is whole or absent, and checked whenever it is read."""

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        """Keep them in a folder; it is made at the first write."""
        self._folder = folder

    def path(self, key: str) -> Path:
        """Return where an exchange is kept."""
        return self._folder / key[:2] / f"{key}.json"

    def write(self, request: Request, exchange: Exchange) -> None:
        """Keep an exchange, in the place of an earlier one about the same request.

        Raises:
            InputError: the folder cannot be written.
            MissingError: the disk is full.
        """
        path = self.path(request.key)
        ensure_folder(path.parent)
        atomic_write_bytes(path, _encode(request, exchange))

    def read(self, request: Request) -> Exchange | None:
        """Return what was recorded of a request; None when nothing was.

        Raises:
            RecordingDamaged: the file is not as it was written, or about another request.
        """
        path = self.path(request.key)
        with storage_errors(path):
            if not path.is_file():
                return None
            data = path.read_bytes()
        return _decode(request, data, path)

    def need(self, request: Request) -> Exchange:
        """Return what was recorded of a request.

        Raises:
            RecordingMissing: nothing was.
            RecordingDamaged: see `read`.
        """
        found = self.read(request)
        if found is None:
            message = (
                f"expected a recording of what {request.provider} {request.model} was asked, "
                f"was none at {self.path(request.key)}"
            )
            raise RecordingMissing(message, hint=_HINT)
        return found


def _encode(request: Request, exchange: Exchange) -> bytes:
    outcome = exchange.outcome
    kind = "completion" if isinstance(outcome, Completion) else "failed"
    body = {
        "format": _FORMAT,
        "key": request.key,
        "asked": request.asked(),
        "outcome": {"kind": kind, **asdict(outcome)},
        "cost_usd": str(exchange.cost_usd),
        "latency_ms": exchange.latency_ms,
        "recorded_ns": exchange.recorded_ns,
    }
    return canonical({**body, "sha256": digest(body)}) + b"\n"


def _decode(request: Request, data: bytes, path: Path) -> Exchange:
    try:
        body = json.loads(data)
        stated = body.pop("sha256")
        is_sound = (
            stated == digest(body)
            and body["format"] == _FORMAT
            and body["key"] == request.key
            and body["asked"] == request.asked()
        )
        exchange = _exchange(body) if is_sound else None
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        exchange = None
    if exchange is None:
        message = f"expected the recording that was written to {path}, was another content"
        raise RecordingDamaged(message, hint=f"restore a backup, or remove it and {_HINT}")
    return exchange


def _exchange(body: dict[str, Any]) -> Exchange:
    values = dict(body["outcome"])
    kind = values.pop("kind")
    outcome: Completion | Failed
    if kind == "completion":
        outcome = Completion(**values)
    else:
        outcome = Failed(**{**values, "why": Why(values["why"])})
    return Exchange(
        key=body["key"],
        outcome=outcome,
        cost_usd=Decimal(body["cost_usd"]),
        latency_ms=body["latency_ms"],
        recorded_ns=body["recorded_ns"],
    )

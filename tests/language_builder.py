"""Questions, models that answer from a function, and everything to ask them with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from athena.language import (
    TABLES,
    Answer,
    Completion,
    ExchangeStore,
    Failed,
    Ledger,
    Limits,
    Mode,
    Model,
    ModelRole,
    Models,
    Price,
    Question,
    Request,
    Setup,
)
from athena.platform import VirtualClock
from athena.platform.database import migrate, open_database

if TYPE_CHECKING:
    from pathlib import Path

NOW_NS = 1_780_000_000_000_000_000  # 2026-05-28
HOLD = '{"action": "hold", "confidence": 0.5, "size_frac": 0.1, "reasons": ["flat"]}'
BUY = '{"action": "buy", "confidence": 0.9, "size_frac": 0.2, "reasons": ["trend"]}'


class Opinion(Answer):
    """What a model of a panel says."""

    action: Literal["buy", "sell", "hold"]
    confidence: float = Field(ge=0, le=1)
    size_frac: float = Field(ge=0, le=1)
    reasons: list[Annotated[str, Field(max_length=80)]] = Field(max_length=3)


def opinion_question(**changes: Any) -> Question[Opinion]:
    """Build a question; any of its fields may be changed."""
    values: dict[str, Any] = {
        "role": ModelRole.CONFLICTS,
        "task": "You judge one market.",
        "material": "RSI is 50.",
        "answer": Opinion,
        "deadline_s": 5.0,
        "decision_id": "decision-1",
        "as_of_ns": NOW_NS,
        "max_tokens": 200,
        **changes,
    }
    return Question(**values)


def model(name: str = "first", provider: str = "alpha", **changes: Any) -> Model:
    """Build a model that costs a dollar for a million tokens read, and two written."""
    price = Price(Decimal(1), Decimal(2), "2026-05-01")
    return replace(Model(name, provider, f"{name}-model", price), **changes)


Outcome = Completion | Failed
Says = Callable[[Request], Outcome | Awaitable[Outcome]]


def text(words: str, n_input: int | None = 100, n_output: int | None = 20) -> Completion:
    return Completion(words, n_input, n_output, "scripted-1")


class FunctionProvider:
    """A provider that answers from a list or a function, and remembers what it was asked."""

    def __init__(self, name: str, says: Says | Sequence[Outcome]) -> None:
        self._name = name
        self._says = says
        self.asked: list[Request] = []

    @property
    def name(self) -> str:
        return self._name

    async def complete(self, request: Request) -> Outcome:
        self.asked.append(request)
        if not callable(self._says):
            return self._says[min(len(self.asked), len(self._says)) - 1]
        outcome = self._says(request)
        return outcome if isinstance(outcome, Completion | Failed) else await outcome


async def silence(_: Request) -> Outcome:
    """Say nothing for longer than anybody waits."""
    await asyncio.Event().wait()
    raise AssertionError


def setup(*chain: Model, **changes: Any) -> Setup:
    """Build a setup that asks these models for every role."""
    roles = dict.fromkeys(ModelRole, chain or (model(),))
    return replace(Setup(Mode.LIVE, roles, retries_max=0), **changes)


def open_ledger(home: Path, limits: Limits | None = None) -> Ledger:
    """Open the record of costs of a home."""
    database = open_database("sqlite:///athena.db", home)
    migrate(database, {"language": TABLES}, now_ns=NOW_NS, keep_in=home / "kept")
    return Ledger(database, limits or Limits())


def models_for(
    home: Path,
    providers: Sequence[Any],
    how: Setup | None = None,
    clock: VirtualClock | None = None,
) -> Models:
    """Open models over providers, with the records and the costs of a home."""
    how = how or setup()
    return Models(
        how,
        {provider.name: provider for provider in providers},
        ExchangeStore(home / "exchanges"),
        lambda: open_ledger(home, how.limits),
        clock or VirtualClock(NOW_NS),
    )

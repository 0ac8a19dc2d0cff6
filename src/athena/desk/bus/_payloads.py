"""What a message may carry: one typed form per topic and type.

| topic | signal | other types |
|---|---|---|
| `market_data` | `SnapshotTaken` | |
| `ta_signals`, `regime_updates`, `sentiment_updates`, `forecasts`, `trading_signals`, \
`portfolio_updates` | `Output` of the role | |
| `execution_events` | `Output` of the execution role, `Executed` | |
| `risk_alerts` | `RiskReport` | alert: `RiskReport`, `BreakerAlert`; veto: `Veto` |
| `system_events` | `SystemEvent` | alert: `SystemEvent` |
| `coordinator_commands` | `Command`, `Decision` | |
| each | | request: `Request`; response: what the topic's signals carry, or `Unanswered` |
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, ClassVar, Literal

from athena.desk.bus._topics import MessageType, Topic, Verb
from athena.desk.contract import STRICT, Decision, Output, Role
from athena.domain import RiskLevel  # noqa: TC001 - pydantic reads the annotations
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ConfigDict


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """The inputs of a cycle were frozen.

    Attributes:
        symbol: instrument.
        as_of_ns: nothing later is in it, UTC.
        snapshot_id: its digest.
        quality: of the worst required data set; nothing is decided on `unusable`.
        reasons: why it is not `good`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    symbol: str
    as_of_ns: int
    snapshot_id: str
    quality: Literal["good", "degraded", "unusable"]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """How a plan was carried out (4.6); costs are positive for either side.

    Attributes:
        proposal_id: what was carried out.
        symbol: instrument.
        slippage_bps: quantity-weighted, against the quote; None without a fill.
        shortfall_bps: against the price decided on, fees included; None without a fill.
        fees: paid, in quote currency.
        fill_frac: filled over wanted, 0..1.
        n_fills: number of fills.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    proposal_id: str
    symbol: str
    slippage_bps: float | None
    shortfall_bps: float | None
    fees: Decimal
    fill_frac: float
    n_fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReport:
    """What the risk view says about a proposal, or about the account.

    Attributes:
        output: of the risk role.
        proposal_id: what it judges; empty for the account as it stands.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    output: Output
    proposal_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerAlert:
    """A loss breaker of the core has acted.

    Attributes:
        breaker: its name, as that of the limit in `risk.breakers`, such as `daily_loss`.
        level: how serious it is.
        text: a sentence.
        until_ns: when it ends by itself, UTC; -1 when a person has to end it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    breaker: str
    level: RiskLevel
    text: str
    until_ns: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """A proposal must not be traded.

    Attributes:
        proposal_id: which one.
        rule: that forbids it.
        level: of risk.
        reason: a sentence.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    proposal_id: str
    rule: str
    level: RiskLevel
    reason: str

    def __post_init__(self) -> None:
        """Refuse a veto that does not say what it forbids, and why."""
        if not self.proposal_id or not self.rule:
            message = (
                f"expected a veto to name proposal and rule, "
                f"was {self.proposal_id!r} and {self.rule!r}"
            )
            raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent:
    """Something happened to the desk itself.

    Attributes:
        code: short and stable, such as `agent_disabled`.
        text: a sentence.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the coordinator is told.

    Attributes:
        verb: what to do.
        task: which task; empty for all of the desk.
        by: who asks.
        reason: why.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    verb: Verb
    task: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Ask an agent for more.

    Attributes:
        question: what is wanted.
        reply_topic: where the answer is waited for.
        deadline_ns: a later answer is not read, UTC.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    question: str
    reply_topic: Topic
    deadline_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A request that gets no answer, and why."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    reason: str


Payload = (
    SnapshotTaken
    | Output
    | Executed
    | RiskReport
    | BreakerAlert
    | Veto
    | SystemEvent
    | Command
    | Decision
    | Request
    | Unanswered
)

_SIGNALS: Mapping[Topic, tuple[type[Payload], ...]] = {
    Topic.MARKET_DATA: (SnapshotTaken,),
    Topic.TA_SIGNALS: (Output,),
    Topic.REGIME_UPDATES: (Output,),
    Topic.SENTIMENT_UPDATES: (Output,),
    Topic.FORECASTS: (Output,),
    Topic.TRADING_SIGNALS: (Output,),
    Topic.RISK_ALERTS: (RiskReport,),
    Topic.EXECUTION_EVENTS: (Output, Executed),
    Topic.PORTFOLIO_UPDATES: (Output,),
    Topic.SYSTEM_EVENTS: (SystemEvent,),
    Topic.COORDINATOR_COMMANDS: (Command, Decision),
}
_FORMS: Mapping[tuple[Topic, MessageType], tuple[type[Payload], ...]] = {
    **{(topic, MessageType.SIGNAL): forms for topic, forms in _SIGNALS.items()},
    **{(topic, MessageType.REQUEST): (Request,) for topic in Topic},
    **{(topic, MessageType.RESPONSE): (*forms, Unanswered) for topic, forms in _SIGNALS.items()},
    (Topic.RISK_ALERTS, MessageType.ALERT): (RiskReport, BreakerAlert),
    (Topic.RISK_ALERTS, MessageType.VETO): (Veto,),
    (Topic.SYSTEM_EVENTS, MessageType.ALERT): (SystemEvent,),
}
# Whose opinions a topic carries.
ROLES: Mapping[Topic, Role] = {
    Topic.TA_SIGNALS: Role.TECHNICAL,
    Topic.REGIME_UPDATES: Role.REGIME,
    Topic.SENTIMENT_UPDATES: Role.SENTIMENT,
    Topic.FORECASTS: Role.FORECAST,
    Topic.TRADING_SIGNALS: Role.STRATEGY,
    Topic.RISK_ALERTS: Role.RISK,
    Topic.EXECUTION_EVENTS: Role.EXECUTION,
    Topic.PORTFOLIO_UPDATES: Role.PORTFOLIO,
}


def payload_forms(topic: Topic, kind: MessageType) -> tuple[type[Payload], ...]:
    """Return what a message of a topic and type may carry; empty when there is none such."""
    return _FORMS.get((topic, kind), ())


def payload_output(payload: Payload) -> Output | None:
    """Return the opinion in a payload; None where there is none."""
    if isinstance(payload, RiskReport):
        return payload.output
    return payload if isinstance(payload, Output) else None


def payload_symbol(payload: Payload) -> str | None:
    """Return the instrument that a payload is about; None where its form has none."""
    output = payload_output(payload)
    if output is not None:
        return output.symbol
    if isinstance(payload, SnapshotTaken | Executed | Decision):
        return payload.symbol
    return None

"""Messages of every form, and two ends of a bus, for its tests."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.desk.bus import (
    BreakerAlert,
    Command,
    Executed,
    Message,
    MessageType,
    Payload,
    Priority,
    Request,
    RiskReport,
    SnapshotTaken,
    SystemEvent,
    Topic,
    Unanswered,
    Verb,
    Veto,
)
from athena.desk.contract import Decision, Evidence, Output, Proposal, Role, Vote
from athena.domain import MINUTE_NS, Action, Regime, RiskLevel
from athena.platform import SeededIds

if TYPE_CHECKING:
    from athena.desk.bus import Bus
    from athena.platform import VirtualClock

START_NS = 1_700_000_000_000_000_000
BTC, XRP = "BTC/USDT", "XRP/USDT"
_IDS = SeededIds(7)
_ROLES = {
    Topic.TA_SIGNALS: Role.TECHNICAL,
    Topic.REGIME_UPDATES: Role.REGIME,
    Topic.SENTIMENT_UPDATES: Role.SENTIMENT,
    Topic.FORECASTS: Role.FORECAST,
    Topic.TRADING_SIGNALS: Role.STRATEGY,
    Topic.EXECUTION_EVENTS: Role.EXECUTION,
    Topic.PORTFOLIO_UPDATES: Role.PORTFOLIO,
    Topic.RISK_ALERTS: Role.RISK,
}


def an_output(role: Role, agent: str = "", symbol: str = BTC, **changes: Any) -> Output:
    """Return an opinion that is valid for five minutes."""
    values = {
        "agent": agent or role.value,
        "role": role,
        "symbol": symbol,
        "as_of_ns": START_NS,
        "action": Action.BUY,
        "confidence": 0.625,
        "raw_confidence": 0.7,
        "reasons": ("the averages crossed",),
        "evidence": (Evidence("rsi_14", 61.25, "", f"{symbol} 1h"),),
        "input_ids": ("a" * 64,),
        "version": "1",
        "valid_until_ns": START_NS + 5 * MINUTE_NS,
        **changes,
    }
    return Output(**values)


def a_message(topic: Topic = Topic.SYSTEM_EVENTS, **changes: Any) -> Message:
    """Return a valid message of a topic, said at `START_NS`, with an id of its own."""
    payload: Payload = SystemEvent(code="noted", text="something happened")
    symbol = ""
    if topic in _ROLES:
        source = changes.get("source", "")
        output = an_output(_ROLES[topic], source, changes.get("symbol", BTC))
        payload, symbol = output, output.symbol
        changes.setdefault("source", output.agent)
        if topic is Topic.RISK_ALERTS:
            payload = RiskReport(output=output, proposal_id="p-1")
    values = {
        "id": _IDS.next_id(),
        "ts_ns": START_NS,
        "topic": topic,
        "source": "system",
        "payload": payload,
        "symbol": symbol,
        **changes,
    }
    return Message(**values)


def a_veto(**changes: Any) -> Message:
    """Return a veto of the risk view."""
    veto = Veto(proposal_id="p-1", rule="var95", level=RiskLevel.CRITICAL, reason="too much")
    values = {"payload": veto, "type": MessageType.VETO, "source": "risk", "symbol": BTC}
    return a_message(Topic.RISK_ALERTS, **{**values, **changes})


def every_message() -> list[Message]:
    """Return one valid message of each topic, type and form of payload."""
    signals = [a_message(topic) for topic in [*_ROLES, Topic.SYSTEM_EVENTS]]
    report = a_message(Topic.RISK_ALERTS)
    proposal = Proposal(
        id="p-1", symbol=BTC, action=Action.BUY, strategy="momentum", strength=0.5,
        regime=Regime.TRENDING_BULL, entry_price=Decimal("37000.10"), size_frac=0.2, leverage=2,
    )  # fmt: skip
    vote = Vote("technical", Role.TECHNICAL, Action.BUY, 0.7, 1.0, "b" * 64)
    decision = Decision(
        id="d-1", symbol=BTC, as_of_ns=START_NS, decided_at_ns=START_NS, action=Action.BUY,
        confidence=0.7, regime=Regime.TRENDING_BULL, risk_level=RiskLevel.LOW, method="unanimous",
        winner="technical", votes=(vote,), multiplier=1.1, reasons=("all agree",),
        proposal=proposal,
    )  # fmt: skip
    snapshot = SnapshotTaken(
        symbol=BTC,
        as_of_ns=START_NS,
        snapshot_id="c" * 64,
        quality="degraded",
        reasons=("no book",),
    )
    fills = Executed(
        proposal_id="p-1", symbol=BTC, slippage_bps=1.5, fees=Decimal("0.10"),
        shortfall_bps=-2.0, fill_frac=1.0, n_fills=3,
    )  # fmt: skip
    request = Request(
        question="which levels?", reply_topic=Topic.TA_SIGNALS, deadline_ns=START_NS + MINUTE_NS
    )
    command = Command(verb=Verb.DISABLE, task="technical", by="anna", reason="it is wrong")
    breaker = BreakerAlert(breaker="daily_loss", level=RiskLevel.HIGH, text="-5 % today")
    proposed = an_output(Role.STRATEGY, detail=proposal)
    commands = Topic.COORDINATOR_COMMANDS
    return [
        *signals,
        replace(signals[0], type=MessageType.RESPONSE, causation_id="e" * 32, target="risk"),
        a_message(Topic.TRADING_SIGNALS, payload=proposed),
        a_message(Topic.MARKET_DATA, payload=snapshot, symbol=BTC),
        a_message(Topic.EXECUTION_EVENTS, payload=fills, source="venue"),
        a_message(
            Topic.TA_SIGNALS, payload=request, type=MessageType.REQUEST, source="coordinator",
            target="technical", ttl_s=60,
        ),
        a_message(
            Topic.TA_SIGNALS, payload=Unanswered(reason="no bars"), type=MessageType.RESPONSE,
            target="coordinator", causation_id="d" * 32,
        ),
        replace(report, id=_IDS.next_id(), type=MessageType.ALERT, priority=Priority.HIGH),
        a_message(Topic.RISK_ALERTS, payload=breaker, type=MessageType.ALERT, symbol=""),
        a_message(type=MessageType.ALERT, priority=Priority.LOW),
        a_veto(priority=Priority.URGENT, correlation_id="d-1", causation_id="x", ttl_s=86_400),
        a_message(commands, payload=command, source="anna"),
        a_message(
            commands, payload=decision, source="coordinator", symbol=BTC,
            priority=Priority.URGENT, correlation_id="d-1",
        ),
    ]  # fmt: skip


class Listener:
    """A handler that remembers what it heard; other threads can wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.heard: list[Message] = []

    def __call__(self, message: Message) -> None:
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def wait(self, n: int) -> list[Message]:
        """Wait until it has heard a number of messages; return all it heard."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= n, 20), len(self.heard)
            return list(self.heard)


@dataclass(frozen=True, slots=True)
class Ends:
    """Two ends of one bus: what is said here is heard there; in one process they are the same.

    Attributes:
        here, there: the ends.
        clock: of both.
    """

    here: Bus
    there: Bus
    clock: VirtualClock

    def settle(self) -> None:
        """Wait until everything said here has been heard there."""
        fence = Listener()
        name = f"fence {_IDS.next_id()}"
        self.there.register(name, fence)
        # Urgent messages overtake others on their way, so the last one is the least urgent.
        last = a_message(target=name, priority=Priority.LOW, ts_ns=self.clock.now_ns())
        self.here.publish(last)
        fence.wait(1)
        self.there.unregister(name)

"""The words of the envelope: where a message belongs, what it is, and how urgent."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """What a message is about; nothing is said outside these."""

    MARKET_DATA = "market_data"
    TA_SIGNALS = "ta_signals"
    REGIME_UPDATES = "regime_updates"
    SENTIMENT_UPDATES = "sentiment_updates"
    FORECASTS = "forecasts"
    TRADING_SIGNALS = "trading_signals"
    RISK_ALERTS = "risk_alerts"
    EXECUTION_EVENTS = "execution_events"
    PORTFOLIO_UPDATES = "portfolio_updates"
    SYSTEM_EVENTS = "system_events"
    COORDINATOR_COMMANDS = "coordinator_commands"


class MessageType(StrEnum):
    """What a message does; alerts and vetoes are never dropped."""

    SIGNAL = "signal"
    REQUEST = "request"
    RESPONSE = "response"
    ALERT = "alert"
    VETO = "veto"

    @property
    def is_protected(self) -> bool:
        """Tell whether a full queue keeps it."""
        return self in {MessageType.ALERT, MessageType.VETO}


class Priority(StrEnum):
    """Who is heard first, from last to first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Verb(StrEnum):
    """What a person or a supervisor may ask of the coordinator."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    ENABLE = "enable"
    DISABLE = "disable"
    FORCE_RUN = "force_run"

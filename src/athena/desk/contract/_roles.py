"""Who sits at the desk, and what an agent is doing."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an agent is asked for; each has exactly one, and several agents may share one."""

    TECHNICAL = "technical"
    REGIME = "regime"
    SENTIMENT = "sentiment"
    FORECAST = "forecast"
    STRATEGY = "strategy"
    EXECUTION = "execution"
    PORTFOLIO = "portfolio"
    RISK = "risk"


class AgentState(StrEnum):
    """What an agent is doing now."""

    IDLE = "idle"
    THINKING = "thinking"
    ACTING = "acting"
    WAITING = "waiting"
    ERROR = "error"

"""What each halt means, in words."""

from __future__ import annotations

from athena.trading._core import layout as at

HALT_WORDS = {
    at.HALT_DAY: "the daily loss limit was reached; no new risk until the next UTC day",
    at.HALT_WEEK: "the weekly loss limit was reached; positions are halved, no new risk this week",
    at.HALT_DRAWDOWN: "the drawdown stop was reached; no new risk until an admin resumes",
    at.HALT_LIMIT: "the drawdown limit was reached; everything is closed until an admin resumes",
    at.HALT_KILL: "the kill switch was thrown; everything is closed until an admin resumes",
    at.HALT_PAUSED: "paused; no new risk until resumed",
    at.HALT_OPERATOR: "halted; only exits and protection until an admin resumes",
    at.HALT_FAULT: "the books met something that cannot be; halted until an admin has looked",
}

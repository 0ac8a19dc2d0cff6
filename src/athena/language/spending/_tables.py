"""The tables of what models cost: one row for each call, one for each day."""

from __future__ import annotations

from athena.platform.database import Migration

_CALLS = """CREATE TABLE language_calls (
    id TEXT PRIMARY KEY,
    at_ns BIGINT NOT NULL,
    day TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    role TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    request_key TEXT NOT NULL,
    reserved_usd TEXT NOT NULL,
    cost_usd TEXT,
    n_input BIGINT,
    n_output BIGINT,
    latency_ms BIGINT,
    outcome TEXT NOT NULL
)"""
_BY_DECISION = "CREATE INDEX language_calls_by_decision ON language_calls (decision_id)"
_BY_TIME = "CREATE INDEX language_calls_by_time ON language_calls (at_ns)"
_DAYS = """CREATE TABLE language_days (
    day TEXT PRIMARY KEY,
    total_usd TEXT NOT NULL,
    n_calls BIGINT NOT NULL
)"""

TABLES = (Migration("0001-language", (_CALLS, _BY_DECISION, _BY_TIME, _DAYS)),)

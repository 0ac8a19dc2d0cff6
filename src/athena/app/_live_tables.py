"""The tables of a running account: what is so, what was done, who asked for it."""

from __future__ import annotations

from athena.platform.database import Migration

_TABLES = (
    """CREATE TABLE app_sessions (
        id TEXT PRIMARY KEY,
        mode TEXT NOT NULL,
        venue TEXT NOT NULL,
        quote TEXT NOT NULL,
        symbols TEXT NOT NULL,
        started_ns BIGINT NOT NULL,
        ended_ns BIGINT,
        end_reason TEXT NOT NULL,
        config_sha256 TEXT NOT NULL,
        journal TEXT NOT NULL,
        pid BIGINT NOT NULL
    )""",
    """CREATE TABLE app_orders (
        session TEXT NOT NULL,
        number BIGINT NOT NULL,
        client_id TEXT NOT NULL,
        venue_id TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        type TEXT NOT NULL,
        purpose TEXT NOT NULL,
        strategy TEXT NOT NULL,
        state TEXT NOT NULL,
        quantity TEXT NOT NULL,
        filled TEXT NOT NULL,
        limit_price TEXT,
        trigger_price TEXT,
        average_price TEXT,
        created_ns BIGINT NOT NULL,
        updated_ns BIGINT NOT NULL,
        correlation_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (session, number)
    )""",
    "CREATE INDEX app_orders_by_state ON app_orders (session, state)",
    "CREATE INDEX app_orders_by_correlation ON app_orders (correlation_id)",
    """CREATE TABLE app_fills (
        session TEXT NOT NULL,
        trade_id TEXT NOT NULL,
        order_number BIGINT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        quantity TEXT NOT NULL,
        price TEXT NOT NULL,
        fee TEXT NOT NULL,
        liquidity TEXT NOT NULL,
        ts_ns BIGINT NOT NULL,
        correlation_id TEXT NOT NULL,
        PRIMARY KEY (session, trade_id)
    )""",
    "CREATE INDEX app_fills_by_order ON app_fills (session, order_number)",
    "CREATE INDEX app_fills_by_correlation ON app_fills (correlation_id)",
    """CREATE TABLE app_alerts (
        id TEXT PRIMARY KEY,
        session TEXT NOT NULL,
        ts_ns BIGINT NOT NULL,
        urgency TEXT NOT NULL,
        code TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    "CREATE INDEX app_alerts_by_time ON app_alerts (session, ts_ns)",
    """CREATE TABLE app_status (
        session TEXT PRIMARY KEY,
        updated_ns BIGINT NOT NULL,
        snapshot TEXT NOT NULL
    )""",
    """CREATE TABLE app_operators (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        token_sha256 TEXT NOT NULL UNIQUE,
        since_ns BIGINT NOT NULL,
        revoked_ns BIGINT
    )""",
    """CREATE TABLE app_commands (
        position BIGINT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        session TEXT NOT NULL,
        verb TEXT NOT NULL,
        arguments TEXT NOT NULL,
        reason TEXT NOT NULL,
        operator TEXT NOT NULL,
        role TEXT NOT NULL,
        door TEXT NOT NULL,
        asked_ns BIGINT NOT NULL,
        expires_ns BIGINT,
        state TEXT NOT NULL,
        answer TEXT NOT NULL,
        answered_ns BIGINT,
        state_before TEXT,
        state_after TEXT
    )""",
    "CREATE INDEX app_commands_by_state ON app_commands (session, state)",
    """CREATE TABLE app_confirmations (
        token_sha256 TEXT PRIMARY KEY,
        wish_sha256 TEXT NOT NULL,
        operator TEXT NOT NULL,
        expires_ns BIGINT NOT NULL
    )""",
    """CREATE TABLE app_requests (
        operator TEXT NOT NULL,
        kind TEXT NOT NULL,
        asked_ns BIGINT NOT NULL
    )""",
    """CREATE TABLE app_audit (
        position BIGINT PRIMARY KEY,
        at_ns BIGINT NOT NULL,
        operator TEXT NOT NULL,
        role TEXT NOT NULL,
        door TEXT NOT NULL,
        session TEXT NOT NULL,
        request TEXT NOT NULL,
        verb TEXT NOT NULL,
        arguments TEXT NOT NULL,
        reason TEXT NOT NULL,
        outcome TEXT NOT NULL,
        detail TEXT NOT NULL,
        state_before TEXT,
        state_after TEXT,
        previous_sha256 TEXT NOT NULL,
        sha256 TEXT NOT NULL
    )""",
)
# The database itself refuses to change what was recorded, in the words of each kind.
_GUARDS_SQLITE = tuple(
    f"CREATE TRIGGER app_audit_no_{what} BEFORE {what} ON app_audit "
    "BEGIN SELECT RAISE(ABORT, 'app_audit is only appended to'); END"
    for what in ("update", "delete")
)
_GUARDS_POSTGRESQL = (
    """CREATE FUNCTION app_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''app_audit is only appended to'' USING ERRCODE = ''23000''; END'""",
    """CREATE TRIGGER app_audit_no_change BEFORE UPDATE OR DELETE ON app_audit
    FOR EACH ROW EXECUTE FUNCTION app_audit_refuse()""",
)

OPERATIONS = Migration(
    "0002-operations", (*_TABLES, *_GUARDS_SQLITE), (*_TABLES, *_GUARDS_POSTGRESQL)
)

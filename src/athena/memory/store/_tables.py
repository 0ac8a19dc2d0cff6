"""The tables of the memory: a log that is only appended to, and what can be erased beside it."""

from __future__ import annotations

from athena.platform.database import Migration

_LOG = """CREATE TABLE memory_events (
    position BIGINT PRIMARY KEY,
    at_ns BIGINT NOT NULL,
    kind TEXT NOT NULL,
    entry TEXT NOT NULL,
    body TEXT NOT NULL
)"""
# Words and sources lie apart from the log, so that they can be erased while it stays whole.
_CONTENTS = """CREATE TABLE memory_contents (
    entry TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    source TEXT NOT NULL
)"""
_VECTORS = """CREATE TABLE memory_vectors (
    entry TEXT NOT NULL,
    embedder TEXT NOT NULL,
    levels {bytes} NOT NULL,
    PRIMARY KEY (entry, embedder)
)"""
_TABLES = (_LOG, _CONTENTS)
_GUARDS_SQLITE = tuple(
    f"CREATE TRIGGER memory_events_no_{what} BEFORE {what} ON memory_events "
    "BEGIN SELECT RAISE(ABORT, 'memory_events is only appended to'); END"
    for what in ("update", "delete")
)
_GUARDS_POSTGRESQL = (
    """CREATE FUNCTION memory_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''memory_events is only appended to''
    USING ERRCODE = ''23000''; END'""",
    """CREATE TRIGGER memory_events_no_change BEFORE UPDATE OR DELETE ON memory_events
    FOR EACH ROW EXECUTE FUNCTION memory_events_refuse()""",
)

TABLES = (
    Migration(
        "0001-memory",
        (*_TABLES, _VECTORS.format(bytes="BLOB"), *_GUARDS_SQLITE),
        (*_TABLES, _VECTORS.format(bytes="BYTEA"), *_GUARDS_POSTGRESQL),
    ),
)

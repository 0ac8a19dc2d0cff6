"""The live gate: what has to hold before a real order may be sent, and the proof of it (TR-27)."""

from athena.app.gate._fingerprint import Fingerprint, StrategyChoice, take_fingerprint
from athena.app.gate._gate import (
    CONFIGURATION_KEY,
    ENVIRONMENT_NAME,
    ENVIRONMENT_VALUE,
    Condition,
    Evidence,
    GateReport,
    check_gate,
    no_record,
    record_conditions,
)
from athena.app.gate._health import HEALTH_NAME, HealthMinute, append_health, read_health
from athena.app.gate._paper_record import (
    LIVE_FOLDER,
    PaperRecord,
    find_record,
    manifest_of,
    paper_sessions,
    session_store,
)
from athena.app.gate._passed import GATE_NAME, PassedGate, read_passed, void_passed, write_passed

__all__ = [
    "CONFIGURATION_KEY",
    "ENVIRONMENT_NAME",
    "ENVIRONMENT_VALUE",
    "GATE_NAME",
    "HEALTH_NAME",
    "LIVE_FOLDER",
    "Condition",
    "Evidence",
    "Fingerprint",
    "GateReport",
    "HealthMinute",
    "PaperRecord",
    "PassedGate",
    "StrategyChoice",
    "append_health",
    "check_gate",
    "find_record",
    "manifest_of",
    "no_record",
    "paper_sessions",
    "read_health",
    "read_passed",
    "record_conditions",
    "session_store",
    "take_fingerprint",
    "void_passed",
    "write_passed",
]

"""Proof that nothing saw the future: prefix invariance, fills, null worlds, planted leaks."""

from athena.research.audit._audit import ProgressReport, audit, audit_strategy, audit_trader
from athena.research.audit._features import Feature, find_feature, load_subject, market_features
from athena.research.audit._subject import Auditable, AuditResult, Output, Violation
from athena.research.audit._trades import Trader, Trades
from athena.research.audit._world import Observations, World

__all__ = [
    "AuditResult",
    "Auditable",
    "Feature",
    "Observations",
    "Output",
    "ProgressReport",
    "Trader",
    "Trades",
    "Violation",
    "World",
    "audit",
    "audit_strategy",
    "audit_trader",
    "find_feature",
    "load_subject",
    "market_features",
]

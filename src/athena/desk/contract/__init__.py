"""What everybody at the desk shares: roles, outputs, proposals, decisions, and their one form."""

from athena.desk.contract._agent import (
    CONTEXT_ACTIONS,
    MEMORY_HITS,
    ActionRecord,
    Agent,
    Context,
    MemoryHit,
    Thought,
    Unavailable,
)
from athena.desk.contract._decision import Decision, Vote
from athena.desk.contract._encoding import decode, digest, encode
from athena.desk.contract._output import Detail, Evidence, Output
from athena.desk.contract._proposals import Plan, PlannedOrder, PlanStyle, Proposal
from athena.desk.contract._roles import AgentState, Role
from athena.desk.contract._views import (
    STRICT,
    ForecastView,
    Mention,
    PortfolioView,
    RegimeView,
    RiskView,
    SentimentView,
    Share,
    TechnicalView,
    Weight,
)

__all__ = [
    "CONTEXT_ACTIONS",
    "MEMORY_HITS",
    "STRICT",
    "ActionRecord",
    "Agent",
    "AgentState",
    "Context",
    "Decision",
    "Detail",
    "Evidence",
    "ForecastView",
    "MemoryHit",
    "Mention",
    "Output",
    "Plan",
    "PlanStyle",
    "PlannedOrder",
    "PortfolioView",
    "Proposal",
    "RegimeView",
    "RiskView",
    "Role",
    "SentimentView",
    "Share",
    "TechnicalView",
    "Thought",
    "Unavailable",
    "Vote",
    "Weight",
    "decode",
    "digest",
    "encode",
]

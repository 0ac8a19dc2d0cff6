"""One account under way: events of the world go in, requests and alerts come out.

The same session serves paper, live and the fault simulation; only clock, transport and venue
differ. It does no I/O, reads no clock and makes no id: all of that arrives inside events.
"""

from athena.trading.live._causes import ENDED_NOTE, MADE_NOTE, Cause
from athena.trading.live._degradation import Degradation, Level
from athena.trading.live._effects import (
    Alert,
    AmendOrder,
    CancelOrder,
    Effect,
    PlaceOrder,
    QueryAccount,
    Urgency,
)
from athena.trading.live._events import (
    NOT_TRADED,
    AccountSeen,
    Answered,
    CorrelationSeen,
    Dependency,
    Event,
    FillSeen,
    LimitChanged,
    Operated,
    OrderSeen,
    Outage,
    PlanStarted,
    PlanStopped,
    PriceSeen,
    PurchaseAsked,
    RebalanceAsked,
    Request,
    Result,
    RiskSeen,
    StreamAlive,
    StreamChanged,
    Tick,
    TransferSeen,
    Wanted,
)
from athena.trading.live._fold import Folded, fold_journal
from athena.trading.live._halt_words import HALT_WORDS
from athena.trading.live._opening import (
    EXTERNAL_SLOT,
    HOLDINGS_SLOT,
    Resumed,
    SessionPlan,
    open_session,
    refuse_older_clock,
    resume_session,
)
from athena.trading.live._plan_book import (
    EndedPlan,
    PlanBook,
    PlanRules,
    RunningPlan,
)
from athena.trading.live._readiness import Readiness
from athena.trading.live._session import SESSION_KEY, Session, SessionSettings

__all__ = [
    "ENDED_NOTE",
    "EXTERNAL_SLOT",
    "HALT_WORDS",
    "HOLDINGS_SLOT",
    "MADE_NOTE",
    "NOT_TRADED",
    "SESSION_KEY",
    "AccountSeen",
    "Alert",
    "AmendOrder",
    "Answered",
    "CancelOrder",
    "Cause",
    "CorrelationSeen",
    "Degradation",
    "Dependency",
    "Effect",
    "EndedPlan",
    "Event",
    "FillSeen",
    "Folded",
    "Level",
    "LimitChanged",
    "Operated",
    "OrderSeen",
    "Outage",
    "PlaceOrder",
    "PlanBook",
    "PlanRules",
    "PlanStarted",
    "PlanStopped",
    "PriceSeen",
    "PurchaseAsked",
    "QueryAccount",
    "Readiness",
    "RebalanceAsked",
    "Request",
    "Result",
    "Resumed",
    "RiskSeen",
    "RunningPlan",
    "Session",
    "SessionPlan",
    "SessionSettings",
    "StreamAlive",
    "StreamChanged",
    "Tick",
    "TransferSeen",
    "Urgency",
    "Wanted",
    "fold_journal",
    "open_session",
    "refuse_older_clock",
    "resume_session",
]

"""What operators can ask for, who may, and what has to come with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.app.live._access import RequestKind, Role

if TYPE_CHECKING:
    from collections.abc import Mapping


class Verb(StrEnum):
    """What can be asked."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    KILL = "kill"
    FLATTEN = "flatten"
    CLOSE = "close"
    APPROVE = "approve"
    REJECT = "reject"
    LIMIT = "limit"
    ADMIN_RESUME = "admin_resume"
    ORDER = "order"
    PLAN = "plan"
    PLAN_STOP = "plan_stop"
    REBALANCE = "rebalance"
    SKIP_REBALANCE = "skip_rebalance"
    PURCHASE = "purchase"


# What only takes risk away stands until it is read; the rest is void after a minute: an engine
# that comes back must not take up trading again because somebody asked for it yesterday.
_STANDING = frozenset(
    {
        Verb.PAUSE,
        Verb.HALT,
        Verb.KILL,
        Verb.FLATTEN,
        Verb.CLOSE,
        Verb.REJECT,
        Verb.PLAN_STOP,
    }
)
# These are never too many.
_UNLIMITED = frozenset({Verb.PAUSE, Verb.HALT, Verb.KILL, Verb.FLATTEN})
_DESTRUCTIVE = frozenset({Verb.KILL, Verb.FLATTEN, Verb.CLOSE, Verb.LIMIT, Verb.ADMIN_RESUME})
_ADMINS = frozenset(
    {Verb.LIMIT, Verb.ADMIN_RESUME, Verb.REBALANCE, Verb.SKIP_REBALANCE, Verb.PURCHASE}
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants.

    Attributes:
        session: id; empty for the home itself.
        arguments: `symbol` for close, `decision` and at choice `quantity` for approve, `decision`
            for reject, `name` and `value` for limit, `plan` for plan_stop, `asset` for purchase,
            what `_orders` reads for order and plan; empty for the others.
        reason: why; never empty.
    """

    session: str
    verb: Verb
    reason: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> RequestKind:
        """Return what it counts as; what changes a decision's size changes what was decided."""
        is_override = self.verb is Verb.APPROVE and "quantity" in self.arguments
        if self.verb in _DESTRUCTIVE or is_override:
            return RequestKind.DESTRUCTIVE
        return RequestKind.WRITE

    @property
    def needs_confirmation(self) -> bool:
        """Tell whether a typed confirmation has to come with it."""
        return self.kind is RequestKind.DESTRUCTIVE

    @property
    def role(self) -> Role:
        """Return who may ask it."""
        return Role.ADMIN if self.verb in _ADMINS else Role.TRADER

    @property
    def is_limited(self) -> bool:
        """Tell whether it counts against the rate."""
        return self.verb not in _UNLIMITED

    @property
    def stands(self) -> bool:
        """Tell whether it stands until it is read, or is void after a minute."""
        return self.verb in _STANDING

    def encoded(self) -> str:
        """Return the arguments as JSON, in one order."""
        return json.dumps(dict(self.arguments), sort_keys=True)

"""Who gets how much of what there is not enough of (A19)."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

METHOD = "proportional"


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What an agent asks for.

    Attributes:
        agent: who.
        resource: such as `tokens`, `calls`, `compute`.
        amount: >= 0.
    """

    agent: str
    resource: str
    amount: float


@dataclass(frozen=True, slots=True)
class ResourceShare:
    """What an agent gets: a share of a resource, 0..1, by the method `proportional`."""

    agent: str
    resource: str
    share: float
    method: str = METHOD


def allocate(requests: Sequence[ResourceRequest]) -> tuple[ResourceShare, ...]:
    """Share each resource in proportion to what is asked for: share = requested / total.

    The shares of a resource sum to 1; they are all 0 where nobody asks for anything. Several
    requests of an agent for a resource are one.

    Raises:
        InputError: an amount is negative, NaN or infinite.
    """
    asked: dict[str, dict[str, float]] = defaultdict(dict)
    for request in requests:
        if not (math.isfinite(request.amount) and request.amount >= 0):
            message = (
                f"expected an amount >= 0 of {request.resource} for {request.agent}, "
                f"was {request.amount}"
            )
            raise InputError(message)
        of_agents = asked[request.resource]
        of_agents[request.agent] = of_agents.get(request.agent, 0.0) + request.amount
    return tuple(
        ResourceShare(agent, resource, amount / total if total else 0.0)
        for resource, of_agents in asked.items()
        for total in [math.fsum(of_agents.values())]
        for agent, amount in of_agents.items()
    )

"""The order state table of the specification, as data; anything not in it is illegal (TR-08)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from athena.domain import OrderState
from athena.trading._core.layout import NONE, Ints


class OrderEvent(StrEnum):
    """What can happen to an order; the order of the members is the core's numbering."""

    APPROVE = "approve"
    HOLD = "hold"
    DENY = "deny"
    RELEASE = "release"
    ACCEPT = "accept"
    REFUSE = "refuse"
    LOSE = "lose"
    PROVE_UNSENT = "prove_unsent"
    PROVE_ABSENT = "prove_absent"
    TRIGGER = "trigger"
    FILL_PART = "fill_part"
    FILL_REST = "fill_rest"
    CANCEL = "cancel"
    EXPIRE = "expire"


_S = OrderState
_E = OrderEvent

_FILLS = {_E.FILL_PART: _S.PARTIALLY_FILLED, _E.FILL_REST: _S.FILLED}
_ENDS = {_E.CANCEL: _S.CANCELLED, _E.EXPIRE: _S.EXPIRED}

ORDER_TABLE: dict[OrderState, dict[OrderEvent, OrderState]] = {
    _S.CREATED: {_E.APPROVE: _S.SUBMITTING, _E.HOLD: _S.HELD, _E.DENY: _S.DENIED},
    _S.HELD: {_E.RELEASE: _S.SUBMITTING, **_ENDS},
    _S.SUBMITTING: {
        _E.ACCEPT: _S.OPEN,
        _E.REFUSE: _S.REJECTED,
        _E.LOSE: _S.UNKNOWN,
        _E.PROVE_UNSENT: _S.REJECTED,
        **_FILLS,
    },
    # Any positive evidence from the venue leads to the state it shows.
    _S.UNKNOWN: {
        _E.ACCEPT: _S.OPEN,
        _E.TRIGGER: _S.TRIGGERED,
        _E.REFUSE: _S.REJECTED,
        _E.PROVE_ABSENT: _S.REJECTED,
        **_FILLS,
        **_ENDS,
    },
    _S.OPEN: {_E.TRIGGER: _S.TRIGGERED, _E.REFUSE: _S.REJECTED, **_FILLS, **_ENDS},
    _S.TRIGGERED: {**_FILLS, **_ENDS},
    _S.PARTIALLY_FILLED: {**_FILLS, **_ENDS},
    # A late fill books its quantity and leaves the final state as it is; nothing else is legal.
    _S.DENIED: {},
    _S.FILLED: {},
    _S.CANCELLED: {},
    _S.EXPIRED: {},
    _S.REJECTED: {},
}


def transition_table() -> Ints:
    """Build the core's table: (states, events) int64, NONE where the pair is illegal."""
    states = list(OrderState)
    table = np.full((len(states), len(OrderEvent)), NONE, np.int64)
    for row, state in enumerate(states):
        for column, event in enumerate(OrderEvent):
            after = ORDER_TABLE[state].get(event)
            if after is not None:
                table[row, column] = states.index(after)
    return table

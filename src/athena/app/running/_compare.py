"""Books and venue side by side, asked for once more at the end of a run."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import from_money
from athena.trading import codes
from athena.trading import layout as at
from athena.venues.kraken import our_currency

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading.live import Session

_CASH_TOLERANCE = Decimal("0.01")  # the venue rounds each fill's cost, and may be finer than we


def differences(session: Session, ask: Callable[[str], bytes]) -> list[str]:
    """Say in words where a session's books and its venue differ; empty when they agree.

    Args:
        session: with nothing under way.
        ask: answers `OpenOrders` and `Balance` as Kraken's REST does, at once.
    """
    return [
        *_order_differences(session, _result(ask("OpenOrders"))["open"]),
        *_balance_differences(session, _result(ask("Balance"))),
    ]


def _result(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body, parse_float=Decimal)["result"]
    return found


def _order_differences(session: Session, shown: dict[str, Any]) -> list[str]:
    s = session.core.s
    live = {
        s.orders[row, at.NUMBER]
        for row in session.core.live_rows()
        if codes.OPEN <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED
    }
    found: list[str] = []
    for venue_id, order in shown.items():
        number = session.number_of(order.get("cl_ord_id") or "", venue_id)
        if number in live:
            live.discard(number)
        else:
            found.append(f"order {venue_id} works at the venue and not in the books")
    found += [f"order {number} works in the books and not at the venue" for number in sorted(live)]
    return found


def _balance_differences(session: Session, shown: dict[str, Any]) -> list[str]:
    balances = {our_currency(name): Decimal(amount) for name, amount in shown.items()}
    found: list[str] = []
    for k, item in enumerate(session.instruments):
        booked = item.lots_to_quantity(session.core.held_lots(k))
        there = balances.get(item.base, Decimal(0))
        if abs(booked - there) >= item.lot:
            found.append(f"{item.base}: the books say {booked}, the venue {there}")
    quote = session.instruments[0].quote
    booked = from_money(session.core.s.account[at.CASH])
    there = balances.get(quote, Decimal(0))
    if abs(booked - there) > _CASH_TOLERANCE:
        found.append(f"{quote}: the books say {booked}, the venue {there}")
    return found

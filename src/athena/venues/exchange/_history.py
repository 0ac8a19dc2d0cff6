"""What an account was at a time, and lists of its past in pages."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, TypeVar

from athena.venues.exchange._forms import read_seconds_ns, read_whole
from athena.venues.exchange._wire import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from athena.venues.exchange._state import Account, Entry, Fill, Order

PAGE = 50
ItemT = TypeVar("ItemT")


def orders_at(account: Account, at_ns: int) -> list[Order]:
    """Return the orders as they were at a time, newest first."""
    found = []
    for versions in reversed(account.orders.values()):
        known = bisect_right(versions, at_ns, key=lambda order: order.changed_ns)
        if known:
            found.append(versions[known - 1])
    return found


def fills_at(account: Account, at_ns: int) -> list[Fill]:
    """Return the fills up to a time, newest first."""
    return account.fills[: bisect_right(account.fills, at_ns, key=lambda fill: fill.at_ns)][::-1]


def entries_at(account: Account, at_ns: int) -> list[Entry]:
    """Return the ledger up to a time, newest first."""
    known = bisect_right(account.entries, at_ns, key=lambda entry: entry.at_ns)
    return account.entries[:known][::-1]


def balances_at(account: Account, at_ns: int) -> dict[str, Decimal]:
    """Return what the account had at a time, by currency in our spelling."""
    balances: dict[str, Decimal] = {}
    for entry in reversed(entries_at(account, at_ns)):
        balances[entry.currency] = entry.balance
    return balances


def within(
    items: Sequence[ItemT],
    fields: Mapping[str, str],
    stamps: Callable[[ItemT], tuple[int, ...]],
    name: Callable[[ItemT], str],
) -> list[ItemT]:
    """Keep what lies after `start` and not after `end`; either may be a time or an id.

    Args:
        items: of the list.
        fields: of the request.
        stamps: the times of an item, one of which has to lie within.
        name: the id of an item.

    Raises:
        Refusal: a bound that is neither a time nor an id of the list.
    """
    known = {name(item): max(stamps(item)) for item in items}
    start_ns = _bound_ns(fields, "start", known)
    end_ns = _bound_ns(fields, "end", known)
    return [
        item
        for item in items
        if any(
            (start_ns is None or start_ns < stamp) and (end_ns is None or stamp <= end_ns)
            for stamp in stamps(item)
        )
    ]


def page(items: Sequence[ItemT], fields: Mapping[str, str]) -> Sequence[ItemT]:
    """Return the page that `ofs` asks for: at most 50, from that place on."""
    first = read_whole(fields, "ofs")
    return items[first : first + PAGE]


def amounts(values: Mapping[str, Decimal]) -> dict[str, str]:
    """Write amounts by name."""
    return {name: text(value) for name, value in values.items()}


def _bound_ns(fields: Mapping[str, str], field: str, known: Mapping[str, int]) -> int | None:
    value = fields.get(field, "")
    if not value:
        return None
    return known[value] if value in known else read_seconds_ns(fields, field)

"""The table of what each venue does by itself, for the docs: made from the code, never by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.venues._contract import Capabilities

# Field of `Capabilities` -> what it means to a reader; a test holds them together.
MEANINGS: Mapping[str, str] = {
    "order_types": "order types sent as they are; the core emulates the others",
    "times_in_force": "times in force of a limit order",
    "max_leverage": "largest leverage that is sent; 1 is spot",
    "has_post_only": "a limit order that would take is refused (post only)",
    "has_reduce_only": "an order that can only close (reduce only); else the core caps it",
    "has_amend": "size and trigger change in place",
    "has_conditional_close": "an order placed by the venue for each fill of another; not used: "
    "it carries no id of ours, and each part of a fill would leave a stop of its own",
    "has_oco": "two orders of which one cancels the other",
    "has_trailing": "the venue moves a stop by itself; else the core amends it",
    "has_validate": "an order is checked and not placed",
    "has_deadline": "an order that arrives too late is refused",
    "has_dead_man": "everything is cancelled when nothing is heard from us",
    "has_client_ids": "an order is found by the id that we gave it",
    "has_execution_stream": "orders and fills are pushed",
    "has_balance_stream": "movements of money are pushed",
    "has_price_stream": "prices are pushed",
    "has_full_history": "closed orders, fills and transfers reach back as far as asked",
    "page_size": "entries of one page of history",
}


def capability_table(venues: Sequence[Capabilities]) -> str:
    """Write a Markdown table with a row for each capability and a column for each venue."""
    names = " | ".join(venue.name for venue in venues)
    rows = [f"| capability | {names} |", "|---|" + "---|" * len(venues)]
    for name, meaning in MEANINGS.items():
        cells = " | ".join(_cell(getattr(venue, name)) for venue in venues)
        rows.append(f"| {meaning} | {cells} |")
    return "\n".join(rows) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return str(value)

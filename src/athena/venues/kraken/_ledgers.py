"""Every movement of the account's money: Ledgers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.venues.kraken._fields import malformed
from athena.venues.kraken._names import our_currency

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.venues.kraken._fields import Fields

TRADE = "trade"


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """One entry of the ledger.

    Attributes:
        ledger_id: Kraken's; the stream of balances calls the same entry by it.
        reference_id: of what caused it: a fill's trade id, a deposit's id; or empty.
        kind: `trade`, `deposit`, `withdrawal`, `transfer`, `adjustment`, ...
        currency: our spelling.
        amount: signed; the balance changed by `amount - fee`.
        fee: same currency.
        at_ns: the venue's time, UTC nanoseconds.
    """

    ledger_id: str
    reference_id: str
    kind: str
    currency: str
    amount: Decimal
    fee: Decimal
    at_ns: int


def read_ledgers(result: Fields) -> tuple[tuple[LedgerReport, ...], int]:
    """Translate one page of Ledgers, and how many entries there are in all.

    Raises:
        VenueError: a field is missing, or there are fewer in all than on this page.
    """
    entries = tuple(_entry(key, entry) for key, entry in result.inner("ledger").entries())
    n_total = result.whole("count")
    if n_total < len(entries):
        malformed(f"{result.path}.count", f"at least the {len(entries)} of this page", n_total)
    return entries, n_total


def _entry(ledger_id: str, entry: Fields) -> LedgerReport:
    return LedgerReport(
        ledger_id=ledger_id,
        reference_id=entry.maybe_text("refid") or "",
        kind=entry.text("type"),
        currency=our_currency(entry.text("asset")),
        amount=entry.decimal("amount"),
        fee=entry.decimal("fee"),
        at_ns=entry.seconds_ns("time"),
    )

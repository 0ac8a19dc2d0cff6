"""Words for the journal, and the running digest of every state transition.

A record is a run of int64 words: header (kind in the low byte, length in the rest), the number of
marks processed so far, then its fields. Replay needs no more: before a record it processes marks
until the count is equal.
"""

from __future__ import annotations

from athena.trading._core import layout as at
from athena.trading._core.layout import State

_LOW_32 = 0xFFFFFFFF


def fold(s: State, word: int) -> None:
    """Fold one word into the digest: two lanes of 32 bits, so that no product leaves 63 bits."""
    low = word & _LOW_32
    high = (word >> 32) & _LOW_32
    a = ((s.account[at.DIGEST_A] ^ low) * 16_777_619 + high) & _LOW_32
    b = ((s.account[at.DIGEST_B] ^ high) * 1_540_483_477 + low) & _LOW_32
    s.account[at.DIGEST_A] = a ^ (b >> 15)
    s.account[at.DIGEST_B] = b ^ (a >> 13)


def put(s: State, word: int) -> None:
    """Append one word to the records and fold it into the digest."""
    cursor = s.account[at.N_WORDS]
    if cursor >= len(s.records):
        raise OverflowError("expected room for a record, was a full buffer")
    s.records[cursor] = word
    s.account[at.N_WORDS] = cursor + 1
    fold(s, word)


def begin(s: State, kind: int, n_fields: int) -> None:
    """Begin a record of `n_fields` fields; the caller puts them."""
    put(s, kind | ((n_fields + 2) << 8))
    put(s, s.account[at.MARKS])


def record_intent(s: State) -> None:
    """Record an intent as it was asked for."""
    begin(s, at.R_INTENT, at.N_INTENT)
    for field in range(at.N_INTENT):
        put(s, s.intent[field])


def record_report(
    s: State,
    what: int,
    number: int,
    lots: int,
    price: int,
    fee: int,
    liquidity: int,
    trade: int,
    order: int,
) -> None:
    """Record what a venue reported of an order; `order` says whose it is, see `pack_order`."""
    begin(s, at.R_REPORT, 9)
    put(s, what)
    put(s, number)
    put(s, lots)
    put(s, price)
    put(s, fee)
    put(s, liquidity)
    put(s, trade)
    put(s, s.account[at.NOW_NS])
    put(s, order)


def pack_order(instrument: int, strategy: int, purpose: int, side: int) -> int:
    """Pack an order's terms into one word, so that a fill can be read without its order."""
    return instrument | (strategy << 8) | (purpose << 16) | ((side + 1) << 24)


def record_verdict(s: State, number: int) -> None:
    """Record what the risk engine said of an order; an outcome, kept so that it can be read."""
    begin(s, at.R_VERDICT, 6)
    put(s, number)
    for field in range(at.N_VERDICT):
        put(s, s.verdict[field])


def record_command(s: State, command: int, argument: int, argument_2: int) -> None:
    """Record an operator's or driver's command."""
    begin(s, at.R_COMMAND, 3)
    put(s, command)
    put(s, argument)
    put(s, argument_2)


def record_cash(s: State, amount: int, is_transfer: int, reference: int) -> None:
    """Record money that came or went without an order: transfer, funding, interest."""
    begin(s, at.R_CASH, 3)
    put(s, amount)
    put(s, is_transfer)
    put(s, reference)


def record_health(s: State, health: int, account_ns: int) -> None:
    """Record what is known of venue, clock, reconciliation and the account's freshness."""
    begin(s, at.R_HEALTH, 2)
    put(s, health)
    put(s, account_ns)


def record_share(s: State, strategy: int, share_ppm: int) -> None:
    """Record the share of the equity that a strategy is given."""
    begin(s, at.R_SHARE, 2)
    put(s, strategy)
    put(s, share_ppm)


def notice(s: State, what: int, argument: int) -> None:
    """Record something a person should know; an outcome."""
    begin(s, at.R_NOTICE, 3)
    put(s, what)
    put(s, argument)
    put(s, s.account[at.NOW_NS])


def push_effect(s: State, kind: int, row: int) -> None:
    """Queue something that has to leave the core."""
    cursor = s.account[at.N_EFFECTS]
    if cursor >= len(s.effects):
        raise OverflowError("expected room for an effect, was a full queue")
    s.effects[cursor, at.E_KIND] = kind
    s.effects[cursor, at.E_ROW] = row
    s.effects[cursor, at.E_NUMBER] = s.orders[row, at.NUMBER] if row >= 0 else 0
    s.account[at.N_EFFECTS] = cursor + 1

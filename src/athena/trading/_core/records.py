"""Words for the journal, and the running digest of every state transition.

A record is a run of int64 words: header (kind in the low byte, length in the rest), the number of
marks processed so far, then its fields. Replay needs no more: before a record it processes marks
until the count is equal.
"""

from __future__ import annotations

from athena.trading._core import layout as at
from athena.trading._core.layout import State

_HEADER = 2  # kind with length, marks
_LOW_32 = 0xFFFFFFFF
_PRIME_A = 16_777_619
_PRIME_B = 1_540_483_477


def fold(s: State, word: int) -> None:
    """Fold one word into the digest: two lanes of 32 bits, so that no product leaves 63 bits."""
    low = word & _LOW_32
    high = (word >> 32) & _LOW_32
    a = ((s.account[at.DIGEST_A] ^ low) * _PRIME_A + high) & _LOW_32
    b = ((s.account[at.DIGEST_B] ^ high) * _PRIME_B + low) & _LOW_32
    s.account[at.DIGEST_A] = a ^ (b >> 15)
    s.account[at.DIGEST_B] = b ^ (a >> 13)


def begin(s: State, kind: int, n_fields: int) -> int:
    """Begin a record; the caller writes its fields into `s.records` and seals it.

    Returns:
        Where its first field lies.
    """
    cursor = s.account[at.N_WORDS]
    n_words = n_fields + _HEADER
    if cursor + n_words > len(s.records):
        raise OverflowError("expected room for a record, was a full buffer")
    s.records[cursor] = kind | (n_words << 8)
    s.records[cursor + 1] = s.account[at.MARKS]
    return cursor + _HEADER


def seal(s: State, first: int) -> None:
    """Append the record whose fields were written from `first` on, and fold each of its words.

    The same as `fold` word by word, but the digest stays out of its table meanwhile: in CPython
    that is most of what a record costs.
    """
    start = first - _HEADER
    end = start + (s.records[start] >> 8)
    lane_a = s.account[at.DIGEST_A]
    lane_b = s.account[at.DIGEST_B]
    for position in range(start, end):
        word = s.records[position]
        low = word & _LOW_32
        high = (word >> 32) & _LOW_32
        a = ((lane_a ^ low) * _PRIME_A + high) & _LOW_32
        b = ((lane_b ^ high) * _PRIME_B + low) & _LOW_32
        lane_a = a ^ (b >> 15)
        lane_b = b ^ (a >> 13)
    s.account[at.DIGEST_A] = lane_a
    s.account[at.DIGEST_B] = lane_b
    s.account[at.N_WORDS] = end


def record_intent(s: State) -> None:
    """Record an intent as it was asked for."""
    cursor = begin(s, at.R_INTENT, at.N_INTENT)
    for field in range(at.N_INTENT):
        s.records[cursor + field] = s.intent[field]
    seal(s, cursor)


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
    cursor = begin(s, at.R_REPORT, 9)
    s.records[cursor] = what
    s.records[cursor + 1] = number
    s.records[cursor + 2] = lots
    s.records[cursor + 3] = price
    s.records[cursor + 4] = fee
    s.records[cursor + 5] = liquidity
    s.records[cursor + 6] = trade
    s.records[cursor + 7] = s.account[at.NOW_NS]
    s.records[cursor + 8] = order
    seal(s, cursor)


def pack_order(instrument: int, strategy: int, purpose: int, side: int) -> int:
    """Pack an order's terms into one word, so that a fill can be read without its order."""
    return instrument | (strategy << 8) | (purpose << 16) | ((side + 1) << 24)


def record_verdict(s: State, number: int) -> None:
    """Record what the risk engine said of an order; an outcome, kept so that it can be read."""
    cursor = begin(s, at.R_VERDICT, 1 + at.N_VERDICT)
    s.records[cursor] = number
    for field in range(at.N_VERDICT):
        s.records[cursor + 1 + field] = s.verdict[field]
    seal(s, cursor)


def record_command(s: State, command: int, argument: int, argument_2: int) -> None:
    """Record an operator's or driver's command."""
    cursor = begin(s, at.R_COMMAND, 3)
    s.records[cursor] = command
    s.records[cursor + 1] = argument
    s.records[cursor + 2] = argument_2
    seal(s, cursor)


def record_cash(s: State, amount: int, is_transfer: int, reference: int) -> None:
    """Record money that came or went without an order: transfer, funding, interest."""
    cursor = begin(s, at.R_CASH, 3)
    s.records[cursor] = amount
    s.records[cursor + 1] = is_transfer
    s.records[cursor + 2] = reference
    seal(s, cursor)


def record_health(s: State, health: int, account_ns: int) -> None:
    """Record what is known of venue, clock, reconciliation and the account's freshness."""
    cursor = begin(s, at.R_HEALTH, 2)
    s.records[cursor] = health
    s.records[cursor + 1] = account_ns
    seal(s, cursor)


def record_share(s: State, strategy: int, share_ppm: int) -> None:
    """Record the share of the equity that a strategy is given."""
    cursor = begin(s, at.R_SHARE, 2)
    s.records[cursor] = strategy
    s.records[cursor + 1] = share_ppm
    seal(s, cursor)


def notice(s: State, what: int, argument: int) -> None:
    """Record something a person should know; an outcome."""
    cursor = begin(s, at.R_NOTICE, 3)
    s.records[cursor] = what
    s.records[cursor + 1] = argument
    s.records[cursor + 2] = s.account[at.NOW_NS]
    seal(s, cursor)


def push_effect(s: State, kind: int, row: int) -> None:
    """Queue something that has to leave the core."""
    cursor = s.account[at.N_EFFECTS]
    if cursor >= len(s.effects):
        raise OverflowError("expected room for an effect, was a full queue")
    s.effects[cursor, at.E_KIND] = kind
    s.effects[cursor, at.E_ROW] = row
    s.effects[cursor, at.E_NUMBER] = s.orders[row, at.NUMBER] if row >= 0 else 0
    s.account[at.N_EFFECTS] = cursor + 1


def record_effects(s: State, since: int) -> None:
    """Record the effects that were queued from place `since` on; an outcome.

    Only a session does, for another version to be held against; a backtest has no use for it. The
    digest knows what led to them and is left as it is.
    """
    for k in range(since, s.account[at.N_EFFECTS]):
        row, number = s.effects[k, at.E_ROW], s.effects[k, at.E_NUMBER]
        cursor = begin(s, at.R_EFFECT, at.N_EFFECT_FIELDS)
        for field in range(at.N_EFFECT_FIELDS):
            s.records[cursor + field] = 0
        s.records[cursor] = s.effects[k, at.E_KIND]
        s.records[cursor + 1] = number
        if s.orders[row, at.NUMBER] == number and s.effects[k, at.E_KIND] != at.CANCEL:
            is_amended = s.effects[k, at.E_KIND] == at.AMEND
            s.records[cursor + 2] = s.orders[row, at.AMEND_LOTS if is_amended else at.LOTS]
            s.records[cursor + 3] = s.orders[row, at.LIMIT]
            s.records[cursor + 4] = s.orders[row, at.AMEND_TRIGGER if is_amended else at.TRIGGER]
        s.account[at.N_WORDS] = cursor + at.N_EFFECT_FIELDS

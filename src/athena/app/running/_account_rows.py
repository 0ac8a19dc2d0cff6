"""A session's orders, fills and state as the rows that the database keeps of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast

from athena.app.live import (
    BalanceSeen,
    FillRow,
    LimitUse,
    OrderRow,
    PositionSeen,
    Snapshot,
    plans_seen,
)
from athena.domain import OrderState, OrderType, PositionSide, Purpose, RunMode, Side, from_money
from athena.trading import codes, digest_of, positions
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.live import HALT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athena.trading import Table
    from athena.trading.live import FillSeen, Session

_STATES = list(OrderState)
_UNFILLED = frozenset({OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED})
_TYPES = list(OrderType)
_PURPOSES = list(Purpose)
_PPM = Decimal(at.PPM)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an order beside the core's tables.

    Attributes:
        venue_id: the venue's id; empty until it is known.
        correlation_id: of the decision, or the cause, behind it.
        reason: why it was made without a decision, denied or refused.
        ended: why it was taken back, or what proved that it never was.
    """

    venue_id: str = ""
    correlation_id: str = ""
    reason: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Titles:
    """How a session is called.

    Attributes:
        mode, venue: of the run.
        slots: names of the strategies, by number.
    """

    mode: RunMode
    venue: str
    slots: tuple[str, ...]


def find_order(session: Session, number: int) -> tuple[Table, int] | None:
    """Return the table and the row of an order; None when it was forgotten or never was."""
    s = session.core.s
    row = session.core.row_of(number)
    if row >= 0:
        return s.orders, row
    slot = number % len(s.closed)
    return (s.closed, slot) if s.closed[slot, at.NUMBER] == number else None


def known_numbers(session: Session) -> Iterator[int]:
    """Yield the numbers of all orders that the core still knows: live, and newest closed."""
    s = session.core.s
    for row in session.core.live_rows():
        yield s.orders[row, at.NUMBER]
    for slot in range(len(s.closed)):
        if s.closed[slot, at.NUMBER]:
            yield s.closed[slot, at.NUMBER]


def order_row(
    session: Session, titles: Titles, number: int, known: Known, now_ns: int
) -> OrderRow | None:
    """Return the row of an order as it is now; None when the core does not know it any more."""
    found = find_order(session, number)
    if found is None:
        return None
    orders, row = found
    item = session.instruments[orders[row, at.ORDER_INSTRUMENT]]
    filled = item.lots_to_quantity(orders[row, at.FILLED])
    limit_ticks, trigger_ticks = orders[row, at.LIMIT], orders[row, at.TRIGGER]
    average = None
    if filled:
        price = from_money(abs(orders[row, at.FILL_COST])) / filled
        average = price.quantize(item.tick / 10_000)
    state = _STATES[orders[row, at.STATE]]
    return OrderRow(
        session=session.session_id,
        number=number,
        client_id=session.client_id(number),
        venue_id=known.venue_id,
        symbol=item.symbol,
        side=Side.BUY if orders[row, at.SIDE] > 0 else Side.SELL,
        type=_TYPES[orders[row, at.TYPE]],
        purpose=_PURPOSES[orders[row, at.PURPOSE]],
        strategy=titles.slots[orders[row, at.ORDER_STRATEGY]],
        state=state,
        quantity=item.lots_to_quantity(orders[row, at.LOTS]),
        filled=filled,
        limit_price=item.ticks_to_price(limit_ticks) if limit_ticks else None,
        trigger_price=item.ticks_to_price(trigger_ticks) if trigger_ticks else None,
        average_price=average,
        created_ns=orders[row, at.CREATED_NS],
        updated_ns=now_ns,
        correlation_id=known.correlation_id,
        reason=(known.ended if state in _UNFILLED else "") or known.reason,
    )


def fill_row(session: Session, fill: FillSeen, number: int, known: Known) -> FillRow:
    """Return the row of a fill of an order."""
    item = session.instruments[fill.instrument]
    return FillRow(
        session=session.session_id,
        trade_id=fill.trade_id,
        order_number=number,
        symbol=item.symbol,
        side=fill.side,
        quantity=item.lots_to_quantity(fill.lots),
        price=item.ticks_to_price(fill.price_ticks),
        fee=from_money(fill.fee_units),
        liquidity=fill.liquidity,
        ts_ns=fill.ts_ns,
        correlation_id=known.correlation_id,
    )


def snapshot_of(
    session: Session,
    titles: Titles,
    balances: Mapping[str, Decimal],
    balances_ns: int,
    now_ns: int,
) -> Snapshot:
    """Return what is so now.

    Args:
        session: of the account.
        titles: how it is called.
        balances: as the venue showed them last.
        balances_ns: when that was, our clock.
        now_ns: our clock.
    """
    s = session.core.s
    priced = [s.instruments[k, at.LAST_NS] for k in range(len(session.instruments))]
    is_known = s.account[at.ACCOUNT_NS] > 0 and min(priced) > 0
    return Snapshot(
        session=session.session_id,
        updated_ns=now_ns,
        mode=titles.mode,
        venue=titles.venue,
        pid=os.getpid(),
        digest=digest_of(s),
        quote=session.instruments[0].quote,
        equity=from_money(s.account[at.EQUITY]) if is_known else None,
        cash=from_money(s.account[at.CASH]),
        priced_ns=max(priced) or None,
        is_linked=session.readiness.is_stream_up,
        reconciled_ns=session.readiness.account_ns or None,
        level=cast("Literal[1, 2, 3, 4]", int(session.level)),
        halts=halts_of(session),
        waiting_for=tuple(session.findings(now_ns)),
        unknown_orders=tuple(
            session.client_id(s.orders[row, at.NUMBER])
            for row in session.core.live_rows()
            if s.orders[row, at.STATE] == codes.UNKNOWN
        ),
        positions=tuple(_positions(session, titles)),
        balances=tuple(_balances(session, balances, balances_ns)),
        limits=tuple(_limits(session)),
        plans=plans_seen(session),
        clock_ns=now_ns,
    )


def halts_of(session: Session) -> tuple[str, ...]:
    """Say in words what forbids new risk."""
    bits = session.core.s.account[at.HALT]
    return tuple(words for bit, words in HALT_WORDS.items() if bits & bit)


def _positions(session: Session, titles: Titles) -> Iterator[PositionSeen]:
    s = session.core.s
    n = len(session.instruments)
    for row in range(s.account[at.N_POSITIONS]):
        lots = s.positions[row, at.QUANTITY]
        if lots == 0:
            continue
        k = row % n
        item = session.instruments[k]
        quantity = item.lots_to_quantity(abs(lots))
        cost = from_money(s.positions[row, at.COST])
        last = s.instruments[k, at.LAST]
        worth = from_money(positions.position_value(s, row)) if last else None
        stop, target = _levels(session, row)
        yield PositionSeen(
            symbol=item.symbol,
            strategy=titles.slots[row // n],
            side=PositionSide.LONG if lots > 0 else PositionSide.SHORT,
            quantity=quantity,
            entry_price=(abs(cost) / quantity).quantize(item.tick / 10_000),
            mark_price=item.ticks_to_price(last) if last else None,
            marked_ns=s.instruments[k, at.LAST_NS] or None,
            unrealised=None if worth is None else worth - cost,
            stop_price=item.ticks_to_price(stop) if stop else None,
            target_price=item.ticks_to_price(target) if target else None,
        )


def _levels(session: Session, position: int) -> tuple[int, int]:
    """Return the triggers of a position's stop and target; 0 without one."""
    s = session.core.s
    n = len(session.instruments)
    stop = target = 0
    for row in session.core.live_rows():
        of = s.orders[row, at.ORDER_STRATEGY] * n + s.orders[row, at.ORDER_INSTRUMENT]
        if of != position or not s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY:
            continue
        kind = s.orders[row, at.TYPE]
        if kind in {codes.STOP, codes.STOP_LIMIT, codes.TRAILING_STOP}:
            stop = s.orders[row, at.TRIGGER]
        elif kind in {codes.TAKE_PROFIT, codes.TAKE_PROFIT_LIMIT, codes.LIMIT}:
            target = s.orders[row, at.TRIGGER] or s.orders[row, at.LIMIT]
    return stop, target


def _balances(
    session: Session, balances: Mapping[str, Decimal], seen_ns: int
) -> Iterator[BalanceSeen]:
    """Say what the venue showed last, less what working orders reserve there."""
    s = session.core.s
    reserved: dict[str, Decimal] = {}
    for row in session.core.live_rows():
        rests = s.orders[row, at.TYPE] == codes.LIMIT
        if not rests or not codes.OPEN <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED:
            continue
        item = session.instruments[s.orders[row, at.ORDER_INSTRUMENT]]
        left = item.lots_to_quantity(s.orders[row, at.LOTS] - s.orders[row, at.FILLED])
        is_buy = s.orders[row, at.SIDE] > 0
        currency = item.quote if is_buy else item.base
        price = item.ticks_to_price(s.orders[row, at.LIMIT]) if is_buy else Decimal(1)
        reserved[currency] = reserved.get(currency, Decimal(0)) + left * price
    for currency, total in sorted(balances.items()):
        free = max(Decimal(0), total - reserved.get(currency, Decimal(0)))
        yield BalanceSeen(currency, total, free, seen_ns)


def _limits(session: Session) -> Iterator[LimitUse]:
    """Say how much of the limits is used that hold for the account as a whole."""
    s = session.core.s
    account, table = s.account, s.limits
    n = len(session.instruments)
    trading = [
        abs(positions.position_value(s, row))
        for row in range(account[at.N_POSITIONS])
        if s.positions[row, at.QUANTITY] and s.strategies[row // n, at.BOOK] == codes.TRADING_BOOK
    ]
    equity = account[at.EQUITY]
    yield LimitUse(
        "risk.positions_max", Decimal(table[limit.MAX_POSITIONS]), Decimal(len(trading))
    )
    for name, column, used in (
        ("risk.position_notional_frac", limit.POSITION_PPM, max(trading, default=0)),
        ("risk.gross_exposure_frac", limit.GROSS_PPM, sum(trading)),
        ("risk.breakers.daily_loss_frac", limit.DAY_LOSS_PPM, account[at.DAY_OPEN] - equity),
        ("risk.breakers.weekly_loss_frac", limit.WEEK_LOSS_PPM, account[at.WEEK_OPEN] - equity),
        ("risk.breakers.drawdown_stop_frac", limit.DRAWDOWN_STOP_PPM, account[at.PEAK] - equity),
        ("risk.breakers.drawdown_limit_frac", limit.DRAWDOWN_LIMIT_PPM, account[at.PEAK] - equity),
    ):
        base = {
            limit.DAY_LOSS_PPM: account[at.DAY_OPEN],
            limit.WEEK_LOSS_PPM: account[at.WEEK_OPEN],
            limit.DRAWDOWN_STOP_PPM: account[at.PEAK],
            limit.DRAWDOWN_LIMIT_PPM: account[at.PEAK],
        }.get(column, equity)
        share = (Decimal(max(0, used)) / base).quantize(Decimal("0.000001")) if base > 0 else None
        yield LimitUse(name, table[column] / _PPM, share)

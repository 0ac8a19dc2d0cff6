"""From records to results: fills, trades, equity and costs of one simulation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DenialCode, Liquidity, Purpose, Side, from_money
from athena.research._record import Curve, Fill, Halt, Trade
from athena.trading import FillColumns, codes, record_starts
from athena.trading import layout as at
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from numpy.typing import NDArray

    from athena.domain import Instrument
    from athena.research.engine import Outcome, Setup
    from athena.trading import Ints

    Floats = NDArray[np.float64]

_PURPOSES = list(Purpose)
_CODES = list(DenialCode)
_BLOCK_STEPS = 65_536
_LIQUIDITIES = list(Liquidity)
# Fields of a record: header, marks, then (of a verdict) the order's number and the verdict.
_NOTICE = 2
_VERDICT = 3
HALT_REASONS = {
    at.HALT_DAY: "day loss",
    at.HALT_WEEK: "week loss",
    at.HALT_DRAWDOWN: "drawdown stop",
    at.HALT_LIMIT: "drawdown limit",
    at.HALT_KILL: "kill switch",
    at.HALT_PAUSED: "paused",
    at.HALT_OPERATOR: "operator",
    at.HALT_FAULT: "fault",
}


@dataclass(frozen=True, slots=True)
class AccountPath:
    """What fills did to the account, step by step.

    Attributes:
        equity: (T,) account value at each close, in quote currency.
        gross_exposure: (T,) sum of |position value| / equity; 0 where equity is not positive.
    """

    equity: Floats
    gross_exposure: Floats


def follow_account(setup: Setup, fills: FillColumns) -> AccountPath:
    """Value the account at every close: cash after the fills so far, positions at the closes.

    Block by block, so that only the result is as long as the run.
    """
    n_steps = len(setup.columns.close_ns)
    path = AccountPath(np.zeros(n_steps), np.zeros(n_steps))
    cash = float(setup.cash)
    lots = [0] * len(setup.instruments)
    for first in range(0, n_steps, _BLOCK_STEPS):
        block = slice(first, min(first + _BLOCK_STEPS, n_steps))
        bounds = np.searchsorted(fills.marks, (block.start, block.stop))
        own = FillColumns(*(column[slice(*bounds)] for column in fills))
        cash, lots = _follow_block(setup, own, block, cash, lots, path)
    return path


def _follow_block(  # noqa: PLR0913, PLR0917 - a block, what it begins with, and where it goes
    setup: Setup,
    fills: FillColumns,
    block: slice,
    cash: float,
    lots: list[int],
    path: AccountPath,
) -> tuple[float, list[int]]:
    """Value one block of steps into the path; return cash and lots at its end."""
    n_steps = block.stop - block.start
    paid = np.zeros(n_steps)
    gross = np.zeros(n_steps)
    equity = path.equity[block]
    held = list(lots)
    for k, instrument in enumerate(setup.instruments):
        numerator, denominator = instrument.value_ratio()
        value = numerator / denominator / 1e8  # quote currency per tick x lot
        of_k = fills.instrument == k
        steps = fills.marks[of_k] - block.start
        signed = fills.lots[of_k] * fills.side[of_k]
        spent = signed * (fills.price_ticks[of_k] * value) + fills.fee[of_k] / 1e8
        paid += np.bincount(steps, weights=spent, minlength=n_steps)
        moved = np.zeros(n_steps, np.int64)
        np.add.at(moved, steps, signed)
        positions = lots[k] + np.cumsum(moved)
        worth = positions * (setup.columns.close[k, block] * value)
        equity += worth
        gross += np.abs(worth)
        held[k] = int(positions[-1])
    balance = cash - np.cumsum(paid)
    equity += balance
    np.divide(gross, equity, out=path.gross_exposure[block], where=equity > 0)
    return float(balance[-1]), held


def count_orders(outcome: Outcome) -> int:
    """Count the orders that were sent: numbered, and not refused."""
    account = outcome.state.arrays.account
    return int(account[at.NEXT_NUMBER] - 1 - account[at.N_DENIED])


def make_curve(name: str, outcome: Outcome, equity: Floats, groups: Iterable[Ints]) -> Curve:
    """Describe a simulation as a named curve."""
    account = outcome.state.arrays.account
    return Curve(
        name=name,
        equity=equity,
        fees=from_money(int(account[at.FEES])),
        n_fills=int(account[at.N_FILLS]),
        n_orders=count_orders(outcome),
        refusals=count_refusals(groups) if account[at.N_DENIED] else {},
        halts=list_halts(groups),
        digest=outcome.digest,
        final_equity=from_money(int(account[at.EQUITY])),
    )


def costs_of(outcome: Outcome) -> dict[str, Decimal]:
    """Split what trading cost: fees, and what slippage took."""
    return {
        "fees": from_money(int(outcome.state.arrays.account[at.FEES])),
        "slippage": from_money(int(outcome.venue.arrays.settings[vt.SLIPPAGE])),
    }


def list_halts(groups: Iterable[Ints]) -> tuple[Halt, ...]:
    """List the halts that latched, oldest first."""
    halts = []
    for words in groups:
        notices = _starts_of(words, at.R_NOTICE)
        latched = notices[words[notices + _NOTICE] == codes.NOTICE_HALT]
        for start in latched.tolist():
            bit, ts_ns = int(words[start + _NOTICE + 1]), int(words[start + _NOTICE + 2])
            halts.append(Halt(ts_ns, HALT_REASONS[bit]))
    return tuple(halts)


def _starts_of(words: Ints, kind: int) -> Ints:
    """Return where the records of a kind begin."""
    starts = np.array(record_starts(words), np.int64)
    is_kind: NDArray[np.bool_] = (words[starts] & 0xFF) == kind
    return starts[is_kind]


def count_refusals(groups: Iterable[Ints]) -> dict[str, int]:
    """Count the verdicts that refused, by the code that decided; most frequent first."""
    counts: Counter[str] = Counter()
    for words in groups:
        verdicts = _starts_of(words, at.R_VERDICT)
        decided, times = np.unique(words[verdicts + _VERDICT + at.CODE], return_counts=True)
        for code, n in zip(decided.tolist(), times.tolist(), strict=True):
            if code:
                counts[_CODES[code - 1].value] += n
    return dict(counts.most_common())


def list_fills(setup: Setup, outcome: Outcome, fills: FillColumns) -> list[Fill]:
    """Return the fills with their exact values."""
    names = [slot.name for slot in outcome.slots]
    rows = zip(*(column.tolist() for column in fills), strict=True)
    listed = []
    for marks, order, lots, ticks, fee, liquidity, _, ts_ns, k, strategy, purpose, side in rows:
        instrument = setup.instruments[k]
        listed.append(
            Fill(
                ts_ns=ts_ns,
                step=marks,
                symbol=instrument.symbol,
                strategy=names[strategy],
                order=order,
                purpose=_PURPOSES[purpose],
                side=Side.BUY if side > 0 else Side.SELL,
                quantity=instrument.lots_to_quantity(lots),
                price=instrument.ticks_to_price(ticks),
                fee=from_money(fee),
                liquidity=_LIQUIDITIES[liquidity],
            )
        )
    return listed


@dataclass(slots=True)
class _Open:
    """A round trip under way, in ticks, lots and money units."""

    opened_ns: int
    is_long: bool
    lots: int = 0
    bought: int = 0
    sold: int = 0
    bought_value: int = 0  # ticks x lots
    sold_value: int = 0
    fees: int = 0


def list_trades(setup: Setup, outcome: Outcome, fills: FillColumns) -> list[Trade]:
    """Pair fills into round trips, flat to flat; what is still open is marked at the last close.

    A fill that crosses zero ends one trip and begins the next at its price.
    """
    trips: dict[tuple[int, int], _Open] = {}
    trades: list[Trade] = []
    names = [slot.name for slot in outcome.slots]
    rows = zip(
        fills.ts_ns.tolist(),
        fills.lots.tolist(),
        fills.price_ticks.tolist(),
        fills.fee.tolist(),
        fills.instrument.tolist(),
        fills.strategy.tolist(),
        fills.side.tolist(),
        strict=True,
    )
    for ts_ns, lots, ticks, fee, k, strategy, side in rows:
        trip = trips.setdefault((strategy, k), _Open(ts_ns, side > 0))
        trip.fees += fee
        left = lots
        if trip.lots * side < 0:
            closing = min(lots, abs(trip.lots))
            _take(trip, side, closing, ticks)
            left -= closing
            if trip.lots == 0:
                trades.append(_trade(setup.instruments[k], names[strategy], trip, ts_ns))
                del trips[strategy, k]
                if left:
                    trip = trips[strategy, k] = _Open(ts_ns, side > 0)
        if left:
            _take(trip, side, left, ticks)
    last_ns = int(setup.columns.close_ns[-1])
    for (strategy, k), trip in trips.items():
        mark = int(setup.columns.close[k, -1])
        still = trip.lots
        _take(trip, -1 if still > 0 else 1, abs(still), mark)
        instrument = setup.instruments[k]
        trades.append(_trade(instrument, names[strategy], trip, last_ns, is_open=True))
    return trades


def _take(trip: _Open, side: int, lots: int, ticks: int) -> None:
    if side > 0:
        trip.bought += lots
        trip.bought_value += lots * ticks
    else:
        trip.sold += lots
        trip.sold_value += lots * ticks
    trip.lots += side * lots


def _trade(
    instrument: Instrument, strategy: str, trip: _Open, closed_ns: int, *, is_open: bool = False
) -> Trade:
    numerator, denominator = instrument.value_ratio()
    gain = (trip.sold_value - trip.bought_value) * numerator // denominator - trip.fees
    buy = instrument.ticks_to_price(round(trip.bought_value / max(1, trip.bought)))
    sell = instrument.ticks_to_price(round(trip.sold_value / max(1, trip.sold)))
    return Trade(
        symbol=instrument.symbol,
        strategy=strategy,
        is_long=trip.is_long,
        opened_at_ns=trip.opened_ns,
        closed_at_ns=closed_ns,
        quantity=instrument.lots_to_quantity(trip.bought),
        entry_price=buy if trip.is_long else sell,
        exit_price=sell if trip.is_long else buy,
        gain=from_money(gain),
        fees=from_money(trip.fees),
        is_open=is_open,
    )

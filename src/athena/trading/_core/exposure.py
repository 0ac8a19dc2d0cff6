"""What is at stake: positions plus every working entry at its worst case.

`weigh` sums it up by instrument, in one pass over positions and orders. The functions that say so
read these sums, and hold for the state that was weighed: whoever asks weighs first.
"""

from __future__ import annotations

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.arithmetic import MONEY_MAX, part
from athena.trading._core.layout import State
from athena.trading._core.orders import adds_risk, is_working, remaining, reserved_value
from athena.trading._core.positions import position_row, position_value, worth


def in_trading_book(s: State, strategy: int) -> bool:
    """Tell whether a strategy trades the trading book, which the risk limits are about."""
    return s.strategies[strategy, at.BOOK] == codes.TRADING_BOOK


def weigh(s: State) -> None:
    """Sum up what is at stake in each instrument, into `s.stakes`."""
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        _weigh_positions(s, instrument)
    for row in range(s.account[at.N_ROWS]):
        if _works(s, row) and adds_risk(s, row):
            column = at.OTHER_BOOKS
            if counts(s, row):
                column = at.BUYING if s.orders[row, at.SIDE] > 0 else at.SELLING
            instrument = s.orders[row, at.ORDER_INSTRUMENT]
            total = s.stakes[instrument, column] + reserved_value(s, row)
            s.stakes[instrument, column] = min(MONEY_MAX, total)


def _weigh_positions(s: State, instrument: int) -> None:
    """Begin an instrument's sums with its positions.

    Sums are held within 2^62, far beyond any limit, so that they fit into the table.
    """
    last = s.instruments[instrument, at.LAST]
    held, net, others = 0, 0, 0
    for strategy in range(s.account[at.N_STRATEGIES]):
        quantity = s.positions[position_row(s, strategy, instrument), at.QUANTITY]
        if quantity == 0:
            continue
        money = worth(s, instrument, last, quantity)
        if in_trading_book(s, strategy):
            held += abs(money)
            net += money
        else:
            others += abs(money)
    s.stakes[instrument, at.HELD] = min(MONEY_MAX, held)
    s.stakes[instrument, at.HELD_NET] = max(-MONEY_MAX, min(MONEY_MAX, net))
    s.stakes[instrument, at.BUYING] = 0
    s.stakes[instrument, at.SELLING] = 0
    s.stakes[instrument, at.OTHER_BOOKS] = min(MONEY_MAX, others)


def instrument_exposure(s: State, instrument: int) -> int:
    """Return |positions| + working entries of the trading book in one instrument, as weighed."""
    return (
        s.stakes[instrument, at.HELD]
        + s.stakes[instrument, at.BUYING]
        + s.stakes[instrument, at.SELLING]
    )


def instrument_lots(s: State, instrument: int) -> int:
    """Return |positions| + working entries of the trading book in one instrument, in lots."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    total = 0
    for strategy in range(s.account[at.N_STRATEGIES]):
        if in_trading_book(s, strategy):
            total += abs(s.positions[strategy * n_instruments + instrument, at.QUANTITY])
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.ORDER_INSTRUMENT] == instrument and counts(s, row):
            total += remaining(s, row)
    return total


def counts(s: State, row: int) -> bool:
    """Tell whether a row holds a working entry of the trading book, or a purchase of others."""
    return (
        s.orders[row, at.NUMBER] != 0
        and is_working(s.orders[row, at.STATE])
        and adds_risk(s, row)
        and (in_trading_book(s, s.orders[row, at.ORDER_STRATEGY]) or _is_bought_by_others(s, row))
    )


def _is_bought_by_others(s: State, row: int) -> bool:
    """Tell whether somebody else buys: it counts while it works, then the coins are set aside."""
    return (s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL) != 0 and s.orders[row, at.SIDE] > 0


def gross_exposure(s: State) -> int:
    """Return the trading book's exposure as weighed: |positions| + working entries."""
    total = 0
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        total += instrument_exposure(s, instrument)
    return total


def net_exposure(s: State, side: int) -> int:
    """Return the signed exposure as weighed; only working entries of `side` count: worst case."""
    column = at.BUYING if side > 0 else at.SELLING
    total = 0
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        total += s.stakes[instrument, at.HELD_NET] + side * s.stakes[instrument, column]
    return total


def sector_exposure(s: State, sector: int) -> int:
    """Return the trading book's exposure in one sector, as weighed."""
    total = 0
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        if s.instruments[instrument, at.SECTOR] == sector:
            total += instrument_exposure(s, instrument)
    return total


def correlated_exposure(s: State, instrument: int, threshold_ppm: int) -> int:
    """Return the exposure of all instruments that move with one, itself included, as weighed.

    There is no netting.
    """
    total = 0
    for other in range(s.account[at.N_INSTRUMENTS]):
        if other == instrument or abs(s.correlation[instrument, other]) >= threshold_ppm:
            total += instrument_exposure(s, other)
    return total


def strategy_exposure(s: State, strategy: int) -> int:
    """Return one strategy's exposure in any book, what may enlarge it included, in money."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    total = 0
    for instrument in range(n_instruments):
        total += abs(position_value(s, strategy * n_instruments + instrument))
    for row in range(s.account[at.N_ROWS]):
        if s.orders[row, at.ORDER_STRATEGY] == strategy and may_enlarge(s, row):
            total += reserved_value(s, row)
    return total


def may_enlarge(s: State, row: int) -> bool:
    """Tell whether a row holds a working order that may enlarge what its strategy holds.

    Outside the trading book a sale never does: there is nothing short.
    """
    return (
        _works(s, row)
        and adds_risk(s, row)
        and (s.orders[row, at.SIDE] > 0 or in_trading_book(s, s.orders[row, at.ORDER_STRATEGY]))
    )


def all_books_exposure(s: State) -> int:
    """Return |positions| + working entries of every book, as weighed."""
    total = gross_exposure(s)
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        total += s.stakes[instrument, at.OTHER_BOOKS]
    return total


def _works(s: State, row: int) -> bool:
    return s.orders[row, at.NUMBER] != 0 and is_working(s.orders[row, at.STATE])


def value_at_risk(s: State) -> int:
    """Return the one-day loss of all exposures at once, as weighed; nothing diversifies."""
    total = 0
    for instrument in range(s.account[at.N_INSTRUMENTS]):
        var_ppm = s.instruments[instrument, at.VAR_PPM]
        if var_ppm > 0:
            total += part(instrument_exposure(s, instrument), var_ppm)
    return total


def uses_margin(s: State, instrument: int, quantity: int, leverage: int) -> bool:
    """Tell whether a holding borrows: leveraged, or short; a paid-up spot holding does not."""
    return s.instruments[instrument, at.IS_MARGIN] == 1 and (leverage > 1 or quantity < 0)


def margin_in_use(s: State) -> int:
    """Return the money bound by leveraged and short exposure: notional / leverage."""
    n_instruments = s.account[at.N_INSTRUMENTS]
    total = 0
    for row in range(s.account[at.N_POSITIONS]):
        leverage = max(1, s.positions[row, at.POSITION_LEVERAGE])
        if uses_margin(s, row % n_instruments, s.positions[row, at.QUANTITY], leverage):
            total += abs(position_value(s, row)) // leverage
    for row in range(s.account[at.N_ROWS]):
        if _works(s, row) and adds_risk(s, row):
            leverage = max(1, s.orders[row, at.LEVERAGE])
            instrument = s.orders[row, at.ORDER_INSTRUMENT]
            if uses_margin(s, instrument, s.orders[row, at.SIDE], leverage):
                total += reserved_value(s, row) // leverage
    return total


def reserved_cash(s: State) -> int:
    """Return the cash that working spot purchases may still need."""
    total = 0
    for row in range(s.account[at.N_ROWS]):
        if (
            _works(s, row)
            and s.orders[row, at.SIDE] > 0
            and s.instruments[s.orders[row, at.ORDER_INSTRUMENT], at.IS_MARGIN] == 0
        ):
            total += reserved_value(s, row)
    return total


def short_proceeds(s: State) -> int:
    """Return the cash that came from selling short; it is owed, not earned."""
    total = 0
    for row in range(s.account[at.N_POSITIONS]):
        if s.positions[row, at.QUANTITY] < 0:
            total -= s.positions[row, at.COST]
    return total


def open_positions(s: State, instrument: int, enough: int) -> int:
    """Count open positions and working entries without one, no farther than to `enough`.

    Args:
        s: the state.
        instrument: of which; NONE counts all.
        enough: the limit that is asked about, so that a full book costs no more than it must.
    """
    n_instruments = s.account[at.N_INSTRUMENTS]
    first, step = (0, 1) if instrument < 0 else (instrument, n_instruments)
    count = 0
    for row in range(first, s.account[at.N_POSITIONS], step):
        if count >= enough:
            return count
        if s.positions[row, at.QUANTITY] != 0 and in_trading_book(s, row // n_instruments):
            count += 1
    for row in range(s.account[at.N_ROWS]):
        if count >= enough:
            return count
        is_asked = instrument < 0 or instrument == s.orders[row, at.ORDER_INSTRUMENT]
        if is_asked and counts(s, row) and _opens(s, row):
            count += 1
    return count


def _opens(s: State, row: int) -> bool:
    """Tell whether a working entry is the first one of a position that is flat."""
    position = _position_of(s, row)
    if s.positions[position, at.QUANTITY] != 0:
        return False
    for earlier in range(row):
        if _position_of(s, earlier) == position and counts(s, earlier):
            return False
    return True


def _position_of(s: State, row: int) -> int:
    strategy = s.orders[row, at.ORDER_STRATEGY]
    return strategy * s.account[at.N_INSTRUMENTS] + s.orders[row, at.ORDER_INSTRUMENT]


def sellable(s: State, position: int) -> int:
    """Return the lots a spot sale may take: the holding less what working sales already take."""
    free = s.positions[position, at.QUANTITY]
    for row in range(s.account[at.N_ROWS]):
        if (
            _position_of(s, row) == position
            and _works(s, row)
            and s.orders[row, at.SIDE] < 0
            and adds_risk(s, row)
        ):
            free -= s.orders[row, at.LOTS] - s.orders[row, at.FILLED]
    return free


def exiting(s: State, position: int) -> int:
    """Return the lots that working market exits already close; what waits for a price may not."""
    total = 0
    for row in range(s.account[at.N_ROWS]):
        if (
            _position_of(s, row) == position
            and _works(s, row)
            and not adds_risk(s, row)
            and (s.orders[row, at.TYPE] == codes.MARKET)
        ):
            total += s.orders[row, at.LOTS] - s.orders[row, at.FILLED]
    return total


def resting_exits(s: State, position: int) -> int:
    """Return the lots that exits which wait for a price may close; protections are others."""
    total = 0
    for row in range(s.account[at.N_ROWS]):
        if (
            _position_of(s, row) == position
            and _works(s, row)
            and not adds_risk(s, row)
            and s.orders[row, at.TYPE] != codes.MARKET
            and s.orders[row, at.PURPOSE] != codes.PROTECT
        ):
            total += s.orders[row, at.LOTS] - s.orders[row, at.FILLED]
    return total

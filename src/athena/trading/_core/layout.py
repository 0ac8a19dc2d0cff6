"""Names of the columns in the core's tables; `State` holds the tables themselves.

Every table is int64. Prices are ticks, quantities lots, money units of 10^-8 of the quote
currency, times UTC nanoseconds, fractions parts per million (ppm).
"""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Table(Protocol):
    """Integers as the core reads and writes them; arrays fit, and memory views of them.

    A memory view gives Python ints, an array numpy's; compiled code sees the same memory.
    """

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, index: int | tuple[int, ...], /) -> int:
        """Return one element."""

    def __setitem__(self, index: int | tuple[int, ...], value: int, /) -> None:
        """Set one element."""


TableT_co = TypeVar("TableT_co", bound=Table, covariant=True)


class StateOf(NamedTuple, Generic[TableT_co]):
    """Everything the core knows; the fold of the journal.

    The tables are fields of one record (`state_dtype`), so that compiled code passes one pointer.
    The core takes a `State`, of whatever reads like a table; `StateArrays` is for numpy.

    Attributes:
        account: (N_ACCOUNT,) scalars of the account.
        instruments: (MAX_INSTRUMENTS, N_INSTRUMENT) steps, last prices, risk inputs.
        correlation: (MAX_INSTRUMENTS, MAX_INSTRUMENTS) correlation of returns in ppm.
        strategies: (MAX_STRATEGIES, N_STRATEGY) book, share of the equity, stop flag.
        positions: (MAX_POSITIONS, N_POSITION) row = strategy * instruments in use + instrument.
        orders: (MAX_ORDERS, N_ORDER) live orders; a closed order leaves its row.
        closed: (MAX_CLOSED, N_ORDER) ring of the newest closed orders, for fills that come late.
        keys: (MAX_KEYS,) ring of the newest intent keys, against duplicates.
        trades: (MAX_TRADES,) the venue's numbers of the newest fills, by remainder; none is
            booked twice.
        limits: (N_LIMIT,) risk limits, see `limits`.
        transitions: (12, 14) next state by state and event, NONE where illegal.
        intent: (N_INTENT,) the intent that is being judged.
        verdict: (N_VERDICT,) what the risk engine said last.
        stakes: (MAX_INSTRUMENTS, N_STAKE) what `exposure.weigh` summed up last.
        effects: (MAX_EFFECTS, N_EFFECT) what has to leave the core; emptied by the driver.
        records: (MAX_WORDS,) words that have to be journaled; emptied by the driver.
    """

    account: TableT_co
    instruments: TableT_co
    correlation: TableT_co
    strategies: TableT_co
    positions: TableT_co
    orders: TableT_co
    closed: TableT_co
    keys: TableT_co
    trades: TableT_co
    limits: TableT_co
    transitions: TableT_co
    intent: TableT_co
    verdict: TableT_co
    stakes: TableT_co
    effects: TableT_co
    records: TableT_co


State = StateOf[Table]
StateArrays = StateOf[Ints]

MAX_INSTRUMENTS = 64
MAX_STRATEGIES = 16
MAX_POSITIONS = MAX_INSTRUMENTS * MAX_STRATEGIES
MAX_ORDERS = 512
ORDER_RESERVE = 64  # rows that only exits and protections may take
MAX_EFFECTS = 4 * MAX_ORDERS
MAX_CLOSED = 1_000
MAX_KEYS = 1_024
MAX_TRADES = 4_096
MAX_WORDS = 1 << 17
RECORD_RESERVE = MAX_WORDS // 2  # room that one bar may need; the driver empties the buffer before

PPM = 1_000_000
NONE = -1
NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_DAY = 86_400 * NS_PER_SECOND
NS_PER_WEEK = 7 * NS_PER_DAY
MONDAY_OFFSET_NS = 3 * NS_PER_DAY  # 1970-01-01 was a Thursday
NEVER_NS = 2**62

# account
NOW_NS = 0
MARKS = 1
CASH = 2
EQUITY = 3
PEAK = 4
DAY = 5
DAY_OPEN = 6
WEEK = 7
WEEK_OPEN = 8
HALT = 9  # bits, see HALT_*
HALTED_AT_NS = 10
LOSS_STREAK = 11
PAUSE_UNTIL_NS = 12  # loss streak or execution errors
HALF_SIZE = 13
ERROR_STREAK = 14
ACCOUNT_COOLDOWN_NS = 15
TRADING_COOLDOWN_NS = 16  # after a rebalance
LEVERAGE_CAP = 17  # lowered for good by a drawdown limit
RATE_TOKENS = 18
RATE_NS = 19
NEXT_NUMBER = 20
N_ROWS = 21  # order rows in use, from the front
N_EFFECTS = 22
N_WORDS = 23
DIGEST_A = 24
DIGEST_B = 25
N_TRAILING = 26  # live orders whose trigger moves
NEXT_TIMER_NS = 27  # earliest expiry or holding limit
N_FILLS = 28
N_DENIED = 29
HEALTH = 30  # bits, see HEALTH_*; 0 is healthy
ACCOUNT_NS = 31  # when equity was last confirmed; 0 = never
N_INTENTS = 32
N_KEYS = 33
FEES = 34
REALISED = 35
FLOOR = 36  # equity at or under which some breaker fires
TRANSFERS = 37
N_ILLEGAL = 38
MODE_FORBIDS = 39
N_INSTRUMENTS = 40
N_STRATEGIES = 41
N_POSITIONS = 42  # rows in use: strategies x instruments
DRAWDOWN_RESUMED = 43  # 1 = an admin resumed after the drawdown stop, until a new peak
# 1 = the venue reserves what a resting limit would sell, so a target that rested as one would keep
# its stop from filling: targets wait as triggers. 0 = targets rest as limits.
TARGETS_TRIGGER = 44
N_ACCOUNT = 45

# halt bits: why no new risk is taken
HALT_DAY = 1
HALT_WEEK = 2
HALT_DRAWDOWN = 4
HALT_LIMIT = 8
HALT_KILL = 16
HALT_PAUSED = 32
HALT_OPERATOR = 64
HALT_FAULT = 128
HALT_BREAKERS = HALT_DAY | HALT_WEEK | HALT_DRAWDOWN
HALT_STOPS = HALT_LIMIT | HALT_KILL | HALT_PAUSED | HALT_OPERATOR | HALT_FAULT

HEALTH_VENUE = 1
HEALTH_CLOCK = 2
HEALTH_UNRECONCILED = 4
HEALTH_LIMITED = 8  # too many failures: no new risk until they stop

# instrument
VALUE_NUM = 0  # money units per tick x lot, numerator and denominator
VALUE_DEN = 1
MIN_LOTS = 2
MIN_NOTIONAL = 3
IS_MARGIN = 4
SECTOR = 5  # 0 unknown
LAST = 6  # last price, 0 unknown
LAST_NS = 7
ATR = 8  # ticks, 0 unknown
ATR_MEAN = 9
DAY_VOLUME = 10  # mean daily volume in lots, 0 unknown
BAR_VOLUME = 11  # mean volume of a bar in lots, 0 unknown
VOLATILITY_PPM = 12  # of one bar's return, 0 unknown
VAR_PPM = 13  # one day, 95 %, 0 unknown
MOVE_PPM = 14  # over the last five minutes, signed
SYMBOL_COOLDOWN_NS = 15
MAX_STOP_PPM = 16
CAP_LOTS = 17  # order cap in base units
HIGH = 18  # of the newest bar
LOW = 19
N_INSTRUMENT = 20

# strategy
BOOK = 0
SHARE_PPM = 1
IS_STOPPED = 2
STRATEGY_FILLS = 3
N_STRATEGY = 4

# position
QUANTITY = 0  # signed lots
COST = 1  # signed money paid for the open quantity, without fees
POSITION_LEVERAGE = 2
OPENED_NS = 3
TRADE_NET = 4  # realised net of fees since the position was flat
GUARD = 5  # trigger of the stop that has to protect it, 0 = none was asked for
N_POSITION = 6

# order
NUMBER = 0  # 0 = row is free
STATE = 1
PENDING = 2
ORDER_INSTRUMENT = 3
ORDER_STRATEGY = 4
PURPOSE = 5
SIDE = 6  # +1 buy, -1 sell
TYPE = 7
TIME_IN_FORCE = 8
LOTS = 9
FILLED = 10
LIMIT = 11
TRIGGER = 12
STOP = 13  # for the child orders of an entry
TARGET = 14
TRAIL_PPM = 15  # > 0: the trigger trails
ARM_PPM = 16
BEST = 17  # best price since arming, 0 = not armed
ENTRY = 18  # price that profit is measured from
BREAK_EVEN = 19  # 1 = still to be moved
PARENT = 20  # number of the entry order
SIBLING = 21  # number of the other half of an OCO pair
FLAGS = 22
CREATED_NS = 23
EXPIRES_NS = 24
RESERVE = 25  # ticks that exposure and cash are reserved at
LEVERAGE = 26
FILL_COST = 27  # money of the filled part
AMEND_LOTS = 28
AMEND_TRIGGER = 29
N_ORDER = 30

FLAG_REDUCE_ONLY = 1
FLAG_POST_ONLY = 2
FLAG_BREAK_EVEN = 4
FLAG_EXTERNAL = 16  # not ours: counted, never cancelled or amended by the core
FLAG_BORN_INSIDE = 8  # a stop whose entry may have filled after its bar's extremes

# intent: what a strategy, the desk or a person asks for
I_KEY = 0  # 0 = the core numbers it
I_STRATEGY = 1
I_INSTRUMENT = 2
I_PURPOSE = 3
I_SIDE = 4
I_TYPE = 5
I_TIME_IN_FORCE = 6
I_LOTS = 7
I_QUOTE_AMOUNT = 8
I_LIMIT = 9
I_TRIGGER = 10
I_STOP = 11
I_TARGET = 12
I_TRAIL_PPM = 13
I_LEVERAGE = 14
I_CONFIDENCE_PPM = 15
I_REGIME = 16
I_FLAGS = 17
I_EXPIRES_NS = 18
I_TARGET_PPM = 19  # rebalance: target weight
I_SIBLING = 20  # number of a live order to pair with (OCO)
N_INTENT = 21

# verdict
CODE = 0  # 0 approved, else the denial code that decided
MASK = 1  # bit per failed code
APPROVED = 2  # lots
APPROVED_STOP = 3
APPROVED_LEVERAGE = 4
N_VERDICT = 5

# stake: of the trading book unless said otherwise, in money
HELD = 0  # |positions|
HELD_NET = 1  # positions, signed
BUYING = 2  # working entries at their worst price
SELLING = 3
OTHER_BOOKS = 4  # |positions| and working entries of the other books
N_STAKE = 5

# effect
E_KIND = 0
E_ROW = 1
E_NUMBER = 2
N_EFFECT = 3
SEND = 1
CANCEL = 2
AMEND = 3
ALERT = 4

# record kinds
R_INTENT = 1
R_VERDICT = 2
R_REPORT = 3
R_COMMAND = 4
R_NOTICE = 5
R_CASH = 6
R_HEALTH = 7
R_SHARE = 8
# what a backtest takes from its columns, and a live session is told
R_PRICE = 9
R_TICK = 10
R_RISK = 11
R_CORRELATION = 12
R_LIMIT = 13
R_ADOPT = 14
R_HOLDING = 15
R_EFFECT = 16  # an outcome: what the core wants of the venue
N_EFFECT_FIELDS = 5
# folded into the digest only: replay makes them again
D_TRANSITION = 64
D_BOOKING = 65
D_CHILD = 66
D_AMEND = 67

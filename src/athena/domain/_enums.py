"""The one definition of every enum; other rooms import these objects, never copies (A04)."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from athena.errors import InputError

EnumT = TypeVar("EnumT", bound=StrEnum)


class Side(StrEnum):
    """Direction of an order or fill."""

    BUY = "buy"
    SELL = "sell"


class PositionSide(StrEnum):
    """Direction of a position."""

    LONG = "long"
    SHORT = "short"


class OrderType(StrEnum):
    """What an order asks of the venue."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"


class OrderState(StrEnum):
    """Where an order is in its life; the transition table lives in `trading`."""

    CREATED = "created"
    DENIED = "denied"
    HELD = "held"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    OPEN = "open"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class Action(StrEnum):
    """What an agent or strategy proposes."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
    CLOSE_LONG = "close_long"
    CLOSE_SHORT = "close_short"


class Purpose(StrEnum):
    """Why an intent exists; it decides which rule set judges it."""

    ENTRY = "entry"
    EXIT = "exit"
    PROTECT = "protect"
    REBALANCE = "rebalance"
    DCA = "dca"
    HODL = "hodl"
    MANUAL = "manual"
    LIQUIDATE = "liquidate"


class Book(StrEnum):
    """Which holdings an order or lot belongs to."""

    TRADING = "trading"
    CORE = "core"
    HODL = "hodl"


class Regime(StrEnum):
    """Label of the market's behaviour."""

    TRENDING_BULL = "trending_bull"
    TRENDING_BEAR = "trending_bear"
    RANGING = "ranging"
    VOLATILE_BULL = "volatile_bull"
    VOLATILE_BEAR = "volatile_bear"
    CHOPPY = "choppy"
    BREAKOUT_POTENTIAL = "breakout_potential"
    UNKNOWN = "unknown"


class RiskLevel(StrEnum):
    """How serious the account's risk is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class RunMode(StrEnum):
    """Which clock, feed and venue a run uses."""

    DRY_RUN = "dry-run"
    BACKTEST = "backtest"
    REPLAY = "replay"
    ADVISE = "advise"
    PAPER = "paper"
    LIVE = "live"


class PendingOperation(StrEnum):
    """A request about an order that is under way at the venue."""

    NONE = "none"
    CANCEL = "cancel"
    AMEND = "amend"


class Liquidity(StrEnum):
    """Whether a fill took or made liquidity."""

    TAKER = "taker"
    MAKER = "maker"


class LotMethod(StrEnum):
    """Which lots a disposal consumes."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC_ID = "specific_id"


class DenialCode(StrEnum):
    """Why the core refused an intent; the table in the docs is generated from this enum."""

    INVALID_VALUE = "invalid_value"
    PRECISION = "precision"
    BELOW_MINIMUM = "below_minimum"
    SIZE_CAP = "size_cap"
    DUPLICATE_INTENT = "duplicate_intent"
    MODE_FORBIDS = "mode_forbids"
    HALTED = "halted"
    BREAKER = "breaker"
    COOLDOWN = "cooldown"
    WINDOW_CLOSED = "window_closed"
    STOP_MISSING = "stop_missing"
    STOP_DISTANCE = "stop_distance"
    REWARD_RISK = "reward_risk"
    CONFIDENCE = "confidence"
    SLIPPAGE = "slippage"
    LEVERAGE = "leverage"
    POSITION = "position"
    SECTOR = "sector"
    GROSS = "gross"
    NET = "net"
    CORRELATED = "correlated"
    COUNT = "count"
    MARGIN = "margin"
    VAR = "var"
    LIQUIDITY = "liquidity"
    ORDER_RATE = "order_rate"
    EQUITY_UNKNOWN = "equity_unknown"
    DATA_STALE = "data_stale"
    VENUE_DOWN = "venue_down"
    CLOCK = "clock"
    UNRECONCILED = "unreconciled"
    REDUCE_ONLY = "reduce_only"

    @property
    def meaning(self) -> str:
        """Say in one sentence what was wrong."""
        return _MEANINGS[self]


_MEANINGS = {
    DenialCode.INVALID_VALUE: "A number is missing, zero, negative or not finite, or the "
    "instrument or the book cannot do what is asked (a short on spot, a sale beyond the holding, "
    "a rebalance by the trading book).",
    DenialCode.PRECISION: "The quantity or a price is finer than the instrument's lot or tick.",
    DenialCode.BELOW_MINIMUM: "The size, after rounding down, is below the venue's minimum.",
    DenialCode.SIZE_CAP: "The order is above the order cap.",
    DenialCode.DUPLICATE_INTENT: "An intent with this id was already judged.",
    DenialCode.MODE_FORBIDS: "The run mode sends no orders.",
    DenialCode.HALTED: "Trading is paused or halted.",
    DenialCode.BREAKER: "A loss breaker or a pause after losses or errors is active.",
    DenialCode.COOLDOWN: "A cool-down for the symbol, the book or the account is running.",
    DenialCode.WINDOW_CLOSED: "The optional no-entry window is open.",
    DenialCode.STOP_MISSING: "No stop was given and no volatility is known to derive one.",
    DenialCode.STOP_DISTANCE: "The stop is on the wrong side, or outside the distance limits.",
    DenialCode.REWARD_RISK: "The target pays too little for the risk to the stop.",
    DenialCode.CONFIDENCE: "The stated confidence is under the floor or the lowest tier.",
    DenialCode.SLIPPAGE: "The estimated slippage of the entry is above the limit.",
    DenialCode.LEVERAGE: "The leverage asked for is not a number from 1 to the ceiling, which is "
    "1 in paper and live sessions: they trade spot.",
    DenialCode.POSITION: "No room is left under the position cap or the tier's cap.",
    DenialCode.SECTOR: "No room is left under the sector cap.",
    DenialCode.GROSS: "No room is left under the gross exposure, account leverage or total "
    "gross limit, or the strategy's share of it.",
    DenialCode.NET: "No room is left under the net exposure limit.",
    DenialCode.CORRELATED: "No room is left in the group of correlated instruments.",
    DenialCode.COUNT: "Too many positions are open, in all or in this symbol.",
    DenialCode.MARGIN: "No margin is free, or cash does not cover a spot purchase.",
    DenialCode.VAR: "The value at risk would be above its limit.",
    DenialCode.LIQUIDITY: "The position would be too large a share of the mean daily volume.",
    DenialCode.ORDER_RATE: "More orders than the rate limit and its burst allow, or than the "
    "table of live orders has room for.",
    DenialCode.EQUITY_UNKNOWN: "Equity is zero, negative, missing or stale.",
    DenialCode.DATA_STALE: "The price is missing, zero or too old.",
    DenialCode.VENUE_DOWN: "The venue is not connected.",
    DenialCode.CLOCK: "The clock differs from the venue's by a second or more.",
    DenialCode.UNRECONCILED: "Local state and the venue's have not been reconciled.",
    DenialCode.REDUCE_ONLY: "The order is reduce-only and there is nothing to reduce.",
}

# Spellings that other systems write; parsing accepts them, writing never emits them.
_ALIASES = {
    "partial": "partially_filled",
    "pending": "submitting",
    "submitted": "submitting",
    "canceled": "cancelled",
}


def parse_enum(kind: type[EnumT], text: str) -> EnumT:
    """Parse a value of an enum, accepting the aliases `partial, pending, submitted, canceled`.

    Raises:
        InputError: the text names no member; the message lists the valid ones.
    """
    value = text.strip().lower()
    for candidate in (value, _ALIASES.get(value, value)):
        try:
            return kind(candidate)
        except ValueError:
            continue
    valid = ", ".join(member.value for member in kind)
    message = f"expected one of {valid} for {kind.__name__}, was {text!r}"
    raise InputError(message)

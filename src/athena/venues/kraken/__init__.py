"""Kraken: its messages as typed values and back, its limits, and its public data.

The translators do no I/O: bytes go in, values or a `VenueError` that names the field come out.
"""

from athena.venues._contract import HttpAnswer
from athena.venues.kraken._adapter import KRAKEN, KrakenAdapter
from athena.venues.kraken._answers import (
    Accepted,
    Refused,
    Unknown,
    no_answer,
    pauses_after,
    read_result,
    read_sent,
    slow_down_until_ns,
)
from athena.venues.kraken._book import BookMessage, Level, OrderBook, read_book
from athena.venues.kraken._faults import Fate, fate_of, is_key_refused, pause_until_ns
from athena.venues.kraken._fields import Fields
from athena.venues.kraken._key_info import KeyInfo, key_info_call, read_key_info
from athena.venues.kraken._ledgers import LedgerReport, read_ledgers
from athena.venues.kraken._limits import (
    HOUSE_RULES,
    TIERS,
    OrderAction,
    Tier,
    TierLimits,
    order_charges,
    public_charges,
    read_charges,
    trading_points,
)
from athena.venues.kraken._market import (
    OHLC_WINDOW,
    Candle,
    interval_minutes,
    read_ohlc,
    read_server_time,
)
from athena.venues.kraken._names import our_currency, our_symbol, rest_pair
from athena.venues.kraken._orders import (
    OrderReport,
    read_closed_orders,
    read_open_orders,
    read_orders,
)
from athena.venues.kraken._pairs import (
    AccountFees,
    FeeTier,
    PairRules,
    find_pair,
    read_asset_pairs,
    read_trade_volume,
)
from athena.venues.kraken._private_transport import PrivateTransport
from athena.venues.kraken._public import PublicKraken
from athena.venues.kraken._requests import (
    Close,
    NewOrder,
    add_order_fields,
    amend_order_fields,
    cancel_order_fields,
    read_added,
    read_amended,
    read_cancelled,
)
from athena.venues.kraken._signing import Keys, NonceSource, SignedRequest, Signer
from athena.venues.kraken._stream import (
    BalanceChange,
    ChannelMessage,
    Execution,
    Reply,
    StreamPair,
    StreamPrice,
    SystemStatus,
    read_balance_changes,
    read_executions,
    read_message,
    read_prices,
    read_stream_pairs,
    read_text,
)
from athena.venues.kraken._stream_transport import StreamTransport, open_stream
from athena.venues.kraken._trades import TradeReport, read_balances, read_trades_history
from athena.venues.kraken._transport import PublicTransport

__all__ = [
    "HOUSE_RULES",
    "KRAKEN",
    "OHLC_WINDOW",
    "TIERS",
    "Accepted",
    "AccountFees",
    "BalanceChange",
    "BookMessage",
    "Candle",
    "ChannelMessage",
    "Close",
    "Execution",
    "Fate",
    "FeeTier",
    "Fields",
    "HttpAnswer",
    "KeyInfo",
    "Keys",
    "KrakenAdapter",
    "LedgerReport",
    "Level",
    "NewOrder",
    "NonceSource",
    "OrderAction",
    "OrderBook",
    "OrderReport",
    "PairRules",
    "PrivateTransport",
    "PublicKraken",
    "PublicTransport",
    "Refused",
    "Reply",
    "SignedRequest",
    "Signer",
    "StreamPair",
    "StreamPrice",
    "StreamTransport",
    "SystemStatus",
    "Tier",
    "TierLimits",
    "TradeReport",
    "Unknown",
    "add_order_fields",
    "amend_order_fields",
    "cancel_order_fields",
    "fate_of",
    "find_pair",
    "interval_minutes",
    "is_key_refused",
    "key_info_call",
    "no_answer",
    "open_stream",
    "order_charges",
    "our_currency",
    "our_symbol",
    "pause_until_ns",
    "pauses_after",
    "public_charges",
    "read_added",
    "read_amended",
    "read_asset_pairs",
    "read_balance_changes",
    "read_balances",
    "read_book",
    "read_cancelled",
    "read_charges",
    "read_closed_orders",
    "read_executions",
    "read_key_info",
    "read_ledgers",
    "read_message",
    "read_ohlc",
    "read_open_orders",
    "read_orders",
    "read_prices",
    "read_result",
    "read_sent",
    "read_server_time",
    "read_stream_pairs",
    "read_text",
    "read_trade_volume",
    "read_trades_history",
    "rest_pair",
    "slow_down_until_ns",
    "trading_points",
]

"""TR-22: garbled answers end in a typed error or a valid parse, never in a made-up fill."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import AthenaError
from athena.venues.kraken import (
    Accepted,
    HttpAnswer,
    Refused,
    TradeReport,
    Unknown,
    read_added,
    read_asset_pairs,
    read_balance_changes,
    read_balances,
    read_book,
    read_closed_orders,
    read_executions,
    read_message,
    read_ohlc,
    read_open_orders,
    read_orders,
    read_result,
    read_sent,
    read_stream_pairs,
    read_trade_volume,
    read_trades_history,
)
from tests.kraken_messages import (
    EXECUTION,
    LEDGER_ENTRY,
    ORDER,
    PAIR,
    STREAM_PAIR,
    TRADE,
    body,
    changed,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

N_CASES = 10_000


@dataclass(frozen=True)
class Case:
    """A message and how it is read.

    Attributes:
        data: as it was sent.
        read: translates it.
        find: key of the fills in the plain JSON, or empty.
    """

    data: bytes
    read: Callable[[bytes], Any]
    find: str = ""


def rest(translate: Callable[..., Any], *more: object) -> Callable[[bytes], Any]:
    return lambda data: translate(read_result(HttpAnswer(200, data), "it"), *more)


def socket(translate: Callable[..., Any]) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        message = read_message(data)
        return () if message is None else translate(message)

    return read


ROW = [1688671200, "30306.1", "30306.2", "30305.7", "30305.7", "30306.1", "3.39243896", 23]
BOOK = {"symbol": "BTC/USD", "bids": [{"price": 1.5, "qty": 2}], "asks": [], "checksum": 7}
TRADES = {"T1": TRADE, "T2": changed(TRADE, vol="0.50000000", cost="15005.00000")}
CASES = {
    "open": Case(body({"open": {"OABC": ORDER}}), rest(read_open_orders)),
    "closed": Case(body({"closed": {"OABC": ORDER}, "count": 1}), rest(read_closed_orders)),
    "query": Case(body({"OABC": ORDER, "ODEF": ORDER}), rest(read_orders)),
    "trades": Case(body({"trades": TRADES, "count": 2}), rest(read_trades_history), "trades"),
    "balance": Case(body({"ZEUR": "1.0539", "XXBT": "0.4888"}), rest(read_balances)),
    "pairs": Case(body({"XXBTZUSD": PAIR}), rest(read_asset_pairs)),
    "ohlc": Case(body({"XXBTZUSD": [ROW], "last": 1}), rest(read_ohlc, "XXBTZUSD")),
    "volume": Case(
        body({"currency": "ZUSD", "volume": "1", "fees": {"A": {"fee": "0.26"}}}),
        rest(read_trade_volume),
    ),
    "executions": Case(
        stream("executions", [EXECUTION, changed(EXECUTION, exec_id="TOTHER-FILL")]),
        socket(read_executions),
        "stream",
    ),
    "balances": Case(stream("balances", [LEDGER_ENTRY]), socket(read_balance_changes)),
    "instrument": Case(stream("instrument", {"pairs": [STREAM_PAIR]}), socket(read_stream_pairs)),
    "book": Case(stream("book", [BOOK]), socket(read_book)),
}


def garble(data: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three places: a bit, a byte, a cut, a lost or doubled stretch, a digit."""
    text = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, max(1, len(text))))
        length = int(rng.integers(1, 12))
        match int(rng.integers(0, 7)):
            case 0 if text:
                text[at] ^= 1 << int(rng.integers(0, 8))
            case 1 if text:
                text[at] = int(rng.integers(0, 256))
            case 2:
                del text[at:]
            case 3:
                del text[at : at + length]
            case 4:
                text[at:at] = text[at : at + length]
            case 5:
                text[at:at] = rng.choice([b"-", b"0", b"9", b"e9", b'"', b",", b"{}", b"null"])
            case _:
                digits = [i for i, byte in enumerate(text) if chr(byte).isdigit()]
                if digits:
                    text[int(rng.choice(digits))] = ord(str(int(rng.integers(0, 10))))
    return bytes(text)


def fills_of(parsed: object) -> list[TradeReport]:
    found = parsed[0] if isinstance(parsed, tuple) and parsed else ()
    if isinstance(found, tuple):  # REST: a page of fills and their number
        return [fill for fill in found if isinstance(fill, TradeReport)]
    events = parsed if isinstance(parsed, tuple) else ()
    return [event.fill for event in events if getattr(event, "fill", None) is not None]


def stated_fills(data: bytes, find: str) -> dict[str, tuple[Decimal, ...]]:
    """Read the fills with the standard library alone: id -> price, quantity, cost."""
    plain = json.loads(data, parse_float=Decimal, parse_int=Decimal)
    if find == "trades":
        return {
            key: tuple(Decimal(trade[name]) for name in ("price", "vol", "cost"))
            for key, trade in plain["result"]["trades"].items()
        }
    return {
        event["exec_id"]: tuple(Decimal(event[n]) for n in ("last_price", "last_qty", "cost"))
        for event in plain["data"]
        if "exec_id" in event
    }


def check_case(case: Case, data: bytes) -> bool:
    """Read garbled bytes; tell whether they could be read, and check every fill of them."""
    try:
        parsed = case.read(data)
    except AthenaError:
        return False
    fills = fills_of(parsed)
    if fills:
        stated = stated_fills(data, case.find)
        for fill in fills:
            assert stated[fill.trade_id] == (fill.price, fill.quantity, fill.cost)
            # A price or quantity that was garbled would no longer explain the cost.
            assert abs(fill.price * fill.quantity - fill.cost) <= fill.cost / 100
    return True


def check_many(cases: dict[str, Case], n_cases: int, rng: np.random.Generator) -> None:
    names = sorted(cases)
    n_read = 0
    for index in range(n_cases):
        case = cases[names[index % len(names)]]
        n_read += check_case(case, garble(case.data, rng))
    assert 0 < n_read < n_cases  # some could be read, some could not


def test_every_message_is_read_before_it_is_garbled() -> None:
    assert {name: check_case(case, case.data) for name, case in CASES.items()} == dict.fromkeys(
        CASES, True
    )
    assert len(fills_of(CASES["trades"].read(CASES["trades"].data))) == 2
    assert len(fills_of(CASES["executions"].read(CASES["executions"].data))) == 2


def test_garbled_messages_are_refused_or_read_as_they_stand(rng: np.random.Generator) -> None:
    """TR-22: 10,000 of them."""
    check_many(CASES, N_CASES, rng)


def test_garbled_recordings_are_refused_or_read_as_they_stand(
    shared_data: Path, rng: np.random.Generator
) -> None:
    """TR-22: 10,000 more, with the recorded answers beside those written by hand."""
    folder = shared_data / "fixtures" / "kraken_rest"
    if not folder.is_dir():
        pytest.skip(f"no recorded messages at {folder}")

    def recorded(name: str) -> bytes:
        return (folder / f"example-{name}.json").read_bytes()

    cases = CASES | {
        "recorded trades": Case(
            recorded("tradehistory-data"), rest(read_trades_history), "trades"
        ),
        "recorded orders": Case(recorded("openorders-data"), rest(read_open_orders)),
        "recorded order": Case(recorded("market-ask-order"), rest(read_orders)),
        "recorded balance": Case(recorded("balance-data"), rest(read_balances)),
        "recorded volume": Case(recorded("tradevolume-data"), rest(read_trade_volume)),
    }
    check_many(cases, N_CASES, rng)


PLACED = body({"descr": {"order": "buy 1 XBTUSD @ market"}, "txid": ["OABC-DEF"]})
REFUSALS = [body(None, "EOrder:Insufficient funds"), body(None, "EAPI:Invalid nonce")]


def sent(data: bytes) -> Accepted[tuple[str, ...]] | Refused | Unknown:
    return read_sent(HttpAnswer(200, data), "AddOrder", read_added)


def test_a_garbled_yes_is_never_a_no(rng: np.random.Generator) -> None:
    """Taken for a refusal it would be sent again, and doubled."""
    outcomes = [sent(garble(PLACED, rng)) for _ in range(N_CASES)]
    assert [outcome for outcome in outcomes if isinstance(outcome, Refused)] == []
    assert any(isinstance(outcome, Unknown) for outcome in outcomes)


def test_a_garbled_no_is_never_a_yes(rng: np.random.Generator) -> None:
    outcomes = [sent(garble(data, rng)) for data in REFUSALS for _ in range(N_CASES)]
    assert [outcome for outcome in outcomes if isinstance(outcome, Accepted)] == []
    assert any(isinstance(outcome, Unknown) for outcome in outcomes)


def test_a_reader_that_makes_fills_up_is_found() -> None:
    """The planted fault: a quantity that cannot be read is taken from the order."""
    case = CASES["trades"]
    data = case.data.replace(b'"vol": "0.50000000"', b'"vol": "5.50000000"')
    honest = case.read(case.data)
    lying = Case(data, lambda _: honest, "trades")
    with pytest.raises(AssertionError):
        check_case(lying, data)
    assert not check_case(case, data)

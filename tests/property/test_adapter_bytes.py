"""TR-22 through the adapter: garbled answers and texts make no fill, no refusal and no crash."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderType, Side
from athena.trading.live import (
    AccountSeen,
    Answered,
    FillSeen,
    OrderSeen,
    Outage,
    QueryAccount,
    Request,
    Result,
    StreamChanged,
)
from athena.venues import HttpAnswer
from tests.conftest import IS_FULL
from tests.property.test_kraken_bytes import garble
from tests.venue_bench import SECOND, START, VenueBench, amend, cancel, place

if TYPE_CHECKING:
    import numpy as np

    from athena.venues import Call

N_GARBLED = 10_000 if IS_FULL else 300
RATE = 0.15
Figures = tuple[str, Decimal, Decimal, int]


class NoisyBench(VenueBench):
    """Garble a share of what comes back, and note every fill that any of it states.

    Attributes:
        n_garbled: messages so far.
        is_noisy: while it is on.
        stated: id, price, quantity and fee units of every fill, as the standard library reads it.
        truth: call id -> what the exchange really answered.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.rng = rng
        self.n_garbled = 0
        self.is_noisy = False
        self.stated: set[Figures] = set()
        self.truth: dict[str, bool] = {}
        self.fail = self._noisy_answer

    def _noisy(self, data: bytes) -> bytes:
        if self.is_noisy and self.rng.random() < RATE:
            self.n_garbled += 1
            data = garble(data, self.rng)
        self.stated |= stated_fills(data)
        return data

    def _noisy_answer(self, call: Call, body: bytes) -> HttpAnswer:
        if call.endpoint == "AddOrder":
            self.truth[call.fields["cl_ord_id"]] = not json.loads(body)["error"]
        return HttpAnswer(200, self._noisy(body))

    def _deliver(self) -> None:
        for connection, text in self.exchange.take_messages():
            if connection == self._connection:
                heard = self._noisy(text.encode()).decode(errors="surrogateescape")
                self._take(self.adapter.heard(heard, self.now_ns))


def stated_fills(data: bytes) -> set[Figures]:
    """Read the fills that a message states, with the standard library alone."""
    try:
        plain = json.loads(data.decode(errors="replace"), parse_float=Decimal, parse_int=Decimal)
        found = list(_figures(plain))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return set()
    return set(found)


def _figures(plain: Any) -> Any:
    if not isinstance(plain, dict):
        return
    result = plain.get("result")
    if isinstance(result, dict) and isinstance(result.get("trades"), dict):
        for name, trade in result["trades"].items():
            yield (
                name, Decimal(trade["price"]), Decimal(trade["vol"]), units(trade["fee"]),
            )  # fmt: skip
    for event in plain.get("data", []) if isinstance(plain.get("data"), list) else []:
        if isinstance(event, dict) and "exec_id" in event:
            fee = event["fees"][0]["qty"] if event.get("fees") else 0
            price, quantity = Decimal(event["last_price"]), Decimal(event["last_qty"])
            yield event["exec_id"], price, quantity, units(fee)


def units(fee: Any) -> int:
    return math.ceil(Fraction(Decimal(fee)) * 10**8)


def figures(bench: VenueBench, fill: FillSeen) -> Figures:
    instrument = bench.adapter._opening.markets.instruments[fill.instrument]
    price = instrument.ticks_to_price(fill.price_ticks)
    return fill.trade_id, price, instrument.lots_to_quantity(fill.lots), fill.fee_units


def trade_on(bench: NoisyBench, number: int) -> None:
    """Do a little of everything, chosen by the number."""
    now = bench.now_ns
    match number % 6:
        case 0:
            bench.do(place(number, now, type=OrderType.MARKET, limit_ticks=0, lots=20_000))
        case 1:
            bench.do(place(number, now, limit_ticks=4_990_000 - number, lots=30_000))
        case 2:
            stop: dict[str, Any] = {"type": OrderType.STOP, "side": Side.SELL, "limit_ticks": 0}
            bench.do(place(number, now, trigger_ticks=4_900_000, lots=20_000, **stop))
        case 3:
            bench.do(amend(number - 1, now, lots=25_000, trigger_ticks=4_910_000))
            bench.do(place(number, now, lots=10**12))  # refused: no such funds
        case 4:
            bench.do(cancel(number - 2, now - 400 * SECOND))
            bench.trade("BTC/USD", "49900" if number % 12 == 4 else "50000", "0.0001")
        case _:
            bench.do(QueryAccount(max(START, now - 60 * SECOND), is_urgent=False))
    bench.run(0.5)


def check(bench: NoisyBench) -> None:
    """Every fill stands in some message as it is; no yes was a no and no no a yes."""
    for event in bench.events:
        if isinstance(event, AccountSeen):
            assert {figures(bench, fill) for fill in event.fills} <= bench.stated
        elif isinstance(event, FillSeen):
            assert figures(bench, event) in bench.stated
        elif isinstance(event, Answered) and event.request is Request.PLACE:
            was_placed = bench.truth[event.client_id]
            assert not (was_placed and event.result in {Result.REFUSED, Result.NOT_SENT})
            assert not (not was_placed and event.result is Result.ACCEPTED)


@pytest.mark.timeout(1_800)  # 10,000 take seven minutes
def test_noise_makes_no_fill_no_refusal_and_no_crash(rng: np.random.Generator) -> None:
    bench = NoisyBench(rng)
    bench.start()
    bench.is_noisy = True
    number = 0
    while bench.n_garbled < N_GARBLED:
        number += 1
        trade_on(bench, number)
    check(bench)
    assert any(event.has_failed for event in bench.all(Outage))
    assert any(event.result is Result.UNKNOWN for event in bench.all(Answered))
    # And it heals: once the noise is over, the stream holds and the account is read whole.
    bench.is_noisy = False
    bench.run(180)
    assert bench.all(StreamChanged)[-1].is_up
    view = bench.account(bench.now_ns - 200 * SECOND)
    assert view.is_complete, view.reason
    fills = {fill.trade_id for view in bench.all(AccountSeen) for fill in view.fills}
    assert len(fills | {fill.trade_id for fill in bench.all(FillSeen)}) > 10
    assert len(bench.all(OrderSeen)) > 10


def test_an_adapter_that_makes_fills_up_is_found(rng: np.random.Generator) -> None:
    """The planted fault; its clean twin is the test above with no noise at all."""
    bench = NoisyBench(rng)
    bench.start()
    for number in range(1, 13):
        trade_on(bench, number)
    check(bench)
    assert bench.n_garbled == 0
    (fill, *_) = bench.all(FillSeen)
    bench.events.append(
        FillSeen(
            fill.trade_id, fill.venue_id, fill.client_id, fill.instrument, fill.side,
            fill.lots + 1, fill.price_ticks, fill.fee_units, fill.liquidity, fill.ts_ns,
        )
    )  # fmt: skip
    with pytest.raises(AssertionError):
        check(bench)

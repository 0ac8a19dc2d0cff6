"""Orders in Kraken's words, and nothing that cannot be said in them (C14, C15)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from athena.domain import OrderType, Side, TimeInForce, parse_time_ns
from athena.errors import InputError, VenueError
from athena.platform import client_order_id
from athena.venues.kraken import (
    Close,
    NewOrder,
    add_order_fields,
    amend_order_fields,
    cancel_order_fields,
    read_amended,
    read_cancelled,
)
from tests.kraken_messages import result

NOW = parse_time_ns("2026-11-20T12:00:00Z")
DEADLINE = NOW + 5 * 10**9
CLIENT_ID = client_order_id("intent 1")
LIMIT = NewOrder(
    client_id=CLIENT_ID,
    pair="XBTUSD",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.00000001"),
    limit_price=Decimal("1E+5"),
    deadline_ns=DEADLINE,
)


def test_a_limit_order_carries_id_and_deadline_and_no_exponent() -> None:
    assert add_order_fields(LIMIT, now_ns=NOW) == {
        "pair": "XBTUSD",
        "type": "buy",
        "ordertype": "limit",
        "volume": "0.00000001",
        "price": "100000",
        "timeinforce": "GTC",
        "cl_ord_id": CLIENT_ID,
        "deadline": "2026-11-20T12:00:05.000Z",
        "oflags": "fciq",
    }


def test_a_deadline_is_rounded_down_to_the_millisecond() -> None:
    fields = add_order_fields(replace(LIMIT, deadline_ns=NOW + 5_678_999_999), now_ns=NOW)
    assert fields["deadline"] == "2026-11-20T12:00:05.678Z"


def test_a_stop_limit_has_its_trigger_first_and_a_close_of_its_own() -> None:
    order = replace(
        LIMIT,
        type=OrderType.STOP_LIMIT,
        trigger_price=Decimal(90),
        limit_price=Decimal(89),
        side=Side.SELL,
        leverage=3,
        is_reduce_only=True,
        is_validate_only=True,
        close=Close(type=OrderType.TAKE_PROFIT, trigger_price=Decimal("99.5")),
    )
    fields = add_order_fields(order, now_ns=NOW)
    assert (fields["ordertype"], fields["price"], fields["price2"]) == (
        "stop-loss-limit", "90", "89",
    )  # fmt: skip
    assert (fields["leverage"], fields["reduce_only"], fields["validate"]) == ("3", "true", "true")
    assert (fields["close[ordertype]"], fields["close[price]"]) == ("take-profit", "99.5")


def test_a_dated_post_only_order_says_so_and_a_market_order_has_no_time_in_force() -> None:
    dated = replace(
        LIMIT, time_in_force=TimeInForce.GTD, expires_at_ns=NOW + 10**10, is_post_only=True
    )
    fields = add_order_fields(dated, now_ns=NOW)
    assert (fields["timeinforce"], fields["oflags"]) == ("GTD", "post,fciq")
    assert fields["expiretm"] == str(NOW // 10**9 + 10)
    market = replace(LIMIT, type=OrderType.MARKET, limit_price=None)
    assert "timeinforce" not in add_order_fields(market, now_ns=NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": Decimal(0)}, {"quantity": Decimal(-1)}, {"quantity": Decimal("NaN")},
        {"limit_price": Decimal(0)}, {"limit_price": None}, {"trigger_price": Decimal(1)},
        {"type": OrderType.STOP}, {"type": OrderType.MARKET}, {"type": OrderType.TRAILING_STOP},
        {"leverage": 0}, {"leverage": -2}, {"client_id": "short"}, {"client_id": "Z" * 32},
        {"deadline_ns": NOW}, {"deadline_ns": NOW + 61 * 10**9},
        {"time_in_force": TimeInForce.FOK}, {"time_in_force": TimeInForce.GTD},
        {"expires_at_ns": NOW}, {"close": Close(type=OrderType.LIMIT)},
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_said_is_refused(fields: dict[str, Any]) -> None:
    """C14, C15: and no venue call is made."""
    with pytest.raises(InputError, match="expected"):
        add_order_fields(replace(LIMIT, **fields), now_ns=NOW)


def test_an_amendment_names_the_order_by_our_id() -> None:
    fields = amend_order_fields(
        CLIENT_ID, deadline_ns=DEADLINE, now_ns=NOW, trigger_price=Decimal("91.50")
    )
    assert fields == {
        "cl_ord_id": CLIENT_ID,
        "deadline": "2026-11-20T12:00:05.000Z",
        "trigger_price": "91.5",
    }
    for wrong in ({}, {"quantity": Decimal(0)}):
        with pytest.raises(InputError, match="expected"):
            amend_order_fields(CLIENT_ID, deadline_ns=DEADLINE, now_ns=NOW, **wrong)


def test_a_cancellation_names_the_order_by_our_id() -> None:
    assert cancel_order_fields(CLIENT_ID) == {"cl_ord_id": CLIENT_ID}
    with pytest.raises(InputError, match="32 hex digits"):
        cancel_order_fields("OABC-DEF")


def test_the_answers_are_read() -> None:
    assert read_amended(result({"amend_id": "TEZA4R"})) == "TEZA4R"
    assert read_cancelled(result({"count": 1})) == 1
    for wrong in ({}, {"count": -1}, {"count": "many"}):
        with pytest.raises(VenueError, match="count"):
            read_cancelled(result(wrong))

"""What an answer proves: done, not done, or nothing (sections 9 and 10; F01, F02, F07, F08)."""

from __future__ import annotations

import pytest

from athena.errors import (
    OutcomeUnknown,
    ServiceDown,
    VenueBusy,
    VenueError,
    VenueRefused,
)
from athena.venues.kraken import (
    Accepted,
    Fate,
    HttpAnswer,
    Refused,
    Unknown,
    fate_of,
    no_answer,
    pause_until_ns,
    read_added,
    read_result,
    read_sent,
    slow_down_until_ns,
)
from tests.kraken_messages import body

SECOND = 10**9
PLACED = {"descr": {"order": "buy 1 XBTUSD @ market"}, "txid": ["OABC-DEF"]}
HTML = b"<!DOCTYPE html><html><body>Just a moment...</body></html>"


def sent(answer: HttpAnswer) -> Accepted[tuple[str, ...]] | Refused | Unknown:
    return read_sent(answer, "AddOrder", read_added)


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("EOrder:Insufficient funds", Fate.REFUSED),
        ("EOrder:Something new", Fate.UNKNOWN),
        ("EOrder:Unknown order", Fate.REFUSED),
        ("EOrder:Rate limit exceeded", Fate.SLOW_DOWN),
        ("EAPI:Rate limit exceeded", Fate.SLOW_DOWN),
        ("EAPI:Invalid nonce", Fate.NOT_NOW),
        ("EAPI:Invalid key", Fate.REFUSED),
        ("EGeneral:Invalid arguments:volume", Fate.REFUSED),
        ("EGeneral:Internal error", Fate.UNKNOWN),
        ("EQuery:Unknown asset pair", Fate.REFUSED),
        ("EService:Market in post_only mode", Fate.NOT_NOW),
        ("EService:Deadline elapsed", Fate.NOT_NOW),
        ("EService:Unavailable", Fate.UNKNOWN),
        ("EService:Busy", Fate.UNKNOWN),
        ("EService:Timeout", Fate.UNKNOWN),
        ("ESomething:Never seen", Fate.UNKNOWN),
    ],
)
def test_each_code_says_whether_the_request_can_have_been_carried_out(
    code: str, fate: Fate
) -> None:
    assert fate_of(code) is fate


@pytest.mark.parametrize(
    ("answer", "kind", "retryable"),
    [
        (HttpAnswer(200, body(None, "EOrder:Insufficient funds")), VenueRefused, False),
        (HttpAnswer(200, body(None, "EAPI:Invalid nonce")), VenueBusy, True),
        (HttpAnswer(200, body(None, "EAPI:Rate limit exceeded")), VenueBusy, True),
        (HttpAnswer(200, body(None, "EService:Unavailable")), ServiceDown, True),
        (HttpAnswer(429, b""), VenueBusy, True),
        (HttpAnswer(418, b""), VenueBusy, True),
        (HttpAnswer(503, HTML), ServiceDown, True),
        (HttpAnswer(520, b""), ServiceDown, True),
        (HttpAnswer(404, HTML), VenueRefused, False),
        (HttpAnswer(200, HTML), VenueError, False),
        (HttpAnswer(200, body(PLACED)[:-9]), VenueError, False),
        (HttpAnswer(200, b"[]"), VenueError, False),
        (HttpAnswer(200, b'{"result": {}}'), VenueError, False),
    ],
)
def test_a_read_that_failed_raises_an_error_that_says_whether_to_ask_again(
    answer: HttpAnswer, kind: type[Exception], *, retryable: bool
) -> None:
    with pytest.raises(VenueError if kind is not ServiceDown else ServiceDown) as caught:
        read_result(answer, "OpenOrders")
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert "OpenOrders" in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(200, HTML),
        HttpAnswer(200, body(PLACED)[:-9]),
        HttpAnswer(200, b""),
        HttpAnswer(200, body({"descr": {"order": "x"}, "txid": []})),
        HttpAnswer(200, body({"txid": ["OABC"]})),
        HttpAnswer(200, body(None, "EService:Unavailable")),
        HttpAnswer(200, body(None, "EOrder:Insufficient funds", "EGeneral:Internal error")),
        HttpAnswer(200, body(None, "ESomething:Never seen")),
        HttpAnswer(500, b""),
        HttpAnswer(502, HTML),
        HttpAnswer(504, b""),
        HttpAnswer(520, HTML),
        HttpAnswer(408, b""),
        HttpAnswer(302, b""),
        HttpAnswer(200, b'{"error": "EOrder:Insufficient funds"}'),
    ],
)
def test_whatever_does_not_prove_that_nothing_was_done_is_unknown(answer: HttpAnswer) -> None:
    """Section 10: a time-out, 5xx or lost link after sending is UNKNOWN."""
    outcome = sent(answer)
    assert isinstance(outcome, Unknown)
    assert isinstance(outcome.error, OutcomeUnknown)
    assert not outcome.error.retryable
    assert "do not send it again" in outcome.error.hint


def test_no_answer_at_all_is_unknown() -> None:
    assert "a time-out" in no_answer("AddOrder", "a time-out").error.message


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        (HttpAnswer(200, body(None, "EOrder:Insufficient funds")), False),
        (HttpAnswer(200, body(None, "EOrder:Rate limit exceeded")), True),
        (HttpAnswer(200, body(None, "EAPI:Invalid nonce")), True),
        (HttpAnswer(200, body(None, "WSomething:Odd", "EAPI:Invalid key")), False),
        (HttpAnswer(429, b""), True),
        (HttpAnswer(403, HTML), False),
    ],
)
def test_a_refusal_proves_that_nothing_was_done(answer: HttpAnswer, *, retryable: bool) -> None:
    outcome = sent(answer)
    assert isinstance(outcome, Refused)
    assert outcome.error.retryable is retryable


def test_an_accepted_order_gives_its_ids_and_a_warning_does_not_undo_it() -> None:
    assert sent(HttpAnswer(200, body(PLACED))) == Accepted(("OABC-DEF",))
    assert sent(HttpAnswer(200, body(PLACED, "WGeneral:Slow"))) == Accepted(("OABC-DEF",))


def test_a_validated_order_has_no_id() -> None:
    assert sent(HttpAnswer(200, body({"descr": {"order": "x"}}))) == Accepted(())


def test_a_refusal_says_what_to_do() -> None:
    outcome = sent(HttpAnswer(200, body(None, "EAPI:Invalid nonce")))
    assert isinstance(outcome, Refused)
    assert outcome.codes == ("EAPI:Invalid nonce",)
    assert "one process" in outcome.error.hint


def test_a_pause_follows_the_servers_hint_else_15_seconds() -> None:
    """F07."""
    now_ns = 1_700_000_000 * SECOND
    assert slow_down_until_ns(HttpAnswer(429, b"", 40), now_ns) == now_ns + 40 * SECOND
    assert slow_down_until_ns(HttpAnswer(418, b""), now_ns) == now_ns + 15 * SECOND
    stated = HttpAnswer(200, body(None, "EService:Throttled: 1700000099"))
    assert slow_down_until_ns(stated, now_ns) == now_ns + 99 * SECOND
    assert pause_until_ns(["EOrder:Rate limit exceeded"], now_ns) == now_ns + 15 * SECOND


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(200, body(PLACED)),
        HttpAnswer(200, body(None, "EOrder:Insufficient funds")),
        HttpAnswer(503, b""),
        HttpAnswer(200, HTML),
    ],
)
def test_nothing_else_asks_for_a_pause(answer: HttpAnswer) -> None:
    assert slow_down_until_ns(answer, 0) is None

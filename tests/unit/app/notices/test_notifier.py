"""The thread: it never holds whoever posts, and delivers what it can before it stops."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from athena.app.notices import Message, Notifier, WebhookChannel
from athena.errors import ServiceDown
from athena.platform import Secret, set_up_logging
from athena.trading.live import Alert, Urgency
from tests.notice_servers import HttpServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20.0
TS_NS = 1_767_225_600 * 10**9


def alert(code: str, urgency: Urgency = Urgency.WARNING, text: str = "look") -> Alert:
    return Alert(urgency, code, text, TS_NS)


class Gate:
    """A channel that holds each message until it is let through, or refuses it."""

    def __init__(self, name: str = "gate") -> None:
        self.name = name
        self.urgency_min = Urgency.NOTICE
        self.refuses = False
        self.entered = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.messages: list[Message] = []

    def deliver(self, message: Message) -> str:
        self.entered.release()
        assert self.let.acquire(timeout=WAIT_S)
        if self.refuses:
            text = "expected an answer, was none"
            raise ServiceDown(text)
        self.messages.append(message)
        return "ok"


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with serving(HttpServer()) as server:
        yield server


def test_an_alert_reaches_a_server(http: HttpServer) -> None:
    notifier = Notifier([WebhookChannel(Secret(http.url))], origin="paper on a test")
    notifier.post(alert("halted", text="the limit of the day was reached"))
    assert http.taken.acquire(timeout=WAIT_S)
    assert notifier.close(WAIT_S) == 0
    assert http.asked[0].values["what"] == "the limit of the day was reached"
    assert http.asked[0].values["origin"] == "paper on a test"
    (state,) = notifier.states()
    assert (state.name, state.n_sent, state.n_waiting, state.reason) == ("webhook", 1, 0, "")


def test_posting_does_not_wait_for_a_channel_that_does_not_answer() -> None:
    """The clean twin is above; here the channel holds its first message for ever."""
    gate = Gate()
    notifier = Notifier([gate], origin="a test")
    notifier.post(alert("first"))
    assert gate.entered.acquire(timeout=WAIT_S)
    for k in range(1_000):
        notifier.post(alert(f"code_{k}"))
    (state,) = notifier.states()
    assert gate.messages == []
    assert (state.n_waiting, state.n_dropped) == (201, 800)
    gate.let.release(3)
    assert notifier.close(WAIT_S) == 0
    assert gate.messages[0].code == "first"


def test_a_channel_that_fails_is_tried_again_and_tells_of_the_outage(
    http: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(style="json")
    http.planned = [(500, b"")]
    notifier = Notifier([WebhookChannel(Secret(http.url))], origin="a test")
    notifier.post(alert("one"))
    assert http.came.acquire(timeout=WAIT_S)
    notifier.post(alert("two"))
    assert http.taken.acquire(timeout=WAIT_S)
    assert notifier.close(WAIT_S) == 0
    told = " ".join(item.values["text"] for item in http.asked[1:])
    assert "one" in told
    assert "two" in told
    assert "did not answer for" in told
    logged = capsys.readouterr().err
    assert logged.count("a channel does not take notices") == 1
    assert logged.count("a channel takes notices again") == 1


def test_a_hung_channel_does_not_keep_the_process_and_is_counted() -> None:
    gate = Gate()
    notifier = Notifier([gate], origin="a test")
    notifier.post(alert("first"))
    assert gate.entered.acquire(timeout=WAIT_S)
    notifier.post(alert("second"))
    assert notifier.close(0.01) == 2
    gate.let.release(2)


def test_closing_tries_each_channel_once_more_and_counts_what_stays() -> None:
    gate, works = Gate(), Gate("works")
    gate.refuses = True
    gate.let.release(10)
    works.let.release(10)
    notifier = Notifier([gate, works], origin="a test")
    notifier.post(alert("one"))
    notifier.post(alert("two"))
    assert notifier.close(WAIT_S) == 2
    assert sum(message.count for message in works.messages) == 2
    first, second = notifier.states()
    assert (first.n_waiting, second.n_waiting) == (2, 0)
    assert first.reason == "expected an answer, was none"


def test_after_closing_an_alert_is_counted_as_dropped() -> None:
    gate = Gate()
    notifier = Notifier([gate], origin="a test")
    notifier.close(WAIT_S)
    notifier.post(alert("late"))
    assert notifier.states()[0].n_dropped == 1


def test_without_channels_there_is_nothing_to_do() -> None:
    notifier = Notifier([], origin="a test")
    notifier.post(alert("one"))
    assert notifier.states() == []
    assert notifier.close(WAIT_S) == 0


def test_a_secret_in_an_alert_is_masked(http: HttpServer) -> None:
    """C23: an error's words may quote more than they should."""
    canary = Secret("canary-key-987654321")
    notifier = Notifier([WebhookChannel(Secret(http.url))], origin="a test")
    notifier.post(alert("venue", text=f"the venue refused {canary.reveal()}"))
    assert notifier.close(WAIT_S) == 0
    assert http.asked[0].values["what"] == "the venue refused ***"

"""What waits: collapsed, bounded, summarised after an outage; time is an argument."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.app.notices import Outbox, Parcel
from athena.domain import SECOND_NS
from athena.trading.live import Alert, Urgency

NOTICE, WARNING, URGENT = Urgency
START_NS = 1_767_225_600 * 10**9


def alert(code: str = "halted", urgency: Urgency = WARNING, text: str = "look") -> Alert:
    return Alert(urgency, code, text, START_NS)


def at(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def take(outbox: Outbox, seconds: float, **more: Any) -> Parcel | None:
    return outbox.take("a test", at(seconds), **more)


def send(outbox: Outbox, seconds: float, **more: Any) -> Any:
    """Take a parcel that has to be there, deliver it and return its message."""
    parcel = take(outbox, seconds, **more)
    assert parcel is not None
    outbox.delivered(parcel)
    return parcel.message


def test_an_alert_goes_out_at_once_and_once() -> None:
    outbox = Outbox()
    outbox.add(alert(text="the venue is gone"), at(1))
    message = send(outbox, 1)
    assert (message.urgency, message.code, message.count) == (WARNING, "halted", 1)
    assert message.body == (
        "[athena] warning: halted\nthe venue is gone\na test, 2026-01-01T00:00:00Z"
    )
    assert take(outbox, 1) is None
    assert (outbox.n_sent, outbox.n_waiting, outbox.next_ns()) == (1, 0, None)


def test_the_same_code_within_a_minute_is_one_message_with_a_count() -> None:
    outbox = Outbox()
    outbox.add(alert(text="first"), at(0))
    assert send(outbox, 0).count == 1
    for second in (1, 30, 59):
        outbox.add(alert(text=f"at {second}"), at(second))
    assert take(outbox, 59.9) is None
    assert outbox.next_ns() == at(60)
    message = send(outbox, 60)
    assert (message.count, message.text) == (3, "at 59")
    assert message.title == "[athena] warning: halted (3 times)"
    outbox.add(alert(text="the next window"), at(61))
    assert take(outbox, 119.9) is None
    assert send(outbox, 120).count == 1


def test_after_a_quiet_minute_the_same_code_goes_out_at_once() -> None:
    outbox = Outbox()
    outbox.add(alert(), at(0))
    send(outbox, 0)
    outbox.add(alert(), at(60))
    assert send(outbox, 60).count == 1


def test_what_came_before_the_first_could_leave_is_collapsed_too() -> None:
    outbox = Outbox()
    for _ in range(5):
        outbox.add(alert(), at(0))
    assert send(outbox, 0).count == 5


def test_another_code_does_not_wait() -> None:
    outbox = Outbox()
    outbox.add(alert("one"), at(0))
    send(outbox, 0)
    outbox.add(alert("two"), at(1))
    assert send(outbox, 1).code == "two"


def test_the_same_code_more_urgent_does_not_wait() -> None:
    outbox = Outbox()
    outbox.add(alert(urgency=NOTICE), at(0))
    send(outbox, 0)
    outbox.add(alert(urgency=URGENT, text="now it is serious"), at(1))
    assert send(outbox, 1).text == "now it is serious"


def test_what_is_less_urgent_than_asked_for_is_not_told() -> None:
    outbox = Outbox(WARNING)
    outbox.add(alert(urgency=NOTICE), at(0))
    outbox.add(alert(urgency=WARNING), at(0))
    assert send(outbox, 0).urgency is WARNING
    assert outbox.n_waiting == outbox.n_dropped == 0


def test_a_full_queue_drops_the_oldest_of_the_least_urgent_and_says_so() -> None:
    outbox = Outbox(size=3)
    for code, urgency in (("a", URGENT), ("b", NOTICE), ("c", WARNING), ("d", NOTICE)):
        outbox.add(alert(code, urgency), at(0))
    outbox.add(alert("e", WARNING), at(0))
    assert outbox.n_dropped == 2
    message = send(outbox, 0)
    assert message.code == "a"
    assert message.text == "look\n2 less urgent or older ones were dropped"
    assert [send(outbox, 0).code for _ in range(2)] == ["c", "e"]
    assert outbox.n_waiting == 0


def test_nothing_is_collapsed_into_what_was_dropped() -> None:
    outbox = Outbox(size=1)
    outbox.add(alert("a", NOTICE), at(0))
    outbox.add(alert("b", URGENT), at(0))
    outbox.add(alert("a", NOTICE), at(1))
    assert send(outbox, 1).code == "b"
    assert take(outbox, 61) is None  # the newer one had to go as well
    assert outbox.n_dropped == 2


def test_pauses_after_failures_double_up_to_a_minute() -> None:
    outbox = Outbox()
    outbox.add(alert(), at(0))
    now = 0
    waits = []
    for _ in range(9):
        parcel = take(outbox, now)
        assert parcel is not None
        outbox.failed(parcel, at(now), "no answer")
        due = outbox.next_ns()
        assert due is not None
        assert take(outbox, due / SECOND_NS - 0.5) is None
        waits.append(due // SECOND_NS - now)
        now = due // SECOND_NS
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_outage_is_told_in_one_message_when_it_is_over() -> None:
    outbox = Outbox()
    outbox.add(alert("venue", WARNING, "the venue does not answer"), at(0))
    parcel = take(outbox, 0)
    assert parcel is not None
    outbox.failed(parcel, at(0), "HTTP 500")
    assert outbox.reason == "HTTP 500"
    for second in (0.2, 0.4, 70):
        outbox.add(alert("late_fill", URGENT, "booked"), at(second))
    message = send(outbox, 100)
    assert (message.urgency, message.code, message.count) == (URGENT, "several", 4)
    assert message.text.splitlines() == [
        "urgent late_fill (2 times), 2026-01-01T00:00:00Z: booked",
        "urgent late_fill, 2026-01-01T00:00:00Z: booked",
        "warning venue, 2026-01-01T00:00:00Z: the venue does not answer",
        "delayed: this channel did not answer for 100 s",
    ]
    assert (outbox.reason, outbox.n_waiting) == ("", 0)
    outbox.add(alert("next"), at(101))
    assert send(outbox, 101).text == "look"


def test_a_long_outage_stays_bounded_and_readable() -> None:
    outbox = Outbox(size=40)
    outbox.add(alert("first"), at(0))
    parcel = take(outbox, 0)
    assert parcel is not None
    outbox.failed(parcel, at(0), "gone")
    for k in range(1_000):
        outbox.add(alert(f"code_{k}", NOTICE, "x" * 5_000), at(1))
    assert outbox.n_waiting == 40
    message = send(outbox, 61)
    assert message.text.splitlines()[0].startswith("warning first")
    assert "and 10 more" in message.text
    assert "961 less urgent or older ones were dropped" in message.text
    assert len(message.text) < 8_000


def test_what_comes_while_a_message_is_under_way_is_not_lost() -> None:
    outbox = Outbox()
    outbox.add(alert(text="first"), at(0))
    parcel = take(outbox, 0)
    assert parcel is not None
    outbox.add(alert(text="second"), at(1))
    assert outbox.n_waiting == 2
    outbox.delivered(parcel)
    assert send(outbox, 60).text == "second"


def test_at_the_end_nothing_waits_for_its_time() -> None:
    outbox = Outbox()
    outbox.add(alert(text="first"), at(0))
    send(outbox, 0)
    outbox.add(alert(text="second"), at(1))
    outbox.add(alert("other", text="third"), at(1))
    assert send(outbox, 2, is_last=True).count == 2
    assert take(outbox, 2, is_last=True) is None


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d"]),
            st.sampled_from(list(Urgency)),
            st.integers(0, 40),
            st.booleans(),
        ),
        max_size=60,
    ),
    size=st.integers(1, 5),
)
def test_every_alert_is_told_or_counted_as_dropped(
    events: list[tuple[str, Urgency, int, bool]], size: int
) -> None:
    outbox = Outbox(size=size)
    now = told = 0
    for code, urgency, pause, works in events:
        now += pause
        outbox.add(alert(code, urgency), at(now))
        assert outbox.n_waiting <= size
        parcel = take(outbox, now)
        if parcel is not None and works:
            outbox.delivered(parcel)
            told += parcel.message.count
        elif parcel is not None:
            outbox.failed(parcel, at(now), "no")
    while (parcel := take(outbox, now, is_last=True)) is not None:
        outbox.delivered(parcel)
        told += parcel.message.count
    assert told + outbox.n_dropped == len(events)
    assert outbox.n_waiting == 0


@pytest.mark.parametrize("text", ["a\nb", "a\r\nBcc: x@y", "  a "])
def test_a_title_is_one_line(text: str) -> None:
    outbox = Outbox()
    outbox.add(alert(text), at(0))
    assert "\n" not in send(outbox, 0).title

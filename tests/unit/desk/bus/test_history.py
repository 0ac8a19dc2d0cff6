"""The history is in the order of time, also for what came late."""

from __future__ import annotations

from athena.desk.bus import Topic
from athena.desk.bus._history import HISTORY_SIZE, History
from athena.domain import SECOND_NS
from tests.bus_cases import BTC, START_NS, XRP, a_message

EVENTS, TECHNICAL = Topic.SYSTEM_EVENTS, Topic.TA_SIGNALS


def test_what_comes_late_is_put_where_its_time_belongs() -> None:
    history = History()
    early, middle, late = (a_message(ts_ns=START_NS + k) for k in range(3))
    for message in (late, early, middle):
        history.add(message, START_NS)
    assert list(history.messages()) == [early, middle, late]
    assert list(history.messages(EVENTS)) == [early, middle, late]
    assert history.latest(EVENTS, START_NS) is late


def test_equal_times_keep_the_order_of_arrival() -> None:
    history = History()
    said = [a_message() for _ in range(5)]
    for message in said:
        history.add(message, START_NS)
    assert list(history.messages()) == said


def test_one_too_many_leaves_from_the_old_end() -> None:
    history = History()
    said = [a_message(ts_ns=START_NS + k) for k in range(HISTORY_SIZE + 2)]
    gone = [message for one in said for message in history.add(one, START_NS)]
    assert gone == said[:2]
    assert len(history) == HISTORY_SIZE
    assert said[0].id not in history
    assert said[2].id in history


def test_the_old_end_is_swept_when_something_is_added_and_the_rest_in_a_sweep() -> None:
    """C10."""
    history = History()
    short, long, hidden = (a_message(ttl_s=ttl_s) for ttl_s in (1, 300, 1))
    for message in (short, long, hidden):
        history.add(message, START_NS)
    now_ns = START_NS + SECOND_NS  # to the nanosecond
    new = a_message(ts_ns=now_ns)
    assert history.add(new, now_ns) == [short]
    assert list(history.messages()) == [long, hidden, new]
    assert history.drop_expired(now_ns) == [hidden]
    assert list(history.messages(EVENTS)) == [long, new]
    assert hidden.id not in history


def test_the_latest_fits_all_that_was_asked_for() -> None:
    """DK-15."""
    history = History()
    bitcoin = a_message(TECHNICAL, symbol=BTC)
    ripple = a_message(TECHNICAL, symbol=XRP, ts_ns=START_NS + 1)
    for message in (bitcoin, ripple, a_message(ts_ns=START_NS + 2)):
        history.add(message, START_NS + 2)
    now_ns = START_NS + 2
    assert history.latest(TECHNICAL, now_ns) is ripple
    assert history.latest(TECHNICAL, now_ns, symbol=BTC) is bitcoin
    assert history.latest(TECHNICAL, now_ns, symbol=BTC, source="second") is None
    assert history.latest(TECHNICAL, now_ns, symbol=BTC, max_age_s=0) is None
    assert history.latest(TECHNICAL, START_NS + 300 * SECOND_NS, symbol=BTC) is None


def test_the_age_is_counted_in_seconds_to_the_last_one() -> None:
    history = History()
    message = a_message()
    history.add(message, START_NS)
    now_ns = START_NS + 2 * SECOND_NS
    assert history.latest(EVENTS, now_ns, max_age_s=2) is message
    assert history.latest(EVENTS, now_ns + 1, max_age_s=2) is None


def test_the_future_is_not_the_latest() -> None:
    history = History()
    history.add(a_message(), START_NS)
    assert history.latest(EVENTS, START_NS - 2 * SECOND_NS) is None

"""A message is read as strictly as it is judged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from athena.desk.bus import (
    MessageType,
    Request,
    SystemEvent,
    Topic,
    Veto,
    check_message,
    decode_message,
    encode_message,
    payload_forms,
)
from athena.domain import SECOND_NS, RiskLevel
from athena.errors import InputError
from tests.bus_cases import START_NS, a_message, a_veto, every_message


def changed(**changes: Any) -> bytes:
    """Return a message of the wire in which something is not as it was written."""
    written = json.loads(encode_message(a_message()))
    return json.dumps({**written, **changes}).encode()


def test_every_message_is_read_as_it_was_written() -> None:
    """C01."""
    for message in every_message():
        assert decode_message(encode_message(message)) == message


def test_every_topic_and_type_has_an_example_or_is_refused() -> None:
    shown = {(message.topic, message.type) for message in every_message()}
    signals = {(topic, MessageType.SIGNAL) for topic in Topic}
    assert signals <= shown
    allowed = {
        (topic, kind) for topic in Topic for kind in MessageType if payload_forms(topic, kind)
    }
    assert {kind for _, kind in allowed} == set(MessageType)
    assert {topic for topic, kind in allowed if kind is MessageType.VETO} == {Topic.RISK_ALERTS}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected a message as JSON"),
        (b"buy everything!!", "expected a message as JSON"),
        (b"\xff\xfe", "expected a message as JSON"),
        (b"[]", "expected a message with a payload"),
        (b"{}", "expected a message with a payload"),
        (changed(payload="text"), "expected a message with a payload"),
        (changed(schema_version=2), "expected schema version 1, was 2"),
        (changed(topic="gossip"), "expected topic to be one of market_data"),
        (changed(topic=["x"]), "expected topic to be one of"),
        (changed(type="order"), "expected type to be one of signal"),
        (changed(type=None), "expected type to be one of signal"),
        (changed(priority="loud"), "expected the form of an? Envelope, was: .* at priority"),
        (changed(form="Veto"), "expected SystemEvent in a signal on system_events, was 'Veto'"),
        (changed(form="Message"), "expected SystemEvent"),
        (changed(payload={"code": "x"}), "expected the form of a SystemEvent"),
        (changed(payload={"code": "x", "text": "y", "z": 1}), "at z"),
        (changed(surplus=1), "at surplus"),
        (changed(ttl_s="300"), "at ttl_s"),
        (changed(ttl_s=0), "expected a time to live"),
        (changed(source=""), "expected source of 1 to 100"),
        (changed(target="x" * 101), "expected target of 1 to 100"),
        (changed(ts_ns=None), "at ts_ns"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    """C01."""
    with pytest.raises(InputError, match=reason):
        decode_message(data)


def test_a_text_that_is_no_unicode_is_refused() -> None:
    """Half a character, as a feed may send it."""
    with pytest.raises(InputError, match="expected values that JSON can hold"):
        encode_message(a_message(correlation_id="\ud800"))
    with pytest.raises(InputError, match="the form of a Envelope, was: Invalid JSON"):
        decode_message(changed(correlation_id="\ud800"))


def test_a_reason_quotes_no_more_than_a_line() -> None:
    with pytest.raises(InputError) as caught:
        check_message(replace(a_message(), source="x" * 5_000))
    assert len(caught.value.message) < 200


def test_a_veto_names_proposal_and_rule() -> None:
    for proposal, rule in (("", "var95"), ("p-1", "")):
        with pytest.raises(InputError, match="expected a veto to name proposal and rule"):
            Veto(proposal_id=proposal, rule=rule, level=RiskLevel.HIGH, reason="")
    check_message(a_veto())


def test_a_request_ends_after_it_began() -> None:
    late = Request(question="?", reply_topic=Topic.TA_SIGNALS, deadline_ns=START_NS)
    with pytest.raises(InputError, match="expected a deadline after"):
        check_message(a_message(payload=late, type=MessageType.REQUEST))


@pytest.mark.parametrize(
    ("now_ns", "is_live"),
    [
        (START_NS, True),
        (START_NS + 10 * SECOND_NS - 1, True),
        (START_NS + 10 * SECOND_NS, False),
        (START_NS - SECOND_NS, True),  # clocks may be apart by so much
        (START_NS - SECOND_NS - 1, False),
    ],
)
def test_a_message_counts_from_its_time_until_it_expires(now_ns: int, is_live: bool) -> None:
    assert a_message(ttl_s=10).is_live_at(now_ns) is is_live


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        a_message().source = "somebody else"  # that is the point
    with pytest.raises(AttributeError):
        SystemEvent(code="x", text="y").text = "z"  # that is the point

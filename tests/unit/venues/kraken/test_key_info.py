"""What a key may do: Kraken's answer, the local exchange's, and what proves nothing (TR-27)."""

from __future__ import annotations

import json

import pytest

from athena.errors import AthenaError, ServiceDown, VenueError
from athena.venues import CallFailed, HttpAnswer
from athena.venues.kraken import key_info_call, read_key_info
from tests.venue_server import host_of

# As the documentation of GetApiKeyInfo shows it (March 2026), with other values.
DOCUMENTED = {
    "error": [],
    "result": {
        "apiKeyName": "desk",
        "apiKey": "abc",
        "nonce": "1772627060997",
        "nonceWindow": 0,
        "permissions": ["query-funds", "withdraw-funds", "query-open-trades", "modify-trades"],
        "iban": "AA88 N84G WOAK NMOI",
        "validUntil": "0",
        "queryFrom": "0",
        "queryTo": "0",
        "createdTime": "1772542900",
        "modifiedTime": "1772543095",
        "ipAllowlist": [],
        "lastUsed": "1772627061",
    },
}


def answer(value: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(value).encode())


def test_the_documented_answer_is_read() -> None:
    info = read_key_info(answer(DOCUMENTED))
    assert info.withdrawal == ("withdraw-funds",)
    assert len(info.permissions) == 4


@pytest.mark.parametrize(
    ("permission", "counts"),
    [
        ("withdraw-funds", True),
        ("add-withdraw-address", True),
        ("update-withdraw-address", True),
        ("Withdraw-Something-New", True),
        ("add-funds", False),
        ("query-ledger", False),
    ],
)
def test_every_right_that_has_to_do_with_withdrawals_counts(
    permission: str, *, counts: bool
) -> None:
    body = {"error": [], "result": {"permissions": ["query-funds", permission]}}
    assert bool(read_key_info(answer(body)).withdrawal) is counts


@pytest.mark.parametrize(
    "said",
    [
        CallFailed(is_sent=True, reason="no answer"),
        answer({"error": ["EAPI:Invalid key"]}),
        answer({"error": ["EGeneral:Unknown method"]}),
        answer({"error": [], "result": {}}),
        answer({"error": [], "result": {"permissions": None}}),
        answer({"error": [], "result": {"permissions": {"funds_withdraw": False}}}),
        answer({"error": [], "result": {"permissions": [1]}}),
        HttpAnswer(200, b"<html>maintenance</html>"),
        HttpAnswer(503, b""),
    ],
)
def test_what_lists_no_rights_proves_nothing(said: HttpAnswer | CallFailed) -> None:
    """An answer that cannot be read is an error, never a key without rights."""
    with pytest.raises(AthenaError) as caught:
        read_key_info(said)
    assert isinstance(caught.value, VenueError | ServiceDown)


@pytest.mark.parametrize(("key", "rights"), [("k", ()), ("withdraw-k", ("withdraw-funds",))])
def test_the_local_exchange_answers_for_its_keys(key: str, rights: tuple[str, ...]) -> None:
    call = key_info_call(5)
    assert call.is_private
    body = host_of().exchange.private(key, call.endpoint, {**call.fields, "nonce": "7"})
    assert read_key_info(HttpAnswer(200, body)).withdrawal == rights

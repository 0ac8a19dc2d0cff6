"""Addresses, the clock of a fast exchange, and what a group of errors comes to."""

from __future__ import annotations

import pytest

from athena.app.running._pace import middle_of
from athena.app.running._sockets import Addresses, addresses_of, is_this_machine, leaves
from athena.domain import SECOND_NS


@pytest.mark.parametrize(
    ("rest", "private", "public"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v2", "ws://127.0.0.1:8080/v2"),
        (
            "https://api.kraken.com",
            "wss://ws-auth.kraken.com/v2",
            "wss://ws.kraken.com/v2",
        ),
    ],
)
def test_where_the_streams_are(rest: str, private: str, public: str) -> None:
    assert addresses_of(rest) == Addresses(rest, private, public)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:80", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("https://api.kraken.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1:8080", False),
    ],
)
def test_only_loopback_is_this_machine(address: str, *, expected: bool) -> None:
    assert is_this_machine(address) is expected


def test_a_clock_that_jumps_while_it_is_asked_does_not_set_ours() -> None:
    """F14: the bounds that most answers agree on count."""
    true = [(base, base + SECOND_NS) for base in range(0, 10 * 10**8, 10**8)]
    jumped = [(20 * SECOND_NS, 21 * SECOND_NS)] * 4
    assert 9 * 10**8 <= middle_of(true) <= SECOND_NS
    assert abs(middle_of([*true, *jumped]) - SECOND_NS) < SECOND_NS // 5


def test_the_errors_of_nested_groups_are_listed() -> None:
    first, second = ValueError("1"), TypeError("2")
    group = BaseExceptionGroup("outer", [first, BaseExceptionGroup("inner", [second])])
    assert leaves(group) == [first, second]

"""An address says which bus is opened; a wrong one is refused without quoting it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from athena.desk.bus import LocalBus, open_bus
from athena.errors import ConfigError, InputError, MissingExtra
from athena.platform import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.bus import Bus
    from tests.conftest import CliResult


def opened(url: str, desk: str = "paper") -> Bus:
    return open_bus(url, desk, VirtualClock())


def test_without_an_address_it_is_the_one_of_this_process() -> None:
    assert isinstance(opened(""), LocalBus)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:4222",
        "nats://",
        "nats://127.0.0.1",
        "nats://127.0.0.1:99999",
        "nats://127.0.0.1:4222/athena",
        "nats://127.0.0.1:4222?tls=1",
        "http://127.0.0.1:4222",
        "nats://desk:hunter2@127.0.0.1:4222",
        "nats://[::1:4222",
    ],
)
def test_another_form_is_refused_and_not_quoted(url: str) -> None:
    """C23: a piece of it may be a password."""
    with pytest.raises(ConfigError, match="expected nats://HOST:PORT on this machine") as caught:
        opened(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["nats.example.org", "10.0.0.7", "[2001:db8::1]"])
def test_another_machine_is_reached_by_tls_only(host: str) -> None:
    with pytest.raises(ConfigError, match="without TLS to another machine"):
        opened(f"nats://{host}:4222")


@pytest.mark.parametrize("desk", ["", "Paper", "a.b", "a" * 33, "a*", "a>"])
def test_a_desk_has_a_plain_name(desk: str) -> None:
    with pytest.raises(InputError, match="for a desk"):
        opened("", desk)


def test_without_its_client_nats_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A14."""
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(MissingExtra, match="nats-py") as caught:
        opened("nats://127.0.0.1:4222")
    assert caught.value.hint == "pip install 'athena-desk[nats]'"


def test_a_password_in_the_configuration_is_refused_and_not_quoted(
    cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23."""
    monkeypatch.setenv("ATHENA_BUS__URL", "nats://desk:hunter2@127.0.0.1:4222")
    result = cli("config", "show")
    assert result.exit_code == 2
    assert "export ATHENA_BUS_PASSWORD instead" in result.err
    assert "hunter2" not in result.out + result.err

"""The guards that every test relies on do guard."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_beyond_this_machine_is_shut(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as link, pytest.raises(RuntimeError, match="of this machine"):
        link.connect((address, 80))


def test_no_name_beyond_this_machine_is_resolved() -> None:
    with pytest.raises(RuntimeError, match=r"example\.invalid"):
        socket.create_connection(("example.invalid", 80))


def test_loopback_stays_open() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(("localhost", server.getsockname()[1])) as client:
        assert client.getpeername()[0] == "127.0.0.1"


def test_each_test_has_an_empty_home_of_its_own(home: Path) -> None:
    assert os.environ["ATHENA_HOME"] == str(home)
    assert list(home.iterdir()) == []


def test_the_command_line_runs_in_this_process(cli: Callable[..., CliResult]) -> None:
    assert cli("--version").exit_code == 0

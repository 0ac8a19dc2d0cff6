"""What every test gets: no network but loopback, a home of its own, fixed seeds."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

from athena.platform import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.nats_server import NatsServer
    from tests.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
IS_FULL = os.environ.get("ATHENA_FULL") == "1"

settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("full", max_examples=10_000, deadline=None)
settings.load_profile("full" if IS_FULL else "quick")


class NetworkShutError(RuntimeError):
    """A test tried to reach beyond this machine."""


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shut the network but for loopback; the marker `registry` opens it."""
    if request.node.get_closest_marker("registry"):
        return
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            message = f"expected an address of this machine, was {address!r}"
            raise NetworkShutError(message)
        connect(self, address)

    def guarded_resolve(host: Any, *args: Any, **options: Any) -> Any:
        if host is not None and not _is_loopback(host):
            message = f"expected a name of this machine, was {host!r}"
            raise NetworkShutError(message)
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty data home, and no setting or secret of who runs it.

    The secrets that a process was given are masked as long as it lives: those of one test must not
    mask what another one prints.
    """
    for name in list(os.environ):
        if name.startswith("ATHENA_") and name not in {"ATHENA_FULL", "ATHENA_SHARED"}:
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ATHENA_HOME", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(Secret, "_given", set())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator of random numbers with a fixed seed."""
    return np.random.default_rng(42)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data that lies beside the checkout, or skip."""
    named = os.environ.get("ATHENA_SHARED")
    folder = (Path(named) if named else ROOT.parent / "shared") / "data"
    if not (folder / "MANIFEST.md").is_file():
        pytest.skip(f"no real data at {folder}: set ATHENA_SHARED")
    return folder


@pytest.fixture(scope="session")
def compiler_cache() -> Path:
    """Return where compiled code is kept between test runs; compiling takes half a minute."""
    return ROOT / ".cache"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server for all tests of this process, or skip."""
    pytest.importorskip("pg8000")
    from tests.postgres_server import PACKAGES, PostgresServer, find_programs

    programs = find_programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL server here: {PACKAGES}")
    server = PostgresServer(programs)
    server.start()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Return the address of a new, empty database."""
    name = f"test_{os.urandom(8).hex()}"
    postgres.administer(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    """Start a NATS server with JetStream for all tests of this process, or skip."""
    pytest.importorskip("nats")
    from tests.nats_server import PACKAGES, NatsServer, find_server

    program = find_server()
    if program is None:
        pytest.skip(f"no NATS server here: {PACKAGES}")
    server = NatsServer(program)
    server.start()
    yield server
    server.close()


@pytest.fixture
def nats_url(nats: NatsServer) -> str:
    """Return the address of a NATS server; what desks of other names say is not heard."""
    return nats.url


@dataclass(frozen=True, slots=True)
class CliResult:
    """What one run of the command line gave."""

    exit_code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Read stdout as the one JSON object it must be."""
        payload = json.loads(self.out)
        assert isinstance(payload, dict)
        return payload


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., CliResult]:
    """Return a function that runs `athena` with arguments, in this process."""
    from athena.app import run

    def call(*arguments: object) -> CliResult:
        capsys.readouterr()
        exit_code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return CliResult(exit_code, captured.out, captured.err)

    return call

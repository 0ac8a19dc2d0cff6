"""Which bus a configuration asks for."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from athena.desk.bus._local import LocalBus
from athena.desk.bus._nats import NatsBus
from athena.desk.bus._stream import Place, check_client, check_place, server_down
from athena.errors import ConfigError, InputError
from athena.platform import RandomIds, SecretName, find_secret

if TYPE_CHECKING:
    from athena.desk.bus._protocol import Archive, Bus
    from athena.platform import Clock

_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_OTHER_FORM = "of another form"
_MORE = "with more than that"
_IN_THE_OPEN = "without TLS to another machine"
_FORMS = "expected nats://HOST:PORT on this machine or tls://[USER@]HOST:PORT elsewhere"


def open_bus(url: str, desk: str, clock: Clock, archive: Archive | None = None) -> Bus:
    """Open the bus of a desk: in this process without an address, else over NATS.

    Args:
        url: `bus.url` of the configuration; empty for this process alone.
        desk: name that processes of one desk share, such as `paper`; 1 to 32 of `a-z 0-9 _ -`.
        clock: decides what has expired.
        archive: gets what leaves the history; None keeps nothing.

    Raises:
        ConfigError: the address is of another form, or asks to speak to another machine unseen.
        InputError: the name is of another form.
        MissingExtra: the client of NATS is not installed.
        ServiceDown: the server does not answer.
    """
    if not _NAME.fullmatch(desk):
        message = f"expected a name of {_NAME.pattern} for a desk, was {desk!r}"
        raise InputError(message)
    if not url:
        return LocalBus(clock, archive)
    return NatsBus(_place(url, desk), clock, archive)


def check_bus(url: str) -> None:
    """Ask a NATS server whether a desk could use it, without changing anything there.

    Raises:
        ConfigError, MissingExtra, ServiceDown: see `open_bus`.
    """
    place = _place(url, "check")
    check_client()
    from nats.errors import Error

    try:
        asyncio.run(check_place(place))
    except (Error, OSError, TimeoutError) as error:
        raise server_down(url, str(error) or type(error).__name__) from error


def _place(url: str, desk: str) -> Place:
    # What is wrong is not quoted: a piece of it may be a password.
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname and parts.port)
    except ValueError:
        raise _wrong(_OTHER_FORM) from None
    if parts.scheme not in {"nats", "tls"} or not is_whole or parts.password is not None:
        raise _wrong(_OTHER_FORM)
    if parts.path or parts.query or parts.fragment:
        raise _wrong(_MORE)
    if parts.scheme == "nats" and not _is_here(str(parts.hostname)):
        raise _wrong(_IN_THE_OPEN)
    found = find_secret(SecretName.BUS_PASSWORD)
    return Place(url, desk, RandomIds().next_id(), None if found is None else found.secret)


def _wrong(reason: str) -> ConfigError:
    return ConfigError(f"{_FORMS}, was an address {reason}", hint="correct bus.url")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

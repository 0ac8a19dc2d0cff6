"""Sign private requests, through ccxt; the keys never leave this file in the clear.

The signature is HMAC-SHA512 of the path and of the SHA-256 of nonce and form, with the decoded
secret (Kraken, "Spot REST authentication").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from athena.errors import InputError, MissingExtra
from athena.platform import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.platform import Secret


@dataclass(frozen=True, slots=True)
class Keys:
    """An API key and its secret; as text both are a mask.

    Attributes:
        key: names the account.
        secret: base64.
    """

    key: Secret
    secret: Secret


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it goes out.

    Attributes:
        url: whole address.
        body: the form.
        headers: with key and signature; not to be shown.
    """

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class NonceSource:
    """Give numbers that only rise: the time in nanoseconds, so that a restart goes on above.

    A clock that is set back makes it count up by ones until the time has caught up.
    """

    __slots__ = ("_clock", "_last")

    def __init__(self, clock: Clock | None = None) -> None:
        """Take the time from a clock; without one, from the machine's."""
        self._clock = clock or SystemClock()
        self._last = 0

    def __call__(self) -> int:
        """Return the next one."""
        self._last = max(self._clock.now_ns(), self._last + 1)
        return self._last


class Signer:
    """Turn an endpoint and its fields into a signed request."""

    __slots__ = ("_client",)

    def __init__(self, url: str, keys: Keys, nonces: NonceSource) -> None:
        """Prepare to sign.

        Args:
            url: address without a path, such as `https://api.kraken.com`.
            keys: of the account.
            nonces: shared by everything that uses these keys in this process.

        Raises:
            InputError: the secret is not base64; it is not shown.
            MissingExtra: the extra `live` is not installed.
        """
        _check_secret(keys.secret)
        try:
            from ccxt import kraken  # type: ignore[import-untyped]
        except ImportError as error:
            extra, needed_for = "live", "a signed request to Kraken"
            raise MissingExtra(extra, package="ccxt", needed_for=needed_for) from error
        credentials = {"apiKey": keys.key.reveal(), "secret": keys.secret.reveal()}
        self._client: Any = kraken(credentials)
        self._client.urls["api"]["private"] = url.rstrip("/")
        self._client.nonce = nonces

    def sign(self, endpoint: str, fields: Mapping[str, str]) -> SignedRequest:
        """Sign with the next nonce; requests have to leave in the order they were signed."""
        signed = self._client.sign(endpoint, ["private"], "POST", dict(fields))
        return SignedRequest(signed["url"], signed["body"].encode(), signed["headers"])


def _check_secret(secret: Secret) -> None:
    try:
        base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        message = "expected the API secret of Kraken as base64, was something else"
        # The cause is not chained: it might quote what it could not decode.
        raise InputError(message, hint="copy it again from Kraken's page of API keys") from None

"""Ask Kraken's public endpoints over HTTP; nothing here is signed, nothing changes anything."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from athena.errors import InputError, ServiceDown, VenueError
from athena.venues._contract import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import httpx2

_TIMEOUT_S = 20.0
MAX_BYTES = 64 * 2**20  # AssetPairs of every pair is about one


class PublicTransport:
    """A connection to the public endpoints; use it in a `with` block."""

    __slots__ = ("_client", "_url")

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Prepare to connect; nothing is sent yet.

        Args:
            url: address without a path, such as `https://api.kraken.com`.
            timeout_s: for connecting, and for each wait for more of an answer.
        """
        import httpx2

        self._url = url.rstrip("/")
        self._client = httpx2.Client(timeout=timeout_s)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, endpoint: str, parameters: Mapping[str, str]) -> HttpAnswer:
        """Ask a public endpoint and return its complete answer, whatever its status.

        Args:
            endpoint: such as `OHLC`.
            parameters: of the query.

        Raises:
            ServiceDown: no connection, no answer in time, or a body that breaks off.
            VenueError: a body of more than 64 MiB, or one that cannot be unpacked.
            InputError: the address is none.
        """
        import httpx2

        address = f"{self._url}/0/public/{endpoint}"
        try:
            with self._client.stream("GET", address, params=dict(parameters)) as answer:
                return HttpAnswer(answer.status_code, _read(answer), retry_after_s(answer))
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            message = f"expected an address such as https://api.kraken.com, was {self._url}"
            raise InputError(message) from error
        except httpx2.DecodingError as error:
            message = f"expected an answer of {address}, was packed wrongly"
            raise VenueError(message) from error
        except httpx2.TransportError as error:
            message = f"expected an answer of {address}, was {type(error).__name__}"
            raise ServiceDown(message, hint="check the connection and try again") from error


def _read(answer: httpx2.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            message = f"expected at most {MAX_BYTES} bytes of an answer, was more"
            raise VenueError(message)
    return bytes(body)


def retry_after_s(answer: httpx2.Response) -> int | None:
    """Return how long an answer that is none asks to wait; None when it does not say."""
    # The header may also hold a date; Kraken does not send one, and 15 s are waited then.
    text = answer.headers.get("retry-after", "")
    is_slow_down = answer.status_code != HTTPStatus.OK
    return int(text) if is_slow_down and text.isascii() and text.isdigit() else None

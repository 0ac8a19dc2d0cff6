"""What an API key may do: GetApiKeyInfo, which any key may ask about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.venues._contract import Call
from athena.venues.kraken._adapter_calls import result_of
from athena.venues.kraken._limits import read_charges
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from athena.venues._contract import CallFailed, HttpAnswer

_ENDPOINT = "GetApiKeyInfo"
_TIMEOUT_NS = 10 * SECOND_NS
_WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """The rights of a key.

    Attributes:
        permissions: as Kraken names them, such as `query-funds` or `withdraw-funds`.
    """

    permissions: tuple[str, ...]

    @property
    def withdrawal(self) -> tuple[str, ...]:
        """Return the rights that have to do with withdrawals, addresses included."""
        return tuple(name for name in self.permissions if _WITHDRAW in name.lower())


def key_info_call(now_ns: int) -> Call:
    """Return the request; it needs no right of its own."""
    return Call(
        1,
        _ENDPOINT,
        {},
        is_private=True,
        priority=Priority.READ,
        charges=read_charges(),
        deadline_ns=now_ns + _TIMEOUT_NS,
        timeout_ns=_TIMEOUT_NS,
    )


def read_key_info(answer: HttpAnswer | CallFailed) -> KeyInfo:
    """Translate the answer.

    Raises:
        ServiceDown: nothing came back.
        VenueRefused: the key or its signature is wrong.
        VenueError: the answer does not list the key's rights, or is none.
    """
    return KeyInfo(result_of(answer, _ENDPOINT).texts("permissions"))

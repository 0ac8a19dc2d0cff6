"""What Kraken's error codes mean: who must act, and whether the request can have been carried out.

Kraken answers `E<category>:<text>` (an error) or `W<category>:<text>` (a warning). A code is known
here with its `Fate`; one that is not known may mean anything, so after a send it is UNKNOWN.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.errors import OutcomeUnknown, ServiceDown, VenueBusy, VenueRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.errors import AthenaError

DEFAULT_PAUSE_NS = 15_000_000_000  # when a venue says "slow down" and not for how long


class Fate(StrEnum):
    """What an error code says about the request that it answers."""

    REFUSED = "refused"  # not carried out, and it never will be as it stands
    SLOW_DOWN = "slow down"  # not carried out: too many requests
    NOT_NOW = "not now"  # not carried out: the market or the key is not ready
    UNKNOWN = "unknown"  # it may have been carried out


# Only what is listed counts as refused: an order called refused that is not would be sent twice.
_ORDER_REFUSALS = (
    "EOrder:Cannot open",
    "EOrder:Cost minimum not met",
    "EOrder:Insufficient",
    "EOrder:Invalid order",
    "EOrder:Invalid price",
    "EOrder:Margin allowance exceeded",
    "EOrder:Margin level too low",
    "EOrder:Margin position size exceeded",
    "EOrder:Order minimum not met",
    "EOrder:Orders limit exceeded",
    "EOrder:Positions limit exceeded",
    "EOrder:Post only order",
    "EOrder:Reduce only",
    "EOrder:Scheduled orders limit exceeded",
    "EOrder:Tick size check failed",
    "EOrder:Trading agreement required",
    "EOrder:Unknown order",
    "EOrder:Unknown position",
)

# The longest match wins. Sources: Kraken's REST documentation (errors) and, for EService, reports
# of orders that were placed although the answer was Unavailable or Busy.
_FATES: Mapping[str, Fate] = {
    "EAPI:": Fate.REFUSED,
    "EAPI:Rate limit exceeded": Fate.SLOW_DOWN,
    "EAPI:Invalid nonce": Fate.NOT_NOW,
    "EAuth:": Fate.REFUSED,
    "EAuth:Rate limit exceeded": Fate.SLOW_DOWN,
    "EAuth:Too many requests": Fate.SLOW_DOWN,
    "EGeneral:Invalid arguments": Fate.REFUSED,
    "EGeneral:Permission denied": Fate.REFUSED,
    "EGeneral:Unknown method": Fate.REFUSED,
    "EGeneral:Temporary lockout": Fate.SLOW_DOWN,
    "EGeneral:Too many requests": Fate.SLOW_DOWN,
    **dict.fromkeys(_ORDER_REFUSALS, Fate.REFUSED),
    "EOrder:Rate limit exceeded": Fate.SLOW_DOWN,
    "EOrder:Domain rate limit exceeded": Fate.SLOW_DOWN,
    "EQuery:": Fate.REFUSED,
    "EService:Deadline elapsed": Fate.NOT_NOW,
    "EService:Market in cancel_only mode": Fate.NOT_NOW,
    "EService:Market in limit_only mode": Fate.NOT_NOW,
    "EService:Market in post_only mode": Fate.NOT_NOW,
    "EService:Throttled": Fate.SLOW_DOWN,
}

_HINTS: Mapping[str, str] = {
    "EAPI:Invalid key": "check the API key; it may have been revoked",
    "EAPI:Invalid signature": "check the API secret",
    "EAPI:Invalid nonce": "let one process use a key, and check the machine's clock",
    "EGeneral:Permission denied": "give the API key the permission this call needs",
    "EOrder:Insufficient funds": "check the balance; open orders reserve a part of it",
    "EOrder:Unknown order": "it is not open: ask for closed orders before anything else",
    "EQuery:Unknown asset pair": "check the symbol",
}

_KEY_REFUSED = ("EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied")

_THROTTLED_UNTIL = re.compile(r"EService:Throttled: ?([0-9]{10})")


def fate_of(code: str) -> Fate:
    """Look up what an error code says about the request; UNKNOWN for one that is not listed."""
    known = [prefix for prefix in _FATES if code.startswith(prefix)]
    return _FATES[max(known, key=len)] if known else Fate.UNKNOWN


def is_key_refused(text: str) -> bool:
    """Tell whether a text says that the venue refused the key itself: no waiting mends that."""
    return any(code in text for code in _KEY_REFUSED)


def worst_fate(codes: Sequence[str]) -> Fate:
    """Judge an answer with several codes: one that is UNKNOWN makes the whole answer so."""
    fates = {fate_of(code) for code in codes}
    order = (Fate.UNKNOWN, Fate.REFUSED, Fate.NOT_NOW, Fate.SLOW_DOWN)
    return next((fate for fate in order if fate in fates), Fate.UNKNOWN)


def read_error(codes: Sequence[str], what: str) -> AthenaError:
    """Make the typed error of a read (a request that changes nothing) that was answered by codes.

    A read may be asked again unless it was REFUSED.
    """
    return _error(codes, what, worst_fate(codes), unknown=ServiceDown)


def send_error(codes: Sequence[str], what: str) -> AthenaError:
    """Make the typed error of a send (a request that changes something).

    UNKNOWN becomes OutcomeUnknown: ask by client order id, never resend.
    """
    return _error(codes, what, worst_fate(codes), unknown=OutcomeUnknown)


def pause_until_ns(codes: Sequence[str], now_ns: int) -> int | None:
    """Return until when the codes ask to be left alone, or None when they do not."""
    if not any(fate_of(code) is Fate.SLOW_DOWN for code in codes):
        return None
    stated = [_THROTTLED_UNTIL.match(code) for code in codes]
    hints = [int(match[1]) * 1_000_000_000 for match in stated if match]
    return max(*hints, now_ns) if hints else now_ns + DEFAULT_PAUSE_NS


def _error(
    codes: Sequence[str], what: str, fate: Fate, *, unknown: type[AthenaError]
) -> AthenaError:
    kinds: Mapping[Fate, type[AthenaError]] = {
        Fate.REFUSED: VenueRefused,
        Fate.SLOW_DOWN: VenueBusy,
        Fate.NOT_NOW: VenueBusy,
        Fate.UNKNOWN: unknown,
    }
    hints = [_HINTS[known] for code in codes for known in _HINTS if code.startswith(known)]
    message = f"expected Kraken to answer {what}, was {', '.join(codes)}"
    return kinds[fate](message, hint="; ".join(hints))

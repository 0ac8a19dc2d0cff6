"""Whether a signed request is signed at all; any key and secret open a test account."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST_BYTES = 64  # HMAC-SHA512
REVOKED_PREFIX = "revoked"


def refusal_of(headers: Mapping[str, str], fields: Mapping[str, str]) -> str:
    """Judge a private request by its looks; empty when it will do.

    The secret is not known here, so the signature is checked for its shape alone. A key that
    starts with `revoked` is refused, for whoever wants to see that. Whether the nonce has risen
    is for the exchange to say.

    Args:
        headers: of the request; names in any case.
        fields: of its form.

    Returns:
        Kraken's error code, or nothing.
    """
    key = headers.get("api-key", "")
    if not key or key.startswith(REVOKED_PREFIX):
        return "EAPI:Invalid key"
    try:
        signature = base64.b64decode(headers.get("api-sign", ""), validate=True)
    except binascii.Error:
        return "EAPI:Invalid signature"
    if len(signature) != _DIGEST_BYTES:
        return "EAPI:Invalid signature"
    return "" if "nonce" in fields else "EAPI:Invalid nonce"

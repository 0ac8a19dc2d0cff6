"""What a model is shown of a market: bars, indicators and what is held, never where or when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.models._prompt import number_of
from athena.domain import format_interval
from athena.language import Asset, PriceOf, VolumeOf

if TYPE_CHECKING:
    from athena.desk.inputs import AccountView, Snapshot
    from athena.language import Fact

_BARS = 48


def market_facts(snapshot: Snapshot, account: AccountView | None) -> dict[str, Fact]:
    """Gather what may be shown of a symbol: the working frame's last 48 bars, oldest first.

    The amount held is not shown, only its side: a model does not size by the account.
    """
    symbol, frame = snapshot.symbol, snapshot.working
    held = 0 if account is None else account.held(symbol)
    return {
        "instrument": Asset(symbol),
        "length_of_a_bar": format_interval(frame.interval_ns),
        "closes": [PriceOf(symbol, float(close)) for close in frame.close[-_BARS:]],
        "volumes": [VolumeOf(symbol, float(volume)) for volume in frame.volume[-_BARS:]],
        "indicators": {
            name: number_of(symbol, name, value) for name, value in sorted(frame.values.items())
        },
        "trend_alignment_of_frames": snapshot.alignment,
        "position": "none" if held == 0 else "long" if held > 0 else "short",
        "quality": list(snapshot.quality.reasons),
    }

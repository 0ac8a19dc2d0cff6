"""The account as a strategy's view shows it: the core's own numbers, none of them recomputed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.desk.inputs import AccountView, PositionView
from athena.domain import DAY_NS, Regime, from_money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.inputs import Snapshot
    from athena.trading import View

_PPM = 1_000_000


def account_of(view: View, snapshots: Sequence[Snapshot]) -> AccountView:
    """Read the account at the close of a bar.

    Args:
        view: of the desk as a strategy of the core.
        snapshots: of every instrument, in the view's order; mean volumes come from them.
    """
    positions = tuple(
        [
            PositionView(
                symbol=instrument.symbol,
                quantity=instrument.lots_to_quantity(lots),
                value=from_money(view.value(lots, k)),
                daily_volume_value=_daily_value(snapshots[k]),
            )
            for k, (instrument, lots) in enumerate(
                zip(view.instruments, view.positions, strict=True)
            )
            if lots
        ]
    )
    return AccountView(
        as_of_ns=view.now_ns,
        equity=from_money(view.equity()),
        cash=from_money(view.cash),
        positions=positions,
        drawdown_frac=view.drawdown_ppm() / _PPM,
    )


def floors_of(view: View) -> dict[Regime, float]:
    """Return the least confidence by regime that the risk engine lets risk through with now."""
    return {regime: view.confidence_floor_ppm(regime) / _PPM for regime in Regime}


def _daily_value(snapshot: Snapshot) -> Decimal | None:
    """Return the mean value traded a day over the daily frame; None when it is not known."""
    days, price = snapshot.frame(DAY_NS), snapshot.price
    if days is None or len(days) == 0 or price is None:
        return None
    return Decimal(repr(float(days.volume.mean()))) * price

"""What may become orders: a strategy's proposal, and the plan that would carry it out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - pydantic reads the annotations
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal

from athena.desk.contract._checks import check_between, check_finite, check_price
from athena.desk.contract._views import STRICT
from athena.domain import (  # noqa: TC001 - pydantic reads the annotations
    Action,
    OrderType,
    Regime,
    Side,
)

if TYPE_CHECKING:
    from pydantic import ConfigDict


class PlanStyle(StrEnum):
    """How a plan trades: at once, with a limit, in equal slices, or in slices by volume."""

    MARKET = "market"
    LIMIT = "limit"
    TWAP = "twap"
    VWAP = "vwap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a strategy would do; prices are exact and whole ticks.

    Attributes:
        id: unique; trading signals, risk alerts and vetoes refer to it.
        symbol: instrument.
        action: `hold` has no prices and no size.
        strategy: name of the rule that asks, `panel` for the model panel.
        strength: 0..1.
        regime: label it was chosen in.
        entry_price, stop_price, target_price: in quote currency; None where there is none.
        size_frac: suggested share of equity, 0..1; the risk engine's sizing is final.
        leverage: asked for, 1..5.
        hedge_symbol: the other leg of a pair; empty otherwise.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["proposal"] = "proposal"
    id: str
    symbol: str
    action: Action
    strategy: str
    strength: float
    regime: Regime
    entry_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    size_frac: float = 0.0
    leverage: int = 1
    hedge_symbol: str = ""

    def __post_init__(self) -> None:
        """Refuse sizes, prices and leverage that nothing can mean."""
        check_between("strength", self.strength, 0, 1)
        check_between("size_frac", self.size_frac, 0, 1)
        check_between("leverage", self.leverage, 1, 5)
        for name in ("entry_price", "stop_price", "target_price"):
            check_price(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """One order of a plan; the core's risk engine has the last word on its size.

    Attributes:
        symbol: instrument.
        side: direction.
        type: what the order asks of the venue; of each slice, for a plan in slices.
        quantity: in base currency, whole lots.
        limit_price: of a limit order; None for others.
        stop_price, target_price: protections of an entry; None on exits.
        is_exit: True for an order that can only reduce.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    is_exit: bool = False

    def __post_init__(self) -> None:
        """Refuse an order without a size, or with prices that are not prices."""
        check_price("quantity", self.quantity)
        for name in ("limit_price", "stop_price", "target_price"):
            check_price(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a proposal would be carried out (4.6).

    Attributes:
        proposal_id: what it carries out.
        style: how it trades.
        orders: empty when it is not feasible.
        is_feasible: False makes the plan vote hold; `refusals` say why.
        refusals: reasons, empty when feasible.
        expected_slippage_bps, expected_fee_bps: of the notional, each side of the trade.
        expected_gain_bps: distance from entry to target; None without a target.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["plan"] = "plan"
    proposal_id: str
    style: PlanStyle
    orders: tuple[PlannedOrder, ...]
    is_feasible: bool
    refusals: tuple[str, ...]
    expected_slippage_bps: float
    expected_fee_bps: float
    expected_gain_bps: float | None

    def __post_init__(self) -> None:
        """Refuse costs that are not finite."""
        check_finite("expected_slippage_bps", self.expected_slippage_bps)
        check_finite("expected_fee_bps", self.expected_fee_bps)

"""What a session does besides its strategies: orders of people, holdings at weights, bags."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.app.live import BAGS_SLOT, CORE_SLOT, MANUAL_SLOT
from athena.domain import MINUTE_NS, Book, to_money
from athena.errors import InputError
from athena.trading import StrategySlot
from athena.trading import layout as at
from athena.trading.algorithms import HodlAsset, HodlRules, RebalanceRules
from athena.trading.live import PlanRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Instrument
    from athena.platform.config import Config

_QUOTE_THRESHOLD = to_money(Decimal(1))  # pending quote money is kept from here on
_HODL_WEIGHTS = {"XRP": Decimal("0.3333"), "BTC": Decimal("0.3333")}


@dataclass(frozen=True, slots=True)
class Business:
    """What is added to a session's plan.

    Attributes:
        slots: behind the strategies'.
        rules: of what goes on by itself.
        coins_slot: that the account's coins are booked on; None sets them aside.
    """

    slots: tuple[StrategySlot, ...]
    rules: PlanRules
    coins_slot: int | None


def business_of(
    config: Config, instruments: Sequence[Instrument], n_strategies: int, session_id: str
) -> Business:
    """Return what a configuration wants of a session besides its strategies.

    The slots of people and holdings may each use the whole equity: what all slots together may
    have at stake is the account's limits' to say.

    Args:
        config: sections `rebalance` and `hodl`.
        instruments: of the session.
        n_strategies: slots that come first.
        session_id: keys of purchases derive from it.

    Raises:
        InputError: a weight is of a coin that the session does not trade.
    """
    core = n_strategies + 1
    share_ppm = _ppm(config.rebalance.share_frac) if config.rebalance.weights else at.PPM
    slots = [StrategySlot(MANUAL_SLOT), StrategySlot(CORE_SLOT, Book.CORE, share_ppm)]
    hodl = None
    if config.hodl.is_enabled:
        slots.append(StrategySlot(BAGS_SLOT, Book.HODL))
        hodl = _hodl_rules(config, instruments, core + 1, session_id)
    rules = PlanRules(rebalance=_rebalance_rules(config, instruments, core), hodl=hodl)
    takes_coins = rules.rebalance is not None and config.rebalance.takes_coins
    return Business(tuple(slots), rules, core if takes_coins else None)


def _rebalance_rules(
    config: Config, instruments: Sequence[Instrument], slot: int
) -> RebalanceRules | None:
    section = config.rebalance
    if not section.weights:
        return None
    _check_traded("rebalance.weights", section.weights, instruments)
    return RebalanceRules(
        strategy=slot,
        weights_ppm=tuple(_ppm(section.weights.get(item.base, 0)) for item in instruments),
        check_ns=section.check_minutes * MINUTE_NS,
        rest_ns=section.rest_minutes * MINUTE_NS,
        off_ppm=_ppm(section.off_frac),
    )


def _hodl_rules(
    config: Config, instruments: Sequence[Instrument], slot: int, session_id: str
) -> HodlRules:
    section = config.hodl
    _check_traded("hodl.weights", section.weights, instruments)
    weights = section.weights or _HODL_WEIGHTS
    coins = [
        HodlAsset(
            item.base,
            k,
            _ppm(weights[item.base]),
            to_money(section.purchase_min[item.base]),
        )
        for k, item in enumerate(instruments)
        if item.base in weights
    ]
    rest_ppm = at.PPM - sum(coin.weight_ppm for coin in coins)
    quote = HodlAsset(instruments[0].quote, -1, rest_ppm, _QUOTE_THRESHOLD)
    return HodlRules(
        id=f"hodl/{session_id}",
        strategy=slot,
        assets=(quote, *coins),
        share_ppm=_ppm(section.profit_frac),
        least_profit=to_money(section.profit_min),
        event_cap=to_money(section.event_max),
        day_cap=to_money(section.day_max),
    )


def _check_traded(
    name: str, weights: Mapping[str, Decimal], instruments: Sequence[Instrument]
) -> None:
    traded = [item.base for item in instruments]
    strange = sorted(set(weights) - set(traded))
    if strange:
        message = f"expected {name} of what the session trades ({', '.join(traded)}), was "
        raise InputError(message + ", ".join(strange), hint="--symbol or session.symbols")


def _ppm(part: Decimal | int) -> int:
    return int(part * at.PPM)

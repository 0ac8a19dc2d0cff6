"""What a comparison came to, in decimals and names."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.domain import from_money
from athena.research.comparison._parts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.research.comparison._gap import Effect
    from athena.research.comparison._reading import ReadRun

_N_LARGEST = 5


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to, in quote currency.

    Attributes:
        cash: to start with.
        transfers: deposits less withdrawals.
        equity: at the last close.
        profit: equity - cash - transfers.
        n_decisions: orders that were asked for, refused ones included, or made by the core; the
            protections of an entry are part of it.
        n_filled: how many of them filled, wholly or in part.
    """

    name: str
    cash: Decimal
    transfers: Decimal
    equity: Decimal
    profit: Decimal
    n_decisions: int
    n_filled: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one decision did to the gap.

    Attributes:
        ts_ns: when it was taken, the earlier of two.
        side: `buy` or `sell`.
        purpose: of the order; `mark` stands for a position still open at the end.
        filled_a, filled_b: in base currency.
        parts: quote currency by part, > 0 where B made more; only those that are not 0.
        total: their sum.
    """

    ts_ns: int
    strategy: str
    symbol: str
    side: str
    purpose: str
    filled_a: Decimal
    filled_b: Decimal
    parts: dict[Part, Decimal]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """The gap between two runs, split.

    Attributes:
        quote: currency of every amount.
        gap: profit of B less profit of A.
        parts: every part, > 0 where B made more.
        residual: gap - sum of parts; 0 by construction.
        symbols: the parts by symbol; funding belongs to the account and is not among them.
        largest: the decisions that moved most, the largest first.
        n_both, n_only_a, n_only_b: decisions that were taken in both runs, or in one.
        differences: parameter -> its values in A and B, where they differ.
    """

    a: RunResult
    b: RunResult
    quote: str
    gap: Decimal
    parts: dict[Part, Decimal]
    residual: Decimal
    symbols: dict[str, dict[Part, Decimal]]
    largest: list[Contribution]
    n_both: int
    n_only_a: int
    n_only_b: int
    differences: dict[str, tuple[Any, Any]]


def make_comparison(
    own: ReadRun, other: ReadRun, effects: list[Effect], units: dict[str, Decimal]
) -> Comparison:
    """Sum the effects up, and write them in decimals.

    Args:
        own: the run to compare with.
        other: the run to explain.
        effects: of every pair of orders.
        units: what one lot of a symbol is, in base currency.
    """
    parts = dict.fromkeys(Part, 0)
    parts[Part.FUNDING] = other.log.funding - own.log.funding
    symbols: dict[str, dict[Part, int]] = {symbol: {} for symbol in sorted(units)}
    for effect in effects:
        of_symbol = symbols[effect.pair.orders[0].symbol]
        for part, amount in effect.parts.items():
            parts[part] += amount
            of_symbol[part] = of_symbol.get(part, 0) + amount
    gap = other.profit - own.profit
    moved = [effect for effect in effects if effect.total]
    largest = heapq.nlargest(_N_LARGEST, moved, key=lambda effect: abs(effect.total))
    decisions = [
        effect.pair
        for effect in effects
        if effect.pair.entry is None and not effect.pair.orders[0].is_mark
    ]
    return Comparison(
        a=_run_result(own),
        b=_run_result(other),
        quote=own.log.instruments[0].quote,
        gap=from_money(gap),
        parts=_amounts(parts),
        residual=from_money(gap - sum(parts.values())),
        symbols={symbol: _amounts(found) for symbol, found in symbols.items()},
        largest=[_contribution(effect, units) for effect in largest],
        n_both=sum(pair.a is not None and pair.b is not None for pair in decisions),
        n_only_a=sum(pair.b is None for pair in decisions),
        n_only_b=sum(pair.a is None for pair in decisions),
        differences=_differences(own.manifest, other.manifest),
    )


def _amounts(parts: Mapping[Part, int]) -> dict[Part, Decimal]:
    return {part: from_money(parts[part]) for part in Part if part in parts}


def _run_result(side: ReadRun) -> RunResult:
    decisions = [o for o in side.log.orders if o.entry is None and not o.is_mark]
    return RunResult(
        name=side.name,
        cash=from_money(side.cash),
        transfers=from_money(side.log.transfers),
        equity=from_money(side.equity),
        profit=from_money(side.profit),
        n_decisions=len(decisions),
        n_filled=sum(order.filled > 0 for order in decisions),
    )


def _contribution(effect: Effect, units: Mapping[str, Decimal]) -> Contribution:
    orders = effect.pair.orders
    first = orders[0]
    filled_a, filled_b = (
        (0 if order is None else order.filled) * units[first.symbol]
        for order in (effect.pair.a, effect.pair.b)
    )
    return Contribution(
        ts_ns=min(order.bar_ns if order.is_mark else order.decided_ns for order in orders),
        strategy=first.strategy,
        symbol=first.symbol,
        side="buy" if first.side > 0 else "sell",
        purpose="mark" if first.is_mark else str(first.purpose),
        filled_a=filled_a,
        filled_b=filled_b,
        parts=_amounts(effect.parts),
        total=from_money(effect.total),
    )


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parameters that differ; `kind` is left out, which changes no result."""
    own, other = (manifest.get("parameters", {}) for manifest in (a, b))
    names = [name for name in {**own, **other} if name != "kind"]
    return {
        name: (own.get(name), other.get(name))
        for name in names
        if own.get(name) != other.get(name)
    }

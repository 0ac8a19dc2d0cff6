"""Find the orders of two runs that come of the same decision."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athena.research.comparison._orders import Order

Key = tuple[str, str, int, Purpose, str]


@dataclass(slots=True, eq=False)
class Pair:
    """One decision, as the two runs took it.

    Attributes:
        a, b: its order in each run; None where that run took no such decision.
        entry: of a protection, the pair that it protects.
    """

    a: Order | None
    b: Order | None
    entry: Pair | None = None

    @property
    def orders(self) -> list[Order]:
        """Return the one order or both."""
        return [order for order in (self.a, self.b) if order is not None]


def match_orders(a: Sequence[Order], b: Sequence[Order], within_ns: int) -> list[Pair]:
    """Pair the orders of two runs.

    Orders with the same strategy, symbol, side and purpose belong together when they were decided
    at the same time; of what is left, the nearest within `within_ns`, each at most once. The
    protections of an entry follow their entry. What has no partner is a pair with one order.

    Exchanging the runs exchanges `a` and `b` of every pair and changes nothing else.
    """
    own = _by_key(order for order in a if order.entry is None)
    others = _by_key(order for order in b if order.entry is None)
    pairs: list[Pair] = []
    for key in sorted({*own, *others}):
        pairs += _match(own.get(key, []), others.get(key, []), within_ns)
    return pairs + _guards(pairs, a, b)


def _by_key(orders: Iterable[Order]) -> dict[Key, list[Order]]:
    found: dict[Key, list[Order]] = defaultdict(list)
    for order in orders:
        # Who closed a position is part of what was decided.
        maker = str(order.cause) if order.purpose is Purpose.LIQUIDATE else ""
        found[order.strategy, order.symbol, order.side, order.purpose, maker].append(order)
    return found


def _match(a: list[Order], b: list[Order], within_ns: int) -> list[Pair]:
    pairs, rest_a, rest_b = _at_the_same_time(a, b)
    near, rest_a, rest_b = _nearest(rest_a, rest_b, within_ns)
    alone = [Pair(order, None) for order in rest_a] + [Pair(None, order) for order in rest_b]
    return pairs + near + alone


def _at_the_same_time(
    a: list[Order], b: list[Order]
) -> tuple[list[Pair], list[Order], list[Order]]:
    """Pair orders decided at the same time, the first with the first; return what is left."""
    waiting: dict[int, list[Order]] = defaultdict(list)
    for order in reversed(b):
        waiting[order.decided_ns].append(order)
    pairs: list[Pair] = []
    rest: list[Order] = []
    for order in a:
        if waiting[order.decided_ns]:
            pairs.append(Pair(order, waiting[order.decided_ns].pop()))
        else:
            rest.append(order)
    left = {order for orders in waiting.values() for order in orders}
    return pairs, rest, [order for order in b if order in left]


def _nearest(
    a: list[Order], b: list[Order], within_ns: int
) -> tuple[list[Pair], list[Order], list[Order]]:
    """Pair the nearest in time first, each order once; return what is left."""
    times = [order.decided_ns for order in b]
    found: list[tuple[int, int, int, int]] = []
    for i, order in enumerate(a):
        first = bisect_left(times, order.decided_ns - within_ns)
        for j in range(first, bisect_right(times, order.decided_ns + within_ns)):
            apart = abs(order.decided_ns - times[j])
            found.append((apart, min(order.decided_ns, times[j]), i, j))
    free_a, free_b = dict(enumerate(a)), dict(enumerate(b))
    pairs = []
    for _, _, i, j in sorted(found):
        if i in free_a and j in free_b:
            pairs.append(Pair(free_a.pop(i), free_b.pop(j)))
    return pairs, list(free_a.values()), list(free_b.values())


def _guards(pairs: list[Pair], a: Sequence[Order], b: Sequence[Order]) -> list[Pair]:
    """Pair the protections of the entries that are pairs."""
    guards = {order.entry: order for order in (*a, *b) if order.entry is not None}
    found = []
    for pair in pairs:
        guard_a, guard_b = (None if o is None else guards.get(o) for o in (pair.a, pair.b))
        if guard_a is not None or guard_b is not None:
            found.append(Pair(guard_a, guard_b, entry=pair))
    return found

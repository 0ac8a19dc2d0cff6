"""Arbitrage in the quotes themselves: what could be bought and sold for a certain profit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from athena.pricing._contracts import Floats
    from athena.pricing.chain._quotes import ChainQuotes
    from athena.pricing.chain._volatilities import RowTerms

    Indices = NDArray[np.intp]

_REACH = 3  # a triple spans at most this many steps between neighbouring strikes on each side
_LEAST_FRAC = 1e-9  # of the forward: a profit under this is rounding
_NO_SIZE = 1e-9  # of a contract: a leg this small comes from rounding a strike
KINDS = ("bounds", "parity", "vertical", "butterfly", "calendar")


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a finding.

    Attributes:
        row: in the file; 0 stands for the underlying and cash.
        side: `buy` or `sell`.
        quantity: contracts for one unit of profit.
    """

    row: int
    side: str
    quantity: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a no-arbitrage rule.

    Attributes:
        kind: one of `KINDS`.
        rule: the inequality that does not hold, in words.
        legs: what to buy and sell.
        profit: per unit, quote currency, at bid and ask after fees; at the mids where it cannot be
            executed.
        half_spreads: the profit in half-spreads of its legs together.
        is_executable: it pays at bid and ask; else only at the mids.
        oldest_s: age of its oldest quote at the snapshot.
    """

    kind: str
    rule: str
    legs: tuple[Leg, ...]
    profit: float
    half_spreads: float
    is_executable: bool
    oldest_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was found, and among how many neighbours.

    Attributes:
        found: the executable ones first, each by profit.
        n_pairs: neighbouring strikes that were compared.
        n_broken_pairs: those with an executable vertical or butterfly finding between them.
    """

    found: tuple[Finding, ...]
    n_pairs: int
    n_broken_pairs: int

    @property
    def n_executable(self) -> int:
        """Count those that pay at bid and ask."""
        return sum(item.is_executable for item in self.found)

    @property
    def broken_frac(self) -> float:
        """Share of neighbouring strikes with an executable vertical or butterfly finding."""
        return self.n_broken_pairs / self.n_pairs if self.n_pairs else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Rules:
    """A batch of inequalities of one kind: a row of `rows` and `sizes` for each.

    A size > 0 buys, < 0 sells that many; the certain pay-off is `floor`, so the profit is
    floor - cost. A side beyond the options (underlying, cash) is inside `floor`.
    """

    kind: str
    rule: str
    rows: Indices  # (n, legs)
    sizes: Floats  # (n, legs)
    floor: Floats  # (n,)


def find_arbitrage(
    quotes: ChainQuotes, terms: RowTerms, at_ns: int, fee_per_leg: float = 0.0
) -> Findings:
    """Look through neighbouring strikes, triples up to three apart, pairs and expiries.

    Args:
        quotes: rows with bid and ask that are not crossed.
        terms: of the rows; rows without a forward are left out.
        at_ns: the snapshot, for the ages.
        fee_per_leg: quote currency.

    Source: section 9.3 of the specification; Carr and Madan (2005), A note on sufficient
    conditions for no arbitrage, Finance Research Letters 2. PR-28.
    """
    book = _Book(quotes, terms, at_ns, fee_per_leg)
    found: list[Finding] = []
    for expiry in np.unique(quotes.expiry_ns[terms.is_known]).tolist():
        sides = [
            _sorted(quotes, np.flatnonzero(_at(quotes, terms, expiry) & (quotes.is_call == call)))
            for call in (True, False)
        ]
        for rules in _expiry_rules(quotes, terms, *sides):
            found += book.judge(rules)
    for rules in chain(_calendars(quotes, terms), _european_calendars(quotes, terms)):
        found += book.judge(rules)
    found.sort(key=lambda item: (not item.is_executable, -item.profit, item.legs[0].row))
    return Findings(tuple(found), *_neighbours(quotes, terms, found))


def _at(quotes: ChainQuotes, terms: RowTerms, expiry_ns: int) -> NDArray[np.bool_]:
    return np.asarray((quotes.expiry_ns == expiry_ns) & terms.is_known)


def _sorted(quotes: ChainQuotes, rows: Indices) -> Indices:
    return rows[np.argsort(quotes.strike[rows], kind="stable")]


class _Book:
    """Price the two sides of every rule."""

    def __init__(
        self, quotes: ChainQuotes, terms: RowTerms, at_ns: int, fee_per_leg: float
    ) -> None:
        self._row = quotes.row
        self._bid, self._ask = quotes.bid * terms.unit, quotes.ask * terms.unit
        self._mid = 0.5 * (self._bid + self._ask)
        self._age_s = (at_ns - quotes.quoted_ns) / 1e9
        self._fee = fee_per_leg
        self._least = _LEAST_FRAC * terms.forward

    def judge(self, rules: _Rules) -> Iterator[Finding]:
        """Yield the inequalities that do not hold."""
        if len(rules.rows) == 0:
            return
        size, rows = rules.sizes, rules.rows
        fees = self._fee * np.abs(size).sum(axis=1)
        cost = np.where(size > 0.0, size * self._ask[rows], size * self._bid[rows]).sum(axis=1)
        profit = rules.floor - cost - fees
        at_mid = rules.floor - (size * self._mid[rows]).sum(axis=1) - fees
        half = 0.5 * (np.abs(size) * (self._ask - self._bid)[rows]).sum(axis=1)
        least = self._least[rows[:, 0]]
        for index in np.flatnonzero((profit > least) | (at_mid > least)).tolist():
            is_executable = bool(profit[index] > least[index])
            gain = float(profit[index] if is_executable else at_mid[index])
            yield Finding(
                kind=rules.kind,
                rule=rules.rule,
                legs=tuple(
                    Leg(int(self._row[row]), "buy" if count > 0 else "sell", abs(float(count)))
                    for row, count in zip(rows[index].tolist(), size[index].tolist(), strict=True)
                    if count != 0.0
                ),
                profit=gain,
                half_spreads=gain / half[index] if half[index] > 0.0 else float("inf"),
                is_executable=is_executable,
                oldest_s=float(self._age_s[rows[index]].max()),
            )


def _expiry_rules(
    quotes: ChainQuotes, terms: RowTerms, calls: Indices, puts: Indices
) -> Iterator[_Rules]:
    for rows, is_call in ((calls, True), (puts, False)):
        yield from _bounds(quotes, terms, rows, is_call=is_call)
        yield from _verticals(quotes, terms, rows, is_call=is_call)
        yield from _butterflies(quotes, rows)
    yield from _parities(quotes, terms, calls, puts)


def _bounds(
    quotes: ChainQuotes, terms: RowTerms, rows: Indices, *, is_call: bool
) -> Iterator[_Rules]:
    strike = quotes.strike[rows]
    forward, discount = terms.forward[rows], terms.discount[rows]
    inner = np.maximum((forward - strike) * (1.0 if is_call else -1.0), 0.0)
    most = np.where(terms.is_american[rows], _spot(terms, rows), discount * forward)
    if not is_call:
        most = np.where(terms.is_american[rows], 1.0, discount) * strike
    one = np.ones((len(rows), 1))
    yield _Rules(
        "bounds", "ask under the discounted intrinsic value", rows[:, None], one, discount * inner
    )
    yield _Rules("bounds", "bid over the largest value", rows[:, None], -one, -most)
    american = rows[terms.is_american[rows]]
    gap = (_spot(terms, american) - quotes.strike[american]) * (1.0 if is_call else -1.0)
    one = np.ones((len(american), 1))
    yield _Rules("bounds", "ask under the exercise value", american[:, None], one, gap)


def _spot(terms: RowTerms, rows: Indices) -> Floats:
    return terms.contracts.spot[rows]


def _verticals(
    quotes: ChainQuotes, terms: RowTerms, rows: Indices, *, is_call: bool
) -> Iterator[_Rules]:
    """Compare neighbours: the dearer side cannot be cheaper, nor dearer by more than the width."""
    if len(rows) < 2:  # noqa: PLR2004 - a vertical has two legs
        return
    # A call is dearer at the lower strike, a put at the higher one.
    dear, cheap = (rows[:-1], rows[1:]) if is_call else (rows[1:], rows[:-1])
    width = np.abs(quotes.strike[dear] - quotes.strike[cheap])
    width = np.where(terms.is_american[dear], 1.0, terms.discount[dear]) * width
    legs = np.column_stack([dear, cheap])
    buy_dear = np.tile([1.0, -1.0], (len(legs), 1))
    yield _Rules("vertical", "price rises the wrong way", legs, buy_dear, np.zeros(len(legs)))
    yield _Rules("vertical", "difference over the strikes' distance", legs, -buy_dear, -width)


def _butterflies(quotes: ChainQuotes, rows: Indices) -> Iterator[_Rules]:
    """Compare each strike with the line through two around it, up to three steps apart."""
    n = len(rows)
    for below in range(1, _REACH + 1):
        for above in range(1, _REACH + 1):
            middle = np.arange(below, n - above)
            if middle.size == 0:
                continue
            left, centre, right = rows[middle - below], rows[middle], rows[middle + above]
            low, mid, high = (quotes.strike[at] for at in (left, centre, right))
            share = (high - mid) / (high - low)
            sizes = np.column_stack([share, -np.ones(len(share)), 1.0 - share])
            legs = np.column_stack([left, centre, right])
            yield _Rules(
                "butterfly",
                "price over the line between strikes",
                legs,
                sizes,
                np.zeros(len(legs)),
            )


def _parities(
    quotes: ChainQuotes, terms: RowTerms, calls: Indices, puts: Indices
) -> Iterator[_Rules]:
    strike, at_calls, at_puts = np.intersect1d(
        quotes.strike[calls], quotes.strike[puts], return_indices=True
    )
    legs = np.column_stack([calls[at_calls], puts[at_puts]])
    if len(legs) == 0:
        return
    call = legs[:, 0]
    is_american = terms.is_american[call]
    discount, forward, spot = terms.discount[call], terms.forward[call], _spot(terms, call)
    growth = discount * forward / spot  # exp(-qT)
    is_usual = (terms.contracts.rate[call] >= 0.0) & (terms.contracts.dividend_yield[call] >= 0.0)
    usable = ~is_american | is_usual  # the American bounds hold for r, q >= 0
    most = np.where(is_american, spot - strike * discount, discount * (forward - strike))
    least = np.where(is_american, spot * growth - strike, discount * (forward - strike))
    sell = np.tile([-1.0, 1.0], (len(legs), 1))
    yield _Rules(
        "parity", "call less put over its bound", legs[usable], sell[usable], -most[usable]
    )
    yield _Rules(
        "parity", "call less put under its bound", legs[usable], -sell[usable], least[usable]
    )


def _calendars(quotes: ChainQuotes, terms: RowTerms) -> Iterator[_Rules]:
    """Compare a strike's American options in time: the later expiry cannot be cheaper."""
    for call in (True, False):
        rows = np.flatnonzero(terms.is_american & terms.is_known & (quotes.is_call == call))
        rows = rows[np.lexsort((quotes.expiry_ns[rows], quotes.strike[rows]))]
        same = quotes.strike[rows][1:] == quotes.strike[rows][:-1]
        legs = np.column_stack([rows[1:][same], rows[:-1][same]])
        sizes = np.tile([1.0, -1.0], (len(legs), 1))
        yield _Rules("calendar", "later expiry cheaper", legs, sizes, np.zeros(len(legs)))


def _european_calendars(quotes: ChainQuotes, terms: RowTerms) -> Iterator[_Rules]:
    """Compare European options in time at an equal log-moneyness.

    In units of the discounted forward the later option cannot be cheaper. Where no later strike
    has that moneyness, the line between the two around it is dearer still (convexity), so buying
    both is certain.
    """
    expiries = np.unique(quotes.expiry_ns[terms.is_known]).tolist()
    for first, second in pairwise(expiries):
        for call in (True, False):
            is_counted = ~terms.is_american & (quotes.is_call == call)
            near, far = (
                _sorted(quotes, np.flatnonzero(_at(quotes, terms, expiry) & is_counted))
                for expiry in (first, second)
            )
            if len(near) == 0 or len(far) < 2:  # noqa: PLR2004 - a line has two ends
                continue
            yield _european_calendar(quotes, terms, near, far)


def _european_calendar(
    quotes: ChainQuotes, terms: RowTerms, near: Indices, far: Indices
) -> _Rules:
    unit = terms.forward * terms.discount
    wanted = quotes.strike[near] * terms.forward[far[0]] / terms.forward[near]
    strikes = quotes.strike[far]
    inside = (wanted >= strikes[0]) & (wanted <= strikes[-1])
    near, wanted = near[inside], wanted[inside]
    at = np.clip(np.searchsorted(strikes, wanted, side="right") - 1, 0, len(far) - 2)
    share = (strikes[at + 1] - wanted) / (strikes[at + 1] - strikes[at])
    scale = unit[near] / unit[far[0]]
    sizes = np.column_stack([-np.ones(len(near)), scale * share, scale * (1.0 - share)])
    sizes = np.where(np.abs(sizes) < _NO_SIZE, 0.0, sizes)
    legs = np.column_stack([near, far[at], far[at + 1]])
    return _Rules(
        "calendar", "total variance falls at equal moneyness", legs, sizes, np.zeros(len(legs))
    )


def _neighbours(quotes: ChainQuotes, terms: RowTerms, found: Sequence[Finding]) -> tuple[int, int]:
    """Count neighbouring strikes, and those inside an executable vertical or butterfly."""
    place = {int(row): index for index, row in enumerate(quotes.row.tolist())}
    rows = np.flatnonzero(terms.is_known)
    order = rows[np.lexsort((quotes.strike[rows], quotes.is_call[rows], quotes.expiry_ns[rows]))]
    same = (quotes.expiry_ns[order][1:] == quotes.expiry_ns[order][:-1]) & (
        quotes.is_call[order][1:] == quotes.is_call[order][:-1]
    )
    rank = np.empty(len(quotes), dtype=np.intp)
    rank[order] = np.arange(len(order))
    broken: set[int] = set()
    for item in found:
        if item.is_executable and item.kind in {"vertical", "butterfly"}:
            ranks = sorted(int(rank[place[leg.row]]) for leg in item.legs)
            broken.update(range(ranks[0], ranks[-1]))
    return int(same.sum()), len(broken)

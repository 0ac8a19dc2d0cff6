"""What became of what was said: the move over a horizon, and who was right (DK-24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import HOUR_NS
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.desk.evaluation._calls import Calls, Flags, Floats, Ints

HORIZONS_NS = (HOUR_NS, 4 * HOUR_NS, 24 * HOUR_NS)


@dataclass(frozen=True, slots=True)
class OutcomeRules:
    """When somebody was right.

    Attributes:
        still_frac: a hold is right while the price moved by less than this.
        round_trip_frac: what getting in and out costs; taken off each trade's return.
    """

    still_frac: float = 0.01
    round_trip_frac: float = 0.0072


@dataclass(frozen=True, slots=True, eq=False)
class PriceLine:
    """The closes of one symbol.

    Attributes:
        close_ns: (T,) int64, when each bar closed, rising.
        close: (T,) float64, > 0, quote currency.
        interval_ns: length of a bar; an older close is no price of a moment.
    """

    close_ns: Ints
    close: Floats
    interval_ns: int

    def __post_init__(self) -> None:
        """Refuse times that do not rise and prices that are none."""
        is_line = self.close_ns.shape == self.close.shape and self.close_ns.ndim == 1
        if not is_line or np.any(np.diff(self.close_ns) <= 0) or self.interval_ns < 1:
            message = "expected closes at rising times and an interval, was otherwise"
            raise InputError(message)
        if not np.all(np.isfinite(self.close) & (self.close > 0)):
            message = "expected closes above 0, was another among them"
            raise InputError(message)

    @property
    def end_ns(self) -> int:
        """Return the time of the newest close; -1 without any."""
        return int(self.close_ns[-1]) if len(self.close_ns) else -1

    def at(self, ts_ns: Ints) -> Floats:
        """Return the newest close at or before each moment; NaN where it is a bar old or older."""
        if not len(self.close_ns):
            return np.full(len(ts_ns), np.nan)
        places = np.searchsorted(self.close_ns, ts_ns, side="right") - 1
        found = np.maximum(places, 0)
        is_fresh = (places >= 0) & (ts_ns - self.close_ns[found] < self.interval_ns)
        return np.where(is_fresh, self.close[found], np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of calls over one horizon.

    Attributes:
        calls: what was said, N of them.
        horizon_ns: how long after.
        move_frac: (N,) float64, price then / price at the call - 1; NaN while not known.
        is_pending: (N,) bool, the horizon is not over: not counted.
        is_unpriced: (N,) bool, it is over and a price is missing: never counted.
        is_right: (N,) bool; False where the move is not known.
        net_frac: (N,) float64, what a trade on the word would have brought after costs; 0 for a
            hold, NaN where the move is not known.
        occasion: (N,) int64, equal for calls about one symbol at one moment.
        rules: by which it was judged.
    """

    calls: Calls
    horizon_ns: int
    move_frac: Floats
    is_pending: Flags
    is_unpriced: Flags
    is_right: Flags
    net_frac: Floats
    occasion: Ints
    rules: OutcomeRules

    @property
    def is_settled(self) -> Flags:
        """Return which are known: (N,) bool."""
        return ~np.isnan(self.move_frac)

    @property
    def settled_ns(self) -> Ints:
        """Return when each is known: (N,) int64."""
        return self.calls.as_of_ns + self.horizon_ns

    def base_rates(self, among: Flags) -> tuple[float, float, float]:
        """Return how often it went up, down, and stayed still, over the occasions of some calls.

        Several calls about one symbol at one moment are one occasion. Without any it is NaN.
        """
        rows = np.flatnonzero(self.is_settled & among)
        _, first = np.unique(self.occasion[rows], return_index=True)
        moves = self.move_frac[rows[first]]
        if not len(moves):
            return (np.nan, np.nan, np.nan)
        still = np.abs(moves) < self.rules.still_frac
        return float(np.mean(moves > 0)), float(np.mean(moves < 0)), float(np.mean(still))


def settle(
    calls: Calls,
    lines: Mapping[str, PriceLine],
    horizon_ns: int,
    now_ns: int | None = None,
    rules: OutcomeRules | None = None,
) -> Outcomes:
    """Judge calls by what the price did over a horizon.

    A buy is right if the price rose, a sell if it fell, a hold if it moved by less than 1 %.
    Closing a short counts as a buy, closing a long as a sell.

    Args:
        calls: what was said.
        lines: closes by symbol; of a symbol without any, everything is pending.
        horizon_ns: > 0.
        now_ns: moment of judging, UTC; the end of the closes when None. What they do not reach is
            pending, whatever the clock says.
        rules: None for the specification's.

    Raises:
        InputError: the horizon is not above 0.
    """
    if horizon_ns <= 0:
        message = f"expected a horizon above 0 ns, was {horizon_ns}"
        raise InputError(message)
    rules = rules or OutcomeRules()
    move = np.full(len(calls), np.nan)
    is_over = np.zeros(len(calls), bool)
    for place, symbol in enumerate(calls.symbols):
        line = lines.get(symbol)
        if line is None:
            continue
        rows = np.flatnonzero(calls.symbol == place)
        begins_ns = calls.as_of_ns[rows]
        ends_ns = begins_ns + horizon_ns
        over = ends_ns <= (line.end_ns if now_ns is None else min(now_ns, line.end_ns))
        is_over[rows] = over
        move[rows[over]] = line.at(ends_ns[over]) / line.at(begins_ns[over]) - 1.0
    return judge_moves(calls, move, is_over, horizon_ns, rules)


def judge_moves(
    calls: Calls, move_frac: Floats, is_over: Flags, horizon_ns: int, rules: OutcomeRules
) -> Outcomes:
    """Judge calls by moves that are known.

    Args:
        calls: N of them.
        move_frac: (N,) float64, NaN where not known.
        is_over: (N,) bool, whether the horizon is over.
        horizon_ns: > 0.
        rules: when somebody is right.
    """
    sign = calls.sign
    is_still = sign == 0
    is_right = np.where(is_still, np.abs(move_frac) < rules.still_frac, sign * move_frac > 0)
    gain = np.where(np.isnan(move_frac), np.nan, sign * move_frac)
    keys = np.stack([calls.as_of_ns, calls.symbol])
    order = np.lexsort(keys)
    is_new = np.ones(len(calls), bool)
    is_new[1:] = np.any(np.diff(keys[:, order], axis=1) != 0, axis=0)
    occasion = np.empty(len(calls), np.int64)
    occasion[order] = np.cumsum(is_new)
    return Outcomes(
        calls=calls,
        horizon_ns=horizon_ns,
        move_frac=move_frac,
        is_pending=~is_over,
        is_unpriced=is_over & np.isnan(move_frac),
        is_right=is_right,
        net_frac=gain - np.where(is_still, 0.0, rules.round_trip_frac),
        occasion=occasion,
        rules=rules,
    )

"""Markets and speakers whose skill is known, for tests of the desk's evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.desk.evaluation import Call, Calls, Kind, Outcomes, PriceLine, settle
from athena.domain import HOUR_NS, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

BTC = "BTC/USDT"
START_NS = 1_704_067_200 * 10**9  # 2024-01-01, a Monday
BUY, SELL, HOLD = Action.BUY, Action.SELL, Action.HOLD


def a_line(closes: Iterable[float], interval_ns: int = HOUR_NS) -> PriceLine:
    """Return closes an interval apart; the first is the price at `START_NS`."""
    close = np.array(list(closes), float)
    return PriceLine(START_NS + np.arange(len(close)) * interval_ns, close, interval_ns)


def a_call(action: Action, confidence: float = 0.6, hour: int = 0, **changes: Any) -> Call:
    values: dict[str, Any] = {
        "kind": Kind.AGENT,
        "who": "technical",
        "symbol": BTC,
        "as_of_ns": START_NS + hour * HOUR_NS,
        "action": action,
        "confidence": confidence,
        "raw_confidence": confidence,
    }
    return Call(**{**values, **changes})


def a_walk(n_hours: int, seed: int = 7, move: float = 0.004) -> PriceLine:
    """Return closes that go up or down by one part each hour, either equally likely."""
    steps = np.random.default_rng(seed).choice([-move, move], n_hours)
    return a_line(100.0 * np.exp(np.concatenate([[0.0], np.cumsum(steps)])))


def a_speaker(
    line: PriceLine, right_frac: float, confidence: float, seed: int, **changes: Any
) -> list[Call]:
    """Call up or down before every hour of a walk, right as often as asked."""
    rises = np.diff(line.close) > 0
    is_right = np.random.default_rng(seed).random(len(rises)) < right_frac
    return [
        a_call(BUY if rise == right else SELL, confidence, hour, **changes)
        for hour, (rise, right) in enumerate(zip(rises, is_right, strict=True))
    ]


def settled(calls: Iterable[Call], line: PriceLine, horizon_ns: int = HOUR_NS) -> Outcomes:
    return settle(Calls.of(calls), {BTC: line}, horizon_ns)

"""The page that lays two runs side by side: both profits through time, and the gap by cause."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import format_decimal
from athena.reporting._format import UNDEFINED, amount, day, minute, ratio
from athena.reporting._page import asset, content_policy, template
from athena.reporting._svg import Scale
from athena.reporting._thinning import shared_points

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from athena.research import RunRecord
    from athena.research.comparison import Comparison, Contribution, Part, RunResult

# Of the picture, in its own units; the labels of the values stand to the right of the plot.
_WIDTH, _PLOT_WIDTH, _PLOT_HEIGHT, _HEIGHT = 1072.0, 984.0, 330.0, 360.0
_MAX_POINTS = 1_500
_N_DAYS = 6


@dataclass(frozen=True, slots=True)
class _Bar:
    """One step of the waterfall: where it begins and how far it goes, in percent of the width."""

    name: str
    meaning: str
    amount: str
    left: float
    width: float
    is_gain: bool


def render_comparison(found: Comparison, a: RunRecord, b: RunRecord) -> str:
    """Render a comparison as one self-contained HTML page, without any script.

    Args:
        found: the comparison.
        a: record of the run to compare with.
        b: record of the run to explain.
    """
    from markupsafe import Markup

    style = asset("tear_sheet.css") + asset("comparison.css")
    parts = sorted(
        ((part, value) for part, value in found.parts.items() if value),
        key=lambda item: -abs(item[1]),
    )
    used = [part for part, _ in parts]
    return template("comparison.html").render(
        policy=content_policy([]),
        style=Markup(style),  # noqa: S704 - packaged files
        a=_run(found.a, a),
        b=_run(found.b, b),
        quote=found.quote,
        gap=_signed(found.gap),
        size=amount(abs(found.gap)),
        residual=_signed(found.residual),
        is_gain=found.gap >= 0,
        n_both=f"{found.n_both:,}",
        n_only_a=f"{found.n_only_a:,}",
        n_only_b=f"{found.n_only_b:,}",
        picture=_picture(a, b),
        steps=_waterfall(parts),
        parts=[part.value.replace("_", " ") for part in used],
        symbols=[_symbol(name, amounts, used) for name, amounts in found.symbols.items()],
        largest=[_contribution(item) for item in found.largest],
        differences=[
            (name, str(own), str(other)) for name, (own, other) in found.differences.items()
        ],
    )


def _run(result: RunResult, record: RunRecord) -> dict[str, str]:
    return {
        "name": result.name,
        "strategy": str(record.parameters["strategy"]),
        "cash": amount(result.cash),
        "equity": amount(result.equity),
        "profit": _signed(result.profit),
        "filled": f"{result.n_filled:,} of {result.n_decisions:,} decisions filled",
    }


def _signed(value: Decimal | float) -> str:
    text = amount(value)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def _waterfall(parts: Sequence[tuple[Part, Decimal]]) -> list[_Bar]:
    """Lay the parts end to end, from nothing to the gap; the widest reach fills the width."""
    ends = [float(end) for end in accumulate(value for _, value in parts)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    reach = (high - low) or 1.0
    return [
        _Bar(
            name=part.value.replace("_", " "),
            meaning=part.meaning,
            amount=_signed(value),
            left=100 * (min(begin, end) - low) / reach,
            width=100 * abs(end - begin) / reach,
            is_gain=value > 0,
        )
        for (part, value), begin, end in zip(parts, [0.0, *ends], ends, strict=False)
    ]


def _picture(a: RunRecord, b: RunRecord) -> dict[str, Any] | None:
    """Draw what both made by each close, on one scale of time and one of money."""
    curves = [(run.ts_ns, run.main.equity - float(run.cash)) for run in (a, b)]
    if any(len(ts_ns) == 0 for ts_ns, _ in curves):
        return None
    values = np.concatenate([[0.0], *(profit for _, profit in curves)])
    down = Scale(float(values.min()), float(values.max()), _PLOT_HEIGHT - 12, 12)
    first = min(int(ts_ns[0]) for ts_ns, _ in curves)
    last = max(int(ts_ns[-1]) for ts_ns, _ in curves)
    across = Scale(float(first), float(last), 0.0, _PLOT_WIDTH)
    days = np.linspace(first, last, _N_DAYS).astype(np.int64).tolist()
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "right": _PLOT_WIDTH,
        "foot": _PLOT_HEIGHT,
        "lines": [_points(ts_ns, profit, across, down) for ts_ns, profit in curves],
        "values": _labels(down),
        "zero": down.at(0.0),
        "days": [(across.at(float(ts_ns)), day(ts_ns)) for ts_ns in days],
    }


def _labels(down: Scale) -> list[tuple[float, str]]:
    """Label round amounts, with decimals only where they differ in them."""
    ticks = down.ticks()
    digits = 0 if all(tick == round(tick) for tick in ticks) else 2
    return [(down.at(tick), ratio(tick, digits)) for tick in ticks]


def _points(
    ts_ns: NDArray[np.int64], profit: NDArray[np.float64], across: Scale, down: Scale
) -> str:
    at = shared_points(profit[None, :], _MAX_POINTS)
    x, y = across(ts_ns[at].astype(np.float64)), down(profit[at])
    return " ".join(f"{i:.1f},{j:.1f}" for i, j in zip(x.tolist(), y.tolist(), strict=True))


def _symbol(name: str, amounts: dict[Part, Decimal], used: Sequence[Part]) -> dict[str, Any]:
    cells = [_signed(amounts[part]) if part in amounts else UNDEFINED for part in used]
    total = sum(float(value) for value in amounts.values())
    return {"name": name, "cells": cells, "total": _signed(total)}


def _contribution(item: Contribution) -> dict[str, Any]:
    return {
        "time": minute(item.ts_ns),
        "order": f"{item.side} {item.symbol} ({item.purpose})",
        "filled_a": format_decimal(item.filled_a),
        "filled_b": format_decimal(item.filled_b),
        "total": _signed(item.total),
        "parts": ", ".join(
            f"{part.value.replace('_', ' ')} {_signed(value)}"
            for part, value in item.parts.items()
        ),
    }

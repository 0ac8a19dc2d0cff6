"""Just enough SVG for the pictures: a canvas with a plot area, axes, lines and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

INK, QUIET, LINE, PAPER = "#17202a", "#5b6773", "#e2e5e9", "#fbfbfa"
GAIN, LOSS, ACCENT = "#0072b2", "#d55e00", "#0067a6"
CURVES = ("#d55e00", "#008f6b", "#b0568b", "#a97500", "#3a9bd1", "#6b7280")
_FONT = "Inter"


@dataclass(slots=True)
class Canvas:
    """Collect shapes; y grows downwards, as in SVG; every text is escaped."""

    width: float
    height: float
    shapes: list[str] = field(default_factory=list)

    def text(  # noqa: PLR0913 - the style of a label, by keyword
        self,
        x: float,
        y: float,
        content: str,
        *,
        size: float = 13,
        colour: str = INK,
        anchor: str = "start",
        is_bold: bool = False,
    ) -> None:
        """Write one line of text with its baseline at y."""
        family = f"{_FONT} SemiBold" if is_bold else _FONT
        self.shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-family="{family}" font-size="{size:g}" '
            f'fill="{colour}" text-anchor="{anchor}">{escape(content)}</text>'
        )

    def rectangle(  # noqa: PLR0913, PLR0917 - four numbers place it
        self, x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0
    ) -> None:
        """Fill a rectangle."""
        self.shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{colour}" fill-opacity="{opacity:.3f}"/>'
        )

    def line(
        self, points: NDArray[np.float64], colour: str, *, width: float = 1.0, fill: str = "none"
    ) -> None:
        """Draw a polyline through the rows of (N, 2); rows with NaN are left out."""
        known = points[np.all(np.isfinite(points), axis=1)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        self.shapes.append(
            f'<polyline points="{path}" fill="{fill}" fill-opacity="0.25" stroke="{colour}" '
            f'stroke-width="{width:g}" stroke-linejoin="round"/>'
        )

    def triangle(self, x: float, y: float, colour: str, *, points_up: bool) -> None:
        """Draw a small arrow head whose tip is at (x, y)."""
        base = y + 8 if points_up else y - 8
        self.shapes.append(
            f'<path d="M{x:.1f} {y:.1f}L{x - 4:.1f} {base:.1f}L{x + 4:.1f} {base:.1f}Z" '
            f'fill="{colour}"/>'
        )

    def render(self) -> str:
        """Return the SVG document."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}" '
            f'height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}">'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(self.shapes)}</svg>'
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Map values [low, high] to pixels [start, end], linearly or by logarithm."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map values to pixels; NaN stays NaN."""
        low, high = self._place(np.array([self.low, self.high])).tolist()
        share = (self._place(values) - low) / ((high - low) or 1.0)
        return np.asarray(self.start + share * (self.end - self.start))

    def at(self, value: float) -> float:
        """Map one value to its pixel."""
        return float(self(np.array([value]))[0])

    def _place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.log(values) if self.is_log else values, dtype=np.float64)

    def ticks(self, count: int = 5) -> list[float]:
        """Choose about `count` round values inside the range."""
        if self.is_log:
            return self._log_ticks(count)
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step)
        return [step * index for index in range(first, math.floor(self.high / step) + 1)]

    def _log_ticks(self, count: int) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for leads in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
            ticks = [lead * 10.0**power for power in powers for lead in leads]
            inside = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(inside) >= count - 1:
                break
        return inside


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)

"""Macro series at a moment: what was published by then, and a year before, by date."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from athena.domain import WEEK_NS, datetime_to_ns, ns_to_datetime
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The fourteen series, by their FRED names.
MACRO_SERIES = (
    "DGS10",
    "DGS2",
    "T10Y2Y",
    "FEDFUNDS",
    "VIXCLS",
    "CPIAUCSL",
    "CPILFESL",
    "UNRATE",
    "PAYEMS",
    "GDPC1",
    "M2SL",
    "DTWEXBGS",
    "BAMLH0A0HYM2",
    "UMCSENT",
)


class MacroLabel(StrEnum):
    """One word for the macro picture."""

    RECESSION_RISK = "recession_risk"
    HIGH_VOLATILITY = "high_volatility"
    LOW_VOLATILITY = "low_volatility"
    RESTRICTIVE = "restrictive"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of a series: what it is about, when it was published, and the number."""

    about_ns: int
    known_at_ns: int
    value: float


@dataclass(frozen=True, slots=True)
class MacroSeries:
    """A series with its own frequency; observations by the date that they are about, rising."""

    name: str
    observations: tuple[Observation, ...]

    def __post_init__(self) -> None:
        """Refuse observations out of order."""
        times = [item.about_ns for item in self.observations]
        if times != sorted(times):
            message = f"expected the observations of {self.name} in the order of their dates"
            raise InputError(message)

    def newest(self, as_of_ns: int) -> Observation | None:
        """Return the newest observation that was published by a moment; None without one."""
        return next(
            (item for item in reversed(self.observations) if item.known_at_ns <= as_of_ns), None
        )

    def year_before(self, observation: Observation, as_of_ns: int) -> Observation | None:
        """Return the observation of a year before, by date and never by counting rows (DK-04).

        It is the newest about that date or earlier, by less than a week or half of the series'
        own spacing, so that a hole in the series is a hole; None then.
        """
        wanted_ns = _year_before_ns(observation.about_ns)
        known = [item for item in self.observations if item.known_at_ns <= as_of_ns]
        place = bisect_right(known, wanted_ns, key=lambda item: item.about_ns)
        if place == 0:
            return None
        found = known[place - 1]
        is_near = wanted_ns - found.about_ns < max(WEEK_NS, _spacing_ns(known) // 2)
        return found if is_near else None


def _spacing_ns(known: list[Observation]) -> int:
    """Return the usual distance of neighbours: the median, which a hole does not move."""
    steps = sorted(after.about_ns - before.about_ns for before, after in pairwise(known))
    return steps[len(steps) // 2] if steps else 0


def _year_before_ns(about_ns: int) -> int:
    moment = ns_to_datetime(about_ns)
    try:
        before = moment.replace(year=moment.year - 1)
    except ValueError:  # 29 February
        before = moment.replace(year=moment.year - 1, day=28)
    return datetime_to_ns(before)


@dataclass(frozen=True, slots=True)
class MacroRules:
    """Cuts of the macro label.

    Attributes:
        stress_vix, calm_vix: index values above and below which volatility has a name.
        restrictive_rate: policy rate in percent above which policy is restrictive.
    """

    stress_vix: float = 30.0
    calm_vix: float = 15.0
    restrictive_rate: float = 5.0


@dataclass(frozen=True, slots=True)
class Macro:
    """The macro picture at a moment; None is what was not published, or not delivered.

    Attributes:
        label: neutral also when nothing is known; `known` tells.
        spread_10y_2y, policy_rate: percent.
        vix: index value.
        known: names of the series that had a value.
    """

    label: MacroLabel = MacroLabel.NEUTRAL
    spread_10y_2y: float | None = None
    vix: float | None = None
    policy_rate: float | None = None
    known: tuple[str, ...] = ()


def macro_at(
    series: Mapping[str, MacroSeries], as_of_ns: int, rules: MacroRules | None = None
) -> Macro:
    """Read the macro picture at a moment; the label is the first that matches."""
    rules = rules or MacroRules()
    found = {
        name: observation.value
        for name, item in series.items()
        if (observation := item.newest(as_of_ns)) is not None
    }
    spread = found.get("T10Y2Y")
    if spread is None and {"DGS10", "DGS2"} <= found.keys():
        spread = found["DGS10"] - found["DGS2"]
    vix, rate = found.get("VIXCLS"), found.get("FEDFUNDS")
    label = MacroLabel.NEUTRAL
    if spread is not None and spread < 0:
        label = MacroLabel.RECESSION_RISK
    elif vix is not None and vix > rules.stress_vix:
        label = MacroLabel.HIGH_VOLATILITY
    elif vix is not None and vix < rules.calm_vix:
        label = MacroLabel.LOW_VOLATILITY
    elif rate is not None and rate > rules.restrictive_rate:
        label = MacroLabel.RESTRICTIVE
    return Macro(label, spread, vix, rate, tuple(sorted(found)))

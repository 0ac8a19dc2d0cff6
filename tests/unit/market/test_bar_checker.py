"""A bar that may not be decided on leaves a gap that is seen (D03)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from athena.domain import HOUR_NS, MINUTE_NS, SECOND_NS, parse_time_ns
from athena.errors import InputError
from athena.market import BarChecker, FeedSource, LiveBar, Severity

START_NS = parse_time_ns("2026-01-05T00:00:00")
GOOD = LiveBar(START_NS, HOUR_NS, 100, 110, 95, 105, 10, FeedSource.LIVE)
NOW_NS = START_NS + HOUR_NS + SECOND_NS


def checker(**options: int) -> BarChecker:
    return BarChecker(HOUR_NS, FeedSource.LIVE, **options)


def hours_on(n: int) -> LiveBar:
    return replace(GOOD, ts_ns=START_NS + n * HOUR_NS)


def test_a_good_bar_is_taken() -> None:
    made = checker()
    assert made.check(GOOD, NOW_NS) is None
    assert (made.n_refused, made.n_missing) == ({}, 0)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("source", replace(GOOD, source=FeedSource.MOCK)),
        ("source", replace(GOOD, source=FeedSource.FILE)),
        ("interval", replace(GOOD, interval_ns=MINUTE_NS)),
        ("off_grid", replace(GOOD, ts_ns=START_NS - SECOND_NS)),
        ("duplicates", replace(GOOD, ts_ns=START_NS - HOUR_NS)),
        ("disorder", replace(GOOD, ts_ns=START_NS - 2 * HOUR_NS)),
        ("unfinished", hours_on(1)),
        ("not_positive", replace(GOOD, low=0)),
        ("negative_volume", replace(GOOD, volume=-1)),
        ("high_low", replace(GOOD, high=104)),
        ("high_low", replace(GOOD, low=101)),
    ],
)
def test_a_bar_that_is_not_fit_is_refused_and_changes_nothing(kind: str, wrong: LiveBar) -> None:
    """D03: never a mock value, and none of the future."""
    made = checker(last_ns=START_NS - HOUR_NS)
    defect = made.check(wrong, NOW_NS)
    assert defect is not None
    assert (defect.kind, defect.severity) == (kind, Severity.SEVERE)
    assert made.n_refused == {kind: 1}
    assert made.check(GOOD, NOW_NS) is None, "the clean twin is not accused"
    assert made.n_missing == 0


def test_a_bar_that_comes_too_late_to_decide_on_is_refused() -> None:
    late_ns = START_NS + 2 * HOUR_NS
    assert checker().check(GOOD, late_ns) is None
    defect = checker().check(GOOD, late_ns + 1)
    assert defect is not None
    assert defect.kind == "stale"
    assert "closed 3600 s ago" in defect.detail
    assert checker(max_age_ns=0).check(GOOD, NOW_NS) is not None


def test_a_gap_is_counted_and_nothing_is_put_into_it() -> None:
    made = checker(last_ns=START_NS)
    assert made.n_due(START_NS + HOUR_NS) == 0
    assert made.n_due(START_NS + 2 * HOUR_NS - 1) == 0
    assert made.n_due(START_NS + 2 * HOUR_NS) == 1
    assert made.n_due(START_NS + 5 * HOUR_NS) == 4
    assert made.check(hours_on(4), START_NS + 5 * HOUR_NS) is None
    assert made.n_missing == 3
    assert made.n_due(START_NS + 5 * HOUR_NS) == 0


def test_before_anything_came_nothing_is_due() -> None:
    assert checker().n_due(NOW_NS) == 0


def test_an_interval_or_an_age_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="expected interval > 0 and age >= 0"):
        BarChecker(0, FeedSource.LIVE)
    with pytest.raises(InputError, match="expected interval > 0 and age >= 0"):
        checker(max_age_ns=-1)

"""A12: time is UTC, in whole nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    datetime_to_ns,
    format_interval,
    format_time,
    ns_to_datetime,
    parse_interval_ns,
    parse_time_ns,
)
from athena.errors import InputError


def test_a_date_is_midnight_utc_and_an_offset_is_kept() -> None:
    assert parse_time_ns("1970-01-02") == DAY_NS
    assert parse_time_ns("1970-01-01T02:00:00+02:00") == 0
    assert parse_time_ns("1970-01-01T01:00:00Z") == HOUR_NS
    assert parse_time_ns("1970-01-01 00:01") == MINUTE_NS


@pytest.mark.parametrize("text", ["yesterday", "2018-13-01", "", "01.02.2018"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="ISO-8601"):
        parse_time_ns(text)


def test_a_datetime_without_offset_is_refused() -> None:
    """A12."""
    with pytest.raises(InputError, match="with a UTC offset"):
        datetime_to_ns(datetime(2020, 1, 1))  # noqa: DTZ001 - the planted fault
    assert datetime_to_ns(datetime(1970, 1, 2, tzinfo=UTC)) == DAY_NS
    plus_one = timezone(timedelta(hours=1))
    assert datetime_to_ns(datetime(1970, 1, 1, 1, tzinfo=plus_one)) == 0


@given(st.integers(0, 4_000_000_000 * 10**6))
def test_written_times_are_read_back(microseconds: int) -> None:
    ts_ns = microseconds * 1_000
    assert parse_time_ns(format_time(ts_ns)) == ts_ns
    assert format_time(ts_ns).endswith("Z")
    assert ns_to_datetime(ts_ns).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "ns"),
    [("30m", 30 * MINUTE_NS), ("4h", 4 * HOUR_NS), ("1d", DAY_NS), ("1w", 7 * DAY_NS)],
)
def test_intervals_are_read_and_written(text: str, ns: int) -> None:
    assert parse_interval_ns(text) == ns
    assert format_interval(ns) == text


@pytest.mark.parametrize("text", ["0m", "1.5h", "h", "-1h", "1M", ""])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected an interval"):
        parse_interval_ns(text)

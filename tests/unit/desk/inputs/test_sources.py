"""Texts, fundamentals, macro series and books: known when they were known, in one unit each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.desk.contract import decode, encode
from athena.desk.inputs import (
    MACRO_SERIES,
    Grade,
    MacroLabel,
    MacroSeries,
    Observation,
    Quality,
    Text,
    TextKind,
    TextProvenance,
    macro_at,
    read_book,
    read_fundamentals,
    texts_at,
    worst,
)
from athena.domain import DAY_NS, MINUTE_NS, Book, parse_time_ns
from athena.errors import InputError
from tests.desk_builder import account_of, held

TEN_NS = parse_time_ns("2024-01-01T10:00")
NEWS = Text(
    kind=TextKind.NEWS,
    provider="finnhub",
    source="Wire",
    text="Something happened",
    published_ns=TEN_NS - 5 * MINUTE_NS,
    arrived_ns=TEN_NS - 4 * MINUTE_NS,
    provenance=TextProvenance.RECORDED,
    symbols=("BTC/USDT",),
)


def test_news_that_arrived_later_is_invisible() -> None:
    """DK-05: published at 09:55, arrived at 10:05, asked at 10:00."""
    late = replace(NEWS, arrived_ns=TEN_NS + 5 * MINUTE_NS)
    seen = texts_at([late], TEN_NS, "BTC/USDT")
    assert (seen.texts, seen.n_later) == ((), 1)
    assert texts_at([late], TEN_NS + 5 * MINUTE_NS, "BTC/USDT").texts == (late,)


def test_news_that_arrived_before_its_publication_waits_for_it() -> None:
    early = replace(NEWS, published_ns=TEN_NS + 1, arrived_ns=TEN_NS - 1)
    assert texts_at([early], TEN_NS, "BTC/USDT").texts == ()


def test_made_up_texts_are_refused_outside_mock_mode() -> None:
    """DK-06."""
    made_up = replace(NEWS, provenance=TextProvenance.MOCK)
    seen = texts_at([made_up], TEN_NS, "BTC/USDT")
    assert (seen.texts, seen.n_mock) == ((), 1)
    assert texts_at([made_up], TEN_NS, "BTC/USDT", is_mock=True).texts == (made_up,)


def test_a_service_that_is_down_leaves_a_gap() -> None:
    """DK-06: no filings, and nothing in their place."""
    seen = texts_at([], TEN_NS, "BTC/USDT", gaps=("edgar: 503",))
    assert (seen.texts, seen.gaps) == ((), ("edgar: 503",))


def test_texts_of_other_symbols_and_old_ones_are_left_out() -> None:
    other = replace(NEWS, symbols=("XRP/USDT",))
    market = replace(NEWS, symbols=(), text="All of it")
    old = replace(NEWS, published_ns=TEN_NS - 8 * DAY_NS, arrived_ns=TEN_NS - 8 * DAY_NS)
    assert texts_at([other, market, old], TEN_NS, "BTC/USDT").texts == (market,)


def test_the_same_words_of_one_source_count_once_and_newest_come_first() -> None:
    again = replace(NEWS, provider="other", text="SOMETHING happened", arrived_ns=TEN_NS)
    newer = replace(NEWS, text="Later", arrived_ns=TEN_NS - MINUTE_NS)
    for given in ([NEWS, again, newer], [newer, again, NEWS]):
        assert texts_at(given, TEN_NS, "BTC/USDT").texts == (newer, NEWS)


def test_a_text_survives_writing_and_reading() -> None:
    assert decode(Text, encode(NEWS)) == NEWS


def test_debt_in_percent_becomes_a_ratio() -> None:
    """DK-04: 150 delivered as percent is 1.5."""
    books = read_fundamentals(
        {"debt_equity": 150.0, "beta": 1.2, "current_ratio": None, "price_earnings": float("nan")},
        in_percent={"debt_equity"},
        known_at_ns=1,
        source="yfinance",
    )
    assert (books.debt_equity, books.beta) == (1.5, 1.2)
    assert books.current_ratio is None
    assert books.price_earnings is None


def test_a_ratio_stays_a_ratio_however_large() -> None:
    books = read_fundamentals({"debt_equity": 150.0}, in_percent=(), known_at_ns=1, source="x")
    assert books.debt_equity == 150.0


def test_an_unknown_number_is_refused() -> None:
    with pytest.raises(InputError, match="was debt"):
        read_fundamentals({"debt": 1.0}, in_percent=(), known_at_ns=1, source="x")


def monthly(*values: float, lag_days: int = 0, year: int = 2023) -> MacroSeries:
    dates = [parse_time_ns(f"{year + k // 12}-{k % 12 + 1:02}-01") for k in range(len(values))]
    rows = zip(dates, values, strict=True)
    return MacroSeries(
        "CPIAUCSL", tuple(Observation(day, day + lag_days * DAY_NS, v) for day, v in rows)
    )


def test_a_year_ago_is_found_by_date() -> None:
    """DK-04: not by counting twelve rows; a hole is a hole."""
    series = monthly(*range(100, 114))
    newest = series.newest(parse_time_ns("2024-02-15"))
    assert newest is not None
    assert newest.value == 113
    before = series.year_before(newest, parse_time_ns("2024-02-15"))
    assert before is not None
    assert before.value == 101
    kept = tuple(item for item in series.observations if item is not before)
    assert MacroSeries("CPIAUCSL", kept).year_before(newest, parse_time_ns("2024-02-15")) is None


def test_a_year_before_a_weekend_takes_the_friday() -> None:
    days = [parse_time_ns(f"2023-{m:02}-{d:02}") for m in range(1, 13) for d in range(1, 27)]
    friday, monday = parse_time_ns("2023-03-24"), parse_time_ns("2023-03-27")
    days = [day for day in days if not friday < day < monday]
    newest = Observation(parse_time_ns("2024-03-25"), parse_time_ns("2024-03-25"), 9.0)
    series = MacroSeries(
        "DGS10", (*(Observation(day, day, float(day == friday)) for day in days), newest)
    )
    before = series.year_before(newest, newest.about_ns)
    assert before is not None
    assert before.about_ns == friday


def test_the_year_before_a_leap_day_is_the_day_before() -> None:
    leap = Observation(parse_time_ns("2024-02-29"), parse_time_ns("2024-02-29"), 2.0)
    before = Observation(parse_time_ns("2023-02-28"), parse_time_ns("2023-02-28"), 1.0)
    assert MacroSeries("x", (before, leap)).year_before(leap, leap.about_ns) == before


def test_an_observation_is_known_from_its_publication() -> None:
    series = monthly(1.0, 2.0, lag_days=14)
    found = series.newest(parse_time_ns("2023-02-10"))
    assert found is not None
    assert found.value == 1.0
    assert series.newest(parse_time_ns("2023-01-10")) is None


def test_observations_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="in the order of their dates"):
        MacroSeries("x", (Observation(2, 2, 1.0), Observation(1, 1, 1.0)))


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({"T10Y2Y": -0.1, "VIXCLS": 40.0}, MacroLabel.RECESSION_RISK),
        ({"DGS10": 4.0, "DGS2": 4.5}, MacroLabel.RECESSION_RISK),
        ({"T10Y2Y": 0.0, "VIXCLS": 30.1}, MacroLabel.HIGH_VOLATILITY),
        ({"VIXCLS": 14.9, "FEDFUNDS": 5.5}, MacroLabel.LOW_VOLATILITY),
        ({"VIXCLS": 20.0, "FEDFUNDS": 5.1}, MacroLabel.RESTRICTIVE),
        ({"VIXCLS": 30.0, "FEDFUNDS": 5.0}, MacroLabel.NEUTRAL),
        ({}, MacroLabel.NEUTRAL),
    ],
)
def test_the_macro_label_is_the_first_that_matches(
    values: dict[str, float], label: MacroLabel
) -> None:
    series = {
        name: MacroSeries(name, (Observation(1, 1, value),)) for name, value in values.items()
    }
    picture = macro_at(series, 2)
    assert picture.label is label
    assert picture.known == tuple(sorted(values))
    assert macro_at(series, 0).known == ()


def test_there_are_fourteen_series() -> None:
    assert len(set(MACRO_SERIES)) == 14


def test_a_book_is_read_by_its_best_levels() -> None:
    bids = [(100.0 - k, 10.0) for k in range(12)]
    asks = [(101.0 + k, 30.0) for k in range(12)]
    view = read_book(bids, asks)
    assert view.imbalance == pytest.approx((100 - 300) / 400)
    assert view.spread_bps == pytest.approx(1 / 100.5 * 10_000)
    assert view.weighted_mid == pytest.approx((100 * 30 + 101 * 10) / 40)
    assert view.value_quote == pytest.approx(sum((100 - k) * 10 for k in range(10)))
    assert view.quality.grade is Grade.GOOD


def test_a_book_worth_less_than_a_thousand_is_flagged() -> None:
    assert read_book([(99.0, 10.0)], [(100.0, 11.0)]).quality.grade is Grade.DEGRADED
    assert read_book([(100.0, 10.0)], [(101.0, 11.0)]).quality.grade is Grade.GOOD


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([], [(1.0, 1.0)]),
        ([(2.0, 1.0)], [(1.0, 1.0)]),
        ([(1.0, float("nan"))], [(2.0, 1.0)]),
        ([(1.0, 0.0)], [(2.0, 1.0)]),
        ([(1.0, 1.0), (1.5, 1.0)], [(2.0, 1.0)]),
        ([(1.0, 1.0)], [(3.0, 1.0), (2.0, 1.0)]),
    ],
)
def test_what_is_no_book_is_unusable(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]]
) -> None:
    assert read_book(bids, asks).quality.grade is Grade.UNUSABLE


def test_the_worst_grade_of_several_counts() -> None:
    bad, weak = Quality(Grade.UNUSABLE, ("a",)), Quality(Grade.DEGRADED, ("b",))
    assert worst(weak, bad, Quality()) == Quality(Grade.UNUSABLE, ("b", "a"))
    assert worst() == Quality()


def test_what_is_held_is_that_of_the_trading_book() -> None:
    account = account_of(
        held("BTC/USDT", "0.5", "20000"),
        held("BTC/USDT", "2", "80000", book=Book.HODL),
        held("XRP/USDT", "-10", "-5"),
    )
    assert account.held("BTC/USDT") == Decimal("0.5")
    assert account.held("XRP/USDT") == Decimal(-10)
    assert account.held("ETH/USDT") == 0

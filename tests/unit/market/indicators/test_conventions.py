"""The conventions of the desk, on numbers that can be checked by hand (A10)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS
from athena.market.indicators import (
    INDICATORS,
    Ema,
    Obv,
    Rsi,
    SessionVwap,
    Sma,
    StochRsi,
    Supertrend,
    bollinger,
    ema,
    macd,
    rsi,
    sma,
    squeeze,
    wilder,
)


def test_the_ema_is_seeded_with_the_first_price() -> None:
    assert ema(np.array([10.0, 13.0, 10.0]), 2).tolist() == pytest.approx([10.0, 12.0, 32 / 3])
    stream = Ema(2)
    assert [stream.update(v) for v in (10.0, 13.0)] == pytest.approx([10.0, 12.0])


def test_macd_starts_at_the_26th_bar_and_its_signal_is_a_mean_below_nine_values() -> None:
    prices = np.arange(1.0, 61.0) ** 1.5
    line, signal, histogram = macd(prices)
    assert np.isnan(line[:25]).all()
    assert signal[25] == line[25]
    assert signal[32] == pytest.approx(line[25:33].mean())
    recursion = line[25]
    for value in line[26:34]:
        recursion += 0.2 * (value - recursion)
    assert signal[33] == pytest.approx(recursion)
    assert histogram[40] == pytest.approx(line[40] - signal[40])


def test_rsi_is_50_below_15_prices_and_100_without_losses() -> None:
    rising = np.arange(1.0, 21.0)
    assert rsi(rising).tolist() == [50.0] * 14 + [100.0] * 6
    assert rsi(rising[::-1])[14:].tolist() == [0.0] * 6
    stream = Rsi()
    assert [stream.update(p) for p in rising.tolist()] == rsi(rising).tolist()


def test_the_seed_of_rsi_is_the_mean_of_the_first_14_changes() -> None:
    prices = np.array([100.0] + [101.0, 100.0] * 7)
    assert rsi(prices)[14] == pytest.approx(50.0)
    assert rsi(np.append(prices, 101.0))[15] == pytest.approx(100 - 100 / (1 + 7.5 / 6.5))


def test_stoch_rsi_of_a_constant_rsi_is_in_the_middle() -> None:
    stream = StochRsi()
    values = [stream.update(float(p)) for p in range(1, 40)]
    assert values[-1] == (50.0, 50.0)


def test_wilder_starts_with_the_mean() -> None:
    assert wilder(np.array([1.0, 3.0, 4.0]), 2).tolist()[1:] == [2.0, 3.0]


def test_bollinger_uses_the_population_deviation() -> None:
    lower, middle, upper = bollinger(np.array([1.0, 3.0]), 2, 2.0)
    assert (lower[1], middle[1], upper[1]) == (0.0, 2.0, 4.0)


def test_the_session_starts_anew_at_midnight_utc() -> None:
    stream = SessionVwap()
    last = 10 * DAY_NS
    assert math.isnan(stream.update(last - 2 * HOUR_NS, 1.0, 1.0, 1.0, 0.0))
    assert stream.update(last - HOUR_NS, 3.0, 3.0, 3.0, 5.0) == 3.0
    assert stream.update(last, 9.0, 9.0, 9.0, 1.0) == 9.0
    assert stream.update(last + HOUR_NS, 5.0, 5.0, 5.0, 3.0) == 6.0


def test_obv_counts_equal_closes_as_nothing() -> None:
    stream = Obv()
    bars = [(1.0, 5.0), (2.0, 3.0), (2.0, 7.0), (1.0, 4.0)]
    assert [stream.update(*bar) for bar in bars] == [5.0, 8.0, 8.0, 4.0]


def test_the_supertrend_line_only_tightens_and_turns_when_crossed() -> None:
    stream = Supertrend(2, 1.0)
    up = [stream.update(p + 1, p - 1, float(p)) for p in range(10, 30)]
    lines = [value.line for value in up[2:]]
    assert lines == sorted(lines)
    assert {value.side for value in up[2:]} == {1.0}
    assert stream.update(11, 9, 10.0).side == -1.0


def test_a_squeeze_is_on_in_a_calm_and_off_in_a_storm() -> None:
    calm = np.full(60, 100.0) + np.tile([0.0, 0.1], 30)
    values = squeeze(calm + 1, calm - 1, calm)
    assert np.isnan(values[:19]).all()
    assert (values[19:] == 1.0).all()
    storm = 100.0 * 1.05 ** np.arange(60)
    assert (squeeze(storm * 1.001, storm * 0.999, storm)[30:] == 0.0).all()


def test_a_sliding_sum_does_not_drift() -> None:
    """A10: after a huge value has left the window nothing of it stays."""
    stream = Sma(20)
    values = np.concatenate((np.full(50, 1e17), np.full(200_000, 0.1)))
    last = 0.0
    for value in values.tolist():
        last = stream.update(value)
    assert last == pytest.approx(0.1, rel=1e-12)
    assert sma(values, 20)[-1] == pytest.approx(0.1, rel=1e-12)


def test_values_that_start_with_nan_are_averaged_from_the_first_number() -> None:
    values = np.array([np.nan, np.nan, 2.0, 4.0])
    assert sma(values, 2).tolist()[3] == 3.0
    assert np.isnan(ema(values, 2)[:2]).all()
    assert ema(values, 2)[2] == 2.0
    assert np.isnan(sma(np.full(3, np.nan), 2)).all()


def test_the_reference_page_names_every_output_and_its_first_bar() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "indicators.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    written = {}
    for row in rows:
        names = row[1].replace("`", "").replace(" ", "").split(",")
        firsts = [int(number) for number in row[2].split(",")]
        if len(firsts) == len(names):
            written.update(zip(names, firsts, strict=True))
        else:
            written.update(dict.fromkeys(names, firsts[0]))
    assert written == {name: item.first_bar for item in INDICATORS for name in item.outputs}

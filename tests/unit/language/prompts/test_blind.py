"""Blind: no name, no date, no level; the mapping stays outside (DK-21)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS
from athena.errors import CheckFailed, InputError
from athena.language import Asset, Moment, PriceOf, VolumeOf, Words, blind_block
from athena.language.prompts._identity import is_generic, names_of, tells_time
from tests.language_builder import NOW_NS

BTC, XRP = "BTC/USD", "XRP/USD"


def shown(facts: Any, **options: Any) -> Any:
    return json.loads(blind_block("x", facts, NOW_NS, **options).block.split("\n")[1])


def test_names_become_numbers_in_the_order_they_appear() -> None:
    facts = [Asset(XRP), Asset(BTC), {"again": Asset(XRP)}]
    assert shown(facts) == ["ASSET_1", "ASSET_2", {"again": "ASSET_1"}]


def test_prices_and_volumes_are_rebased_to_100_and_keep_their_ratios() -> None:
    facts = {
        "close": [PriceOf(BTC, Decimal(50_000)), PriceOf(BTC, 50_500.0), PriceOf(XRP, 0.5)],
        "atr": PriceOf(BTC, 250.0),
        "macd": PriceOf(BTC, -125.0),
        "volume": [VolumeOf(BTC, 0), VolumeOf(BTC, 8.0), VolumeOf(BTC, 2.0)],
    }
    assert shown(facts) == {
        "close": [100.0, 101.0, 100.0],
        "atr": 0.5,
        "macd": -0.25,
        "volume": [0.0, 100.0, 25.0],
    }


def test_the_first_price_above_0_is_the_base() -> None:
    assert shown([PriceOf(BTC, -5.0), PriceOf(BTC, 50.0)]) == [-10.0, 100.0]
    with pytest.raises(InputError, match="above 0, was -5"):
        shown([PriceOf(BTC, -5.0)])


def test_moments_become_distances_from_now() -> None:
    passed = [0, MINUTE_NS, 5 * HOUR_NS, DAY_NS, 3 * DAY_NS + 5 * HOUR_NS + 30 * MINUTE_NS]
    assert shown([Moment(NOW_NS - item) for item in passed]) == [
        "now", "day -0 0 h 1 min", "day -0 5 h 0 min", "day -1", "day -3 5 h 30 min"
    ]  # fmt: skip


def test_nothing_after_now_is_shown() -> None:
    with pytest.raises(InputError, match="expected a moment up to"):
        shown([Moment(NOW_NS + 1)])


def test_texts_are_dropped_unless_they_fit_any_market_at_any_time() -> None:
    texts = [
        "Prices fell sharply after the weekend", "Bitcoin rallies", "Buyers at 61,000",
        "The fed cut rates", "traders fear FTX", "Prices rose on 12 March", "比特币上涨",
        "up 5 in two days", "see https://a.b", "@whale sold", "",
    ]  # fmt: skip
    blinded = blind_block("x", [Words(text) for text in texts], NOW_NS)
    kept = [text for text in json.loads(blinded.block.split("\n")[1]) if text is not None]
    assert kept == ["Prices fell sharply after the weekend", "up 5 in two days", ""]
    assert blinded.n_dropped == 8


def test_a_text_of_plain_words_that_names_something_known_is_dropped() -> None:
    facts = [Asset("LIGHT/USD"), Words("the light fell"), Words("the market fell")]
    assert shown(facts) == ["ASSET_1", None, "the market fell"]
    assert shown([Words("good people sell")], known_names=["Good People"]) == [None]


def test_the_mapping_reads_a_blind_answer_and_is_in_no_prompt() -> None:
    blinded = blind_block("x", [Asset(BTC), PriceOf(BTC, Decimal("61234.5"))], NOW_NS)
    assert blinded.mapped.symbol("ASSET_1") == BTC
    assert blinded.mapped.price(BTC, Decimal("98.5")) == Decimal("60315.98250")
    with pytest.raises(InputError, match="expected one of ASSET_1, was 'ASSET_2'"):
        blinded.mapped.symbol("ASSET_2")
    with pytest.raises(InputError, match="was 'XRP/USD'"):
        blinded.mapped.price(XRP, Decimal(1))
    assert "61234" not in blinded.block
    assert "BTC" not in blinded.block


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ([Asset(BTC), {"symbol": "BTC/USD"}], "a name at x.*.symbol"),
        ([Asset(BTC), "holding bitcoin"], "a name at x"),
        ([Asset(BTC), {"btc_dominance": 0.5}], "a name at x"),
        (["as of 2021-11-10"], "a date at x"),
        ({"when": "Monday"}, "a date at x.when"),
        (["q3"], "a date"),
        (["at 14:30"], "a date"),
        (["may 2021"], "a date"),
        ([PriceOf(BTC, 61234.5), 61234.5], "a price level at x"),
        ([PriceOf(BTC, 61234.5), "stop near 61,234.50"], "a price level at x"),
        ([PriceOf(BTC, 61234.5), Decimal("61234.5")], "a price level at x"),
        ([VolumeOf(BTC, 1234.0), 1234], "a price level at x"),
    ],
)
def test_what_does_not_say_what_it_is_ends_the_blind_run(facts: Any, words: str) -> None:
    """The planted faults: a leak is refused, never sent."""
    with pytest.raises(CheckFailed, match=words.replace("*", r"\*")):
        shown(facts)


@pytest.mark.parametrize(
    "facts",
    [
        ["trending_bull", "macd_12_26_9", "it may rise", 2021, Decimal("2021.5"), 0.5],
        [PriceOf(BTC, 100.5), 101],
        [PriceOf(BTC, 61234.5), {"rsi_14": 61.2, "bars": 60}],
        ["choppy", "usd", "1h", "day"],
    ],
)
def test_plain_values_are_not_accused(facts: Any) -> None:
    """The clean twins."""
    assert shown([Asset("ETH/USD"), *facts])[0] == "ASSET_1"


def test_a_rebased_price_that_equals_a_level_by_chance_is_not_accused() -> None:
    assert shown([PriceOf(BTC, 100.0), PriceOf(BTC, 101.25)]) == [100.0, 101.25]


def test_a_symbol_is_known_by_its_parts_and_its_nicknames() -> None:
    assert names_of("BTC/USDT") == (
        "BTC/USDT",
        "BTC",
        "USDT",
        "Bitcoin",
        "XBT",
        "Satoshi",
        "Tether",
    )
    assert names_of("AAPL") == ("AAPL",)
    assert names_of("XRP/USD") == ("XRP/USD", "XRP", "Ripple", "XRPL")


def test_generic_words_name_no_time() -> None:
    assert is_generic("Buyers' panic: a quiet week")
    assert not tells_time("a quiet week")
    assert not is_generic("buy dogecoin")

"""Laws of language models for any text and any snapshot (DK-21, DK-44, C22)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import DAY_NS, HOUR_NS, format_time, ns_to_datetime
from athena.language import (
    Answer,
    Asset,
    Breaker,
    Moment,
    PriceOf,
    VolumeOf,
    Words,
    blind_block,
    data_block,
)
from athena.language.prompts import clean
from athena.language.questions import Malformed, canonical, read_answer
from tests.language_builder import BUY, Opinion

N_SNAPSHOTS = 1_000
COINS = {"BTC": "Bitcoin", "ETH": "Ethereum", "XRP": "Ripple", "SOL": "Solana", "DOGE": "Dogecoin"}
COMPANIES = ["Apple", "MicroStrategy", "Coinbase", "Kraken", "BlackRock", "Block One"]
PEOPLE = ["Elon Musk", "Gary Gensler", "Vitalik"]


def random_snapshot(rng: np.random.Generator) -> tuple[Any, int, list[str], list[float]]:
    """Build facts, the moment they are of, every name in them and every raw price and volume."""
    as_of_ns = int(rng.integers(1_400_000_000, 1_790_000_000)) * 10**9
    coins = [str(coin) for coin in rng.choice(list(COINS), size=rng.integers(1, 4), replace=False)]
    quote = str(rng.choice(["USD", "USDT", "EUR"]))
    raw: list[float] = []
    frames = []
    for coin in coins:
        symbol = f"{coin}/{quote}"
        level = 10 ** rng.uniform(-3, 5)
        closes = level * np.exp(np.cumsum(rng.normal(0, 0.03, 20)))
        volumes = 10 ** rng.uniform(0, 6) * rng.uniform(0.5, 2, 20)
        raw += [*closes.tolist(), *volumes.tolist()]
        frames.append(
            {
                "asset": Asset(symbol),
                "close": [PriceOf(symbol, float(value)) for value in closes],
                "volume": [VolumeOf(symbol, float(value)) for value in volumes],
                "at": [Moment(as_of_ns - k * HOUR_NS) for k in range(20)],
                "atr": PriceOf(symbol, float(closes.std())),
                "rsi": float(rng.uniform(0, 100)),
                "regime": str(rng.choice(["trending_bull", "choppy", "ranging"])),
            }
        )
        raw.append(float(closes.std()))
    day = ns_to_datetime(as_of_ns - int(rng.integers(0, 300)) * DAY_NS)
    said = [
        f"{COINS[coins[0]]} reaches {raw[0]:,.2f}",
        f"{rng.choice(COMPANIES)} buys {coins[0]} on {day:%d %B %Y}",
        f"{str(rng.choice(PEOPLE)).lower()} said in {day:%B} to sell",
        f"prices fell on {day:%A}",
        f"news of {day:%Y-%m-%d}: {coins[0].lower()} down",
        "Sellers fear more losses",
    ]
    facts = {"frames": frames, "news": [Words(text) for text in said], "as_of": Moment(as_of_ns)}
    names = [*coins, *(COINS[coin] for coin in coins), *COMPANIES, *PEOPLE]
    names += [*(f"{coin}/{quote}" for coin in coins), f"{day:%Y}", f"{day:%B}", f"{day:%A}"]
    names += [format_time(as_of_ns)[:10], format_time(as_of_ns)[:4]]
    return facts, as_of_ns, names, raw


def test_1000_blind_snapshots_hold_no_symbol_company_date_or_raw_price(
    rng: np.random.Generator,
) -> None:
    """DK-21; what may be in a prompt is found by other means than the code's own."""
    for _ in range(N_SNAPSHOTS):
        facts, as_of_ns, names, raw = random_snapshot(rng)
        known = [*COMPANIES, *PEOPLE]
        blinded = blind_block("snapshot", facts, as_of_ns, known_names=known)
        words = set(re.findall(r"[a-z]+", blinded.block.lower()))
        for name in names:
            if not name[:4].isdigit():
                assert not set(re.findall(r"[a-z]+", name.lower())) - {"usd", "eur"} <= words, name
        # Ratios are written with four decimals, raw values with all of theirs.
        texts = {format(value, f".{digits}f") for value in raw for digits in (6, 8, 10)}
        assert not any(text in blinded.block for text in texts)
        numbers = {float(item) for item in re.findall(r"\d+\.\d+", blinded.block)}
        assert not numbers & {value for value in raw if value != round(value, 4)}
        shown = json.loads(blinded.block.split("\n")[1])
        dates = json.dumps([frame["at"] for frame in shown["frames"]])
        assert re.search(r"\b(19|20)\d\d\b", dates) is None
        assert shown["news"][:5] == [None] * 5
        for frame, given_frame in zip(shown["frames"], facts["frames"], strict=True):
            ratio = given_frame["close"][-1].value / given_frame["close"][0].value
            assert frame["close"][0] == 100
            assert abs(frame["close"][-1] - 100 * ratio) < 1e-4
            symbol = blinded.mapped.symbol(frame["asset"])
            assert symbol == given_frame["asset"].symbol
            first = blinded.mapped.price(symbol, Decimal(100))
            assert float(first) == given_frame["close"][0].value


@given(st.lists(st.text(), max_size=4))
def test_any_text_stays_within_its_quotation(texts: list[str]) -> None:
    """DK-44."""
    block = data_block("news", [Words(text) for text in texts])
    head, body, end = block.split("\n")
    assert (head, end) == ('<data name="news">', "</data>")
    assert not set("<>&") & set(body)
    assert json.loads(body) == [clean(text) for text in texts]


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=8,
)


@given(st.text() | VALUES.map(json.dumps))
def test_no_text_makes_reading_raise(text: str) -> None:
    """C22: it is an answer of the form or malformed."""
    assert isinstance(read_answer(Opinion, text), Opinion | Malformed)


@given(
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["buy", "sell", "hold", "BUY", "close", ""]) | VALUES,
            "confidence": st.floats() | st.integers() | VALUES,
            "size_frac": st.floats() | VALUES,
            "reasons": st.lists(st.text(max_size=100), max_size=4) | VALUES,
        }
    )
)
def test_an_answer_that_is_read_lies_within_its_bounds(values: dict[str, Any]) -> None:
    """C22: never a size or a confidence beyond the form, whatever the model writes."""
    found = read_answer(Opinion, json.dumps(values))
    if isinstance(found, Answer):
        assert found.action in {"buy", "sell", "hold"}
        assert 0 <= found.confidence <= 1
        assert 0 <= found.size_frac <= 1
        assert len(found.reasons) <= 3


@given(st.text(), st.text())
def test_an_answer_with_words_around_it_is_malformed(before: str, after: str) -> None:
    if before.strip() or after.strip():
        assert isinstance(read_answer(Opinion, f"{before}{BUY}{after}"), Malformed)


@given(
    st.dictionaries(st.text("abc"), st.integers(), max_size=5), st.randoms(use_true_random=False)
)
def test_the_order_of_keys_changes_no_canonical_text(values: dict[str, int], random: Any) -> None:
    names = list(values)
    random.shuffle(names)
    assert canonical({name: values[name] for name in names}) == canonical(values)


@given(
    st.lists(st.tuples(st.sampled_from(["ok", "no", "stop"]), st.integers(0, 400)), max_size=60)
)
def test_a_breaker_at_rest_admits_one_trial_in_300_s(events: list[tuple[str, int]]) -> None:
    """DK-43, against a count of one's own."""
    breaker, now_s, failures, rests_until = Breaker(3, 300), 0, 0, 0
    for verdict, wait_s in events:
        now_s += wait_s
        is_resting = failures >= 3 and now_s < rests_until
        assert breaker.admit(now_s * 10**9) is not is_resting
        if is_resting:
            continue
        if verdict == "ok":
            breaker.succeed()
            failures = 0
        elif verdict == "no":
            breaker.fail(now_s * 10**9)
            failures += 1
            rests_until = now_s + 300
        else:
            breaker.let_go()

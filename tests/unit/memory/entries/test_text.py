"""Words, sentences, tokens and the cleaning of what is remembered."""

from __future__ import annotations

import pytest

from athena.errors import InputError
from athena.memory.entries import clean_text, count_tokens, sentences, share_of_words, words


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two\n\tlines  of text ", "two lines of text"),
        ("a zero\0character here", "a zerocharacter here"),
        ("cafe\N{COMBINING ACUTE ACCENT} and croissants", "café and croissants"),
        ("\N{ROCKET}" * 10, "\N{ROCKET}" * 10),
    ],
)
def test_a_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "words_of_error"),
    [
        ("", "10 to 4,096 characters, was 0"),
        ("too short", "was 9"),
        (" \n" * 50, "was 0"),
        ("x" * 1_000_000, "was 1,000,000"),
        ("half a pair \ud800 of surrogates", "surrogate"),
    ],
)
def test_a_text_that_is_no_memory_is_refused(text: str, words_of_error: str) -> None:
    with pytest.raises(InputError, match=words_of_error):
        clean_text(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The traders traded; trading trades!", ["trader", "trad", "trad", "trad"]),
        ("It stopped at 42,000.50 USD", ["stop", "42,000.50", "usd"]),
        ("companies and company", ["compani", "compani"]),
        ("BTC/USDT_perp", ["btc", "usdt", "perp"]),
        ("this is of no use to us at all", ["use", "us"]),
        ("Ñandú über ΣΊΣΥΦΟΣ", ["ñandú", "über", "σίσυφος"]),
        ("比特币上涨", ["比特", "特币", "币上", "上涨"]),
        ("", []),
    ],
)
def test_words_are_stemmed_and_stop_words_left_out(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_the_share_of_a_querys_words() -> None:
    """Words are whole ones: `art` is not in `start`."""
    assert share_of_words("funding of bitcoin", "Bitcoin's funding rose") == 1.0
    assert share_of_words("funding of bitcoin", "the funding fell") == 0.5
    assert share_of_words("art", "a start") == 0.0
    assert share_of_words("what is it", "anything") == 1.0


def test_sentences_end_where_they_end() -> None:
    assert sentences("One. Two at 4.5 percent! Three? Four") == [
        "One.",
        "Two at 4.5 percent!",
        "Three?",
        "Four",
    ]
    assert sentences("上涨。下跌。") == ["上涨。", "下跌。"]
    assert sentences("  ") == []


def test_tokens_are_never_fewer_than_a_third_of_the_bytes() -> None:
    assert [count_tokens(text) for text in ("", "a", "abc", "abcd", "币")] == [0, 1, 1, 2, 1]

"""Words, sentences and tokens of a text: what every part of the memory counts with."""

from __future__ import annotations

import re
import unicodedata

from athena.errors import InputError

MIN_CHARACTERS = 10
MAX_CHARACTERS = 4_096

# Function words of English: they stand in every text and say nothing about it.
STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "more",
        "most",
        "my",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "own",
        "same",
        "she",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
# Scripts that put no space between words: their texts are cut into pairs of characters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_HALF = re.compile("[\ud800-\udfff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])")
_SHORTEST_STEMMED = 4
_SHORTEST_STEM = 3
_BYTES_PER_TOKEN = 3


def clean_text(text: str) -> str:
    """Return a text in composed Unicode, in one line, without control characters.

    Raises:
        InputError: it cannot be written as UTF-8, or has fewer than 10 or more than 4,096
            characters.
    """
    cleaned = " ".join(text.split())
    if not (cleaned.isascii() and cleaned.isprintable()):
        cleaned = _CONTROL.sub("", unicodedata.normalize("NFC", cleaned))
        if _HALF.search(cleaned):
            message = "expected a text that UTF-8 can hold, was one with half a surrogate pair"
            raise InputError(message, hint="decode the bytes first")
    if not MIN_CHARACTERS <= len(cleaned) <= MAX_CHARACTERS:
        message = (
            f"expected a text of {MIN_CHARACTERS} to {MAX_CHARACTERS:,} characters, "
            f"was {len(cleaned):,}"
        )
        raise InputError(message, hint="say what is worth remembering, in one or a few sentences")
    return cleaned


def words(text: str) -> list[str]:
    """List the words of a text in their order: lower case, stemmed, stop words left out.

    English words lose their plain endings (-s, -ies, -ed, -ing, -e). Texts in scripts without
    spaces give overlapping pairs of characters.
    """
    said = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
    if text.isascii() or not _UNSPACED.search(text):
        return [_stem(word) for word in said]
    found: list[str] = []
    for word in said:
        pairs = [word[k : k + 2] for k in range(len(word) - 1)] if _UNSPACED.search(word) else []
        found += pairs or [_stem(word)]
    return found


def _stem(word: str) -> str:
    """Cut the plain endings off an English word; others stay as they are."""
    if len(word) < _SHORTEST_STEMMED or not word.isascii():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("sses"):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word.removesuffix(ending)
            if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    if len(word) > _SHORTEST_STEMMED and word.endswith("e"):
        return word[:-1]
    if len(word) > _SHORTEST_STEMMED and word.endswith("y"):
        return word[:-1] + "i"
    return word


def share_of_words(query: str, text: str) -> float:
    """Return the share of the query's different words that a text has, in [0, 1].

    A query without a word that says anything is in every text: 1.
    """
    asked = set(words(query))
    return len(asked & set(words(text))) / len(asked) if asked else 1.0


def sentences(text: str) -> list[str]:
    """Cut a text after each full stop, question or exclamation mark; empty in, empty out."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def count_tokens(text: str) -> int:
    """Count tokens without a tokenizer: one for every three bytes of UTF-8, rounded up.

    It counts too many rather than too few: tokenizers of today take about four bytes of English.
    """
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)

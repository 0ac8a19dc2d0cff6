"""A summary without a model: the sentences that say most about the question, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.memory.entries import count_tokens, sentences, share_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence


def summarise_texts(texts: Sequence[str], query: str, max_tokens: int) -> tuple[str, list[int]]:
    """Pick sentences by their share of the query's words, the earlier of equals first.

    Args:
        texts: what is to be summed up.
        query: what it is summed up for; an empty one takes the first sentences.
        max_tokens: of the summary; the best sentence is taken even when it is longer.

    Returns:
        The sentences, joined in the order of the texts, and the places of the texts they are from.
        Nothing in, nothing out. A sentence that stands in several texts is taken once.
    """
    found: dict[str, int] = {}
    for place, text in enumerate(texts):
        for sentence in sentences(text):
            found.setdefault(sentence, place)
    order = list(found)
    ranked = sorted(order, key=lambda item: -share_of_words(query, item))
    chosen: set[str] = set()
    n_tokens = 0
    for sentence in ranked:
        size = count_tokens(f"{sentence} ")
        if chosen and n_tokens + size > max_tokens:
            continue
        chosen.add(sentence)
        n_tokens += size
    kept = [sentence for sentence in order if sentence in chosen]
    return " ".join(kept), sorted({found[sentence] for sentence in kept})

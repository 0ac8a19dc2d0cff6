"""The memory of a home: which embedder it has, how it is opened, how it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import util
from typing import TYPE_CHECKING, Any, Literal

from athena.app._database import bring_up_to_date, opened
from athena.app._output import Table
from athena.domain import format_time, parse_time_ns
from athena.memory import HashedEmbedder, Memory, WordLlamaEmbedder
from athena.platform import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athena.app._context import Context
    from athena.memory import Embedder, Hit

EmbedderName = Literal["hashed", "wordllama"]

_SHOWN_CHARACTERS = 100
# Whole nanoseconds since 1970 have so many digits; dates without hyphens have fewer.
_NS_DIGITS = 18


def choose_embedder(name: EmbedderName | None) -> Embedder:
    """Return an embedder: the one named, else `wordllama` where installed, else `hashed`.

    Raises:
        MissingExtra: the one named is not installed.
    """
    if name is None:
        is_there = util.find_spec("wordllama") is not None
        name = "wordllama" if is_there else "hashed"
    return WordLlamaEmbedder() if name == "wordllama" else HashedEmbedder()


@contextmanager
def remembering(context: Context, embedder: EmbedderName | None = None) -> Iterator[Memory]:
    """Offer the memory of a home; the database is made on first use.

    Raises:
        DatabaseDown: it does not answer.
        DatabaseDamaged: it is not as it was written.
    """
    clock = SystemClock()
    with opened(context.config.database.url, context.home) as database:
        bring_up_to_date(database, context.home, clock.now_ns())
        yield Memory(database, choose_embedder(embedder), clock)


def embed_what_lacks(context: Context, memory: Memory) -> int:
    """Embed the entries that the embedder has not seen, such as after it was changed."""
    n_lacking = memory.count_without_vector()
    if not n_lacking:
        return 0
    with context.output.progress("embedding", n_lacking, "entries") as progress:
        return memory.embed_missing(progress)


def read_moment(text: str | None) -> int | None:
    """Read a time as UTC nanoseconds: ISO-8601, or the nanoseconds that a recall names.

    Raises:
        InputError: it is neither.
    """
    if text is None:
        return None
    return int(text) if text.isdecimal() and len(text) >= _NS_DIGITS else parse_time_ns(text)


def show_moment(ts_ns: int | None) -> str | None:
    """Write a time as ISO-8601, or None for none."""
    return None if ts_ns is None else format_time(ts_ns)


def hit_values(hit: Hit) -> dict[str, Any]:
    """Return what JSON says of a hit."""
    return {
        "id": hit.id,
        "text": hit.text,
        "score": hit.score,
        "type": hit.type,
        "namespace": hit.namespace,
        "trust": hit.trust,
        "source": hit.source,
        "links": list(hit.links),
        "recorded_at": show_moment(hit.recorded_ns),
        "valid_from": show_moment(hit.valid_from_ns),
        "valid_to": show_moment(hit.valid_to_ns),
    }


def hits_table(hits: Sequence[Hit]) -> Table:
    """Show hits to a person."""
    rows = [
        (
            hit.id,
            f"{hit.score:.2f}",
            hit.trust,
            format_time(hit.recorded_ns)[:19],
            hit.text if len(hit.text) <= _SHOWN_CHARACTERS else f"{hit.text[:_SHOWN_CHARACTERS]}…",
        )
        for hit in hits
    ]
    return Table(("id", ">score", "trust", "recorded", "text"), rows)

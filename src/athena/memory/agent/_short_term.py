"""Short-term memory: the working context of one task, bounded in items and tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.memory.agent._summary import summarise_texts
from athena.memory.entries import Trust, count_tokens, share_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPACITY = 20
WINDOW_TOKENS = 4_096
KEEP_THRESHOLD = 0.5
SUMMARY_SHARE = 0.3
_SUMMARY_SOURCE = "summary"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a task has in mind.

    Attributes:
        id: such as `s-3`, never used twice in one task.
        text: what it says.
        source: the id of the entry it comes from, or where else; `summary` for a summary.
        sources: ids of the entries behind it.
        relevance: share of the query's words it had when it was put, in [0, 1].
        at_ns: when it was put, UTC nanoseconds.
        trust: of the least trusted entry behind it.
        is_pinned: True when it is never dropped.
    """

    id: str
    text: str
    source: str
    sources: tuple[str, ...]
    relevance: float
    at_ns: int
    trust: Trust = Trust.OWN
    is_pinned: bool = False

    @property
    def n_tokens(self) -> int:
        """Count the tokens it takes in a prompt, with its delimiters."""
        return count_tokens(self.render())

    def render(self) -> str:
        """Write it for a prompt: as a quoted record whose text cannot end the quote (ML-04)."""
        return (
            f'<memory id="{escape(self.source)}" trust="{self.trust}">\n'
            f"{escape(self.text, quote=False)}\n</memory>"
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What took the place of several items.

    Attributes:
        text: of the summary.
        sources: ids of the entries its sentences are from.
        n_tokens_before: of the items it stands for.
        n_tokens: of the item that holds it.
    """

    text: str
    sources: tuple[str, ...]
    n_tokens_before: int
    n_tokens: int


class ShortTerm:
    """Hold at most 20 items and 4,096 tokens; what is too much is summed up, then dropped.

    Attributes:
        query: what the task is about now.
    """

    def __init__(self, capacity: int = CAPACITY, window_tokens: int = WINDOW_TOKENS) -> None:
        """Start with nothing in mind."""
        self.query = ""
        self._capacity = capacity
        self._window_tokens = window_tokens
        self._items: list[Item] = []
        self._n_put = 0

    @property
    def items(self) -> tuple[Item, ...]:
        """Return what is in mind, oldest first."""
        return tuple(self._items)

    @property
    def n_tokens(self) -> int:
        """Count the tokens of all items."""
        return sum(item.n_tokens for item in self._items)

    @property
    def filling(self) -> float:
        """Return the share of the window that is used, in [0, 1]."""
        return self.n_tokens / self._window_tokens

    def put(
        self,
        text: str,
        source: str,
        at_ns: int,
        *,
        trust: Trust = Trust.OWN,
        is_pinned: bool = False,
    ) -> Item:
        """Take something in; the same source replaces what it said before (ML-01).

        Beyond 20 items the oldest unpinned one leaves. Beyond the window the unpinned ones are
        summed up, and if that is not enough the oldest leave.

        Raises:
            InputError: it does not fit beside the pinned items; nothing was changed.
        """
        kept = [old for old in self._items if old.source != source]
        is_pinned = is_pinned or any(old.is_pinned for old in self._items if old not in kept)
        item = self._made(text, source, (source,), at_ns, trust, is_pinned=is_pinned)
        pinned = [old for old in kept if old.is_pinned]
        n_tokens = item.n_tokens + sum(old.n_tokens for old in pinned)
        if len(pinned) >= self._capacity or n_tokens > self._window_tokens:
            message = (
                f"expected room beside {len(pinned)} pinned items in {self._window_tokens:,} "
                f"tokens, was {n_tokens:,} tokens in all"
            )
            raise InputError(message, hint="unpin something, or say it in fewer words")
        self._items = [*kept, item]
        self._n_put += 1
        self._make_room(item.id)
        return item

    def pin(self, item_id: str, *, is_pinned: bool = True) -> None:
        """Keep an item whatever happens, or no longer.

        Raises:
            InputError: there is no such item.
        """
        if all(item.id != item_id for item in self._items):
            message = f"expected the id of an item in mind, was {item_id!r}"
            raise InputError(message)
        self._items = [
            replace(item, is_pinned=is_pinned) if item.id == item_id else item
            for item in self._items
        ]

    def keep_relevant(self, query: str, threshold: float = KEEP_THRESHOLD) -> tuple[str, ...]:
        """Drop the unpinned items with too few of the query's words; return the dropped ids.

        Raises:
            InputError: the threshold is not in [0, 1].
        """
        if not 0 <= threshold <= 1:
            message = f"expected a threshold in [0, 1], was {threshold}"
            raise InputError(message)
        dropped = [
            item
            for item in self._items
            if not item.is_pinned and share_of_words(query, item.text) < threshold
        ]
        self._items = [item for item in self._items if item not in dropped]
        return tuple(item.id for item in dropped)

    def summarise(self, query: str, at_ns: int) -> Summary:
        """Put one summary in the place of the unpinned items; nothing in mind gives an empty one.

        It aims at 30 % of their tokens.
        """
        return self._summarise([item for item in self._items if not item.is_pinned], query, at_ns)

    def clear(self) -> None:
        """Forget everything, pinned items too."""
        self._items = []
        self.query = ""

    def render(self) -> str:
        """Write all items for a prompt; see `Item.render`."""
        return "\n".join(item.render() for item in self._items)

    def _summarise(self, items: Sequence[Item], query: str, at_ns: int) -> Summary:
        if not items:
            return Summary("", (), 0, 0)
        before = sum(item.n_tokens for item in items)
        texts = [item.text for item in items]
        text, places = summarise_texts(texts, query, int(SUMMARY_SHARE * before))
        sources = tuple(dict.fromkeys(name for k in places for name in items[k].sources))
        is_external = any(items[k].trust is Trust.EXTERNAL for k in places)
        trust = Trust.EXTERNAL if is_external else Trust.OWN
        made = self._made(text, _SUMMARY_SOURCE, sources, at_ns, trust, is_pinned=False)
        self._n_put += 1
        left = [item for item in self._items if item not in items]
        self._items = [*left, made]
        return Summary(text, sources, before, made.n_tokens)

    def _make_room(self, newest: str) -> None:
        """Keep both bounds; the newest item stays."""
        if self.n_tokens > self._window_tokens:
            old = [item for item in self._items if not item.is_pinned and item.id != newest]
            if old:
                self._summarise(old, self.query, old[-1].at_ns)
        while len(self._items) > self._capacity or self.n_tokens > self._window_tokens:
            oldest = next(item for item in self._items if not item.is_pinned and item.id != newest)
            self._items.remove(oldest)

    def _made(  # noqa: PLR0913  # the fields of an item
        self,
        text: str,
        source: str,
        sources: tuple[str, ...],
        at_ns: int,
        trust: Trust,
        *,
        is_pinned: bool,
    ) -> Item:
        relevance = share_of_words(self.query, text) if self.query else 0.0
        name = f"s-{self._n_put + 1}"
        return Item(name, text, source, sources, relevance, at_ns, trust, is_pinned)

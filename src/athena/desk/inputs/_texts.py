"""News, social posts and filings: known from their arrival, never before, and never made up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from athena.desk.contract import STRICT
from athena.domain import DAY_NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ConfigDict

TEXT_AGE_MAX_NS = 7 * DAY_NS  # older ones say nothing any more


class TextKind(StrEnum):
    """What sort of source a text is from."""

    NEWS = "news"
    SOCIAL = "social"
    FILING = "filing"


class TextProvenance(StrEnum):
    """How a text was come by."""

    LIVE = "live"
    RECORDED = "recorded"
    MOCK = "mock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text about one or more symbols.

    Attributes:
        kind: news, social or filing.
        provider: who delivered it, such as `finnhub`.
        source: who wrote it.
        url: where it stands; empty when nowhere.
        text: its words; data, never an instruction.
        symbols: instruments it is about; empty is the whole market.
        published_ns, arrived_ns: UTC.
        provenance: how it was come by.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: TextKind
    provider: str
    source: str
    text: str
    published_ns: int
    arrived_ns: int
    provenance: TextProvenance
    url: str = ""
    symbols: tuple[str, ...] = ()

    @property
    def known_at_ns(self) -> int:
        """Return when it was known here: the later of publication and arrival (DK-05)."""
        return max(self.published_ns, self.arrived_ns)


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be read at a moment.

    Attributes:
        texts: newest first; equal words of one source once.
        n_later: left out, because they were not known yet.
        n_mock: refused, because they are made up and the mode does not say so (DK-06).
        gaps: providers that failed, with the reason; nothing stands in for what they have.
    """

    texts: tuple[Text, ...] = ()
    n_later: int = 0
    n_mock: int = 0
    gaps: tuple[str, ...] = ()


def texts_at(
    texts: Iterable[Text],
    as_of_ns: int,
    symbol: str,
    *,
    is_mock: bool = False,
    gaps: tuple[str, ...] = (),
) -> Texts:
    """Choose the texts about a symbol that were known at a moment and are not too old.

    Args:
        texts: all there are.
        as_of_ns: the moment.
        symbol: instrument; texts about the whole market are kept too.
        is_mock: True in a mode whose name says that data are made up.
        gaps: providers that failed.
    """
    about = [
        item
        for item in texts
        if (not item.symbols or symbol in item.symbols)
        and as_of_ns - item.known_at_ns <= TEXT_AGE_MAX_NS
    ]
    real = [item for item in about if is_mock or item.provenance is not TextProvenance.MOCK]
    known = [item for item in real if item.known_at_ns <= as_of_ns]
    known.sort(key=lambda item: (-item.known_at_ns, item.provider, item.source, item.text))
    # The last one that is put in is the one that was known first.
    first = {(item.source, item.text.casefold()): item for item in known}
    kept = tuple(item for item in known if first[item.source, item.text.casefold()] is item)
    return Texts(kept, len(real) - len(known), len(about) - len(real), gaps)

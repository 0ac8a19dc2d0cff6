"""What a debate may rest on: every fact has an id, and both sides see the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.contract import SentimentView
from athena.desk.models._prompt import gives_away, number_of
from athena.domain import Action
from athena.language import Asset, PriceOf, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athena.desk.contract import MemoryHit, Output, Proposal
    from athena.language import Fact

_MOST = 60


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A fact on the table.

    Attributes:
        id: `E1`, `E2`, ...; what a claim cites.
        agent: who brought it; `memory` for a lesson.
        name: what it is.
        value: a number, a word of ours, or a text of others.
    """

    id: str
    agent: str
    name: str
    value: float | str | Words

    def fact(self, symbol: str) -> Fact:
        """Return it as a prompt shows it."""
        shown = self.value
        if isinstance(shown, float):
            return {**self._head(), "value": number_of(symbol, self.name, shown)}
        return {**self._head(), "value": shown}

    def _head(self) -> dict[str, Fact]:
        return {"id": self.id, "agent": self.agent, "name": self.name}


def exhibits_of(
    symbol: str,
    outputs: Iterable[Output],
    lessons: Sequence[MemoryHit],
    as_of_ns: int,
    *,
    is_blind: bool,
) -> tuple[Exhibit, ...]:
    """Put on the table what was published and what was learned, at most 60 facts.

    Blind, a text that tells which market or when is left out: nobody may rest on what he cannot
    see.
    """
    found: list[tuple[str, str, float | str | Words]] = []
    for output in outputs:
        if output.abstains:
            continue
        found += [(output.agent, "says", output.action.value)]
        found += [(output.agent, "confidence", float(output.confidence))]
        found += [(output.agent, item.name, float(item.value)) for item in output.evidence]
        if isinstance(output.detail, SentimentView):
            texts = (*output.detail.events, *output.detail.narratives)
            found += [(output.agent, "text", Words(item.text)) for item in texts]
    found += [("memory", "lesson", Words(item.text)) for item in lessons]
    if is_blind:
        found = [
            item
            for item in found
            if not (isinstance(item[2], Words) and gives_away(symbol, item[2], as_of_ns))
        ]
    return tuple(Exhibit(f"E{k}", *item) for k, item in enumerate(found[:_MOST], 1))


def proposal_facts(proposal: Proposal) -> dict[str, Fact]:
    """Show a proposal: what is wanted, at which prices, how large."""
    symbol = proposal.symbol
    prices = {
        "entry": proposal.entry_price,
        "stop": proposal.stop_price,
        "target": proposal.target_price,
    }
    return {
        "instrument": Asset(symbol),
        "action": proposal.action.value,
        "strategy": proposal.strategy,
        "strength": proposal.strength,
        "regime": proposal.regime.value,
        "size_share_of_equity": proposal.size_frac,
        **{name: PriceOf(symbol, price) for name, price in prices.items() if price is not None},
    }


def is_debated(proposal: Proposal) -> bool:
    """Tell whether a proposal is worth a debate: what only reduces risk always passes."""
    return proposal.action in {Action.BUY, Action.SELL} and proposal.size_frac > 0

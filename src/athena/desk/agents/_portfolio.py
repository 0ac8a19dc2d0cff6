"""The portfolio agent: where the core book stands, and in which style it goes back (4.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.agents._opinion import Opinion, abstain, evidence_of
from athena.desk.contract import PortfolioView, Unavailable, Weight, digest
from athena.domain import Action
from athena.trading.algorithms import Looked, RebalanceStyle, rebalance_due

if TYPE_CHECKING:
    from athena.desk.contract import Context
    from athena.trading.algorithms import Holdings, RebalanceRules, Rebalancing

_PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioInputs:
    """What the portfolio agent reads, all of it the core's own.

    Attributes:
        symbols: instruments of the core book, in the order of `rules` and `holdings`.
        quote: currency of its cash.
        rules: targets and times.
        holdings: what the book holds now.
        state: of rebalancing, folded from the journal.
        style: what a model chose, why it did not, or None when none was asked.
    """

    symbols: tuple[str, ...]
    quote: str
    rules: RebalanceRules
    holdings: Holdings
    state: Rebalancing
    style: RebalanceStyle | Unavailable | None = None


def read_style(answer: str) -> RebalanceStyle | Unavailable:
    """Read a model's choice of style: one of three words, and nothing else."""
    try:
        return RebalanceStyle(answer)
    except ValueError:
        return Unavailable("model:portfolio", f"expected a style, was {answer[:40]!r}")


class PortfolioRule:
    """Ask for a rebalance when the core's own rules say that one is due; it remembers nothing.

    It takes no part in votes: it speaks about the core book, not about a symbol. Its style goes to
    the core, which looks again, judges each order, and carries the rebalance out.
    """

    def input_ids(self, inputs: PortfolioInputs) -> tuple[str, ...]:
        """Return the digests of rules and holdings."""
        holdings = inputs.holdings
        seen = (holdings.values, holdings.equity, holdings.prices, sorted(holdings.in_flight))
        return (digest(inputs.rules), digest(seen))

    def judge(self, context: Context[PortfolioInputs]) -> Opinion:
        """Measure the book and say whether a rebalance is due."""
        inputs = context.inputs
        if inputs.state.is_under_way:
            return abstain("a rebalance is under way")
        chosen = inputs.style
        style = chosen if isinstance(chosen, RebalanceStyle) else RebalanceStyle.LIMIT_NOW
        looks = rebalance_due(
            inputs.rules, inputs.state, inputs.holdings, context.as_of_ns, style=style
        )
        if not looks:
            return abstain("the last look is too recent")
        look = looks[0]
        if not isinstance(look, Looked) or inputs.holdings.equity <= 0:
            return abstain("equity or a price is not known")
        remark = (
            () if not isinstance(chosen, Unavailable) else (f"style by rule: {chosen.reason}",)
        )
        is_due = look.plan is not None
        reason = look.refusal or (f"rebalance, {style}" if is_due else "within the targets")
        return Opinion(
            action=Action.HOLD,
            confidence=0.0,
            label=look.level.value,
            reasons=(reason, *remark),
            evidence=evidence_of([("deviation", look.off_ppm / _PPM)], "frac", "core book"),
            abstains=True,
            detail=PortfolioView(
                weights=_weights(inputs),
                off_ppm=look.off_ppm,
                level=look.level.value,
                style=style.value,
                is_due=is_due,
            ),
        )


def _weights(inputs: PortfolioInputs) -> tuple[Weight, ...]:
    holdings, targets = inputs.holdings, inputs.rules.weights_ppm
    held = [value * _PPM // holdings.equity for value in holdings.values]
    rows = zip(inputs.symbols, held, targets, strict=True)
    cash = Weight(inputs.quote, _PPM - sum(held), max(0, _PPM - sum(targets)))
    return (*(Weight(*row) for row in rows), cash)

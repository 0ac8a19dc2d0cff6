"""The model panel: what several models answer to one question adds up to (4.5)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from athena.desk.agents._opinion import Opinion, abstain, evidence_of, hold
from athena.desk.agents._strategy import action_on, whole_ticks
from athena.desk.agents._technical import DEGRADED_CAP
from athena.desk.contract import Proposal, Unavailable, digest
from athena.desk.inputs import Grade
from athena.domain import Action
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athena.desk.contract import Context
    from athena.desk.inputs import AccountView, Snapshot
    from athena.domain import Regime

NumberT = TypeVar("NumberT", Decimal, float)

_SIDES = {Action.BUY: 1, Action.SELL: -1}


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """Numbers of the panel.

    Attributes:
        n_models: asked.
        quorum: valid answers without which it holds.
        winner_frac: share of the valid answers that the winner needs more than.
        bonus_all: confidence added when every model that was asked agrees.
        high_percent, bonus_high: share of the valid answers, rounded, and what it adds.
        low_percent, bonus_low: likewise.
        size_cap_frac: largest share of equity suggested.
    """

    n_models: int = 6
    quorum: int = 4
    winner_frac: float = 0.5
    bonus_all: float = 0.15
    high_percent: int = 83
    bonus_high: float = 0.10
    low_percent: int = 67
    bonus_low: float = 0.05
    size_cap_frac: float = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelAnswer:
    """One model's valid answer; what did not fit the schema is no answer.

    Attributes:
        model: who.
        action: its choice.
        confidence: 0..1.
        entry_price, stop_price, target_price: quote currency; None where it gave none.
        size_frac: share of equity, 0..1; None where it gave none.
    """

    model: str
    action: Action
    confidence: float
    entry_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    size_frac: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no schema lets through: NaN, a size of 1e9, a price of 0."""
        fractions = (self.confidence, 0.0 if self.size_frac is None else self.size_frac)
        prices = (self.entry_price, self.stop_price, self.target_price)
        if not all(0 <= value <= 1 for value in fractions) or any(
            price is not None and not (price.is_finite() and price > 0) for price in prices
        ):
            message = f"expected fractions in [0, 1] and prices above 0, was {self}"
            raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelVerdict:
    """What the panel came to.

    Attributes:
        action: hold without a quorum or a majority.
        confidence: mean of the agreeing, and the bonus.
        agreeing: models, by name.
        n_valid: answers that counted.
        reason: a sentence.
        entry_price, stop_price, target_price, size_frac: medians over the agreeing that gave one.
    """

    action: Action
    confidence: float
    agreeing: tuple[str, ...]
    n_valid: int
    reason: str
    entry_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    size_frac: float | None = None


def aggregate_panel(
    answers: Sequence[PanelAnswer], held: Decimal, settings: PanelSettings
) -> PanelVerdict:
    """Add up the answers of a panel (DK-10).

    Args:
        answers: valid ones, one per model.
        held: signed quantity of the symbol; closing what is not held is holding.
        settings: quorum and majority.

    Raises:
        InputError: a model answers twice.
    """
    names = [item.model for item in answers]
    if len(set(names)) < len(names):
        message = f"expected one answer per model, was {sorted(names)}"
        raise InputError(message)
    n = len(answers)
    if n < settings.quorum:
        return _no_verdict(
            n, f"{n} valid answers of {settings.n_models}, {settings.quorum} needed"
        )
    meant = {item.model: _meant(item.action, held) for item in answers}
    action, count = Counter(meant.values()).most_common(1)[0]
    if count <= settings.winner_frac * n:
        return _no_verdict(n, f"no majority: {_tally(meant.values())}")
    agreeing = sorted((a for a in answers if meant[a.model] is action), key=lambda a: a.model)
    mean = sum(item.confidence for item in agreeing) / count
    return PanelVerdict(
        action=action,
        confidence=min(1.0, mean + _bonus(count, n, settings)),
        agreeing=tuple(item.model for item in agreeing),
        n_valid=n,
        reason=f"{count} of {n} answers say {action}: {_tally(meant.values())}",
        entry_price=_median(item.entry_price for item in agreeing),
        stop_price=_median(item.stop_price for item in agreeing),
        target_price=_median(item.target_price for item in agreeing),
        size_frac=_median(item.size_frac for item in agreeing),
    )


def _no_verdict(n_valid: int, reason: str) -> PanelVerdict:
    return PanelVerdict(
        action=Action.HOLD, confidence=0.0, agreeing=(), n_valid=n_valid, reason=reason
    )


def _meant(action: Action, held: Decimal) -> Action:
    """Read a close of a position that is not there as hold."""
    if action is Action.CLOSE_LONG and held <= 0:
        return Action.HOLD
    return Action.HOLD if action is Action.CLOSE_SHORT and held >= 0 else action


def _bonus(count: int, n: int, settings: PanelSettings) -> float:
    if count == settings.n_models:
        return settings.bonus_all
    percent = round(100 * count / n)
    if percent >= settings.high_percent:
        return settings.bonus_high
    return settings.bonus_low if percent >= settings.low_percent else 0.0


def _median(values: Iterable[NumberT | None]) -> NumberT | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _tally(actions: Iterable[Action]) -> str:
    counts = Counter(action.value for action in actions)
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelInputs:
    """What the panel's agent reads.

    Attributes:
        snapshot: that the models were asked about.
        regime: label that risk works with.
        account: real positions; None when the core does not show them.
        answers: valid ones, or why there are none.
    """

    snapshot: Snapshot
    regime: Regime
    account: AccountView | None
    answers: tuple[PanelAnswer, ...] | Unavailable


class PanelRule:
    """Propose what a panel of models came to; it remembers nothing and asks nobody."""

    def __init__(self, name: str, settings: PanelSettings | None = None) -> None:
        """Take the agent's name, which begins the ids of its proposals, and the numbers."""
        self._name = name
        self._settings = settings or PanelSettings()

    def input_ids(self, inputs: PanelInputs) -> tuple[str, ...]:
        """Return the digests of the snapshot and of the answers."""
        return (inputs.snapshot.id, digest(inputs.answers))

    def judge(self, context: Context[PanelInputs]) -> Opinion:
        """Propose what the panel came to; without a quorum it holds."""
        inputs = context.inputs
        if isinstance(inputs.answers, Unavailable):
            return abstain(f"no panel: {inputs.answers.reason}")
        if inputs.account is None:
            return hold("the positions are not known")
        snapshot = inputs.snapshot
        if snapshot.quality.grade is Grade.UNUSABLE or snapshot.price is None:
            return hold("the bars cannot be used", *snapshot.quality.reasons)
        held = inputs.account.held(snapshot.symbol)
        verdict = aggregate_panel(inputs.answers, held, self._settings)
        action, why = verdict.action, ""
        if action in _SIDES:
            action, why = action_on(_SIDES[action], inputs.account, snapshot.instrument)
        if action is Action.HOLD:
            return hold(verdict.reason, *filter(None, [why]), label="panel")
        return Opinion(
            action=action,
            confidence=verdict.confidence,
            confidence_cap=(DEGRADED_CAP if snapshot.quality.grade is Grade.DEGRADED else 1.0),
            label="panel",
            reasons=(verdict.reason, f"agreeing: {', '.join(verdict.agreeing)}"),
            evidence=evidence_of([("n_valid", float(verdict.n_valid))], "count", "panel"),
            detail=self._proposal(context, action, verdict),
        )

    def _proposal(
        self, context: Context[PanelInputs], action: Action, verdict: PanelVerdict
    ) -> Proposal:
        snapshot = context.inputs.snapshot
        is_entry = action in _SIDES
        side = _SIDES.get(action, 0)

        def on_tick(price: Decimal | None) -> Decimal | None:
            if price is None or not is_entry:
                return None
            return whole_ticks(float(price), side, snapshot.instrument)

        return Proposal(
            id=f"{self._name}/{snapshot.symbol}/{context.as_of_ns}",
            symbol=snapshot.symbol,
            action=action,
            strategy="panel",
            strength=verdict.confidence,
            regime=context.inputs.regime,
            entry_price=snapshot.price,
            stop_price=on_tick(verdict.stop_price),
            target_price=on_tick(verdict.target_price),
            size_frac=(
                min(verdict.size_frac or 0.0, self._settings.size_cap_frac) if is_entry else 0.0
            ),
        )

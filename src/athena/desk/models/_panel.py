"""The model panel: one prompt to every model of the role at once, and what each answered (4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from athena.desk.agents import PanelAnswer
from athena.desk.contract import Unavailable
from athena.desk.models._market import market_facts
from athena.desk.models._prompt import quoted, why_not
from athena.domain import Action
from athena.language import Answer, Answered, ModelRole, Question

if TYPE_CHECKING:
    from athena.desk.inputs import AccountView, Snapshot
    from athena.language import Asker

PANEL_S = 30.0
_TASK = """You are one of several independent analysts of a trading desk. You see one market and
say what you would do with it now: buy, sell, hold, or close what is held. Each entry needs a stop
that limits the loss and a target worth at least one and a half times the way to the stop. Few good
trades are wanted: without a clear edge after costs, hold.
Give entry, stop and target as multiples of the last close (0.98 is two percent below it), and the
size as a share of the account's equity. Leave them out when you hold or close."""
_RATIO_MIN, _RATIO_MAX = 0.5, 2.0
_SIGNS = {Action.BUY: 1, Action.SELL: -1}


class PanelOpinion(Answer):
    """What one model answers; prices are multiples of the last close."""

    action: Literal["buy", "sell", "hold", "close_long", "close_short"]
    confidence: float = Field(ge=0, le=1)
    reason: str = Field(max_length=400)
    entry_ratio: float | None = Field(default=None, ge=_RATIO_MIN, le=_RATIO_MAX)
    stop_ratio: float | None = Field(default=None, ge=_RATIO_MIN, le=_RATIO_MAX)
    target_ratio: float | None = Field(default=None, ge=_RATIO_MIN, le=_RATIO_MAX)
    size_frac: float | None = Field(default=None, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class PanelReplies:
    """What a panel said.

    Attributes:
        answers: that count, by name of the model.
        missing: (model, why it does not count), by name.
        contaminated: models that may know what came after.
    """

    answers: tuple[PanelAnswer, ...]
    missing: tuple[tuple[str, str], ...]
    contaminated: tuple[str, ...]

    @property
    def for_cycle(self) -> tuple[PanelAnswer, ...] | Unavailable:
        """Return what a cycle takes: the answers, or why there is not a single one."""
        if self.answers:
            return self.answers
        reasons = "; ".join(f"{model}: {why}" for model, why in self.missing)
        return Unavailable("panel", reasons or "no models are configured")


def ask_panel(  # noqa: PLR0913 - whom to ask, about what, and who pays
    asker: Asker,
    snapshot: Snapshot,
    account: AccountView | None,
    *,
    decision_id: str,
    is_blind: bool = False,
    deadline_s: float = PANEL_S,
) -> PanelReplies:
    """Ask every model of the role `panel` the same question at once; a late one does not count.

    An answer whose stop or target lies on the wrong side is none either. How many it takes, and
    what they add up to, is for `aggregate_panel`.

    Args:
        asker: asks live models, or replays what they said.
        snapshot: what they judge.
        account: real positions; None when the core does not show them.
        decision_id: whose budget pays.
        is_blind: hide names, dates and price levels; the answer holds none of them.
        deadline_s: for all of them together.

    Raises:
        RecordingMissing: it is to be replayed and was never recorded.
    """
    price = snapshot.price
    if price is None:
        return PanelReplies((), (("panel", "there is no price"),), ())
    facts = market_facts(snapshot, account)
    question = Question(
        role=ModelRole.PANEL,
        task=_TASK,
        material=quoted("market", facts, snapshot.as_of_ns, is_blind=is_blind),
        answer=PanelOpinion,
        deadline_s=deadline_s,
        decision_id=decision_id,
        as_of_ns=snapshot.as_of_ns,
    )
    answers: list[PanelAnswer] = []
    missing: list[tuple[str, str]] = []
    contaminated: list[str] = []
    for model, reply in sorted(asker.ask_each(question).items()):
        if not isinstance(reply, Answered):
            missing.append((model, why_not(reply)))
            continue
        fault = _misplaced(reply.answer)
        if fault:
            missing.append((model, fault))
            continue
        answers.append(_read(model, reply.answer, price))
        if reply.is_contaminated:
            contaminated.append(model)
    return PanelReplies(tuple(answers), tuple(missing), tuple(contaminated))


def _misplaced(said: PanelOpinion) -> str:
    """Say what is wrong with the prices of an entry; empty when they fit."""
    sign = _SIGNS.get(Action(said.action), 0)
    entry = 1.0 if said.entry_ratio is None else said.entry_ratio
    if sign and said.stop_ratio is not None and sign * (entry - said.stop_ratio) <= 0:
        return f"invalid: the stop of the {said.action} is not beyond its entry"
    if sign and said.target_ratio is not None and sign * (said.target_ratio - entry) <= 0:
        return f"invalid: the target of the {said.action} is not beyond its entry"
    return ""


def _read(model: str, said: PanelOpinion, price: Decimal) -> PanelAnswer:
    def exact(ratio: float | None) -> Decimal | None:
        return None if ratio is None else price * Decimal(str(ratio))

    return PanelAnswer(
        model=model,
        action=Action(said.action),
        confidence=said.confidence,
        entry_price=exact(said.entry_ratio),
        stop_price=exact(said.stop_ratio),
        target_price=exact(said.target_ratio),
        size_frac=said.size_frac,
    )

"""How a rebalance is carried out: a model chooses one of three words, the core does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from athena.desk.agents import read_style
from athena.desk.contract import Unavailable
from athena.desk.models._prompt import quoted, why_not
from athena.language import Answer, Asset, ModelRole, Question, Unanswered

if TYPE_CHECKING:
    from athena.desk.agents import PortfolioInputs
    from athena.language import Asker, Fact
    from athena.trading.algorithms import RebalanceStyle

_DEADLINE_S = 10.0
_PPM = 1_000_000
_TASK = """You choose how a portfolio goes back to its targets: at once with limit orders
(limit_now), in several parts over time (dca), or not at this look (wait). You choose neither the
assets nor the amounts."""


class StyleChoice(Answer):
    """What a model answers."""

    style: Literal["limit_now", "dca", "wait"]
    reason: str = Field(max_length=400)


def choose_style(  # noqa: PLR0913 - whom to ask, about what, and who pays
    asker: Asker,
    inputs: PortfolioInputs,
    as_of_ns: int,
    *,
    decision_id: str,
    is_blind: bool = False,
    deadline_s: float = _DEADLINE_S,
) -> RebalanceStyle | Unavailable:
    """Ask the models of the role `portfolio` for a style; `PortfolioInputs.style` takes it.

    Raises:
        RecordingMissing: it is to be replayed and was never recorded.
    """
    reply = asker.ask(
        Question(
            role=ModelRole.PORTFOLIO,
            task=_TASK,
            material=quoted("portfolio", _facts(inputs), as_of_ns, is_blind=is_blind),
            answer=StyleChoice,
            deadline_s=deadline_s,
            decision_id=decision_id,
            as_of_ns=as_of_ns,
            max_tokens=600,
        )
    )
    if isinstance(reply, Unanswered):
        return Unavailable("model:portfolio", why_not(reply))
    return read_style(reply.answer.style)


def _facts(inputs: PortfolioInputs) -> Fact:
    holdings, targets = inputs.holdings, inputs.rules.weights_ppm
    equity = holdings.equity
    return [
        {
            "asset": Asset(symbol),
            "share": round(value / equity, 4) if equity > 0 else None,
            "target_share": round(target / _PPM, 4),
        }
        for symbol, value, target in zip(inputs.symbols, holdings.values, targets, strict=True)
    ]

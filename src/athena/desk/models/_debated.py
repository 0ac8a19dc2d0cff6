"""Agents with models behind them: a strategy or a panel whose proposals are debated first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from athena.desk.agents import (
    VALID_FOR_NS,
    Opinion,
    PanelInputs,
    PanelRule,
    PanelSettings,
    RuleAgent,
    StrategyInputs,
    StrategyRule,
    StrategySettings,
    TechnicalRule,
    TechnicalSettings,
    hold,
    version_of,
)
from athena.desk.contract import Proposal, Role, Unavailable
from athena.desk.models._debate import DebateSettings, hold_debate
from athena.desk.models._exhibits import exhibits_of, is_debated
from athena.desk.models._wording import WordedRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.agents import Calibration, Rule
    from athena.desk.contract import Context, MemoryHit, Output
    from athena.desk.inputs import Snapshot
    from athena.desk.models._lessons import Lessons
    from athena.language import Asker

InputsT = TypeVar("InputsT")
_PROMPTS = "1"  # prompts that say something else get the next number


class DebatedRule(Generic[InputsT]):
    """A rule whose proposals bull and bear debate before the desk sees them.

    They can make a proposal smaller or give it up; its direction, prices and confidence stay. What
    only reduces risk is not debated. Without an answer the proposal stays as the rule made it.
    """

    def __init__(
        self,
        rule: Rule[InputsT],
        asker: Asker,
        settings: DebateSettings | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        """Take the rule, whom to ask, and where lessons are recalled; None recalls none."""
        self._rule = rule
        self._asker = asker
        self._settings = settings or DebateSettings()
        self._lessons = lessons

    def input_ids(self, inputs: InputsT) -> tuple[str, ...]:
        """Return those of the rule; what the debate read are outputs and lessons."""
        return self._rule.input_ids(inputs)

    def judge(self, context: Context[InputsT]) -> Opinion:
        """Propose by the rule, and have it debated.

        Raises:
            RecordingMissing: it is to be replayed and was never recorded.
        """
        said = self._rule.judge(context)
        proposal = said.detail
        if not (isinstance(proposal, Proposal) and is_debated(proposal)):
            return said
        lessons, remark = self._recall(context, proposal)
        exhibits = exhibits_of(
            context.symbol,
            context.inbox,
            lessons,
            context.as_of_ns,
            is_blind=self._settings.is_blind,
        )
        debate = hold_debate(
            self._asker,
            proposal,
            exhibits,
            context.as_of_ns,
            self._settings,
            decision_id=context.correlation_id,
        )
        reasons = (*said.reasons, *remark, *debate.reasons)
        size_frac = proposal.size_frac * debate.kept_frac
        if size_frac <= 0:
            return hold(*reasons, label=said.label)
        return replace(said, reasons=reasons, detail=replace(proposal, size_frac=size_frac))

    def _recall(
        self, context: Context[InputsT], proposal: Proposal
    ) -> tuple[tuple[MemoryHit, ...], tuple[str, ...]]:
        """Return lessons that were known then, and what the trace says of them."""
        if self._lessons is None:
            return (), ()
        query = f"{proposal.action} {proposal.strategy} {proposal.regime} {proposal.symbol}"
        found = self._lessons.recall(query, context.as_of_ns)
        if isinstance(found, Unavailable):
            return (), (f"no lessons: {found.reason}",)
        if not found:
            return (), ()
        return found, (f"lessons recalled: {', '.join(hit.id for hit in found)}",)


def debated_strategy_agent(  # noqa: PLR0913 - as `strategy_agent`, and who argues
    publish: Callable[[Output], None],
    asker: Asker,
    settings: StrategySettings | None = None,
    debate: DebateSettings | None = None,
    *,
    lessons: Lessons | None = None,
    name: str = "strategy",
    calibration: Calibration | None = None,
) -> RuleAgent[StrategyInputs]:
    """Make a strategy agent whose proposals are debated."""
    settings, debate = settings or StrategySettings(), debate or DebateSettings()
    return RuleAgent(
        name,
        Role.STRATEGY,
        DebatedRule(StrategyRule(name, settings), asker, debate, lessons),
        publish,
        version=version_of(f"strategy-debated-{_PROMPTS}", [settings, debate]),
        valid_for_ns=VALID_FOR_NS[Role.STRATEGY],
        calibration=calibration,
    )


def debated_panel_agent(  # noqa: PLR0913 - as `panel_agent`, and who argues
    publish: Callable[[Output], None],
    asker: Asker,
    settings: PanelSettings | None = None,
    debate: DebateSettings | None = None,
    *,
    lessons: Lessons | None = None,
    name: str = "panel",
    calibration: Calibration | None = None,
) -> RuleAgent[PanelInputs]:
    """Make an agent that speaks for the panel and whose proposals are debated."""
    settings, debate = settings or PanelSettings(), debate or DebateSettings()
    return RuleAgent(
        name,
        Role.STRATEGY,
        DebatedRule(PanelRule(name, settings), asker, debate, lessons),
        publish,
        version=version_of(f"panel-debated-{_PROMPTS}", [settings, debate]),
        valid_for_ns=VALID_FOR_NS[Role.STRATEGY],
        calibration=calibration,
    )


def worded_technical_agent(  # noqa: PLR0913 - as `technical_agent`, and who words it
    publish: Callable[[Output], None],
    asker: Asker,
    settings: TechnicalSettings | None = None,
    *,
    is_blind: bool = False,
    name: str = "technical",
    calibration: Calibration | None = None,
) -> RuleAgent[Snapshot]:
    """Make a technical analyst whose finding a model puts into words."""
    settings = settings or TechnicalSettings()
    return RuleAgent(
        name,
        Role.TECHNICAL,
        WordedRule(asker, TechnicalRule(settings), is_blind=is_blind),
        publish,
        version=version_of(f"technical-worded-{_PROMPTS}", [settings, is_blind]),
        valid_for_ns=VALID_FOR_NS[Role.TECHNICAL],
        calibration=calibration,
    )

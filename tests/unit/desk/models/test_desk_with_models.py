"""Agents that ask models, seated: a replay that cannot go on, and the time that models need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.desk.coordinator import HoldCode
from athena.desk.cycle import InlineAsker, run_cycle
from athena.desk.models import debated_strategy_agent, worded_technical_agent
from athena.domain import SECOND_NS, Action
from athena.language import RecordingMissing
from tests.cycle_builder import PLACE, RISING, desk_of, inputs_of, rule_based, silence
from tests.desk_models_builder import Scripted, debate_script, replaying

if TYPE_CHECKING:
    from pathlib import Path

    from athena.desk.cycle import Desk
    from athena.language import Asker


def debated_desk(models: Asker, cycle_asker: type[InlineAsker] = InlineAsker) -> Desk:
    factories = {
        **rule_based(),
        "strategy": lambda: debated_strategy_agent(silence, models),
    }
    return desk_of(factories, asker=cycle_asker)


def after_warming(desk: Desk) -> None:
    """Let the regime agent see the bars before the last: its label needs confirmations."""
    for end in (len(RISING) - 2, len(RISING) - 1):
        run_cycle(desk, inputs_of(RISING[:end], id=f"cycle-{end}"), PLACE)


def test_a_replay_that_cannot_go_on_is_no_hold(tmp_path: Path) -> None:
    """A seat keeps everything else that an agent raises to itself."""
    desk = debated_desk(replaying(tmp_path))
    with pytest.raises(RecordingMissing):
        run_cycle(desk, inputs_of(RISING), PLACE)


class Slow(InlineAsker):
    """A cycle that takes six seconds."""

    def elapsed_ns(self) -> int:
        return 6 * SECOND_NS


@pytest.mark.parametrize(("seconds", "code"), [(5, HoldCode.LATE), (35, "")])
def test_a_desk_with_models_may_be_given_more_time(
    tmp_path: Path, seconds: int, code: str
) -> None:
    desk = debated_desk(Scripted(tmp_path, debate_script(10)), Slow)
    desk = replace(desk, decision_ns=seconds * SECOND_NS)
    after_warming(desk)
    result = run_cycle(desk, inputs_of(RISING), PLACE)
    assert result.decision.hold_code == code
    assert (result.decision.action is Action.BUY) == (not code)


def test_agents_say_by_their_version_that_models_take_part(tmp_path: Path) -> None:
    """Scores of a debated strategy are not mixed with those of the rule."""
    asker = Scripted(tmp_path, "{}")
    seated = [
        rule_based()["strategy"](),
        debated_strategy_agent(silence, asker),
        rule_based()["technical"](),
        worded_technical_agent(silence, asker),
        worded_technical_agent(silence, asker, is_blind=True),
    ]
    assert len({agent.version for agent in seated}) == 5

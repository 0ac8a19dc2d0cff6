"""Bull and bear: who sees what, what is struck out, and that a ruling can only shrink."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import Opinion, hold
from athena.desk.contract import Context, MemoryHit, Proposal, Unavailable, digest
from athena.desk.models import (
    Debate,
    DebatedRule,
    DebateSettings,
    Lesson,
    Stance,
    exhibits_of,
    hold_debate,
)
from athena.domain import Action
from athena.errors import InputError
from athena.language import Failed, RecordingMissing, Why
from tests.desk_cases import BTC, NOW_NS, SELL, a_proposal
from tests.desk_models_builder import (
    BEAR,
    BULL,
    INJECTION,
    RULING,
    KeptLessons,
    Scripted,
    a_view,
    argument,
    debate_script,
    replaying,
    ruling,
)

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = DebateSettings()
DOWN = Failed(Why.UNREACHABLE, "no route")


def debate(asker: Any, settings: DebateSettings = SETTINGS, **more: Any) -> Debate:
    exhibits = exhibits_of(
        BTC, [a_view()], more.get("lessons", ()), NOW_NS, is_blind=settings.is_blind
    )
    return hold_debate(asker, a_proposal(), exhibits, NOW_NS, settings, decision_id="d-1")


def test_two_rounds_of_both_sides_and_a_ruling(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, debate_script(40))
    held = debate(asker)
    assert [(p.round, p.stance) for p in held.points] == [
        (1, Stance.BULL),
        (1, Stance.BEAR),
        (2, Stance.BULL),
        (2, Stance.BEAR),
    ]
    assert held.kept_frac == pytest.approx(0.6)
    assert held.ended == ""
    assert held.reasons[0] == "bull 1: The trend is up. [E1]"
    assert held.reasons[-1] == "the debate cuts the size by 40 %: as argued"


def test_both_sides_of_a_round_see_the_same(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, debate_script())
    debate(asker)
    assert len(asker.shown) == 5
    assert asker.shown[0] == asker.shown[1]
    assert asker.shown[2] == asker.shown[3]
    assert "The trend is up." not in asker.shown[0]
    assert "It is overbought." in asker.shown[2]


@pytest.mark.parametrize(
    ("cites", "why"),
    [([], "it cites nothing"), (["E1", "E99"], "it cites E99"), (["RSI"], "it cites RSI")],
)
def test_a_claim_that_cites_what_is_not_in_the_evidence_is_struck_out(
    tmp_path: Path, cites: list[str], why: str
) -> None:
    asker = Scripted(tmp_path, debate_script(bull=argument(("Whales are buying.", cites))))
    held = debate(asker)
    struck = [point for point in held.points if point.struck]
    assert {point.stance for point in struck} == {Stance.BULL}
    assert why in struck[0].struck
    assert not any("Whales" in shown for shown in asker.shown), "nobody is shown it"
    assert held.reasons[0].startswith(f"bull 1, struck out because {why}")


def test_without_a_claim_that_stands_nobody_rules(tmp_path: Path) -> None:
    nothing = argument(("I feel it.", []))
    asker = Scripted(tmp_path, debate_script(bull=nothing, bear=nothing))
    held = debate(asker)
    assert held.ruling is None
    assert held.kept_frac == 1.0
    assert held.ended == "no claim of round 1 stands"
    assert len(asker.shown) == 2


def test_a_side_that_does_not_answer_ends_the_debate_after_its_round(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, debate_script(25, bear=DOWN))
    held = debate(asker)
    assert [(p.round, p.stance) for p in held.points] == [(1, Stance.BULL)]
    assert held.kept_frac == pytest.approx(0.75)
    assert any("the bear did not answer in round 1 (unreachable" in r for r in held.reasons)


def test_without_a_ruling_the_proposal_stays_and_the_trace_says_so(tmp_path: Path) -> None:
    held = debate(Scripted(tmp_path, debate_script(ruling=DOWN)))
    assert held.kept_frac == 1.0
    assert held.reasons[-1].startswith("the debate ends as it stands: nobody ruled (unreachable")


@pytest.mark.parametrize(
    "said",
    [
        ruling(-50),
        ruling(101),
        ruling(1e9),
        '{"size_cut_pct": NaN, "reason": ""}',
        '{"size_cut_pct": 0, "reason": "", "size_frac": 1e9}',
        '{"size_cut_pct": 0, "rea',
        "Double it!",
        '{"verdict": "buy"}',
    ],
)
def test_no_ruling_can_enlarge(tmp_path: Path, said: str) -> None:
    """C22: whatever is not of the form is no ruling."""
    held = debate(Scripted(tmp_path, debate_script(ruling=said)))
    assert held.ruling is None
    assert held.kept_frac == 1.0


def test_time_is_shared_and_ends_the_debate(tmp_path: Path) -> None:
    """A replay stops where the first run did: time is counted by what replies report."""
    asker = Scripted(tmp_path, debate_script())
    slow: list[float] = []

    class Slow:
        def ask(self, question: Any) -> Any:
            slow.append(question.deadline_s)
            found = asker.ask(question)
            attempts = tuple(replace(one, latency_ms=4_000) for one in found.attempts)
            return replace(found, attempts=attempts)

        def ask_each(self, question: Any) -> Any:
            raise NotImplementedError(question)

    held = debate(Slow(), DebateSettings(deadline_s=10))
    assert slow == pytest.approx([2.0, 1.5, 2 / 3])
    assert held.ruling is None
    assert "no time is left" in held.ended


@pytest.mark.parametrize("wrong", [{"n_rounds": 0}, {"n_rounds": 6}, {"deadline_s": 0}])
def test_a_debate_that_cannot_be_held_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="rounds"):
        DebateSettings(**wrong)


# --- blind ------------------------------------------------------------------------------------


def test_blind_nobody_sees_a_name_a_date_or_a_price(tmp_path: Path) -> None:
    """DK-21."""
    asker = Scripted(tmp_path, debate_script())
    lessons = [
        MemoryHit("lesson-1", "In May 2021 Bitcoin fell after such a rally.", 1.0),
        MemoryHit("lesson-2", "The market fell after a sharp rise.", 0.9),
    ]
    debate(asker, DebateSettings(is_blind=True), lessons=lessons)
    for shown in asker.shown:
        assert not any(word in shown for word in ("BTC", "Bitcoin", "2021", "USDT"))
        assert "The market fell after a sharp rise." in shown
        assert "ASSET_1" in shown
    ids = [item["id"] for item in facts_of(asker.shown[0])["facts"]]
    assert ids == ["E1", "E2", "E3", "E4"], "what is hidden cannot be cited"


@pytest.mark.parametrize("says", ["This is Bitcoin.", "As in May 2021 it falls."])
def test_blind_a_claim_that_guesses_the_market_is_struck_out(tmp_path: Path, says: str) -> None:
    asker = Scripted(tmp_path, debate_script(bear=argument((says, ["E1"]))))
    blind = debate(asker, DebateSettings(is_blind=True))
    assert {p.struck for p in blind.points if p.stance is Stance.BEAR} == {
        "it names the market or the time"
    }
    opened = debate(Scripted(tmp_path / "open", debate_script(bear=argument((says, ["E1"])))))
    assert not any(point.struck for point in opened.points)


def facts_of(shown: str) -> Any:
    return json.loads(shown.split("\n")[1])


# --- as an agent's rule -----------------------------------------------------------------------


class Proposing:
    """A rule that proposes what it is told."""

    def __init__(self, proposal: Proposal | None) -> None:
        self.proposal = proposal

    def input_ids(self, inputs: str) -> tuple[str, ...]:
        return (inputs,)

    def judge(self, _: Context[str]) -> Opinion:
        if self.proposal is None:
            return hold("nothing to do")
        return Opinion(
            action=self.proposal.action, confidence=0.8, reasons=("a rule",), detail=self.proposal
        )


def judged(asker: Any, proposal: Proposal | None, **more: Any) -> Opinion:
    context = Context(
        task="propose",
        symbol=BTC,
        as_of_ns=NOW_NS,
        correlation_id="d-1",
        inputs="x",
        inbox=(a_view(),),
    )
    return DebatedRule(Proposing(proposal), asker, SETTINGS, **more).judge(context)


@pytest.mark.parametrize("cut", [0.0, 12.5, 50.0, 99.9])
def test_a_debate_changes_the_size_and_nothing_else(tmp_path: Path, cut: float) -> None:
    proposal = a_proposal()
    said = judged(Scripted(tmp_path, debate_script(cut)), proposal)
    assert isinstance(said.detail, Proposal)
    assert said.detail.size_frac == pytest.approx(0.2 * (1 - cut / 100))
    assert replace(said.detail, size_frac=0.2) == proposal
    assert (said.action, said.confidence) == (Action.BUY, 0.8)


def test_a_debate_that_gives_it_up_holds_and_says_why(tmp_path: Path) -> None:
    said = judged(Scripted(tmp_path, debate_script(100)), a_proposal())
    assert (said.action, said.confidence, said.detail) == (Action.HOLD, 0.0, None)
    assert said.reasons[-1] == "the debate cuts the size by 100 %: as argued"


@pytest.mark.parametrize(
    "proposal",
    [None, a_proposal(Action.CLOSE_LONG, size_frac=0.0, stop_price=None, target_price=None)],
)
def test_what_can_only_reduce_risk_is_not_debated(
    tmp_path: Path, proposal: Proposal | None
) -> None:
    asker = Scripted(tmp_path, debate_script(100))
    said = judged(asker, proposal)
    assert said == Proposing(proposal).judge(None)  # type: ignore[arg-type]
    assert asker.shown == []


def test_a_sale_is_debated(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, debate_script(10))
    assert judged(asker, a_proposal(SELL)).action is Action.SELL
    assert len(asker.shown) == 5


def test_lessons_of_that_time_are_on_the_table_and_later_ones_are_not(tmp_path: Path) -> None:
    lessons = KeptLessons({NOW_NS: "Rallies of a thin market end.", NOW_NS + 1: "It fell."})
    asker = Scripted(tmp_path, debate_script(bear=argument(("Thin market.", ["E4"]))))
    said = judged(asker, a_proposal(), lessons=lessons)
    assert "Rallies of a thin market end." in asker.shown[0]
    assert "It fell." not in asker.shown[0]
    assert f"lessons recalled: lesson-{NOW_NS}" in said.reasons
    ((query, as_of_ns),) = lessons.asked
    assert as_of_ns == NOW_NS
    assert query == "buy momentum trending_bull BTC/USDT"


def test_a_memory_that_fails_leaves_a_debate_without_lessons(tmp_path: Path) -> None:
    class Broken:
        def recall(self, query: str, as_of_ns: int) -> Unavailable:  # noqa: ARG002
            return Unavailable("memory:lessons", "damaged")

        def keep(self, lesson: Lesson) -> Unavailable:
            raise NotImplementedError(lesson)

    said = judged(Scripted(tmp_path, debate_script(10)), a_proposal(), lessons=Broken())
    assert "no lessons: damaged" in said.reasons


def test_an_injected_lesson_stays_data(tmp_path: Path) -> None:
    """DK-44."""
    asker = Scripted(tmp_path, debate_script(10))
    judged(asker, a_proposal(), lessons=KeptLessons({NOW_NS: INJECTION}))
    for request in asker.provider.asked:
        assert "never an instruction" in request.messages[0].text
        assert INJECTION not in request.messages[0].text
        assert request.messages[1].text.count("</data>") == 1


def test_two_replays_are_equal_to_the_first_run_and_ask_nobody(tmp_path: Path) -> None:
    """DK-20."""
    asker = Scripted(tmp_path, debate_script(33, bear=DOWN))
    first = judged(asker, a_proposal())
    n_asked = len(asker.provider.asked)
    again = [judged(replaying(tmp_path), a_proposal()) for _ in range(2)]
    assert {digest(one) for one in again} == {digest(first)}
    assert len(asker.provider.asked) == n_asked
    with pytest.raises(RecordingMissing):
        judged(replaying(tmp_path / "empty"), a_proposal())


def test_the_tasks_are_told_apart() -> None:
    """The scripts of these tests rely on it."""
    assert len({BULL, BEAR, RULING}) == 3

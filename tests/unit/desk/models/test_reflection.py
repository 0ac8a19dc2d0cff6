"""Reflection: only outcomes that were known, at least five of them, and a lesson in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.contract import Unavailable
from athena.desk.models import MemoryLessons, PastDecision, reflect
from athena.domain import HOUR_NS, Action, Regime
from athena.language import Failed, Why
from athena.memory import AgentMemory, EntryType, Note
from athena.platform import VirtualClock
from tests.desk_models_builder import INJECTION, KeptLessons, Scripted, replaying
from tests.memory_builder import NOW_NS, prepared, remembering

if TYPE_CHECKING:
    from pathlib import Path

TASK = "what a trading desk decided"


def past(k: int, **changes: Any) -> PastDecision:
    values: dict[str, Any] = {
        "decision_id": f"d-{k}",
        "decision_entry": f"decision-{k}",
        "outcome_entry": f"outcome-{k}",
        "symbol": "BTC/USDT",
        "as_of_ns": NOW_NS - (30 - k) * HOUR_NS,
        "known_ns": NOW_NS - (26 - k) * HOUR_NS,
        "action": Action.BUY,
        "confidence": 0.7,
        "regime": Regime.CHOPPY,
        "move_frac": -0.02,
        "net_frac": -0.027,
        "is_right": False,
        "reasons": ("the trend is up",),
        **changes,
    }
    return PastDecision(**values)


def lesson(*cites: str, text: str = "Buying in a choppy market lost.", has: bool = True) -> str:
    return json.dumps({"has_lesson": has, "text": text, "cites": list(cites)})


FIVE = ("D1", "D2", "D3", "D4", "D5")


def learn(asker: Any, cases: list[PastDecision], lessons: Any = None, **more: Any) -> Any:
    kept = KeptLessons() if lessons is None else lessons
    return reflect(asker, cases, kept, NOW_NS, decision_id="reflection-1", **more)


def test_a_lesson_rests_on_what_it_cites(tmp_path: Path) -> None:
    lessons = KeptLessons()
    asker = Scripted(tmp_path, lesson(*FIVE))
    assert learn(asker, [past(k) for k in range(1, 8)], lessons) == "lesson-1"
    (kept,) = lessons.kept
    assert kept.decision_id == "d-5"
    assert kept.links[:5] == tuple(f"outcome-{k}" for k in range(1, 6))
    assert kept.links[5:] == tuple(f"decision-{k}" for k in range(1, 6))


def test_an_outcome_of_tomorrow_is_neither_shown_nor_counted(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, lesson(*FIVE))
    cases = [past(k) for k in range(1, 6)]
    late = past(9, known_ns=NOW_NS + 1, move_frac=0.123456)
    learn(asker, [*cases, late])
    assert "0.123456" not in asker.shown[0]
    found = learn(asker, [*cases[:4], late])
    assert isinstance(found, Unavailable)
    assert found.reason == "4 outcomes are known, 5 are needed"
    assert len(asker.shown) == 1, "nobody is asked for nothing"


def test_only_the_newest_twenty_are_shown(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, lesson(has=False))
    learn(asker, [past(k) for k in range(1, 26)])
    assert len(json.loads(asker.shown[0].split("\n")[1])) == 20


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (lesson(has=False), "teach nothing"),
        (lesson("D1", "D2"), "rests on 2"),
        (lesson("D1", "D1", "D1", "D1", "D1"), "rests on 1"),
        (lesson(*FIVE, "D99"), "D99"),
        (lesson(*FIVE, text="Never buy BTC/USDT again."), "names BTC/USDT"),
        (lesson(*FIVE, text="Never buy ASSET_1 again."), "names an asset"),
        ("Buy more!", "invalid"),
        (Failed(Why.BUSY, "429"), "busy"),
    ],
)
def test_what_is_no_lesson_is_not_kept(tmp_path: Path, said: str | Failed, why: str) -> None:
    lessons = KeptLessons()
    found = learn(Scripted(tmp_path, {TASK: said}), [past(k) for k in range(1, 8)], lessons)
    assert isinstance(found, Unavailable)
    assert why in found.reason
    assert lessons.kept == []


def test_blind_no_name_and_no_date_is_shown(tmp_path: Path) -> None:
    """DK-21."""
    asker = Scripted(tmp_path, lesson(*FIVE))
    learn(
        asker, [past(k, reasons=(INJECTION, "Bitcoin rose")) for k in range(1, 6)], is_blind=True
    )
    (shown,) = asker.shown
    assert not any(word in shown for word in ("BTC", "Bitcoin", "2023", "USDT"))
    assert '"day -' in shown


def test_a_replayed_reflection_learns_the_same(tmp_path: Path) -> None:
    """DK-20."""
    cases = [past(k) for k in range(1, 6)]
    kept = [KeptLessons() for _ in range(3)]
    learn(Scripted(tmp_path, lesson(*FIVE)), cases, kept[0])
    for lessons in kept[1:]:
        learn(replaying(tmp_path), cases, lessons)
    assert kept[0].kept == kept[1].kept == kept[2].kept


def test_a_lesson_in_memory_is_recalled_from_then_on_and_never_before(tmp_path: Path) -> None:
    clock = VirtualClock(NOW_NS)
    database = prepared("sqlite:///memory.db", tmp_path)
    agent = AgentMemory(remembering(database, clock=clock), "researchers", clock)
    cases = []
    for k in range(1, 6):
        decided = agent.add(Note(f"bought, decision number {k}", type=EntryType.DECISION))
        assert decided.value is not None
        outcome = agent.add(
            Note(f"it fell, outcome {k}", type=EntryType.OUTCOME, links=(decided.value.id,))
        )
        assert outcome.value is not None
        cases.append(past(k, decision_entry=decided.value.id, outcome_entry=outcome.value.id))
    clock.advance(HOUR_NS)
    lessons = MemoryLessons(agent, "researchers")
    entry = learn(Scripted(tmp_path, lesson(*FIVE)), cases, lessons)
    assert isinstance(entry, str)
    after = lessons.recall("buy momentum choppy", NOW_NS + HOUR_NS)
    assert not isinstance(after, Unavailable)
    assert [(hit.id, hit.text) for hit in after] == [(entry, "Buying in a choppy market lost.")]
    assert lessons.recall("buy momentum choppy", NOW_NS) == ()


def test_a_memory_that_refuses_is_no_error(tmp_path: Path) -> None:
    clock = VirtualClock(NOW_NS)
    database = prepared("sqlite:///memory.db", tmp_path)
    agent = AgentMemory(remembering(database, clock=clock), "researchers", clock)
    asker = Scripted(tmp_path, lesson(*FIVE))
    found = learn(asker, [past(k) for k in range(1, 6)], MemoryLessons(agent, "researchers"))
    assert isinstance(found, Unavailable), "the outcomes are no entries of this memory"

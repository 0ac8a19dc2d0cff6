"""The schedule: intervals, what goes first, five at once, one run for many missed."""

from __future__ import annotations

from typing import Any

import pytest

from athena.desk.coordinator import TASKS, Ended, Schedule, Task, batches
from athena.domain import HOUR_NS, SECOND_NS
from athena.errors import ConfigError, InputError
from tests.desk_cases import NOW_NS


def at(seconds: float) -> int:
    return NOW_NS + int(seconds * SECOND_NS)


def names(runs: Any) -> list[str]:
    return [run.task for run in runs]


def run_until(schedule: Schedule, first_s: int, last_s: int) -> list[tuple[int, str]]:
    """Tick every second, ending each run at once; return when what began."""
    begun = []
    for second in range(first_s, last_s + 1):
        while runs := schedule.start(at(second)):
            for run in runs:
                begun.append((second, run.task))
                schedule.end(run, Ended.DONE, at(second))
    return begun


def test_the_built_in_tasks_are_those_of_the_specification() -> None:
    shown = {
        task.name: (task.interval_s, task.timeout_s, task.symbols_at_once, task.after)
        for task in TASKS
    }
    assert shown == {
        "technical": (60, 30, 3, ()),
        "regime": (300, 30, 3, ("technical",)),
        "sentiment": (1_800, 60, 2, ()),
        "trading_decision": (3_600, 60, 3, ("technical", "regime", "sentiment")),
        "portfolio": (3_600, 30, 1, ()),
    }
    assert [task.name for task in TASKS if task.is_at_start] == ["technical"]


def test_an_hour_runs_each_task_at_its_interval() -> None:
    begun = run_until(Schedule(TASKS, at(0)), 0, 3_600)
    counts = {task.name: sum(name == task.name for _, name in begun) for task in TASKS}
    assert counts == {
        "technical": 61, "regime": 12, "sentiment": 2, "trading_decision": 1, "portfolio": 1,
    }  # fmt: skip
    assert begun[0] == (0, "technical")
    assert [name for second, name in begun if second == 300] == ["technical", "regime"]
    last = [name for second, name in begun if second == 3_600]
    assert last == ["technical", "sentiment", "portfolio", "regime", "trading_decision"]


def test_what_goes_after_another_waits_until_that_has_ended() -> None:
    schedule = Schedule(TASKS, at(0))
    run_until(schedule, 0, 299)
    (technical,) = schedule.start(at(300))
    assert technical.task == "technical"
    assert schedule.start(at(301)) == ()
    schedule.end(technical, Ended.FAILED, at(302))
    assert names(schedule.start(at(302))) == ["regime"]  # what failed holds up nobody


def test_nobody_waits_for_a_task_that_is_disabled_or_given_up() -> None:
    schedule = Schedule(TASKS, at(0))
    schedule.enable("technical", is_enabled=False, now_ns=at(0))
    assert names(schedule.start(at(300))) == ["regime"]
    other = Schedule(TASKS, at(0))
    assert names(other.start(at(0))) == ["technical"]
    assert other.start(at(300)) == ()
    assert names(other.give_up(at(300))) == ["technical"]
    assert names(other.start(at(300))) == ["technical", "regime"]  # it has had its run


def test_a_task_never_runs_beside_itself_and_missed_runs_are_one() -> None:
    schedule = Schedule([Task(name="slow", interval_s=10, timeout_s=100)], at(0))
    (run,) = schedule.start(at(10))
    assert schedule.start(at(45)) == ()
    assert schedule.end(run, Ended.DONE, at(45))
    assert names(schedule.start(at(45))) == ["slow"]
    assert schedule.start(at(46)) == ()
    assert schedule.find("slow").n_missed == 2


def test_at_most_five_run_at_once() -> None:
    tasks = [Task(name=f"{k}", interval_s=1, timeout_s=9, is_at_start=True) for k in range(7)]
    schedule = Schedule(tasks, at(0))
    begun = schedule.start(at(0))
    assert names(begun) == ["0", "1", "2", "3", "4"]
    assert schedule.start(at(0)) == ()
    schedule.end(begun[1], Ended.DONE, at(0))
    assert names(schedule.start(at(0))) == ["5"]


def test_a_run_that_is_late_is_given_up_and_its_end_is_no_news() -> None:
    schedule = Schedule(TASKS, at(0))
    (run,) = schedule.start(at(0))
    assert run.deadline_ns == at(30)
    assert schedule.give_up(at(29)) == ()
    assert schedule.give_up(at(30)) == (run,)
    assert schedule.give_up(at(30)) == ()
    assert not schedule.end(run, Ended.DONE, at(31))
    (again,) = schedule.start(at(60))
    assert not schedule.end(run, Ended.DONE, at(61))  # the old run is not the new one
    assert schedule.end(again, Ended.FAILED, at(61))
    record = schedule.find("technical")
    assert (record.n_runs, record.n_timed_out, record.n_failed) == (2, 1, 1)


def test_a_forced_run_comes_at_once_and_begins_the_interval_anew() -> None:
    schedule = Schedule(TASKS, at(0))
    run_until(schedule, 0, 100)
    schedule.want("portfolio")
    assert names(schedule.start(at(100))) == ["portfolio"]
    assert schedule.find("portfolio").since_ns == at(100)
    assert not schedule.find("portfolio").is_wanted


def test_a_disabled_task_does_not_run_and_waits_for_an_interval_afterwards() -> None:
    schedule = Schedule(TASKS, at(0))
    schedule.enable("technical", is_enabled=False, now_ns=at(0))
    schedule.want("technical")
    assert schedule.start(at(200)) == ()
    schedule.enable("technical", is_enabled=True, now_ns=at(200))
    assert schedule.start(at(259)) == ()
    assert names(schedule.start(at(260))) == ["technical"]


def test_after_a_restart_what_was_under_way_runs_again_once() -> None:
    """C09: down for three hours with a decision in flight."""
    before = Schedule(TASKS, at(0))
    run_until(before, 0, 3_599)
    before.enable("technical", is_enabled=False, now_ns=at(3_599))
    while runs := before.start(at(3_600)):
        for run in runs:
            if run.task != "trading_decision":
                before.end(run, Ended.DONE, at(3_600))
    assert before.find("trading_decision").is_running
    restart_s = 3_601 + 3 * 3_600
    after = Schedule(TASKS, at(restart_s), before.records)
    begun = run_until(after, restart_s, restart_s + 1_800)
    assert [name for _, name in begun].count("trading_decision") == 1
    assert "technical" not in {name for _, name in begun}
    assert not after.find("technical").is_enabled
    assert after.find("trading_decision").n_runs == 2
    assert after.find("trading_decision").n_missed == 2


def test_a_clock_that_was_set_back_begins_the_interval_anew() -> None:
    schedule = Schedule(TASKS, at(0))
    (run,) = schedule.start(at(0))
    back_s = -2 * 3_600
    assert schedule.start(at(back_s)) == ()
    assert schedule.give_up(at(back_s + 29)) == ()
    assert names(schedule.give_up(at(back_s + 30))) == ["technical"]
    assert names(schedule.start(at(back_s + 60))) == ["technical"]
    assert not schedule.end(run, Ended.DONE, at(back_s + 61))


def test_a_clock_that_jumps_ahead_starts_each_task_once() -> None:
    schedule = Schedule(TASKS, at(0))
    run_until(schedule, 0, 10)
    begun = run_until(schedule, 100 * 3_600, 100 * 3_600 + 30)
    assert sorted(name for _, name in begun) == sorted(task.name for task in TASKS)


def test_what_is_kept_of_a_task_that_is_gone_is_passed_over() -> None:
    before = Schedule([*TASKS, Task(name="old", interval_s=1, timeout_s=1)], at(0))
    after = Schedule(TASKS, at(0) + HOUR_NS, before.records)
    assert [record.name for record in after.records] == [task.name for task in TASKS]


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ([{"name": "a"}, {"name": "a"}], "expected one task of the name a"),
        ([{"name": "a", "after": ("a",)}], "expected a after tasks listed before it, was after a"),
        ([{"name": "a", "after": ("b",)}, {"name": "b"}], "was after b"),
        ([{"name": "a", "interval_s": 0}], "of a >= 1"),
        ([{"name": "a", "timeout_s": 0}], "of a >= 1"),
        ([{"name": "a", "symbols_at_once": 0}], "of a >= 1"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(
    tasks: list[dict[str, Any]], reason: str
) -> None:
    made = [Task(**{"interval_s": 1, "timeout_s": 1, **task}) for task in tasks]
    with pytest.raises(ConfigError, match=reason):
        Schedule(made, at(0))


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(InputError, match=r"expected one of technical, .* was 'astrology'"):
        Schedule(TASKS, at(0)).want("astrology")


def test_symbols_are_looked_at_in_groups() -> None:
    technical = TASKS[0]
    assert batches(technical, ["a", "b", "c", "d"]) == (("a", "b", "c"), ("d",))
    assert batches(technical, []) == ()

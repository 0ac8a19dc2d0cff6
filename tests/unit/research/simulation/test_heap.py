"""The virtual clock: by time, among equals by plan, never backwards."""

from __future__ import annotations

from athena.research.simulation import Heap

START = 1_000


def test_things_happen_at_their_time_whatever_was_planned_first() -> None:
    heap = Heap(START)
    seen: list[tuple[str, int]] = []
    heap.at(START + 20, lambda: seen.append(("late", heap.now_ns)))
    heap.after(10, lambda: seen.append(("early", heap.now_ns)))
    while heap.step(START + 100):
        pass
    assert seen == [("early", START + 10), ("late", START + 20)]
    assert heap.now_ns == START + 100


def test_among_equals_what_was_planned_first_happens_first() -> None:
    heap = Heap(START)
    seen: list[int] = []
    for k in range(5):
        heap.at(START + 7, lambda k=k: seen.append(k))  # type: ignore[misc] # k is bound
    while heap.step(START + 7):
        pass
    assert seen == [0, 1, 2, 3, 4]


def test_what_is_planned_for_the_past_happens_next_and_time_stands() -> None:
    heap = Heap(START)
    heap.at(START - 500, lambda: None)
    assert heap.step(START)
    assert heap.now_ns == START


def test_what_is_not_due_waits_and_time_goes_on() -> None:
    heap = Heap(START)
    seen: list[int] = []
    heap.after(100, lambda: seen.append(heap.now_ns))
    assert not heap.step(START + 99)
    assert (seen, heap.now_ns) == ([], START + 99)
    assert heap.step(START + 100)
    assert seen == [START + 100]


def test_what_happens_may_plan_more() -> None:
    heap = Heap(START)
    seen: list[int] = []

    def again() -> None:
        seen.append(heap.now_ns)
        if len(seen) < 3:
            heap.after(5, again)

    heap.after(5, again)
    while heap.step(START + 60):
        pass
    assert seen == [START + 5, START + 10, START + 15]

"""A machine that cannot keep a session's speed says so, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from athena.app.running import _pace
from athena.app.running._pace import is_behind, tell_when_behind


class _Ground:
    """A ground that is fast enough for a while."""

    def __init__(self, *reached: float) -> None:
        self._reached = list(reached)

    @property
    def speed_reached(self) -> float:
        return self._reached.pop(0) if len(self._reached) > 1 else self._reached[0]


def test_it_is_said_once_with_the_speed_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "_SETTLED_S", 0.0)
    ground: Any = _Ground(600.0, 599.0, 412.34)
    said: list[str] = []
    asyncio.run(tell_when_behind(ground, 600.0, said.append))
    assert said == [
        "this machine reaches --speed 412, not 600: the session takes longer, and does the same"
    ]


@pytest.mark.parametrize(
    ("reached", "asked", "expected"), [(600, 600, False), (550, 600, False), (500, 600, True)]
)
def test_a_tenth_less_is_still_the_speed(reached: float, asked: float, *, expected: bool) -> None:
    assert is_behind(reached, asked) is expected

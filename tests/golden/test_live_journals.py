"""A new version of the core does what the old one did on recorded days, or says so (TR-33)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import CheckFailed
from athena.trading._core import codes, protection, risk
from athena.trading._core import layout as at
from tests import live_days

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = sorted(path.stem for path in live_days.FOLDER.glob("*.json") if path.stem != "approved")
EXERCISED = {
    "effect send", "effect amend", "effect cancel", "report filled", "report refused",
    "report ambiguous", "report absent_proven", "command kill", "command halt",
    "command tighten", "notice halt", "notice reset", "notice time_exit", "note plan", "adopt",
    "limit",
}  # fmt: skip
SIZE_MAX = 300_000


def difference(name: str) -> str:
    """Return the first difference that this version makes; empty when there is none."""
    try:
        found = live_days.found_in(live_days.read(name))
    except CheckFailed as error:
        return error.message
    assert found == live_days.reviewed(name)
    return ""


def test_days_are_recorded_and_small() -> None:
    assert {days.name for days in live_days.RECORDED} == set(NAMES)
    assert sum(path.stat().st_size for path in live_days.FOLDER.iterdir()) < SIZE_MAX


def test_the_recorded_days_hold_what_a_session_meets() -> None:
    """Orders, plans, breakers, halts and faults; else equal effects would say little."""
    counted: dict[str, int] = {}
    for name in NAMES:
        counted |= live_days.reviewed(name)["records"]
    assert set(counted) >= EXERCISED


@pytest.mark.parametrize("name", NAMES)
def test_this_version_wants_the_same_on_recorded_days(name: str) -> None:
    """TR-33: equal effects, or a difference that somebody approved, word for word."""
    meant = [item["difference"] for item in live_days.approved() if item["journal"] == name]
    assert [difference(name)] == (meant or [""]), "see tests/golden/journals/README.md"


def test_an_approval_says_who_looked_and_why() -> None:
    for item in live_days.approved():
        assert all(item[name] for name in ("journal", "difference", "why", "approved_by"))
        assert item["journal"] in NAMES


# --- planted versions ----------------------------------------------------------------------------


def keeps_its_cancels(push: Callable[..., None]) -> Callable[..., None]:
    """Let cancels be noted in the order and never leave: state and digest are the same."""

    def planted(s: Any, kind: int, row: int) -> None:
        if kind != at.CANCEL:
            push(s, kind, row)

    return planted


def shrinks_too_far(amend: Callable[..., None]) -> Callable[..., None]:
    """Let a stop that is made smaller lose a lot more."""

    def planted(s: Any, row: int, lots: int, trigger: int) -> None:
        is_less = lots < s.orders[row, at.LOTS]
        amend(s, row, lots - is_less, trigger)

    return planted


def forgets_a_minimum(judge: Callable[..., None]) -> Callable[..., None]:
    """Let a limit of the risk engine be judged otherwise."""

    def planted(s: Any) -> None:
        judge(s)
        if s.verdict[at.CODE] == codes.BELOW_MINIMUM:
            s.verdict[at.CODE] = 0

    return planted


PLANTED = {
    "EffectRecord": (protection, "push_effect", keeps_its_cancels),
    "effect=<EffectKind.AMEND": (protection, "request_amend", shrinks_too_far),
    "VerdictRecord": (risk, "judge", forgets_a_minimum),
}


@pytest.mark.parametrize("shown", PLANTED)
def test_a_version_that_does_otherwise_is_named_by_its_first_record(
    shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, plant = PLANTED[shown]
    monkeypatch.setattr(module, name, plant(getattr(module, name)))
    found = [text for name in NAMES if (text := difference(name))]
    assert found
    assert any(shown in text and "the journal says" in text for text in found)

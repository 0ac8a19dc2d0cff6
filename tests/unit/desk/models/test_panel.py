"""The panel's question: one prompt, at once, and what an answer has to be to count."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import PanelAnswer, PanelSettings, aggregate_panel
from athena.desk.contract import Unavailable, digest
from athena.desk.inputs import SymbolFeed
from athena.desk.models import PanelReplies, ask_panel
from athena.domain import HOUR_NS, Action
from athena.language import Failed, RecordingMissing, Why
from tests.conftest import IS_FULL
from tests.desk_builder import (
    MADE,
    START_NS,
    account_of,
    held,
    instrument_of,
    snapshot_of,
    walk,
)
from tests.desk_models_builder import Scripted, replaying
from tests.language_builder import model

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOT = snapshot_of(walk(300, 7))
SIX = [model(f"m{k}") for k in range(6)]
# Words of the task that every model of the panel is given.
ANALYST = "several independent analysts"


def opinion(action: str = "buy", **changes: Any) -> str:
    values = {
        "action": action,
        "confidence": 0.7,
        "reason": "the trend",
        "stop_ratio": 0.98,
        "target_ratio": 1.05,
        "size_frac": 0.1,
        **changes,
    }
    return json.dumps(values)


def panel(asker: Any, **more: Any) -> PanelReplies:
    return ask_panel(asker, SNAPSHOT, account_of(), decision_id="d-1", **more)


def test_every_model_is_asked_the_same_once(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, opinion(), *SIX)
    replies = panel(asker)
    assert [one.model for one in replies.answers] == [f"m{k}" for k in range(6)]
    assert replies.missing == ()
    assert len(asker.shown) == 6
    assert len(set(asker.shown)) == 1


def test_prices_are_multiples_of_the_last_close_and_exact(tmp_path: Path) -> None:
    (answer,) = panel(Scripted(tmp_path, opinion())).answers
    price = SNAPSHOT.price
    assert price is not None
    assert answer == PanelAnswer(
        model="first",
        action=Action.BUY,
        confidence=0.7,
        stop_price=price * Decimal("0.98"),
        target_price=price * Decimal("1.05"),
        size_frac=0.1,
    )


BAD = {
    "prose": "I would buy, the trend is strong.",
    "half a JSON": opinion()[:30],
    "wrong schema": '{"verdict": "buy"}',
    "STRONG BUY": opinion("STRONG BUY"),
    "NaN": opinion().replace("0.7", "NaN"),
    "size 1e9": opinion(size_frac=1e9),
    "price 1e9": opinion(target_ratio=1e9),
    "one field more": opinion(leverage=5),
    "stop above the entry": opinion(stop_ratio=1.01),
    "target below the entry": opinion(target_ratio=0.99),
    "sold with a buyer's stop": opinion("sell"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_of_the_form_does_not_count(tmp_path: Path, name: str) -> None:
    """C22, DK-10: one bad answer of six leaves five, and is told."""

    def says(request: Any) -> str:
        return BAD[name] if request.model == "m3-model" else opinion()

    replies = panel(Scripted(tmp_path, {ANALYST: says}, *SIX))
    assert [one.model for one in replies.answers] == ["m0", "m1", "m2", "m4", "m5"]
    ((model_name, why),) = replies.missing
    assert model_name == "m3"
    assert why.startswith("invalid")
    assert aggregate_panel(replies.answers, Decimal(0), PanelSettings()).action is Action.BUY


def test_without_a_single_answer_the_cycle_is_told_why(tmp_path: Path) -> None:
    replies = panel(Scripted(tmp_path, {ANALYST: Failed(Why.BUSY, "429")}, *SIX))
    found = replies.for_cycle
    assert isinstance(found, Unavailable)
    assert "m0: busy" in found.reason
    assert panel(Scripted(tmp_path / "other", opinion(), *SIX)).for_cycle


def test_without_a_price_nobody_is_asked(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, opinion())
    feed = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE)
    found = ask_panel(asker, feed.at(START_NS), None, decision_id="d-1")
    assert isinstance(found.for_cycle, Unavailable)
    assert asker.shown == []


@pytest.mark.parametrize(("quantity", "side"), [("1", "long"), ("-1", "short"), (None, "none")])
def test_a_model_sees_which_way_the_desk_stands_and_not_how_much(
    tmp_path: Path, quantity: str | None, side: str
) -> None:
    asker = Scripted(tmp_path, opinion())
    positions = [] if quantity is None else [held("BTC/USDT", quantity, "40000")]
    account = account_of(*positions, equity="7654321")
    ask_panel(asker, SNAPSHOT, account, decision_id="d-1")
    assert f'"position": "{side}"' in asker.shown[0]
    assert "7654321" not in asker.shown[0]


def test_blind_the_same_answer_means_the_same_prices(tmp_path: Path) -> None:
    """DK-21: no name and no price is shown, and none is needed to read the answer."""
    asker = Scripted(tmp_path, opinion())
    blind = panel(asker, is_blind=True)
    assert blind.answers == panel(Scripted(tmp_path / "open", opinion())).answers
    (shown,) = asker.shown
    assert "BTC" not in shown
    assert str(SNAPSHOT.price) not in shown


class Listening:
    """Take a question down and answer nothing."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def ask(self, question: Any) -> Any:
        raise NotImplementedError(question)

    def ask_each(self, question: Any) -> dict[str, Any]:
        self.shown.append(question.material)
        return {}


def assert_blind(seeds: range) -> None:
    for seed in seeds:
        snapshot = snapshot_of(walk(120, seed))
        asker = Listening()
        # What is left is searched once more, and a leak would raise here.
        ask_panel(asker, snapshot, None, decision_id="d-1", is_blind=True)
        assert "BTC" not in asker.shown[0]
        shown = json.loads(asker.shown[0].split("\n")[1])
        assert shown["closes"][0] == 100.0
        assert not {float(close) for close in snapshot.working.close} & set(shown["closes"])


def test_blind_no_random_market_shows_a_raw_price() -> None:
    """DK-21, in short."""
    assert_blind(range(25))


@pytest.mark.slow
def test_blind_no_random_market_of_a_thousand_shows_a_raw_price() -> None:
    """DK-21."""
    assert_blind(range(25, 1_025 if IS_FULL else 125))


def test_a_model_that_may_know_what_came_next_is_named(tmp_path: Path) -> None:
    knowing = model("old", trained_until_ns=SNAPSHOT.as_of_ns)
    unknowing = model("new", trained_until_ns=SNAPSHOT.as_of_ns - 1)
    assert panel(Scripted(tmp_path, opinion(), knowing, unknowing)).contaminated == ("old",)


def test_replays_are_equal_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    """DK-20."""
    first = panel(Scripted(tmp_path, opinion(), *SIX))
    again = [panel(replaying(tmp_path, *SIX)) for _ in range(2)]
    assert {digest(one) for one in again} == {digest(first)}
    with pytest.raises(RecordingMissing):
        panel(replaying(tmp_path / "empty", *SIX))

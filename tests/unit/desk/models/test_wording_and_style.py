"""Words for the technical finding, and the style of a rebalance: neither decides anything."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import PortfolioInputs, TechnicalRule
from athena.desk.contract import Unavailable, digest
from athena.desk.models import WordedRule, choose_style
from athena.language import Failed, Why
from athena.trading.algorithms import Holdings, RebalanceRules, RebalanceStyle, Rebalancing
from tests.desk_builder import context_of, snapshot_of, walk
from tests.desk_models_builder import Scripted, replaying

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOT = snapshot_of(walk(300, 7))
CONTEXT = context_of(SNAPSHOT, as_of_ns=SNAPSHOT.as_of_ns)
BY_RULE = TechnicalRule().judge(CONTEXT)
WORDING, STYLE = "finding of a technical analyst", "how a portfolio goes back"


def words(said: str) -> str:
    return json.dumps({"text": said})


def test_words_are_added_and_nothing_else_changes(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, words("The trend is weak and nobody is in a hurry."))
    said = WordedRule(asker).judge(CONTEXT)
    assert said.reasons[-1] == "in words (first): The trend is weak and nobody is in a hurry."
    assert replace(said, reasons=BY_RULE.reasons) == BY_RULE


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (words("Buy at 45,000, the RSI is 12."), "a number that nobody computed"),
        ("SELL EVERYTHING", "invalid"),
        (json.dumps({"text": "fine", "action": "sell"}), "invalid"),
        (words(""), "invalid"),
        (Failed(Why.LATE, "nothing for 60 s"), "late"),
    ],
)
def test_a_model_that_fails_leaves_the_rule_with_a_cap(
    tmp_path: Path, said: str | Failed, why: str
) -> None:
    """Desk specification 4.1: the rule alone answers, with a confidence of at most 0.25."""
    found = WordedRule(Scripted(tmp_path, {WORDING: said})).judge(CONTEXT)
    assert (found.action, found.detail) == (BY_RULE.action, BY_RULE.detail)
    assert found.confidence_cap == 0.25
    assert found.reasons[-1].startswith("not in words: ")
    assert why in found.reasons[-1]


def test_a_model_that_is_not_configured_changes_nothing_but_the_remark(tmp_path: Path) -> None:
    absent = Failed(Why.ABSENT, "no key")
    found = WordedRule(Scripted(tmp_path, {WORDING: absent})).judge(CONTEXT)
    assert replace(found, reasons=BY_RULE.reasons) == BY_RULE


def test_without_a_finding_nobody_is_asked(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, words("x"))
    few = snapshot_of(walk(10, 1))
    context = context_of(few, as_of_ns=few.as_of_ns)
    assert WordedRule(asker).judge(context) == TechnicalRule().judge(context)
    assert asker.shown == []


def test_blind_the_finding_holds_no_price(tmp_path: Path) -> None:
    """DK-21."""
    asker = Scripted(tmp_path, words("weak"))
    WordedRule(asker, is_blind=True).judge(CONTEXT)
    (shown,) = asker.shown
    assert str(SNAPSHOT.working.values["sma_50"]) not in shown
    assert json.loads(shown.split("\n")[1])["last_close"] == 100.0
    assert '"rsi_14"' in shown


def portfolio() -> PortfolioInputs:
    return PortfolioInputs(
        symbols=("BTC/USDT", "XRP/USDT"),
        quote="USDT",
        rules=RebalanceRules(0, (500_000, 300_000)),
        holdings=Holdings((600, 200), 1_000, (10, 10), (500, 500)),
        state=Rebalancing(),
    )


def style(asker: Any, **more: Any) -> Any:
    return choose_style(asker, portfolio(), SNAPSHOT.as_of_ns, decision_id="d-1", **more)


@pytest.mark.parametrize("chosen", list(RebalanceStyle))
def test_a_style_is_one_of_three_words(tmp_path: Path, chosen: RebalanceStyle) -> None:
    asker = Scripted(tmp_path, json.dumps({"style": chosen.value, "reason": "calm"}))
    assert style(asker) is chosen


@pytest.mark.parametrize(
    "said", ["dca", '{"style": "all in", "reason": ""}', '{"style": "dca", "size": 1e9}']
)
def test_whatever_else_is_said_is_no_style(tmp_path: Path, said: str) -> None:
    """C22."""
    assert isinstance(style(Scripted(tmp_path, {STYLE: said})), Unavailable)


def test_blind_shares_are_shown_without_names(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, '{"style": "dca", "reason": ""}')
    assert style(asker, is_blind=True) is RebalanceStyle.DCA
    shown = json.loads(asker.shown[0].split("\n")[1])
    assert [row["asset"] for row in shown] == ["ASSET_1", "ASSET_2"]
    assert [row["share"] for row in shown] == [0.6, 0.2]


def test_replays_are_equal(tmp_path: Path) -> None:
    """DK-20."""
    asker = Scripted(tmp_path, words("weak"))
    first = WordedRule(asker).judge(CONTEXT)
    again = [WordedRule(replaying(tmp_path)).judge(CONTEXT) for _ in range(2)]
    assert {digest(one) for one in again} == {digest(first)}

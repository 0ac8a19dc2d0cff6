"""The portfolio agent: the core's own rebalancing rules, and a style for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from athena.desk.agents import Opinion, PortfolioInputs, PortfolioRule, read_style
from athena.desk.contract import PortfolioView, Unavailable, Weight
from athena.domain import HOUR_NS
from athena.trading.algorithms import (
    Holdings,
    RebalanceRules,
    RebalanceStyle,
    Rebalancing,
    rebalance_after,
    rebalance_due,
)
from tests.desk_builder import START_NS, context_of

EQUITY = 1_000 * 10**8
RULES = RebalanceRules(0, (333_300, 333_300))


def inputs_of(*weights_percent: int, **more: Any) -> PortfolioInputs:
    values = tuple(EQUITY * weight // 100 for weight in weights_percent)
    given: dict[str, Any] = {
        "rules": RULES,
        "holdings": Holdings(values, EQUITY, (100, 100), (EQUITY, EQUITY)),
        "state": Rebalancing(),
        **more,
    }
    return PortfolioInputs(symbols=("BTC/USDT", "XRP/USDT"), quote="USDT", **given)


def judge(inputs: PortfolioInputs) -> Opinion:
    return PortfolioRule().judge(context_of(inputs))


def view_of(said: Opinion) -> PortfolioView:
    assert isinstance(said.detail, PortfolioView)
    return said.detail


@pytest.mark.parametrize(
    ("weights", "level", "is_due"),
    [
        ((33, 33), "within", False),
        ((38, 33), "within", False),
        ((39, 33), "off", True),
        ((42, 33), "warning", True),
        ((45, 25), "warning", True),
        ((49, 33), "critical", True),
    ],
)
def test_a_rebalance_is_due_beyond_five_points(
    weights: tuple[int, int], level: str, is_due: bool
) -> None:
    said = judge(inputs_of(*weights))
    view = view_of(said)
    assert (view.level, view.is_due) == (level, is_due)
    assert said.abstains
    assert view.weights == (
        Weight("BTC/USDT", weights[0] * 10_000, 333_300),
        Weight("XRP/USDT", weights[1] * 10_000, 333_300),
        Weight("USDT", (100 - sum(weights)) * 10_000, 333_400),
    )


def test_it_asks_for_what_the_core_itself_would_do() -> None:
    """C11: the same rule, so what is published and what is carried out cannot differ."""
    inputs = inputs_of(45, 25)
    (looked,) = rebalance_due(RULES, inputs.state, inputs.holdings, START_NS)
    assert view_of(judge(inputs)).off_ppm == looked.off_ppm  # type: ignore[union-attr]


def test_a_model_may_only_choose_the_style() -> None:
    for word in ("limit_now", "dca", "wait"):
        assert read_style(word) is RebalanceStyle(word)
    for answer in ("sell everything", "DCA please", "", "limit now"):
        assert isinstance(read_style(answer), Unavailable)


@pytest.mark.parametrize(
    ("style", "shown", "is_due", "reasons"),
    [
        (None, "limit_now", True, ("rebalance, limit_now",)),
        (RebalanceStyle.DCA, "dca", True, ("rebalance, dca",)),
        (RebalanceStyle.WAIT, "wait", False, ("the desk chose to wait",)),
        (
            Unavailable("model:portfolio", "over budget"),
            "limit_now",
            True,
            ("rebalance, limit_now", "style by rule: over budget"),
        ),
    ],
)
def test_the_style_goes_with_the_request(
    style: Any, shown: str, is_due: bool, reasons: tuple[str, ...]
) -> None:
    said = judge(inputs_of(45, 25, style=style))
    assert (view_of(said).style, view_of(said).is_due, said.reasons) == (shown, is_due, reasons)


def test_a_breaker_a_recent_look_and_a_running_rebalance_wait() -> None:
    holdings = replace(inputs_of(45, 25).holdings, is_breaker_active=True)
    said = judge(inputs_of(45, 25, holdings=holdings))
    assert said.reasons == ("a halt, a loss breaker or a pause is active",)
    recent = Rebalancing(looked_ns=START_NS - HOUR_NS + 1)
    assert judge(inputs_of(45, 25, state=recent)).reasons == ("the last look is too recent",)
    inputs = inputs_of(45, 25)
    (looked,) = rebalance_due(RULES, inputs.state, inputs.holdings, START_NS)
    state = rebalance_after(inputs.state, looked)  # type: ignore[arg-type]
    assert judge(replace(inputs, state=state)).reasons == ("a rebalance is under way",)


def test_without_equity_or_prices_nothing_is_asked() -> None:
    for holdings in (
        Holdings((0, 0), 0, (100, 100), (EQUITY, EQUITY)),
        Holdings((EQUITY, 0), EQUITY, (100, 0), (EQUITY, EQUITY)),
    ):
        said = judge(inputs_of(45, 25, holdings=holdings))
        assert said.abstains
        assert not isinstance(said.detail, PortfolioView) or not said.detail.is_due
        assert "not known" in said.reasons[0]

"""The model panel: quorum, majority, medians; what is no valid answer does not count."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from athena.desk.agents import (
    Opinion,
    PanelAnswer,
    PanelInputs,
    PanelRule,
    PanelSettings,
    aggregate_panel,
)
from athena.desk.contract import Proposal, Unavailable
from athena.domain import HOUR_NS, Action, Regime
from athena.errors import InputError
from tests.desk_builder import account_of, context_of, held, instrument_of, snapshot_of, walk

SETTINGS = PanelSettings()
NONE = Decimal(0)


def answers(*actions: Action, confidence: float = 0.6, **more: Any) -> tuple[PanelAnswer, ...]:
    return tuple(
        PanelAnswer(model=f"m{k}", action=action, confidence=confidence, **more)
        for k, action in enumerate(actions)
    )


BUY, SELL, HOLD = Action.BUY, Action.SELL, Action.HOLD


@pytest.mark.parametrize(
    ("given", "action", "confidence"),
    [
        ((BUY, BUY, BUY, SELL), BUY, 0.65),
        ((BUY, BUY, SELL, SELL), HOLD, 0.0),
        ((BUY, BUY, BUY), HOLD, 0.0),
        ((BUY,) * 6, BUY, 0.75),
        ((BUY,) * 5 + (SELL,), BUY, 0.70),
        ((BUY,) * 4 + (SELL,) * 2, BUY, 0.65),
        ((BUY,) * 3 + (SELL,) * 2, BUY, 0.60),
        ((BUY,) * 4, BUY, 0.70),
        ((BUY,) * 3 + (SELL, HOLD, HOLD), HOLD, 0.0),
        ((HOLD,) * 5, HOLD, 0.70),
        ((), HOLD, 0.0),
    ],
)
def test_a_quorum_and_a_majority_decide(
    given: tuple[Action, ...], action: Action, confidence: float
) -> None:
    """DK-10."""
    verdict = aggregate_panel(answers(*given), NONE, SETTINGS)
    assert (verdict.action, verdict.confidence) == (action, pytest.approx(confidence))
    assert verdict.n_valid == len(given)


def test_the_confidence_is_at_most_one() -> None:
    verdict = aggregate_panel(answers(*[BUY] * 6, confidence=0.95), NONE, SETTINGS)
    assert verdict.confidence == 1.0


def test_closing_what_is_not_held_is_holding() -> None:
    close = answers(*[Action.CLOSE_LONG] * 6)
    assert aggregate_panel(close, NONE, SETTINGS).action is HOLD
    assert aggregate_panel(close, Decimal(-1), SETTINGS).action is HOLD
    assert aggregate_panel(close, Decimal(1), SETTINGS).action is Action.CLOSE_LONG
    short = answers(*[Action.CLOSE_SHORT] * 6)
    assert aggregate_panel(short, Decimal(1), SETTINGS).action is HOLD
    assert aggregate_panel(short, Decimal(-1), SETTINGS).action is Action.CLOSE_SHORT


def test_prices_and_sizes_are_medians_over_the_agreeing() -> None:
    given = [
        PanelAnswer(
            model=f"m{k}",
            action=BUY if k < 4 else SELL,
            confidence=0.6,
            entry_price=Decimal(100 + k),
            stop_price=Decimal(90) if k else None,
            size_frac=0.1 * k,
        )
        for k in range(6)
    ]
    verdict = aggregate_panel(given, NONE, SETTINGS)
    assert verdict.agreeing == ("m0", "m1", "m2", "m3")
    assert verdict.entry_price == Decimal("101.5")
    assert verdict.stop_price == Decimal(90)
    assert verdict.target_price is None
    assert verdict.size_frac == pytest.approx(0.15)


def test_a_model_answers_once() -> None:
    with pytest.raises(InputError, match="one answer per model"):
        aggregate_panel(answers(BUY) * 4, NONE, SETTINGS)


@pytest.mark.parametrize(
    "more",
    [
        {"confidence": float("nan")},
        {"confidence": 1.1},
        {"size_frac": 1e9},
        {"size_frac": -0.1},
        {"stop_price": Decimal(0)},
        {"entry_price": Decimal("NaN")},
        {"target_price": Decimal("Infinity")},
    ],
)
def test_an_answer_outside_its_ranges_cannot_be_made(more: dict[str, Any]) -> None:
    """C22."""
    with pytest.raises(InputError, match="expected fractions"):
        PanelAnswer(**{"model": "m", "action": BUY, "confidence": 0.5, **more})


SNAPSHOT = snapshot_of(walk(120, 1))


def judge(given: Any, **more: Any) -> Opinion:
    fields: dict[str, Any] = {"snapshot": SNAPSHOT, "account": account_of(), **more}
    inputs = PanelInputs(regime=Regime.RANGING, answers=given, **fields)
    return PanelRule("panel").judge(context_of(inputs, as_of_ns=SNAPSHOT.as_of_ns))


def test_a_verdict_becomes_a_proposal_on_whole_ticks() -> None:
    given = answers(
        *[BUY] * 6,
        stop_price=Decimal("39000.0099"),
        target_price=Decimal("44000.0099"),
        size_frac=0.9,
    )
    said = judge(given)
    found = said.detail
    assert isinstance(found, Proposal)
    assert (said.action, found.strategy) == (BUY, "panel")
    assert (found.stop_price, found.target_price) == (Decimal("39000.00"), Decimal("44000.00"))
    assert found.size_frac == 0.2
    assert found.entry_price == SNAPSHOT.price


def test_no_panel_is_no_vote_and_no_quorum_is_hold() -> None:
    said = judge(Unavailable("panel", "over budget"))
    assert said.abstains
    assert said.reasons == ("no panel: over budget",)
    held_back = judge(answers(BUY, BUY, BUY))
    assert (held_back.action, held_back.abstains) == (HOLD, False)
    assert held_back.reasons == ("3 valid answers of 6, 4 needed",)


def test_it_cannot_sell_spot_that_is_not_held() -> None:
    given = answers(*[SELL] * 6, size_frac=0.1)
    assert judge(given).action is HOLD
    margin = snapshot_of(walk(120, 1), instrument=instrument_of(is_margin=True))
    assert judge(given, snapshot=margin).action is SELL
    long = account_of(held("BTC/USDT", "1", "40000"))
    closing = judge(given, account=long)
    assert closing.action is Action.CLOSE_LONG
    assert isinstance(closing.detail, Proposal)
    assert (closing.detail.action, closing.detail.size_frac) == (Action.CLOSE_LONG, 0.0)
    again = judge(answers(*[BUY] * 6), account=long)
    assert (again.action, again.reasons[1]) == (HOLD, "already long")


def test_it_knows_positions_and_usable_bars_or_holds() -> None:
    given = answers(*[BUY] * 6)
    assert judge(given, account=None).reasons == ("the positions are not known",)
    late = snapshot_of(walk(120, 1), late_ns=3 * HOUR_NS)
    assert judge(given, snapshot=late).action is HOLD

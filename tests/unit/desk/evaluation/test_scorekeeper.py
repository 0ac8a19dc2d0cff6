from dataclasses import replace

import pytest

from athena.desk.contract import Decision, Output, Role, Vote, digest
from athena.desk.cycle import CycleResult
from athena.desk.evaluation import (
    Call,
    Calls,
    PastVote,
    PriceLine,
    Scorekeeper,
    review_weights,
    settle,
)
from athena.desk.evaluation._scorekeeper import MOST_CALLS
from athena.desk.hosting import DeskStrategy, Parts
from athena.domain import DAY_NS, HOUR_NS, Action, Regime, RiskLevel
from tests.desk_cases import a_case, an_opinion
from tests.evaluation_cases import BTC, START_NS, a_speaker, a_walk
from tests.hosting_walks import moving_bars
from tests.market_builder import run, setup_of
from tests.trace_cases import a_cycle

N = 2_000
LINE = a_walk(N, move=0.02)
CYCLE = a_cycle()
ROLES = {"good": Role.TECHNICAL, "bad": Role.SENTIMENT}


def an_output(call: Call) -> Output:
    return an_opinion(
        ROLES[call.who],
        call.action,
        call.confidence,
        agent=call.who,
        as_of_ns=call.as_of_ns,
        valid_until_ns=call.as_of_ns,
        detail=None,
    )


def a_result(said: tuple[Call, ...]) -> CycleResult:
    """Return a cycle in which agents spoke; what was decided does not matter to their record."""
    outputs = tuple(map(an_output, said))
    votes = tuple(
        Vote(one.agent, one.role, one.action, one.confidence, 1.0, digest(one)) for one in outputs
    )
    now_ns = said[0].as_of_ns
    decision = Decision(
        id=f"d-{now_ns}", symbol=BTC, as_of_ns=now_ns, decided_at_ns=now_ns, action=Action.HOLD,
        confidence=0.0, regime=Regime.RANGING, risk_level=RiskLevel.LOW, method="tie", winner="",
        votes=votes, multiplier=1.0, reasons=(), hold_code="tie",
    )  # fmt: skip
    return replace(CYCLE, decision=decision, case=replace(a_case(outputs), as_of_ns=now_ns))


def keep_score(
    line: PriceLine, *speakers: list[Call], horizon_ns: int = HOUR_NS
) -> tuple[Scorekeeper, list[dict[str, float]]]:
    """Run a desk's days: price, then weights, then what was said."""
    keeper = Scorekeeper(HOUR_NS, horizon_ns)
    weights = []
    for hour, close in enumerate(line.close.tolist()):
        now_ns = START_NS + hour * HOUR_NS
        keeper.price(BTC, now_ns, close)
        weights.append(keeper.weights(now_ns))
        said = tuple(speaker[hour] for speaker in speakers if hour < len(speaker))
        if said:
            keeper.note(a_result(said))
    return keeper, weights


GOOD = a_speaker(LINE, 0.75, 0.75, seed=1, who="good")
BAD = a_speaker(LINE, 0.5, 0.9, seed=2, who="bad")


@pytest.fixture(scope="module")
def kept() -> tuple[Scorekeeper, list[dict[str, float]]]:
    return keep_score(LINE, GOOD, BAD)


def test_curves_and_weights_come_every_monday(
    kept: tuple[Scorekeeper, list[dict[str, float]]],
) -> None:
    keeper, weights = kept
    assert [review.at_ns - START_NS for review in keeper.reviews] == [
        week * 7 * DAY_NS for week in range(1, 12)
    ]
    changes = [hour for hour in range(1, N) if weights[hour] != weights[hour - 1]]
    assert changes
    assert all(hour % 168 == 0 for hour in changes)
    assert keeper.calibrated("bad", 0.9) == pytest.approx(0.5, abs=0.05)
    assert keeper.calibrated("good", 0.75) == pytest.approx(0.75, abs=0.05)
    assert keeper.calibrated("nobody", 0.9) is None


def test_weights_are_followed_once_they_earned_more(
    kept: tuple[Scorekeeper, list[dict[str, float]]],
) -> None:
    """The first reviews have nothing out of sample to show, and change nothing."""
    keeper, weights = kept
    assert weights[200] == {}
    assert weights[-1]["good"] > 1.0 > weights[-1]["bad"]
    last = keeper.reviews[-1]
    assert last.test is not None
    assert last.test.p_first_better < 0.05


def test_the_past_does_not_depend_on_what_comes(
    kept: tuple[Scorekeeper, list[dict[str, float]]],
) -> None:
    """D02."""
    n = 1_200
    line = PriceLine(LINE.close_ns[:n], LINE.close[:n], HOUR_NS)
    _, weights = keep_score(line, GOOD[:n], BAD[:n])
    assert weights == kept[1][:n]


def test_it_says_what_a_review_of_the_whole_record_says(
    kept: tuple[Scorekeeper, list[dict[str, float]]],
) -> None:
    """Kept while it runs, or read from the trace afterwards: one record, one review."""
    review = kept[0].reviews[-1]
    said = [one for pair in zip(GOOD, BAD, strict=True) for one in pair]
    outcomes = settle(Calls.of(said), {BTC: LINE}, HOUR_NS)
    votes = [PastVote.of(a_result(pair).decision) for pair in zip(GOOD, BAD, strict=True)]
    whole = review_weights(outcomes, votes, {BTC: LINE}, review.at_ns)
    assert [(m.agent, m.weight, m.n) for m in whole.moves] == [
        (m.agent, m.weight, m.n) for m in review.moves
    ]
    assert whole.test is not None
    assert review.test is not None
    assert whole.test.mean_difference == pytest.approx(review.test.mean_difference)


def test_without_a_fresh_price_nobody_is_judged() -> None:
    keeper = Scorekeeper(HOUR_NS, HOUR_NS)
    keeper.note(a_result((GOOD[0],)))
    keeper.price(BTC, START_NS - HOUR_NS, 100.0)
    keeper.note(a_result((GOOD[0],)))
    keeper.price(BTC, START_NS + HOUR_NS, 100.0)
    assert keeper.weights(START_NS + 14 * DAY_NS) == {}
    assert not keeper.reviews


def test_a_price_that_comes_too_late_judges_nobody() -> None:
    keeper = Scorekeeper(HOUR_NS, 2 * HOUR_NS)
    keeper.price(BTC, START_NS, 100.0)
    keeper.note(a_result((GOOD[0],)))
    keeper.price(BTC, START_NS + 5 * HOUR_NS, 100.0)
    keeper.weights(START_NS + 14 * DAY_NS)
    assert not keeper.reviews


def test_its_memory_is_bounded() -> None:
    """A08: what it keeps states its bound."""
    keeper = Scorekeeper(HOUR_NS, HOUR_NS)
    assert keeper._settled.maxlen == MOST_CALLS
    assert keeper._counted.maxlen is not None
    assert keeper.reviews.maxlen is not None
    _, _ = keep_score(LINE, GOOD[:300])
    for hour in range(300):
        keeper.price(BTC, START_NS + hour * HOUR_NS, 100.0)
        keeper.note(a_result((GOOD[hour],)))
    assert len(keeper._waiting[BTC].words) == 4


def test_a_hosted_desk_learns_and_two_runs_decide_alike() -> None:
    setup = setup_of([moving_bars(500, 5, "BTC/USD")])
    decisions, keepers = set(), []
    for _ in range(2):
        results: list[CycleResult] = []
        keeper = Scorekeeper(HOUR_NS)
        desk = DeskStrategy()
        desk.plug(Parts(record=results.append, learner=keeper))
        run(setup, desk)
        decisions.add(digest([result.decision for result in results]))
        keepers.append(keeper)
    assert len(decisions) == 1
    assert keepers[0].reviews
    assert repr(keepers[0].reviews) == repr(keepers[1].reviews)
    assert all(move.weight >= 0 for move in keepers[0].reviews[-1].moves)

from dataclasses import replace

import numpy as np
import pytest

from athena.desk.evaluation import (
    PSI_MAX,
    PromotionRecord,
    check_promotion,
    cusum,
    find_drift,
    population_stability,
    score,
)
from athena.domain import DAY_NS, HOUR_NS
from athena.errors import InputError, RefusedError
from tests.evaluation_cases import START_NS, a_speaker, a_walk, settled

LINE = a_walk(1_000)
END_NS = START_NS + 1_000 * HOUR_NS
RNG_SEED = 11


def test_an_input_that_is_another_one_is_seen_and_one_that_is_not_is_not() -> None:
    rng = np.random.default_rng(RNG_SEED)
    before = rng.normal(0, 1, 5_000)
    assert population_stability(before, rng.normal(0, 1, 1_000)) < 0.05
    assert population_stability(before, rng.normal(1, 1, 1_000)) > PSI_MAX
    assert population_stability(before, before) == 0.0
    with pytest.raises(InputError):
        population_stability(before[:5], before)
    with pytest.raises(InputError):
        population_stability(before, np.array([np.nan]))


def test_two_shares_give_the_index_by_hand() -> None:
    before = np.repeat(np.arange(10.0), 10)
    after = np.repeat(np.arange(10.0), [10, 10, 10, 10, 10, 10, 10, 10, 5, 15])
    by_hand = (0.05 - 0.1) * np.log(0.05 / 0.1) + (0.15 - 0.1) * np.log(0.15 / 0.1)
    assert population_stability(before, after) == pytest.approx(by_hand)


def test_the_cusum_rises_only_while_losses_do() -> None:
    assert cusum(np.zeros(50), 0.0, 1.0) == 0.0
    assert cusum(np.full(50, 2.0), 0.0, 1.0) == pytest.approx(75.0)
    assert cusum(np.concatenate([np.full(10, 2.0), np.full(90, -5.0)]), 0.0, 1.0) == 15.0
    assert cusum(np.ones(5), 0.0, 0.0) == 0.0


def test_an_agent_that_begins_to_be_wrong_is_noticed_and_one_that_is_as_before_is_not() -> None:
    good = a_speaker(LINE, 0.65, 0.65, seed=1)
    turned = [*good[:832], *a_speaker(LINE, 0.1, 0.65, seed=2)[832:]]
    assert find_drift(settled(good, LINE), "technical", END_NS) == ()
    found = {one.kind: one for one in find_drift(settled(turned, LINE), "technical", END_NS)}
    assert set(found) == {"wins", "brier"}
    assert all(one.costs_weight and one.n == 168 for one in found.values())
    assert found["wins"].interval is not None
    assert found["wins"].interval[1] < 0.4


def test_who_says_it_knows_little_is_told_of_and_not_punished() -> None:
    (alert,) = find_drift(settled(a_speaker(LINE, 0.6, 0.4, seed=1), LINE), "technical", END_NS)
    assert alert.kind == "confidence"
    assert not alert.costs_weight


def test_with_less_than_30_new_trades_nothing_is_claimed() -> None:
    wrong = a_speaker(LINE, 0.0, 0.9, seed=1)[:29]
    assert find_drift(settled(wrong, LINE), "technical", START_NS + 40 * HOUR_NS) == ()


def a_record() -> PromotionRecord:
    return PromotionRecord(
        what="panel prompt 3",
        out_of_sample=score(settled(a_speaker(LINE, 0.7, 0.7, seed=1), LINE)),
        test_p=0.01,
        shadow_from_ns=0,
        shadow_to_ns=14 * DAY_NS,
        rollback_to="panel prompt 2",
    )


def test_a_candidate_with_a_whole_record_is_let_through() -> None:
    check_promotion(a_record())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"out_of_sample": None}, "out-of-sample score"),
        ({"test_p": None}, "a test below"),
        ({"test_p": 0.05}, "a test below"),
        ({"test_p": float("nan")}, "a test below"),
        ({"shadow_to_ns": 14 * DAY_NS - 1}, "14 days in the shadow"),
        ({"rollback_to": ""}, "roll back"),
        ({"contaminated": "before the cut-off"}, "before the cut-off"),
    ],
)
def test_without_its_record_nothing_is_promoted(change: dict[str, object], says: str) -> None:
    """D10."""
    with pytest.raises(RefusedError, match=says):
        check_promotion(replace(a_record(), **change))


def test_everything_that_is_missing_is_said_at_once() -> None:
    bare = replace(a_record(), out_of_sample=None, test_p=None, shadow_to_ns=0, rollback_to="")
    with pytest.raises(RefusedError, match=r"score; .*test.*; .*shadow.*; .*roll back"):
        check_promotion(bare)

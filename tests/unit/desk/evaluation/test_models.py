import pytest

from athena.desk.evaluation import Call, Kind, compare_models
from athena.domain import HOUR_NS
from tests.evaluation_cases import a_speaker, a_walk, settled

LINE = a_walk(1_000)


def a_model(
    who: str, right_frac: float, seed: int, n: int = 1_000, **changes: object
) -> list[Call]:
    said = a_speaker(LINE, right_frac, right_frac, seed, who=who, kind=Kind.MODEL, **changes)
    return said[:n]


def test_the_parts_add_up_to_the_score() -> None:
    said = a_model("one", 0.7, 1, latency_ms=3_000.0, cost_usd=0.007)
    (one,) = compare_models(settled(said, LINE)).models
    assert one.parts["accuracy"] == one.score.accuracy.value
    assert one.parts["latency"] == pytest.approx(0.9)
    assert one.parts["cost"] == pytest.approx(1 - 0.007 / one.score.accuracy.value / 0.5)
    weights = {"accuracy": 0.35, "gain": 0.25, "calibration": 0.2, "latency": 0.1, "cost": 0.1}
    assert one.total == pytest.approx(sum(weights[k] * v for k, v in one.parts.items()))
    assert 0 <= one.total <= 1


def test_a_better_model_takes_the_lead() -> None:
    said = [*a_model("good", 0.7, 1), *a_model("poor", 0.5, 2)]
    found = compare_models(settled(said, LINE), leader="poor")
    assert found.leader == "good"
    (pair,) = found.pairs
    assert (pair.better, pair.worse, pair.is_acted_on) == ("good", "poor", True)
    assert pair.p_value < 0.05


def test_a_tie_keeps_the_leader() -> None:
    said = [*a_model("new", 0.6, 1), *a_model("old", 0.6, 2)]
    found = compare_models(settled(said, LINE), leader="old")
    assert found.leader == "old"
    assert not any(pair.is_acted_on for pair in found.pairs)


def test_a_model_is_shown_from_30_and_acted_on_from_100() -> None:
    said = [*a_model("old", 0.3, 2, 99), *a_model("new", 0.95, 1, 99), *a_model("few", 1.0, 3, 29)]
    found = compare_models(settled(said, LINE), leader="old")
    assert {one.model: one.is_shown for one in found.models} == {
        "new": True,
        "old": True,
        "few": False,
    }
    (pair,) = found.pairs
    assert pair.p_value < 0.05
    assert not pair.is_acted_on
    assert found.leader == "old"


def test_pairs_are_corrected_for_their_number() -> None:
    coins = [one for k in range(6) for one in a_model(f"coin {k}", 0.5, k, 300)]
    found = compare_models(settled(coins, LINE))
    assert len(found.pairs) == 15
    assert not any(pair.is_acted_on for pair in found.pairs)


def test_without_answers_there_is_nobody_to_lead() -> None:
    found = compare_models(settled([], LINE, HOUR_NS))
    assert found.models == found.pairs == ()
    assert found.leader == ""
    assert compare_models(settled([], LINE), leader="old").leader == "old"


def test_an_unknown_leader_is_not_replaced_by_who_happens_to_be_there() -> None:
    found = compare_models(settled(a_model("new", 0.7, 1), LINE), leader="old")
    assert found.leader == "old"
    assert compare_models(settled(a_model("new", 0.7, 1), LINE)).leader == "new"

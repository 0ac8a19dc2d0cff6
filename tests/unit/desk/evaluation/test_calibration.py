import numpy as np
import pytest

from athena.desk.agents import technical_agent
from athena.desk.evaluation import (
    Curve,
    calibrate,
    fit_curve,
    fit_isotonic,
    fit_logistic,
)
from athena.domain import HOUR_NS
from athena.errors import InputError
from tests.evaluation_cases import BUY, HOLD, START_NS, a_call, a_speaker, a_walk, settled

LINE = a_walk(1_000)
END_NS = START_NS + 1_000 * HOUR_NS


def test_pooling_gives_the_textbook_answer() -> None:
    """Barlow and others (1972): the violators 3, 2 and 5, 4 are pooled."""
    at, right = fit_isotonic(np.arange(1.0, 7.0), np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0]))
    assert at.tolist() == [1, 2, 3, 4, 5, 6]
    assert right.tolist() == [1, 2.5, 2.5, 4.5, 4.5, 6]


def test_an_overconfident_agent_is_taken_for_what_it_is() -> None:
    said = a_speaker(LINE, 0.6, 0.9, seed=3)
    learned = calibrate(settled(said, LINE), END_NS)
    assert learned.calibrated("technical", 0.9) == pytest.approx(0.6, abs=0.04)
    assert learned.calibrated("nobody", 0.9) is None


def test_below_100_outcomes_nothing_is_learned() -> None:
    said = a_speaker(LINE, 0.7, 0.9, seed=3)
    assert calibrate(settled(said[:99], LINE), END_NS).curves == {}
    assert calibrate(settled(said[:100], LINE), END_NS).curves["technical"].n == 100


def test_only_what_was_settled_before_is_read() -> None:
    """Past outcomes only: later ones, whatever they are, change nothing."""
    said = a_speaker(LINE, 0.7, 0.9, seed=3)
    known_ns = START_NS + 500 * HOUR_NS
    whole = calibrate(settled(said, LINE), known_ns).curves["technical"]
    prefix = calibrate(settled(said[:500], LINE), known_ns).curves["technical"]
    assert whole == prefix
    assert whole.n == 500
    contrary = [*said[:500], *(one._replace(confidence=0.1) for one in said[500:])]
    assert calibrate(settled(contrary, LINE), known_ns).curves["technical"] == whole


def test_holds_lend_their_record_to_nobody() -> None:
    trades = a_speaker(LINE, 0.5, 0.8, seed=4)[::2]
    holds = [a_call(HOLD, 0.8, hour) for hour in range(1, 1_000, 2)]
    learned = calibrate(settled([*trades, *holds], LINE), END_NS)
    assert learned.calibrated("technical", 0.8) == pytest.approx(0.5, abs=0.06)


def test_an_agent_that_is_wrong_when_it_is_sure_gets_its_mean() -> None:
    rng = np.random.default_rng(5)
    said = rng.random(2_000)
    right = (rng.random(2_000) > said).astype(float)
    at, came = fit_logistic(said, right)
    assert np.ptp(came) < 1e-12
    assert came[0] == pytest.approx(right.mean(), abs=1e-3)
    assert np.all(np.diff(at) > 0)


def test_the_method_that_did_better_on_newer_outcomes_is_kept() -> None:
    rng = np.random.default_rng(6)
    said = rng.random(4_000)
    step = np.where(said < 0.5, 0.2, 0.8)
    stepped = fit_curve(said, (rng.random(4_000) < step).astype(float), 1)
    smooth = fit_curve(said, (rng.random(4_000) < said).astype(float), 1)
    assert stepped is not None
    assert smooth is not None
    assert (stepped.method, smooth.method) == ("isotonic", "logistic")
    assert stepped.brier["isotonic"] < stepped.brier["raw"]
    assert stepped(0.4) == pytest.approx(0.2, abs=0.05)


def test_everybody_right_at_one_confidence_is_no_trouble() -> None:
    curve = fit_curve(np.full(200, 0.9), np.ones(200), 1)
    assert curve is not None
    assert 0.9 < curve(0.9) <= 1.0


def test_a_curve_that_falls_is_refused() -> None:
    good = {"method": "isotonic", "n": 100, "known_ns": 0, "brier": {}}
    with pytest.raises(InputError):
        Curve(**good, at=(0.1, 0.2), right=(0.5, 0.4))
    with pytest.raises(InputError):
        Curve(**{**good, "n": 99}, at=(0.1,), right=(0.5,))


def test_an_agent_says_both_confidences() -> None:
    """Raw and calibrated confidence are both kept, and the cap still holds."""
    from tests.desk_builder import context_of, snapshot_of

    learned = calibrate(settled(a_speaker(LINE, 0.6, 0.8, seed=3), LINE), END_NS)
    agent = technical_agent(lambda _: None, calibration=learned)
    rising = np.linspace(100.0, 130.0, 120) + np.sin(np.arange(120))
    output = agent.think(context_of(snapshot_of(rising))).output
    assert output is not None
    assert output.raw_confidence == pytest.approx(0.8)
    assert output.confidence == pytest.approx(0.6, abs=0.04)
    assert a_call(BUY).confidence == a_call(BUY).raw_confidence

"""The desk as a strategy of the core: the core's own numbers in, intents out."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.desk.contract import Role
from athena.desk.coordinator import HoldCode
from athena.desk.hosting import DeskStrategy, Parts
from athena.desk.inputs import Text, TextKind, TextProvenance, texts_at
from athena.domain import Action, DenialCode, Regime, from_money
from athena.errors import CoreError, InputError
from athena.trading import layout as at
from tests.hosting_walks import HOUR_NS, SYMBOLS, moving_bars, run_desk
from tests.market_builder import bars_of, run, setup_of

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.desk.cycle import CycleResult

N_BARS = 260


@pytest.fixture(scope="module")
def decided() -> list[CycleResult]:
    """Run the desk on three instruments under the default limits, once for all tests."""
    results: list[CycleResult] = []
    run_desk([moving_bars(N_BARS, k, name) for k, name in enumerate(SYMBOLS)], results)
    return results


def test_every_symbol_is_decided_about_at_every_close(decided: list[CycleResult]) -> None:
    """B03: the bars come in their order, and the run ends."""
    times = [result.decision.as_of_ns for result in decided]
    assert times == sorted(times)
    assert len(decided) == 3 * N_BARS
    assert [result.decision.symbol for result in decided[:3]] == list(SYMBOLS)
    assert len({result.decision.id for result in decided}) == len(decided)


def test_the_data_are_named_and_nothing_is_later_than_the_decision(
    decided: list[CycleResult],
) -> None:
    """B03, D02: each context holds validated bars that had closed."""
    for result in decided:
        assert result.snapshot.last_close_ns <= result.decision.as_of_ns
        assert result.snapshot.provenance.name == "engine"
        assert result.decision.decided_at_ns == result.decision.as_of_ns


def test_two_runs_have_one_digest_and_decide_the_same() -> None:
    bars = [moving_bars(N_BARS, 5, "BTC/USD")]
    first, second = [], []
    digests = {run_desk(bars, results).digest for results in (first, second)}
    assert len(digests) == 1
    assert [one.decision for one in first] == [one.decision for one in second]
    assert [one.latencies_ns for one in first] == [{}] * len(first)


def test_it_trades_and_what_it_asks_for_has_stop_target_and_regime(
    decided: list[CycleResult],
) -> None:
    traded = [result for result in decided if result.intents]
    assert len(traded) >= 5
    for result in traded:
        assert result.decision.hold_code == ""
        for intent in result.intents:
            assert intent.instrument == SYMBOLS.index(result.decision.symbol)
            assert intent.regime is result.decision.regime
            if result.decision.action is Action.BUY:
                assert intent.stop_ticks > 0
                assert intent.target_ticks > 0


def test_the_account_is_the_cores_own() -> None:
    """Equity, positions and drawdown are read off the state, none is computed anew."""
    results: list[CycleResult] = []
    seen: list[tuple[Any, ...]] = []

    class Watched(DeskStrategy):
        def on_wake(self, view: Any) -> Any:
            wanted = super().on_wake(view)
            account = view._state.account
            row = [int(view._state.positions[0, at.QUANTITY]), account[at.EQUITY]]
            seen.append((*row, account[at.PEAK]))
            return wanted

    run_desk([moving_bars(N_BARS, 2, "BTC/USD")], results, Watched)
    held = 0
    for result, (lots, equity, peak) in zip(results, seen, strict=True):
        risk = next(one for one in result.outputs if one.role is Role.RISK)
        account = _account_of(result, risk)
        assert account["equity"] == from_money(equity)
        assert account["drawdown"] == pytest.approx(1 - equity / peak, abs=1e-6)
        assert account["held"] == (lots != 0)
        held += lots != 0
    assert held >= 5


def _account_of(result: CycleResult, risk: Any) -> dict[str, Any]:
    uses = {share.name: share.frac for share in risk.detail.uses}
    return {
        "equity": _EQUITY[result.decision.id],
        "drawdown": uses["drawdown"] * 0.10,
        "held": risk.detail.has_positions,
    }


_EQUITY: dict[str, Decimal] = {}


@pytest.fixture(autouse=True)
def _note_equity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the equity that each cycle was shown."""
    from athena.desk.hosting import _running

    whole = _running.CycleInputs

    def noted(**values: Any) -> Any:
        _EQUITY[values["id"]] = values["account"].equity
        return whole(**values)

    monkeypatch.setattr(_running, "CycleInputs", noted)


def test_the_floor_of_confidence_is_the_risk_engines(decided: list[CycleResult]) -> None:
    """What the desk lets through is not refused for its confidence by the core."""
    floors = {
        Regime.TRENDING_BULL: 0.60, Regime.RANGING: 0.60, Regime.UNKNOWN: 0.70,
        Regime.CHOPPY: 0.75, Regime.VOLATILE_BEAR: 0.65,
    }  # fmt: skip
    by_regime = {result.decision.regime: result.case.confidence_min for result in decided}
    # After losses in a row they are higher, never lower.
    assert all(by_regime[name] >= low for name, low in floors.items() if name in by_regime)
    assert len(by_regime.keys() & floors.keys()) >= 2
    results: list[CycleResult] = []
    simulated = run_desk([moving_bars(N_BARS, k, name) for k, name in enumerate(SYMBOLS)], results)
    assert _denied(simulated, DenialCode.CONFIDENCE) == 0
    assert any(r.decision.hold_code == HoldCode.CONFIDENCE.value for r in results)


def _denied(simulated: Any, code: DenialCode) -> int:
    from athena.research.runs._results import count_refusals

    return count_refusals([simulated.words]).get(code.value, 0)


def test_under_open_limits_there_is_no_floor() -> None:
    results: list[CycleResult] = []
    run_desk([moving_bars(80, 2, "BTC/USD")], results, is_open=True)
    assert {result.case.confidence_min for result in results} == {0.0}


def test_decisions_are_due_when_it_says() -> None:
    results: list[CycleResult] = []
    run_desk([moving_bars(100, 2, "BTC/USD")], results, lambda: DeskStrategy(every="4h"))
    assert len(results) == 25
    assert {result.decision.as_of_ns % (4 * HOUR_NS) for result in results} == {0}
    # The bars between were seen nonetheless.
    assert len(results[-1].snapshot.working) == 100


def test_a_missing_bar_is_a_gap_and_decides_nothing() -> None:
    whole = moving_bars(120, 2, "BTC/USD")
    other = moving_bars(120, 3, "ETH/USD")
    keep = np.setdiff1d(np.arange(120), [100, 101, 102, 103])
    cut = bars_of([column[keep] for column in whole.columns()], "BTC/USD", HOUR_NS)
    results: list[CycleResult] = []
    run_desk([cut, other], results)
    bitcoin = {r.decision.as_of_ns: r for r in results if r.decision.symbol == "BTC/USD"}
    late = bitcoin[int(whole.ts_ns[103]) + HOUR_NS]
    assert (late.decision.action, late.intents) == (Action.HOLD, ())
    assert late.snapshot.quality.reasons


def test_what_is_plugged_in_is_used() -> None:
    """Texts are read as of the moment, each decision is remembered once and shown to the hooks."""
    remembered: list[str] = []
    seen: list[int] = []

    class Memory:
        def remember(self, result: CycleResult) -> None:
            remembered.append(result.decision.id)

    def texts(symbol: str, as_of_ns: int) -> Any:
        text = Text(
            kind=TextKind.NEWS, provider="p", source="s", text="a strong rally, record profit",
            published_ns=as_of_ns - 1, arrived_ns=as_of_ns - 1,
            provenance=TextProvenance.RECORDED,
        )  # fmt: skip
        return texts_at([text], as_of_ns, symbol)

    results: list[CycleResult] = []
    parts = Parts(
        record=results.append,
        memory=Memory(),
        texts=texts,
        hooks=(lambda _, info: seen.append(info.cycle),),
    )
    desk = DeskStrategy()
    desk.plug(parts)
    run(setup_of([moving_bars(80, 2, "BTC/USD")], is_open=False), desk)
    assert remembered == [result.decision.id for result in results]
    assert seen == list(range(1, 81))
    said = [one for one in results[-1].outputs if one.role is Role.SENTIMENT]
    assert said[0].action is Action.BUY


class Halving:
    """A learner that trusts the technical analyst half as much, and hears everything."""

    def __init__(self) -> None:
        self.prices: list[tuple[str, int]] = []
        self.n_noted = 0

    def calibrated(self, agent: str, confidence: float) -> float | None:
        return confidence / 2 if agent == "technical" else None

    def price(self, symbol: str, close_ns: int, close: float) -> None:
        assert close > 0
        self.prices.append((symbol, close_ns))

    def weights(self, now_ns: int) -> dict[str, float]:
        assert all(close_ns <= now_ns for _, close_ns in self.prices)
        return {"technical": 0.5}

    def note(self, result: CycleResult) -> None:
        self.n_noted += result.decision.decided_at_ns > 0


def test_a_learner_changes_confidences_and_weights_and_sees_the_past_only() -> None:
    learner, results = Halving(), []
    desk = DeskStrategy()
    desk.plug(Parts(record=results.append, learner=learner))
    run(setup_of([moving_bars(80, 2, "BTC/USD")], is_open=False), desk)
    assert learner.n_noted == len(learner.prices) == 80
    votes = {vote.agent: vote for vote in results[-1].decision.votes}
    said = next(one for one in results[-1].outputs if one.agent == "technical")
    assert votes["technical"].weight == 0.5
    assert said.confidence == pytest.approx(said.raw_confidence / 2)


def test_a_running_desk_is_not_plugged_anew() -> None:
    desk = DeskStrategy()
    run(setup_of([moving_bars(30, 2, "BTC/USD")]), desk)
    with pytest.raises(CoreError, match="has not begun"):
        desk.plug(Parts())


def test_a_length_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="expected an interval"):
        DeskStrategy(every="often")


def test_a_desk_that_has_not_begun_can_be_copied() -> None:
    copied = pickle.loads(pickle.dumps(DeskStrategy(every="4h")))  # noqa: S301 - our own bytes
    assert replace(copied) == DeskStrategy(every="4h")

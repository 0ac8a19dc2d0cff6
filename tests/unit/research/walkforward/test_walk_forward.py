"""The walk-forward: chosen on the past only, traded as one account, counted, refused."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS
from athena.errors import InputError, StrategyError
from athena.research import (
    FileStore,
    Window,
    load_columns,
    read_run,
    read_trials,
    replay_run,
    run_backtest,
    tell_intents,
)
from athena.research.runs import JOURNAL_FOLDER
from athena.research.splits import Span
from athena.research.strategies import Relay
from athena.research.strategies._sma import SmaCross
from athena.research.walkforward import _run as walk_forward_run
from athena.research.walkforward._choice import Candidates
from tests.conftest import IS_FULL
from tests.market_builder import START_NS, after, bars_of, driftless_bars
from tests.walk_forward_cases import (
    N_BARS,
    NAME,
    TRAIN_NS,
    config_of,
    request_of,
    store,
    walk,
    walk_bars,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research import WalkForwardRequest, WalkForwardResult
    from athena.research.walkforward._windows import FoldWindows
    from athena.trading import Market

MINE = "tests.walk_forward_cases:"


@pytest.fixture
def stored(home: Path) -> Path:
    store(home, walk_bars())
    return home


# --- the folds --------------------------------------------------------------------------------


def test_folds_train_on_the_past_and_touch_each_other(stored: Path) -> None:
    result = walk(stored, request_of())
    assert [fold.number for fold in result.folds] == [1, 2, 3, 4, 5]
    for fold in result.folds:
        assert fold.test.start_ns - fold.train.end_ns == DAY_NS + HOUR_NS, "embargo and purge"
        assert fold.train.start_ns == START_NS
    assert all(one.test.end_ns == other.test.start_ns for one, other in pairwise(result.folds))
    record = result.run.record
    assert record.ts_ns[0] == result.folds[0].test.start_ns + HOUR_NS
    assert record.ts_ns[-1] == result.folds[-1].test.end_ns
    assert result.left_over_days == 2


def test_rolling_windows_forget(stored: Path) -> None:
    result = walk(stored, request_of(window=Window.ROLLING))
    assert {fold.train.length_ns for fold in result.folds} == {TRAIN_NS - HOUR_NS}


def test_the_best_of_training_with_enough_trades_is_chosen(stored: Path) -> None:
    """Each candidate is run by itself as a backtest of the training window."""
    request = request_of(min_trades=3)
    result = walk(stored, request)
    fold = result.folds[2]
    ratios = {}
    for number, parameters in enumerate(request.grid.combinations()):
        asked = replace(
            request.backtest,
            parameters=parameters,
            start_ns=fold.train.start_ns,
            end_ns=fold.train.end_ns,
        )
        alone = run_backtest(asked, config_of(), stored, run_id=f"a{number}", now_ns=START_NS)
        closed = sum(not trade.is_open for trade in alone.record.trades)
        if closed >= 3:
            ratios[parameters["slow"]] = (alone.summary.main.sharpe.value, closed)
    best = max(ratios, key=lambda slow: ratios[slow])
    assert dict(fold.parameters) == {"slow": best}
    assert (fold.train_sharpe, fold.train_trades) == ratios[best], "equal, not near"


def test_joined_equity_is_that_of_the_run_and_folds_multiply_to_it(stored: Path) -> None:
    result = walk(stored, request_of())
    record = result.run.record
    kept = read_run(result.run.folder)
    assert np.array_equal(kept.main.equity, record.main.equity)
    assert record.main.equity[-1] == pytest.approx(float(result.run.final_equity), abs=1e-6)
    growth = math.prod(1 + fold.test_return for fold in result.folds)
    assert float(record.cash) * growth == pytest.approx(record.main.equity[-1])
    assert sum(fold.test_trades for fold in result.folds) == len(record.trades)
    assert {len(curve.equity) for curve in record.baselines} == {len(record.ts_ns)}


def test_efficiency_is_what_is_kept_of_training(stored: Path) -> None:
    result = walk(stored, request_of())
    promised = sum(fold.train_sharpe for fold in result.folds) / 5
    expected = result.run.summary.main.sharpe.value / promised if promised > 0 else math.nan
    assert result.efficiency == pytest.approx(expected, nan_ok=True)
    times = sum(a.parameters != b.parameters for a, b in pairwise(result.folds))
    assert result.n_changes == times
    assert "out of sample it made" in result.sentence.lower()
    assert "in 5 folds" in result.sentence


def test_the_run_replays_and_tells_its_orders(stored: Path) -> None:
    result = walk(stored, request_of())
    journal = FileStore(result.run.folder / JOURNAL_FOLDER)
    manifest = _manifest(journal)
    _, report = replay_run(journal, load_columns(manifest, stored))
    assert (report.digest, report.is_final) == (result.run.record.digest, True)
    assert len(tell_intents(result.run.folder)) >= result.run.record.main.n_orders
    told = manifest["parameters"]["walk_forward"]
    assert [item["parameters"] for item in told["folds"].values()] == [
        dict(fold.parameters) for fold in result.folds
    ]


def _manifest(journal: FileStore) -> dict[str, Any]:
    from athena.trading import read_frames

    values: dict[str, Any] = next(iter(read_frames(journal))).values()
    return values


def test_the_same_request_gives_the_same_run(stored: Path) -> None:
    one, other = (walk(stored, request_of(), run_id=name) for name in ("one", "other"))
    assert one.run.record.digest == other.run.record.digest
    assert one.folds == other.folds
    assert one.run.record.journal_sha256 == other.run.record.journal_sha256


def test_called_and_woken_kinds_come_to_the_same(stored: Path) -> None:
    runs = [walk(stored, request_of(kind=kind), run_id=kind).run for kind in ("woken", "bar")]
    assert runs[0].record.digest == runs[1].record.digest


def test_with_nothing_to_choose_it_is_the_backtest_of_the_test_windows(stored: Path) -> None:
    """No grid and no signals: hand-overs alone change nothing."""
    result = walk(stored, request_of(strategy="hold", grid=()))
    assert not result.has_choice
    assert "nothing to choose" in result.sentence
    asked = replace(
        request_of(strategy="hold", grid=()).backtest,
        start_ns=result.folds[0].test.start_ns,
        end_ns=result.folds[-1].test.end_ns,
    )
    plain = run_backtest(asked, config_of(), stored, run_id="plain", now_ns=START_NS)
    assert np.array_equal(plain.record.main.equity, result.run.record.main.equity)


# --- the future is invisible --------------------------------------------------------------------


def _walked(home: Path, request: WalkForwardRequest, bars: Bars) -> WalkForwardResult:
    """Run a walk-forward in a home of its own: a data set cannot be changed."""
    store(home, bars)
    return walk(home, request)


def assert_future_is_invisible(home: Path, request: WalkForwardRequest, k: int = 2) -> None:
    """Change every bar after a fold's training, and compare all that was decided by then.

    The parameters of the folds up to it, and the orders up to the change, are the same bit for
    bit (D02).
    """
    before = _walked(home / "before", request, walk_bars())
    end_ns = before.folds[k].train.end_ns
    step = int(np.searchsorted(walk_bars().ts_ns, end_ns)) - 1
    changed = after(walk_bars(), step, np.random.default_rng(1))
    assert changed.close_ticks[step + 1] != walk_bars().close_ticks[step + 1]
    other = _walked(home / "other", request, changed)
    for one, two in zip(before.folds[: k + 1], other.folds[: k + 1], strict=True):
        assert one.parameters == two.parameters
        assert (one.train_sharpe, one.train_trades) == (two.train_sharpe, two.train_trades)
    asked = [
        [
            (story.ts_ns, story.order, story.asked, story.code, story.approved)
            for story in tell_intents(result.run.folder)
            if story.ts_ns <= end_ns
        ]
        for result in (before, other)
    ]
    assert asked[0] == asked[1]
    assert asked[0], "something was decided by then"


CASES = {
    "sma_cross": request_of(grid=("fast=3,5", "slow=12,20,30")),
    "rolling": request_of(grid=("slow=12,20,30",), window=Window.ROLLING),
    "fitted": request_of(strategy=f"{MINE}Above", grid=("shift=0.99,1,1.01",)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_future_is_invisible(home: Path, name: str) -> None:
    assert_future_is_invisible(home, CASES[name])


def test_a_walk_forward_that_chooses_on_the_test_window_is_caught(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted leak: training reaches to the end of the test window."""
    honest = walk_forward_run.lay_windows

    def leaking(*arguments: Any) -> list[FoldWindows]:
        return [
            replace(window, train=Span(window.train.start_ns, window.test.end_ns))
            for window in honest(*arguments)
        ]

    monkeypatch.setattr(walk_forward_run, "lay_windows", leaking)
    with pytest.raises(AssertionError):
        assert_choices_ignore_the_test(home, CASES["sma_cross"])


def test_the_clean_twin_of_the_planted_leak_is_not(home: Path) -> None:
    assert_choices_ignore_the_test(home, CASES["sma_cross"])


def assert_choices_ignore_the_test(home: Path, request: WalkForwardRequest, k: int = 2) -> None:
    """Change the test window of one fold only, and compare what it chose."""
    before = _walked(home / "before", request, walk_bars())
    step = int(np.searchsorted(walk_bars().ts_ns, before.folds[k].test.start_ns)) - 1
    changed = after(walk_bars(), step, np.random.default_rng(1))
    other = _walked(home / "other", request, changed)
    one, two = before.folds[k], other.folds[k]
    assert (one.parameters, one.train_sharpe) == (two.parameters, two.train_sharpe)


def _of_the_end(self: SmaCross, market: Market) -> dict[str, Any]:
    """Cross to and fro, one way or the other by the last close of what is given."""
    del self
    sign = 1 if market.close[0, -1] > market.close[0, 0] else -1
    turns = np.where(np.arange(len(market.close_ns)) // 6 % 2, sign, -sign)
    return {"trend": turns.astype(np.int8)}


def _of_the_whole(self: Relay, market: Market) -> dict[str, Any]:
    """Join the signals as a relay does that shows every leg all there is."""
    n_steps = len(market.close_ns)
    return {"trend": self._legs[0].strategy.signals(self._history)["trend"][-n_steps:]}


def _orders_of_two_folds(home: Path) -> list[list[tuple[int, str]]]:
    """List what the first two folds ordered, before and after the bars behind them changed."""
    plain = walk_bars(n=24 * 31)  # no more than the folds need
    later = START_NS + 24 * DAY_NS
    columns = [column.copy() for column in plain.columns()]
    gain = int(plain.close_ticks[-1] - plain.close_ticks[0])
    for prices in columns[1:5]:
        prices[plain.ts_ns >= later] -= 2 * gain
    turned = bars_of(columns, interval_ns=HOUR_NS)
    orders = []
    for name, bars in (("plain", plain), ("turned", turned)):
        result = _walked(home / name, request_of(grid=()), bars)
        end_ns = result.folds[1].test.end_ns
        assert end_ns < later
        stories = tell_intents(result.run.folder)
        orders.append([(item.ts_ns, item.asked) for item in stories if item.ts_ns < end_ns])
    return orders


def test_a_relay_that_shows_the_whole_market_is_caught_and_ours_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted leak: a signal that looks at the end of its market, and a relay that lets it."""
    monkeypatch.setattr(SmaCross, "signals", _of_the_end)
    one, other = _orders_of_two_folds(home / "ours")
    assert one == other
    assert one
    monkeypatch.setattr(Relay, "signals", _of_the_whole)
    one, other = _orders_of_two_folds(home / "leaking")
    assert one != other


# --- strategies that are fitted ---------------------------------------------------------------


def test_a_fit_sees_the_training_window_and_nothing_after_it(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fitted = Candidates.fitted

    def spying(*arguments: Any) -> Any:
        strategy: Any = fitted(*arguments)
        seen.append(strategy.fitted_until)
        return strategy

    monkeypatch.setattr(Candidates, "fitted", spying)
    result = walk(stored, request_of(strategy=f"{MINE}Above", grid=()))
    assert result.has_fit
    ends = [fold.train.end_ns for fold in result.folds]
    assert sorted(set(seen)) == ends
    assert result.run.record.main.n_fills > 0


def test_the_purge_is_the_strategy_s_horizon(stored: Path) -> None:
    result = walk(stored, request_of(strategy=f"{MINE}FarSighted", grid=()))
    assert {fold.test.start_ns - fold.train.end_ns for fold in result.folds} == {2 * DAY_NS}
    told = result.run.record.parameters["walk_forward"]
    assert told["purge_bars"] == 24


def test_the_purge_is_the_longest_horizon_of_the_grid(stored: Path) -> None:
    """Else the longer labels of one combination would reach into the embargo."""
    result = walk(stored, request_of(strategy=f"{MINE}Choosing", grid=("horizon_bars=6,12",)))
    assert result.run.record.parameters["walk_forward"]["purge_bars"] == 12


def test_a_purge_under_the_horizon_is_refused(stored: Path) -> None:
    request = request_of(strategy=f"{MINE}FarSighted", grid=(), purge_bars=23)
    with pytest.raises(InputError, match="at least 24 bars"):
        walk(stored, request)


def test_a_backtest_refuses_a_strategy_that_nobody_fitted(stored: Path) -> None:
    asked = request_of(strategy=f"{MINE}Above", grid=()).backtest
    with pytest.raises(InputError, match="needs no fit, was Above") as refusal:
        run_backtest(asked, config_of(), stored, run_id="unfitted", now_ns=START_NS)
    assert refusal.value.hint == f"athena walkforward --strategy {MINE}Above"


def test_a_fit_that_raises_is_blamed_with_fold_and_parameters(stored: Path) -> None:
    request = request_of(strategy=f"{MINE}Broken", grid=("shift=1,2",))
    with pytest.raises(StrategyError, match=r"no use for 239 bars, in its fit") as error:
        walk(stored, request)
    assert "in the training of fold 1 with shift=1" in error.value.message
    assert not (stored / "runs" / "walked").exists()


def test_a_training_run_that_raises_is_a_trial_and_so_are_those_before(
    stored: Path, tmp_path: Path
) -> None:
    """What came beyond its first bar was seen; a fit that raises ran on none."""
    path = tmp_path / "raising.py"
    path.write_text(_RAISING, "utf-8")
    request = request_of(strategy=f"{path}:Raising", grid=("at=500,60,70",), min_trades=0)
    with pytest.raises(StrategyError, match=r"on bar 60.* fold 1 with at=60"):
        walk(stored, request)
    done, raised = read_trials(stored).trials
    assert math.isnan(raised.sharpe)
    assert (bool(done.digest), raised.digest, raised.n) == (True, "", 0)
    assert raised.parameters["strategy_parameters"] == {"at": "60"}


_RAISING = """
from dataclasses import dataclass
from athena.trading import BarStrategy

@dataclass
class Raising(BarStrategy):
    at: int = 500

    def on_bar(self, view):
        if view.step == self.at:
            raise IndexError("out of it")
"""


def test_the_clock_of_a_strategy_is_that_of_its_columns(stored: Path) -> None:
    """In training and in the joined run `view.step` counts on what `signals` was given."""
    result = walk(stored, request_of(strategy=f"{MINE}Keeper", grid=(), min_trades=0))
    assert result.run.record.main.n_fills == 0, "it would buy where its column is of another bar"


def test_what_is_kept_on_a_class_does_not_pass_from_run_to_run(
    stored: Path, tmp_path: Path
) -> None:
    """Each fit, training run and leg knows what a fresh process would know, and nothing else."""
    runs = []
    for name, shared in (("kept", "ClassVar[dict] = {}"), ("clean", "dict = field(init=False)")):
        path = tmp_path / f"{name}.py"
        path.write_text(_MEMORY.replace("SHARED", shared), "utf-8")
        request = request_of(strategy=f"{path}:Memory", grid=("hours=6,12",), min_trades=0)
        runs.append(walk(stored, request, run_id=name))
    kept, clean = runs
    assert kept.run.record.digest == clean.run.record.digest
    assert [fold.train_sharpe for fold in kept.folds] == pytest.approx(
        [fold.train_sharpe for fold in clean.folds], nan_ok=True
    )


_MEMORY = """
from dataclasses import dataclass, field
from typing import ClassVar

from athena.domain import HOUR_NS, Purpose, Side
from athena.trading import BarStrategy, Intent


@dataclass
class Memory(BarStrategy):
    seen: SHARED
    hours: int = 6

    def __post_init__(self):
        if "seen" not in vars(type(self)):
            self.seen = {}

    def on_bar(self, view):
        close = view.bar.close
        self.seen[view.now_ns] = close
        later = self.seen.get(view.now_ns + self.hours * HOUR_NS, 0)
        if view.n_working:
            return None
        if view.step % 9 == 0 and not view.position:
            return Intent(side=Side.BUY, lots=5)
        if view.position and (0 < later < close or view.step % 9 == 8):
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None
"""


# --- trials -----------------------------------------------------------------------------------


def test_every_combination_of_every_fold_is_a_trial(stored: Path) -> None:
    result = walk(stored, request_of(grid=("slow=20,30,40",)))
    trials = read_trials(stored).trials
    assert len(trials) == 5 * 3 + 1
    assert {trial.command for trial in trials} == {"walkforward"}
    assert {trial.run_id for trial in trials} == {"walked"}
    assert result.run.record.trials == 16
    assert len({trial.identity for trial in trials}) == 16


def test_a_fold_tried_by_hand_is_no_new_trial(stored: Path) -> None:
    request = request_of(grid=("slow=20,30,40",))
    fold = walk(stored, request).folds[0]
    asked = replace(
        request.backtest,
        parameters=fold.parameters,
        start_ns=fold.train.start_ns,
        end_ns=fold.train.end_ns,
    )
    alone = run_backtest(asked, config_of(), stored, run_id="alone", now_ns=START_NS)
    assert alone.record.trials == 16


def test_combinations_that_make_no_strategy_are_counted_and_are_no_trial(stored: Path) -> None:
    result = walk(stored, request_of(grid=("fast=10,25", "slow=20,30")))
    assert result.n_refused == 1
    assert {fold.n_tried for fold in result.folds} == {3}


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"test_ns": 5 * DAY_NS}, "at least 5 folds, 36.0 days"),
        ({"train_ns": 13 * DAY_NS}, "at least 5 folds, 34.0 days"),
        ({"embargo_ns": 0}, "length of embargo above 0"),
        ({"purge_bars": 0}, "a purge of at least 1 bars"),
        ({"kind": "rule"}, "called or woken, was SmaCrossRule"),
        ({"min_trades": 999}, "999 closed trades in the training of fold 1"),
        ({"grid": ("slow=1,2",)}, "1 <= fast < slow"),
        ({"grid": ("fast=1:50:1", "slow=60:600:1")}, "100,000 fits, was 135,250 in all"),
        ({"grid": ("quick=1,2",)}, "expected a parameter out of"),
        ({"strategy": "sma"}, "expected a strategy out of"),
    ],
)
def test_what_proves_nothing_is_refused(stored: Path, change: dict[str, Any], what: str) -> None:
    """P1-11, FC-13: the message says what is needed, and nothing is written."""
    with pytest.raises(InputError, match=what):
        walk(stored, request_of(**change))
    assert not list((stored / "runs").glob("*"))
    assert not read_trials(stored).trials


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"embargo_ns": HOUR_NS * 3 // 4}, "--embargo as a whole number of bars of 1h, was 45m"),
        ({"test_ns": HOUR_NS * 191 // 2}, "--test as a whole number of bars of 1h, was 5730m"),
        ({"train_ns": HOUR_NS * 241 // 2}, "--train as a whole number of bars of 1h, was 7230m"),
    ],
)
def test_a_window_that_ends_inside_a_bar_is_refused_before_any_fit(
    stored: Path, change: dict[str, Any], what: str
) -> None:
    def on_progress(label: str, done: int, total: int) -> None:
        pytest.fail(f"{label} {done} of {total}")

    with pytest.raises(InputError, match=what):
        walk(stored, request_of(**change), on_progress=on_progress)


def test_a_walk_forward_without_costs_is_refused(stored: Path) -> None:
    """FC-13."""
    free = config_of(taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0))
    with pytest.raises(InputError, match="with costs, was one with fee and slippage 0"):
        walk(stored, request_of(), free)
    walk(stored, request_of(), config_of(maker_fee_bps=Decimal(0)))


def test_bars_that_leave_their_grid_belong_to_the_window_they_open_in(home: Path) -> None:
    """As daily bars do that open an hour earlier in summer."""
    times, *others = walk_bars().columns()
    late = np.where(np.arange(N_BARS) < 24 * 16, 0, HOUR_NS // 2)
    store(home, bars_of([times + late, *others], interval_ns=HOUR_NS))
    result = walk(home, request_of())
    record = result.run.record
    opens_ns = record.ts_ns - HOUR_NS
    assert result.folds[-1].test.end_ns - opens_ns[-1] == HOUR_NS // 2
    assert sum(fold.test_trades for fold in result.folds) == len(record.trades)


def test_a_window_without_bars_is_refused(home: Path) -> None:
    store(home, without(walk_bars(), 24 * 15, 24 * 19))
    with pytest.raises(InputError, match="expected bars of TEST/USD in the test window of fold 2"):
        walk(home, request_of())


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        (24 * 15, 24 * 19, "the test window of fold 2"),
        (0, 24 * 10, "the training window of fold 1"),
    ],
)
def test_a_window_without_bars_of_one_instrument_is_refused(
    stored: Path, first: int, last: int, what: str
) -> None:
    other = driftless_bars(len(walk_bars()), 3, "ETH/USD", interval_ns=HOUR_NS)
    store(stored, without(other, first, last), "mock-other")
    request = request_of(strategy="rebalance", grid=(), min_trades=0)
    both = replace(request, backtest=replace(request.backtest, sources=(NAME, "mock-other")))
    with pytest.raises(InputError, match=f"expected bars of ETH/USD in {what}"):
        walk(stored, both)


def without(bars: Bars, first: int, last: int) -> Bars:
    """Leave out the bars [first, last)."""
    keep = np.ones(len(bars), np.bool_)
    keep[first:last] = False
    return replace(bars, **{name: getattr(bars, name)[keep] for name in _COLUMNS})


_COLUMNS = ("ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")


# --- training that was halted -----------------------------------------------------------------


def test_training_that_the_drawdown_stop_halted_is_marked(stored: Path) -> None:
    """What follows the stop is no choice among parameters any more."""
    request = request_of(parameters={"slow": "20"}, grid=(), min_trades=0, risk="default")
    result = walk(stored, request, stopped_at("0.004"))
    assert [fold.train_halted for fold in result.folds] == [False, False, True, True, True]
    assert "; the drawdown stop halted training in 3 of 5 folds; " in result.sentence
    free = walk(stored, request, stopped_at("0.15"), run_id="free")
    assert not free.n_halted
    assert "halted" not in free.sentence


def stopped_at(drawdown: str) -> Config:
    """Return a configuration that halts at a drawdown."""
    config = config_of()
    breakers = config.risk.breakers.model_copy(update={"drawdown_stop_frac": Decimal(drawdown)})
    risk = config.risk.model_copy(update={"breakers": breakers})
    return config.model_copy(update={"risk": risk})


# --- what it comes to -------------------------------------------------------------------------


@pytest.mark.slow
def test_on_random_walks_the_sharpe_ratio_is_around_zero(
    tmp_path_factory: pytest.TempPathFactory, run_quietly: Callable[..., WalkForwardResult]
) -> None:
    """P0-1, D01: training promises much on a fair walk, and nothing of it is kept."""
    results = []
    for seed in range(60 if IS_FULL else 12):
        home = tmp_path_factory.mktemp("seed")
        store(home, walk_bars(seed))
        results.append(run_quietly(home))
    kept = np.array([result.run.summary.main.sharpe.value for result in results])
    promised = np.array([result.train_sharpe for result in results])
    assert abs(kept.mean()) < 2 * _error(kept)
    assert promised.mean() > 2 * _error(promised), "the best of training looks good, and is luck"


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of a mean."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))


@pytest.fixture
def run_quietly() -> Callable[..., WalkForwardResult]:
    """Return a walk-forward that costs next to nothing, so that only skill could be seen."""
    tiny = config_of(taker_fee_bps=Decimal("0.01"), maker_fee_bps=Decimal("0.01"))
    request = request_of(grid=("fast=2,4,6", "slow=8,12,16,24"), parameters={"fraction": "0.9"})
    return lambda home: walk(home, request, tiny)

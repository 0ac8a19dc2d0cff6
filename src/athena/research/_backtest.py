"""`athena backtest`: one run through the core, beside its baselines, kept in a folder."""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import athena
from athena.domain import Bars, format_decimal, format_interval, format_time, from_money
from athena.errors import InputError, StrategyError
from athena.market import load_bars
from athena.platform import home_folder, publish_folder, staged_folder
from athena.research._baselines import Baseline, list_baselines, run_baseline, run_random
from athena.research._engine import EngineKind, choose_engine
from athena.research._journal_files import JOURNAL_FOLDER, FileStore
from athena.research._limits import (
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.research._record import Candles, Curve, RunRecord
from athena.research._replay import describe_bars
from athena.research._results import follow_account, list_fills, list_trades, make_curve
from athena.research._run_files import write_run
from athena.research._simulation import Outcome, Setup, simulate, strategy_slots
from athena.research._timeline import align
from athena.research._trials import Trial, read_trials, record_trial
from athena.research.statistics import RunSummary, summarise
from athena.research.strategies import BUILT_IN, load_strategy
from athena.trading import (
    BarsReference,
    FrameKind,
    JournalWriter,
    RuleStrategy,
    describe_end,
    describe_setup,
    fill_columns,
    read_frames,
)
from athena.trading import layout as at
from athena.venues import VenueSettings
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.platform.config import Config
    from athena.trading import Strategy

_MAX_CANDLES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What a person asks of a backtest.

    Attributes:
        strategy: built-in name, ``file.py:Class`` or ``module:Class``.
        parameters: name -> text.
        kind: of a built-in strategy; empty picks the fastest that the engine runs.
        sources: data sets or files.
        symbols: one per source, or empty to take the data's own.
        start_ns, end_ns: bars that open in [start, end); None leaves the side open.
        cash: > 0, in quote currency.
        risk: `default`, `open` (limits that never bind) or the name of the file they came from.
        engine: who runs the core.
    """

    strategy: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    sources: Sequence[str]
    symbols: Sequence[str] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    cash: Decimal = Decimal(100_000)
    risk: str = "default"
    engine: EngineKind = EngineKind.AUTO

    @property
    def is_open_risk(self) -> bool:
        """Tell whether limits never bind."""
        return self.risk == "open"


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What a backtest came to.

    Attributes:
        record: everything a report needs.
        summary: its statistics.
        folder: of the run.
        final_equity: exact, at the last close.
        bars_per_cpu_s: bars per CPU second of the loop, strategy and journal included.
        wall_s: of everything, baselines included.
        is_compiled: who ran the core.
        warnings: what a person should know.
    """

    record: RunRecord
    summary: RunSummary
    folder: Path
    n_bars: int
    final_equity: Decimal
    bars_per_cpu_s: float
    wall_s: float
    is_compiled: bool
    warnings: tuple[str, ...]


def run_backtest(
    request: BacktestRequest,
    config: Config,
    home: Path,
    *,
    run_id: str,
    now_ns: int,
    on_progress: Callable[[str, int, int], None] = lambda label, done, total: None,
) -> BacktestResult:
    """Run a strategy and its baselines, record the trial, and keep everything in `runs/<id>`.

    Args:
        request: what is asked.
        config: costs, execution, risk and seed.
        home: data home.
        run_id: name of the run's folder.
        now_ns: when it was asked for.
        on_progress: told label, step and number of steps.

    Raises:
        InputError: something asked for is not valid; nothing is written.
        StrategyError: the strategy raised; a bundle to replay it is kept in `crashes`.
    """
    started_s = time.perf_counter()
    references, bars = load_sources(request, home)
    setup = _setup(request, config, bars, home)
    name, strategy = _strategy(request, len(setup.columns.close_ns))
    final = home_folder(home, "runs") / run_id
    with staged_folder(final) as folder:
        store = FileStore(folder / JOURNAL_FOLDER)
        manifest = _manifest(request, config, setup, references, (name, strategy))
        writer = JournalWriter(store, manifest)
        try:
            outcome = simulate(
                setup,
                [(name, strategy)],
                on_records=writer.commit,
                on_progress=lambda step: on_progress(name, step, len(setup.columns.close_ns)),
            )
        except StrategyError as error:
            _keep_crash(writer, folder, home, run_id, error)
            raise
        end = writer.close(describe_end(outcome.state.arrays))
        groups = [
            np.frombuffer(frame.payload, np.int64)
            for frame in read_frames(store)
            if frame.kind is FrameKind.WORDS
        ]
        fills = fill_columns(groups)
        book = follow_account(setup, fills)
        main = make_curve(name, outcome, book.equity, groups)
        trades = list_trades(setup, outcome, fills)
        others = _baselines(request, config, setup, (name, strategy), on_progress)
        closes = _closes(setup)
        cost_frac = float(config.costs.taker_fee_bps + config.costs.base_cost_bps) / 1e4
        dealt = run_random(setup, closes, trades, cost_frac)
        record = RunRecord(
            run_id=run_id,
            created_at_ns=now_ns,
            parameters=_parameters(request, config, setup, strategy),
            interval_ns=setup.interval_ns,
            ts_ns=setup.columns.close_ns,
            main=main,
            gross_exposure=book.gross_exposure,
            baselines=others + ([dealt] if dealt else []),
            fills=list_fills(setup, outcome, fills),
            trades=trades,
            candles=[_candles(setup, k) for k in range(len(setup.instruments))],
            provenance=[item.provenance for item in bars],
            costs=_costs(outcome),
            quote=setup.instruments[0].quote,
            cash=request.cash,
            digest=outcome.digest,
            journal_sha256=end.segment_sha256.hex(),
            trials=1,
            trial_sharpes=np.zeros(0),
            environment=_environment(),
        )
        record, summary, warning = _enter_trial(record, home, bars)
        write_run(folder, record)
    n_bars = int((setup.columns.volume >= 0).sum())
    return BacktestResult(
        record=record,
        summary=summary,
        folder=final,
        n_bars=n_bars,
        final_equity=from_money(int(outcome.state.arrays.account[at.EQUITY])),
        bars_per_cpu_s=n_bars / max(outcome.cpu_s, 1e-9),
        wall_s=time.perf_counter() - started_s,
        is_compiled=outcome.is_compiled,
        warnings=(warning,) if warning else (),
    )


def load_sources(request: BacktestRequest, home: Path) -> tuple[list[BarsReference], list[Bars]]:
    """Load and cut the bars of every source; the references say which they are.

    Raises:
        InputError: the counts of sources and symbols differ, a symbol comes twice, or no bar is
            left in the time asked for.
    """
    _check_sources(request)
    symbols: Sequence[str | None] = request.symbols or [None] * len(request.sources)
    references = []
    bars = []
    for source, symbol in zip(request.sources, symbols, strict=True):
        whole = load_bars(source, home, symbol=symbol)
        cut = whole.between(request.start_ns, request.end_ns)
        if len(cut) == 0:
            message = f"expected bars of {source} in the time asked for, was none"
            raise InputError(message, hint=f"it holds {_span(whole)}")
        first = int(np.searchsorted(whole.ts_ns, cut.ts_ns[0]))
        sha256 = whole.provenance.sha256
        references.append(BarsReference(source, sha256, first, first + len(cut) - 1))
        bars.append(cut)
    names = [item.instrument.symbol for item in bars]
    if len(set(names)) != len(names):
        message = f"expected each symbol once, was {', '.join(names)}"
        raise InputError(message)
    return references, bars


def _check_sources(request: BacktestRequest) -> None:
    if request.symbols and len(request.symbols) != len(request.sources):
        message = (
            f"expected one --symbol per --data, was {len(request.symbols)} for "
            f"{len(request.sources)}"
        )
        raise InputError(message)
    start_ns, end_ns = request.start_ns, request.end_ns
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        message = (
            f"expected --from before --to, was {format_time(start_ns)} to {format_time(end_ns)}"
        )
        raise InputError(message)


def _span(bars: Bars) -> str:
    if len(bars) == 0:
        return "no bars"
    return f"{format_time(int(bars.ts_ns[0]))} to {format_time(int(bars.ts_ns[-1]))}"


def _setup(request: BacktestRequest, config: Config, bars: list[Bars], home: Path) -> Setup:
    costs = config.costs
    asks_risk = not request.is_open_risk or costs.base_cost_bps > 0
    instruments = tuple(item.instrument for item in bars)
    own_limits = tuple(
        open_instrument_limits() if request.is_open_risk else instrument_limits(item, config.risk)
        for item in instruments
    )
    return Setup(
        instruments=instruments,
        interval_ns=bars[0].interval_ns,
        columns=align(bars, with_risk_inputs=asks_risk),
        limits=open_limits(costs) if request.is_open_risk else risk_limits(config.risk, costs),
        instrument_limits=own_limits,
        venue=_venue(config),
        cash=request.cash,
        engine=request.engine,
        cache_folder=home / "cache",
    )


def _venue(config: Config) -> VenueSettings:
    costs = config.costs
    return VenueSettings(
        seed=config.run.seed,
        taker_fee_bps=costs.taker_fee_bps,
        maker_fee_bps=costs.maker_fee_bps,
        base_cost_bps=costs.base_cost_bps,
        participation_frac=costs.participation_frac,
        is_touch=config.execution.limit_fill == "touch",
        is_path=config.execution.intrabar == "path",
        cost_factor_min=costs.cost_factor_min,
        cost_factor_max=costs.cost_factor_max,
        impact_cap_frac=costs.impact_cap_frac,
        impact_unknown_frac=costs.impact_unknown_frac,
    )


def _strategy(request: BacktestRequest, n_steps: int) -> tuple[str, Strategy]:
    """Build the strategy; a built-in one is run as a rule where the core is compiled."""
    kind = request.kind
    if not kind:
        info = BUILT_IN.get(request.strategy)
        has_rule = info is not None and "rule" in info.kinds
        kind = "rule" if has_rule and choose_engine(request.engine, n_steps) else "woken"
    return load_strategy(request.strategy, request.parameters, kind=kind)


def _manifest(
    request: BacktestRequest,
    config: Config,
    setup: Setup,
    references: list[BarsReference],
    strategy: tuple[str, Strategy],
) -> dict[str, object]:
    """Describe the run for its journal: all that replay needs, and where everything came from.

    The same run gives the same bytes: no clock, no id and no path of the machine is in it.
    """
    return {
        "setup": describe_setup(
            instruments=setup.instruments,
            instrument_limits=setup.instrument_limits,
            strategies=strategy_slots([strategy]),
            limits=setup.limits,
            cash=setup.cash,
            start_ns=setup.start_ns,
        ),
        **describe_bars(references, setup.columns),
        "parameters": _parameters(request, config, setup, strategy[1]),
        "seed": config.run.seed,
        "environment": _environment(),
    }


def _environment() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    return {
        "athena": athena.__version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "platform": sys.platform,
    }


def _parameters(
    request: BacktestRequest, config: Config, setup: Setup, strategy: Strategy
) -> dict[str, Any]:
    """Return what was asked for, with everything that was left to a default."""
    costs = config.costs
    return {
        "strategy": request.strategy,
        "kind": "rule" if isinstance(strategy, RuleStrategy) else "called",
        "strategy_parameters": dict(sorted(request.parameters.items())),
        "data": list(request.sources),
        "symbols": [instrument.symbol for instrument in setup.instruments],
        "interval": format_interval(setup.interval_ns),
        "from": None if request.start_ns is None else format_time(request.start_ns),
        "to": None if request.end_ns is None else format_time(request.end_ns),
        "cash": format_decimal(request.cash),
        "taker_fee_bps": format_decimal(costs.taker_fee_bps),
        "maker_fee_bps": format_decimal(costs.maker_fee_bps),
        "slippage_bps": format_decimal(costs.base_cost_bps),
        "participation_frac": format_decimal(costs.participation_frac),
        "limit_fill": config.execution.limit_fill,
        "intrabar": config.execution.intrabar,
        "risk": request.risk,
        "seed": config.run.seed,
    }


def _keep_crash(
    writer: JournalWriter, folder: Path, home: Path, run_id: str, error: StrategyError
) -> None:
    """Keep the journal of a run whose strategy raised: it holds all that is needed to repeat it.

    Raises:
        StrategyError: the same error, with the place of the bundle in its hint.
    """
    writer.note(FrameKind.CRASH, {"error": error.message})
    writer.abandon()
    bundle = home_folder(home, "crashes") / run_id
    publish_folder(folder / JOURNAL_FOLDER, bundle)
    raise StrategyError(error.message, hint=f"crash bundle: {bundle}") from error


def _baselines(
    request: BacktestRequest,
    config: Config,
    setup: Setup,
    strategy: tuple[str, Strategy],
    on_progress: Callable[[str, int, int], None],
) -> list[Curve]:
    """Run the alternatives, and the same strategy without limits when the run has some."""
    open_setup = replace(
        setup,
        limits=open_limits(config.costs),
        instrument_limits=tuple(open_instrument_limits() for _ in setup.instruments),
    )
    baselines = list_baselines(open_setup)
    if not request.is_open_risk:
        again = _strategy(request, len(setup.columns.close_ns))
        baselines.insert(0, Baseline(f"{strategy[0]}, risk open", again, open_setup))
    curves = []
    for done, baseline in enumerate(baselines):
        on_progress(baseline.name, done, len(baselines))
        curves.append(run_baseline(baseline))
    return curves


def _closes(setup: Setup) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return closes (T, S) in quote currency; the first one stands in front of it."""
    columns = []
    for k, instrument in enumerate(setup.instruments):
        close = setup.columns.close[k].astype(np.float64) * float(instrument.tick)
        first = close[np.argmax(close > 0)]
        columns.append(np.where(close > 0, close, first))
    return np.stack(columns, axis=1)


def _candles(setup: Setup, k: int) -> Candles:
    """Return candles of an instrument, merged to at most a few thousand."""
    columns = setup.columns
    has_bar = columns.volume[k] >= 0
    steps = np.flatnonzero(has_bar)
    per_candle = -(-len(columns.close_ns) // _MAX_CANDLES)
    group = steps // per_candle
    firsts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    lasts = np.append(firsts[1:], len(steps)) - 1
    tick = float(setup.instruments[k].tick)
    return Candles(
        symbol=setup.instruments[k].symbol,
        interval_ns=per_candle * setup.interval_ns,
        ts_ns=columns.close_ns[steps[firsts]] - setup.interval_ns,
        open=columns.open[k][steps[firsts]] * tick,
        high=np.maximum.reduceat(columns.high[k][steps], firsts) * tick,
        low=np.minimum.reduceat(columns.low[k][steps], firsts) * tick,
        close=columns.close[k][steps[lasts]] * tick,
    )


def _costs(outcome: Outcome) -> dict[str, Decimal]:
    """Split what trading cost: fees, and what slippage took."""
    return {
        "fees": from_money(int(outcome.state.arrays.account[at.FEES])),
        "slippage": from_money(int(outcome.venue.arrays.settings[vt.SLIPPAGE])),
    }


def _enter_trial(
    record: RunRecord, home: Path, bars: list[Bars]
) -> tuple[RunRecord, RunSummary, str]:
    """Enter the run in the trial ledger, then count it among the trials on these data."""
    summary = summarise(record)
    data_sha256 = hashlib.sha256(
        "".join(item.provenance.sha256 for item in bars).encode()
    ).hexdigest()
    trial = Trial(
        recorded_at_ns=record.created_at_ns,
        run_id=record.run_id,
        data_sha256=data_sha256,
        strategy=record.parameters["strategy"],
        parameters={key: value for key, value in record.parameters.items() if key != "kind"},
        sharpe=summary.sharpe_per_period,
        n=summary.main.sharpe.n,
    )
    warning = record_trial(home, trial)
    trials, sharpes = read_trials(home).tried_on(data_sha256)
    counted = replace(record, trials=trials, trial_sharpes=sharpes)
    return counted, summarise(counted), warning

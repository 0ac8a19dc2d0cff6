"""What a run proves: backtest, run records, statistics, trial ledger."""

from athena.research._backtest import BacktestResult, run_backtest
from athena.research._compiled import compiler_for, has_compiler
from athena.research._engine import EngineKind
from athena.research._journal_files import JOURNAL_FOLDER, FileStore
from athena.research._limits import (
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.research._record import Candles, Curve, Fill, Halt, RunRecord, Trade
from athena.research._replay import ReplayReport, describe_bars, load_columns, replay_run
from athena.research._request import BacktestRequest
from athena.research._run_files import RUN_FILE, read_run, read_run_description, write_run
from athena.research._setup import Setup
from athena.research._simulation import Outcome, simulate
from athena.research._timeline import align
from athena.research._trials import Trial, TrialLedger, read_trials, record_trial
from athena.research._why import IntentStory, tell_intents
from athena.research.statistics import RunSummary, summarise

__all__ = [
    "JOURNAL_FOLDER",
    "RUN_FILE",
    "BacktestRequest",
    "BacktestResult",
    "Candles",
    "Curve",
    "EngineKind",
    "FileStore",
    "Fill",
    "Halt",
    "IntentStory",
    "Outcome",
    "ReplayReport",
    "RunRecord",
    "RunSummary",
    "Setup",
    "Trade",
    "Trial",
    "TrialLedger",
    "align",
    "compiler_for",
    "describe_bars",
    "has_compiler",
    "instrument_limits",
    "load_columns",
    "open_instrument_limits",
    "open_limits",
    "read_run",
    "read_run_description",
    "read_trials",
    "record_trial",
    "replay_run",
    "risk_limits",
    "run_backtest",
    "simulate",
    "summarise",
    "tell_intents",
    "write_run",
]

"""One run and what is kept of it: request, backtest, run folder, replay, why."""

from athena.research.runs._backtest import BacktestResult, carry_out, run_backtest
from athena.research.runs._baselines import Baseline, run_baseline
from athena.research.runs._journal_files import JOURNAL_FOLDER, FileStore
from athena.research.runs._measure import Measured, measure_simulation
from athena.research.runs._plan import (
    Diary,
    RunPlan,
    data_sha256,
    environment,
    parameters_of,
    plan_backtest,
    setup_of,
    sources_sha256,
    strategy_of,
    trial_parameters,
    venue_settings,
)
from athena.research.runs._replay import (
    ReplayReport,
    describe_bars,
    load_columns,
    replay_run,
)
from athena.research.runs._request import BacktestRequest, load_sources
from athena.research.runs._results import follow_account, list_trades
from athena.research.runs._run_files import RUN_FILE, read_run, read_run_description, write_run
from athena.research.runs._why import IntentStory, tell_intents

__all__ = [
    "JOURNAL_FOLDER",
    "RUN_FILE",
    "BacktestRequest",
    "BacktestResult",
    "Baseline",
    "Diary",
    "FileStore",
    "IntentStory",
    "Measured",
    "ReplayReport",
    "RunPlan",
    "carry_out",
    "data_sha256",
    "describe_bars",
    "environment",
    "follow_account",
    "list_trades",
    "load_columns",
    "load_sources",
    "measure_simulation",
    "parameters_of",
    "plan_backtest",
    "read_run",
    "read_run_description",
    "replay_run",
    "run_backtest",
    "run_baseline",
    "setup_of",
    "sources_sha256",
    "strategy_of",
    "tell_intents",
    "trial_parameters",
    "venue_settings",
    "write_run",
]

"""One run and what is kept of it: request, backtest, run folder, replay, why."""

from athena.research.runs._backtest import BacktestResult, run_backtest
from athena.research.runs._journal_files import JOURNAL_FOLDER, FileStore
from athena.research.runs._replay import (
    ReplayReport,
    describe_bars,
    load_columns,
    replay_run,
)
from athena.research.runs._request import BacktestRequest
from athena.research.runs._run_files import RUN_FILE, read_run, read_run_description, write_run
from athena.research.runs._why import IntentStory, tell_intents

__all__ = [
    "JOURNAL_FOLDER",
    "RUN_FILE",
    "BacktestRequest",
    "BacktestResult",
    "FileStore",
    "IntentStory",
    "ReplayReport",
    "describe_bars",
    "load_columns",
    "read_run",
    "read_run_description",
    "replay_run",
    "run_backtest",
    "tell_intents",
    "write_run",
]

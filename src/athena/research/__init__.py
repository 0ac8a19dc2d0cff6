"""What a run proves: backtest, run records, statistics, trial ledger."""

from athena.research._record import Candles, Curve, Fill, RunRecord, Trade
from athena.research._trials import Trial, TrialLedger, read_trials, record_trial
from athena.research.statistics import RunSummary, summarise

__all__ = [
    "Candles",
    "Curve",
    "Fill",
    "RunRecord",
    "RunSummary",
    "Trade",
    "Trial",
    "TrialLedger",
    "read_trials",
    "record_trial",
    "summarise",
]

"""The trial ledger, read: what was tried on each data set, and what luck would reach there."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, parse_interval_ns
from athena.research.statistics._deflated import expected_maximum_sharpe, spread_of_luck
from athena.research.statistics._power import noise_sharpe
from athena.research.statistics._returns import DAYS_PER_YEAR
from athena.research.statistics._track_record import sharpe_needed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.research._trials import Trial


@dataclass(frozen=True, slots=True)
class TriedData:
    """Say what the ledger knows about one data set.

    Attributes:
        data_sha256: digest of all the data. Whatever else was tried on one of its sources counts,
            as it does when a run on these data is deflated.
        sources: names or files it was last called by; empty when its last trial names none.
        interval: length of a bar, such as `30m`; empty when its last trial does not say, and then
            every annual figure is NaN.
        n_trials: distinct trials: repetitions count once.
        n_recorded: entries, repetitions included.
        commands: what tried them -> distinct trials; they sum to n_trials.
        best: trial with the highest known Sharpe ratio; None when none is known.
        best_sharpe: of it, annualised; NaN when none is known.
        spread: standard deviation of the annualised ratios, those of other lengths on the scale
            of the best one's; NaN with fewer than 2 known.
        years: covered by the best trial, else by the longest.
        noise_sharpe: annualised, that the best of so many independent trials without skill would
            show over those years.
        deflation_sharpe: annualised, that deflation takes off: the same, with the measured spread
            where that is larger than that of noise; 0 for one trial.
        needed_sharpe: annualised, from which on the deflated ratio is above 0.95, were the returns
            normal; NaN where there are too few of them.
    """

    data_sha256: str
    sources: tuple[str, ...]
    interval: str
    n_trials: int
    n_recorded: int
    commands: dict[str, int]
    best: Trial | None
    best_sharpe: float
    spread: float
    years: float
    noise_sharpe: float
    deflation_sharpe: float
    needed_sharpe: float


def summarise_trials(trials: Iterable[Trial]) -> list[TriedData]:
    """Summarise a ledger's trials by data set, in the order in which each was first tried.

    Args:
        trials: oldest first, as the ledger holds them.

    Raises:
        InputError: a trial's interval cannot be read.
    """
    recorded = list(trials)
    latest = {trial.data_sha256: trial for trial in recorded}
    return [
        _summarise(trial, [other for other in recorded if other.shares_data_with(trial)])
        for trial in latest.values()
    ]


def _summarise(latest: Trial, recorded: list[Trial]) -> TriedData:
    distinct = list({trial.identity: trial for trial in recorded}.values())
    known = [trial for trial in distinct if math.isfinite(trial.sharpe)]
    best = max(known, key=lambda trial: trial.sharpe, default=None)
    n_periods = best.n if best else max(trial.n for trial in distinct)
    parameters = latest.parameters
    interval = parameters.get("interval", "")
    per_year = _periods_per_year(interval)
    scale = math.sqrt(per_year)
    years = n_periods / per_year
    # On the scale of the best: see `TrialLedger.tried_on`.
    ratios = [trial.sharpe * math.sqrt(trial.n / max(n_periods, 1)) for trial in known]
    spread = float(np.std(ratios, ddof=1)) if len(known) > 1 else math.nan
    variance = spread_of_luck(len(distinct), np.array(ratios), n_periods)
    benchmark = expected_maximum_sharpe(len(distinct), variance)
    return TriedData(
        data_sha256=latest.data_sha256,
        sources=tuple(parameters.get("data", ())),
        interval=interval,
        n_trials=len(distinct),
        n_recorded=len(recorded),
        commands=dict(Counter(trial.command for trial in distinct)),
        best=best,
        best_sharpe=best.sharpe * scale if best else math.nan,
        spread=spread * scale,
        years=years,
        noise_sharpe=noise_sharpe(len(distinct), years) if years > 0 else math.nan,
        deflation_sharpe=benchmark * scale,
        needed_sharpe=sharpe_needed(n_periods, benchmark) * scale,
    )


def _periods_per_year(interval: str) -> float:
    # Returns are sampled by day where bars are shorter: see `sample_returns`.
    if not interval:
        return math.nan
    return DAYS_PER_YEAR * DAY_NS / max(parse_interval_ns(interval), DAY_NS)

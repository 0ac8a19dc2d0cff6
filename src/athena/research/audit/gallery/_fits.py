"""Specimens that fit: scalers, encodings, selections and models, re-fitted every ten days.

What was fitted is an output of its own, known when it was fitted; so a fit that knew later bars
is found even where its forecasts look the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DAY_NS, HOUR_NS
from athena.research.audit._subject import Output
from athena.research.audit.gallery._bars import close_times, returns
from athena.research.audit.gallery._specimen import Specimen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.research.audit._world import World

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_EVERY_NS = 10 * DAY_NS
_ROWS_MIN = 48
_LAGS = 4
_PENALTY = 1e-3
_N_NOISES = 12
_N_SELECTED = 2
_HORIZON = 5
_CONTEXT = 320


@dataclass(frozen=True, slots=True)
class _Task:
    """What there is to learn.

    Attributes:
        features: (T, k), each row known at its close.
        labels: (T,) what came of it over `horizon` bars; NaN where that is not over.
        times: (T,) closes.
        horizon: bars.
    """

    features: Floats
    labels: Floats
    times: Ints
    horizon: int

    @classmethod
    def of(cls, world: World, horizon: int) -> _Task:
        steps = returns(world)
        lagged = [np.concatenate((np.zeros(k), steps))[: len(steps)] for k in range(_LAGS)]
        total = np.concatenate(([0.0], np.cumsum(steps)))
        labels = np.full(len(steps), np.nan)
        n = max(len(steps) - horizon, 0)
        labels[:n] = total[1 + horizon :][:n] - total[1 : n + 1]
        return cls(np.stack(lagged, 1), labels, close_times(world), horizon)

    def refits(self) -> list[int]:
        """Return the steps at which everything is fitted anew: a calendar, not a share of T."""
        due = np.flatnonzero(self.times % _EVERY_NS == 0)
        return [int(step) for step in due if step >= _ROWS_MIN]

    def known(self, step: int) -> slice:
        """Return the rows whose labels are over by a step: the others are purged."""
        return slice(0, max(step + 1 - self.horizon, 0))


_Fit = tuple["NDArray[Any]", "Floats"]  # what was fitted, and a forecast for every row


@dataclass(frozen=True, slots=True)
class _Refitted:
    """Something fitted at each refit and applied until the next.

    Attributes:
        name: what a person calls it.
        fit: (task, step) -> what was fitted (p,), and its value for every row (T,).
        horizon: of the labels, in bars.
    """

    name: str
    fit: Callable[[_Task, int], _Fit]
    horizon: int = 1
    context_bars: int = _CONTEXT

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Fit and apply."""
        task = _Task.of(world, self.horizon)
        values = np.full(len(task.times), np.nan)
        steps = task.refits()
        fitted: list[NDArray[Any]] = []
        for step, end in zip(steps, [*steps, len(values)][1:], strict=True):
            weights, applied = self.fit(task, step)
            fitted.append(weights)
            values[step:end] = applied[step:end]
        table = np.array(fitted, np.float64) if fitted else np.zeros((0, 1), np.float64)
        return {
            "value": Output(values, task.times),
            "fitted": Output(table, task.times[np.array(steps, np.int64)]),
        }


def _ridge(features: Floats, labels: Floats) -> NDArray[Any]:
    """Fit a ridge regression on the rows that have a label."""
    has_label = ~np.isnan(labels)
    x, y = features[has_label], labels[has_label]
    penalty = _PENALTY * len(x) * max(float(x.var()), 1e-12) * np.eye(x.shape[1])
    return np.linalg.solve(x.T @ x + penalty, x.T @ y)


def _model_on(task: _Task, rows: slice) -> _Fit:
    weights = _ridge(task.features[rows], task.labels[rows])
    return weights, (task.features * weights).sum(axis=1)


def _scale_on(task: _Task, rows: slice) -> _Fit:
    part = task.features[rows, 0]
    fitted = np.array([part.mean(), part.std()])
    return fitted, (task.features[:, 0] - fitted[0]) / max(fitted[1], 1e-12)


def _encode_on(task: _Task, rows: slice) -> _Fit:
    """Encode each hour of the day by the mean of its labels."""
    hours = task.times // HOUR_NS % 24
    labels = task.labels[rows]
    has_label = ~np.isnan(labels)
    groups = hours[rows][has_label]
    sums = np.bincount(groups, weights=labels[has_label], minlength=24)
    means = sums / np.maximum(np.bincount(groups, minlength=24), 1)
    return means, means[hours]


def _select_on(task: _Task, rows: slice) -> _Fit:
    """Choose the two of twelve meaningless columns that went best with the labels."""
    angles = (task.times // HOUR_NS)[:, None] * np.sqrt(np.arange(2.0, 2.0 + _N_NOISES))
    noises = np.sin(angles)
    has_label = ~np.isnan(task.labels[rows])
    scores = noises[rows][has_label].T @ task.labels[rows][has_label]
    chosen = np.sort(np.argsort(-np.abs(scores), kind="stable")[:_N_SELECTED])
    return chosen.astype(np.float64), (noises[:, chosen] * np.sign(scores[chosen])).sum(axis=1)


@dataclass(frozen=True, slots=True)
class _Label:
    """What comes of each bar over the next five.

    Attributes:
        is_early: True says that it is known at its own bar.
    """

    name: str
    is_early: bool
    context_bars: int = 64

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Compute the labels that are over."""
        task = _Task.of(world, _HORIZON)
        n = max(len(task.times) - _HORIZON, 0)
        times = task.times[:n] if self.is_early else task.times[_HORIZON:]
        return {"label": Output(task.labels[:n], times[:n])}


def fit_specimens() -> list[Specimen]:
    """List the specimens that are fitted."""

    def specimen(name: str, how: str, fit_on: Callable[[_Task, slice], _Fit]) -> Specimen:
        return Specimen(
            name,
            how,
            _Refitted(f"{name}, leaking", lambda task, _: fit_on(task, slice(None))),
            _Refitted(f"{name}, honest", lambda task, step: fit_on(task, task.known(step))),
        )

    def until_now(task: _Task, step: int) -> _Fit:
        return _model_on(task, slice(0, step + 1))

    def purged(task: _Task, step: int) -> _Fit:
        return _model_on(task, task.known(step))

    return [
        specimen("scaler fitted on all", "mean and deviation of the test rows", _scale_on),
        specimen("target encoding on all", "the labels of the test rows", _encode_on),
        specimen("selection on all", "which columns will have been right", _select_on),
        specimen("model fitted on all", "the labels of the test rows", _model_on),
        Specimen(
            "no purge",
            "labels of 5 bars that reach into the test rows",
            _Refitted("no purge, leaking", until_now, _HORIZON),
            _Refitted("no purge, honest", purged, _HORIZON),
        ),
        Specimen(
            "label overlap",
            "a label dated where its 5 bars begin",
            _Label("label overlap, leaking", is_early=True),
            _Label("label overlap, honest", is_early=False),
        ),
    ]

"""`athena desk score`: how good each agent has been, beside what a constant word would get."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from athena.app._context import Context, JsonOption
from athena.app._desk_trace import (
    RunOption,
    estimate_values,
    hours_text,
    interval_text,
    trace_of,
)
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal
    from pathlib import Path

    from athena.desk.evaluation import (
        Call,
        Calls,
        Drift,
        LearnedCalibration,
        ModelWord,
        Outcomes,
        PastVote,
        Score,
        WeightReview,
    )


class By(StrEnum):
    """What scores are split by."""

    AGENT = "agent"
    STRATEGY = "strategy"
    REGIME = "regime"
    SYMBOL = "symbol"


class _Row(NamedTuple):
    who: str
    kind: str
    group: str
    horizon_ns: int
    score: Score


def score(
    ctx: typer.Context,
    *,
    run: RunOption = None,
    by: Annotated[By, typer.Option(help="Split the scores further.")] = By.AGENT,
    as_json: JsonOption = False,
) -> None:
    """Score each agent and the desk after 1, 4 and 24 h, with the weights that would follow.

    Example: athena desk score --by regime
    """
    from athena.desk.evaluation import (
        HORIZONS_NS,
        Kind,
        OutcomeRules,
        calibrate,
        find_drift,
        review_weights,
        settle,
    )
    from athena.desk.trace import open_run, price_lines

    context = Context.of(ctx, as_json=as_json)
    folder, path, head = trace_of(context, run)
    calls, votes = read_calls(context, path, head)
    opened = open_run(folder, context.home)
    lines = price_lines(opened)
    settled = [settle(calls, lines, horizon_ns) for horizon_ns in HORIZONS_NS]
    rows = [row for outcomes in settled for row in _rows(outcomes, by)]
    middle = settled[1]
    now_ns = max((line.end_ns for line in lines.values()), default=-1)
    drifts = [
        drift for agent in calls.names(Kind.AGENT) for drift in find_drift(middle, agent, now_ns)
    ]
    drifted = {drift.agent for drift in drifts if drift.costs_weight}
    review = review_weights(middle, votes, lines, now_ns, drifted=drifted, rules=OutcomeRules())
    curves = calibrate(middle, now_ns)
    context.output.say(*([opened.bars_note] if opened.bars_note else []))
    context.output.emit(
        {
            "run": folder.name,
            "decisions": len(votes),
            "scores": [_values(row) for row in rows],
            "weights": _weight_values(review),
            "calibration": _curve_values(curves),
            "drift": [_drift_values(drift) for drift in drifts],
            "baselines": {
                curve.name: curve.final_equity
                for curve in [opened.record.main, *opened.record.baselines]
            },
            "notes": [opened.bars_note] if opened.bars_note else [],
        },
        f"run {folder.name}: {len(votes):,} decisions",
        _score_table(rows),
        f"weights by the record after 4h: {review.reason}",
        _weight_table(review),
        *_drift_lines(drifts),
    )


def read_calls(
    context: Context,
    path: Path,
    head: str | None,
    measured: Mapping[tuple[str, str], tuple[int, Decimal]] | None = None,
) -> tuple[Calls, list[PastVote]]:
    """Read what was said in a run, and the votes of each decision.

    Args:
        context: shows the progress.
        path: of the trace.
        head: SHA-256 that it has to end with; None checks the chain alone.
        measured: (decision, model) -> milliseconds and US dollars of the answer, where known.

    Raises:
        CheckFailed: the trace was changed.
    """
    from athena.desk.evaluation import Calls, PastVote, calls_of
    from athena.desk.trace import entry_from, read_lines

    votes: list[PastVote] = []

    def said() -> Iterator[Call]:
        for line in read_lines(path, head=head):
            entry = entry_from(line.body)
            votes.append(PastVote.of(entry.decision))
            words = [_with_costs(word, entry.decision.id, measured or {}) for word in entry.words]
            yield from calls_of(entry.decision, entry.outputs, words)
            show(line.end)

    with context.output.progress("reading", path.stat().st_size, "bytes") as show:
        calls = Calls.of(said())
    return calls, votes


def _with_costs(
    word: ModelWord,
    decision_id: str,
    measured: Mapping[tuple[str, str], tuple[int, Decimal]],
) -> ModelWord:
    found = measured.get((decision_id, word.model))
    if found is None:
        return word
    return replace(word, latency_ms=float(found[0]), cost_usd=float(found[1]))


def _rows(outcomes: Outcomes, by: By) -> Iterator[_Row]:
    from athena.desk.evaluation import score as score_calls

    calls = outcomes.calls
    for place, (kind, who) in sorted(enumerate(calls.speakers), key=lambda item: item[1]):
        for group, among in _groups(calls, by):
            chosen = among & (calls.speaker == place)
            if (chosen & outcomes.is_settled).any():
                found = score_calls(outcomes, chosen)
                yield _Row(who, kind.value, group, outcomes.horizon_ns, found)


def _groups(calls: Calls, by: By) -> Iterator[tuple[str, Any]]:
    import numpy as np

    from athena.domain import Regime

    if by is By.AGENT:
        yield "", np.ones(len(calls), bool)
        return
    names, column = {
        By.STRATEGY: (calls.strategies, calls.strategy),
        By.REGIME: (tuple(Regime), calls.regime),
        By.SYMBOL: (calls.symbols, calls.symbol),
    }[by]
    for place, name in sorted(enumerate(names), key=lambda item: item[1]):
        if name:
            yield str(name), column == place


def _values(row: _Row) -> dict[str, Any]:
    found, trades = row.score, row.score.trades
    return {
        "who": row.who,
        "kind": row.kind,
        "group": row.group,
        "horizon": hours_text(row.horizon_ns),
        "n": found.accuracy.n,
        "n_effective": found.n_effective,
        "n_pending": found.n_pending,
        "n_unpriced": found.n_unpriced,
        "accuracy": estimate_values(found.accuracy),
        "base_rate": found.base_rate,
        "base_word": found.base_word,
        "latency_ms": None if found.latency_ms is None else list(found.latency_ms),
        "cost_per_right_usd": found.cost_per_right_usd,
        "trades": None
        if trades is None
        else {
            "accuracy": estimate_values(trades.accuracy),
            "base_rate": trades.base_rate,
            "brier": None if trades.brier is None else estimate_values(trades.brier.loss),
            "brier_skill": None if trades.brier is None else estimate_values(trades.brier.skill),
            "ece": estimate_values(trades.ece),
            "curve": [
                {"said": item.said, "came": estimate_values(item.came)} for item in trades.curve
            ],
            "mean_net": estimate_values(trades.mean_net_frac),
            "total_net": trades.total_net_frac,
        },
    }


def _weight_values(review: WeightReview) -> dict[str, Any]:
    test = review.test
    return {
        "followed": review.is_followed,
        "reason": review.reason,
        "test": None
        if test is None
        else {
            "mean_gain": -test.mean_difference,
            "p": test.p_first_better,
            "n": test.n,
            "horizon_dates": test.horizon,
        },
        "moves": [
            {
                "agent": move.agent,
                "base": move.base,
                "weight": move.weight,
                "skill": move.skill,
                "n": move.n,
                "p": move.p_value,
                "reason": move.reason,
            }
            for move in review.moves
        ],
    }


def _curve_values(curves: LearnedCalibration) -> dict[str, Any]:
    return {
        agent: {
            "method": curve.method,
            "n": curve.n,
            "brier": curve.brier,
            "at": list(curve.at),
            "right": list(curve.right),
        }
        for agent, curve in curves.curves.items()
    }


def _drift_values(drift: Drift) -> dict[str, Any]:
    return {
        "agent": drift.agent,
        "kind": drift.kind,
        "was": drift.was,
        "limit": drift.limit,
        "interval": None if drift.interval is None else list(drift.interval),
        "n": drift.n,
    }


def _score_table(rows: list[_Row]) -> Table:
    cells = []
    for row in rows:
        found, trades = row.score, row.score.trades
        skill = None if trades is None or trades.brier is None else trades.brier.skill
        cells.append(
            (
                f"{row.who} {row.group}".strip(),
                hours_text(row.horizon_ns),
                f"{found.accuracy.n:,}",
                interval_text(found.accuracy),
                f"{found.base_rate:.0%} {found.base_word}",
                "" if trades is None else f"{trades.accuracy.n:,}",
                "" if trades is None else interval_text(trades.accuracy),
                "" if skill is None else interval_text(skill, percent=False),
                "" if trades is None else interval_text(trades.ece, percent=False),
                "" if trades is None else interval_text(trades.mean_net_frac),
            )
        )
    heads = (
        "who", ">after", ">n", ">right", ">base rate", ">trades", ">right of them",
        ">Brier skill", ">ECE", ">net of a trade",
    )  # fmt: skip
    return Table(heads, cells, title="who was right (95 % intervals)")


def _weight_table(review: WeightReview) -> Table:
    rows = [
        (move.agent, f"{move.base:.2f}", f"{move.weight:.2f}", move.reason)
        for move in review.moves
    ]
    return Table(("agent", ">base", ">weight", "because"), rows)


def _drift_lines(drifts: list[Drift]) -> list[str]:
    return [
        f"drift: {drift.agent} {drift.kind} {drift.was:.3g}, limit {drift.limit:g} (n {drift.n})"
        for drift in drifts
    ]

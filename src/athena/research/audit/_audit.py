"""Audit one thing: a feature, label, scaler, model or agent; a strategy a little more."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from athena.research.audit._decisions import (
    StrategyDecisions,
    StrategySignals,
    kept_columns,
    market_of,
)
from athena.research.audit._prefix import (
    PrefixAudit,
    cut_every_bar,
    cut_far,
    evenly,
    first_difference,
)
from athena.research.audit._subject import AuditResult, Violation
from athena.research.audit._trades import Trader, check_fills, check_next_open, check_null_worlds
from athena.research.audit._veil import veiled
from athena.trading import BarStrategy, RuleStrategy, WokenStrategy, needs_fit

if TYPE_CHECKING:
    from athena.research.audit._decisions import MakeSetup, MakeStrategy
    from athena.research.audit._subject import Auditable
    from athena.research.audit._world import World

ProgressReport = Callable[[str, int, int], None]  # what is being done, done, total

_N_STRETCHES = 48
_CUTS_PER_STRETCH = 4
_STRETCH_BARS = 512
_STRETCH_AHEAD = 64


def _say_nothing(_label: str, _done: int, _total: int) -> None:
    """Report no progress."""


def audit(
    subject: Auditable, world: World, on_progress: ProgressReport = _say_nothing
) -> AuditResult:
    """Prove that nothing of a subject's outputs depends on what became known later.

    Args:
        subject: evaluated many times; it must be a function of the world it is given.
        world: to evaluate it on; long enough for its values to be defined.
        on_progress: told what is being done, done and total.

    Raises:
        whatever the subject raises.
    """
    started_s = time.process_time()
    prefixes = PrefixAudit(subject, world)
    methods = _cut(prefixes, on_progress)
    return _result(subject.name, [prefixes], [], (), methods, started_s)


def _cut(prefixes: PrefixAudit, on_progress: ProgressReport) -> list[str]:
    """Cut everywhere; return what was done."""
    methods = ["truncation and spoilt future at some dozen bars"]
    if prefixes.subject.context_bars > 0:
        # First, because it names the first bar.
        cut_every_bar(prefixes, lambda done, total: on_progress("every bar", done, total))
        methods.insert(0, "truncation at every bar")
    cut_far(prefixes, lambda done, total: on_progress("far cuts", done, total))
    return methods


def audit_trader(
    trader: Trader, world: World, on_progress: ProgressReport = _say_nothing
) -> AuditResult:
    """Prove that what trades fills after it decides, at prices that were there, and earns nothing
    where nothing can be earned.

    Raises:
        whatever the trader raises.
    """  # noqa: D205 - one sentence
    started_s = time.process_time()
    violations, warnings, n_runs, n_points = _trade(trader, world, on_progress)
    methods = ["time and price of every fill", "null worlds", "execution at the next open"]
    result = _result(trader.name, [], violations, warnings, methods, started_s)
    return replace(result, n_points=n_points, n_runs=n_runs, n_bars=len(world.bars[0]))


def _trade(
    trader: Trader, world: World, on_progress: ProgressReport
) -> tuple[list[Violation], tuple[str, ...], int, int]:
    """Check the trades of one run, and of the null worlds."""
    trades = trader.trade(world)
    violations = check_fills(trader.name, world, trades)
    violations += check_next_open(trader.name, world, trades)
    null, score = check_null_worlds(
        trader, world, lambda done, total: on_progress("null worlds", done, total)
    )
    warnings = () if score == score else ("never traded on shuffled bars",)  # noqa: PLR0124 - NaN
    return violations + null, warnings, 101, len(trades.lots)


def audit_strategy(  # noqa: PLR0913 - what, on what, under which limits, and who is told
    name: str,
    make: MakeStrategy,
    world: World,
    *,
    make_setup: MakeSetup,
    make_open_setup: MakeSetup,
    on_progress: ProgressReport = _say_nothing,
) -> AuditResult:
    """Prove that a strategy decides on what it could know.

    Its signals and all it keeps of them are cut at every bar; a run under the veil shows at every
    bar whether it reads ahead; whole runs are cut right behind decisions, on all data and on
    stretches; its fills are checked in time, price and where nothing can be earned.

    Args:
        name: of the strategy.
        make: builds a fresh one; one that has to be fitted learns from the first half of the
            bars, and is audited on the second.
        world: bars to audit on.
        make_setup: what a run over given bars is about, under the limits to be audited.
        make_open_setup: the same without limits and costs, for what it earns in null worlds.
        on_progress: told what is being done, done and total.

    Raises:
        StrategyError: the strategy raised.
    """
    started_s = time.process_time()
    make, world = _fitted(make, world)
    signals = PrefixAudit(StrategySignals(name, make, _kept(make, world)), world)
    methods = _cut(signals, on_progress)
    subject = StrategyDecisions(name, make, make_setup)
    decisions = PrefixAudit(subject, world)
    full = decisions.evaluate(world)
    warnings: tuple[str, ...] = ()
    if isinstance(make(), BarStrategy | WokenStrategy):
        # First, because it names the first bar.
        warnings = _veil(decisions, subject)
        methods.append("a run under the veil, at every bar")
    cut_far(decisions, lambda done, total: on_progress("whole runs", done, total))
    _cut_behind_decisions(decisions, on_progress)
    methods.append("runs cut right behind decisions")
    trader = StrategyDecisions(name, make, make_open_setup)
    violations, more, n_runs, _ = _trade(trader, world, on_progress)
    methods += ["time and price of every fill", "null worlds", "execution at the next open"]
    if not len(full["intents"].values):
        warnings += (f"decided nothing on {len(world.bars[0])} bars",)
    decisions.n_runs += n_runs
    # Whoever decides otherwise is filled otherwise: that is no second fault.
    for consequence in ("fills", "records"):
        if len(decisions.violations) > 1:
            decisions.violations.pop(consequence, None)
    audits = [signals, decisions]
    return _result(name, audits, violations, warnings + more, methods, started_s)


def _fitted(make: MakeStrategy, world: World) -> tuple[MakeStrategy, World]:
    """Fit a strategy that needs it on the first half; return copies of it, and the second half."""
    learned = make()
    if not needs_fit(learned):
        return make, world
    moments = world.moments()
    middle_ns = int(moments[len(moments) // 2])
    learned.fit(market_of(world.until(middle_ns).bars))
    return partial(copy.deepcopy, learned), world.since(middle_ns)


def _kept(make: MakeStrategy, world: World) -> tuple[str, ...]:
    """Name what a strategy keeps of the market's columns."""
    strategy = make()
    market = market_of(world.bars)
    if not isinstance(strategy, RuleStrategy):
        strategy.signals(market)
    return tuple(kept_columns(strategy, market.close_ns))


def _cut_behind_decisions(audit_: PrefixAudit, on_progress: ProgressReport) -> None:
    """Run short stretches of the data, whole and cut right behind some of their decisions."""
    moments = audit_.world.moments()
    last = len(moments) - 1
    starts = np.unique(np.linspace(0, max(last - _STRETCH_BARS, 0), _N_STRETCHES).astype(int))
    for k, start in enumerate(starts.tolist()):
        end = min(start + _STRETCH_BARS, last)
        stretch = _since(audit_.world, int(moments[start])).until(
            int(moments[min(end + _STRETCH_AHEAD, last)])
        )
        full = audit_.evaluate(stretch)
        decided_ns = np.unique(full["intents"].known_ns)
        for cut in evenly(decided_ns, _CUTS_PER_STRETCH).tolist():
            audit_.compare(stretch, full, stretch.until(cut), cut, "run cut behind a decision")
            audit_.n_points += 1
        on_progress("stretches", k + 1, len(starts))


def _since(world: World, first_ns: int) -> World:
    """Begin with the last bar of each instrument that had closed by a moment."""
    opens = [
        int(item.ts_ns[max(int(np.searchsorted(item.ts_ns, first_ns)) - 1, 0)])
        for item in world.bars
    ]
    return world.since(min(opens))


def _veil(audit_: PrefixAudit, subject: StrategyDecisions) -> tuple[str, ...]:
    """Run under the veil; what comes out different is confirmed by cutting the data there."""
    world = audit_.world
    full = audit_.evaluate(world)
    audit_.n_runs += 1
    strategy = subject.make()
    if not isinstance(strategy, BarStrategy | WokenStrategy):
        return ()
    hidden = subject.run(world, veiled(strategy))
    row = first_difference(full["records"], hidden["records"], world.now_ns)
    if row < 0:
        audit_.n_points += len(world.moments())
        return ()
    rows = [item["records"].known_ns for item in (full, hidden)]
    cut = min(int(known[row]) for known in rows if row < len(known))
    audit_.compare(world, full, world.until(cut), cut, "veil, confirmed by truncation")
    if audit_.violations:
        return ()
    bar = int(np.searchsorted(world.moments(), cut))
    return (f"it reads beyond bar {bar} in columns it kept; its decision there stays the same",)


def _result(  # noqa: PLR0913, PLR0917 - the parts of a result
    name: str,
    audits: list[PrefixAudit],
    violations: list[Violation],
    warnings: tuple[str, ...],
    methods: list[str],
    started_s: float,
) -> AuditResult:
    found = [item for part in audits for item in part.violations.values()] + violations
    return AuditResult(
        name=name,
        violations=tuple(sorted(found, key=lambda item: (item.bar, item.output))),
        warnings=warnings,
        n_points=sum(part.n_points for part in audits),
        n_runs=sum(part.n_runs for part in audits),
        n_bars=len(audits[0].world.bars[0]) if audits else 0,
        cpu_s=time.process_time() - started_s,
        methods=tuple(methods),
    )

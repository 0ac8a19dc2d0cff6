"""Audit one thing: a feature, label, scaler, model or agent; a strategy a little more."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from athena.research.audit._decisions import (
    StrategyDecisions,
    StrategySignals,
    axes_kept,
    market_of,
)
from athena.research.audit._prefix import (
    PrefixAudit,
    check_repeatable,
    cut_every_bar,
    cut_far,
    evenly,
    find_context,
    first_difference,
)
from athena.research.audit._subject import AuditResult, Output, Violation
from athena.research.audit._trades import (
    Trader,
    Trades,
    check_fills,
    check_next_open,
    check_null_worlds,
)
from athena.research.audit._veil import veiled
from athena.trading import BarStrategy, RuleStrategy, WokenStrategy, needs_fit

if TYPE_CHECKING:
    from athena.research.audit._decisions import MakeSetup, MakeStrategy
    from athena.research.audit._subject import Auditable
    from athena.research.audit._world import World

ProgressReport = Callable[[str, int, int], None]  # what is being done, done, total

_N_STRETCHES = 48
_CUTS_PER_STRETCH = 3
_STRETCH_BARS = 512
_STRETCH_AHEAD = 64
_VEIL_CUTS = 6
_VEIL_SEEDS = 3


def _say_nothing(_label: str, _done: int, _total: int) -> None:
    """Report no progress."""


def audit(
    renew: Callable[[], Auditable], world: World, on_progress: ProgressReport = _say_nothing
) -> AuditResult:
    """Prove that nothing of a subject's outputs depends on what became known later.

    Args:
        renew: gives the subject anew, with nothing left of what it did before; it is evaluated
            many times and must be a function of the world it is given.
        world: to evaluate it on; long enough for its values to be defined.
        on_progress: told what is being done, done and total.

    Raises:
        StrategyError: it raised.
        InputError: it does not keep the protocol.
    """
    started_s = time.process_time()
    prefixes = PrefixAudit(renew, world)
    methods = _cut(prefixes, prefixes.evaluate(world), on_progress)
    return _result(renew().name, [prefixes], [], (), methods, started_s)


def _cut(
    prefixes: PrefixAudit, full: Mapping[str, Output], on_progress: ProgressReport
) -> list[str]:
    """Cut everywhere; return what was done."""
    methods = ["the same bars twice"]
    if not check_repeatable(prefixes, full):
        return methods
    find_context(prefixes, full)
    if prefixes.context_bars > 0:
        # First, because it names the first bar.
        cut_every_bar(prefixes, full, lambda done, total: on_progress("every bar", done, total))
        methods.append(f"truncation at every bar, on stretches of {prefixes.context_bars:,} bars")
    cut_far(prefixes, full, lambda done, total: on_progress("far cuts", done, total))
    methods.append("truncation and spoilt future at some dozen bars")
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
    renew: Callable[[], MakeStrategy],
    world: World,
    *,
    make_setup: MakeSetup,
    make_open_setup: MakeSetup,
    on_progress: ProgressReport = _say_nothing,
) -> AuditResult:
    """Prove that a strategy decides on what it could know.

    Its signals and all it keeps of them are cut at every bar; a run under the veil shows at every
    bar whether it reads ahead; whole runs are cut behind decisions and elsewhere, on all data and
    on stretches; its fills are checked in time, price and where nothing can be earned.

    Args:
        name: of the strategy.
        renew: imports its code anew and returns what builds it; a strategy that has to be fitted
            learns from the first half of the bars, and is audited on the second.
        world: bars to audit on.
        make_setup: what a run over given bars is about, under the limits to be audited.
        make_open_setup: the same without limits and costs, for what it earns in null worlds.
        on_progress: told what is being done, done and total.

    Raises:
        StrategyError: the strategy raised.
    """
    started_s = time.process_time()
    renew, world = _fitted(renew, world)
    kept = _kept(renew(), world)
    signals = PrefixAudit(lambda: StrategySignals(name, renew(), kept), world)
    methods = _cut(signals, signals.evaluate(world), on_progress)
    decisions = PrefixAudit(lambda: StrategyDecisions(name, renew(), make_setup), world)
    full = decisions.evaluate(world)
    is_repeatable = check_repeatable(decisions, full)
    if is_repeatable:
        if isinstance(renew()(), BarStrategy | WokenStrategy):
            # First, because it names the first bar.
            _veil(decisions, full, StrategyDecisions(name, renew(), make_setup))
            methods.append("a run under the veil, at every bar")
        cut_far(decisions, full, lambda done, total: on_progress("whole runs", done, total))
        _cut_stretches(decisions, on_progress)
        methods.append("runs cut behind decisions and elsewhere")
    trader = _Renewed(name, lambda: StrategyDecisions(name, renew(), make_open_setup))
    violations, warnings, n_runs, n_trades = _trade(trader, world, on_progress)
    methods += ["time and price of every fill", "null worlds", "execution at the next open"]
    if not len(full["intents"].values) and not n_trades:
        decisions.unproven.append(
            f"it decided nothing on {len(world.bars[0]):,} bars; use other bars or parameters"
        )
    decisions.n_runs += n_runs
    # Whoever decides otherwise is filled otherwise: that is no second fault.
    if "intents" in decisions.violations:
        decisions.violations.pop("fills", None)
    return _result(name, [signals, decisions], violations, warnings, methods, started_s)


@dataclass(frozen=True, slots=True)
class _Renewed:
    """A trader that is made anew for every world."""

    name: str
    renew: Callable[[], Trader]

    def trade(self, world: World) -> Trades:
        """Trade a world."""
        return self.renew().trade(world)


def _fitted(
    renew: Callable[[], MakeStrategy], world: World
) -> tuple[Callable[[], MakeStrategy], World]:
    """Fit a strategy that needs it on the first half; return copies of it, and the second half."""
    learned = renew()()
    if not needs_fit(learned):
        return renew, world
    moments = world.moments()
    middle_ns = int(moments[len(moments) // 2])
    learned.fit(market_of(world.until(middle_ns).bars))
    copied = partial(copy.deepcopy, learned)
    return lambda: copied, world.since(middle_ns)


def _kept(make: MakeStrategy, world: World) -> dict[str, int]:
    """Name what a strategy keeps of the market's columns."""
    strategy = make()
    if isinstance(strategy, RuleStrategy):
        return {}
    market = market_of(world.bars)
    strategy.signals(market)
    return axes_kept(strategy, len(market.close_ns))


def _cut_stretches(audit_: PrefixAudit, on_progress: ProgressReport) -> None:
    """Run short stretches of the data, whole and cut: behind some decisions, and anywhere.

    Who leaves an order out because of what comes has no decision to be cut behind.
    """
    moments = audit_.world.moments()
    last = len(moments) - 1
    rng = np.random.Generator(np.random.PCG64(len(moments)))
    starts = np.unique(np.linspace(0, max(last - _STRETCH_BARS, 0), _N_STRETCHES).astype(int))
    for k, start in enumerate(starts.tolist()):
        end = min(start + _STRETCH_BARS, last)
        ahead = int(moments[min(end + _STRETCH_AHEAD, last)])
        stretch = _since(audit_.world, int(moments[start])).until(ahead)
        full = audit_.evaluate(stretch)
        decided_ns = np.unique(full["intents"].known_ns)
        anywhere = rng.choice(moments[start : end + 1], _CUTS_PER_STRETCH)
        cuts = np.concatenate((evenly(decided_ns, _CUTS_PER_STRETCH), anywhere))
        for cut in np.unique(cuts).tolist():
            audit_.compare(stretch, full, stretch.until(cut), cut, "run cut on a stretch")
            audit_.n_points += 1
        on_progress("stretches", k + 1, len(starts))


def _since(world: World, first_ns: int) -> World:
    """Begin with the last bar of each instrument that had closed by a moment."""
    opens = [
        int(item.ts_ns[max(int(np.searchsorted(item.ts_ns, first_ns)) - 1, 0)])
        for item in world.bars
    ]
    return world.since(min(opens))


def _veil(audit_: PrefixAudit, full: Mapping[str, Output], subject: StrategyDecisions) -> None:
    """Run under the veil; what comes out different is confirmed by other futures.

    They are: none, other prices, and the same bars in another order, as the veil shows them. What
    they do not confirm is left open, and nothing is called clean that is open.
    """
    world = audit_.world
    audit_.n_runs += 1
    strategy = subject.make()
    if not isinstance(strategy, BarStrategy | WokenStrategy):
        return
    hidden = subject.run(world, veiled(strategy))
    row = first_difference(full["intents"], hidden["intents"], world.now_ns)
    if row < 0:
        audit_.n_points += len(world.moments())
        return
    known = [item["intents"].known_ns for item in (full, hidden)]
    first_ns = min(int(times[row]) for times in known if row < len(times))
    cuts = np.unique(np.concatenate([times[row:] for times in known]))
    for cut in evenly(cuts, _VEIL_CUTS).tolist():
        for method, other in _other_futures(world, cut):
            audit_.compare(world, full, other, cut, f"veil, confirmed by {method}")
            if audit_.violations:
                return
    bar = int(np.searchsorted(world.moments(), first_ns))
    audit_.unproven.append(
        f"its decision at bar {bar} changes when the columns that it keeps are hidden beyond "
        "that bar, and cutting the data did not show why: it reads ahead in what it keeps"
    )


def _other_futures(world: World, cut_ns: int) -> Iterator[tuple[str, World]]:
    yield "truncation", world.until(cut_ns)
    for seed in range(_VEIL_SEEDS):
        yield "another order of later bars", world.dealt(cut_ns, seed)
        yield "a spoilt future", world.poisoned(cut_ns, seed)


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
        unproven=tuple(text for part in audits for text in part.unproven),
        warnings=warnings,
        n_points=sum(part.n_points for part in audits),
        n_runs=sum(part.n_runs for part in audits),
        n_bars=len(audits[0].world.bars[0]) if audits else 0,
        cpu_s=time.process_time() - started_s,
        methods=tuple(methods),
    )

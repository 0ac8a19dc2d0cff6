"""A strategy under audit: its signals, what it keeps of them, and every decision it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.research.audit._kept import columns_kept
from athena.research.audit._subject import Output
from athena.research.audit._trades import Trades
from athena.research.engine import align, simulate
from athena.trading import Market, RuleStrategy, fill_columns, record_starts
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research.audit._world import World
    from athena.research.engine import Setup
    from athena.trading import Strategy

    Ints = NDArray[np.int64]
    MakeSetup = Callable[[tuple[Bars, ...]], Setup]
    MakeStrategy = Callable[[], Strategy]

_HEADER = 2
_NONE = Output(np.zeros(0), np.zeros(0, np.int64))
_INTENT_LABELS = (
    "key", "strategy", "instrument", "purpose", "side", "type", "time_in_force", "lots",
    "quote_amount", "limit", "trigger", "stop", "target", "trail_ppm", "leverage",
    "confidence_ppm", "regime", "flags", "expires_ns", "target_ppm", "sibling",
)  # fmt: skip
_FILL_LABELS = ("order", "instrument", "side", "lots", "price_ticks", "fee")


@dataclass(frozen=True, slots=True)
class StrategySignals:
    """What a strategy computes from whole columns, before the first bar.

    Signals are audited, and whatever of the length of the run it keeps on itself: a column that
    knows later bars is a fault, used or not. Of a compiled rule it is the parameters.

    Attributes:
        name: of the strategy.
        make: builds a fresh one.
        kept: names of its attributes that hold one row for every step, see `axes_kept`.
        context_bars: see `Auditable`.
    """

    name: str
    make: MakeStrategy
    kept: Mapping[str, int]
    context_bars: int = 256

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Compute the columns of a fresh strategy."""
        strategy = self.make()
        market = market_of(world.bars)
        close_ns = market.close_ns
        if isinstance(strategy, RuleStrategy):
            given = np.array([strategy.parameters(market)], np.int64)
            return {"parameters": Output(given, close_ns[:1])}
        found = {key: np.asarray(column) for key, column in strategy.signals(market).items()}
        outputs = {key: Output(column, close_ns) for key, column in found.items()}
        if self.kept:
            here = {item.path: item.value for item in columns_kept(strategy, len(close_ns))}
            for path, axis in self.kept.items():
                rows = _along(here.get(path), axis)
                # Of another length it is something else here, and no row can be compared.
                is_whole = len(rows) == len(close_ns)
                outputs[path] = Output(rows, close_ns) if is_whole else _NONE
        return outputs


def _along(value: Any, axis: int) -> NDArray[Any]:  # noqa: ANN401 - what is kept, or None
    """Return what is kept as one row a step."""
    table = np.zeros(0) if value is None or isinstance(value, dict) else np.asarray(value)
    return np.moveaxis(table, axis, 0) if table.ndim > axis else np.zeros(0)


def axes_kept(strategy: Strategy, n_steps: int) -> dict[str, int]:
    """Name the attributes that hold one row for every step, with the axis that runs along them."""
    return {
        item.path: item.axis
        for item in columns_kept(strategy, n_steps)
        if item.offset == 0 and not isinstance(item.value, dict)
    }


def market_of(bars: tuple[Bars, ...]) -> Market:
    """Return the market that a run over these bars shows to signals."""
    columns = align(bars, with_risk_inputs=False)
    instruments = tuple(item.instrument for item in bars)
    return Market(instruments, bars[0].interval_ns, *columns[:6])


@dataclass(frozen=True, slots=True)
class StrategyDecisions:
    """What a strategy wanted in a run, and what was filled.

    Attributes:
        name: of the strategy.
        make: builds a fresh one.
        make_setup: what a run over given bars is about: limits, costs, cash.
        context_bars: see `Auditable`; 0, because a run at every bar is too dear: `audit_strategy`
            cuts behind decisions, and veils what was kept.
    """

    name: str
    make: MakeStrategy
    make_setup: MakeSetup
    context_bars: int = 0

    def evaluate(self, world: World) -> Mapping[str, Output]:
        """Run a fresh strategy."""
        return self.run(world, self.make())

    def run(self, world: World, strategy: Strategy) -> Mapping[str, Output]:
        """Run a given strategy."""
        setup = self.make_setup(world.bars)
        words = run_words(setup, self.name, strategy)
        return _outputs(words, setup.columns.close_ns)

    def trade(self, world: World) -> Trades:
        """Run a fresh strategy and return its trades."""
        setup = self.make_setup(world.bars)
        words = run_words(setup, self.name, self.make())
        starts, kinds, marks = _records(words)
        asked = starts[kinds == at.R_VERDICT]
        decided = dict(
            zip((words[asked + _HEADER]).tolist(), marks[kinds == at.R_VERDICT] - 1, strict=True)
        )
        fills = fill_columns([words])
        close_ns = setup.columns.close_ns
        steps = np.array([decided.get(order, -1) for order in fills.order.tolist()], np.int64)
        values = np.array([_value(item) for item in setup.instruments])
        return Trades(
            decided_ns=np.where(steps >= 0, close_ns[steps], setup.start_ns),
            filled_ns=close_ns[fills.marks] - setup.interval_ns,
            instrument=fills.instrument,
            lots=fills.lots * fills.side,
            price_ticks=fills.price_ticks.astype(np.float64),
            value=values,
        )


def _value(instrument: Any) -> float:  # noqa: ANN401 - an Instrument
    numerator, denominator = instrument.value_ratio()
    return float(numerator / denominator / 1e8)


def run_words(setup: Setup, name: str, strategy: Strategy) -> Ints:
    """Run a strategy and return all words of its journal."""
    groups: list[Ints] = []
    simulate(setup, [(name, strategy)], on_records=lambda words: groups.append(words.copy()))
    return np.concatenate(groups) if groups else np.zeros(0, np.int64)


def _records(words: Ints) -> tuple[Ints, Ints, Ints]:
    """Return start, kind and mark of every record."""
    starts = np.array(record_starts(words), np.int64)
    if not len(starts):
        return starts, starts, starts
    return starts, words[starts] & 0xFF, words[starts + 1]


def _outputs(words: Ints, close_ns: Ints) -> dict[str, Output]:
    """Sort what was wanted by the close that decided, and fills by the close of their bar.

    Cancellations and notices are left out: the journal does not say whether one with a bar's
    number came with the bar or with the mark before it.
    """
    starts, kinds, marks = _records(words)
    is_intent = kinds == at.R_INTENT
    asked = words[starts[is_intent][:, None] + _HEADER + np.arange(at.N_INTENT)]
    fills = fill_columns([words])
    filled = np.stack(
        [fills.order, fills.instrument, fills.side, fills.lots, fills.price_ticks, fills.fee], 1
    )
    return {
        "intents": Output(asked, close_ns[marks[is_intent] - 1], _INTENT_LABELS),
        "fills": Output(filled, close_ns[fills.marks], _FILL_LABELS),
    }

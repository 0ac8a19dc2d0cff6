"""A strategy under audit: its signals, what it keeps of them, and every decision it takes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.research.audit._subject import Output
from athena.research.audit._trades import Trades
from athena.research.engine import align, simulate
from athena.trading import Market, RuleStrategy, codes, fill_columns, record_starts
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
_INTENT_LABELS = (
    "key", "strategy", "instrument", "purpose", "side", "type", "time_in_force", "lots",
    "quote_amount", "limit", "trigger", "stop", "target", "trail_ppm", "leverage",
    "confidence_ppm", "regime", "flags", "expires_ns", "target_ppm", "sibling",
)  # fmt: skip
_FILL_LABELS = ("order", "instrument", "side", "lots", "price_ticks", "fee")
_NUMBERS = "biuf"


@dataclass(frozen=True, slots=True)
class StrategySignals:
    """What a strategy computes from whole columns, before the first bar.

    Signals are audited, and whatever of the length of the run it keeps on itself: a column that
    knows later bars is a fault, used or not. Of a compiled rule it is the parameters.

    Attributes:
        name: of the strategy.
        make: builds a fresh one.
        kept: names of its attributes that hold a number for every step, see `kept_columns`.
        context_bars: see `Auditable`.
    """

    name: str
    make: MakeStrategy
    kept: tuple[str, ...]
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
        kept = {f"self.{key}": np.asarray(vars(strategy)[key]) for key in self.kept}
        return {key: Output(column, close_ns) for key, column in {**found, **kept}.items()}


def market_of(bars: tuple[Bars, ...]) -> Market:
    """Return the market that a run over these bars shows to signals."""
    columns = align(bars, with_risk_inputs=False)
    instruments = tuple(item.instrument for item in bars)
    return Market(instruments, bars[0].interval_ns, *columns[:6])


def kept_columns(strategy: Strategy, close_ns: Ints) -> dict[str, Any]:
    """Find a strategy's own attributes that hold a number for every step, by name."""
    return {
        key: value
        for key, value in vars(strategy).items()
        if isinstance(value, np.ndarray | list)
        and np.shape(value) == close_ns.shape
        and np.asarray(value).dtype.kind in _NUMBERS
    }


@dataclass(frozen=True, slots=True)
class StrategyDecisions:
    """Every record of a strategy's run: what it wanted, what the core said, what was filled.

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
    """Sort records by the close at which they were known.

    A bar fills, cancels and expires before its mark is processed: those reports bear the bar's
    own number, and what comes before them at that number belongs to the close before.
    """
    starts, kinds, marks = _records(words)
    steps = marks - 1
    if len(starts):
        is_of_bar = (kinds == at.R_REPORT) & (words[starts + _HEADER] != codes.ACCEPTED)
        # What follows a bar's report is of that bar too: protections that its fill placed.
        steps = np.maximum(np.maximum.accumulate(np.where(is_of_bar, marks, steps)), 0)
    known_ns = close_ns[steps]
    ends = np.append(starts, len(words))[1:]
    hashes = [zlib.crc32(words[a:b].tobytes()) for a, b in zip(starts, ends, strict=True)]
    intents = starts[kinds == at.R_INTENT]
    asked = words[intents[:, None] + _HEADER + np.arange(at.N_INTENT)]
    fills = fill_columns([words])
    filled = np.stack(
        [fills.order, fills.instrument, fills.side, fills.lots, fills.price_ticks, fills.fee], 1
    )
    return {
        "intents": Output(asked, known_ns[kinds == at.R_INTENT], _INTENT_LABELS),
        "fills": Output(filled, close_ns[fills.marks], _FILL_LABELS),
        "records": Output(np.array(hashes, np.int64), known_ns),
    }

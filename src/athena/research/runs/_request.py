"""What a person asks of a backtest, and the bars that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import format_time
from athena.errors import InputError
from athena.market import is_path, load_bars
from athena.research.engine import EngineKind
from athena.trading import BarsReference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Bars


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What a person asks of a backtest.

    Attributes:
        strategy: built-in name, ``file.py:Class`` or ``module:Class``.
        parameters: name -> text.
        kind: of a built-in strategy; empty picks the fastest that the engine runs.
        sources: data sets or files.
        symbols: one per source, or empty to take the data's own.
        start_ns, end_ns: bars that open in [start, end); None leaves the side open.
        cash: > 0, in quote currency.
        risk: `default`, `open` (limits that never bind) or the name of the file they came from.
        engine: who runs the core.
    """

    strategy: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    sources: Sequence[str]
    symbols: Sequence[str] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    cash: Decimal = Decimal(100_000)
    risk: str = "default"
    engine: EngineKind = EngineKind.AUTO

    @property
    def is_open_risk(self) -> bool:
        """Tell whether limits never bind."""
        return self.risk == "open"


def load_sources(request: BacktestRequest, home: Path) -> tuple[list[BarsReference], list[Bars]]:
    """Load and cut the bars of every source; the references say which they are.

    A file is referred to by its absolute path, so that its run replays from any folder.

    Raises:
        InputError: the counts of sources and symbols differ, a symbol comes twice, or no bar is
            left in the time asked for.
    """
    _check_sources(request)
    symbols: Sequence[str | None] = request.symbols or [None] * len(request.sources)
    references = []
    bars = []
    for source, symbol in zip(request.sources, symbols, strict=True):
        whole = load_bars(source, home, symbol=symbol)
        cut = whole.between(request.start_ns, request.end_ns)
        if len(cut) == 0:
            message = f"expected bars of {source} in the time asked for, was none"
            raise InputError(message, hint=f"it holds {_span(whole)}")
        first = int(np.searchsorted(whole.ts_ns, cut.ts_ns[0]))
        sha256 = whole.provenance.sha256
        place = str(Path(source).absolute()) if is_path(source) else source
        references.append(BarsReference(place, sha256, first, first + len(cut) - 1))
        bars.append(cut)
    names = [item.instrument.symbol for item in bars]
    if len(set(names)) != len(names):
        message = f"expected each symbol once, was {', '.join(names)}"
        raise InputError(message)
    return references, bars


def _check_sources(request: BacktestRequest) -> None:
    if request.symbols and len(request.symbols) != len(request.sources):
        message = (
            f"expected one --symbol per --data, was {len(request.symbols)} for "
            f"{len(request.sources)}"
        )
        raise InputError(message)
    start_ns, end_ns = request.start_ns, request.end_ns
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        message = (
            f"expected --from before --to, was {format_time(start_ns)} to {format_time(end_ns)}"
        )
        raise InputError(message)


def _span(bars: Bars) -> str:
    if len(bars) == 0:
        return "no bars"
    return f"{format_time(int(bars.ts_ns[0]))} to {format_time(int(bars.ts_ns[-1]))}"

"""The options of every command that runs a strategy over recorded bars, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app._context import Context
    from athena.platform.config import Config
    from athena.research import BacktestRequest

SAMPLE_SETS = ("btc-usd-30m", "xrp-usd-30m", "eth-usd-30m")


class LimitFill(StrEnum):
    """What fills a limit order."""

    CROSS = "cross"
    TOUCH = "touch"


class Intrabar(StrEnum):
    """What decides inside a bar."""

    STOP_FIRST = "stop-first"
    PATH = "path"


class EngineChoice(StrEnum):
    """Who runs the core."""

    AUTO = "auto"
    PYTHON = "python"
    COMPILED = "compiled"


class Kind(StrEnum):
    """How a built-in strategy is written."""

    WOKEN = "woken"
    BAR = "bar"
    RULE = "rule"


StrategyOption = Annotated[
    str, typer.Option(help="Built-in name, my_file.py:MyStrategy or module:Class.")
]
ParamOption = Annotated[list[str] | None, typer.Option(help="Parameter of it, k=v.")]
DataOption = Annotated[
    list[str] | None, typer.Option(help="Data set or file; the sample when none is given.")
]
SymbolOption = Annotated[
    list[str] | None, typer.Option(help="Symbol of each --data, in the same order.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="First day, such as 2018-01-01.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Day after the last.")]
CashOption = Annotated[str, typer.Option(help="To start with, in quote currency.")]
FeeOption = Annotated[
    str | None, typer.Option(help="Fee of makers and takers alike; else taker 26, maker 16.")
]
SlippageOption = Annotated[
    str | None, typer.Option(help="Cost before impact; 0 switches the cost model off.")
]
LimitFillOption = Annotated[
    LimitFill | None, typer.Option(help="A limit fills when crossed, or when touched.")
]
IntrabarOption = Annotated[
    Intrabar | None, typer.Option(help="Stop before target, or along the bar's path.")
]
RiskOption = Annotated[
    str, typer.Option(help="default, open (limits that never bind) or a YAML file.")
]
SeedOption = Annotated[int | None, typer.Option(help="Of everything random; 0 is a seed.")]
EngineOption = Annotated[
    EngineChoice, typer.Option(help="CPython or compiled code; the result is the same.")
]
KindOption = Annotated[
    Kind | None,
    typer.Option(help="How a built-in strategy is written; the result is the same."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOptions:
    """What was typed, before any of it is checked; each field is the option of its name."""

    strategy: str
    param: Sequence[str] = ()
    data: Sequence[str] = ()
    symbol: Sequence[str] = ()
    start: str | None = None
    end: str | None = None
    cash: str = "100000"
    fee_bps: str | None = None
    slippage_bps: str | None = None
    limit_fill: LimitFill | None = None
    intrabar: Intrabar | None = None
    risk: str = "default"
    seed: int | None = None
    engine: EngineChoice = EngineChoice.AUTO
    kind: Kind | None = None

    def config(self, context: Context) -> Config:
        """Load the configuration with the options on top; a risk file replaces the risk section.

        Raises:
            InputError: a value does not fit.
        """
        from athena.platform.config import load_config

        options = {
            "costs.taker_fee_bps": self.fee_bps,
            "costs.maker_fee_bps": self.fee_bps,
            "costs.base_cost_bps": self.slippage_bps,
            "execution.limit_fill": self.limit_fill and self.limit_fill.value,
            "execution.intrabar": self.intrabar and self.intrabar.value,
            "run.seed": self.seed,
        }
        config = context.load(options).config
        if self.risk in {"default", "open"}:
            return config
        own = load_config(Path(self.risk), environment={}).config
        return config.model_copy(update={"risk": own.risk})

    def request(self, context: Context) -> BacktestRequest:
        """Say what is asked of a backtest; without --data, the sample data sets.

        Raises:
            InputError: a value does not fit.
            MissingError: the sample data sets are asked for and not there.
        """
        from athena.domain import parse_decimal, parse_time_ns
        from athena.research import BacktestRequest, EngineKind

        return BacktestRequest(
            strategy=self.strategy,
            parameters=parse_parameters(self.param),
            kind=self.kind.value if self.kind else "",
            sources=tuple(self.data or _samples(context)),
            symbols=tuple(self.symbol),
            start_ns=None if self.start is None else parse_time_ns(self.start),
            end_ns=None if self.end is None else parse_time_ns(self.end),
            cash=parse_decimal(self.cash, what="--cash"),
            risk=self.risk,
            engine=EngineKind(self.engine.value),
        )


def _samples(context: Context) -> Sequence[str]:
    """Name the sample data sets, and say how to bring them when they are not there."""
    from athena.errors import MissingError
    from athena.market import list_datasets

    names = {item.name for item in list_datasets(context.home)}
    missing = [name for name in SAMPLE_SETS if name not in names]
    if missing:
        message = f"expected the sample data sets, was without {', '.join(missing)}"
        raise MissingError(message, hint="athena data sample, or state --data")
    return SAMPLE_SETS


def parse_parameters(texts: Sequence[str]) -> dict[str, str]:
    """Read `k=v` pairs.

    Raises:
        InputError: no `=`, or a name twice.
    """
    from athena.errors import InputError

    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            message = f"expected --param as name=value, was {text!r}"
            raise InputError(message)
        if name in values:
            message = f"expected each parameter once, was {name!r} twice"
            raise InputError(message)
        values[name] = value
    return values


def new_run_id(now_ns: int, strategy: str, random_id: str) -> str:
    """Name a run by time and strategy; the random part keeps two of one second apart."""
    from athena.domain import ns_to_datetime

    stem = strategy.rpartition(":")[2]
    return f"{ns_to_datetime(now_ns):%Y%m%d-%H%M%S}-{stem}-{random_id[:6]}"

"""`athena advise`: suggestions for a person; nothing is ever sent."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import (
    DataOption,
    MarketOptions,
    ParamOption,
    RiskOption,
    StrategyOption,
    SymbolOption,
    ToOption,
)
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app.advice import Suggestion
    from athena.domain import Bars
    from athena.platform.config import Config

_DEFAULT_CASH = "10000"
_KRAKEN = "kraken"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("advise")(advise)


def advise(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    *,
    strategy: StrategyOption = "rebalance",
    param: ParamOption = None,
    data: DataOption = None,
    symbol: SymbolOption = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="First day to advise on; without it the newest bar alone."),
    ] = None,
    end: ToOption = None,
    venue: Annotated[
        str | None, typer.Option(help="kraken: its newest public bars instead of stored data.")
    ] = None,
    interval: Annotated[str, typer.Option(help="Length of a bar of --venue.")] = "1h",
    cash: Annotated[
        str, typer.Option(help="What the account is assumed to hold, in quote currency.")
    ] = _DEFAULT_CASH,
    risk: RiskOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Suggest what to do at the newest closed bar, or at each bar of a time; nothing is sent.

    The account is assumed: all cash, no position. Each suggestion was judged by the risk engine
    as an order would be, and none counts for the next: nobody has acted on it.

    Example: athena advise --strategy sma_cross --data btc-usd-30m
    """
    from athena.app._advising import adviser_for, newest_open_ns, suggestion_table
    from athena.app.advice import closed_steps
    from athena.domain import RunMode, format_time, parse_time_ns

    context = Context.of(ctx, as_json=as_json)
    options = MarketOptions(
        strategy=strategy,
        param=param or (),
        data=data or (),
        symbol=symbol or (),
        end=end,
        cash=cash,
        risk=risk,
    )
    config = options.config(context)
    context.start_logging()
    is_live = _asks_venue(venue, options, start)
    bars = _fetched(context, config, options, interval) if is_live else _stored(context, options)
    since_ns = newest_open_ns(bars) if start is None else parse_time_ns(start)
    n_steps = max(int((item.ts_ns >= since_ns).sum()) for item in bars)
    if n_steps == 0:
        message = f"expected bars from {start} on, was none"
        raise InputError(message, hint=f"the newest one opens {format_time(newest_open_ns(bars))}")
    suggestions: list[Suggestion] = []
    # What a strategy prints is talk: stdout carries the result and nothing else.
    with (
        redirect_stdout(sys.stderr),
        context.output.progress("advise", n_steps, "bars") as progress,
    ):
        adviser = adviser_for(options, config, bars, RunMode.ADVISE, since_ns=since_ns)
        for done, (close_ns, found) in enumerate(closed_steps(bars, since_ns), start=1):
            suggestions += adviser.on_bars(close_ns, found)
            progress(done)
    context.output.emit(
        {
            "mode": RunMode.ADVISE.value,
            "strategy": strategy,
            "data": [_source(item) for item in bars],
            "account": _account(options, bars),
            "bars": n_steps,
            "suggestions": [item.to_values() for item in suggestions],
        },
        *([suggestion_table(suggestions)] if suggestions else [_nothing(strategy, n_steps)]),
        f"for an assumed account of {cash} {bars[0].instrument.quote} without positions; "
        "nothing was sent, and nothing is: you decide",
    )


def _asks_venue(venue: str | None, options: MarketOptions, start: str | None) -> bool:
    """Tell whether bars are fetched.

    Raises:
        InputError: another venue, or options that do not go with one.
    """
    if venue is None:
        return False
    if venue != _KRAKEN:
        message = f"expected --venue {_KRAKEN}, was {venue!r}"
        raise InputError(message)
    if options.data or start is not None or options.end is not None:
        message = "expected --venue without --data, --from and --to, was with one of them"
        raise InputError(message, hint="the venue's newest bar is what is advised on")
    if not options.symbol:
        message = "expected --symbol with --venue, was none"
        raise InputError(message, hint="--symbol BTC/USD")
    return True


def _stored(context: Context, options: MarketOptions) -> Sequence[Bars]:
    from athena.research.runs import load_sources

    _, bars = load_sources(options.request(context), context.home)
    return bars


def _fetched(
    context: Context, config: Config, options: MarketOptions, interval: str
) -> Sequence[Bars]:
    from athena.app._fetch import limits_file
    from athena.app.advice import recent_bars
    from athena.domain import parse_interval_ns
    from athena.venues.kraken import HOUSE_RULES, PublicKraken, PublicTransport
    from athena.venues.limits import RateLimiter

    url = config.venues.kraken.url
    symbols = [symbol.upper() for symbol in options.symbol]
    context.output.say(f"asking {url} for {', '.join(symbols)}, at most once a second")
    limiter = RateLimiter(limits_file(context.home), HOUSE_RULES)
    with PublicTransport(url) as transport:
        kraken = PublicKraken(transport, limiter)
        return recent_bars(kraken, symbols, parse_interval_ns(interval), url=url)


def _source(bars: Bars) -> dict[str, object]:
    from athena.domain import format_interval, format_time

    return {
        "symbol": bars.instrument.symbol,
        "interval": format_interval(bars.interval_ns),
        "name": bars.provenance.name,
        "origin": bars.provenance.origin,
        "sha256": bars.provenance.sha256,
        "is_synthetic": bars.provenance.is_synthetic,
        "last_closed": format_time(int(bars.ts_ns[-1]) + bars.interval_ns),
    }


def _account(options: MarketOptions, bars: Sequence[Bars]) -> dict[str, object]:
    from athena.app._advising import assumed_cash

    return {
        "is_assumed": True,
        "cash": assumed_cash(options),
        "quote": bars[0].instrument.quote,
        "positions": [],
    }


def _nothing(strategy: str, n_steps: int) -> str:
    bars = "the newest bar" if n_steps == 1 else f"{n_steps:,} bars"
    return f"no suggestion: {strategy} wants nothing at {bars}"

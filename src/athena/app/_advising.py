"""What `advise` and `dry-run` share: an adviser for what was typed, and its words."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from athena.app._market_options import parse_parameters
from athena.app._output import Table
from athena.app.advice import Adviser, Assumption
from athena.domain import format_decimal, format_time, parse_decimal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from athena.app._market_options import MarketOptions
    from athena.app.advice import Suggestion
    from athena.domain import Bars, RunMode
    from athena.platform.config import Config
    from athena.trading import Strategy

DEFAULT_CASH = "10000"


def adviser_for(  # noqa: PLR0913 - for whom, on what, and from when on
    options: MarketOptions,
    config: Config,
    bars: Sequence[Bars],
    mode: RunMode,
    *,
    since_ns: int,
    strategies: Sequence[tuple[str, Strategy]] = (),
) -> Adviser:
    """Assume an account and put what was asked for beside it.

    Args:
        options: strategy, parameters, cash and risk.
        config: with the options on top.
        bars: one per instrument; those before `since_ns` warm signals up.
        mode: `advise` or `dry-run`.
        since_ns: open of the first bar that is decided on.
        strategies: made already; empty makes the one that the options name.

    Raises:
        InputError: something asked for is not valid.
    """
    from athena.research import (
        instrument_limits,
        open_instrument_limits,
        open_limits,
        risk_limits,
    )
    from athena.research.strategies import load_strategy

    is_open = options.risk == "open"
    instruments = [item.instrument for item in bars]
    assumption = Assumption(
        mode=mode,
        strategies=strategies
        or [load_strategy(options.strategy, parse_parameters(options.param))],
        instruments=instruments,
        instrument_limits=[
            open_instrument_limits() if is_open else instrument_limits(item, config.risk)
            for item in instruments
        ],
        limits=open_limits(config.costs) if is_open else risk_limits(config.risk, config.costs),
        cash=assumed_cash(options),
        root=_root(options, config, bars),
    )
    history = [item.between(None, since_ns) for item in bars]
    return Adviser(assumption, history, started_ns=since_ns)


def assumed_cash(options: MarketOptions) -> Decimal:
    """Return the cash that the account is assumed to hold."""
    return parse_decimal(options.cash, what="--cash")


def newest_open_ns(bars: Sequence[Bars]) -> int:
    """Return the open of the newest bar of all."""
    return max(int(item.ts_ns[-1]) for item in bars)


def _root(options: MarketOptions, config: Config, bars: Sequence[Bars]) -> str:
    """Digest what a suggestion depends on but for the time."""
    asked = {
        "strategy": options.strategy,
        "parameters": parse_parameters(options.param),
        "risk": "open" if options.risk == "open" else config.risk.model_dump(mode="json"),
        "cash": options.cash,
        # Of fetched bars the content moves on; what they are of does not.
        "markets": [(item.instrument.symbol, item.interval_ns) for item in bars],
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def suggestion_table(suggestions: Sequence[Suggestion], title: str = "") -> Table:
    """Show suggestions to a person."""
    columns = ("bar closed", "symbol", "action", ">quantity", ">limit", ">stop", ">target", "why")
    rows = [
        (
            format_time(item.closed_ns),
            item.symbol,
            item.action.value,
            format_decimal(item.quantity),
            *(map(_shown, (item.limit_price, item.stop_price, item.target_price))),
            item.rationale,
        )
        for item in suggestions
    ]
    return Table(columns, rows, title)


def _shown(price: Decimal | None) -> str:
    return "" if price is None else format_decimal(price)

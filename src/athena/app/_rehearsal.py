"""A dry run: build what paper and live build, decide once, and show what would be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.app._advising import adviser_for, assumed_cash, newest_open_ns, suggestion_table
from athena.app._database import describe_database
from athena.app._market_options import SAMPLE_SETS
from athena.app._output import Table
from athena.app.advice import closed_steps
from athena.domain import (
    BAR_COLUMNS,
    HOUR_NS,
    Bars,
    Provenance,
    RunMode,
    built_in_instrument,
    format_decimal,
    format_interval,
    format_time,
)
from athena.errors import CheckFailed, CoreError
from athena.platform import SecretName, SystemClock, find_secret
from athena.trading import digest_of
from athena.trading.live import fold_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app._context import Context
    from athena.app._market_options import MarketOptions
    from athena.app.advice import Adviser, Suggestion
    from athena.platform.config import Config

_WITHOUT_DATA = "BTC/USD"  # something has to be built for


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a dry run came to.

    Attributes:
        parts: what was built -> how it stands, in words.
        closed_ns: close of the bar that was decided on; None without data.
        suggestions: what is wanted, each with its verdict.
        data: names of the data sets.
    """

    parts: dict[str, str]
    closed_ns: int | None
    suggestions: Sequence[Suggestion]
    data: Sequence[str]

    def to_values(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "mode": RunMode.DRY_RUN.value,
            "parts": self.parts,
            "data": list(self.data),
            "bar_closed": None if self.closed_ns is None else format_time(self.closed_ns),
            "decisions": [item.to_values() for item in self.suggestions],
            "would_send": [_order(item) for item in self.suggestions if item.order is not None],
            "sent": 0,
        }

    def lines(self) -> list[str | Table]:
        """Return it for a person."""
        return [
            Table(("part", "how it stands"), list(self.parts.items())),
            *self._decided(),
            "nothing was sent",
        ]

    def _decided(self) -> list[str | Table]:
        if self.closed_ns is None:
            return ["no data, so there is nothing to decide on: athena data sample"]
        closed = format_time(self.closed_ns)
        if not self.suggestions:
            return [f"decided on the bar closed {closed}: nothing is wanted"]
        n_orders = sum(item.order is not None for item in self.suggestions)
        return [
            suggestion_table(self.suggestions, f"decided on the bar closed {closed}"),
            f"{n_orders} of {len(self.suggestions)} would be sent",
        ]


def rehearse(context: Context, options: MarketOptions, config: Config) -> Rehearsal:
    """Build everything and decide once on the newest bar, when there is one.

    Raises:
        InputError: something asked for is not valid.
        DatabaseDown: the database of the configuration does not answer.
        CheckFailed: the journal's replay makes something else.
        StrategyError: the strategy raised.
    """
    bars = _bars(context, options)
    since_ns = newest_open_ns(bars) if bars else SystemClock().now_ns()
    adviser = adviser_for(
        options, config, bars or [_no_bars()], RunMode.DRY_RUN, since_ns=since_ns
    )
    suggestions: list[Suggestion] = []
    closed_ns: int | None = None
    for close_ns, found in closed_steps(bars, since_ns) if bars else ():
        closed_ns = close_ns
        suggestions += adviser.on_bars(close_ns, found)
    return Rehearsal(
        parts=_parts(context, options, config, adviser, bars),
        closed_ns=closed_ns,
        suggestions=suggestions,
        data=[item.provenance.name for item in bars],
    )


def _bars(context: Context, options: MarketOptions) -> Sequence[Bars]:
    """Load what was asked for, else the sample, else the data set with the newest bar."""
    from dataclasses import replace

    from athena.market import list_datasets
    from athena.research.runs import load_sources

    if not options.data:
        infos = list_datasets(context.home)
        if not infos:
            return []
        names = {item.name for item in infos}
        newest = max(infos, key=lambda item: (item.last, item.name)).name
        chosen = SAMPLE_SETS if names.issuperset(SAMPLE_SETS) else (newest,)
        options = replace(options, data=chosen)
    _, bars = load_sources(options.request(context), context.home)
    return bars


def _no_bars() -> Bars:
    instrument = built_in_instrument(_WITHOUT_DATA)
    if instrument is None:
        message = f"expected {_WITHOUT_DATA} among the built-in instruments, was not"
        raise CoreError(message)
    columns = {name: np.zeros(0, np.int64) for name in BAR_COLUMNS}
    provenance = Provenance("none", "no data", "")
    return Bars(instrument, HOUR_NS, provenance=provenance, **columns)


def _parts(
    context: Context,
    options: MarketOptions,
    config: Config,
    adviser: Adviser,
    bars: Sequence[Bars],
) -> dict[str, str]:
    """Say of each part how it stands; what cannot be built raises."""
    session = adviser.session
    symbols = ", ".join(item.symbol for item in session.instruments)
    quote = session.instruments[0].quote
    cash = format_decimal(assumed_cash(options))
    return {
        "configuration": _configuration(context),
        "risk limits": _limits(options, config),
        "instruments": symbols if bars else f"{symbols}, for there is no data",
        "data": _data(bars),
        "strategy": " ".join((options.strategy, *options.param)),
        "account": f"assumed: {cash} {quote}, no positions; none was read",
        "database": describe_database(config.database.url, context.home),
        "journal": _journal(adviser),
        "venue": _venue(adviser, config),
        "keys": _keys(),
    }


def _configuration(context: Context) -> str:
    origins = context.loaded.origins.values()
    n_set = sum(origin != "default" for origin in origins)
    file = context.loaded.file
    return f"{'no file' if file is None else file}, {n_set} set, the rest are defaults"


def _limits(options: MarketOptions, config: Config) -> str:
    if options.risk == "open":
        return "open: every check runs, none binds"
    risk = config.risk
    return (
        f"{options.risk}: {risk.risk_per_trade_frac:%} a trade, position "
        f"{risk.position_notional_frac:.0%}, gross {risk.gross_exposure_frac:.0%}, daily loss "
        f"{risk.breakers.daily_loss_frac:.0%}"
    )


def _data(bars: Sequence[Bars]) -> str:
    if not bars:
        return "none: athena data sample"
    names = ", ".join(item.provenance.name for item in bars)
    return f"{names}, bars of {format_interval(bars[0].interval_ns)}"


def _journal(adviser: Adviser) -> str:
    """Replay the journal that was written, as a restart would (I9).

    Raises:
        CheckFailed: replay makes something else.
    """
    adviser.session.flush()
    folded = fold_journal(adviser.store, from_beginning=True)
    ours, theirs = digest_of(adviser.session.core.s), digest_of(folded.tables.views)
    if ours != theirs:
        message = f"expected the journal's replay to make digest {ours}, was {theirs}"
        raise CheckFailed(message, hint="report it: a replay that differs is a defect")
    return f"in memory; {folded.n_events} records replay to digest {ours}"


def _venue(adviser: Adviser, config: Config) -> str:
    """Build the adapter and say what it would ask first."""
    from athena.venues.kraken import KrakenAdapter, Tier

    adapter = KrakenAdapter(adviser.session.instruments, tier=Tier.STARTER)
    first = ", ".join(call.endpoint for call in adapter.begin(SystemClock().now_ns()).calls)
    return f"kraken at {config.venues.kraken.url}; would ask {first} first, nothing was asked"


def _keys() -> str:
    missing = [
        name
        for name in (SecretName.KRAKEN_KEY, SecretName.KRAKEN_SECRET)
        if find_secret(name) is None
    ]
    return f"none ({', '.join(missing)}); only athena live needs them" if missing else "found"


def _order(item: Suggestion) -> dict[str, object]:
    order = item.order
    if order is None:
        message = "expected an order, was a refused suggestion"
        raise CoreError(message)
    return {
        "symbol": item.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": item.quantity,
        "limit_price": item.limit_price,
        "time_in_force": order.time_in_force.value,
        "client_id": order.client_id,
    }

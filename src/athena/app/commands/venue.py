"""`athena venue`: a local exchange to try things against."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from athena.app._venue_feed import Market
    from athena.platform.config import Config
    from athena.venues.exchange import Exchange
    from athena.venues.faults import FaultChoice
    from athena.venues.serving import Host, VenueServer

_STARTING_BALANCE = 10_000  # of each quote currency


def register(app: typer.Typer) -> None:
    """Add the group `venue` to the command line."""
    group = typer.Typer(help="Serve a local exchange.", no_args_is_help=True)
    group.command("serve")(serve)
    app.add_typer(group, name="venue")


def serve(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of 127.0.0.1; 0 takes a free one.")
    ] = 0,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Data set or file, or mock (a seeded walk), mock:ETH/USD."),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Symbol of each --data, in the same order.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, max=100_000, help="Seconds of data per second.")
    ] = 1.0,
    faults: Annotated[
        str, typer.Option(help="none, all, names with rates (late,duplicate:0.1) or a YAML file.")
    ] = "none",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of ids, costs, faults and mock; 0 is a seed.")
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option(help="CUR=AMOUNT of a new account; else 10000 of each quote currency."),
    ] = None,
    history: Annotated[
        int, typer.Option(min=0, help="Bars that are over at the start; at most half the data.")
    ] = 4_320,
    state: Annotated[
        Path | None, typer.Option(help="File to go on from, and to save to at the end.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a local exchange that speaks Kraken's REST and WebSocket, until it is stopped.

    Any key and secret open a funded test account; a key that starts with `revoked` is refused.
    Prices come from the data's bars, four trades a bar, moved to the present; with --speed the
    exchange's clock runs that many times as fast as the wall's. Without --data: mock.

    Example: athena venue serve --data btc-usd-30m --speed 60 --faults timeout_after_accept:0.1
    """
    from athena.app._venue_feed import MOCK, load_market, read_faults
    from athena.venues.serving import VenueServer

    context = Context.of(ctx, as_json=as_json)
    config = context.load({"run.seed": seed}).config
    choice = read_faults(faults)
    context.start_logging()
    market = load_market(data or [MOCK], symbol or (), context.home, seed=config.run.seed)
    balances = _balances(balance or (), market)
    host, is_restored = _open_exchange(
        market, config, choice, balances, n_history=history, speed=speed, state=state
    )
    if is_restored:
        context.output.say(f"goes on from {state}: accounts, fees and seed are those it holds")
    save = partial(_save, host, market, state)
    with closing(VenueServer(host, port)) as server:
        save()  # what cannot be written is better known before the day's work than after it
        _run(server, _announcement(context, server, host, market, speed, state), save)


def _run(server: VenueServer, on_ready: Callable[[], None], save: Callable[[], None]) -> None:
    """Serve until something ends it; an exchange that broke is not saved."""
    try:
        server.run(on_ready)
    except (KeyboardInterrupt, SystemExit):
        save()
        raise
    save()


def _open_exchange(  # noqa: PLR0913 - one option each
    market: Market,
    config: Config,
    choice: FaultChoice,
    balances: Mapping[str, Decimal],
    *,
    n_history: int,
    speed: float,
    state: Path | None,
) -> tuple[Host, bool]:
    """Open an exchange that is up to date, new or from a file; say which."""
    from athena.platform import SystemClock
    from athena.venues.exchange import Exchange
    from athena.venues.serving import Feed, Host, ServedClock, read_state

    now_ns = SystemClock().now_ns()
    saved = None if state is None else read_state(state, market.identity)
    if saved is None:
        origin_ns = market.origin_ns(now_ns, min(n_history, market.n_bars // 2))
        exchange = _new_exchange(market, config, balances, origin_ns, speed=speed)
        feed = Feed(market.trades(), origin_ns)
    else:
        exchange = Exchange.restore(saved.exchange)
        # A fast exchange was ahead of the wall's clock; time never runs backwards.
        now_ns = max(now_ns, exchange.now_ns)
        feed = Feed(market.trades(), saved.origin_ns, after_ns=exchange.now_ns)
    plan = choice.plan(config.run.seed, now_ns)
    # Who lives by a fast clock must not wait minutes of it for what is meant to be seconds late.
    plan = replace(plan, max_delay_ns=round(plan.max_delay_ns / max(1.0, speed)))
    clock = ServedClock.starting_at(now_ns, speed)
    host = Host(exchange, feed, clock, plan)
    host.advance()
    return host, saved is not None


def _new_exchange(
    market: Market,
    config: Config,
    balances: Mapping[str, Decimal],
    now_ns: int,
    *,
    speed: float,
) -> Exchange:
    from athena.app._venue_feed import exchange_settings
    from athena.venues.exchange import Exchange, Listing

    settings = exchange_settings(config, balances, speed=speed)
    return Exchange(tuple(map(Listing, market.instruments)), settings, now_ns=now_ns)


def _save(host: Host, market: Market, state: Path | None) -> None:
    from athena.venues.serving import ServedState, write_state

    if state is not None:
        saved = ServedState(host.exchange.save(), market.identity, host.feed.origin_ns)
        write_state(saved, state)


def _balances(texts: Sequence[str], market: Market) -> dict[str, Decimal]:
    """Read `CUR=AMOUNT`; without any, give of each currency that is only ever paid with."""
    from decimal import Decimal

    from athena.domain import parse_decimal

    bases = {item.base for item in market.instruments}
    quotes = {item.quote for item in market.instruments}
    if not texts:
        return {currency: Decimal(_STARTING_BALANCE) for currency in sorted(quotes - bases)}
    balances: dict[str, Decimal] = {}
    for text in texts:
        currency, equals, amount = text.partition("=")
        if not equals or currency not in bases | quotes or currency in balances:
            message = f"expected --balance CUR=AMOUNT, each of {_listed(bases | quotes)} at most "
            message += f"once, was {text!r}"
            raise InputError(message)
        balances[currency] = parse_decimal(amount, what=f"--balance of {currency}")
    return balances


def _announcement(  # noqa: PLR0913, PLR0917 - what there is to say
    context: Context,
    server: VenueServer,
    host: Host,
    market: Market,
    speed: float,
    state: Path | None,
) -> Callable[[], None]:
    def announce() -> None:
        payload = _payload(server, host, market, speed, state)
        context.output.emit(payload, *_lines(payload))
        # Whoever waits for this line reads it through a pipe, and the command goes on.
        sys.stdout.flush()

    return announce


def _payload(
    server: VenueServer, host: Host, market: Market, speed: float, state: Path | None
) -> dict[str, Any]:
    from athena.domain import format_time

    return {
        "url": server.rest_url,
        "stream_url": server.stream_url,
        "port": server.port,
        "now": format_time(host.exchange.now_ns),
        "speed": speed,
        "data": [
            {
                "symbol": item.instrument.symbol,
                "name": item.provenance.name,
                "origin": item.provenance.origin,
                "sha256": item.provenance.sha256,
                "is_synthetic": item.provenance.is_synthetic,
                "bars": len(item),
            }
            for item in market.bars
        ],
        "seed": host.plan.seed,
        "faults": {fault.value: rate for fault, rate in host.plan.rates.items()},
        "state": state,
    }


def _lines(payload: Mapping[str, Any]) -> list[str]:
    faults = _listed(f"{name} {rate:g}" for name, rate in payload["faults"].items()) or "none"
    markets = [f"{item['symbol']}: {item['name']}, {item['origin']}" for item in payload["data"]]
    return [
        f"REST:   {payload['url']}",
        f"stream: {payload['stream_url']}",
        *markets,
        f"faults: {faults}",
        f"ready at {payload['now']}, {payload['speed']:g} x the wall's clock; Ctrl-C stops",
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

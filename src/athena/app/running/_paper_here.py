"""Paper on an exchange in this process: data sets replayed, or Kraken's public prices followed."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from athena.app._fetch import limits_file
from athena.app._venue_feed import exchange_settings, load_market
from athena.app.running._accounts import held_account
from athena.app.running._bars import RecordedBars, moved
from athena.app.running._compare import differences
from athena.app.running._local_venue import (
    ACCOUNT,
    KeptExchange,
    LocalVenue,
    PushedTrades,
    keeper,
)
from athena.app.running._public_bars import PolledBars, PricePoll
from athena.app.running._requests import (
    HISTORY,
    cash_text,
    digest_of_setup,
    opening_of,
    say_begin,
    settings_of,
    setup_of,
    strategies_of,
)
from athena.app.running._run import RunResult, Stage, run_account
from athena.app.running._sockets import is_this_machine
from athena.domain import DAY_NS, MINUTE_NS, RunMode, format_interval, parse_interval_ns
from athena.errors import InputError, ServiceDown
from athena.market import FeedSource
from athena.platform import RandomIds, SystemClock
from athena.trading import layout as at
from athena.venues.exchange import Listing
from athena.venues.faults import NO_FAULTS
from athena.venues.kraken import HOUSE_RULES, KrakenAdapter, PublicKraken, PublicTransport, Tier
from athena.venues.limits import RateLimiter
from athena.venues.serving import Feed, ServedClock, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from athena.app._venue_feed import Market
    from athena.app.running._accounts import Account
    from athena.app.running._bars import BarSource
    from athena.app.running._engine import Engine
    from athena.app.running._local_venue import TradeFeed
    from athena.app.running._requests import Asked
    from athena.domain import Instrument
    from athena.trading.live import Session

    Beside = Callable[[Engine], Coroutine[Any, Any, None]]

VENUE = "sim"
_EXCHANGE_FILE = "exchange.json"
_POLL_MIN_S = 5.0
_HISTORY_NS = 32 * DAY_NS  # value at risk takes 30 daily returns
_POLL_EACH_S = 2.5  # most of the house's calls, less those for bars
_ASK_TIMEOUT_S = 10.0


def run_paper_here(asked: Asked) -> RunResult:
    """Trade on an exchange in this process.

    Raises:
        InputError: something asked for is not valid; nothing was begun.
        AthenaError: as `run_account`.
    """
    strategies_of(asked.request)  # what cannot be built begins no session
    return _recorded(asked) if asked.request.data else _followed(asked)


# --- data sets -----------------------------------------------------------------------------------


def _recorded(asked: Asked) -> RunResult:
    """Trade on data sets that are replayed from now on."""
    request, config = asked.request, asked.config
    market = load_market(
        request.data,
        request.symbols,
        asked.home,
        seed=config.run.seed,
        mock_interval_ns=request.interval_ns or MINUTE_NS,
    )
    interval_ns = _common_interval(market, request.interval_ns)
    setup = setup_of(request, market.instruments, interval_ns, market.identity)
    with _held(asked, setup) as account:
        file = account.folder / _EXCHANGE_FILE
        now_ns = SystemClock().now_ns()
        saved = read_state(file, market.identity)
        if saved is None:
            origin_ns = market.origin_ns(now_ns, _n_history(market, interval_ns))
            opened_ns = max(origin_ns, now_ns - HISTORY * interval_ns)
            exchange = _new_exchange(asked, market.instruments, opened_ns)
            feed = Feed(market.trades(), origin_ns, after_ns=opened_ns - 1)
        else:
            origin_ns = saved.origin_ns
            exchange = KeptExchange.restore(saved.exchange)
            feed = Feed(market.trades(), origin_ns, after_ns=exchange.now_ns)
        exchange.keep = keeper(file, market.identity, origin_ns)
        shift_ns = origin_ns - market.start_ns
        bars = [
            moved(item, own, shift_ns)
            for item, own in zip(market.bars, market.instruments, strict=True)
        ]
        is_mock = any(item.provenance.is_synthetic for item in market.bars)
        source = FeedSource.MOCK if is_mock else FeedSource.FILE
        scene = _Scene(exchange, feed, RecordedBars(bars, source), market.instruments, source)
        prices = f"{market.identity} at {request.speed:g} x the wall's clock"
        say_begin(asked, account, prices)
        details = {"data": [item.provenance.origin for item in market.bars], **setup}
        stage = _stage(asked, account, scene, details)
        return run_account(
            stage, mode=RunMode.PAPER, duration_ns=request.duration_ns, say=asked.say
        )


def _n_history(market: Market, interval_ns: int) -> int:
    """Return how many bars come before the session: a month for the risk engine, half at most."""
    return min(max(HISTORY, _HISTORY_NS // interval_ns), market.n_bars // 2)


def _common_interval(market: Market, wanted_ns: int | None) -> int:
    found = {item.interval_ns for item in market.bars}
    if len(found) > 1 or (wanted_ns is not None and found != {wanted_ns}):
        named = ", ".join(format_interval(item) for item in sorted(found))
        wanted = "one interval" if wanted_ns is None else f"bars of {format_interval(wanted_ns)}"
        message = f"expected {wanted} in all --data, was {named}"
        raise InputError(message, hint="leave --interval out to take the data's own")
    return found.pop()


# --- public prices -------------------------------------------------------------------------------


def _followed(asked: Asked) -> RunResult:
    """Trade at Kraken's public prices, as they come."""
    request, config = asked.request, asked.config
    if request.speed != 1:
        message = f"expected --speed 1 with live prices, was {request.speed:g}"
        raise InputError(message, hint="name recorded prices: --data NAME, or --data mock")
    interval_ns = request.interval_ns or parse_interval_ns(config.session.interval)
    url = config.venues.kraken.url
    with ExitStack() as stack:
        kraken = stack.enter_context(public_kraken(url, limits_file(asked.home)))
        rules = [kraken.pair_rules(symbol) for symbol in request.symbols]
        instruments = tuple(item.instrument() for item in rules)
        identity = f"public prices of {url}"
        setup = setup_of(request, instruments, interval_ns, identity)
        account = stack.enter_context(_held(asked, setup))
        file = account.folder / _EXCHANGE_FILE
        now_ns = SystemClock().now_ns()
        saved = read_state(file, identity)
        exchange = (
            _new_exchange(asked, instruments, now_ns)
            if saved is None
            else KeptExchange.restore(saved.exchange)
        )
        exchange.keep = keeper(file, identity, 0)
        trades = PushedTrades()
        bars = PolledBars(kraken, rules, instruments, interval_ns)
        every_s = max(_POLL_MIN_S, _POLL_EACH_S * len(rules))
        poll = PricePoll(
            lambda k: kraken.newest_bar(rules[k], MINUTE_NS), instruments, trades, every_s=every_s
        )
        source = FeedSource.MOCK if is_this_machine(url) else FeedSource.LIVE
        scene = _Scene(exchange, trades, bars, instruments, source)
        say_begin(asked, account, f"{identity}, asked every {every_s:g} s")
        stage = _stage(asked, account, scene, setup)

        async def keep_bars(engine: Engine) -> None:
            ground = stage.ground
            await bars.keep(SystemClock(), lambda why: engine.data_judged(why, ground.now_ns))

        async def keep_prices(engine: Engine) -> None:
            ground = stage.ground
            await poll.keep(lambda why: engine.data_judged(why, ground.now_ns))

        stage = replace(stage, besides=(keep_bars, keep_prices))
        return run_account(
            stage, mode=RunMode.PAPER, duration_ns=request.duration_ns, say=asked.say
        )


@contextmanager
def public_kraken(
    url: str, limits: Path, *, limiter: RateLimiter | None = None
) -> Iterator[PublicKraken]:
    """Offer Kraken's public interface; whoever waits in it at the end is sent away.

    Args:
        url: address without a path.
        limits: file in which calls are counted.
        limiter: of an account that counts them too; None makes one of the house's rules.
    """
    closing = threading.Event()
    own = limiter or RateLimiter(limits, HOUSE_RULES)
    with PublicTransport(url, timeout_s=_ASK_TIMEOUT_S) as transport:
        try:
            yield PublicKraken(transport, replace(own, sleep=_sleeper(closing, own.sleep)))
        finally:
            closing.set()


def _sleeper(closing: threading.Event, sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Return a sleep that ends with the session."""
    del sleep

    def wait(seconds: float) -> None:
        if closing.wait(seconds):
            message = "expected to wait for a turn, was sent away: the session ends"
            raise ServiceDown(message)

    return wait


# --- both ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scene:
    """An exchange, its market, and the bars that strategies see of it."""

    exchange: KeptExchange
    feed: TradeFeed
    bars: BarSource
    instruments: Sequence[Instrument]
    source: FeedSource


@contextmanager
def _held(asked: Asked, setup: Mapping[str, Any]) -> Iterator[Account]:
    """Hold the account of a setup: each setup has money of its own."""
    request, config = asked.request, asked.config
    own = {**setup, "cash": cash_text(request.cash), "seed": config.run.seed}
    place = (str(RunMode.PAPER), VENUE, digest_of_setup(own))
    with held_account(
        asked.home,
        place,
        own,
        settings_of(config, 1.0),
        wants_new=request.wants_new,
        ids=RandomIds(),
        now_ns=SystemClock().now_ns(),
        speed=request.speed,
    ) as account:
        yield account


def _new_exchange(asked: Asked, instruments: Sequence[Instrument], now_ns: int) -> KeptExchange:
    quotes = {item.quote for item in instruments}
    if len(quotes) > 1:
        message = f"expected symbols quoted in one currency, was {', '.join(sorted(quotes))}"
        raise InputError(message)
    settings = exchange_settings(asked.config, {quotes.pop(): asked.request.cash})
    return KeptExchange(tuple(map(Listing, instruments)), settings, now_ns=now_ns)


def _stage(asked: Asked, account: Account, scene: _Scene, details: Mapping[str, object]) -> Stage:
    request, config = asked.request, asked.config
    # A fast clock is ahead of the wall's: nobody's time may run backwards over a restart.
    lived_ns = 0 if account.session is None else account.session.core.s.account[at.NOW_NS]
    now_ns = max(SystemClock().now_ns(), scene.exchange.now_ns, lived_ns)
    adapter = KrakenAdapter(
        scene.instruments,
        tier=Tier(config.venues.kraken.tier),
        wants_dead_man=config.venues.kraken.has_dead_man_switch,
        seed=config.run.seed,
    )
    plan = NO_FAULTS
    if request.faults is not None:
        plan = request.faults.plan(config.run.seed, now_ns)
    clock = ServedClock.starting_at(now_ns, request.speed)
    ground = LocalVenue(scene.exchange, scene.feed, plan, adapter.counter_rules, clock)
    return Stage(
        config=config,
        home=asked.home,
        account=account,
        opening=opening_of(asked, scene.instruments, details),
        adapter=adapter,
        ground=ground,
        wires=ground,
        bars=scene.bars,
        venue=VENUE,
        feed=scene.source,
        compare=partial(_compared, scene.exchange),
        arguments=request.arguments,
        speed=request.speed,
        caught=asked.caught,
    )


def _compared(exchange: KeptExchange, session: Session) -> list[str]:
    """Ask the exchange itself what it knows; no wire lies between."""
    return differences(session, lambda endpoint: exchange.private(ACCOUNT, endpoint, {}))

"""A session over Kraken's own wire: the real adapter, HTTP and WebSocket."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from athena.app.running._accounts import held_account
from athena.app.running._machine import account_on_this_machine, accounts_folder
from athena.app.running._pace import clock_of_venue
from athena.app.running._public_bars import PolledBars
from athena.app.running._requests import (
    opening_of,
    say_begin,
    settings_of,
    setup_of,
    strategies_of,
)
from athena.app.running._run import RunResult, Stage, run_account
from athena.app.running._sockets import SocketWires, addresses_of
from athena.domain import RunMode, parse_interval_ns
from athena.errors import ServiceDown, VenueBusy
from athena.market import FeedSource
from athena.platform import RandomIds, Secret, SteadyClock, home_folder
from athena.trading.live import refuse_older_clock
from athena.venues.kraken import (
    TIERS,
    Keys,
    KrakenAdapter,
    NonceSource,
    PublicKraken,
    PublicTransport,
    Signer,
    Tier,
)
from athena.venues.limits import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from athena.app.running._engine import Engine
    from athena.app.running._requests import Asked
    from athena.platform import Clock

ResultT = TypeVar("ResultT")

VENUE = "kraken"
_PAPER_KEY = "athena-paper"
_ASK_TIMEOUT_S = 10.0
_ASK_TIMEOUT_MIN_S = 0.5
_TRIES = 2
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class KrakenDoor:
    """Where Kraken is, and who asks.

    Attributes:
        url: of its REST interface, without a path.
        keys: of the account.
        mode: of the run.
    """

    url: str
    keys: Keys
    mode: RunMode

    @property
    def account(self) -> str:
        """Return a name of the account that tells nobody its key."""
        whole = f"{urlsplit(self.url).netloc} {self.keys.key.reveal()}"
        return hashlib.sha256(whole.encode()).hexdigest()[:12]


def run_over_kraken(asked: Asked, door: KrakenDoor) -> RunResult:
    """Trade an account at Kraken, or at whoever speaks like it.

    Whether it may be traded was decided before: here orders are sent.

    Raises:
        ServiceDown: the venue could not be reached.
        InputError: something asked for is not valid.
        AthenaError: as `run_account`.
    """
    request, config, home = asked.request, asked.config, asked.home
    strategies_of(request)  # what cannot be built begins no session
    interval_ns = request.interval_ns or parse_interval_ns(config.session.interval)
    settings = settings_of(config, request.speed)
    tier = Tier(config.venues.kraken.tier)
    place = (str(door.mode), VENUE, door.account)
    signer = Signer(door.url, door.keys, NonceSource())
    with (
        account_on_this_machine(door.account, home, accounts_folder()),
        _asking(door, home, request.speed, tier) as (kraken, clock),
    ):
        rules = [_patiently(kraken.pair_rules, symbol) for symbol in request.symbols]
        instruments = [item.instrument() for item in rules]
        setup = setup_of(request, instruments, interval_ns, f"public bars of {door.url}")
        with held_account(
            home,
            place,
            setup,
            settings,
            wants_new=request.wants_new,
            ids=RandomIds(),
            now_ns=clock.now_ns(),
            speed=request.speed,
        ) as account:
            if request.speed == 1 and account.session is not None:
                refuse_older_clock(account.session, clock.now_ns())
            say_begin(asked, account, f"{door.url} at {request.speed:g} x the wall's clock")
            opening = opening_of(asked, instruments, setup)
            wires = SocketWires(
                addresses_of(door.url), signer, kraken.limiter, clock=clock, speed=request.speed
            )
            bars = PolledBars(kraken, rules, opening.instruments, interval_ns, speed=request.speed)

            async def keep_bars(engine: Engine) -> None:
                await bars.keep(clock, lambda why: engine.data_judged(why, clock.now_ns()))

            stage = Stage(
                config=config,
                home=home,
                account=account,
                opening=opening,
                adapter=KrakenAdapter(
                    opening.instruments,
                    tier=tier,
                    wants_dead_man=config.venues.kraken.has_dead_man_switch,
                    seed=config.run.seed,
                ),
                ground=wires,
                wires=wires,
                bars=bars,
                venue=VENUE,
                feed=FeedSource.LIVE if door.mode is RunMode.LIVE else FeedSource.MOCK,
                besides=(keep_bars,),
                arguments=request.arguments,
                speed=request.speed,
                caught=asked.caught,
            )
            return run_account(
                stage, mode=door.mode, duration_ns=request.duration_ns, say=asked.say
            )


def paper_keys() -> Keys:
    """Return keys that open a test account at a local exchange, and nothing anywhere else."""
    secret = base64.b64encode(hashlib.sha512(_PAPER_KEY.encode()).digest()).decode()
    return Keys(Secret(_PAPER_KEY), Secret(secret))


@contextmanager
def _asking(
    door: KrakenDoor, home: Path, speed: float, tier: Tier
) -> Iterator[tuple[PublicKraken, Clock]]:
    """Offer the public interface and the clock; who waits in it at the end is sent away."""
    closing = threading.Event()

    def wait(seconds: float) -> None:
        if closing.wait(seconds / speed):
            message = "expected to wait for a turn, was sent away: the session ends"
            raise ServiceDown(message)

    limits = home_folder(home, "cache") / f"kraken-{door.account}-limits.json"
    timeout_s = max(_ASK_TIMEOUT_MIN_S, _ASK_TIMEOUT_S / speed)
    with PublicTransport(door.url, timeout_s=timeout_s) as transport:
        clock: Clock = SteadyClock() if speed == 1 else clock_of_venue(transport, speed)
        limiter = RateLimiter(limits, TIERS[tier].rules(), clock=clock, sleep=wait)
        try:
            yield PublicKraken(transport, limiter), clock
        finally:
            closing.set()


def _patiently(ask: Callable[[str], ResultT], symbol: str) -> ResultT:
    """Ask again while the venue may still answer: a start must survive a bad minute."""
    for _ in range(_TRIES - 1):
        try:
            return ask(symbol)
        except (ServiceDown, VenueBusy):
            time.sleep(_PAUSE_S)
    return ask(symbol)

"""What a person asks of a session, and what both kinds of venue need of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.app.gate import StrategyChoice, take_fingerprint
from athena.app.running._accounts import Opening
from athena.domain import SECOND_NS, format_decimal, format_interval
from athena.errors import InputError
from athena.research.runs import environment
from athena.research.strategies import load_strategy
from athena.trading import needs_fit
from athena.trading.live import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.app._signals import Caught
    from athena.app.running._accounts import Account
    from athena.domain import Instrument
    from athena.platform.config import Config
    from athena.trading import Strategy
    from athena.venues.faults import FaultChoice

HISTORY = 720  # bars that a strategy begins with: what Kraken serves at most
_DEADLINE_MAX_NS = 60 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRequest:
    """What a person asks of a paper session.

    Attributes:
        strategy: built-in name, ``file.py:Class`` or ``module:Class``.
        parameters: name -> text.
        symbols: what it trades; for `data`, of each set, or empty to take the sets' own.
        data: sets, files or `mock`, replayed from now on; empty follows Kraken's public prices.
        interval_ns: of the bars; None takes the data's, or the configuration's.
        speed: seconds of the session in one of the wall's.
        duration_ns: of the session's clock; None is for ever.
        cash: that a new account begins with.
        faults: what goes wrong; None is nothing.
        wants_new: begin another session in the place of the one that is there.
        arguments: of the command line, for crash bundles.
    """

    strategy: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    symbols: Sequence[str] = ()
    data: Sequence[str] = ()
    interval_ns: int | None = None
    speed: float = 1.0
    duration_ns: int | None = None
    cash: Decimal = Decimal(10_000)
    faults: FaultChoice | None = None
    wants_new: bool = False
    arguments: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with all that it is carried out with.

    Attributes:
        request: what is asked.
        config: limits, costs, venues, database, notices.
        home: data home.
        say: told how it goes, a line at a time.
        caught: signals, since the command began.
    """

    request: PaperRequest
    config: Config
    home: Path
    say: Callable[[str], None]
    caught: Caught


def strategies_of(request: PaperRequest) -> list[tuple[str, Strategy]]:
    """Build the strategy.

    Raises:
        InputError: there is none of that name, a parameter does not fit, or it has to be fitted.
    """
    name, strategy = load_strategy(request.strategy, request.parameters)
    if needs_fit(strategy):
        message = f"expected a strategy that needs no fit, was {name}, which defines one"
        raise InputError(message, hint=f"athena walkforward --strategy {request.strategy}")
    return [(name, strategy)]


def setup_of(
    request: PaperRequest, instruments: Sequence[Instrument], interval_ns: int, data: str
) -> dict[str, Any]:
    """Return what a session is about: it goes on only with the same."""
    return {
        "strategy": request.strategy,
        "parameters": dict(sorted(request.parameters.items())),
        "symbols": [item.symbol for item in instruments],
        "interval": format_interval(interval_ns),
        "data": data,
    }


def digest_of_setup(setup: Mapping[str, Any]) -> str:
    """Return a short name that is equal for equal setups."""
    return hashlib.sha256(json.dumps(setup, sort_keys=True).encode()).hexdigest()[:12]


def settings_of(config: Config, speed: float) -> SessionSettings:
    """Return how a session behaves; on a fast clock orders still have the wall's time."""
    deadline_ns = int(config.session.order_deadline_s * SECOND_NS)
    return SessionSettings(deadline_ns=min(_DEADLINE_MAX_NS, int(deadline_ns * max(1.0, speed))))


def opening_of(
    asked: Asked, instruments: Sequence[Instrument], details: Mapping[str, object]
) -> Opening:
    """Return how a session begins on its account.

    Args:
        asked: what is asked.
        instruments: of the session.
        details: for the manifest; `interval` is that of the bars.

    Raises:
        InputError: as `strategies_of`.
    """
    request, config = asked.request, asked.config
    strategies = strategies_of(request)
    choices = [
        StrategyChoice(request.strategy, request.parameters, strategy)
        for _, strategy in strategies
    ]
    markets = [f"{item.symbol} {details['interval']}" for item in instruments]
    fingerprint = take_fingerprint(config.risk, choices, markets)
    return Opening(
        config=config,
        # Margin is not offered: whatever a venue lends, a sale never goes beyond the holding.
        instruments=[replace(item, is_margin=False) for item in instruments],
        strategies=strategies,
        settings=settings_of(config, request.speed),
        fingerprint=fingerprint.digest,
        details={
            **details,
            "seed": config.run.seed,
            "environment": environment(),
            "fingerprint": fingerprint.to_values(),
            # What the venue of a backtest beside it has to be like.
            "costs": config.costs.model_dump(mode="json"),
            "execution": config.execution.model_dump(mode="json"),
        },
    )


def say_begin(asked: Asked, account: Account, prices: str) -> None:
    """Say which session it is, and where its prices come from."""
    say, resumed = asked.say, account.resumed
    if resumed is None:
        say(f"session {account.file.id} begins; prices: {prices}")
        return
    say(
        f"session {account.file.id} goes on: {resumed.n_events} events applied again, "
        f"digest {resumed.digest}; prices: {prices}"
    )
    begun, now = account.file.speed, asked.request.speed
    if begun not in {0, now}:
        say(f"it was begun with --speed {begun:g} and goes on with {now:g}")
    if resumed.torn is not None:
        say(f"a crash tore the journal's end: {resumed.torn}; it was cut off")


def cash_text(cash: Decimal) -> str:
    """Return an amount as it is written into a setup."""
    return format_decimal(cash)

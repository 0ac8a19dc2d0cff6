"""A full book: every position taken, every row of the order table but one in use (C24)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import Instrument, OrderType, Purpose, Side
from athena.platform.config import CostsConfig, RiskConfig
from athena.research import open_instrument_limits, open_limits, risk_limits
from athena.trading import Intent, StrategySlot, codes, new_state, outside, step, write_intent
from athena.trading import layout as at
from benchmarks.live.desk import START_NS

if TYPE_CHECKING:
    from athena.trading import State, StateTables

N_INSTRUMENTS = at.MAX_INSTRUMENTS
N_STRATEGIES = at.MAX_STRATEGIES
N_ORDERS = at.MAX_ORDERS - 1  # the one that is judged takes a row, if only to be denied
_PRICE = 10_000
_LOTS = 1_000


@dataclass(slots=True)
class _Builder:
    """Fill a book by the core's own steps."""

    tables: StateTables
    n_trades: int = 0

    @property
    def s(self) -> State:
        return self.tables.views

    def ask(self, strategy: int, intent: Intent) -> int:
        """Have an order approved and accepted."""
        write_intent(intent, strategy, self.s.intent)
        number = step.apply_intent(self.s)
        if self.s.verdict[at.CODE]:
            message = f"expected an approval, was code {self.s.verdict[at.CODE]}"
            raise RuntimeError(message)
        step.apply_report(self.s, codes.ACCEPTED, number, 0, 0, 0, 0, 0)
        self.empty()
        return number

    def fill(self, number: int) -> None:
        """Fill an order whole."""
        self.n_trades += 1
        step.apply_report(
            self.s, codes.FILLED_REPORT, number, _LOTS, _PRICE, 0, codes.TAKER, self.n_trades
        )
        self.empty()

    def empty(self) -> None:
        """Let go of what the core has recorded and queued."""
        self.s.account[at.N_WORDS] = 0
        self.s.account[at.N_EFFECTS] = 0


def full_book() -> StateTables:
    """Return a state with 1,024 positions and 511 live orders, under the default limits.

    Half of the orders would enter, the other half are exits that wait for a price.
    """
    instruments = [
        Instrument(f"C{k}/USD", Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001"))
        for k in range(N_INSTRUMENTS)
    ]
    tables = new_state(
        instruments=instruments,
        instrument_limits=[open_instrument_limits() for _ in instruments],
        strategies=[
            StrategySlot(f"s{k}", share_ppm=at.PPM // N_STRATEGIES) for k in range(N_STRATEGIES)
        ],
        limits=open_limits(CostsConfig()),
        cash=Decimal(1_000_000),
        start_ns=START_NS,
    )
    book = _Builder(tables)
    step.apply_health(book.s, 0, START_NS)
    for k in range(N_INSTRUMENTS):
        outside.apply_price(book.s, k, _PRICE, _PRICE, _PRICE, START_NS)
        values = (k, 100, 100, 10**12, 10**9, 10_000, 20_000, 1_000)
        for field, value in enumerate(values):
            book.s.intent[field] = value
        outside.apply_risk(book.s)
    places = [(strategy, k) for strategy in range(N_STRATEGIES) for k in range(N_INSTRUMENTS)]
    for strategy, k in places:
        book.fill(book.ask(strategy, Intent(side=Side.BUY, lots=_LOTS, instrument=k)))
    for n, (strategy, k) in enumerate(places[: at.MAX_ORDERS // 2]):
        del n
        book.ask(strategy, _waiting(k, Purpose.ENTRY))
    for strategy, k in places[at.MAX_ORDERS // 2 : N_ORDERS]:
        book.ask(strategy, _waiting(k, Purpose.EXIT))
    tables.arrays.limits[:] = risk_limits(RiskConfig(), CostsConfig())
    return tables


def _waiting(k: int, purpose: Purpose) -> Intent:
    is_entry = purpose is Purpose.ENTRY
    return Intent(
        side=Side.BUY if is_entry else Side.SELL,
        lots=_LOTS,
        instrument=k,
        purpose=purpose,
        type=OrderType.LIMIT,
        limit_ticks=_PRICE * 9 // 10 if is_entry else _PRICE * 11 // 10,
    )


def random_wishes(n: int) -> list[tuple[int, Intent]]:
    """Return random purchases: any strategy, instrument, size and stop; market or limit."""
    random = np.random.default_rng(1)
    wishes = []
    for _ in range(n):
        stop_ppm = int(random.integers(2_000, 50_000))
        away = _PRICE * stop_ppm // at.PPM
        is_limit = bool(random.integers(2))
        intent = Intent(
            side=Side.BUY,
            lots=int(random.integers(1, 10 * _LOTS)),
            instrument=int(random.integers(N_INSTRUMENTS)),
            type=OrderType.LIMIT if is_limit else OrderType.MARKET,
            limit_ticks=_PRICE if is_limit else 0,
            stop_ticks=_PRICE - away,
        )
        wishes.append((int(random.integers(N_STRATEGIES)), intent))
    return wishes

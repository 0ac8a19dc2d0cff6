"""I1, I2, I4, I5, I6: random strategies on random bars; after each bar the books must agree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import Book, Instrument, OrderType, Purpose, Regime, Side
from athena.research.engine import _loop
from athena.trading import Intent, StrategySlot, codes, limits, step
from athena.trading import layout as at
from athena.trading._core import exposure, orders, positions
from athena.venues import VenueSettings, books_agree, matching, new_venue
from tests.conftest import IS_FULL
from tests.core_builder import BTC, HOUR, TEST, Core

if TYPE_CHECKING:
    from athena.trading import Tables
    from athena.venues import Venue

ETH = Instrument("ETH/USDT", Decimal("0.01"), Decimal("0.001"), is_margin=True)
STARTS = [10_000, 4_500_000, 250_000]
COMMANDS = [
    codes.COMMAND_PAUSE,
    codes.COMMAND_RESUME,
    codes.COMMAND_FLATTEN,
    codes.COMMAND_CANCEL_ALL,
    codes.COMMAND_CLOSE,
    codes.COMMAND_TIGHTEN,
    codes.COMMAND_KILL,
    codes.COMMAND_ADMIN_RESUME,
    codes.COMMAND_CANCEL,
]


class Market:
    """A core, a simulated venue and a random walk for each instrument."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)  # noqa: S311 - cases, not secrets
        self.core = Core(
            instruments=[TEST, BTC, ETH],
            strategies=[StrategySlot("a"), StrategySlot("b"), StrategySlot("core", Book.CORE)],
            cash=Decimal(100_000),
        )
        for column in (limits.COOLDOWN_TRADE_NS, limits.COOLDOWN_LOSS_NS):
            self.core.s.limits[column] = 0
        settings_ = VenueSettings(seed=seed % 1_000, is_path=bool(seed % 2))
        self.venue: Tables[Venue] = new_venue(settings_, Decimal(100_000))
        self.closes = list(STARTS)
        self.now = self.core.get(at.NOW_NS)
        self.step = 0

    def bar(self) -> None:
        """Show the venue and the core one bar of each instrument, not always liquid."""
        self.now += HOUR * self.draw.choice([1, 1, 1, 5, 30])
        for k, close in enumerate(self.closes):
            path = [max(2, int(close * self.draw.uniform(0.97, 1.03))) for _ in range(4)]
            volume = self.draw.choice([0, 50, 10**4, 10**12])
            bar = (path[0], max(path), min(path), path[3], volume)
            _loop.load_bar(self.venue.views, k, *bar)
            self.closes[k] = path[3]
        _loop.step_bar(self.core.s, self.venue.views, self.step, self.now)
        self.step += 1

    def act(self) -> None:
        strategy = self.draw.randrange(3)
        if self.draw.random() < 0.05:
            argument = self.draw.randint(0, 20)
            step.apply_command(self.core.s, self.draw.choice(COMMANDS), argument, 0)
        else:
            self.core.ask(self.intent(strategy), strategy)
        matching.drain(self.core.s, self.venue.views)

    def intent(self, strategy: int) -> Intent:
        draw = self.draw
        k = draw.randrange(3)
        close = self.closes[k]
        side = draw.choice([Side.BUY, Side.SELL])
        sign = 1 if side is Side.BUY else -1
        lots = max(1, int(draw.choice([50, 500, 5_000]) * 100 / self.lot_price(k)))
        if strategy == 2:
            return Intent(
                side=side,
                lots=lots,
                instrument=k,
                purpose=Purpose.REBALANCE,
                target_ppm=draw.choice([0, 200_000]),
            )
        if draw.random() < 0.2:
            kind = draw.choice([OrderType.MARKET, OrderType.TRAILING_STOP])
            return Intent(side=side, lots=lots, instrument=k, purpose=Purpose.EXIT, type=kind)
        kind = draw.choice([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP])
        entry = close if kind is OrderType.MARKET else int(close * draw.uniform(0.99, 1.01))
        wish = Intent(
            side=side,
            lots=lots,
            instrument=k,
            type=kind,
            stop_ticks=entry - sign * (entry // 50),
            target_ticks=draw.choice([0, entry + sign * (entry // 25)]),
            trail_ppm=draw.choice([0, 15_000]),
            break_even=draw.choice([True, False]),
            leverage=draw.randint(1, 5),
            regime=draw.choice(list(Regime)),
        )
        prices = {
            OrderType.MARKET: {},
            OrderType.LIMIT: {"limit_ticks": entry},
            OrderType.STOP: {"trigger_ticks": entry},
        }
        return replace(wish, **prices[kind])

    def lot_price(self, k: int) -> float:
        row = self.core.s.instruments
        return self.closes[k] * row[k, at.VALUE_NUM] / row[k, at.VALUE_DEN] / 10**6

    # --- what must hold ---

    def check(self) -> None:
        s = self.core.s
        assert books_agree(self.venue.arrays, self.core.tables.arrays)
        assert s.account[at.N_ILLEGAL] == 0, self.core.notices()
        rows = [row for row in range(s.account[at.N_ROWS]) if s.orders[row, at.NUMBER] != 0]
        numbers = [s.orders[row, at.NUMBER] for row in rows]
        assert len(numbers) == len(set(numbers))
        assert not any(orders.is_terminal(s.orders[row, at.STATE]) for row in rows)
        assert s.account[at.N_TRAILING] == sum(orders.is_trailing(s, row) for row in rows)
        self.check_money()
        for position in range(s.account[at.N_POSITIONS]):
            self.check_protection(position, rows)
        s.account[at.N_WORDS] = 0

    def check_money(self) -> None:
        """I2: cash is what came in, plus results, less fees, less what is held at cost."""
        s = self.core.s
        held = sum(s.positions[row, at.COST] for row in range(s.account[at.N_POSITIONS]))
        start = 100_000 * 10**8
        result = s.account[at.REALISED] - s.account[at.FEES]
        assert s.account[at.CASH] + held == start + result
        assert s.account[at.EQUITY] == positions.equity(s)

    def check_protection(self, position: int, rows: list[int]) -> None:
        """I6, TR-10: no reduce-only order may enlarge a position or go beyond it."""
        s = self.core.s
        held = s.positions[position, at.QUANTITY]
        stops = 0
        for row in rows:
            own = positions.position_row(
                s, s.orders[row, at.ORDER_STRATEGY], s.orders[row, at.ORDER_INSTRUMENT]
            )
            if own != position or orders.adds_risk(s, row):
                continue
            assert held * s.orders[row, at.SIDE] < 0
            is_protection = s.orders[row, at.PURPOSE] == codes.PROTECT
            if is_protection and orders.is_stop(s.orders[row, at.TYPE]):
                stops += orders.wanted_lots(s, row) - s.orders[row, at.FILLED]
        assert stops <= abs(held)


@settings(max_examples=500 if IS_FULL else 25, deadline=None)
@given(st.integers(0, 2**31))
def test_books_orders_and_protections_agree_after_each_bar(seed: int) -> None:
    """I1, I2, I5, I6 and TR-10, on the simulated venue."""
    market = Market(seed)
    for _ in range(40):
        market.bar()
        market.check()
        for _ in range(market.draw.randint(0, 3)):
            exposure.weigh(market.core.s)
            gross = exposure.gross_exposure(market.core.s)
            market.act()
            exposure.weigh(market.core.s)
            grown = exposure.gross_exposure(market.core.s) - gross
            cap = positions.equity(market.core.s) * 4 // 5
            assert grown <= 0 or gross + grown <= cap
            market.check()

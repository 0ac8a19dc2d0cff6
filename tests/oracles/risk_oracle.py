"""The risk engine once more, by brute force: fractions, dataclasses and lists, no tables.

Written from the text of the specification (section 7, and 8 for holdings) with its default
numbers, and the readings of `docs/adr/0006-risk-readings.md`. Amounts are money units of 10^-8,
prices ticks, sizes lots. Rounding happens where the readings say so and nowhere else: a value to
the nearest unit, a limit down to the unit, a size down to the lot, a factor down to the ppm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, isqrt

MINUTE = 60 * 10**9
SECOND = 10**9
DAY = 86_400 * SECOND
ENTRY_PURPOSES = ("entry", "manual")
HOLDING_PURPOSES = ("rebalance", "dca", "hodl")
WITH_LIMIT = ("limit", "stop_limit", "take_profit_limit")
WITH_TRIGGER = ("stop", "stop_limit", "take_profit", "take_profit_limit")
STOPS = ("stop", "stop_limit", "trailing_stop")
WORKING = ("submitting", "unknown", "open", "triggered", "partially_filled")


def percent(text: str) -> Fraction:
    return Fraction(text) / 100


REGIMES = {  # floor, size factor, leverage, stop in ATR
    "trending_bull": (percent("55"), Fraction(1), 5, Fraction(2)),
    "trending_bear": (percent("55"), Fraction("0.8"), 3, Fraction(2)),
    "ranging": (percent("60"), Fraction("0.6"), 2, Fraction("2.5")),
    "volatile_bull": (percent("65"), Fraction("0.4"), 2, Fraction(3)),
    "volatile_bear": (percent("65"), Fraction("0.4"), 2, Fraction(3)),
    "choppy": (percent("75"), Fraction("0.25"), 1, Fraction(2)),
    "breakout_potential": (percent("60"), Fraction("0.75"), 3, Fraction(2)),
    "unknown": (percent("70"), Fraction("0.5"), 1, Fraction(2)),
}
TIERS = (  # from, size factor, cap, leverage
    (percent("85"), Fraction(1), percent("20"), 5),
    (percent("75"), Fraction("0.75"), percent("15"), 4),
    (percent("65"), Fraction("0.5"), percent("10"), 3),
    (percent("60"), Fraction("0.25"), percent("5"), 2),
)
FALLS = ((percent("5"), 3), (percent("10"), 2), (percent("15"), 1))
CASH_BUFFER = percent("0.26") + 2 * percent("0.10") + percent("0.5")
ORDER_CAP = 100_000 * 10**8
TOTAL_GROSS = 1_000_000 * 10**8
TICKS_MAX = 2**42
LOTS_MAX = 2**61


@dataclass
class Market:
    """One instrument: its steps and what is known of its market."""

    unit: Fraction  # money units per tick x lot
    min_lots: int
    min_notional: int
    is_margin: bool
    max_stop: Fraction
    cap_lots: int
    sector: int = 0
    last: int = 0
    last_ns: int = 0
    atr: int = 0
    atr_mean: int = 0
    day_volume: int = 0
    bar_volume: int = 0
    volatility_ppm: int = 0
    var_ppm: int = 0
    cooldown_ns: int = 0


@dataclass
class Strategy:
    book: str = "trading"
    share_ppm: int = 10**6
    is_stopped: bool = False


@dataclass
class Position:
    strategy: int
    market: int
    lots: int
    leverage: int = 1
    cost: int = 0


@dataclass
class Order:
    strategy: int
    market: int
    side: int
    lots: int
    worst: int
    filled: int = 0
    amended_lots: int = 0  # 0 = no amendment under way
    type: str = "limit"
    purpose: str = "entry"
    state: str = "open"
    is_reduce_only: bool = False
    leverage: int = 1


@dataclass
class Request:
    strategy: int = 0
    market: int = 0
    side: int = 1
    lots: int = 0
    quote_amount: int = 0
    purpose: str = "entry"
    type: str = "market"
    limit: int = 0
    trigger: int = 0
    stop: int = 0
    target: int = 0
    trail_ppm: int = 0
    leverage: int = 1
    confidence_ppm: int = 10**6
    regime: str = "unknown"
    is_gtd: bool = False
    expires_ns: int = 0
    target_ppm: int = 0
    key: int = 0


@dataclass
class Account:
    now_ns: int
    cash: int
    peak: int
    confirmed_ns: int
    markets: list[Market]
    strategies: list[Strategy]
    positions: list[Position] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    correlation: dict[tuple[int, int], Fraction] = field(default_factory=dict)
    halts: set[str] = field(default_factory=set)  # stop: halted; breaker: day, week, drawdown
    pause_ns: int = 0
    cooldown_ns: int = 0
    trading_cooldown_ns: int = 0
    loss_streak: int = 0
    is_half_size: bool = False
    leverage_cap: int = 5
    tokens_ppm: int = 5 * 10**6
    keys: list[int] = field(default_factory=list)
    sick: set[str] = field(default_factory=set)  # venue_down, clock, unreconciled
    is_mode_forbidding: bool = False
    window: tuple[int, int] | None = None
    net_frac: Fraction = Fraction(4, 5)


@dataclass
class Judgement:
    """What the engine must say.

    Attributes:
        failed: codes in the order of the checks, each once.
        lots: approved, 0 when anything failed.
        bound_by: code of the limit that set the size, empty when it is the one asked for.
    """

    failed: list[str]
    lots: int
    stop: int
    leverage: int
    bound_by: str


def nearest(x: Fraction) -> int:
    """Round to the nearest unit, half away from zero."""
    return floor(x + Fraction(1, 2)) if x >= 0 else -floor(-x + Fraction(1, 2))


class Oracle:
    """Judge one request against one account."""

    def __init__(self, account: Account, request: Request) -> None:
        self.account = account
        self.request = request
        self.market = account.markets[request.market]
        self.failed: list[str] = []
        self.lots = 0
        self.stop = 0
        self.leverage = 1
        self.bound_by = ""

    def judge(self) -> Judgement:
        request = self.request
        price = self.entry_price()
        self.lots = request.lots
        if request.lots == 0 and request.quote_amount > 0 and price > 0:
            self.lots = self.lots_for(request.quote_amount, price)
        if self.is_invalid():
            return Judgement(["invalid_value"], 0, 0, 1, "")
        self.check_validity(price)
        if self.is_exit():
            self.check_exit()
        elif request.purpose in HOLDING_PURPOSES:
            self.judge_holding(price)
        else:
            self.judge_entry(price)
        lots = 0 if self.failed else self.lots
        return Judgement(self.failed, lots, self.stop, self.leverage, self.bound_by)

    # --- notes ---

    def fail(self, code: str) -> None:
        if code not in self.failed:
            self.failed.append(code)

    def at_most(self, lots: int, code: str) -> None:
        if lots <= 0:
            self.fail(code)
        elif lots < self.lots:
            self.lots = lots
            self.bound_by = code

    # --- values ---

    def is_exit(self) -> bool:
        return self.request.purpose in {"exit", "protect", "liquidate"}

    def entry_price(self) -> int:
        if self.request.type in WITH_LIMIT:
            return self.request.limit
        if self.request.type in WITH_TRIGGER:
            # A stop that the market is beyond already fills at the market.
            beyond = self.request.side * (self.market.last - self.request.trigger) >= 0
            if self.request.type == "stop" and beyond and self.market.last > 0:
                return self.market.last
            return self.request.trigger
        return self.market.last

    def worst_price(self, price: int) -> int:
        if self.request.side > 0 and self.request.type in WITH_LIMIT:
            return price
        return max(price, self.market.last)

    def lots_for(self, money: int, price: int) -> int:
        return max(0, floor(money / (price * self.market.unit)))

    def value(self, market: int, ticks: int, lots: int) -> int:
        return nearest(ticks * lots * self.account.markets[market].unit)

    def held_value(self, position: Position) -> int:
        return self.value(
            position.market, self.account.markets[position.market].last, position.lots
        )

    def book(self, strategy: int) -> str:
        return self.account.strategies[strategy].book

    def equity(self) -> int:
        return self.account.cash + sum(
            self.held_value(p) for p in self.account.positions if self.book(p.strategy) != "hodl"
        )

    def share(self, frac: Fraction) -> int:
        return floor(self.equity() * frac)

    def is_fresh(self, market: Market) -> bool:
        return market.last > 0 and self.account.now_ns - market.last_ns < 60 * SECOND

    def has_equity(self) -> bool:
        account = self.account
        held = [p for p in account.positions if p.lots != 0 and self.book(p.strategy) != "hodl"]
        return (
            self.equity() > 0
            and account.confirmed_ns > 0
            and account.now_ns - account.confirmed_ns < 30 * SECOND
            and all(self.is_fresh(account.markets[p.market]) for p in held)
        )

    def working(self) -> list[Order]:
        return [order for order in self.account.orders if order.state in WORKING]

    def rest(self, order: Order) -> int:
        return max(order.lots, order.amended_lots) - order.filled

    def reserved(self, order: Order) -> int:
        return self.value(order.market, order.worst, self.rest(order))

    def stakes(self, books: tuple[str, ...]) -> list[tuple[int, int, int, int]]:
        """List (strategy, market, signed money, leverage) of positions and working entries."""
        out = [
            (p.strategy, p.market, self.held_value(p), p.leverage)
            for p in self.account.positions
            if self.book(p.strategy) in books
        ]
        out += [
            (o.strategy, o.market, o.side * self.reserved(o), o.leverage)
            for o in self.working()
            if not o.is_reduce_only and self.book(o.strategy) in books
        ]
        return out

    # --- validity ---

    def is_invalid(self) -> bool:
        r = self.request
        is_holding = r.purpose in HOLDING_PURPOSES
        return (
            self.lots < 0
            or (self.lots == 0 and r.quote_amount <= 0)
            or r.quote_amount < 0
            or (r.type in WITH_LIMIT and r.limit <= 0)
            or (r.type in WITH_TRIGGER and r.trigger <= 0)
            or (r.type == "trailing_stop" and not self.is_exit())
            or min(r.limit, r.trigger, r.stop, r.target, r.trail_ppm) < 0
            or max(r.limit, r.trigger, r.stop, r.target) > TICKS_MAX
            or self.lots > LOTS_MAX
            or not 0 <= r.confidence_ppm <= 10**6
            or (r.is_gtd and r.expires_ns <= self.account.now_ns)
            or (not self.is_exit() and is_holding == (self.book(r.strategy) == "trading"))
            or (not self.is_exit() and self.is_beyond_holding())
        )

    def is_beyond_holding(self) -> bool:
        if self.request.side > 0 or self.market.is_margin:
            return False
        return self.lots > self.sellable()

    def held_lots(self) -> int:
        return sum(p.lots for p in self.account.positions if self.is_own(p))

    def is_own(self, thing: Position | Order) -> bool:
        return (thing.strategy, thing.market) == (self.request.strategy, self.request.market)

    def sellable(self) -> int:
        selling = [o for o in self.working() if self.is_own(o) and o.side < 0]
        return self.held_lots() - sum(o.lots - o.filled for o in selling if not o.is_reduce_only)

    def check_validity(self, price: int) -> None:
        if not 1 <= self.request.leverage <= 5:
            self.fail("leverage")
        if self.account.is_mode_forbidding:
            self.fail("mode_forbids")
        if self.request.key != 0 and self.request.key in self.account.keys:
            self.fail("duplicate_intent")
        if price <= 0:
            if not self.is_exit():
                self.fail("data_stale")
            return
        worst = self.worst_price(price)
        if not self.is_exit() and (
            self.lots > self.market.cap_lots or self.lots > self.lots_for(ORDER_CAP, worst)
        ):
            self.fail("size_cap")
            return
        self.check_minimum(price)

    def check_minimum(self, price: int) -> None:
        worth = price * self.lots * self.market.unit
        if self.lots < self.market.min_lots or worth < self.market.min_notional:
            self.fail("below_minimum")

    def check_exit(self) -> None:
        held = self.held_lots()
        if held * self.request.side >= 0:
            self.fail("reduce_only")
            return
        # An exit that waits for a price may never come, so only one at market closes already.
        closing = [
            o for o in self.working() if self.is_own(o) and o.is_reduce_only and o.type == "market"
        ]
        self.at_most(abs(held) - sum(o.lots - o.filled for o in closing), "reduce_only")

    # --- entries, check by check ---

    def judge_entry(self, price: int) -> None:
        self.check_halts()
        self.check_cooldowns()
        self.check_stop(price)
        tier = self.check_confidence()
        if self.has_equity() and price > 0:
            worst = self.worst_price(price)
            self.leverage = self.leverage_cap(tier)
            self.check_size(price, worst, tier)
            self.check_slippage()
            self.check_exposure(worst)
            self.check_correlation(worst)
            self.check_margin(worst)
            if not self.failed:
                self.check_minimum(price)
        self.check_health()

    def check_halts(self) -> None:
        account = self.account
        if "stop" in account.halts or account.strategies[self.request.strategy].is_stopped:
            self.fail("halted")
        if "breaker" in account.halts or account.now_ns < account.pause_ns:
            self.fail("breaker")

    def check_cooldowns(self) -> None:
        account = self.account
        ends = (account.cooldown_ns, account.trading_cooldown_ns, self.market.cooldown_ns)
        if account.now_ns < max(ends):
            self.fail("cooldown")
        if account.window is not None:
            start, end = account.window
            minutes = {m % 1440 for m in range(start, end if end > start else end + 1440)}
            if account.now_ns % DAY // MINUTE in minutes:
                self.fail("window_closed")

    def check_stop(self, price: int) -> None:
        r = self.request
        stop = r.stop
        if stop == 0 and self.market.atr > 0 and price > 0:
            distance = floor(self.market.atr * REGIMES[r.regime][3])
            distance = min(distance, floor(price * self.market.max_stop))
            distance = max(distance, ceil(price * percent("0.5")), 1)
            stop = price - r.side * distance
        if stop <= 0:
            self.fail("stop_missing")
            return
        self.stop = stop
        distance = r.side * (price - stop)
        if distance <= 0:
            self.fail("stop_distance")
            return
        if not percent("0.5") * price <= distance <= self.market.max_stop * price:
            self.fail("stop_distance")
        reward = r.side * (r.target - price)
        if r.target > 0 and (reward <= 0 or reward < Fraction("1.5") * distance):
            self.fail("reward_risk")

    def tier(self) -> int | None:
        confidence = Fraction(self.request.confidence_ppm, 10**6)
        return next((i for i, tier in enumerate(TIERS) if confidence >= tier[0]), None)

    def check_confidence(self) -> int | None:
        minimum = REGIMES[self.request.regime][0]
        if self.account.loss_streak >= 5:
            minimum += percent("20")
        elif self.account.loss_streak >= 3:
            minimum += percent("10")
        tier = self.tier()
        if tier is None or Fraction(self.request.confidence_ppm, 10**6) < minimum:
            self.fail("confidence")
        return tier

    def is_spiking(self) -> bool:
        return self.market.atr_mean > 0 and self.market.atr > 3 * self.market.atr_mean

    def size_factor(self, tier: int | None) -> Fraction:
        factors = [Fraction(1) if tier is None else TIERS[tier][1]]
        factors.append(REGIMES[self.request.regime][1])
        factors.append(Fraction("0.5") if self.is_spiking() else Fraction(1))
        factors.append(Fraction("0.5") if self.account.is_half_size else Fraction(1))
        product = 10**6
        for factor in factors:
            product = floor(product * factor)
        return Fraction(product, 10**6)

    def check_size(self, price: int, worst: int, tier: int | None) -> None:
        distance = abs(price - self.stop)
        if self.stop > 0 and distance > 0:
            base = floor(Fraction(self.share(percent("1")) * price, distance))
            budget = floor(base * self.size_factor(tier))
            self.at_most(self.lots_for(budget, price), "position")
        trading = self.stakes(("trading",))
        cap = self.share(percent("20"))
        if tier is not None:
            cap = min(cap, self.share(TIERS[tier][2]))
        in_symbol = sum(abs(money) for _, m, money, _ in trading if m == self.request.market)
        self.at_most(self.lots_for(cap - in_symbol, worst), "position")
        share = floor(self.own_share() * percent("80"))
        self.at_most(self.lots_for(share - self.own_stakes(), worst), "gross")
        self.check_count()

    def own_share(self) -> int:
        own = self.account.strategies[self.request.strategy]
        return self.share(Fraction(own.share_ppm, 10**6))

    def own_stakes(self) -> int:
        own = self.request.strategy
        held = [self.held_value(p) for p in self.account.positions if p.strategy == own]
        entries = [o for o in self.working() if o.strategy == own and not o.is_reduce_only]
        growing = [o for o in entries if o.side > 0 or self.is_trading(o)]
        return sum(map(abs, held)) + sum(map(self.reserved, growing))

    def check_count(self) -> None:
        if self.held_lots() != 0:
            return
        pairs = {
            (p.strategy, p.market)
            for p in self.account.positions
            if p.lots != 0 and self.book(p.strategy) == "trading"
        }
        pairs |= {
            (o.strategy, o.market)
            for o in self.working()
            if not o.is_reduce_only and self.book(o.strategy) == "trading"
        }
        in_symbol = [pair for pair in pairs if pair[1] == self.request.market]
        if len(pairs) >= 5 or len(in_symbol) >= 2:
            self.fail("count")

    def check_slippage(self) -> None:
        m = self.market
        impact_ppm = 10_000
        if m.bar_volume > 0 and m.volatility_ppm > 0:
            root_ppm = isqrt(self.lots * 10**12 // m.bar_volume)
            impact_ppm = min(50_000, m.volatility_ppm * root_ppm // 10**6)
        if 1_000 + impact_ppm > 5_000:
            self.fail("slippage")

    def fall(self) -> Fraction:
        peak = self.account.peak
        return max(Fraction(0), Fraction(peak - self.equity(), peak)) if peak > 0 else Fraction(0)

    def leverage_cap(self, tier: int | None) -> int:
        caps = [self.request.leverage, 5, REGIMES[self.request.regime][2]]
        caps.append(self.account.leverage_cap)
        caps += [cap for fall, cap in FALLS if self.fall() >= fall]
        if tier is not None:
            caps.append(TIERS[tier][3])
        if self.account.loss_streak >= 3:
            caps.append(2)
        if self.account.loss_streak >= 5:
            caps.append(1)
        return max(1, min(caps))

    def all_books(self) -> int:
        return sum(abs(money) for _, _, money, _ in self.stakes(("trading", "core", "hodl")))

    def check_exposure(self, price: int) -> None:
        side = self.request.side
        trading = self.stakes(("trading",))
        gross = sum(abs(money) for _, _, money, _ in trading)
        room = min(
            self.share(percent("80")) - gross,
            self.share(Fraction(2)) - self.all_books(),
            TOTAL_GROSS - self.all_books(),
        )
        self.at_most(self.lots_for(room, price), "gross")
        net = sum(self.held_value(p) for p in self.account.positions if self.is_trading(p))
        entries = [o for o in self.working() if not o.is_reduce_only and self.is_trading(o)]
        net += sum(side * self.reserved(o) for o in entries if o.side == side)
        self.at_most(self.lots_for(self.share(self.account.net_frac) - side * net, price), "net")
        if self.market.sector > 0:
            markets = self.account.markets
            inside = [x for x in trading if markets[x[1]].sector == self.market.sector]
            room = self.share(percent("30")) - sum(abs(money) for _, _, money, _ in inside)
            self.at_most(self.lots_for(room, price), "sector")

    def is_trading(self, thing: Position | Order) -> bool:
        return self.book(thing.strategy) == "trading"

    def check_correlation(self, price: int) -> None:
        own = self.request.market
        group = {own} | {
            b
            for (a, b), r in self.account.correlation.items()
            if a == own and abs(r) >= percent("70")
        }
        inside = sum(abs(money) for _, m, money, _ in self.stakes(("trading",)) if m in group)
        self.at_most(self.lots_for(self.share(percent("40")) - inside, price), "correlated")

    def borrows(self, market: int, money: int, leverage: int) -> bool:
        return self.account.markets[market].is_margin and (leverage > 1 or money < 0)

    def check_margin(self, price: int) -> None:
        bound = sum(
            abs(money) // max(1, leverage)
            for _, m, money, leverage in self.stakes(("trading", "core", "hodl"))
            if self.borrows(m, money, max(1, leverage))
        )
        if self.borrows(self.request.market, self.request.side, self.leverage):
            room = (self.share(percent("50")) - bound) * self.leverage
            self.at_most(self.lots_for(room, price), "margin")
        elif not self.market.is_margin and self.request.side > 0:
            self.at_most(self.lots_for(self.spendable(), price), "margin")
        if self.market.var_ppm > 0:
            var = Fraction(self.market.var_ppm, 10**6)
            room = self.share(percent("5")) - self.value_at_risk()
            self.at_most(self.lots_for(floor(room / var), price), "var")
        if self.market.day_volume > 0:
            room = floor(self.market.day_volume * percent("10")) - self.symbol_lots()
            self.at_most(room, "liquidity")

    def symbol_lots(self) -> int:
        own = self.request.market
        held = sum(
            abs(p.lots) for p in self.account.positions if p.market == own and self.is_trading(p)
        )
        entries = [o for o in self.working() if not o.is_reduce_only and self.is_trading(o)]
        return held + sum(self.rest(o) for o in entries if o.market == own)

    def value_at_risk(self) -> int:
        total = 0
        for index, market in enumerate(self.account.markets):
            inside = sum(abs(money) for _, m, money, _ in self.stakes(("trading",)) if m == index)
            total += floor(inside * Fraction(market.var_ppm, 10**6))
        return total

    def spendable(self) -> int:
        reserved = sum(
            self.reserved(o)
            for o in self.working()
            if o.side > 0 and not self.account.markets[o.market].is_margin
        )
        owed = sum(-p.cost for p in self.account.positions if p.lots < 0)
        return floor(max(0, self.account.cash - reserved - owed) / (1 + CASH_BUFFER))

    def check_health(self) -> None:
        account = self.account
        if not self.has_equity():
            self.fail("equity_unknown")
        if not self.is_fresh(self.market):
            self.fail("data_stale")
        for code in ("venue_down", "clock", "unreconciled"):
            if code in account.sick:
                self.fail(code)
        if account.tokens_ppm < 10**6:
            self.fail("order_rate")

    # --- holdings (section 8) ---

    def judge_holding(self, price: int) -> None:
        r = self.request
        self.check_halts()
        if r.purpose == "rebalance" and any(
            o.market == r.market and o.type not in STOPS for o in self.working()
        ):
            self.fail("cooldown")
        if r.leverage != 1:
            self.fail("leverage")
        if self.has_equity() and price > 0:
            self.check_holding_size(price)
            if not self.failed:
                self.check_minimum(price)
        self.check_health()

    def check_holding_size(self, price: int) -> None:
        r = self.request
        if r.purpose == "rebalance":
            held = sum(self.held_value(p) for p in self.account.positions if self.is_own(p))
            excess = r.side * (floor(self.own_share() * Fraction(r.target_ppm, 10**6)) - held)
            self.at_most(self.lots_for(excess, price), "position")
        if r.side > 0:
            worst = self.worst_price(price)
            room = min(self.share(Fraction(2)), TOTAL_GROSS) - self.all_books()
            room = min(room, 2 * self.own_share() - self.own_stakes())
            self.at_most(self.lots_for(room, worst), "gross")
            self.at_most(self.lots_for(self.spendable(), worst), "margin")
        else:
            self.at_most(self.sellable(), "reduce_only")

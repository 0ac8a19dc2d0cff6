"""Random accounts and requests for the risk engine, as the oracle and as the core see them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from athena.domain import DenialCode, Instrument, OrderState, OrderType, Purpose, Regime
from athena.platform.config import CostsConfig, RiskConfig
from athena.research.engine._limits import instrument_limits, risk_limits
from athena.trading import InstrumentLimits, StrategySlot, Tables, codes, limits, new_state
from athena.trading import layout as at
from athena.trading._core import risk
from tests.oracles import risk_oracle as oracle

if TYPE_CHECKING:
    from random import Random

    from athena.trading import State

NOW = 1_700_000_000 * 10**9
BOOKS = ("trading", "core", "hodl")
REGIMES = [regime.value for regime in Regime]
TYPES = [kind.value for kind in OrderType]
PURPOSES = [purpose.value for purpose in Purpose]
STATES = [state.value for state in OrderState]
HEALTH = {
    "venue_down": at.HEALTH_VENUE,
    "clock": at.HEALTH_CLOCK,
    "unreconciled": at.HEALTH_UNRECONCILED,
}

INSTRUMENTS = [
    Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.00000001"), Decimal("0.0001")),
    Instrument("XRP/USDT", Decimal("0.00001"), Decimal(1), Decimal(10), Decimal(5)),
    Instrument(
        "ETH/USDT", Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(1), is_margin=True
    ),
    Instrument("SOL/USDT", Decimal("0.001"), Decimal("0.01"), Decimal("0.01"), is_margin=True),
    Instrument("DOT/USDT", Decimal("0.03"), Decimal("0.07"), Decimal("0.7"), is_margin=True),
    Instrument("ADA/USDT", Decimal("0.0001"), Decimal("0.1"), Decimal(1)),
]
PRICES = [4_500_000, 60_000, 250_000, 100_000, 200, 5_000]


def _market(draw: Random, index: int) -> oracle.Market:
    instrument = INSTRUMENTS[index]
    own = instrument_limits(instrument, RiskConfig())
    last = max(1, int(PRICES[index] * draw.uniform(0.5, 2)))
    scale = max(
        1, 10**12 // (last * instrument.value_ratio()[0] // instrument.value_ratio()[1] + 1)
    )
    atr = 0 if draw.random() < 0.15 else max(1, int(last * draw.choice([0.001, 0.01, 0.03])))
    return oracle.Market(
        unit=Fraction(*instrument.value_ratio()),
        min_lots=instrument.min_lots,
        min_notional=int(instrument.min_notional * 10**8),
        is_margin=instrument.is_margin,
        max_stop=Fraction(own.max_stop_ppm, 10**6),
        cap_lots=own.cap_lots,
        sector=draw.choice([0, 1, 1]),
        last=last if draw.random() > 0.01 else 0,
        last_ns=NOW - (draw.choice([1, 59_999, 60_000]) * 10**6 if draw.random() < 0.05 else 0),
        atr=atr,
        atr_mean=0 if draw.random() < 0.2 else max(1, atr // draw.choice([1, 1, 1, 3, 4])),
        day_volume=draw.choice([0, 0, 10**14, scale * draw.randrange(1, 100)]),
        bar_volume=0 if draw.random() < 0.03 else scale * draw.choice([1, 10, 1_000]),
        volatility_ppm=0 if draw.random() < 0.03 else draw.choice([100, 1_000, 5_000]),
        var_ppm=draw.choice([0, 0, 20_000, 50_000, 200_000, 999_999]),
        cooldown_ns=NOW + (draw.choice([0, 1, 10**9]) if draw.random() < 0.1 else -1),
    )


def random_case(draw: Random) -> tuple[oracle.Account, oracle.Request]:
    """Draw an account and a request; each account has faults at random, most have few."""
    markets = [_market(draw, index) for index in range(draw.randint(1, len(INSTRUMENTS)))]
    strategies = [_strategy(draw, index) for index in range(draw.randint(1, 4))]
    cash = draw.choice([2_100, 2_100, 10_000, 10_000, 100_000, 3_000_000]) * 10**8
    cash += draw.randrange(10**8)
    account = oracle.Account(
        now_ns=NOW,
        cash=cash,
        peak=0,
        confirmed_ns=NOW,
        markets=markets,
        strategies=strategies,
    )
    account.net_frac = Fraction(draw.choice([80, 80, 80, 15]), 100)
    _fill_books(draw, account)
    _spoil(draw, account)
    equity = account.cash + sum(
        oracle.nearest(p.lots * markets[p.market].last * markets[p.market].unit)
        for p in account.positions
        if strategies[p.strategy].book != "hodl"
    )
    falls = [1, 1, 1, Fraction(100, 95), Fraction(100, 90), Fraction(100, 84)]
    account.peak = max(0, int(equity * draw.choice(falls)))
    return account, random_request(draw, account)


def _strategy(draw: Random, index: int) -> oracle.Strategy:
    book = "trading" if index == 0 or draw.random() < 0.4 else draw.choice(BOOKS)
    share = draw.choice([10**6, 10**6, 10**6, 500_000, 100_000, 12_345])
    return oracle.Strategy(book, share, is_stopped=draw.random() < 0.02)


def _lots_of(draw: Random, market: oracle.Market, money: float) -> int:
    if market.last == 0:
        return draw.randrange(1, 1_000)
    return max(1, int(money / (market.last * market.unit)))


def _fill_books(draw: Random, account: oracle.Account) -> None:
    """Draw positions, one for a pair of strategy and market, and working orders."""
    fullness = draw.choice([0.0, 0.1, 0.2, 0.3, 0.6])
    for s in range(len(account.strategies)):
        for m, market in enumerate(account.markets):
            share = draw.choice([0.005, 0.02, 0.05, 0.1, 0.15])
            if draw.random() < fullness:
                lots = _lots_of(draw, market, account.cash * share)
                is_short = market.is_margin and draw.random() < 0.4
                position = oracle.Position(s, m, -lots if is_short else lots, draw.randint(1, 5))
                position.cost = oracle.nearest(position.lots * market.last * market.unit)
                account.positions.append(position)
            if draw.random() < fullness:
                account.orders.append(_order(draw, account, s, m))


def _order(draw: Random, account: oracle.Account, strategy: int, market: int) -> oracle.Order:
    row = account.markets[market]
    lots = _lots_of(draw, row, account.cash * draw.choice([0.005, 0.02, 0.1])) + 1
    is_reduce_only = draw.random() < 0.3
    return oracle.Order(
        strategy,
        market,
        draw.choice([1, -1]),
        lots,
        worst=max(1, int(row.last * draw.uniform(0.9, 1.1))),
        filled=draw.choice([0, lots // 2]),
        amended_lots=draw.choice([0, 0, lots + 5, lots // 2 + 1]),
        type=draw.choice(TYPES),
        purpose=draw.choice(["exit", "protect"]) if is_reduce_only else "entry",
        state=draw.choice(["held", *oracle.WORKING]),
        is_reduce_only=is_reduce_only,
        leverage=draw.randint(1, 5),
    )


def _spoil(draw: Random, account: oracle.Account) -> None:
    """Put each kind of trouble into some accounts."""
    faults = {
        "stop": lambda: account.halts.add("stop"),
        "breaker": lambda: account.halts.add("breaker"),
        "pause": lambda: setattr(account, "pause_ns", NOW + draw.choice([0, 1])),
        "wait": lambda: setattr(account, "cooldown_ns", NOW + draw.choice([0, 1])),
        "book": lambda: setattr(account, "trading_cooldown_ns", NOW + draw.choice([0, 1])),
        "streak": lambda: setattr(account, "loss_streak", draw.choice([2, 3, 4, 5, 7])),
        "half": lambda: setattr(account, "is_half_size", True),
        "cap": lambda: setattr(account, "leverage_cap", 1),
        "rate": lambda: setattr(account, "tokens_ppm", draw.choice([0, 10**6 - 1, 10**6])),
        "key": lambda: setattr(account, "keys", [77, 78]),
        "sick": lambda: account.sick.add(draw.choice(list(HEALTH))),
        "mode": lambda: setattr(account, "is_mode_forbidding", True),
        "old": lambda: setattr(account, "confirmed_ns", draw.choice([0, NOW - 30 * 10**9])),
        "broke": lambda: setattr(account, "cash", draw.choice([0, -(10**8), -(10**14)])),
        "poor": lambda: setattr(account, "cash", account.cash // 20),
        "window": lambda: setattr(account, "window", draw.choice([(1320, 120), (1000, 1400)])),
    }
    for name in sorted(faults):
        if draw.random() < 0.03:
            faults[name]()
    hour = draw.randrange(24) * 3_600 * 10**9 if account.window else 0
    for market in account.markets:
        market.last_ns += hour
        market.cooldown_ns += hour
    account.now_ns += hour
    account.confirmed_ns += hour if account.confirmed_ns else 0
    for a in range(len(account.markets)):
        for b in range(a):
            r = Fraction(draw.choice([300_000, 699_999, 700_000, -850_000, 10**6]), 10**6)
            account.correlation[a, b] = account.correlation[b, a] = r


def random_request(draw: Random, account: oracle.Account) -> oracle.Request:
    """Draw a request that is mostly sound; one number in it may be spoilt."""
    strategy = draw.randrange(len(account.strategies))
    index = draw.randrange(len(account.markets))
    market = account.markets[index]
    holding = account.strategies[strategy].book != "trading"
    held = sum(p.lots for p in account.positions if (p.strategy, p.market) == (strategy, index))
    purposes = oracle.HOLDING_PURPOSES if holding else ("entry", "entry", "entry", "manual")
    if draw.random() < (0.2 if held else 0.03):
        purposes = ("exit", "protect", "liquidate")
    is_sale = (market.is_margin or held > 0) and draw.random() < 0.4
    side = -1 if is_sale or draw.random() < 0.02 else 1
    kind = draw.choice(["market", "market", "limit", "stop"] if draw.random() < 0.8 else TYPES)
    last = max(1, market.last)
    price = max(1, int(last * draw.uniform(0.97, 1.03)))
    share = draw.choice([0.0005, 0.005, 0.01, 0.05, 0.2, 0.5, 2.0])
    share = share if account.cash < 10**13 else min(share, 0.03)
    request = oracle.Request(
        strategy=strategy,
        market=index,
        side=side,
        lots=_lots_of(draw, market, max(10**8, account.cash) * share),
        purpose=draw.choice(purposes),
        type=kind,
        limit=price if kind in oracle.WITH_LIMIT else 0,
        trigger=price if kind in oracle.WITH_TRIGGER else 0,
        leverage=1 if holding else draw.randint(1, 5),
        confidence_ppm=draw.choice(
            [900_000, 900_000, 850_000, 800_000, 750_000, 650_000, 600_000]
        ),
        regime=draw.choice(REGIMES),
        target_ppm=draw.choice([0, 333_300, 10**6]),
        key=draw.choice([0, 76, 77]),
    )
    entry = last if kind in {"market", "trailing_stop"} else price
    _protect(draw, request, entry)
    if draw.random() < 0.12:
        _spoil_request(draw, request)
    return request


def _protect(draw: Random, request: oracle.Request, entry: int) -> None:
    distances = [0.006, 0.01, 0.02, 0.0299]
    if draw.random() < 0.1:
        distances = [0.0049, 0.005, 0.03, 0.031, 0.05, 0.06, -0.01, 0]
    distance = int(entry * draw.choice(distances))
    if draw.random() < 0.8:
        request.stop = max(0, entry - request.side * distance)
    if draw.random() < 0.3:
        ratio = draw.choice([1.5, 1.6, 2, 3] if draw.random() < 0.8 else [1.0, 1.4999, -1])
        request.target = max(0, entry + request.side * int(distance * ratio + 1))


def _spoil_request(draw: Random, request: oracle.Request) -> None:
    """Spoil one number, or ask the wrong book."""
    name, values = draw.choice(
        [
            ("lots", [0, -1, 1, 10**16, 2**61, 2**61 + 1, 2**62]),
            ("lots", [0, -1, 1, 10**16, 10**12]),
            ("leverage", [0, -2, 6, 9, 5]),
            ("confidence_ppm", [-1, 10**6 + 1, 0, 550_000, 599_999, 500_000]),
            ("confidence_ppm", [0, 550_000, 599_999, 649_999]),
            ("stop", [-1, 1]),
            ("target", [-5]),
            ("trail_ppm", [-1, 10_000]),
            ("purpose", PURPOSES),
            ("quote_amount", [-1, 10**10, 10**12]),
            ("limit", [0, 1, -7, 2**42, 2**42 + 1]),
            ("trigger", [0, 1, -7, 2**42 + 1]),
            ("expires_ns", [NOW - 1, NOW, NOW + 2 * 86_400 * 10**9]),
        ]
    )
    setattr(request, name, draw.choice(values))
    if name == "expires_ns":
        request.is_gtd = True
    if name == "quote_amount":
        request.lots = 0


# --- the same case as the core's tables -------------------------------------------------------


def to_tables(account: oracle.Account, request: oracle.Request) -> Tables[State]:
    """Write a case into fresh tables."""
    own = [instrument_limits(item, RiskConfig()) for item in INSTRUMENTS]
    tables = new_state(
        instruments=INSTRUMENTS[: len(account.markets)],
        instrument_limits=[
            InstrumentLimits(limit.max_stop_ppm, limit.cap_lots, market.sector)
            for limit, market in zip(own, account.markets, strict=False)
        ],
        strategies=[StrategySlot(f"s{index}") for index in range(len(account.strategies))],
        limits=risk_limits(RiskConfig(), CostsConfig()),
        cash=Decimal(1),
        start_ns=account.now_ns,
    )
    s = tables.views
    _write_account(s, account)
    for row, market in enumerate(account.markets):
        _write_market(s, row, market)
    for (a, b), value in account.correlation.items():
        s.correlation[a, b] = int(value * 10**6)
    for row, strategy in enumerate(account.strategies):
        s.strategies[row, at.BOOK] = BOOKS.index(strategy.book)
        s.strategies[row, at.SHARE_PPM] = strategy.share_ppm
        s.strategies[row, at.IS_STOPPED] = int(strategy.is_stopped)
    for position in account.positions:
        row = position.strategy * len(account.markets) + position.market
        s.positions[row, at.QUANTITY] = position.lots
        s.positions[row, at.POSITION_LEVERAGE] = position.leverage
        s.positions[row, at.COST] = position.cost
    for row, order in enumerate(account.orders):
        _write_order(s, row, order)
    s.account[at.N_ROWS] = len(account.orders)
    _write_request(s, request)
    return tables


def _write_account(s: State, account: oracle.Account) -> None:
    a = s.account
    a[at.NOW_NS] = account.now_ns
    a[at.CASH] = account.cash
    a[at.PEAK] = account.peak
    a[at.ACCOUNT_NS] = account.confirmed_ns
    a[at.HALT] = at.HALT_KILL * ("stop" in account.halts) + at.HALT_WEEK * (
        "breaker" in account.halts
    )
    a[at.PAUSE_UNTIL_NS] = account.pause_ns
    a[at.ACCOUNT_COOLDOWN_NS] = account.cooldown_ns
    a[at.TRADING_COOLDOWN_NS] = account.trading_cooldown_ns
    a[at.LOSS_STREAK] = account.loss_streak
    a[at.HALF_SIZE] = int(account.is_half_size)
    a[at.LEVERAGE_CAP] = account.leverage_cap
    a[at.RATE_TOKENS] = account.tokens_ppm
    a[at.MODE_FORBIDS] = int(account.is_mode_forbidding)
    a[at.HEALTH] = sum(HEALTH[name] for name in account.sick)
    s.limits[limits.NET_PPM] = int(account.net_frac * 10**6)
    a[at.N_KEYS] = len(account.keys)
    for slot, key in enumerate(account.keys):
        s.keys[slot] = key
    if account.window is not None:
        s.limits[limits.WINDOW_START_NS] = account.window[0] * oracle.MINUTE
        s.limits[limits.WINDOW_END_NS] = account.window[1] * oracle.MINUTE


def _write_market(s: State, row: int, market: oracle.Market) -> None:
    for column, value in (
        (at.LAST, market.last),
        (at.LAST_NS, market.last_ns),
        (at.ATR, market.atr),
        (at.ATR_MEAN, market.atr_mean),
        (at.DAY_VOLUME, market.day_volume),
        (at.BAR_VOLUME, market.bar_volume),
        (at.VOLATILITY_PPM, market.volatility_ppm),
        (at.VAR_PPM, market.var_ppm),
        (at.SYMBOL_COOLDOWN_NS, market.cooldown_ns),
    ):
        s.instruments[row, column] = value


def _write_order(s: State, row: int, order: oracle.Order) -> None:
    pending = codes.PENDING_AMEND if order.amended_lots else codes.PENDING_NONE
    for column, value in (
        (at.NUMBER, row + 1),
        (at.STATE, STATES.index(order.state)),
        (at.ORDER_STRATEGY, order.strategy),
        (at.ORDER_INSTRUMENT, order.market),
        (at.SIDE, order.side),
        (at.TYPE, TYPES.index(order.type)),
        (at.PURPOSE, PURPOSES.index(order.purpose)),
        (at.LOTS, order.lots),
        (at.FILLED, order.filled),
        (at.RESERVE, order.worst),
        (at.PENDING, pending),
        (at.AMEND_LOTS, order.amended_lots),
        (at.LEVERAGE, order.leverage),
        (at.FLAGS, at.FLAG_REDUCE_ONLY if order.is_reduce_only else 0),
    ):
        s.orders[row, column] = value


def _write_request(s: State, request: oracle.Request) -> None:
    is_exit = request.purpose in {"exit", "protect", "liquidate"}
    for column, value in (
        (at.I_STRATEGY, request.strategy),
        (at.I_INSTRUMENT, request.market),
        (at.I_SIDE, request.side),
        (at.I_LOTS, request.lots),
        (at.I_QUOTE_AMOUNT, request.quote_amount),
        (at.I_PURPOSE, PURPOSES.index(request.purpose)),
        (at.I_TYPE, TYPES.index(request.type)),
        (at.I_LIMIT, request.limit),
        (at.I_TRIGGER, request.trigger),
        (at.I_STOP, request.stop),
        (at.I_TARGET, request.target),
        (at.I_TRAIL_PPM, request.trail_ppm),
        (at.I_LEVERAGE, request.leverage),
        (at.I_CONFIDENCE_PPM, request.confidence_ppm),
        (at.I_REGIME, REGIMES.index(request.regime)),
        (at.I_TIME_IN_FORCE, codes.GTD if request.is_gtd else codes.GTC),
        (at.I_EXPIRES_NS, request.expires_ns),
        (at.I_TARGET_PPM, request.target_ppm),
        (at.I_KEY, request.key),
        (at.I_FLAGS, at.FLAG_REDUCE_ONLY if is_exit else 0),
    ):
        s.intent[column] = value


# --- both answers -----------------------------------------------------------------------------


def judged_by_engine(account: oracle.Account, request: oracle.Request) -> tuple[object, ...]:
    """Return (first code or None, all codes, lots, stop, leverage) as the core says."""
    s = to_tables(account, request).views
    risk.judge(s)
    names = [code.value for code in DenialCode]
    mask = s.verdict[at.MASK]
    code = s.verdict[at.CODE]
    return (
        names[code - 1] if code else None,
        {names[bit - 1] for bit in range(1, len(names) + 1) if mask >> bit & 1},
        s.verdict[at.APPROVED],
        s.verdict[at.APPROVED_STOP],
        s.verdict[at.APPROVED_LEVERAGE],
    )


def judged_by_oracle(
    account: oracle.Account, request: oracle.Request
) -> tuple[tuple[object, ...], oracle.Judgement]:
    """Return the same five from the oracle, and its whole judgement."""
    verdict = oracle.Oracle(account, request).judge()
    first = verdict.failed[0] if verdict.failed else None
    answer = (first, set(verdict.failed), verdict.lots, verdict.stop, verdict.leverage)
    return answer, verdict

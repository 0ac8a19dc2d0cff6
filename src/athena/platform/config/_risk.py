"""Risk keys: every default and ceiling of the risk engine, fractions and amounts exact."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from athena.platform.config._keys import (
    Amount,
    AmountPerBase,
    Confidence,
    Count,
    Factor,
    Fraction,
    FractionPerBase,
    Leverage,
    Minutes,
    Ratio,
    Section,
    key,
)

_MINUTES_A_DAY = 24 * 60


class RegimeLeverage(Section):
    """Highest leverage of a position per market regime; 5 is a ceiling."""

    bull: Leverage = key(5, "trending bull market")
    bear: Leverage = key(3, "trending bear market")
    ranging: Leverage = key(2, "ranging market")
    volatile: Leverage = key(2, "volatile market, either direction")
    choppy: Leverage = key(1, "choppy market")
    breakout: Leverage = key(3, "market about to break out")
    unknown: Leverage = key(1, "regime not known")


class RegimeStop(Section):
    """Distance of the default stop per market regime, in multiples of the 14-bar ATR."""

    bull: Ratio = key(Decimal(2), "trending bull market")
    bear: Ratio = key(Decimal(2), "trending bear market")
    ranging: Ratio = key(Decimal("2.5"), "ranging market")
    volatile: Ratio = key(Decimal(3), "volatile market, either direction")
    choppy: Ratio = key(Decimal(2), "choppy market")
    breakout: Ratio = key(Decimal(2), "market about to break out")
    unknown: Ratio = key(Decimal(2), "regime not known")


class RegimeConfidence(Section):
    """Lowest confidence of an entry per market regime, before losses and strictness add to it."""

    bull: Confidence = key(Decimal("0.55"), "trending bull market")
    bear: Confidence = key(Decimal("0.55"), "trending bear market")
    ranging: Confidence = key(Decimal("0.60"), "ranging market")
    volatile: Confidence = key(Decimal("0.65"), "volatile market, either direction")
    choppy: Confidence = key(Decimal("0.75"), "choppy market")
    breakout: Confidence = key(Decimal("0.60"), "market about to break out")
    unknown: Confidence = key(Decimal("0.70"), "regime not known")


class RegimeSize(Section):
    """Factor of the position size per market regime."""

    bull: Factor = key(Decimal(1), "trending bull market")
    bear: Factor = key(Decimal("0.8"), "trending bear market")
    ranging: Factor = key(Decimal("0.6"), "ranging market")
    volatile: Factor = key(Decimal("0.4"), "volatile market, either direction")
    choppy: Factor = key(Decimal("0.25"), "choppy market")
    breakout: Factor = key(Decimal("0.75"), "market about to break out")
    unknown: Factor = key(Decimal("0.5"), "regime not known")


class Tier(Section):
    """What an entry may do from a confidence on."""

    confidence_min: Confidence = Field(description="lowest confidence of the tier")
    size_factor: Factor = Field(description="factor of the position size")
    position_cap_frac: Fraction = Field(description="largest position, share of equity")
    leverage_max: Leverage = Field(description="highest leverage")


def _tier(confidence: str, size: str, cap: str, leverage: int) -> Tier:
    return Tier(
        confidence_min=Decimal(confidence),
        size_factor=Decimal(size),
        position_cap_frac=Decimal(cap),
        leverage_max=leverage,
    )


class Tiers(Section):
    """Confidence tiers, highest first; below the last no entry is made."""

    tier_1: Tier = key(_tier("0.85", "1", "0.20", 5), "highest tier")
    tier_2: Tier = key(_tier("0.75", "0.75", "0.15", 4), "second tier")
    tier_3: Tier = key(_tier("0.65", "0.5", "0.10", 3), "third tier")
    tier_4: Tier = key(_tier("0.60", "0.25", "0.05", 2), "lowest tier")

    @model_validator(mode="after")
    def _descends(self) -> Self:
        floors = [
            tier.confidence_min for tier in (self.tier_1, self.tier_2, self.tier_3, self.tier_4)
        ]
        if floors != sorted(set(floors), reverse=True):
            message = f"expected confidence_min to fall from tier to tier, was {floors}"
            raise ValueError(message)
        return self


class DrawdownLeverage(Section):
    """Leverage caps that come with a fall from the peak."""

    first_drawdown_frac: Fraction = key(Decimal("0.05"), "fall at which the first cap applies")
    first_leverage_max: Leverage = key(3, "first cap")
    second_drawdown_frac: Fraction = key(Decimal("0.10"), "fall at which the second cap applies")
    second_leverage_max: Leverage = key(2, "second cap")
    third_drawdown_frac: Fraction = key(Decimal("0.15"), "fall at which the third cap applies")
    third_leverage_max: Leverage = key(1, "third cap")


class LossStreak(Section):
    """What losses in a row change, at two lengths of the streak."""

    short_count: Count = key(3, "losses in a row of a short streak")
    short_leverage_max: Leverage = key(2, "leverage cap in a short streak")
    short_confidence_add: Confidence = key(
        Decimal("0.10"), "added to the confidence floor in a short streak"
    )
    long_count: Count = key(5, "losses in a row of a long streak; the breaker trips here")
    long_leverage_max: Leverage = key(1, "leverage cap in a long streak")
    long_confidence_add: Confidence = key(
        Decimal("0.20"), "added to the confidence floor in a long streak"
    )
    long_size_factor: Factor = key(
        Decimal("0.5"), "factor of the position size in a long streak, ended by a win"
    )
    pause_minutes: Minutes = key(60, "pause without new risk when the breaker trips")


class Breakers(Section):
    """Losses and errors that stop new risk."""

    daily_loss_frac: Fraction = key(Decimal("0.05"), "loss since 00:00 UTC; no new risk that day")
    daily_stop_frac: Fraction = key(
        Decimal("0.01"), "stops are tightened to this distance after a daily loss"
    )
    weekly_loss_frac: Fraction = key(
        Decimal("0.10"), "loss since Monday 00:00 UTC; no new risk that week"
    )
    weekly_cut_frac: Fraction = key(
        Decimal("0.5"), "share of every trading position that a weekly loss closes"
    )
    drawdown_stop_frac: Fraction = key(
        Decimal("0.10"), "fall from the peak; no new risk until an admin resumes"
    )
    drawdown_limit_frac: Fraction = key(
        Decimal("0.20"), "fall from the peak; flatten and halt until an admin restarts"
    )
    execution_error_count: Count = key(3, "execution errors in a row before a pause")
    execution_error_pause_minutes: Minutes = key(15, "pause after execution errors")

    @model_validator(mode="after")
    def _stop_comes_first(self) -> Self:
        if self.drawdown_stop_frac > self.drawdown_limit_frac:
            message = (
                f"expected drawdown_stop_frac <= drawdown_limit_frac, "
                f"was {self.drawdown_stop_frac} > {self.drawdown_limit_frac}"
            )
            raise ValueError(message)
        return self


class Cooldowns(Section):
    """Waits before new risk; a running one is only ever extended."""

    after_trade_minutes: Minutes = key(5, "after a trade, same symbol")
    after_loss_minutes: Minutes = key(10, "after a loss, account")
    after_short_streak_minutes: Minutes = key(30, "after a short streak of losses, account")
    after_long_streak_minutes: Minutes = key(60, "after a long streak of losses, account")
    after_rebalance_minutes: Minutes = key(30, "after a rebalance, trading book")
    volatility_spike_minutes: Minutes = key(15, "after a volatility spike, same symbol")
    fast_move_minutes: Minutes = key(10, "after a fast move, same symbol")
    fast_move_frac: Fraction = key(Decimal("0.03"), "move within five minutes that is fast")


class NoEntryWindow(Section):
    """A daily window in which no entry is made."""

    is_enabled: bool = key(default=False, meaning="switch the window on")
    start_minute: int = key(22 * 60, "start, minute of the day, UTC", ge=0, lt=_MINUTES_A_DAY)
    end_minute: int = key(2 * 60, "end, minute of the day, UTC", ge=0, lt=_MINUTES_A_DAY)


class Health(Section):
    """How fresh everything must be for new risk; the ceilings are the defaults."""

    quote_age_max_s: int = key(60, "age of the price", gt=0, le=60)
    account_age_max_s: int = key(30, "age of the account snapshot", gt=0, le=30)


class RiskConfig(Section):
    """Limits that no agent, model or command goes around."""

    risk_per_trade_frac: Fraction = key(
        Decimal("0.01"), "loss at the stop, share of equity", le=Decimal("0.02")
    )
    position_notional_frac: Fraction = key(Decimal("0.20"), "one position, share of equity")
    gross_exposure_frac: Fraction = key(
        Decimal("0.80"), "sum of positions in the trading book, share of equity"
    )
    net_exposure_frac: Fraction = key(
        Decimal("0.80"), "long less short in the trading book, share of equity"
    )
    sector_exposure_frac: Fraction = key(Decimal("0.30"), "one sector, share of equity")
    correlated_exposure_frac: Fraction = key(
        Decimal("0.40"), "one group of correlated instruments, share of equity"
    )
    correlation_min: Fraction = key(
        Decimal("0.70"), "absolute correlation from which instruments form a group"
    )
    position_leverage_max: Leverage = key(5, "leverage of a position; 5 is a ceiling")
    account_leverage_max: Ratio = key(
        Decimal("2.0"), "gross leverage of the account, all books", le=5
    )
    stop_distance_min_frac: Fraction = key(Decimal("0.005"), "nearest stop, share of the entry")
    stop_distance_max_frac: Fraction = key(Decimal("0.05"), "farthest stop, share of the entry")
    stop_distance_max_frac_by_base: FractionPerBase = key(
        {"BTC": Decimal("0.03"), "XRP": Decimal("0.05")},
        "farthest stop of one base currency, share of the entry",
    )
    reward_risk_min: Ratio = key(Decimal("1.5"), "gain at the target over loss at the stop")
    entry_slippage_max_frac: Fraction = key(Decimal("0.005"), "estimated slippage of an entry")
    positions_max: Count = key(5, "open positions")
    positions_per_symbol_max: Count = key(2, "open positions of one symbol")
    margin_use_frac: Fraction = key(Decimal("0.50"), "margin in use, share of equity")
    holding_minutes_max: Minutes = key(48 * 60, "holding time, then a time exit")
    var95_frac: Fraction = key(Decimal("0.05"), "value at risk, 95 %, one day, share of equity")
    liquidity_frac: Fraction = key(Decimal("0.10"), "position, share of the mean daily volume")
    order_notional_max: Amount = key(Decimal(100_000), "one order, quote units")
    order_quantity_max: Amount = key(Decimal(10_000), "one order, base units")
    order_quantity_max_by_base: AmountPerBase = key(
        {"XRP": Decimal(1_000_000)}, "one order of one base currency, base units"
    )
    gross_notional_max: Amount = key(Decimal(1_000_000), "sum of all positions, quote units")
    orders_per_minute: Count = key(30, "order rate")
    orders_burst: Count = key(5, "orders that may come at once")
    strictness: Literal["relaxed", "normal", "strict", "strictest"] = key(
        "normal", "moves every confidence floor by -0.05, 0, +0.05 or +0.10"
    )
    volatility_spike_ratio: Ratio = key(
        Decimal(3), "ATR over its 20-bar mean from which volatility is a spike"
    )
    volatility_size_factor: Factor = key(
        Decimal("0.5"), "factor of the position size in a volatility spike"
    )
    regime_leverage: RegimeLeverage = RegimeLeverage()
    regime_stop_atr: RegimeStop = RegimeStop()
    regime_confidence: RegimeConfidence = RegimeConfidence()
    regime_size: RegimeSize = RegimeSize()
    tiers: Tiers = Tiers()
    drawdown_leverage: DrawdownLeverage = DrawdownLeverage()
    loss_streak: LossStreak = LossStreak()
    breakers: Breakers = Breakers()
    cooldowns: Cooldowns = Cooldowns()
    no_entry_window: NoEntryWindow = NoEntryWindow()
    health: Health = Health()

    @model_validator(mode="after")
    def _stop_limits_meet(self) -> Self:
        if self.stop_distance_min_frac > self.stop_distance_max_frac:
            message = (
                f"expected stop_distance_min_frac <= stop_distance_max_frac, "
                f"was {self.stop_distance_min_frac} > {self.stop_distance_max_frac}"
            )
            raise ValueError(message)
        return self

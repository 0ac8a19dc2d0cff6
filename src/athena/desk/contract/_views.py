"""What each kind of view holds beside the action: the typed part of an agent's output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from athena.desk.contract._checks import check_between, check_finite
from athena.domain import Regime, RiskLevel  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from pydantic import ConfigDict

# Of every dataclass that is read from JSON: no unknown key, no conversion, no NaN.
STRICT: ConfigDict = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicalView:
    """What the technical analyst sees (desk specification 4.1).

    Attributes:
        trend: `up`, `down` or `flat`.
        trend_strength: -1..1.
        momentum: -1..1.
        volatility_band: `low`, `normal` or `high`.
        supports, resistances: prices of the last swing lows and highs, newest first.
        patterns: names of the confirmed ones.
        alignment: -1..1, mean trend sign over the time frames.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["technical"] = "technical"
    trend: Literal["up", "down", "flat"]
    trend_strength: float
    momentum: float
    volatility_band: Literal["low", "normal", "high"]
    supports: tuple[float, ...]
    resistances: tuple[float, ...]
    patterns: tuple[str, ...]
    alignment: float

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        check_between("trend_strength", self.trend_strength, -1, 1)
        check_between("momentum", self.momentum, -1, 1)
        check_between("alignment", self.alignment, -1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeView:
    """The label of the market, with what goes with it (4.2).

    Attributes:
        regime: the label in force, after hysteresis.
        candidate: the label that this cycle's numbers ask for.
        confirmations: cycles in a row that asked for `candidate`.
        since_ns: when the label in force began.
        stop_factor: factor of a percent stop, for use where the ATR is missing.
        target_multiple: target in multiples of the stop distance.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["regime"] = "regime"
    regime: Regime
    candidate: Regime
    confirmations: int
    since_ns: int
    stop_factor: float
    target_multiple: float


@dataclass(frozen=True, slots=True)
class Mention:
    """An event or a narrative of the sentiment view.

    Attributes:
        text: what was said, shortened.
        source: who said it.
        known_at_ns: the later of publication and arrival.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    text: str
    source: str
    known_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentView:
    """What news and social texts say (4.3).

    Attributes:
        score: -1..1.
        n_texts: texts that were scored.
        events, narratives: de-duplicated, newest first.
        providers: sources that answered.
        missing: sources that did not, with the reason.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["sentiment"] = "sentiment"
    score: float
    n_texts: int
    events: tuple[Mention, ...]
    narratives: tuple[Mention, ...]
    providers: tuple[str, ...]
    missing: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a score out of range."""
        check_between("score", self.score, -1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """A forecast record as the desk reads it (4.4; forecasting specification 1).

    Attributes:
        status: `ok`, `degraded` or `refused`; refused has no numbers.
        horizon_bars: bars ahead.
        quantiles: (level, log return) pairs, levels rising.
        up_probability, base_rate: 0..1.
        base_n: observations behind the base rate.
        is_calibrated: whether the probability passed its calibration test.
        coverage: share of outcomes inside the 80 % interval, 0..1, of `coverage_n`.
        model_id, bundle_id, feature_hash: what made it.
        warnings: of the model.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["forecast"] = "forecast"
    status: Literal["ok", "degraded", "refused"]
    horizon_bars: int
    quantiles: tuple[tuple[float, float], ...] = ()
    up_probability: float | None = None
    base_rate: float | None = None
    base_n: int = 0
    is_calibrated: bool = False
    coverage: float | None = None
    coverage_n: int = 0
    model_id: str = ""
    bundle_id: str = ""
    feature_hash: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse probabilities out of range and returns that are not finite."""
        for name in ("up_probability", "base_rate", "coverage"):
            value = getattr(self, name)
            if value is not None:
                check_between(name, value, 0, 1)
        for _, value in self.quantiles:
            check_finite("quantile", value)


@dataclass(frozen=True, slots=True)
class Weight:
    """One asset of the core book; weights in millionths of its equity."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    symbol: str
    weight_ppm: int
    target_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """Where the core book stands, and what it asks of the core (4.7).

    Attributes:
        weights: per instrument and, under the quote currency's name, cash.
        off_ppm: largest deviation from a target.
        level: `within`, `off`, `warning` or `critical`, as the core calls them.
        style: `limit_now`, `dca` or `wait`: how a rebalance is to be carried out.
        is_due: whether a rebalance is asked for.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["portfolio"] = "portfolio"
    weights: tuple[Weight, ...]
    off_ppm: int
    level: Literal["within", "off", "warning", "critical"]
    style: Literal["limit_now", "dca", "wait"]
    is_due: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A named part of the account's value: an exposure, or the use of a limit (1 is all of it)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """How dangerous the account stands (4.8).

    Attributes:
        level: judged from the issues and the macro picture.
        issues: what is over a limit, the gravest first.
        advice: `reduce_position`, `diversify` or `reduce_exposure`, in that order.
        alerts: what a person should know beside the issues.
        uses: of each limit; over 1 is an issue.
        exposures: gross, net, long and short, then each sector and asset class, of equity.
        var95_frac, var99_frac, shortfall95_frac: one period, historical, of the portfolio, as
            fractions of its value; None when there are no positions or no returns.
        n_returns: observations behind them; under 100 they are flagged in `alerts`.
        compliance: violations; one is enough for a veto.
        proposal_id: proposal it was asked about; empty when about the account alone.
        has_positions: False says that it read an empty book, not that it read none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    kind: Literal["risk"] = "risk"
    level: RiskLevel
    issues: tuple[str, ...]
    advice: tuple[str, ...]
    alerts: tuple[str, ...]
    uses: tuple[Share, ...]
    exposures: tuple[Share, ...]
    var95_frac: float | None
    var99_frac: float | None
    shortfall95_frac: float | None
    n_returns: int
    has_positions: bool
    compliance: tuple[str, ...] = ()
    proposal_id: str = ""

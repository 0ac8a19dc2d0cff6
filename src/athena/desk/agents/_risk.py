"""The risk view: how dangerous the account stands, and what to do about it (4.8)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.agents._opinion import NewestDigest, Opinion, evidence_of
from athena.desk.agents._risk_numbers import (
    annual_sharpe,
    annual_volatility,
    compounded_drawdown,
    correlate,
    expected_shortfall,
    exposures,
    historical_var,
    parametric_var,
    portfolio_returns,
)
from athena.desk.contract import Evidence, RiskView, Share
from athena.domain import Action, RiskLevel

if TYPE_CHECKING:
    from athena.desk.contract import Context
    from athena.desk.inputs import AccountView, Fundamentals, Macro, PositionView, ReturnTable

_LEVELS = list(RiskLevel)  # from low to critical
_SOURCE = "risk view"


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """Limits of the risk view; the risk engine of the core has its own, and the last word.

    Attributes:
        var95, drawdown, volatility, correlation, sector, leverage, liquidity: above them is an
            issue; fractions, volatility a year, leverage of gross over equity.
        var_warning: part of the limit of VaR from which the level is medium.
        critical_issues: so many make it critical.
        compliance_shown: items named.
        n_returns_min: fewer are flagged.
        debt_equity, current_ratio: of a share, beyond which the level goes one step up.
        stress_vix: VIX above which it goes one step up.
        beta: of a share, above which there is an alert.
    """

    var95: float = 0.05
    drawdown: float = 0.10
    volatility: float = 0.40
    correlation: float = 0.70
    sector: float = 0.30
    leverage: float = 2.0
    liquidity: float = 0.10
    var_warning: float = 0.70
    critical_issues: int = 3
    compliance_shown: int = 3
    n_returns_min: int = 100
    debt_equity: float = 2.0
    current_ratio: float = 1.0
    stress_vix: float = 30.0
    beta: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """What the risk view reads.

    Attributes:
        account: real positions and money; None when the core does not show them.
        returns: daily returns of what is held; None when there are none.
        macro: the macro picture.
        fundamentals: of the share that is judged; None otherwise.
        proposal_id: proposal that is being judged; empty for none.
    """

    account: AccountView | None
    returns: ReturnTable | None
    macro: Macro
    fundamentals: Fundamentals | None = None
    proposal_id: str = ""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What was measured; None is not known."""

    n_returns: int
    var95: float | None
    var99: float | None
    parametric95: float | None
    shortfall95: float | None
    volatility: float | None
    sharpe: float | None
    fall: float | None


_UNKNOWN = _Numbers(0, None, None, None, None, None, None, None)


class RiskRule:
    """Judge the account; it remembers nothing. Below medium it abstains."""

    def __init__(self, settings: RiskSettings | None = None) -> None:
        """Take the limits; None is the specification's."""
        self._settings = settings or RiskSettings()
        # One account, one macro picture and one table of returns serve several symbols.
        self._macro, self._account = NewestDigest(), NewestDigest()

    def input_ids(self, inputs: RiskInputs) -> tuple[str, ...]:
        """Return the digests of account, returns and macro picture."""
        ids = [self._macro.of(inputs.macro)]
        if inputs.account is not None:
            ids.append(self._account.of(inputs.account))
        if inputs.returns is not None:
            ids.append(inputs.returns.digest())
        return tuple(ids)

    def judge(self, context: Context[RiskInputs]) -> Opinion:
        """Judge the account; an equity that is not known is critical."""
        inputs = context.inputs
        account = inputs.account
        if account is None or account.equity is None or account.equity <= 0:
            return _blind(inputs)
        weights = _weights(account)
        numbers = _measure(inputs.returns, weights)
        shares = exposures(account.positions, account.equity)
        uses, issues = self._issues(inputs, account, numbers, shares)
        level = self._level(issues, {item.name: item.frac for item in uses})
        level, raised = self._raised(level, inputs)
        alerts = self._alerts(inputs, numbers, weights)
        view = RiskView(
            level=level,
            issues=issues,
            advice=_advice(level, uses),
            alerts=alerts,
            uses=uses,
            exposures=shares,
            var95_frac=numbers.var95,
            var99_frac=numbers.var99,
            shortfall95_frac=numbers.shortfall95,
            n_returns=numbers.n_returns,
            has_positions=bool(account.positions),
            compliance=account.compliance,
            proposal_id=inputs.proposal_id,
        )
        says = (f"risk {level}", *issues, *raised, *alerts)
        return self._vote(view, says, _shown(numbers))

    def _vote(
        self, view: RiskView, reasons: tuple[str, ...], shown: tuple[Evidence, ...]
    ) -> Opinion:
        abstains = view.level is RiskLevel.LOW
        largest = max((item.frac for item in view.uses), default=0.0)
        return Opinion(
            action=Action.HOLD,
            confidence=0.0 if abstains else max(0.0, min(1.0, largest)),
            label=view.level.value,
            reasons=reasons,
            evidence=shown,
            abstains=abstains,
            detail=view,
        )

    def _issues(
        self,
        inputs: RiskInputs,
        account: AccountView,
        numbers: _Numbers,
        shares: tuple[Share, ...],
    ) -> tuple[tuple[Share, ...], tuple[str, ...]]:
        """Return the use of each limit, and what is over one."""
        settings = self._settings
        by_name = {item.name: item.frac for item in shares}
        sectors = {name: frac for name, frac in by_name.items() if name.startswith("sector:")}
        found = {
            "var95": (numbers.var95, settings.var95),
            "drawdown": (account.drawdown_frac, settings.drawdown),
            "volatility": (numbers.volatility, settings.volatility),
            "correlation": (_highest_correlation(inputs.returns, account), settings.correlation),
            "sector": (max(sectors.values(), default=None), settings.sector),
            "leverage": (by_name["gross"], settings.leverage),
            "liquidity": (_thinnest(account.positions), settings.liquidity),
        }
        uses = tuple(
            Share(name, value / limit)
            for name, (value, limit) in found.items()
            if value is not None
        )
        over = [
            f"{name} {value:.3g} is over {limit:g}"
            for name, (value, limit) in found.items()
            if value is not None and value > limit
        ]
        broken = account.compliance[: settings.compliance_shown]
        return uses, (*over, *(f"compliance: {item}" for item in broken))

    def _level(self, issues: tuple[str, ...], uses: dict[str, float]) -> RiskLevel:
        if len(issues) >= self._settings.critical_issues:
            return RiskLevel.CRITICAL
        if uses.get("var95", 0.0) > 1.0 or uses["drawdown"] > 1.0:
            return RiskLevel.HIGH
        if issues or uses.get("var95", 0.0) > self._settings.var_warning:
            return RiskLevel.MEDIUM
        return RiskLevel.LOW

    def _raised(self, level: RiskLevel, inputs: RiskInputs) -> tuple[RiskLevel, tuple[str, ...]]:
        """Go one step up for each thing that makes everything riskier (DK-35)."""
        settings, books, macro = self._settings, inputs.fundamentals, inputs.macro
        reasons = []
        if books is not None and (
            (books.debt_equity is not None and books.debt_equity > settings.debt_equity)
            or (books.current_ratio is not None and books.current_ratio < settings.current_ratio)
        ):
            reasons.append("the company is deep in debt or short of cash")
        if macro.vix is not None and macro.vix > settings.stress_vix:
            reasons.append(f"VIX {macro.vix:g} is over {settings.stress_vix:g}")
        if macro.spread_10y_2y is not None and macro.spread_10y_2y < 0:
            reasons.append("the yield curve is inverted")
        place = min(_LEVELS.index(level) + len(reasons), len(_LEVELS) - 1)
        return _LEVELS[place], tuple(reasons)

    def _alerts(
        self, inputs: RiskInputs, numbers: _Numbers, weights: dict[str, float]
    ) -> tuple[str, ...]:
        settings, books = self._settings, inputs.fundamentals
        alerts = []
        if not weights:
            alerts.append("no positions")
        elif numbers.n_returns < settings.n_returns_min:
            alerts.append(f"{numbers.n_returns} returns, expected {settings.n_returns_min}")
        if inputs.returns is not None:
            lost = sorted(set(weights) - set(inputs.returns.symbols))
            alerts += [f"no returns of {name}" for name in lost]
        if books is not None and books.beta is not None and books.beta > settings.beta:
            alerts.append(f"beta {books.beta:g} is over {settings.beta:g}")
        return tuple(alerts)


def _blind(inputs: RiskInputs) -> Opinion:
    """Take an account that nobody can see for critical: unknown means no."""
    view = RiskView(
        level=RiskLevel.CRITICAL,
        issues=("equity is not known",),
        advice=(),
        alerts=(),
        uses=(),
        exposures=(),
        var95_frac=None,
        var99_frac=None,
        shortfall95_frac=None,
        n_returns=0,
        has_positions=False,
        compliance=inputs.account.compliance if inputs.account is not None else (),
        proposal_id=inputs.proposal_id,
    )
    return Opinion(
        action=Action.HOLD,
        confidence=1.0,
        label=view.level.value,
        reasons=view.issues,
        detail=view,
    )


def _weights(account: AccountView) -> dict[str, float]:
    """Return the signed value of each symbol over equity, all books together."""
    weights: dict[str, float] = {}
    equity = account.equity
    if equity is None:
        return weights
    for item in account.positions:
        weights[item.symbol] = weights.get(item.symbol, 0.0) + float(item.value / equity)
    return weights


def _measure(table: ReturnTable | None, weights: dict[str, float]) -> _Numbers:
    if table is None or not weights:
        return _UNKNOWN
    returns, _ = portfolio_returns(table, weights)
    n = len(returns)
    if n < 2:  # noqa: PLR2004 - a deviation takes two
        return _UNKNOWN
    sharpe = annual_sharpe(returns, table.periods_per_year)
    return _Numbers(
        n_returns=n,
        var95=historical_var(returns, 0.95),
        var99=historical_var(returns, 0.99),
        parametric95=parametric_var(returns, 0.95),
        shortfall95=expected_shortfall(returns, 0.95),
        volatility=annual_volatility(returns, table.periods_per_year),
        sharpe=None if math.isnan(sharpe) else sharpe,
        fall=compounded_drawdown(returns),
    )


def _shown(numbers: _Numbers) -> tuple[Evidence, ...]:
    values = [
        ("var95", numbers.var95),
        ("var99", numbers.var99),
        ("parametric_var95", numbers.parametric95),
        ("shortfall95", numbers.shortfall95),
        ("volatility", numbers.volatility),
        ("drawdown_of_returns", numbers.fall),
    ]
    return (
        *evidence_of(values, "frac", _SOURCE),
        *evidence_of([("sharpe", numbers.sharpe)], "", _SOURCE),
    )


def _highest_correlation(table: ReturnTable | None, account: AccountView) -> float | None:
    held = sorted({item.symbol for item in account.positions})
    if table is None or len(held) < 2:  # noqa: PLR2004 - a pair
        return None
    pairs = correlate(table, held).pairs_above(0.0)
    return abs(pairs[0][2]) if pairs else None


def _thinnest(positions: tuple[PositionView, ...]) -> float | None:
    """Return the largest position over its mean daily volume; None where none is known."""
    parts = [
        float(abs(item.value) / item.daily_volume_value)
        for item in positions
        if item.daily_volume_value is not None and item.daily_volume_value > 0
    ]
    return max(parts, default=None)


def _advice(level: RiskLevel, uses: tuple[Share, ...]) -> tuple[str, ...]:
    over = {item.name for item in uses if item.frac > 1.0}
    said = {
        "reduce_position": over & {"var95", "drawdown", "liquidity", "leverage", "volatility"},
        "diversify": over & {"correlation", "sector"},
        "reduce_exposure": {level} & {RiskLevel.CRITICAL},
    }
    return tuple(name for name, reasons in said.items() if reasons)

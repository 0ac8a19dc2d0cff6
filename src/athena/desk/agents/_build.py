"""Agents ready to be seated: each role with its rule, its version and how long its word counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.agents._execution import ExecutionInputs, ExecutionRule, ExecutionSettings
from athena.desk.agents._forecast import Forecaster, ForecastRule, ForecastSettings
from athena.desk.agents._opinion import Calibration, Rule, RuleAgent, version_of
from athena.desk.agents._panel import PanelInputs, PanelRule, PanelSettings
from athena.desk.agents._portfolio import PortfolioInputs, PortfolioRule
from athena.desk.agents._regime import RegimeRule, RegimeSettings, RegimeState
from athena.desk.agents._risk import RiskInputs, RiskRule, RiskSettings
from athena.desk.agents._sentiment import SentimentRule, SentimentSettings, TextClassifier
from athena.desk.agents._strategy import StrategyInputs, StrategyRule, StrategySettings
from athena.desk.agents._technical import TechnicalRule, TechnicalSettings
from athena.desk.contract import Role
from athena.domain import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from athena.desk.contract import Output
    from athena.desk.inputs import Snapshot, Texts

    Publish = Callable[[Output], None]
    InputsT = TypeVar("InputsT")

# How long an output counts. The first three are the coordinator's bounds for agreement.
VALID_FOR_NS = {
    Role.TECHNICAL: 2 * MINUTE_NS,
    Role.REGIME: 10 * MINUTE_NS,
    Role.SENTIMENT: 60 * MINUTE_NS,
    Role.FORECAST: 60 * MINUTE_NS,
    Role.STRATEGY: 2 * MINUTE_NS,
    Role.EXECUTION: MINUTE_NS,
    Role.PORTFOLIO: 60 * MINUTE_NS,
    Role.RISK: 2 * MINUTE_NS,
}
# A rule whose code changes what it says for the same settings gets the next number.
_RULES = "1"


def technical_agent(
    publish: Publish,
    settings: TechnicalSettings | None = None,
    *,
    name: str = "technical",
    calibration: Calibration | None = None,
) -> RuleAgent[Snapshot]:
    """Make the technical analyst."""
    settings = settings or TechnicalSettings()
    rule = TechnicalRule(settings)
    return _agent(name, Role.TECHNICAL, rule, settings, publish, calibration)


def regime_agent(
    publish: Publish,
    settings: RegimeSettings | None = None,
    *,
    name: str = "regime",
    states: Iterable[tuple[str, RegimeState]] = (),
    calibration: Calibration | None = None,
) -> RuleAgent[Snapshot]:
    """Make the regime agent, with the states that an earlier run left.

    What it needs to change a label is its confidence before calibration.
    """
    settings = settings or RegimeSettings()
    rule = RegimeRule(settings, states)
    return _agent(name, Role.REGIME, rule, settings, publish, calibration)


def sentiment_agent(
    publish: Publish,
    classifier: TextClassifier | None = None,
    settings: SentimentSettings | None = None,
    *,
    name: str = "sentiment",
    calibration: Calibration | None = None,
) -> RuleAgent[Texts]:
    """Make the sentiment agent; without a classifier it counts words."""
    settings = settings or SentimentSettings()
    rule = SentimentRule(classifier, settings)
    return _agent(name, Role.SENTIMENT, rule, settings, publish, calibration)


def forecast_agent(
    publish: Publish,
    forecaster: Forecaster | None = None,
    settings: ForecastSettings | None = None,
    *,
    name: str = "forecast",
) -> RuleAgent[Snapshot]:
    """Make the forecast agent; without a verified model it abstains.

    Its confidence is the model's own calibration.
    """
    settings = settings or ForecastSettings()
    rule = ForecastRule(forecaster, settings)
    return _agent(name, Role.FORECAST, rule, settings, publish, None)


def strategy_agent(
    publish: Publish,
    settings: StrategySettings | None = None,
    *,
    name: str = "strategy",
    calibration: Calibration | None = None,
) -> RuleAgent[StrategyInputs]:
    """Make the strategy agent."""
    settings = settings or StrategySettings()
    rule = StrategyRule(name, settings)
    return _agent(name, Role.STRATEGY, rule, settings, publish, calibration)


def panel_agent(
    publish: Publish,
    settings: PanelSettings | None = None,
    *,
    name: str = "panel",
    calibration: Calibration | None = None,
) -> RuleAgent[PanelInputs]:
    """Make the agent that speaks for the model panel; it votes as a strategy."""
    settings = settings or PanelSettings()
    rule = PanelRule(name, settings)
    return _agent(name, Role.STRATEGY, rule, settings, publish, calibration)


def execution_agent(
    publish: Publish, settings: ExecutionSettings | None = None, *, name: str = "execution"
) -> RuleAgent[ExecutionInputs]:
    """Make the execution planner."""
    settings = settings or ExecutionSettings()
    return _agent(name, Role.EXECUTION, ExecutionRule(settings), settings, publish, None)


def portfolio_agent(publish: Publish, *, name: str = "portfolio") -> RuleAgent[PortfolioInputs]:
    """Make the portfolio agent; its numbers are the core's rebalancing rules."""
    return _agent(name, Role.PORTFOLIO, PortfolioRule(), None, publish, None)


def risk_agent(
    publish: Publish, settings: RiskSettings | None = None, *, name: str = "risk"
) -> RuleAgent[RiskInputs]:
    """Make the risk view."""
    settings = settings or RiskSettings()
    return _agent(name, Role.RISK, RiskRule(settings), settings, publish, None)


def _agent(  # noqa: PLR0913, PLR0917 - who it is, what it thinks with, whom it tells
    name: str,
    role: Role,
    rule: Rule[InputsT],
    settings: object,
    publish: Publish,
    calibration: Calibration | None,
) -> RuleAgent[InputsT]:
    return RuleAgent(
        name,
        role,
        rule,
        publish,
        version=version_of(f"{role}-{_RULES}", settings),
        valid_for_ns=VALID_FOR_NS[role],
        calibration=calibration,
    )

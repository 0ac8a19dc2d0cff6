"""What an agent publishes: an action with a confidence, its reasons and its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from athena.desk.contract._checks import check_between, check_finite
from athena.desk.contract._proposals import Plan, Proposal
from athena.desk.contract._roles import Role  # noqa: TC001 - pydantic reads the annotations
from athena.desk.contract._views import (
    STRICT,
    ForecastView,
    PortfolioView,
    RegimeView,
    RiskView,
    SentimentView,
    TechnicalView,
)
from athena.domain import Action
from athena.errors import InputError

if TYPE_CHECKING:
    from pydantic import ConfigDict

Detail = Annotated[
    TechnicalView
    | RegimeView
    | SentimentView
    | ForecastView
    | Proposal
    | Plan
    | PortfolioView
    | RiskView,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A number behind an opinion.

    Attributes:
        name: what it is, such as `rsi_14`.
        value: finite.
        unit: `quote`, `frac`, `bps`, `ns`, `count`, `index`; empty for a pure number.
        source: where it comes from, such as `BTC/USDT 1h` or a model's id.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    value: float
    unit: str
    source: str

    def __post_init__(self) -> None:
        """Refuse NaN and infinity: what is not known is left out."""
        check_finite(f"evidence {self.name}", self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One agent's answer in one cycle.

    Attributes:
        agent: unique name.
        role: what it was asked for.
        symbol: instrument; empty when it is about the whole account.
        as_of_ns: nothing later was used, UTC.
        action: the vote.
        label: short word for the state it sees, such as a regime or `bullish`.
        confidence: 0..1, as it is voted with.
        raw_confidence: 0..1, before calibration and caps.
        reasons: sentences for a person.
        evidence: named numbers.
        input_ids: digests of what was read, and ids of what it refers to.
        version: of the rule, prompt and settings that made it.
        valid_until_ns: later it counts for nothing.
        abstains: True takes no part in the vote; the reasons say why.
        detail: the typed part of its role; None when there was nothing to say.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    agent: str
    role: Role
    symbol: str
    as_of_ns: int
    action: Action
    confidence: float
    raw_confidence: float
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    input_ids: tuple[str, ...]
    version: str
    valid_until_ns: int
    label: str = ""
    abstains: bool = False
    detail: Detail | None = None

    def __post_init__(self) -> None:
        """Refuse an output without a name, a reason or a sensible confidence."""
        check_between("confidence", self.confidence, 0, 1)
        check_between("raw_confidence", self.raw_confidence, 0, 1)
        if not self.agent or not self.version:
            message = f"expected the names of agent and version, was {self.agent!r}"
            raise InputError(message)
        if self.valid_until_ns < self.as_of_ns:
            message = f"expected an output valid from {self.as_of_ns}, was {self.valid_until_ns}"
            raise InputError(message)
        if not self.reasons and (self.abstains or self.action is Action.HOLD):
            message = f"expected a reason for the {self.action} of {self.agent}, was none"
            raise InputError(message)

    def is_valid_at(self, now_ns: int) -> bool:
        """Tell whether it may be used at a moment: not from the future, not expired."""
        return self.as_of_ns <= now_ns <= self.valid_until_ns

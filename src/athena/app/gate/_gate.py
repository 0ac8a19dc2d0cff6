"""What has to hold before a real order may be sent: all of it, or nothing is (TR-27)."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athena.app.gate._paper_record import PaperRecord
    from athena.research.statistics import Estimate

CONFIGURATION_KEY = "live.is_enabled"
ENVIRONMENT_NAME = "ATHENA_LIVE"
ENVIRONMENT_VALUE = "yes"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the gate.

    Attributes:
        name: one word, stable.
        holds: None while it is only asked for when a session starts.
        text: what was found, and what is asked.
        value, low, high: of a measured one, with its 95 % interval; None where there is none.
        n: its sample size; None for what is not measured.
        method: how the interval was made.
    """

    name: str
    holds: bool | None
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class GateReport:
    """Every condition of the gate, in order."""

    conditions: tuple[Condition, ...]

    @property
    def missing(self) -> tuple[Condition, ...]:
        """Return the conditions that do not hold."""
        return tuple(item for item in self.conditions if item.holds is False)

    @property
    def is_open(self) -> bool:
        """Tell whether every condition holds, but for what is asked for at the start."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the gate judges besides the paper record.

    Attributes:
        enabled_by: origin of `live.is_enabled: true`; None while it is false.
        environment: value of ATHENA_LIVE; empty when it is not set.
        is_confirmed: somebody typed the confirmation; None when it was not asked for yet.
        key_fault: why the keys cannot be used; empty when they can.
        withdrawal: rights of the key that have to do with withdrawals; None when the venue did
            not say which rights it has.
        rights_fault: why it did not.
    """

    enabled_by: str | None
    environment: str
    is_confirmed: bool | None
    key_fault: str
    withdrawal: Sequence[str] | None
    rights_fault: str = ""


def check_gate(evidence: Evidence, record: Sequence[Condition]) -> GateReport:
    """Judge every condition; what cannot be proven does not hold.

    Args:
        evidence: of the start.
        record: conditions of the paper record, measured now or when the gate was passed.
    """
    return GateReport(
        (
            _configuration(evidence),
            _environment(evidence),
            _confirmation(evidence),
            _keys(evidence),
            _withdrawal(evidence),
            *record,
        )
    )


def _configuration(evidence: Evidence) -> Condition:
    origin = evidence.enabled_by
    if origin is None:
        return Condition("configuration", holds=False, text=f"{CONFIGURATION_KEY} is false")
    # The environment is a condition of its own: one variable must not meet two of them.
    holds = not origin.startswith("environment")
    wants = "" if holds else "; it has to stand in the configuration file"
    return Condition("configuration", holds, f"{CONFIGURATION_KEY}: true ({origin}){wants}")


def _environment(evidence: Evidence) -> Condition:
    holds = evidence.environment == ENVIRONMENT_VALUE
    found = f"was {evidence.environment!r}" if evidence.environment else "was not set"
    return Condition(
        "environment",
        holds,
        f"{ENVIRONMENT_NAME}={ENVIRONMENT_VALUE}" + ("" if holds else f" is asked, {found}"),
    )


def _confirmation(evidence: Evidence) -> Condition:
    texts = {
        None: "asked for when the session starts",
        True: "typed",
        False: "not what was asked for",
    }
    return Condition("confirmation", evidence.is_confirmed, texts[evidence.is_confirmed])


def _keys(evidence: Evidence) -> Condition:
    return Condition("keys", not evidence.key_fault, evidence.key_fault or "present")


def _withdrawal(evidence: Evidence) -> Condition:
    rights = evidence.withdrawal
    if rights is None:
        reason = evidence.rights_fault or "not asked, for there are no keys"
        return Condition("withdrawal", holds=False, text=f"not proven: {reason}")
    if rights:
        text = f"the key may {', '.join(rights)}; make one that may not"
        return Condition("withdrawal", holds=False, text=text)
    return Condition("withdrawal", holds=True, text="the key has no right of withdrawal")


# --- the paper record -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """One figure of the record: what is asked of it, and how it is shown."""

    estimate: Callable[[PaperRecord], Estimate]
    compare: Callable[[float, float], bool]
    threshold: float
    asked: str
    shown: str


# The specification's, and no key of the configuration: a gate that a file can widen is none.
_RULES: Mapping[str, _Rule] = {
    "days": _Rule(lambda r: r.days, operator.ge, 14, "at least 14 days", "{:.1f} days"),
    "trades": _Rule(lambda r: r.trades, operator.ge, 50, "at least 50 trades", "{:.0f} trades"),
    "sharpe": _Rule(lambda r: r.sharpe, operator.gt, 1, "Sharpe > 1", "{:.2f}"),
    "drawdown": _Rule(lambda r: r.drawdown, operator.lt, 0.15, "drawdown < 15%", "{:.1%}"),
    "wins": _Rule(lambda r: r.wins, operator.gt, 0.45, "wins > 45%", "{:.1%}"),
    "uptime": _Rule(lambda r: r.uptime, operator.gt, 0.99, "uptime > 99%", "{:.2%}"),
    "agent_errors": _Rule(lambda r: r.failures, operator.lt, 0.01, "errors < 1%", "{:.2%}"),
    "order_path": _Rule(lambda r: r.order_path_s, operator.lt, 1, "p95 < 1 s", "{:.3f} s"),
}


def record_conditions(record: PaperRecord) -> tuple[Condition, ...]:
    """Judge a paper record; a figure that is not known does not hold."""
    return tuple(_judged(name, rule, record) for name, rule in _RULES.items())


def no_record(reason: str) -> tuple[Condition, ...]:
    """Return the conditions of a record that is not there."""
    return tuple(
        Condition(name, holds=False, text=f"{rule.asked}: {reason}", n=0)
        for name, rule in _RULES.items()
    )


def _judged(name: str, rule: _Rule, record: PaperRecord) -> Condition:
    found = rule.estimate(record)
    is_known = math.isfinite(found.value)
    shown = rule.shown.format(found.value) if is_known else "not known"
    return Condition(
        name=name,
        holds=is_known and rule.compare(found.value, rule.threshold),
        text=f"{shown}; asked: {rule.asked}",
        value=_finite(found.value),
        low=_finite(found.low),
        high=_finite(found.high),
        n=found.n,
        method=found.method,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

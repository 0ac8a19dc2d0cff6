"""What models cost, in the database: set aside before a call, settled after it.

A call that nobody settles, because the process died or the answer never came, stays at its worst
case: what is not known to be unspent counts as spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import ns_to_datetime

if TYPE_CHECKING:
    from athena.platform.database import Database, Transaction

_OPEN = "open"
_DAY = "SELECT total_usd, n_calls FROM language_days WHERE day = :day"
_DECISION = "SELECT reserved_usd, cost_usd FROM language_calls WHERE decision_id = :decision_id"
_FIRST_OF_DAY = "INSERT INTO language_days (day, total_usd, n_calls) VALUES (:day, :total_usd, 1)"
_NEXT_OF_DAY = (
    "UPDATE language_days SET total_usd = :total_usd, n_calls = n_calls + 1 WHERE day = :day"
)
_CORRECT_DAY = "UPDATE language_days SET total_usd = :total_usd WHERE day = :day"
_ADD = (
    "INSERT INTO language_calls (id, at_ns, day, decision_id, role, model, provider, request_key, "
    "reserved_usd, outcome) VALUES (:id, :at_ns, :day, :decision_id, :role, :model, :provider, "
    ":request_key, :reserved_usd, :outcome)"
)
_RESERVED = "SELECT day, reserved_usd FROM language_calls WHERE id = :id"
_SETTLE = (
    "UPDATE language_calls SET cost_usd = :cost_usd, n_input = :n_input, n_output = :n_output, "
    "latency_ms = :latency_ms, outcome = :outcome WHERE id = :id"
)
_BY_MODEL = (
    "SELECT model, outcome, n_input, n_output, reserved_usd, cost_usd FROM language_calls "
    "WHERE day = :day"
)
_BY_ROLE = (
    "SELECT decision_id, model, latency_ms, cost_usd FROM language_calls "
    "WHERE role = :role AND cost_usd IS NOT NULL AND latency_ms IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent, in US dollars: in a UTC day, from when it is told, for one decision."""

    day_max_usd: Decimal = Decimal(5)
    day_warn_usd: Decimal = Decimal(4)
    decision_max_usd: Decimal = Decimal("0.50")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is about to be made.

    Attributes:
        id: unique.
        at_ns: UTC; decides whose day pays.
        decision_id: which decision pays.
        role, model, provider, request_key: what is asked of whom.
        worst_usd: most that it can cost.
    """

    id: str
    at_ns: int
    decision_id: str
    role: str
    model: str
    provider: str
    request_key: str
    worst_usd: Decimal


@dataclass(frozen=True, slots=True)
class Reserved:
    """A call may be made.

    Attributes:
        day_usd: what the day has cost with it.
        is_first_warning: True when this call took the day over the sum from which it is told.
    """

    day_usd: Decimal
    is_first_warning: bool


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A call may not be made; the reason names the sums."""

    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call came to.

    Attributes:
        cost_usd: what it cost.
        n_input, n_output: tokens; None when they are not known.
        latency_ms: how long it took.
        outcome: `text`, or why there is none.
    """

    cost_usd: Decimal
    n_input: int | None
    n_output: int | None
    latency_ms: int
    outcome: str


@dataclass(frozen=True, slots=True)
class ModelSpending:
    """What one model did on a day.

    Attributes:
        model: by its configured name.
        n_calls: made, those without an answer too.
        n_texts: that brought a text.
        n_input, n_output: tokens, where they are known.
        cost_usd: what they cost; open calls at their worst case.
    """

    model: str
    n_calls: int
    n_texts: int
    n_input: int
    n_output: int
    cost_usd: Decimal


class Ledger:
    """Set aside and settle what calls cost; processes of one home share one budget."""

    __slots__ = ("_database", "_limits")

    def __init__(self, database: Database, limits: Limits) -> None:
        """Use a database whose tables are up to date, from the thread that opened it."""
        self._database = database
        self._limits = limits

    def reserve(self, call: Call) -> Reserved | OverBudget:
        """Set the worst case of a call aside, or say why there is no money for it.

        A call that costs nothing is noted and never refused.

        Raises:
            DatabaseDown: nothing was set aside.
        """
        day = day_of(call.at_ns)
        with self._database.write() as transaction:
            rows = transaction.query(_DAY, {"day": day})
            before = _usd(rows[0][0]) if rows else Decimal(0)
            after = before + call.worst_usd
            over = self._over(transaction, call, before) if call.worst_usd else ""
            if over:
                return OverBudget(over)
            statement = _NEXT_OF_DAY if rows else _FIRST_OF_DAY
            transaction.execute(statement, {"day": day, "total_usd": after})
            transaction.execute(
                _ADD,
                {
                    "id": call.id,
                    "at_ns": call.at_ns,
                    "day": day,
                    "decision_id": call.decision_id,
                    "role": call.role,
                    "model": call.model,
                    "provider": call.provider,
                    "request_key": call.request_key,
                    "reserved_usd": call.worst_usd,
                    "outcome": _OPEN,
                },
            )
        return Reserved(after, before < self._limits.day_warn_usd <= after)

    def settle(self, call_id: str, settlement: Settlement) -> None:
        """Put what a call came to in the place of its worst case.

        Raises:
            DatabaseDown: the worst case stays.
        """
        with self._database.write() as transaction:
            ((day, reserved),) = transaction.query(_RESERVED, {"id": call_id})
            ((total, _),) = transaction.query(_DAY, {"day": day})
            corrected = _usd(total) - _usd(reserved) + settlement.cost_usd
            transaction.execute(_CORRECT_DAY, {"day": day, "total_usd": corrected})
            transaction.execute(
                _SETTLE,
                {
                    "id": call_id,
                    "cost_usd": settlement.cost_usd,
                    "n_input": settlement.n_input,
                    "n_output": settlement.n_output,
                    "latency_ms": settlement.latency_ms,
                    "outcome": settlement.outcome,
                },
            )

    def day_usd(self, at_ns: int) -> Decimal:
        """Return what the UTC day of a moment has cost, open calls at their worst case."""
        with self._database.read() as transaction:
            rows = transaction.query(_DAY, {"day": day_of(at_ns)})
        return _usd(rows[0][0]) if rows else Decimal(0)

    def by_model(self, at_ns: int) -> list[ModelSpending]:
        """Sum the calls of the UTC day of a moment, model by model, in the order of names."""
        with self._database.read() as transaction:
            rows = transaction.query(_BY_MODEL, {"day": day_of(at_ns)})
        names = sorted({str(row[0]) for row in rows})
        return [_sum(name, [row for row in rows if row[0] == name]) for name in names]

    def by_decision(self, role: str) -> dict[tuple[str, str], tuple[int, Decimal]]:
        """Sum the settled calls of a role: (decision, model) -> milliseconds and US dollars."""
        with self._database.read() as transaction:
            rows = transaction.query(_BY_ROLE, {"role": role})
        found: dict[tuple[str, str], tuple[int, Decimal]] = {}
        for decision_id, model, latency_ms, cost_usd in rows:
            place = (str(decision_id), str(model))
            before_ms, before_usd = found.get(place, (0, Decimal(0)))
            found[place] = (before_ms + int(latency_ms or 0), before_usd + _usd(cost_usd))
        return found

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _over(self, transaction: Transaction, call: Call, day_usd: Decimal) -> str:
        limits = self._limits
        if day_usd + call.worst_usd > limits.day_max_usd:
            return (
                f"{call.worst_usd:f} USD more would pass {limits.day_max_usd:f} a day, "
                f"of which {day_usd:f} are spent or set aside"
            )
        # As many rows as calls were made for one decision.
        rows = transaction.query(_DECISION, {"decision_id": call.decision_id})
        spent = sum((_usd(row[0] if row[1] is None else row[1]) for row in rows), Decimal(0))
        if spent + call.worst_usd > limits.decision_max_usd:
            return (
                f"{call.worst_usd:f} USD more would pass {limits.decision_max_usd:f} a decision, "
                f"of which {spent:f} are spent or set aside"
            )
        return ""


def day_of(at_ns: int) -> str:
    """Return the UTC day of a moment, as `2026-11-20`."""
    return ns_to_datetime(at_ns).date().isoformat()


def _sum(name: str, rows: list[tuple[int | str | bytes | None, ...]]) -> ModelSpending:
    return ModelSpending(
        model=name,
        n_calls=len(rows),
        n_texts=sum(row[1] == "text" for row in rows),
        n_input=sum(int(row[2] or 0) for row in rows),
        n_output=sum(int(row[3] or 0) for row in rows),
        cost_usd=sum((_usd(row[4] if row[5] is None else row[5]) for row in rows), Decimal(0)),
    )


def _usd(value: object) -> Decimal:
    return Decimal(str(value))

"""The order list of a golden run as text, its digest, and the table of those that were reviewed.

    python -m tests.order_lists NAME        print one order list
    python -m tests.order_lists --update    rewrite the table and print what changed

A digest tells that something changed; the counts and the equity beside it tell how much; the
printed list, before and after, tells what.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from athena.domain import from_money
from athena.research import EngineKind
from athena.trading import IntentRecord, ReportRecord, VerdictRecord, read_records
from athena.trading import layout as at
from tests.golden_bars import SERIES
from tests.market_builder import run_named, setup_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.market_builder import Ints, Simulated

TABLE = Path(__file__).parent / "golden" / "orders.json"
_COSTS = {
    "taker_fee_bps": Decimal(26),
    "maker_fee_bps": Decimal(16),
    "base_cost_bps": Decimal(10),
}
_CASH = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """A run that must go as it went before.

    Attributes:
        strategy, kind, parameters: as on the command line.
        bars: a name out of `SERIES`.
        risk: `default` or `open`.
    """

    strategy: str
    kind: str
    bars: str
    risk: str
    parameters: dict[str, str]

    @property
    def name(self) -> str:
        """Describe the run."""
        terms = "".join(f" {key}={value}" for key, value in self.parameters.items())
        return f"{self.strategy}{terms}, {self.kind}, {self.bars}, {self.risk} risk"


@dataclass(frozen=True, slots=True)
class Found:
    """What a run did.

    Attributes:
        intents, denied, fills: how many of each.
        equity: at the last close, in quote currency.
        digest: first 16 digits of the order list's SHA-256.
    """

    intents: int
    denied: int
    fills: int
    equity: str
    digest: str


def read_table() -> dict[str, tuple[Case, Found | None]]:
    """Return the cases by name, each with what was reviewed; None before its first run."""
    table: dict[str, tuple[Case, Found | None]] = {}
    for row in json.loads(TABLE.read_text(encoding="utf-8")):
        found = row.pop("found", None)
        case = Case(**row)
        assert case.name not in table, case.name
        table[case.name] = case, Found(**found) if found else None
    return table


def play(
    case: Case, engine: EngineKind = EngineKind.PYTHON, cache: Path = Path("unused")
) -> Simulated:
    """Run a case."""
    bars = SERIES[case.bars]()
    is_open = case.risk == "open"
    setup = setup_of(bars, cash=_CASH, is_open=is_open, engine=engine, cache=cache, **_COSTS)
    return run_named(setup, case.strategy, case.kind, **case.parameters)


def found_in(simulated: Simulated) -> Found:
    """Sum a run up."""
    text = "\n".join(order_lines(simulated.words))
    account = simulated.outcome.state.views.account
    return Found(
        intents=account[at.N_INTENTS],
        denied=account[at.N_DENIED],
        fills=account[at.N_FILLS],
        equity=f"{from_money(account[at.EQUITY]):.2f}",
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def order_lines(words: Ints) -> Iterator[str]:
    """Describe every intent, verdict and report of a run, one a line, in order.

    A line is of names and numbers, not of the journal's layout: it changes when an order does.
    """
    for record in read_records(words):
        if isinstance(record, IntentRecord):
            size = f"{record.lots} lots" if record.lots else f"for {record.quote_amount}"
            yield (
                f"{record.marks} {record.strategy}/{record.instrument} wants to {record.side} "
                f"{size} {record.type} {record.time_in_force} as {record.purpose}, "
                f"limit {record.limit_ticks} trigger {record.trigger_ticks} "
                f"stop {record.stop_ticks} target {record.target_ticks}"
            )
        elif isinstance(record, VerdictRecord):
            verdict = record.code or f"approved for {record.approved_lots}"
            yield f"{record.marks} order {record.order} {verdict}, stop {record.stop_ticks}"
        elif isinstance(record, ReportRecord):
            yield (
                f"{record.marks} order {record.order} {record.report} "
                f"{record.lots} @ {record.price_ticks} fee {record.fee:f}"
            )


def changes(name: str, old: Found | None, new: Found) -> list[str]:
    """List what differs between the reviewed and the new result of a case."""
    if old is None:
        return [f"{name}: new, {new.intents} intents, {new.fills} fills, equity {new.equity}"]
    before, now = asdict(old), asdict(new)
    differences = [f"{key} {before[key]} -> {now[key]}" for key in now if before[key] != now[key]]
    return [f"{name}: {', '.join(differences)}"] if differences else []


def update() -> list[str]:
    """Run every case, rewrite the table, and return what changed."""
    said: list[str] = []
    rows = []
    for name, (case, old) in read_table().items():
        new = found_in(play(case))
        said += changes(name, old, new)
        rows.append(_row(case, new))
    TABLE.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
    return said


def _row(case: Case, found: Found) -> str:
    """Write a case on one line and what it gave on the next."""
    head = json.dumps(asdict(case)).removesuffix("}")
    return f' {head},\n  "found": {json.dumps(asdict(found))}}}'


def main(arguments: list[str]) -> None:
    """Print one order list, or update the table."""
    if arguments == ["--update"]:
        lines = update() or ["nothing changed"]
    else:
        (name,) = arguments
        lines = list(order_lines(play(read_table()[name][0]).words))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(sys.argv[1:])

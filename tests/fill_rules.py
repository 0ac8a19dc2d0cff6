"""The page of the fill rules: each rule with one example, and every table that shows it.

python -m tests.fill_rules    write the page
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.candle_tables import DEFAULT_VOLUME, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "fill-rules.md"
_NOTE = "<!-- Written by tests/fill_rules.py from tests/golden/candles; do not edit. -->"
_HEAD = (
    "# Fill rules",
    "",
    "How orders fill on bars, in a backtest and in a paper account that is fed with bars: seven",
    "rules, each with one example, and the names of all hand-worked tables that show it. They lie",
    "in `tests/golden/candles` and run in both executions of the engine.",
    "[Fills on bars](../explanation/fills.md) says why the rules are as they are.",
    "",
    "Prices are in ticks, sizes in lots. A bar's volume is 1,000 lots unless a table says",
    "otherwise, and cost and fees are off unless one names them.",
    "",
)


class Rule(NamedTuple):
    """One rule of the page."""

    title: str
    text: str
    example: str


RULES = {
    1: Rule(
        "Decide on bar i, trade from bar i+1",
        "An order that was sent after bar i closed is live from the open of bar i+1.",
        "market: a market order fills at the open of the next bar",
    ),
    2: Rule(
        "Market and limit",
        "A market order fills at the open. A buy limit fills at the open when that is at or under "
        "it, else at the limit when the low is under it; a touch is enough only where the run "
        "says so. Sales are mirrored. No limit fills worse than its price.",
        "limit: a touched limit does not fill, a crossed one does",
    ),
    3: Rule(
        "Stops and take profits",
        "A stop sale triggers when the low is at or under it and fills at the lower of open and "
        "stop, less cost. A stop-limit is a limit from its trigger on. Take profits are the "
        "mirror image on the favourable side.",
        "stop: a stop sale fills at an open under it",
    ),
    4: Rule(
        "Brackets",
        "Each fill of an entry brings its stop and its target. After a fill at the open both are "
        "live on that bar; after one inside the bar the stop is, the target is not. Stop and "
        "target inside one bar: the stop is first.",
        "bracket: stop and target inside one bar, the stop is first",
    ),
    5: Rule(
        "Volume, missing bars, trailing",
        "A bar fills no more than a tenth of its volume; the rest keeps working. Bars without "
        "volume, missing ones and those of a halt fill nothing. A level that trails bar i guards "
        "from bar i+1.",
        "market: a tenth of the volume fills, the rest keeps working",
    ),
    6: Rule(
        "Cost and fees",
        "What takes pays (base + impact) x a draw between 0.5 and 1.5, always adverse, clipped at "
        "the limit. Impact is volatility x the root of size over mean volume, at most 5 %, and "
        "1 % where the volume is unknown. Fees are those of maker or taker. A cancelled or "
        "expired order never fills.",
        "cost: impact grows with the root of the size",
    ),
    7: Rule(
        "The end",
        "Positions that are open at the end are marked at the last close, not closed.",
        "end: a long that is open at the end is marked at the last close, not closed",
    ),
}
_OWN_KEYS = {"name", "rules", "bars", "bars_of_second", "orders", "fills", "states", "working"}


def page() -> str:
    """Build the page."""
    tables = read_tables()
    lines = [_NOTE, "", *_HEAD]
    for number, rule in RULES.items():
        names = [name for name, case in tables.items() if number in case["rules"]]
        lines += [f"## {number}. {rule.title}", "", rule.text, ""]
        lines += _example(rule.example, tables[rule.example])
        lines += [f"All {len(names)} tables:", "", *(f"- {name}" for name in names), ""]
    return "\n".join(lines)


def _example(name: str, case: dict[str, Any]) -> Iterator[str]:
    """Show a table: its bars, what was sent after each, and what each filled."""
    yield f"**{name}**{_settings(case)}"
    yield ""
    yield "| bar | open | high | low | close | volume | fills | sent after it |"
    yield "|---:|---:|---:|---:|---:|---:|---|---|"
    for index, row in enumerate(case["bars"]):
        prices = [*row, DEFAULT_VOLUME][:5]
        fills = "; ".join(fill.partition(" ")[2] for fill in case["fills"] if _bar(fill) == index)
        sent = "; ".join(_order(order) for order in case["orders"] if order["after"] == index)
        yield f"| {index} | {' | '.join(map(str, prices))} | {fills} | {sent} |"
    yield ""


def _settings(case: dict[str, Any]) -> str:
    named = [f"{key} {value}" for key, value in case.items() if key not in _OWN_KEYS]
    return f" ({', '.join(named)})" if named else ""


def _bar(fill: str) -> int:
    return int(fill.partition(" ")[0])


def _order(order: dict[str, Any]) -> str:
    side = "buy" if "buy" in order else "sell"
    terms = "".join(
        f", {key} {value}"
        for key, value in order.items()
        if key not in {"after", side, "type", "purpose"}
    )
    return f"{side} {order[side]} {order.get('type', 'market')}{terms}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

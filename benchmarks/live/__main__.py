"""Measure the live core and print a table, or with `--json` all that was found.

usage: python -m benchmarks.live [--quick] [--json] [JOB ...]
"""

from __future__ import annotations

import argparse
import json

from benchmarks.live.figures import SIZES, figures, measure
from benchmarks.table import machine, shown, versions


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("jobs", nargs="*", choices=[[], *SIZES], metavar="JOB")
    parser.add_argument("--quick", action="store_true", help="small sizes, within a minute")
    parser.add_argument("--json", action="store_true", dest="as_json", help="all that was found")
    chosen = parser.parse_args()
    found = {job: measure(job, is_quick=chosen.quick) for job in chosen.jobs or SIZES}
    if chosen.as_json:
        print(json.dumps({"machine": machine(), "versions": versions(), **found}, indent=2))  # noqa: T201
        return
    print(f"{machine()}; {versions()}", "", *_table(found), sep="\n")  # noqa: T201


def _table(found: dict[str, dict[str, object]]) -> list[str]:
    head = ("what", "unit", "ask", "aim", "measured", "at reference speed", "verdict")
    rows = [
        (
            figure.what,
            figure.unit,
            shown(figure.ask),
            shown(figure.aim),
            shown(figure.value),
            shown(figure.at_reference),
            figure.verdict(),
        )
        for job, values in found.items()
        for figure in figures(job, values)
    ]
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    main()

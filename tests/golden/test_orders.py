"""Built-in strategies send the orders that were reviewed, in both executions (TR-25).

`make golden` rewrites the table after a change that is meant, and prints what changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athena.research import EngineKind
from athena.research.strategies import BUILT_IN, _sma
from athena.trading import codes
from athena.venues import _matching
from athena.venues import table as vt
from tests import order_lists
from tests.order_lists import changes, found_in, order_lines, play, read_table

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
TABLE = read_table()


def changed(names: list[str]) -> list[str]:
    """List what the cases do otherwise than reviewed."""
    return [
        line
        for name in names
        for line in changes(name, TABLE[name][1], found_in(play(TABLE[name][0])))
    ]


@pytest.mark.parametrize("name", TABLE)
def test_a_case_sends_the_reviewed_orders(name: str) -> None:
    assert changed([name]) == [], "reviewed? then: make golden"


def test_the_table_holds_every_strategy_in_every_kind_under_both_risks() -> None:
    """TR-25: 40 and more."""
    cases = [case for case, _ in TABLE.values()]
    assert len(cases) >= 40
    written = {(name, kind) for name, info in BUILT_IN.items() for kind in info.kinds}
    for risk in ("default", "open"):
        assert {(case.strategy, case.kind) for case in cases if case.risk == risk} == written
    assert {case.bars for case in cases} == set(order_lists.SERIES)


def test_one_strategy_in_three_kinds_sends_the_same_orders() -> None:
    by_terms: dict[tuple[str, ...], set[Any]] = {}
    for case, found in TABLE.values():
        if len(BUILT_IN[case.strategy].kinds) == 3:
            terms = (case.strategy, case.bars, case.risk, str(case.parameters))
            by_terms.setdefault(terms, set()).add(found)
    assert len(by_terms) > 5
    assert all(len(found) == 1 for found in by_terms.values())


def test_an_order_list_reads_as_what_happened() -> None:
    lines = list(order_lines(play(TABLE["hold, woken, walk, open risk"][0]).words))
    assert lines == [
        "1 0/0 wants to buy 99 lots market gtc as entry, limit 0 trigger 0 stop 0 target 0",
        "1 order 1 approved for 99, stop 0",
        "1 order 1 accepted 0 @ 0 fee 0.00000000",
        "1 order 1 filled 99 @ 20224 fee 52.05657600",
    ]


def _touch_is_enough(v: Any, slot: int, low: int, high: int) -> int:
    """Break rule 2: fill a limit that was only touched."""
    is_limit = v.book[slot, vt.V_TYPE] == codes.LIMIT
    price = int(v.book[slot, vt.V_LIMIT] if is_limit else v.book[slot, vt.V_TRIGGER])
    is_reached = low <= price if _matching._is_hit_by_low(v, slot) else high >= price
    return price if is_reached else 0


def _forget_cost(s: Any, v: Any, slot: int, price: int, lots: int) -> int:
    """Break rule 6: pay the price that was seen."""
    del s, v, slot, lots
    return price


def _fill_stops_at_their_trigger(execute: Callable[..., None]) -> Callable[..., None]:
    """Break rule 3: spare the trader the gap."""

    def kind(s: Any, v: Any, slot: int, price: int, liquidity: int) -> None:
        is_stop = v.book[slot, vt.V_TYPE] == codes.STOP
        execute(s, v, slot, int(v.book[slot, vt.V_TRIGGER]) if is_stop else price, liquidity)

    return kind


def _look_one_bar_further(trend: Callable[..., Any]) -> Callable[..., Any]:
    """Change a strategy: its slow mean is longer."""
    return lambda closes, fast, slow: trend(closes, fast, slow + 1)


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "touch": (_matching, "_reach", _touch_is_enough),
    "cost": (_matching, "_with_cost", _forget_cost),
    "gap": (_matching, "_execute", _fill_stops_at_their_trigger(_matching._execute)),
    "signal": (_sma, "sma_trend", _look_one_bar_further(_sma.sma_trend)),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_change_of_a_rule_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clean twin is every case above."""
    place, name, planted = PLANTED[fault]
    monkeypatch.setattr(place, name, planted)
    lines = changed([name for name, (case, _) in TABLE.items() if case.kind == "woken"])
    assert len(lines) > 3
    assert all("digest" in line for line in lines)


def test_an_update_says_what_changed_and_writes_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "hold, woken, walk, open risk"
    reviewed = order_lists.TABLE.read_text(encoding="utf-8")
    found = TABLE[name][1]
    assert found is not None
    table = tmp_path / "orders.json"
    table.write_text(reviewed.replace(found.digest, "0" * 16).replace(found.equity, "1.00"))
    monkeypatch.setattr(order_lists, "TABLE", table)
    assert order_lists.update() == [
        f"{name}: equity 1.00 -> {found.equity}, digest {'0' * 16} -> {found.digest}"
    ]
    assert table.read_text(encoding="utf-8") == reviewed
    assert order_lists.update() == []


def test_processes_with_other_hash_seeds_print_the_same_orders() -> None:
    """A05."""
    names = list(TABLE)[::6]
    code = f"from tests.order_lists import main\nfor name in {names}: main([name])"
    printed = [
        subprocess.run(  # noqa: S603 - our own line
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "9")
    ]
    assert printed[0] == printed[1]
    assert printed[0].count(b"\n") > 500


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["woken", "bar", "rule"])
def test_compiled_runs_send_the_reviewed_orders(kind: str, compiler_cache: Path) -> None:
    """TR-34 for every strategy."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    for name, (case, found) in TABLE.items():
        if case.kind == kind:
            simulated = play(case, EngineKind.COMPILED, compiler_cache)
            assert simulated.outcome.is_compiled
            assert changes(name, found, found_in(simulated)) == []

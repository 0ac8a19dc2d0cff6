"""What the gate reads of a paper session: its journal, its health, and what does not count."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.app.gate import (
    HealthMinute,
    append_health,
    find_record,
    paper_sessions,
    read_health,
    record_conditions,
)
from athena.domain import MINUTE_NS
from athena.errors import CheckFailed
from athena.market import FeedSource
from tests.gate_builder import FINGERPRINT, PaperSession, append_minutes, make_paper

if TYPE_CHECKING:
    from pathlib import Path

    from athena.app.gate import PaperRecord


def found(home: Path) -> PaperRecord:
    record = find_record(home, FINGERPRINT)
    assert record is not None
    return record


def failing(home: Path) -> list[str]:
    return [item.name for item in record_conditions(found(home)) if not item.holds]


def test_a_good_session_meets_every_condition_and_each_has_a_sample(home: Path) -> None:
    session = make_paper(home)
    record = found(home)
    assert record.session == session.session
    assert record.days.value == pytest.approx(15)
    assert record.trades.value == 60
    assert (record.wins.value, record.wins.n) == (pytest.approx(40 / 60), 60)
    assert record.uptime.n == 15 * 24 * 60
    assert record.order_path_s.value == pytest.approx(0.2)
    measured = (
        record.sharpe, record.drawdown, record.wins, record.uptime, record.failures,
        record.order_path_s,
    )  # fmt: skip
    assert all(item.n > 0 and item.has_interval for item in measured)
    assert failing(home) == []


def test_the_value_is_that_of_the_journal(home: Path) -> None:
    """Sixty trips of one bitcoin: forty gain 200, twenty lose 80, of 100,000."""
    session = PaperSession(home, gain_ticks=20_000, loss_ticks=2_000_000)
    session.trade(3)
    session.live_through(1)
    session.close()
    record = found(home)
    # Gains of 200 and 200, then a loss of 20,000.
    assert record.drawdown.value == pytest.approx(20_000 / 100_400)
    assert record.wins.value == pytest.approx(2 / 3)
    assert record.trades.value == 3


def test_a_loss_deeper_than_the_limit_fails_the_drawdown(home: Path) -> None:
    session = PaperSession(home, loss_ticks=1_700_000)  # 17,000 of 100,400
    session.trade(4)
    session.live_through(15)
    session.close()
    assert {"sharpe", "drawdown"} <= set(failing(home))


def test_a_deposit_is_no_return(home: Path) -> None:
    """Planted: half the account comes from outside; the clean twin has the same Sharpe ratio."""
    session = PaperSession(home)
    session.trade(30)
    session.deposit(Decimal(50_000))
    session.live_through(8)
    session.close()
    record = found(home)
    # Thirty trips: twenty gains of 200, ten losses of 80, and not a fall of a third later on.
    assert record.drawdown.value < 0.01
    assert record.days.value == pytest.approx(8)
    assert record.sharpe.value > 1


def test_minutes_without_a_line_count_as_down(home: Path) -> None:
    session = PaperSession(home)
    session.trade(4)
    session.live_through(1, lost=10, down=5)
    session.close()
    record = found(home)
    assert record.uptime.n == 24 * 60
    # One line of the five that were down lies before those that are lost.
    assert record.uptime.value == pytest.approx(1 - 11 / (24 * 60))
    assert "uptime" not in failing(home)
    assert "days" in failing(home)


def test_failures_and_slow_orders_are_counted(home: Path) -> None:
    session = PaperSession(home)
    session.trade(4)
    session.live_through(1, failed=20, path_ms=1_200)
    session.close()
    assert found(home).failures.value == pytest.approx(20 / 1_440)
    assert {"agent_errors", "order_path"} <= set(failing(home))


def test_minutes_of_mock_prices_or_another_fingerprint_do_not_count(home: Path) -> None:
    session = make_paper(home)
    path = session.folder / "health.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.replace('"live"', '"mock"') for line in lines) + "\n")
    assert find_record(home, FINGERPRINT) is None
    path.write_text("\n".join(lines) + "\n")
    assert find_record(home, "e" * 64) is None


def test_the_record_begins_anew_where_something_else_was_run(home: Path) -> None:
    """A limit was changed for one minute of the fifth day: ten days are left."""
    session = PaperSession(home)
    session.trade(60)
    session.live_through(15)
    session.close()
    minutes = read_health(session.folder)
    (session.folder / "health.jsonl").unlink()
    changed = minutes[5 * 1_440]
    minutes[5 * 1_440] = HealthMinute(
        ts_ns=changed.ts_ns, is_up=True, feed=FeedSource.LIVE, fingerprint="e" * 64
    )
    append_minutes(session.folder, minutes)
    record = found(home)
    assert record.days.value == pytest.approx(10, abs=0.01)
    assert record.trades.value == pytest.approx(40, abs=1)
    assert failing(home) == ["days", "trades"]


def test_the_longest_session_is_the_record(home: Path) -> None:
    for session_id, days in (("a" * 32, 3), ("b" * 32, 5), ("c" * 32, 1)):
        session = PaperSession(home, session=session_id)
        session.trade(1)
        session.live_through(days)
        session.close()
    assert [folder.name[0] for folder in paper_sessions(home)] == ["a", "b", "c"]
    assert found(home).session == "b" * 32


def test_without_trades_nothing_is_known_and_nothing_holds(home: Path) -> None:
    session = PaperSession(home)
    session.live_through(15)
    session.close()
    record = found(home)
    assert math.isnan(record.wins.value)
    assert {"trades", "sharpe", "wins"} <= set(failing(home))


def test_a_damaged_journal_is_no_record(home: Path) -> None:
    session = make_paper(home)
    segment = session.folder / "journal" / "00000001.seg"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(bytes(data))
    with pytest.raises(CheckFailed, match="segment 1"):
        find_record(home, FINGERPRINT)


# --- the health file --------------------------------------------------------------------------


def minute(k: int, **changes: object) -> HealthMinute:
    values = {"ts_ns": k * MINUTE_NS, "is_up": True, "feed": FeedSource.LIVE, "fingerprint": "f"}
    return HealthMinute(**{**values, **changes})  # type: ignore[arg-type] # its fields


def test_minutes_are_read_as_they_were_written(home: Path) -> None:
    written = [minute(1), minute(2, is_up=False, n_asked=3, n_failed=1, order_path_ms=(1.5, 2.0))]
    assert read_health(home) == []
    for item in written:
        append_health(home, item)
    assert read_health(home) == written


def test_a_line_that_a_crash_cut_spoils_no_other(home: Path) -> None:
    """F16 for the health file: the cut minute is lost, what comes after is read."""
    append_health(home, minute(1))
    append_health(home, minute(2))
    path = home / "health.jsonl"
    path.write_bytes(path.read_bytes()[:-15])
    append_health(home, minute(3))
    assert [item.ts_ns for item in read_health(home)] == [MINUTE_NS, 3 * MINUTE_NS]

"""Sessions in `athena journal`, `athena backup` and `athena restore`."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.running import SessionFile
from athena.app.running._folders import write_session
from athena.platform import file_lock
from athena.research import FileStore
from athena.trading import Command, digest_of, verify_journal
from athena.trading._core import protection
from athena.trading.live import LimitChanged, Operated
from tests.gate_builder import SESSION, PaperSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
SEGMENT = f"live/{SESSION}/journal/00000001.seg"


@pytest.fixture
def session(home: Path) -> Iterator[PaperSession]:
    """Trade, and leave the session under way, with records that are not on the disk yet."""
    made = PaperSession(home)
    made.trade(3)
    now_ns = made.desk.now_ns
    made.desk.tell(
        Operated(Command.PAUSE, now_ns, "ann", "news"),
        LimitChanged("MAX_POSITIONS", 3, now_ns, "ann", "thin markets"),
    )
    made.live_through(0.1)
    write_session(home, SessionFile(SESSION, "paper", "sim", "test", is_opened=True))
    yield made
    made.desk.store.close()  # type: ignore[attr-defined] # a FileStore


# --- journal ----------------------------------------------------------------------------------


def test_a_session_under_way_verifies_and_is_not_called_unfinished(
    cli: Cli, session: PaperSession
) -> None:
    session.desk.session.flush()
    result = cli("journal", "verify", SESSION)
    assert result.exit_code == 0, result.err
    assert f"{SESSION}: sound" in result.out
    assert "did not end" not in result.out


def test_a_session_replays_to_its_digest(cli: Cli, session: PaperSession) -> None:
    """I9 at the command line."""
    session.close()
    for option in ([], ["--from-snapshot"]):
        payload = cli("journal", "replay", SESSION, *option, "--json").json()
        assert payload["digest"] == digest_of(session.desk.session.core.s)
    payload = cli("journal", "replay", SESSION, "--json").json()
    assert payload["snapshots_compared"] >= 1
    assert payload["effects"] > 0
    assert cli("journal", "replay", SESSION, "--compiled").exit_code == 2


def test_another_version_s_effects_are_named_by_the_first_that_differs(
    cli: Cli, session: PaperSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TR-33: an order that is sent twice moves neither state nor digest."""
    session.close()
    push = protection.push_effect

    def twice(s: Any, kind: int, row: int) -> None:
        push(s, kind, row)
        push(s, kind, row)

    monkeypatch.setattr(protection, "push_effect", twice)
    result = cli("journal", "replay", SESSION)
    assert result.exit_code == 1
    assert "replay EffectRecord" in result.err


def test_a_flipped_byte_of_a_session_is_named(cli: Cli, session: PaperSession, home: Path) -> None:
    session.close()
    path = home / SEGMENT
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    for verb in ("verify", "replay"):
        result = cli("journal", verb, SESSION)
        assert result.exit_code == 1
        assert "segment 1, offset" in result.out + result.err


def test_show_reads_the_records_and_notes_of_a_session(cli: Cli, session: PaperSession) -> None:
    session.close()
    records = cli("journal", "show", SESSION, "--limit", "100000", "--json").json()["records"]
    kinds = {item["kind"] for item in records}
    assert {"price", "tick", "intent", "verdict", "report", "operated", "limit", "memory"} <= kinds
    (operated,) = [item for item in records if item["kind"] == "operated"]
    assert (operated["by"], operated["reason"], operated["command"]) == ("ann", "news", "pause")
    *_, memory = [item for item in records if item["kind"] == "memory"]
    assert memory["keys"] == 6  # how many fills, and not their keys
    shown = cli("journal", "show", SESSION, "--limit", "100000").out
    assert "thin markets" in shown


def test_what_is_no_session_names_where_it_looked(cli: Cli) -> None:
    result = cli("journal", "verify", "nosuch")
    assert result.exit_code == 3
    assert "athena status" in result.err


# --- backup and restore -----------------------------------------------------------------------


def test_a_backup_cuts_a_journal_at_its_last_whole_frame(
    cli: Cli, session: PaperSession, home: Path, tmp_path: Path
) -> None:
    """Planted: half a frame at the end, as a write that is under way leaves it."""
    session.desk.session.flush()
    whole = (home / SEGMENT).read_bytes()
    with (home / SEGMENT).open("ab") as segment:
        segment.write(whole[-40:-20])
    file = tmp_path / "b.zip"
    assert cli("backup", file).exit_code == 0
    with zipfile.ZipFile(file) as archive:
        assert archive.read(SEGMENT) == whole
        names = archive.namelist()
    assert f"live/{SESSION}/health.jsonl" in names
    assert f"live/{SESSION}/session.json" in names
    assert not any(name.endswith("/lock") or ".locks" in name for name in names)


def test_a_damaged_journal_is_backed_up_as_it_is(
    cli: Cli, session: PaperSession, home: Path, tmp_path: Path
) -> None:
    session.close()
    path = home / SEGMENT
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert cli("backup", tmp_path / "b.zip").exit_code == 0
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.read(SEGMENT) == bytes(data)


def test_a_restored_session_verifies_and_is_over(
    cli: Cli, session: PaperSession, tmp_path: Path
) -> None:
    """One that went on would give two orders one client id."""
    session.close()
    file, there = tmp_path / "b.zip", tmp_path / "there"
    assert cli("backup", file).exit_code == 0
    result = cli("--home", there, "restore", file)
    assert result.exit_code == 0, result.err
    assert cli("--home", there, "journal", "replay", SESSION).exit_code == 0
    assert verify_journal(FileStore(there / "live" / SESSION / "journal")).damage is None
    kept = json.loads((there / "live" / SESSION / "session.json").read_text())
    assert kept["is_over"] is True


@pytest.mark.parametrize("lock", [f"{SESSION}/lock", ".locks/paper-sim-test"])
def test_a_restore_is_refused_while_a_session_runs(
    cli: Cli, session: PaperSession, home: Path, tmp_path: Path, lock: str
) -> None:
    session.close()
    file = tmp_path / "b.zip"
    assert cli("backup", file).exit_code == 0
    before = sorted(home.rglob("*"))
    with file_lock(home / "live" / lock):
        result = cli("restore", file, "--yes")
    assert result.exit_code == 4
    assert "session under way" in result.err
    assert set(before) <= set(home.rglob("*"))
    assert cli("restore", file, "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("backed_up", "there", "expected"),
    [("old", "new", "new"), ("", "new", "new"), ("old", "", "old"), ("", "", "")],
)
def test_the_kill_switch_survives_a_restore(  # noqa: PLR0913, PLR0917 - fixtures and cases
    cli: Cli,
    session: PaperSession,
    home: Path,
    tmp_path: Path,
    backed_up: str,
    there: str,
    expected: str,
) -> None:
    session.close()
    file, halt = tmp_path / "b.zip", home / "HALT"
    if backed_up:
        halt.write_text(backed_up)
    assert cli("backup", file).exit_code == 0
    halt.unlink(missing_ok=True)
    if there:
        halt.write_text(there)
    assert cli("restore", file, "--yes").exit_code == 0
    assert (halt.read_text() if halt.exists() else "") == expected

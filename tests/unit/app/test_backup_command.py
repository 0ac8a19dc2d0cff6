"""`athena backup` and `athena restore`: the home as one file, whole or not at all."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import typer

from athena.app import _backup, run
from athena.app._archive import HashingWriter
from athena.app._database import ROOMS
from athena.platform.database import Migration, migrate, open_database
from athena.research import JOURNAL_FOLDER, LEDGER_NAME, RUN_FILE
from tests.artifact_builder import publish
from tests.conftest import ROOT
from tests.market_builder import HOUR_NS, driftless_bars
from tests.operator_cases import NOW_NS, record, session_row
from tests.sweep_builder import DATASET, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Cli = Any
CANARY = "canary-7f3a9c-of-a-secret"
BACKTEST = [
    "backtest", "--strategy", "sma_cross", "--engine", "python", "--risk", "open",
    "--data", DATASET,
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with bars, a finished run and a configuration, once for all tests."""
    home = tmp_path_factory.mktemp("made")
    store(driftless_bars(300, 5, interval_ns=HOUR_NS), home)
    (home / "athena.yaml").write_text("run:\n  seed: 7\n")
    assert run(["--home", str(home), *BACKTEST]) == 0
    return home


@pytest.fixture
def filled(made: Path, home: Path) -> str:
    """Fill the home; return the id of its run."""
    shutil.copytree(made, home, dirs_exist_ok=True)
    (folder,) = (home / "runs").iterdir()
    return folder.name


@pytest.fixture
def backup(cli: Cli, filled: str, tmp_path: Path) -> Path:
    assert filled
    file = tmp_path / "b.zip"
    assert cli("backup", file).exit_code == 0
    return file


def tree(home: Path) -> dict[str, bytes]:
    """Return every file that a backup holds, but for the database."""
    kept = {"datasets", "runs", "sweeps", "athena.yaml", LEDGER_NAME}
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.relative_to(home).parts[0] in kept
    }


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(file: Path, change: Callable[[list[tuple[str, bytes]]], Any]) -> None:
    """Write an archive anew, after a change of its list of members."""
    content = list(members(file).items())
    change(content)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content:
            archive.writestr(name, data)


def test_a_restored_home_is_equal_and_its_runs_verify_and_replay(
    cli: Cli, filled: str, home: Path, backup: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    answer = cli("--home", there, "restore", backup, "--json")
    assert answer.exit_code == 0
    assert answer.json()["kept"] is None
    assert tree(there) == tree(home)
    assert cli("--home", there, "journal", "verify", filled).exit_code == 0
    assert cli("--home", there, "journal", "replay", filled).exit_code == 0
    assert cli("--home", there, *BACKTEST).exit_code == 0


def test_the_manifest_is_last_and_states_every_digest(home: Path, backup: Path) -> None:
    content = members(backup)
    assert list(content)[-1] == "manifest.json"
    manifest = json.loads(content.pop("manifest.json"))
    assert [name for name, _, _ in manifest["members"]] == list(content)
    for name, size_bytes, sha256 in manifest["members"]:
        assert len(content[name]) == size_bytes
        assert hashlib.sha256(content[name]).hexdigest() == sha256
    assert content == tree(home)


def test_the_answer_names_what_was_written(cli: Cli, filled: str, tmp_path: Path) -> None:
    assert filled
    answer = cli("backup", tmp_path, "--json").json()
    (file,) = tmp_path.glob("athena-*Z.zip")
    assert answer["file"] == str(file)
    assert answer["size_bytes"] == file.stat().st_size
    assert answer["members"] == len(members(file)) - 1
    assert (answer["has_database"], answer["skipped"]) == (False, [])


def test_the_database_comes_back_with_the_home(
    cli: Cli, backup: Path, tmp_path: Path, home: Path
) -> None:
    """The first backup is recorded in the database, which the second one holds."""
    second = tmp_path / "second.zip"
    assert cli("backup", second, "--json").json()["has_database"] is True
    there = tmp_path / "there"
    assert cli("--home", there, "restore", second).exit_code == 0
    assert sorted(path.name for path in there.glob("*.db*")) == ["athena.db"]
    restored = open_database("sqlite:///athena.db", there)
    with restored.read() as view:
        assert view.query("SELECT file FROM app_backups") == [(str(backup),)]
    restored.close()
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert (
        f"sqlite:///{home}/athena.db, app 0002-operations, language 0001-language, "
        "memory 0001-memory, last backup 20" in (found["database"]["detail"])
    )


def test_sessions_of_a_backup_have_ended_in_its_database_too(
    cli: Cli, filled: str, home: Path, tmp_path: Path
) -> None:
    """Nobody answers for them: `athena halt` must not wait for an engine of before."""
    assert filled
    ended = dataclasses.replace(session_row("s0"), ended_ns=NOW_NS, end_reason="SIGTERM")
    record(home, ended, session_row("s1"))
    assert cli("backup", tmp_path / "b.zip").exit_code == 0
    there = tmp_path / "there"
    assert cli("--home", there, "restore", tmp_path / "b.zip").exit_code == 0
    restored = open_database("sqlite:///athena.db", there)
    with restored.read() as view:
        rows = view.query("SELECT id, ended_ns, end_reason FROM app_sessions ORDER BY id")
    restored.close()
    assert rows[0] == ("s0", NOW_NS, "SIGTERM")
    assert rows[1][0] == "s1"
    assert isinstance(rows[1][1], int)
    assert rows[1][1] > 0
    assert rows[1][2] == "restored from a backup"


def test_models_come_back_whole_with_the_record_that_names_them(
    cli: Cli, filled: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is published while files are copied is in neither backup nor record."""
    assert filled
    publish(home)
    listed = _backup.list_contents

    def list_and_publish(folder: Path) -> Any:
        contents = listed(folder)
        publish(folder, 2.0)
        return contents

    monkeypatch.setattr(_backup, "list_contents", list_and_publish)
    assert cli("backup", tmp_path / "b.zip").exit_code == 0
    assert len(cli("artifacts", "list", "--json").json()["bundles"]) >= 1
    there = tmp_path / "there"
    assert cli("--home", there, "restore", tmp_path / "b.zip").exit_code == 0
    verified = cli("--home", there, "artifacts", "verify", "--json")
    assert verified.exit_code == 0, verified.out
    names = {path.name for path in (there / "artifacts").glob("*/*")}
    assert "record" in names
    assert not names & {"lock", "holder"}
    assert len(names) == 2, "the record and one version"


def test_caches_crash_bundles_locks_and_half_written_folders_are_left_out(
    cli: Cli, filled: str, home: Path, tmp_path: Path
) -> None:
    unfinished = home / "runs" / "20990101-000000-now"
    for folder in (
        "cache/x",
        "crashes/x",
        "kept",
        "runs/.one.0123.partial",
        "datasets/.x.partial",
    ):
        (home / folder).mkdir(parents=True)
        (home / folder / RUN_FILE).write_text("{}")
    (unfinished / JOURNAL_FOLDER).mkdir(parents=True)
    (unfinished / JOURNAL_FOLDER / "00000001.seg").write_bytes(b"half")
    (home / "keys.json").write_text("{}")
    answer = cli("backup", tmp_path / "b.zip", "--json").json()
    assert answer["skipped"] == [unfinished.name]
    names = {name.split("/")[0] for name in members(tmp_path / "b.zip")}
    assert names == {"athena.yaml", "datasets", "manifest.json", "runs", LEDGER_NAME}
    runs = {name.split("/")[1] for name in members(tmp_path / "b.zip") if name[:5] == "runs/"}
    assert runs == {filled}
    assert not any(".partial" in name for name in members(tmp_path / "b.zip"))


def test_what_is_appended_meanwhile_is_left_out(
    cli: Cli, filled: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that is counted while files are copied is of a run that is not in the backup."""
    assert filled
    before = (home / LEDGER_NAME).read_bytes()
    listed = _backup.list_contents

    def list_and_go_on(folder: Path) -> Any:
        contents = listed(folder)
        with (folder / LEDGER_NAME).open("ab") as ledger:
            ledger.write(b'{"time": ')
        return contents

    monkeypatch.setattr(_backup, "list_contents", list_and_go_on)
    assert cli("backup", tmp_path / "b.zip").exit_code == 0
    assert members(tmp_path / "b.zip")[LEDGER_NAME] == before


def test_a_file_that_shrinks_meanwhile_ends_the_backup_and_keeps_the_old_one(
    cli: Cli, home: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backup.read_bytes()
    listed = _backup.list_contents

    def list_and_cut(folder: Path) -> Any:
        contents = listed(folder)
        (home / LEDGER_NAME).write_bytes(b"")
        return contents

    monkeypatch.setattr(_backup, "list_contents", list_and_cut)
    answer = cli("backup", backup)
    assert answer.exit_code == 2
    assert "was cut while it was read" in answer.err
    assert backup.read_bytes() == before
    assert sorted(path.name for path in backup.parent.iterdir()) == [backup.name]


def test_a_full_disk_ends_the_backup_and_keeps_the_old_one(
    cli: Cli, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backup.read_bytes()

    def fail(_writer: HashingWriter, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HashingWriter, "write", fail)
    answer = cli("backup", backup)
    assert answer.exit_code == 3
    assert f"room to write {backup}, was a full disk" in answer.err
    assert backup.read_bytes() == before


def test_a_link_in_the_home_is_refused_by_name(cli: Cli, filled: str, home: Path) -> None:
    (home / "runs" / filled / "link").symlink_to("/etc")
    answer = cli("backup", home / "b.zip")
    assert answer.exit_code == 2
    assert f"{filled}/link" in answer.err
    assert not (home / "b.zip").exists()


def test_no_home_has_no_backup(cli: Cli, tmp_path: Path) -> None:
    answer = cli("--home", tmp_path / "none", "backup", tmp_path / "b.zip")
    assert answer.exit_code == 3
    assert not (tmp_path / "none").exists()


def test_another_file_is_never_replaced(cli: Cli, filled: str, tmp_path: Path) -> None:
    assert filled
    thesis = tmp_path / "thesis.zip"
    thesis.write_bytes(b"years of work")
    answer = cli("backup", thesis)
    assert answer.exit_code == 4
    assert thesis.read_bytes() == b"years of work"


def test_secrets_are_never_in_it(
    cli: Cli, filled: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23: neither those of the environment nor one that somebody wrote into the settings."""
    monkeypatch.setenv("KRAKEN_API_SECRET", CANARY)
    monkeypatch.setenv("PGPASSWORD", f"{CANARY}-2")
    assert cli(*BACKTEST).exit_code == 0
    assert cli("backup", tmp_path / "b.zip").exit_code == 0
    assert all(CANARY.encode() not in data for data in members(tmp_path / "b.zip").values())
    (home / "athena.yaml").write_text(f"# my key: {CANARY}\n")
    answer = cli("backup", tmp_path / "c.zip")
    assert answer.exit_code == 4
    assert CANARY not in answer.err + answer.out
    assert not (tmp_path / "c.zip").exists()
    assert filled


def test_tables_of_a_newer_version_end_the_backup(
    cli: Cli, backup: Path, home: Path, tmp_path: Path
) -> None:
    assert backup.is_file()
    newer = {"app": (*ROOMS["app"], Migration("9999-later", ("CREATE TABLE x (id TEXT)",)))}
    database = open_database("sqlite:///athena.db", home)
    migrate(database, newer, now_ns=2, keep_in=home / "kept")
    database.close()
    answer = cli("backup", tmp_path / "later.zip")
    assert answer.exit_code == 4
    assert "9999-later" in answer.err
    assert not (tmp_path / "later.zip").exists()


# Restore


def test_a_home_that_is_not_empty_is_refused_without_a_confirmation(
    cli: Cli, home: Path, backup: Path
) -> None:
    before = tree(home)
    answer = cli("restore", backup)
    assert answer.exit_code == 4
    assert "--yes" in answer.err
    assert tree(home) == before


def test_with_yes_the_old_home_is_set_aside(cli: Cli, home: Path, backup: Path) -> None:
    (home / "runs" / "mine").mkdir()
    answer = cli("restore", backup, "--yes", "--json").json()
    (kept,) = home.parent.glob(f"{home.name}.before-*")
    assert answer["kept"] == str(kept)
    assert (kept / "runs" / "mine").is_dir()
    assert not (home / "runs" / "mine").exists()


def test_a_home_that_is_a_link_stays_one(cli: Cli, backup: Path, tmp_path: Path) -> None:
    disk, link = tmp_path / "disk", tmp_path / "link"
    (disk / "home" / "runs").mkdir(parents=True)
    link.symlink_to(disk / "home")
    assert cli("--home", link, "restore", backup, "--yes").exit_code == 0
    assert link.is_symlink()
    assert tree(link)
    assert len(list(disk.iterdir())) == 2


@pytest.mark.parametrize("answer", [("{home}", 0), ("yes", 4), ("", 4)])
def test_in_a_terminal_the_name_of_the_home_confirms(
    cli: Cli, home: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[str, int]
) -> None:
    typed, exit_code = answer
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed.format(home=home.name))
    assert cli("restore", backup).exit_code == exit_code


def add_cache(content: list[tuple[str, bytes]]) -> None:
    """Smuggle in compiled code, with a manifest that agrees."""
    name, data = "cache/evil.nbc", b"code"
    manifest = json.loads(content[-1][1])
    manifest["members"].append([name, len(data), hashlib.sha256(data).hexdigest()])
    content[-1] = (name, data)
    content.append(("manifest.json", json.dumps(manifest).encode()))


def lead_outside(content: list[tuple[str, bytes]]) -> None:
    manifest = json.loads(content[-1][1])
    manifest["members"][0][0] = "runs/../../evil"
    content[0] = ("runs/../../evil", content[0][1])
    content[-1] = ("manifest.json", json.dumps(manifest).encode())


def put_at(place: int, data: bytes) -> Callable[[list[tuple[str, bytes]]], None]:
    def change(content: list[tuple[str, bytes]]) -> None:
        content[place] = (content[place][0], data)

    return change


CHANGES: dict[str, Callable[[list[tuple[str, bytes]]], Any]] = {
    "longer": lambda content: put_at(1, content[1][1] + b"x")(content),
    "other bytes": lambda content: put_at(1, b"y" + content[1][1][1:])(content),
    "a member gone": lambda content: content.pop(1),
    "a member more": lambda content: content.insert(1, ("runs/x/y", b"")),
    "no manifest": lambda content: content.pop(),
    "manifest first": lambda content: content.reverse(),
    "manifest of a list": put_at(-1, b"[]"),
    "manifest of another format": put_at(-1, b'{"format": "other"}'),
    "manifest of nothing": put_at(-1, b"{}"),
    "a cache": add_cache,
    "a way outside": lead_outside,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_backup_is_refused_before_anything_is_touched(
    cli: Cli, home: Path, backup: Path, change: Any
) -> None:
    before = tree(home)
    rewritten(backup, change)
    answer = cli("restore", backup, "--yes")
    assert answer.exit_code == 2
    assert str(backup) in answer.err
    assert tree(home) == before
    assert not list(home.parent.glob(f"*{home.name}.*"))


@pytest.mark.parametrize("place", [0.01, 0.3, 0.6, 0.9, 0.995])
def test_a_flipped_byte_is_refused_or_changes_nothing_that_is_restored(
    cli: Cli, home: Path, backup: Path, tmp_path: Path, place: float
) -> None:
    data = bytearray(backup.read_bytes())
    data[int(len(data) * place)] ^= 0x40
    backup.write_bytes(bytes(data))
    there = tmp_path / "there"
    answer = cli("--home", there, "restore", backup)
    if answer.exit_code == 0:  # a byte that nobody reads, such as a time in the directory
        assert tree(there) == tree(home)
    else:
        assert answer.exit_code == 2
        assert not there.exists()


@pytest.mark.parametrize("n_bytes", [0, 10, 5_000])
def test_a_backup_cut_short_is_refused(
    cli: Cli, backup: Path, tmp_path: Path, n_bytes: int
) -> None:
    backup.write_bytes(backup.read_bytes()[:n_bytes])
    assert cli("--home", tmp_path / "there", "restore", backup).exit_code == 2
    assert not (tmp_path / "there").exists()


def test_a_missing_backup_is_named(cli: Cli, tmp_path: Path) -> None:
    answer = cli("restore", tmp_path / "none.zip")
    assert answer.exit_code == 2
    assert "none.zip" in answer.err


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    cli: Cli, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 0))
    answer = cli("--home", tmp_path / "there", "restore", backup)
    assert answer.exit_code == 3
    assert "bytes free" in answer.err
    assert not (tmp_path / "there").exists()


def test_a_failure_at_the_last_step_puts_the_old_home_back(
    cli: Cli, home: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(home)

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("athena.platform._storage.publish_folder", fail)
    assert cli("restore", backup, "--yes").exit_code == 2
    assert tree(home) == before
    assert not list(home.parent.glob(f"*{home.name}.*"))


# Killed half-way

KILLED = """
import os, signal, sys
from athena.app import run
from athena.app._archive import ArchiveWriter, Archive
left = [int(sys.argv[1])]
def counted(method):
    def call(self, *arguments):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *arguments)
    return call
ArchiveWriter.add_file = counted(ArchiveWriter.add_file)
Archive._chunks = counted(Archive._chunks)
run(sys.argv[2:])
"""


def killed(at: int, *arguments: object) -> int:
    """Run the command line in a process that kills itself at its n-th file; return its status."""
    command = [sys.executable, "-c", KILLED, str(at), *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True).returncode  # noqa: S603 - our own program


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 5, 12])
def test_a_backup_that_is_killed_leaves_the_old_file_or_none(
    home: Path, backup: Path, tmp_path: Path, at: int
) -> None:
    before = backup.read_bytes()
    assert killed(at, "--home", home, "backup", backup) == -signal.SIGKILL
    assert backup.read_bytes() == before
    assert killed(at, "--home", home, "backup", tmp_path / "new.zip") == -signal.SIGKILL
    assert not (tmp_path / "new.zip").exists()


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 15, 20])
def test_a_restore_that_is_killed_leaves_the_old_home(
    cli: Cli, home: Path, backup: Path, tmp_path: Path, at: int
) -> None:
    before = tree(home)
    assert killed(at, "--home", home, "restore", backup, "--yes") == -signal.SIGKILL
    assert tree(home) == before
    assert killed(at, "--home", tmp_path / "new", "restore", backup) == -signal.SIGKILL
    assert not (tmp_path / "new").exists()
    assert cli("--home", tmp_path / "new", "restore", backup).exit_code == 0


# Databases elsewhere


def test_a_database_outside_the_home_is_filled_only_when_it_is_empty(
    cli: Cli, filled: str, home: Path, tmp_path: Path
) -> None:
    assert filled
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    (home / "athena.yaml").write_text(f"database:\n  url: {url}\n")
    for name in ("one.zip", "two.zip"):
        assert cli("backup", tmp_path / name).exit_code == 0
    assert not (home / "athena.db").exists()
    there = tmp_path / "there"
    answer = cli("--home", there, "restore", tmp_path / "two.zip")
    assert answer.exit_code == 4
    assert "expected an empty database" in answer.err
    assert not there.exists()
    (tmp_path / "elsewhere.db").unlink()
    answer = cli("--home", there, "restore", tmp_path / "two.zip", "--json")
    assert answer.json()["database"] == url
    moved = open_database(url, there)
    with moved.read() as view:
        assert view.query("SELECT count(*) FROM app_backups") == [(1,)]
    moved.close()


@pytest.mark.service
def test_a_home_moves_from_sqlite_to_postgresql_by_backup_and_restore(
    cli: Cli, backup: Path, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 10: outgrow by configuration."""
    second = tmp_path / "second.zip"
    assert cli("backup", second).exit_code == 0
    monkeypatch.setenv("ATHENA_DATABASE__URL", postgres_url)
    there = tmp_path / "there"
    answer = cli("--home", there, "restore", second, "--json").json()
    assert answer["database"] == postgres_url
    assert not (there / "athena.db").exists()
    third = cli("--home", there, "backup", tmp_path / "third.zip", "--json").json()
    assert third["has_database"] is True
    database = open_database(postgres_url, there)
    with database.read() as view:
        assert view.query("SELECT file FROM app_backups ORDER BY taken_at_ns") == [
            (str(backup),),
            (str(tmp_path / "third.zip"),),
        ]
    database.close()
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["database"]["detail"].startswith(
        f"{postgres_url}, app 0002-operations, language 0001-language, memory 0001-memory, "
        "last backup"
    )


def test_a_database_that_does_not_answer_ends_the_backup_and_is_named_by_the_doctor(
    cli: Cli, filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pg8000")
    assert filled
    monkeypatch.setenv("ATHENA_DATABASE__URL", "postgresql://me@127.0.0.1:1/desk")
    answer = cli("backup", tmp_path / "b.zip")
    assert answer.exit_code == 3
    assert "start the server" in answer.err
    assert not (tmp_path / "b.zip").exists()
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["database"]["status"] == "missing"
    assert "127.0.0.1:1/desk to answer" in found["database"]["detail"]


def test_the_doctor_names_a_damaged_database_and_makes_none(cli: Cli, home: Path) -> None:
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["database"]["detail"].startswith("sqlite, none yet")
    assert not (home / "athena.db").exists()
    (home / "athena.db").write_bytes(b"no database, but long enough to be looked at" * 9)
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    assert found["database"]["status"] == "missing"
    assert "was damaged" in found["database"]["detail"]


def test_the_tables_of_this_version_come_about_in_a_new_database(tmp_path: Path) -> None:
    database = open_database("sqlite:///x.db", tmp_path)
    applied = migrate(database, ROOMS, now_ns=1, keep_in=tmp_path).applied
    assert applied == (
        "app/0001-backups",
        "app/0002-operations",
        "language/0001-language",
        "memory/0001-memory",
    )
    database.close()

"""The home as one file, and back: what belongs in it, and how it takes the place of another."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena import __version__
from athena.app._archive import ArchiveWriter, Source, open_archive
from athena.app._database import ROOMS, bring_up_to_date, is_there, opened, record_backup
from athena.app.live import HALT_NAME, end_sessions
from athena.domain import format_time
from athena.errors import CheckFailed, InputError, MissingError, RefusedError
from athena.platform import (
    CONFIG_NAME,
    atomic_write_bytes,
    file_lock,
    known_secrets,
    segment_path,
    staged_file,
    staged_folder,
    storage_errors,
)
from athena.platform.artifacts import (
    ARTIFACTS_FOLDER,
    RECORD_NAME,
    bundle_names,
    locked_bundle,
)
from athena.platform.database import SqlitePlace, database_url, load_dump, parse_url, write_dump
from athena.research import JOURNAL_FOLDER, LEDGER_NAME, RUN_FILE, FileStore, locked_trials
from athena.trading import inspect_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from athena.app._archive import Archive, OnBytes

DUMP_NAME = "database.jsonl"
_FOLDERS = ("datasets", "runs", "sweeps", "exchanges")
_FILES = frozenset({CONFIG_NAME, LEDGER_NAME, DUMP_NAME, HALT_NAME})
_SESSIONS = "live"
_LOCK_NAME = "lock"
_LOCKS_FOLDER = ".locks"
_RESTORED = "restored from a backup"


@dataclass(frozen=True, slots=True)
class Contents:
    """What of a home goes into a backup.

    Attributes:
        files: to be written; those of a run only when it came to its end.
        skipped: runs that did not, by name.
        n_bytes: length of all files together.
    """

    files: Sequence[Source]
    skipped: Sequence[str]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup came to.

    Attributes:
        file: the archive.
        n_members: files in it, without the manifest.
        content_bytes: their length.
        size_bytes: length of the archive.
        manifest_sha256: digest of the manifest, which states every other digest.
        skipped: runs that had not come to their end.
        has_database: whether it holds the database.
    """

    file: Path
    n_members: int
    content_bytes: int
    size_bytes: int
    manifest_sha256: str
    skipped: Sequence[str]
    has_database: bool


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore came to.

    Attributes:
        home: that was filled.
        created_at: when the backup was taken, ISO-8601 UTC.
        n_members: files that were verified and written.
        content_bytes: their length.
        database: where the database's rows went; empty when the backup holds none.
        kept: where the home that was there before is now; None when there was none.
    """

    home: Path
    created_at: str
    n_members: int
    content_bytes: int
    database: str
    kept: Path | None


def list_contents(home: Path) -> Contents:
    """List what of a home goes into a backup: no caches, crash bundles or half-written folders.

    A run is published and then counted as a trial under one lock, which is held here: of each run
    both are listed, or neither.

    Raises:
        MissingError: there is no such home.
        InputError: a link lies in the home: what it points to may be none of ours.
    """
    if not home.is_dir():
        message = f"expected a home at {home}, was none"
        raise MissingError(message, hint="athena data sample")
    files: list[Source] = []
    skipped: list[str] = []
    with locked_trials(home), storage_errors(home):
        config, ledger = home / CONFIG_NAME, home / LEDGER_NAME
        if config.is_file():
            files.append(Source(CONFIG_NAME, config))
        if ledger.is_file():
            files.append(Source(LEDGER_NAME, ledger, ledger.stat().st_size))
        for kind in _FOLDERS:
            for folder in _folders(home / kind):
                if kind == "runs" and not (folder / RUN_FILE).is_file():
                    skipped.append(folder.name)
                    continue
                files += [
                    Source(path.relative_to(home).as_posix(), path) for path in _files(folder)
                ]
        files += _artifact_files(home)
        files += _session_files(home)
        n_bytes = sum(source.path.stat().st_size for source in files)
    return Contents(files, skipped, n_bytes)


def _artifact_files(home: Path) -> Iterator[Source]:
    """Yield the versions of each bundle, and its record as it was when they were listed.

    Else a record could name a version that was published meanwhile, and is not in the backup.
    """
    for name in bundle_names(home):
        bundle = home / ARTIFACTS_FOLDER / name
        _check_no_link(bundle)
        if not bundle.is_dir():
            continue
        with locked_bundle(home, name):
            for path in _files(bundle):
                is_record = path.parent == bundle
                if is_record and path.name != RECORD_NAME:
                    continue  # who holds the lock
                content = path.read_bytes() if is_record else None
                yield Source(path.relative_to(home).as_posix(), path, content=content)


def _session_files(home: Path) -> Iterator[Source]:
    """Yield the files of live and paper sessions, one under way included, and the HALT file.

    A journal that is being written is taken up to its last whole frame.
    """
    halt, root = home / HALT_NAME, home / _SESSIONS
    if halt.is_file():
        yield Source(HALT_NAME, halt)
    for path in sorted(root.glob("*.json")):
        yield Source(path.relative_to(home).as_posix(), path)
    for folder in _folders(root):
        journal = folder / JOURNAL_FOLDER
        yield from _journal_files(home, journal)
        for path in _files(folder):
            is_segment = path.parent == journal and path.suffix == ".seg"
            if path.name != _LOCK_NAME and not is_segment:
                yield Source(path.relative_to(home).as_posix(), path)


def _journal_files(home: Path, journal: Path) -> Iterator[Source]:
    """Yield the segments of a session's journal; a damaged one as it is, for it is evidence."""
    store = FileStore(journal)
    numbers = store.segments()
    if not numbers:
        return
    last, n_bytes = numbers[-1], None
    try:
        report = inspect_journal(store)
    except CheckFailed:
        pass
    else:
        if report.damage is None:
            last, n_bytes = report.end.segment, report.end.size_bytes
    for number in numbers:
        if number <= last:
            path = segment_path(journal, number)
            name = path.relative_to(home).as_posix()
            yield Source(name, path, n_bytes if number == last else None)


def _folders(parent: Path) -> Iterator[Path]:
    """Yield finished folders; one that is being written has a name with a dot in front."""
    if parent.is_dir():
        for path in sorted(parent.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                _check_no_link(path)
                yield path


def _files(folder: Path) -> Iterator[Path]:
    # Sorted: of a sweep that is under way the lines come before the returns they count.
    for path in sorted(folder.rglob("*")):
        _check_no_link(path)
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not is_hidden:
            yield path


def _check_no_link(path: Path) -> None:
    if path.is_symlink():
        message = f"expected files and folders in the home, was a link: {path}"
        raise InputError(message, hint="put what it points to there, or remove the link")


def back_up(  # noqa: PLR0913 - what, where to, when, and who is told
    home: Path, file: Path, contents: Contents, *, url: str, now_ns: int, on_bytes: OnBytes
) -> BackupReport:
    """Write a home into one file, which is read back before it takes its name.

    Args:
        home: data home.
        file: the archive; an older backup there is replaced, anything else is not.
        contents: see `list_contents`.
        url: `database.url` of the configuration.
        now_ns: UTC nanoseconds.
        on_bytes: told how many bytes were done; each is read twice.

    Raises:
        RefusedError: the file is no backup, the configuration holds a secret, or the tables are
            those of another version.
        InputError: something cannot be read.
        MissingError: the disk is full.
        DatabaseDown: the database cannot be reached.
    """
    _check_replaceable(file)
    _check_no_secret(home / CONFIG_NAME)
    has_database = is_there(url, home)
    facts = {"athena": __version__, "created_at": format_time(now_ns)}
    with staged_file(file) as target:
        with closing(ArchiveWriter(target)) as writer:
            for source in contents.files:
                writer.add_file(source, on_bytes)
            if has_database:
                with opened(url, home) as database, writer.member(DUMP_NAME) as member:
                    # First: tables that this version does not know could not be restored by it.
                    bring_up_to_date(database, home, now_ns)
                    with database.read() as transaction:
                        write_dump(transaction, member)
            digest = writer.finish(facts)
        target.seek(0)
        with open_archive(file, target) as archive:
            archive.verify(on_bytes)
            content_bytes = archive.size_bytes
    size_bytes, n_members = file.stat().st_size, len(writer.members)
    with opened(url, home) as database:
        bring_up_to_date(database, home, now_ns)
        record_backup(
            database,
            {
                # The same content can be written twice.
                "id": f"{digest}-{now_ns}",
                "taken_at_ns": now_ns,
                "file": str(file),
                "n_members": n_members,
                "size_bytes": size_bytes,
            },
        )
    return BackupReport(
        file, n_members, content_bytes, size_bytes, digest, contents.skipped, has_database
    )


def _check_replaceable(file: Path) -> None:
    if not file.exists():
        return
    try:
        with open_archive(file):
            return
    except InputError as error:
        message = f"expected a new name or an older backup, was {file}, which is neither"
        raise RefusedError(message, hint="choose another name") from error


def _check_no_secret(file: Path) -> None:
    if not file.is_file():
        return
    with storage_errors(file):
        text = file.read_text("utf-8", errors="replace")
    if any(secret in text for secret in known_secrets()):
        message = f"expected {file} without secrets, was one that holds a value of the environment"
        raise RefusedError(message, hint="remove it: secrets belong in the environment only")


def is_empty(home: Path) -> bool:
    """Tell whether nothing lies in a home, so that a restore takes nothing's place."""
    with storage_errors(home):
        return not home.exists() or (home.is_dir() and next(home.iterdir(), None) is None)


def restore(
    file: Path,
    home: Path,
    *,
    config_file: Path | None,
    now_ns: int,
    on_bytes: OnBytes,
) -> RestoreReport:
    """Put a home back as a backup holds it, all of it or nothing.

    Every digest is compared before anything is written. The home is filled beside the old one and
    takes its place at the end; the old one is kept under another name. A database outside the
    home must be empty; it is filled just before.

    A kill switch that lies in the old home is carried over. Sessions of the backup are there to be
    read, never gone on with: their accounts have moved on since.

    Args:
        file: the archive.
        home: data home.
        config_file: `--config`; without one the backup's own configuration says where the
            database is.
        now_ns: UTC nanoseconds.
        on_bytes: told how many bytes were done; each is read twice.

    Raises:
        InputError: the archive is missing or damaged; nothing was touched.
        RefusedError: a database outside the home is not empty, or a session is under way in the
            home; nothing was touched.
        MissingError: the disk is full.
    """
    kept: Path | None = None
    home = home.resolve()  # a link to another disk stays one
    with open_archive(file) as archive, _no_session(home):
        _check_members(archive, file)
        archive.verify(on_bytes)
        try:
            with staged_folder(home) as folder:
                archive.extract(folder, on_bytes)
                _end_sessions(folder)
                database = _load_database(folder, home, config_file, now_ns)
                kept = _set_aside(home, now_ns)
                _carry_halt(kept, folder)
        except BaseException:
            if kept is not None and not home.exists():
                kept.rename(home)
            raise
        created_at = str(archive.manifest["created_at"])
        return RestoreReport(
            home, created_at, len(archive.members), archive.size_bytes, database, kept
        )


@contextmanager
def _no_session(home: Path) -> Iterator[None]:
    """Hold the locks of all sessions of a home, so that none is under way and none begins.

    Raises:
        RefusedError: one is under way.
    """
    root = home / _SESSIONS
    locks = [*root.glob(f"*/{_LOCK_NAME}"), *root.glob(f"{_LOCKS_FOLDER}/*")]
    with ExitStack() as stack:
        for path in sorted(locks):
            try:
                stack.enter_context(file_lock(path, timeout_s=0))
            except RefusedError as error:
                message = f"expected no session under way in {home}, was one that holds {path}"
                raise RefusedError(message, hint="stop it first, then restore") from error
        yield


def _end_sessions(folder: Path) -> None:
    """Mark the sessions of a backup as over.

    One that was gone on with would number its orders as the life after the backup did, and give
    two orders one client id.
    """
    from athena.app.running import mark_over, read_session

    for session_folder in _folders(folder / _SESSIONS):
        session = read_session(session_folder)
        if session is not None:
            mark_over(folder, session)


def _carry_halt(kept: Path | None, folder: Path) -> None:
    """Put the kill switch of the home that was set aside into the new one."""
    if kept is None or not (kept / HALT_NAME).is_file():
        return
    with storage_errors(kept / HALT_NAME):
        atomic_write_bytes(folder / HALT_NAME, (kept / HALT_NAME).read_bytes())


def _check_members(archive: Archive, file: Path) -> None:
    """Refuse names that no backup has: a cache that was smuggled in would be run."""
    for member in archive.members:
        top, _, rest = member.name.partition("/")
        is_known = top in {*_FOLDERS, ARTIFACTS_FOLDER, _SESSIONS} if rest else top in _FILES
        if not is_known:
            message = f"expected only members of a home in {file}, was {member.name}"
            raise InputError(message, hint="use another backup")


def _load_database(folder: Path, home: Path, config_file: Path | None, now_ns: int) -> str:
    """Fill the database that the restored home is configured for; return where it is.

    Its sessions have ended, like their folders: nobody answers for them any more.
    """
    from athena.platform.config import load_config

    dump = folder / DUMP_NAME
    if not dump.is_file():
        return ""
    own = folder / CONFIG_NAME
    loaded = load_config(config_file or (own if own.is_file() else None))
    url = loaded.config.database.url
    place = parse_url(database_url(url), home)
    if isinstance(place, SqlitePlace) and place.path.is_relative_to(home):
        url = SqlitePlace(folder / place.path.relative_to(home)).shown
    with storage_errors(dump), dump.open("rb") as lines, opened(url, folder) as database:
        load_dump(database, ROOMS, lines)
        bring_up_to_date(database, folder, now_ns)
        end_sessions(database, now_ns=now_ns, reason=_RESTORED)
    dump.unlink()
    return place.shown


def _set_aside(home: Path, now_ns: int) -> Path | None:
    """Rename a home; one that is empty is removed."""
    if not home.exists():
        return None
    with storage_errors(home):
        if is_empty(home):
            home.rmdir()
            return None
        stamp = format_time(now_ns)[:19].replace(":", "").replace("-", "")
        kept = home.with_name(f"{home.name}.before-{stamp}Z")
        with locked_trials(home):  # no run is between its folder and its trial
            home.rename(kept)
    return kept

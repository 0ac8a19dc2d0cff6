"""`athena journal`: is the journal of a run or session sound, does it replay, what does it say."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import CheckFailed, InputError, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research import FileStore
    from athena.trading import JournalReport

_HINT_FOREIGN = "the folder holds another run's journal, or run.json was changed"
_RunArgument = Annotated[
    str,
    typer.Argument(help="Id of a run (`athena runs list`) or of a session (`athena status`)."),
]
_SESSIONS = "live"
_KINDS = ("runs", _SESSIONS)
_MEMORY = "memory"  # what a session notes beside a snapshot: thousands of keys


def register(app: typer.Typer) -> None:
    """Add the group `journal` to the command line."""
    group = typer.Typer(
        help="Verify, replay and read the journal of a run or a session.", no_args_is_help=True
    )
    group.command("verify")(verify)
    group.command("replay")(replay)
    group.command("show")(show)
    app.add_typer(group, name="journal")


def verify(ctx: typer.Context, run: _RunArgument, *, as_json: JsonOption = False) -> None:
    """Check every byte of a journal; exit 1 names segment and offset of any damage.

    Where a run came to its end, the journal must be the one that its `run.json` names. The journal
    of a session under way is checked up to its last whole frame.

    Example: athena journal verify 20261120-142233-sma_cross
    """
    from athena.trading import inspect_journal

    context = Context.of(ctx, as_json=as_json)
    store = _store(context.home, run)
    report = inspect_journal(store)
    foreign = "" if report.damage is not None else _foreign(store, report)
    lines = _lines(run, report, foreign, is_session=_is_session(store))
    context.output.emit(_payload(run, report, foreign), *lines)
    if report.damage is not None or foreign:
        raise typer.Exit(1)


def replay(
    ctx: typer.Context,
    run: _RunArgument,
    *,
    compiled: Annotated[bool, typer.Option(help="Use the compiled core.")] = False,
    from_snapshot: Annotated[
        bool, typer.Option(help="Begin at the last snapshot, as a recovery does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Rebuild a run from its journal and its bars, or a session from its journal alone.

    Exit 1 names the first record that differs. What a session's core wanted of the venue and its
    snapshots are made again and compared: so a new version is held against what an old one did.

    Example: athena journal replay 20261120-142233-sma_cross
    """
    from athena.research import compiler_for, load_columns, replay_run
    from athena.trading import read_frames, verify_journal

    context = Context.of(ctx, as_json=as_json)
    store = _store(context.home, run)
    if _is_session(store):
        _replay_session(context, run, store, compiled=compiled, from_snapshot=from_snapshot)
        return
    foreign = _foreign(store, verify_journal(store))
    if foreign:
        raise CheckFailed(foreign, hint=_HINT_FOREIGN)
    manifest = next(iter(read_frames(store))).values()
    compiler = compiler_for(context.home / "cache", None) if compiled else None
    columns = load_columns(manifest, context.home)
    _, report = replay_run(store, columns, compiler=compiler, from_snapshot=from_snapshot)
    payload = {
        "run": run,
        "digest": report.digest,
        "steps": report.n_marks,
        "words": report.n_words,
        "is_final": report.is_final,
        "from_frame": report.from_frame,
    }
    end = "to the end of the run" if report.is_final else "to its last record; the run did not end"
    said = f"{run}: {report.n_words:,} words over {report.n_marks:,} steps replay {end}"
    context.output.emit(payload, said, f"digest: {report.digest}")


def _replay_session(
    context: Context, run: str, store: FileStore, *, compiled: bool, from_snapshot: bool
) -> None:
    """Fold a session's journal, and say what it came to.

    Raises:
        CheckFailed: it is damaged, or replay makes something else.
        InputError: the compiled core was asked for.
    """
    from athena.trading import digest_of
    from athena.trading.live import fold_journal

    if compiled:
        message = "expected a run for the compiled core, was a session"
        raise InputError(message, hint="leave out --compiled: a session is replayed as it ran")
    folded = fold_journal(store, from_beginning=not from_snapshot)
    digest = digest_of(folded.tables.views)
    context.output.emit(
        {
            "run": run,
            "digest": digest,
            "events": folded.n_events,
            "effects": folded.n_effects,
            "snapshots_compared": folded.n_compared,
        },
        f"{run}: {folded.n_events:,} records replay to the journal's end",
        f"made again and equal: {folded.n_effects:,} effects (orders, amendments, cancels), "
        f"{folded.n_compared} of the snapshots",
        f"digest: {digest}",
    )


def show(
    ctx: typer.Context,
    run: _RunArgument,
    *,
    skip: Annotated[int, typer.Option(min=0, help="Leave out this many records.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List what a journal says: intents, verdicts, reports, commands, notices, notes.

    Example: athena journal show 20261120-142233-sma_cross --limit 20
    """
    context = Context.of(ctx, as_json=as_json)
    shown = list(islice(_records(_store(context.home, run)), skip, skip + limit))
    rows = [
        (str(item["frame"]), _step(item["marks"]), item["kind"], _text(item)) for item in shown
    ]
    table = Table((">frame", ">step", "record", "what"), rows)
    context.output.emit({"run": run, "skip": skip, "records": shown}, table)


def _store(home: Path, run: str) -> FileStore:
    """Return the journal of a run or a session of this home.

    Raises:
        MissingError: there is none.
    """
    from athena.research import JOURNAL_FOLDER, FileStore

    places = [home / kind / run / JOURNAL_FOLDER for kind in _KINDS]
    found = [folder for folder in places if folder.is_dir()]
    if Path(run).name != run or not found:
        message = f"expected a run or session with a journal, was none at {places[0]}"
        raise MissingError(message, hint="athena runs list, athena status")
    return FileStore(found[0])


def _is_session(store: FileStore) -> bool:
    return store.folder.parent.parent.name == _SESSIONS


def _foreign(store: FileStore, report: JournalReport) -> str:
    """Say how a journal differs from what its run's file names; empty when it does not.

    A run that did not come to its end has no such file.

    Raises:
        InputError: the file is damaged.
    """
    from athena.research import RUN_FILE, read_run_description

    folder = store.folder.parent
    if not (folder / RUN_FILE).is_file():
        return ""
    stated = read_run_description(folder)
    named = f"digest {stated.get('digest')}, SHA-256 {stated.get('journal_sha256')}"
    digest = (report.final or {}).get("digest")
    found = f"digest {digest}, SHA-256 {report.end.segment_sha256.hex()}"
    return (
        ""
        if named == found
        else f"expected the journal of {folder / RUN_FILE}: {named}, was {found}"
    )


def _records(store: FileStore) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal as JSON values, with the frame that holds each."""
    import numpy as np

    from athena.trading import SETUP_KEY, FrameKind, read_frames, read_records, record_values

    names: dict[str, list[str]] = {}
    for frame in read_frames(store):
        if frame.kind is FrameKind.MANIFEST:
            setup = frame.values().get(SETUP_KEY, {})
            names["instrument"] = [item["symbol"] for item in setup.get("instruments", [])]
            names["strategy"] = [item["name"] for item in setup.get("strategies", [])]
        elif frame.kind is FrameKind.WORDS:
            for record in read_records(np.frombuffer(frame.payload, "<i8")):
                yield {"frame": frame.sequence, **_readable(record_values(record), names)}
        elif frame.kind is FrameKind.NOTE:
            yield {"frame": frame.sequence, "marks": None, **_note(frame.values(), names)}


def _note(values: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """Write a session's note; of what it remembers beside a snapshot only how much it is."""
    if values.get("kind") == _MEMORY:
        counts = {key: len(item) for key, item in values.items() if isinstance(item, list)}
        return {"kind": _MEMORY, **counts}
    return _readable(values, names)


def _readable(values: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """Write indices as names and nanoseconds as UTC times (0 is none), in inner records too."""
    from athena.domain import format_time

    shown: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            shown[key] = _readable(value, names)
        elif key in names and 0 <= value < len(names[key]):
            shown[key] = names[key][value]
        elif key.endswith("_ns"):
            shown[key.removesuffix("_ns")] = format_time(value) if value else None
        else:
            shown[key] = value
    return shown


def _step(marks: int | None) -> str:
    return "" if marks is None else str(marks)


def _text(values: dict[str, Any]) -> str:
    """Say what a record holds, without what its row shows already and without zeros."""
    left_out = {"frame", "kind", "marks"}
    return " ".join(f"{k}={_plain(v)}" for k, v in values.items() if k not in left_out and v)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "(" + " ".join(f"{key}={_plain(item)}" for key, item in value.items()) + ")"
    if isinstance(value, tuple):
        return ",".join(map(_plain, value))
    return str(value)


def _payload(run: str, report: JournalReport, foreign: str) -> dict[str, Any]:
    damage, torn = report.damage, report.torn
    return {
        "run": run,
        "ok": damage is None and not foreign,
        "segments": report.end.segment,
        "frames": report.end.n_frames,
        "words": report.n_words,
        "snapshots": report.n_snapshots,
        "segment_sha256": report.end.segment_sha256.hex(),
        "final": report.final,
        "torn": None if torn is None else {"segment": torn.segment, "offset": torn.offset},
        "foreign": foreign or None,
        "damage": None
        if damage is None
        else {"segment": damage.segment, "offset": damage.offset, "reason": damage.reason},
    }


def _lines(run: str, report: JournalReport, foreign: str, *, is_session: bool) -> list[str]:
    if report.damage is not None:
        return [f"{run}: {report.damage}"]
    if foreign:
        return [f"{run}: {foreign}", f"hint: {_HINT_FOREIGN}"]
    end = report.end
    sound = f"{run}: sound, {end.n_frames:,} frames in {end.segment} segments"
    lines = [sound, f"SHA-256 of the last segment: {end.segment_sha256.hex()}"]
    if report.torn is not None:
        lines.append(f"warning: {report.torn}")
    if report.final is None and not is_session:
        lines.append("warning: the run did not end")
    return lines

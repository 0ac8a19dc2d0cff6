"""Move a version from candidate to shadow to promoted, back, and out; each is one swap."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from athena.errors import RefusedError
from athena.platform.artifacts._gates import check_gates
from athena.platform.artifacts._kinds import Status
from athena.platform.artifacts._load import shortfalls, verify_version
from athena.platform.artifacts._place import locked_bundle
from athena.platform.artifacts._record import (
    SHOWN_DIGITS,
    Evidence,
    Move,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from athena.platform.artifacts._gates import Gate
    from athena.platform.artifacts._record import Record, Version

    OnBytes = Callable[[int], None]

# From where a version may come; nobody skips the shadow.
_BEFORE = {
    Status.SHADOW: (Status.CANDIDATE, Status.RETIRED),
    Status.PROMOTED: (Status.SHADOW,),
}


def promote_bundle(  # noqa: PLR0913 - what, where to, when and why
    home: Path,
    name: str,
    *,
    to: Literal[Status.SHADOW, Status.PROMOTED],
    now_ns: int,
    version: str | None = None,
    reason: str = "",
    on_bytes: OnBytes | None = None,
) -> Move:
    """Let a version shadow or serve, once its gates hold and every byte of it is verified.

    What had that status before is retired; a promoted one stays ready for a roll-back.

    Args:
        home: data home.
        name: of the bundle.
        to: the status.
        now_ns: UTC nanoseconds.
        version: first digits of its id; None for the newest candidate, or for the one in shadow.
        reason: for the history.
        on_bytes: told how many bytes were read.

    Raises:
        InputError: the name is not plain, or the home cannot be written.
        MissingError: nothing was published under the name, or there is no such version.
        RefusedError: a gate is missing or does not hold, a step would be skipped, or the version
            is not what was published; the message names each gate.
    """
    with _locked_record(home, name) as record:
        entry = _chosen(record, to, version)
        bundle = verify_version(home, record, entry, on_bytes)
        reasons = shortfalls(record, entry, bundle.card, to)
        if reasons:
            message = f"expected {bundle.id} to pass its gates: {'; '.join(reasons)}"
            raise RefusedError(message, hint=f"athena artifacts show {name}")
        return _write(home, _with_standing(record, entry, to, now_ns, reason))


def roll_back_bundle(
    home: Path, name: str, *, now_ns: int, reason: str = "", on_bytes: OnBytes | None = None
) -> Move:
    """Let the version serve that served before, once every byte of it is verified.

    The present one is retired, and is not what the next roll-back goes to.

    Args:
        home: data home.
        name: of the bundle.
        now_ns: UTC nanoseconds.
        reason: for the history.
        on_bytes: told how many bytes were read.

    Raises:
        InputError: the name is not plain, or the home cannot be written.
        MissingError: nothing was published under the name.
        RefusedError: nothing was promoted before, or it is not what was published.
    """
    with _locked_record(home, name) as record:
        if not record.previous:
            message = f"expected a version of {name} that was promoted before, was none"
            raise RefusedError(message, hint=f"athena artifacts show {name}")
        entry = record.find(record.previous[-1])
        verify_version(home, record, entry, on_bytes)
        changed = replace(record, previous=record.previous[:-1])
        present = record.standing(Status.PROMOTED)
        if present is not None:
            why = f"rolled back to {_short(entry)}"
            changed = changed.moved(present, Status.RETIRED, at_ns=now_ns, reason=why)
        return _write(home, changed.moved(entry, Status.PROMOTED, at_ns=now_ns, reason=reason))


def retire_bundle(home: Path, name: str, *, version: str, now_ns: int, reason: str) -> Move:
    """Take a version out of service, with none in its place; its caller falls back by name.

    Args:
        home: data home.
        name: of the bundle.
        version: first digits of its id.
        now_ns: UTC nanoseconds.
        reason: for the history, such as what was monitored.

    Raises:
        InputError: the name is not plain, or the home cannot be written.
        MissingError: there is no such version.
        RefusedError: it is retired already.
    """
    with _locked_record(home, name) as record:
        entry = record.find(version)
        if entry.status is Status.RETIRED:
            message = f"expected {name}@{_short(entry)} in service, was retired"
            raise RefusedError(message, hint=f"athena artifacts show {name}")
        return _write(home, record.moved(entry, Status.RETIRED, at_ns=now_ns, reason=reason))


def add_evidence(
    home: Path, name: str, gates: Sequence[Gate], *, version: str, now_ns: int
) -> None:
    """Record gates that were measured after a version was published, such as a shadow run.

    Newer evidence replaces older of the same name; none outweighs a gate of the scorecard.

    Args:
        home: data home.
        name: of the bundle.
        gates: what was measured.
        version: first digits of the id that it was measured on.
        now_ns: UTC nanoseconds.

    Raises:
        InputError: the name is not plain, or the home cannot be written.
        MissingError: there is no such version.
        RefusedError: a gate contradicts its own figures.
    """
    check_gates(gates, what="the evidence")
    with _locked_record(home, name) as record:
        entry = record.find(version)
        names = {gate.name for gate in gates}
        older = [item for item in entry.evidence if item.gate.name not in names]
        evidence = (*older, *(Evidence(now_ns, gate) for gate in gates))
        changed = replace(entry, evidence=evidence)
        versions = tuple(changed if item.id == entry.id else item for item in record.versions)
        said = ", ".join(f"{gate.name} {'holds' if gate.holds else 'fails'}" for gate in gates)
        move = Move(now_ns, entry.id, entry.status, entry.status, f"evidence: {said}")
        _write(home, replace(record, versions=versions).noted(move))


@contextmanager
def _locked_record(home: Path, name: str) -> Iterator[Record]:
    read_record(home, name)  # an unknown name must leave no folder behind
    with locked_bundle(home, name):
        yield read_record(home, name)


def _write(home: Path, record: Record) -> Move:
    write_record(home, record)
    return record.history[-1]


def _with_standing(record: Record, entry: Version, to: Status, now_ns: int, reason: str) -> Record:
    """Return the record after a version took the place of the one that stood there, if any."""
    standing, previous = record.standing(to), record.previous
    if to is Status.PROMOTED:
        # Promoted once more, a version is no longer something to go back to.
        previous = tuple(item for item in previous if item != entry.id)
        previous = (*previous, *([standing.id] if standing else []))
    changed = replace(record, previous=previous)
    if standing is not None:
        why = f"replaced by {_short(entry)}"
        changed = changed.moved(standing, Status.RETIRED, at_ns=now_ns, reason=why)
    return changed.moved(entry, to, at_ns=now_ns, reason=reason)


def _chosen(record: Record, to: Status, version: str | None) -> Version:
    if version is not None:
        entry = record.find(version)
    else:
        wanted = _BEFORE[to][0]
        found = record.standing(wanted)
        if found is None:
            message = f"expected a version of {record.name} in {wanted}, was none"
            hint = (
                f"athena artifacts promote {record.name} --to shadow"
                if to is Status.PROMOTED
                else "train and publish one first"
            )
            raise RefusedError(message, hint=hint)
        entry = found
    if entry.status not in _BEFORE[to]:
        expected = " or ".join(_BEFORE[to])
        message = f"expected {record.name}@{_short(entry)} in {expected}, was {entry.status}"
        raise RefusedError(message, hint="a version goes from candidate to shadow to promoted")
    return entry


def _short(entry: Version) -> str:
    return entry.id[:SHOWN_DIGITS]

"""The trace on disk: JSON Lines, each chained to the one before by SHA-256, only appended to.

A line is `{"previous":P,"sha256":S,"body":B}` with S = SHA-256(P + the bytes of B), so that a byte
that was changed, a line that was removed or put in, breaks the chain there. What was cut off at
the end shows in the head of the chain, which the run's record holds.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from athena.desk.contract import decode, digest
from athena.desk.trace._entry import Entry, entry_of
from athena.errors import CheckFailed, InputError, MissingError
from athena.platform import SegmentWriter, storage_errors, truncate_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from pydantic import TypeAdapter

    from athena.desk.cycle import CycleResult

TRACE_FILE = "decisions.jsonl"
LAST, LAST_TRADE = "last", "last-trade"
START = "0" * 64
_LINE_MAX = 16 * 1024 * 1024
_BEFORE_PREVIOUS = b'{"previous":"'
_BEFORE_SHA256 = b'","sha256":"'
_BEFORE_BODY = b'","body":'
_AFTER_BODY = b"}\n"
_SHA_FROM = len(_BEFORE_PREVIOUS) + 64
_BODY_FROM = _SHA_FROM + len(_BEFORE_SHA256) + 64 + len(_BEFORE_BODY)
# How each body begins, up to the id of its decision: fields are written in their order.
_OPENING = b'{"version":1,"decision":{"id":"'
_HINT = "restore the file from a backup; what it says is not what was decided"


class TraceWriter:
    """Write down one cycle after the other."""

    def __init__(self, path: Path, *, is_durable: bool = False) -> None:
        """Open a trace, or go on with one; a last line that was torn by a crash is cut off.

        Args:
            path: of the file.
            is_durable: True waits for the disk at each entry, as a live session does.

        Raises:
            CheckFailed: what is there was changed.
            InputError: the path cannot be written.
            MissingError: the disk is full.
        """
        self.head = START
        self.n_entries = 0
        if path.exists():
            size_bytes = self._go_on(path)
            if size_bytes < path.stat().st_size:
                truncate_segment(path, size_bytes)
        self._segment = SegmentWriter(path)
        self._is_durable = is_durable

    def _go_on(self, path: Path) -> int:
        size_bytes = 0
        for line in read_lines(path):
            self.head = line.sha256
            self.n_entries += 1
            size_bytes = line.end
        return size_bytes

    def append(self, result: CycleResult) -> None:
        """Write a cycle down.

        Raises:
            MissingError: the disk is full.
        """
        self.append_entry(entry_of(result, digest(result.decision)))

    def append_entry(self, entry: Entry) -> None:
        """Write an entry down as it is; see `append`."""
        body = _adapter().dump_json(entry)
        sha256 = _chained(self.head, body)
        self._segment.append(_line(self.head, sha256, body))
        if self._is_durable:
            self._segment.sync()
        self.head = sha256
        self.n_entries += 1

    def close(self) -> None:
        """Wait for the disk and close; a second call does nothing."""
        self._segment.close()

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the trace."""
        self.close()


class Line:
    """One line of a trace whose place in the chain was checked."""

    __slots__ = ("body", "end", "number", "sha256")

    def __init__(self, number: int, sha256: str, body: bytes, end: int) -> None:
        """Hold what was read."""
        self.number = number
        self.sha256 = sha256
        self.body = body
        self.end = end


def read_lines(path: Path, *, head: str | None = None) -> Iterator[Line]:
    """Read the lines of a trace one by one, checking the chain; memory does not grow.

    A last line without its end was torn by a crash: nothing is read of it.

    Args:
        path: of the file.
        head: SHA-256 that the whole file has to end with; None checks the chain alone.

    Raises:
        CheckFailed: the chain is broken, naming the line, or ends elsewhere.
        InputError: the file cannot be read.
        MissingError: there is none.
    """
    if not path.is_file():
        message = f"expected the trace of a desk at {path}, was none"
        raise MissingError(message, hint="athena backtest --desk")
    previous, number, end = START, 0, 0
    with storage_errors(path), path.open("rb") as file:
        while line := file.readline(_LINE_MAX):
            if not line.endswith(b"\n") and len(line) < _LINE_MAX:
                break
            number += 1
            end += len(line)
            body = _body_of(line, previous)
            if body is None:
                message = (
                    f"expected the SHA-256 that line {number} of {path} states, after the line "
                    "before it, was another: a hash mismatch"
                )
                raise CheckFailed(message, hint=_HINT)
            previous = line[_SHA_FROM + len(_BEFORE_SHA256) :][:64].decode()
            yield Line(number, previous, body, end)
    if head is not None and previous != head:
        message = f"expected {path} to end with {head}, was {previous} after {number} lines"
        raise CheckFailed(message, hint=_HINT)


def read_trace(path: Path, *, head: str | None = None) -> Iterator[Entry]:
    """Read a trace, oldest entry first; see `read_lines`.

    Raises:
        CheckFailed: what is there was changed.
        InputError: the file cannot be read.
        MissingError: there is none.
    """
    for line in read_lines(path, head=head):
        yield entry_from(line.body)


def find_entry(path: Path, wanted: str, *, head: str | None = None) -> Entry:
    """Find the entry of a decision; the whole chain is checked on the way.

    Args:
        path: of the trace.
        wanted: id of the decision, or the beginning of it; `last` is the newest, `last-trade` the
            newest that asked the core for something.
        head: see `read_lines`.

    Raises:
        CheckFailed: what is there was changed.
        InputError: no decision, or several, begin so, or the file cannot be read.
        MissingError: there is no trace.
    """
    found: list[bytes] = []
    for line in read_lines(path, head=head):
        if _is_wanted(line.body, wanted):
            kept = 1 if wanted in {LAST, LAST_TRADE} else 2
            found = [*found, line.body][-kept:]
    if not wanted or len(found) != 1:
        was = "several" if found else "none"
        message = f"expected one decision that {wanted!r} begins in {path}, was {was}"
        raise InputError(message, hint=f"give more digits of its id, or {LAST} or {LAST_TRADE}")
    return entry_from(found[0])


def find_entry_of_intent(path: Path, key: int, *, head: str | None = None) -> Entry:
    """Find the entry of the decision that asked for an intent, by the intent's key.

    Raises:
        CheckFailed: what is there was changed.
        InputError: no decision asked for it.
        MissingError: there is no trace.
    """
    needle, found = f'"key":{key},'.encode(), None
    for line in read_lines(path, head=head):
        if needle in line.body:
            found = line.body
    if found is None:
        message = f"expected a decision in {path} that asked for the intent {key}, was none"
        raise InputError(message)
    return entry_from(found)


def entry_from(body: bytes) -> Entry:
    """Read the body of a line.

    Raises:
        InputError: another version wrote it.
    """
    return decode(Entry, body)


def _is_wanted(body: bytes, wanted: str) -> bool:
    if wanted == LAST:
        return True
    # Quotes inside of texts are escaped: this stands nowhere but where an intent begins.
    if wanted == LAST_TRADE:
        return b'"asked":[{' in body
    return body.startswith(_OPENING + wanted.encode())


def _body_of(line: bytes, previous: str) -> bytes | None:
    """Return the body of a line that follows another; None when it does not."""
    body = line[_BODY_FROM : -len(_AFTER_BODY)]
    return body if line == _line(previous, _chained(previous, body), body) else None


def _line(previous: str, sha256: str, body: bytes) -> bytes:
    return b"".join(
        (
            _BEFORE_PREVIOUS,
            previous.encode(),
            _BEFORE_SHA256,
            sha256.encode(),
            _BEFORE_BODY,
            body,
            _AFTER_BODY,
        )
    )


def _chained(previous: str, body: bytes) -> str:
    made = hashlib.sha256(previous.encode())
    made.update(body)
    return made.hexdigest()


@cache
def _adapter() -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(Entry)

"""A process that publishes, promotes and dies at the line it is told: `python -m` with a home.

It reads a number a line and answers `killed`, or `whole N` when the work ended after N lines of
the store's code. Each try is a fork, so that starting Python is paid for once.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import athena.platform
from tests.artifact_builder import NOW_NS, serve

if TYPE_CHECKING:
    from types import FrameType

_CODE = str(Path(athena.platform.__file__).parent)


def main(home: Path) -> None:
    """Answer until the input ends."""
    serve(home / "warm")  # what is imported late is imported before the first fork
    for attempt, line in enumerate(sys.stdin, start=1):
        process = os.fork()
        if process == 0:
            _publish_and_die(home, attempt, int(line))
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status):
            sys.stdout.write("killed\n")
        sys.stdout.flush()


def _publish_and_die(home: Path, attempt: int, last_line: int) -> None:
    n_lines = 0

    def count(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal n_lines
        if not frame.f_code.co_filename.startswith(_CODE):
            return None
        if event == "line":
            n_lines += 1
            if n_lines == last_line:
                os.kill(os.getpid(), signal.SIGKILL)
        return count

    sys.settrace(count)
    serve(home, float(attempt), at_ns=NOW_NS + attempt)
    sys.settrace(None)
    sys.stdout.write(f"whole {n_lines}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Run the command line; whatever ends it becomes an exit code and plain words.

0 done, 1 checked and it does not hold, 2 wrong usage, 3 something is missing, 4 refused or
declined, 70 a bug (with a crash bundle), 130 Ctrl-C, 141 nobody reads the output, 143 SIGTERM.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from athena.errors import AthenaError, MissingError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from typer import TyperException

_USAGE = 2
_DECLINED = 4
_BUG = 70
_INTERRUPTED = 130
_UNREAD = 141
_TERMINATED = 143


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; only SIGTERM leaves by `SystemExit`.

    Args:
        arguments: the command line without the program's name.
    """
    with _terminable():
        try:
            return _invoke(arguments)
        except AthenaError as error:
            has_bundle = isinstance(error, StrategyError) and error.hint
            if error.exit_code == _BUG and not has_bundle:
                return _report_bug(error, arguments)
            return _report(error, arguments)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                if error.filename is None:  # stdout itself: --json would go there
                    _drop_output()
                    arguments = [name for name in arguments if name != "--json"]
                return _report(_disk_full(error), arguments)
            return _report_bug(error, arguments)
        except SystemExit as leaving:
            if leaving.code == _TERMINATED:
                sys.stderr.write("terminated\n")
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # the last door: a bug becomes a crash bundle
            return _report_bug(error, arguments)


def _invoke(arguments: Sequence[str]) -> int:
    import typer

    from athena.app._cli import build_app

    command = typer.main.get_command(build_app())
    try:
        result = command.main(list(arguments), prog_name="athena", standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort as abort:
        is_interrupt = isinstance(abort.__context__, KeyboardInterrupt)
        return _stop("interrupted", _INTERRUPTED) if is_interrupt else _decline(arguments)
    except typer.TyperException as error:
        return _report_usage(error, arguments)
    except BrokenPipeError:
        return _leave_quietly()
    except SystemExit as leaving:
        # typer turns a broken pipe into exit 1, which would read as "the check failed".
        if isinstance(leaving.__context__, OSError) and leaving.__context__.errno == errno.EPIPE:
            return _leave_quietly()
        raise
    if result == _INTERRUPTED:
        return _stop("interrupted", _INTERRUPTED)
    return result if isinstance(result, int) else 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that every `finally` saves and cleans up."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _disk_full(error: OSError) -> MissingError:
    place = error.filename or "the output"
    return MissingError(f"expected room to write {place}, was a full disk", hint="free some space")


def _report(error: AthenaError, arguments: Sequence[str]) -> int:
    kind = type(error).__name__
    _say_error(kind, error.message, error.hint, error.exit_code, arguments)
    if _is_verbose(arguments):
        _print_traceback(error)
    return error.exit_code


def _report_usage(error: TyperException, arguments: Sequence[str]) -> int:
    # Only errors about one command carry its context.
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "athena"
    message = error.format_message()
    if message.startswith("Usage:") and "--json" not in arguments:
        # A group without a command: typer hands over its whole help.
        return _stop(message, _USAGE)
    _say_error("UsageError", message, f"{command} --help", _USAGE, arguments)
    return _USAGE


def _decline(arguments: Sequence[str]) -> int:
    _say_error("Declined", "declined; nothing was done", "", _DECLINED, arguments)
    return _DECLINED


def _report_bug(error: BaseException, arguments: Sequence[str]) -> int:
    from athena.app._crash import describe_crash, write_crash_bundle
    from athena.platform import find_home

    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    try:
        file = write_crash_bundle(error, arguments, find_home(_home_option(arguments)))
    except AthenaError as second:
        sys.stderr.write(describe_crash(error, arguments, "now"))
        hint = f"no crash bundle was written: {second.message}"
    else:
        hint = f"crash bundle: {file}"
    if _is_verbose(arguments):
        _print_traceback(error)
    _say_error(type(error).__name__, message, hint, _BUG, arguments)
    return _BUG


def _print_traceback(error: BaseException) -> None:
    sys.stderr.write(_masked("".join(traceback.format_exception(error))))


def _masked(text: str) -> str:
    # An error of a library may quote what it was given (C23).
    from athena.platform import known_secrets, mask_text

    return mask_text(text, known_secrets())


def _say_error(
    kind: str, message: str, hint: str, exit_code: int, arguments: Sequence[str]
) -> None:
    message, hint = _masked(message), _masked(hint)
    if "--json" in arguments:
        from athena.app._output import write_json

        details = {"kind": kind, "message": message, "hint": hint, "exit_code": exit_code}
        write_json({"error": details})
        return
    sys.stderr.write(f"error: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")


def _stop(words: str, exit_code: int) -> int:
    sys.stderr.write(f"{words}\n")
    return exit_code


def _leave_quietly() -> int:
    # Whoever read our output is gone.
    _drop_output()
    return _UNREAD


def _drop_output() -> None:
    # Python flushes once more at its end: let it write nowhere.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _is_verbose(arguments: Sequence[str]) -> bool:
    return any(name in {"--verbose", "-v", "-vv", "-vvv"} for name in arguments)


def _home_option(arguments: Sequence[str]) -> Path | None:
    """Find `--home` without the parser: a crash may have come before it."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--home" and equals:
            return Path(value)
        if name == "--home" and index + 1 < len(arguments):
            return Path(arguments[index + 1])
    return None

"""The installed program, as a shell runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from athena import __version__

ATHENA = Path(sys.executable).with_name("athena")


def _run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own program
        [*arguments], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]


@pytest.mark.parametrize("program", [[str(ATHENA)], [sys.executable, "-m", "athena"]])
def test_the_program_and_the_module_tell_the_version(program: list[str]) -> None:
    done = _run(*program, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"athena {__version__}\n", "")


def test_wrong_usage_reaches_the_shell() -> None:
    done = _run(str(ATHENA), "nonsense")
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_reader_that_leaves_is_not_scolded() -> None:
    """The pipe is closed before the command writes."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(  # noqa: S603  # our own program
        [ATHENA, "config", "show"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["config show", "config show --json", "runs list --json"])
def test_a_full_output_device_is_missing_room_and_no_bug(command: str, unbuffered: str) -> None:
    """F19."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603  # our own program
            [ATHENA, *command.split()],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: expected room to write the output, was a full disk",
        "hint: free some space",
    ]


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_unwinds_the_work_before_it_ends(
    tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    """Nothing half-written stays when a person or a service manager stops a command."""
    script = f"""
import signal, sys
from athena.app import _cli, run
from athena.platform import staged_folder
from pathlib import Path

build = _cli.build_app

def with_wait():
    app = build()
    @app.command()
    def wait():
        with staged_folder(Path({str(tmp_path / "run")!r})) as folder:
            (folder / "half").touch()
            print("working", flush=True)
            signal.pause()
    return app

_cli.build_app = with_wait
sys.exit(run(["wait"]))
"""
    with subprocess.Popen(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        _, talk = process.communicate(timeout=30)
    assert process.returncode == exit_code
    assert "Traceback" not in talk
    assert list(tmp_path.iterdir()) == []

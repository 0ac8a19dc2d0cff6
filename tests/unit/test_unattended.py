"""What runs unattended: its pages name real commands, its unit and image keep their promises."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from athena.app import build_app

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PAGES = [
    ROOT / "docs" / "how-to" / name
    for name in ("gains.md", "notices.md", "run-unattended.md", "runbook.md")
]
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_of(text: str) -> list[list[str]]:
    """Return the arguments of every `athena` line of the page's blocks of commands."""
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[1:] for line in words if line[:1] == ["athena"]]


def parse(arguments: list[str]) -> str:
    """Parse a command line as the program does, run nothing, and return the command's name."""
    command: Any = typer.main.get_command(build_app())
    ctx = command.make_context("athena", list(arguments))
    while "commands" in vars(command):
        rest = [*ctx._protected_args, *ctx.args]
        name, command, rest = command.resolve_command(ctx, rest)
        ctx = command.make_context(name, rest, parent=ctx)
    return str(ctx.info_name)


LISTED = {
    f"{page.stem}: {' '.join(arguments)}": arguments
    for page in PAGES
    for arguments in commands_of(page.read_text("utf-8"))
}


def test_the_pages_have_commands() -> None:
    assert len(LISTED) > 30


@pytest.mark.parametrize("place", LISTED)
def test_every_command_of_a_page_is_one(place: str) -> None:
    assert parse(LISTED[place]) in LISTED[place]


@pytest.mark.parametrize(
    "line",
    ["athena gain", "athena gains --yaer 2026", "athena journal check RUN", "athena restore"],
)
def test_a_command_that_is_none_is_found(line: str) -> None:
    """The planted fault: a command, an option, a sub-command, an argument."""
    page = f"```bash\nathena gains --year 2026   # a remark\n{line}\n```\n"
    good, bad = commands_of(page)
    assert parse(good) == "gains"
    with pytest.raises(typer.TyperException):
        parse(bad)


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as its manual says
    parser.read(DEPLOY / "athena.service", "utf-8")
    return parser


def test_the_unit_starts_a_command_that_is_one() -> None:
    words = shlex.split(unit()["Service"]["ExecStart"])
    assert Path(words[0]).name == "athena"
    assert parse(words[1:]) == "paper"


def test_the_unit_is_no_root_and_writes_its_home_only() -> None:
    service = unit()["Service"]
    assert service["User"] == "athena"
    assert service["ProtectSystem"] == "strict"
    assert f"ATHENA_HOME=/var/lib/{service['StateDirectory']}" == service["Environment"]
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""


def test_the_unit_restarts_after_a_crash_and_not_after_a_refusal() -> None:
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2 4"
    assert service["SuccessExitStatus"] == "143"
    assert "WatchdogSec" not in service  # nothing would answer it


def complaints(text: str, folder: Path) -> list[str]:
    """Return what systemd says against a unit that starts this environment's program."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    here = Path(sys.executable).with_name("athena")
    copy = folder / "athena.service"
    copy.write_text(text.replace("/opt/athena/bin/athena", str(here)))
    done = subprocess.run(  # noqa: S603  # a tool of the system on our own file
        [program, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if "athena.service" in line]


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "athena.service").read_text("utf-8")
    assert "/opt/athena/bin/athena" in text
    assert complaints(text, tmp_path) == []


def test_systemd_finds_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "athena.service").read_text("utf-8")
    assert complaints(text.replace("Restart=on-failure", "Restart=perhaps"), tmp_path) != []


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_no_root_with_one_volume_and_starts_a_command_that_is_one() -> None:
    found = dict(instructions())
    assert found["USER"] == "10001"
    assert found["VOLUME"] == "/home/athena/data"
    assert found["STOPSIGNAL"] == "SIGTERM"
    assert parse(re.findall(r'"([^"]+)"', found["CMD"])) == "paper"


def test_what_the_image_copies_is_here_and_no_host_is_named() -> None:
    for name, rest in instructions():
        assert "://" not in rest
        if name == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / item).exists() for item in rest.split()[:-1])

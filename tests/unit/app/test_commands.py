"""The commands that look after the installation: init, config show, doctor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from athena import __version__
from athena.app import Context, _doctor, build_app
from athena.app._database import describe_database
from athena.errors import CoreError, DatabaseDown
from athena.platform.config import Config, config_keys, load_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        below = f"{path} {name}"
        if "commands" in vars(command):
            yield from _commands(command, below)
        else:
            yield below, command


COMMANDS = dict(_commands(typer.main.get_command(build_app()), "athena"))


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_every_command_has_one_runnable_example(path: str) -> None:
    examples = re.findall(r"Example: (athena .*)", COMMANDS[path].help)
    assert len(examples) == 1
    assert examples[0].startswith(path)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_takes_json(path: str) -> None:
    assert any("--json" in parameter.opts for parameter in COMMANDS[path].params)


def test_no_arguments_show_the_help(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 0
    assert "doctor" in result.out


def test_the_version_is_told_before_and_after_other_options(cli: Cli) -> None:
    assert cli("-q", "--version").out == f"athena {__version__}\n"


def test_a_command_without_the_command_line_around_it_is_a_bug() -> None:
    ctx = typer.Context(typer.main.get_command(build_app()))
    with pytest.raises(CoreError, match="context of the command line"):
        Context.of(ctx)


def test_init_writes_the_commented_configuration_that_is_then_read(cli: Cli, home: Path) -> None:
    result = cli("init", "--json")
    file = home / "athena.yaml"
    assert result.json() == {"file": str(file)}
    assert load_config(file, environment={}).config == Config()
    assert cli("config", "show", "--json").json()["file"] == str(file)


def test_init_writes_into_a_named_folder_and_says_how_to_use_it(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", tmp_path / "desk")
    file = tmp_path / "desk" / "athena.yaml"
    assert file.is_file()
    assert result.out == f"wrote {file}\n"
    assert f"--config {file}" in result.err


def test_init_never_overwrites(cli: Cli, home: Path) -> None:
    (home / "athena.yaml").write_text("run:\n  seed: 7\n")
    result = cli("init")
    assert result.exit_code == 4
    assert str(home / "athena.yaml") in result.err
    assert (home / "athena.yaml").read_text() == "run:\n  seed: 7\n"


def test_init_works_beside_a_broken_configuration(cli: Cli, home: Path, tmp_path: Path) -> None:
    (home / "athena.yaml").write_text("nonsense: 1\n")
    assert cli("init", tmp_path).exit_code == 0


def test_show_prints_yaml_that_loads_equal(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(cli("config", "show").out)
    assert load_config(file, environment={}).config.risk == Config().risk


def test_show_origin_says_where_each_value_came_from(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("run:\n  seed: 7\n")
    monkeypatch.setenv("ATHENA_COSTS__TAKER_FEE_BPS", "30")
    origins = cli(
        "--config", file, "--home", tmp_path, "config", "show", "--origin", "--json"
    ).json()["origins"]
    assert origins["run.seed"] == f"file {file}"
    assert origins["costs.taker_fee_bps"] == "environment ATHENA_COSTS__TAKER_FEE_BPS"
    assert origins["paths.home"] == "option"
    assert origins["costs.maker_fee_bps"] == "default"
    shown = cli("--config", file, "config", "show", "--origin").out
    assert re.search(rf"run\.seed +7 +file {re.escape(str(file))}", shown)
    assert len([line for line in shown.splitlines() if "default" in line]) > len(config_keys()) - 9


def test_a_wrong_key_ends_with_2_and_the_nearest_name(cli: Cli, home: Path) -> None:
    (home / "athena.yaml").write_text("run:\n  sed: 7\n")
    result = cli("config", "show")
    assert result.exit_code == 2
    assert "run.sed" in result.err
    assert "did you mean 'run.seed'?" in result.err


@pytest.fixture
def _one_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _doctor.Finding("data sets", "ok", "btc-usd-30m")
    monkeypatch.setattr(_doctor, "_datasets", lambda _home: found)


@pytest.mark.usefixtures("_one_dataset")
def test_the_doctor_is_content_when_a_backtest_can_run(cli: Cli) -> None:
    result = cli("doctor", "--json")
    assert result.exit_code == 0
    payload = result.json()
    assert payload["works"] is True
    names = [finding["name"] for finding in payload["findings"]]
    assert {"python", "packages", "extra data", "extra fast", "home", "disk", "clock"} <= set(
        names
    )
    assert "extra dev" not in names


def test_the_doctor_sends_an_empty_home_to_the_sample_data(cli: Cli) -> None:
    result = cli("doctor")
    assert result.exit_code == 1
    assert "athena data sample" in result.out


@pytest.mark.usefixtures("_one_dataset")
def test_the_doctor_tells_a_database_that_is_down_from_one_that_is_damaged(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad input: a server that nobody started; a backtest needs none."""
    pytest.importorskip("pg8000", reason="the extra postgres is not installed")
    monkeypatch.setenv("ATHENA_DATABASE__URL", "postgresql://somebody@127.0.0.1:1/nothing")
    result = cli("doctor", "--json")
    assert result.exit_code == 0
    (finding,) = [item for item in result.json()["findings"] if item["name"] == "database"]
    assert finding["status"] == "missing"
    assert "to answer" in finding["detail"]
    assert finding["fix"] == "start the server, or set database.url; then try again"
    with pytest.raises(DatabaseDown, match="to answer"):
        describe_database("postgresql://somebody@127.0.0.1:1/nothing", home)


@pytest.mark.usefixtures("_one_dataset")
def test_the_doctor_speaks_about_a_broken_configuration(cli: Cli, home: Path) -> None:
    (home / "athena.yaml").write_text("run:\n  sed: 7\n")
    result = cli("doctor", "--json")
    assert result.exit_code == 1
    (finding,) = [item for item in result.json()["findings"] if item["status"] == "broken"]
    assert finding["name"] == "configuration"
    assert finding["fix"] == "did you mean 'run.seed'?"


@pytest.mark.usefixtures("_one_dataset")
def test_the_doctor_finds_a_home_that_cannot_be_used(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = cli("--home", tmp_path / "file", "doctor")
    assert result.exit_code == 1
    assert str(tmp_path / "file") in result.out


@pytest.mark.usefixtures("_one_dataset")
@pytest.mark.parametrize(
    ("absent", "exit_code", "line"),
    [("polars", 0, "athena-desk[data]"), ("numpy", 1, "pip install 'athena-desk'")],
)
def test_the_doctor_says_how_to_install_what_is_absent(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, absent: str, exit_code: int, line: str
) -> None:
    """A14: an absent extra is missing, an absent base package breaks the main job."""
    versions = _doctor.installed_versions

    def without(names: list[str]) -> dict[str, str]:
        return {name: found for name, found in versions(names).items() if name != absent}

    monkeypatch.setattr(_doctor, "installed_versions", without)
    result = cli("doctor", "--json")
    assert result.exit_code == exit_code
    fixes = [item["fix"] for item in result.json()["findings"] if absent in item["detail"]]
    assert any(line in fix for fix in fixes)


@pytest.mark.parametrize(("now_ns", "status"), [(0, "missing"), (1_800_000_000 * 10**9, "ok")])
def test_the_doctor_doubts_a_clock_that_was_never_set(now_ns: int, status: str) -> None:
    assert _doctor._clock(now_ns).status == status  # a time cannot be injected


def test_the_doctor_wants_room_on_the_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(_doctor.shutil, "disk_usage", lambda _path: usage)
    finding = _doctor._disk(home)  # only this finding is looked at
    assert finding.status == "broken"
    assert "--home" in finding.fix

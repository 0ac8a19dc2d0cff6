"""Write the reference pages that come from the code; a test compares them with what lies here.

Run it after a change of a command, a configuration key, a denial code, a limit or a room:

    .venv/bin/python docs/generate.py
"""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from athena.app import build_app
from athena.app.live import CHANGEABLE
from athena.domain import DenialCode
from athena.platform.config import KeyInfo, describe_config, format_default
from athena.venues import capability_table
from athena.venues.kraken import KRAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path("docs") / "reference"
_NOTE = "<!-- Written by docs/generate.py from the code; do not edit. -->\n"


def generate() -> dict[str, str]:
    """Build every generated page as path from the root of the project -> text."""
    pages = {
        "changeable-limits.md": _changeable_limits(),
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "denial-codes.md": _denial_codes(),
        "rooms.md": _rooms(),
        "venues.md": _venues(),
        **{f"api/{room}.md": _api(room) for room in _furnished_rooms()},
    }
    return {str(REFERENCE / name): f"{_NOTE}\n{text}" for name, text in pages.items()}


def _commands() -> str:
    root = typer.main.get_command(build_app())
    parts = ["# Commands\n", *_command("athena", root)]
    for path, command in _walk("athena", root):
        parts += [f"## {path}\n", *_command(path, command)]
    return "\n".join(parts)


def _walk(path: str, group: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's own classes are private
    for name, command in sorted(group.commands.items()):
        if "commands" in vars(command):
            yield from _walk(f"{path} {name}", command)
        else:
            yield f"{path} {name}", command


def _command(path: str, command: Any) -> Iterator[str]:  # noqa: ANN401  # typer's own classes are private
    words, _, example = command.help.partition("Example: ")
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    names = "".join(f" {_placeholder(item)}" for item in arguments)
    yield f"```text\n{path} [OPTIONS]{names}\n```\n"
    yield f"{words.strip()}\n"
    yield f"```bash\n{example.strip()}\n```\n"
    yield "| option or argument | meaning |\n|---|---|"
    for item in command.params:
        shown = ", ".join(item.opts) if item not in arguments else _placeholder(item)
        yield f"| `{shown}` | {_cell(item.help or 'See the example.')} |"
    yield ""


def _placeholder(argument: Any) -> str:  # noqa: ANN401  # typer's own classes are private
    return str(argument.metavar or argument.name.upper())


def _configuration() -> str:
    parts = [
        "# Configuration\n",
        "`athena init` writes this as a commented file. Options of a command beat environment",
        "variables (`ATHENA_SECTION__KEY`), which beat the file, which beats these defaults;",
        "`athena config show --origin` tells what holds. Shares are fractions: `0.05` is 5 %.",
        "No file raises a bound.\n",
    ]
    for item in describe_config():
        if isinstance(item, KeyInfo):
            name = item.path.rpartition(".")[2]
            default = format_default(item.default)
            parts.append(f"| `{name}` | `{default}` | {item.allowed} | {_cell(item.meaning)} |")
        else:
            parts += [f"\n## {item.path}\n", f"{item.meaning}\n"]
            parts.append("| key | default | allowed | meaning |\n|---|---|---|---|")
    return "\n".join(parts) + "\n"


def _denial_codes() -> str:
    rows = [f"| `{code.value}` | {code.meaning} |" for code in DenialCode]
    head = [
        "# Denial codes\n",
        "Why the risk engine refused an intent; `athena why` counts them.\n",
        "| code | meaning |\n|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def _changeable_limits() -> str:
    known = {item.path: item for item in describe_config() if isinstance(item, KeyInfo)}
    rows = []
    for path, limit in CHANGEABLE.items():
        item = known[path]
        tighter = "less" if limit.is_lower_tighter else "more"
        default = format_default(item.default)
        cells = (f"`{path}`", _unit(path), f"`{default}`", item.allowed, tighter, item.meaning)
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    head = [
        "# Limits that can be changed while a session runs\n",
        "`athena limit KEY=VALUE --reason ...` changes one, for an admin: the risk engine takes",
        "it at once, and it is journaled. Nobody gets beyond what is allowed. The other limits",
        "stand until the session is started with another configuration.\n",
        "| key | unit | default | allowed | tighter is | meaning |\n|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


_UNITS = {
    "frac": "fraction",
    "minutes": "minutes",
    "minutes_max": "minutes",
    "_s": "seconds",
    "notional_max": "quote currency",
    "leverage_max": "times the equity",
    "per_minute": "orders a minute",
    "burst": "orders",
    "positions_max": "positions",
    "per_symbol_max": "positions",
}


def _unit(path: str) -> str:
    """Say what a key counts; its name ends in it."""
    return next((unit for end, unit in _UNITS.items() if path.endswith(end)), "number")


def _rooms() -> str:
    furnished = _furnished_rooms()
    floors = _floors()
    parts = [
        "# Rooms\n",
        "A room imports only rooms on lower floors; `make check` enforces it.\n",
        "| floor | room | its one job |\n|---|---|---|",
    ]
    for floor, rooms in floors:
        for room in rooms:
            job = (importlib.import_module(f"athena.{room}").__doc__ or "").partition("\n")[0]
            name = f"[`{room}`](api/{room}.md)" if room in furnished else f"`{room}` (empty)"
            parts.append(f"| {floor} | {name} | {_cell(job)} |")
    return "\n".join(parts) + "\n"


def _venues() -> str:
    return "\n".join(
        [
            "# Venues\n",
            "What each venue does by itself; the core does the rest with the same rules. The",
            "simulated venue speaks Kraken's messages through the same adapter: it is the same.\n",
            capability_table([KRAKEN]),
        ]
    )


def _api(room: str) -> str:
    return f"# {room}\n\n::: athena.{room}\n"


def _floors() -> list[tuple[int, list[str]]]:
    """Read the floors, highest first, from the contract that enforces them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [[name.strip() for name in layer.split("|")] for layer in layers if layer != "errors"]
    return [(len(rooms) - 1 - index, layer) for index, layer in enumerate(rooms)]


def _furnished_rooms() -> list[str]:
    rooms = [room for _, layer in _floors() for room in layer]
    return [
        room for room in rooms if vars(importlib.import_module(f"athena.{room}")).get("__all__")
    ]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for name, text in generate().items():
        file = ROOT / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

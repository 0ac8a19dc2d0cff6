"""`athena notify`: try how a person is told."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import ConfigError, InputError, ServiceDown
from athena.platform import SystemClock, known_secrets, mask_text

if TYPE_CHECKING:
    from athena.app.notices import Channel, Message

_SILENT = 3
_HINT_NONE = "add to athena.yaml: notices: {webhook: {url: https://...}}; see athena config show"


def register(app: typer.Typer) -> None:
    """Add the group `notify` to the command line."""
    group = typer.Typer(help="Try the notices.", no_args_is_help=True)
    group.callback()(_describe)
    group.command("test")(try_channels)
    app.add_typer(group, name="notify")


def _describe() -> None:
    """Try the notices."""


def try_channels(
    ctx: typer.Context,
    *,
    channel: Annotated[
        str | None, typer.Option(help="Only this one: webhook, email or telegram.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test notice through every channel; exit 3 when one does not take it.

    Example: athena notify test
    """
    from athena.app.notices import Message
    from athena.trading.live import Urgency

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    text = "a test that a person asked for; nothing happened and nothing is to be done"
    now_ns = SystemClock().now_ns()
    message = Message(f"athena on {platform.node()}", Urgency.URGENT, "test", text, now_ns)
    rows = [_try(item, message) for item in _channels(context, channel)]
    shown = [
        (row["name"], "taken" if row["ok"] else "not taken", row["answer"], f"{row['seconds']} s")
        for row in rows
    ]
    context.output.emit({"channels": rows}, Table(("channel", "notice", "answer", ">time"), shown))
    if not all(row["ok"] for row in rows):
        raise typer.Exit(_SILENT)


def _channels(context: Context, name: str | None) -> list[Channel]:
    """Return the channels to try.

    Raises:
        ConfigError: none is configured.
        InputError: the one that was named is not.
        MissingError: a secret is nowhere.
    """
    from athena.app.notices import open_channels

    channels = open_channels(context.config.notices)
    if not channels:
        message = "expected a channel under 'notices' in the configuration, was none"
        raise ConfigError(message, hint=_HINT_NONE)
    chosen = [item for item in channels if name in {None, item.name}]
    if not chosen:
        known = ", ".join(item.name for item in channels)
        message = f"expected a configured channel ({known}), was {name!r}"
        raise InputError(message, hint=_HINT_NONE)
    return chosen


def _try(channel: Channel, message: Message) -> dict[str, Any]:
    begun_s = time.monotonic()
    try:
        answer, is_taken = channel.deliver(message), True
    except ServiceDown as error:
        answer, is_taken = mask_text(error.message, known_secrets()), False
    seconds = round(time.monotonic() - begun_s, 2)
    return {"name": channel.name, "ok": is_taken, "answer": answer, "seconds": seconds}

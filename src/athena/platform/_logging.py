"""Structured logging: set up once, to stderr and at choice a file, with secrets masked (A13)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from athena.platform._redaction import known_secrets, redact
from athena.platform._storage import ensure_folder, storage_errors

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger, Processor

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]
_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")


def set_up_logging(
    level: LogLevel = "warning",
    *,
    verbosity: int = 0,
    style: LogFormat = "console",
    file: Path | None = None,
) -> None:
    """Send events of at least a level to stderr and, as JSON lines, to a file.

    Calling it again replaces the earlier set-up, so an event still gives one line (A13).

    Args:
        level: least serious event that is shown.
        verbosity: each step up shows one level more, each step down one less.
        style: form of the lines on stderr.
        file: gets every line as JSON; None for none.

    Raises:
        InputError: the file cannot be written.
    """
    import structlog

    if file is not None:
        with storage_errors(file):
            ensure_folder(file.parent)
            file.open("a").close()
    index = _LEVELS.index(level) - verbosity
    shifted = _LEVELS[min(max(index, 0), len(_LEVELS) - 1)]
    structlog.configure(
        processors=_processors(style, file),
        wrapper_class=structlog.make_filtering_bound_logger(shifted),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger; pass the event as a constant text and everything else as keywords (B07).

    Call it inside the function that logs: importing the logging library costs 0.1 s.
    """
    import structlog

    if not structlog.is_configured():
        # Left alone, the library would write to stdout, which belongs to results.
        set_up_logging()
    logger: FilteringBoundLogger = structlog.get_logger().bind(logger=name)
    return logger


def _processors(style: LogFormat, file: Path | None) -> list[Processor]:
    import structlog

    as_json = structlog.processors.JSONRenderer(default=str)
    as_text = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    render = as_json if style == "json" else as_text

    def write(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        # The renderers change the event, so each gets a copy. stderr is looked up for each line:
        # a program may have replaced it since.
        if file is not None:
            with storage_errors(file), file.open("a", encoding="utf-8") as stream:
                stream.write(f"{as_json(logger, method, dict(event))!s}\n")
        sys.stderr.write(f"{render(logger, method, event)!s}\n")
        return ""

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Redactor(),
        write,
    ]


class _Redactor:
    """Mask secrets: those of the environment when logging is set up, and those found since."""

    def __init__(self) -> None:
        self._secrets = known_secrets()

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        masked: MutableMapping[str, Any] = {}
        secrets = (*self._secrets, *known_secrets({}))
        masked.update(redact(event, secrets))  # type: ignore[call-overload]  # a mapping in, a mapping out
        return masked

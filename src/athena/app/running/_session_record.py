"""A session as it is compared with its backtest: journal, bars, strategy and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.running._bar_book import read_bars
from athena.app.running._folders import LIVE_FOLDER, read_session, session_folder
from athena.domain import parse_interval_ns
from athena.errors import InputError, MissingError
from athena.platform.config import Config
from athena.research import JOURNAL_FOLDER, FileStore
from athena.research.comparison import RecordedSession
from athena.research.runs import venue_settings
from athena.research.strategies import load_strategy
from athena.trading import instruments_of, read_frames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def open_session_record(home: Path, session: str, config: Config) -> RecordedSession:
    """Open everything that the comparison of a session with its backtest needs.

    Args:
        home: data home.
        session: id.
        config: costs and fill rules of a session that does not state its own.

    Raises:
        MissingError: there is no such session, or it kept no bars.
        InputError: it never read its account, or its strategy cannot be built any more.
        CheckFailed: its journal has no sound manifest.
    """
    folder = session_folder(home, session)
    found = read_session(folder) if session == folder.name and session else None
    if found is None:
        message = f"expected a session {session!r} in {home / LIVE_FOLDER}, was none"
        raise MissingError(message, hint="athena status; or name two runs: athena runs list")
    if not found.is_opened:
        message = f"expected a session that read its account, was {session}, which did not"
        raise InputError(message, hint="athena journal show, once it has traded")
    store = FileStore(folder / JOURNAL_FOLDER)
    manifest = next(read_frames(store)).values()
    kept = read_bars(folder, instruments_of(manifest), parse_interval_ns(manifest["interval"]))
    setup = found.setup
    return RecordedSession(
        name=session,
        store=store,
        manifest=manifest,
        bars=kept.bars,
        daily=kept.daily,
        is_step=kept.is_step,
        strategies=[load_strategy(setup["strategy"], setup["parameters"])],
        venue=venue_settings(_as_begun(config, manifest)),
    )


def _as_begun(config: Config, manifest: Mapping[str, Any]) -> Config:
    """Return a configuration with the costs, the fill rules and the seed of a session."""
    values = config.model_dump()
    for section in ("costs", "execution"):
        values[section] = manifest.get(section, values[section])
    values["run"] = {**values["run"], "seed": manifest["seed"]}
    return Config.model_validate(values)

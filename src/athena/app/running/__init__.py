"""One account under way: the loop, its venue, its strategies and everybody who has to hear.

Importing this room costs NumPy and the trading core, so import it inside the function that needs
it.
"""

from athena.app.running._folders import (
    LIVE_FOLDER,
    LOCK_NAME,
    SessionFile,
    mark_over,
    read_session,
    session_folder,
)
from athena.app.running._over_kraken import KrakenDoor, paper_keys, run_over_kraken
from athena.app.running._pace import behind_text, is_behind
from athena.app.running._paper_here import run_paper_here
from athena.app.running._requests import Asked, PaperRequest
from athena.app.running._run import RunResult, Stage, run_account
from athena.app.running._session_record import open_session_record
from athena.app.running._sockets import is_this_machine

__all__ = [
    "LIVE_FOLDER",
    "LOCK_NAME",
    "Asked",
    "KrakenDoor",
    "PaperRequest",
    "RunResult",
    "SessionFile",
    "Stage",
    "behind_text",
    "is_behind",
    "is_this_machine",
    "mark_over",
    "open_session_record",
    "paper_keys",
    "read_session",
    "run_account",
    "run_over_kraken",
    "run_paper_here",
    "session_folder",
]

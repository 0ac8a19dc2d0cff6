"""Fetch what operators want from the database, beside a loop that must not wait for it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from athena.app.live import answer, pending
from athena.errors import AthenaError, DatabaseDown
from athena.platform import SystemClock, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.app.live import Answer, Request
    from athena.platform.database import Database

_LOOK_EVERY_S = 1.0
_LONGEST_PAUSE_S = 10.0


class Clerk:
    """One thread with a database connection of its own.

    It hands each request over once and writes the answer when there is one. A database that goes
    away is asked again after a while; the HALT file works meanwhile.
    """

    def __init__(
        self,
        connect: Callable[[], Database],
        session: str,
        hand_over: Callable[[Request], None],
    ) -> None:
        """Start the thread.

        Args:
            connect: opens the database, whose tables are up to date; called in the thread.
            session: whose requests are fetched.
            hand_over: called in the thread with each new request; must not wait.
        """
        self._connect = connect
        self._session = session
        self._hand_over = hand_over
        self._changed = threading.Condition()
        self._answers: dict[str, Answer] = {}
        self._under_way: set[str] = set()
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="athena-clerk", daemon=True)
        self._thread.start()

    def answered(self, request: str, said: Answer) -> None:
        """Take the answer to a request; it is written soon."""
        with self._changed:
            self._answers[request] = said
            self._changed.notify_all()

    def close(self, timeout_s: float = 5.0) -> None:
        """Write the answers that are there, and end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        database: Database | None = None
        pause_s = 0.0
        fault = ""
        while True:
            is_last = self._wait(pause_s)
            try:
                database = database or self._connect()
                self._write_answers(database)
                if not is_last:
                    self._fetch(database)
                pause_s, fault = _LOOK_EVERY_S, ""
            except AthenaError as error:
                pause_s = min(2 * max(pause_s, _LOOK_EVERY_S), _LONGEST_PAUSE_S)
                if isinstance(error, DatabaseDown) and database is not None:
                    _let_go(database)
                    database = None
                if error.message != fault:
                    _tell_waiting(error)
                fault = error.message
            if is_last:
                break
        if database is not None:
            with suppress(AthenaError):  # nothing is asked any more
                database.close()

    def _wait(self, pause_s: float) -> bool:
        """Wait for the time to look, or for an answer to write; tell whether it is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or bool(self._answers), pause_s)
            return self._is_closing

    def _write_answers(self, database: Database) -> None:
        with self._changed:
            answers = dict(self._answers)
        for request, said in answers.items():
            answer(database, request, said, now_ns=SystemClock().now_ns())
            with self._changed:
                del self._answers[request]
            self._under_way.discard(request)

    def _fetch(self, database: Database) -> None:
        for request in pending(database, self._session, now_ns=SystemClock().now_ns()):
            if request.id not in self._under_way:
                self._under_way.add(request.id)
                self._hand_over(request)


def _let_go(database: Database) -> None:
    """Close a database that is gone, so that it is opened anew."""
    with suppress(AthenaError):  # it is gone
        database.close()


def _tell_waiting(error: AthenaError) -> None:
    get_logger("athena.clerk").warning(
        "operators wait: commands do not arrive, the HALT file does; stops stay at the venue",
        why=error.message,
    )

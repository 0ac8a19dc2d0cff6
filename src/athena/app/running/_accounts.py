"""Begin a session in a folder of its own, or take up the one that is there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.app.running._account_rows import Known
from athena.app.running._business import Business, business_of
from athena.app.running._folders import (
    LOCK_NAME,
    SessionFile,
    account_locked,
    current_session,
    mark_opened,
    mark_over,
    session_folder,
    write_session,
)
from athena.domain import DenialCode
from athena.errors import CheckFailed, InputError, RefusedError
from athena.platform import file_lock
from athena.research import FileStore, instrument_limits, risk_limits
from athena.research.engine import strategy_slots
from athena.trading import FrameKind, read_frames, record_starts
from athena.trading import layout as at
from athena.trading.live import ENDED_NOTE, MADE_NOTE, SessionPlan, open_session, resume_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from athena.domain import Instrument
    from athena.platform import IdSource
    from athena.platform.config import Config
    from athena.trading import Ints, Strategy
    from athena.trading.live import AccountSeen, Effect, Resumed, Session, SessionSettings

# kind of note -> what it says of an order, and what that is called here
_TOLD = {
    "wanted": {"correlation_id": "correlation_id"},
    MADE_NOTE: {"correlation_id": "correlation_id", "reason": "reason"},
    ENDED_NOTE: {"reason": "ended"},
}
_HEADER = 2  # words of a record before its fields
_HINT = (
    "athena journal verify shows where; the folder stays as it is, --new begins another session"
)


@dataclass(slots=True)
class Account:
    """One account that this process holds.

    Attributes:
        home: data home.
        file: what is known of its session.
        store: of its journal.
        session, resumed: when it was taken up again.
        decisions: what the journal says of orders beside the core's tables, by number.
    """

    home: Path
    file: SessionFile
    store: FileStore
    session: Session | None = None
    resumed: Resumed | None = None
    decisions: Mapping[int, Known] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return the session's folder."""
        return session_folder(self.home, self.file.id)

    @property
    def journal(self) -> str:
        """Return the journal's folder, relative to the home."""
        return str(self.store.folder.relative_to(self.home))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a session begins on an account.

    Attributes:
        config: limits and costs.
        instruments: of the session.
        strategies: by name, in the order of their slots.
        settings: how it behaves.
        fingerprint: of code, limits and strategies.
        details: more for the manifest.
    """

    config: Config
    instruments: Sequence[Instrument]
    strategies: Sequence[tuple[str, Strategy]]
    settings: SessionSettings
    fingerprint: str
    details: Mapping[str, object]

    def business(self, account: Account) -> Business:
        """Return what the configuration wants of the session besides its strategies.

        Raises:
            InputError: something that the session does not trade.
        """
        return business_of(self.config, self.instruments, len(self.strategies), account.file.id)

    def open(
        self, account: Account, seen: AccountSeen, prices: Mapping[int, int], now_ns: int
    ) -> tuple[Session, list[Effect]]:
        """Begin the session on a complete view of the account.

        Raises:
            InputError: there is nothing to trade with.
        """
        risk, costs = self.config.risk, self.config.costs
        besides = self.business(account)
        plan = SessionPlan(
            session_id=account.file.id,
            mode=account.file.mode,
            instruments=self.instruments,
            instrument_limits=[instrument_limits(item, risk) for item in self.instruments],
            strategies=[*strategy_slots(self.strategies), *besides.slots],
            limits=risk_limits(risk, costs),
            settings=self.settings,
            details=self.details,
            rules=besides.rules,
            coins_slot=besides.coins_slot,
        )
        session, effects = open_session(account.store, plan, seen, prices, now_ns=now_ns)
        # Before anything leaves: from here on the journal says what is so.
        account.file = mark_opened(account.home, account.file)
        account.session = session
        return session, effects


@contextmanager
def held_account(  # noqa: PLR0913 - whose, where, what, how
    home: Path,
    place: tuple[str, str, str],
    setup: Mapping[str, Any],
    settings: SessionSettings,
    *,
    wants_new: bool,
    ids: IdSource,
    now_ns: int,
    speed: float = 0.0,
) -> Iterator[Account]:
    """Hold an account while the block runs, with its session taken up when there is one.

    Args:
        home: data home.
        place: mode, venue and account.
        setup: what is asked for.
        settings: of the session.
        wants_new: end the session that is there, and begin another.
        ids: of a new session.
        now_ns: our clock.
        speed: of a new session.

    Raises:
        RefusedError: another process holds it, its session was about something else, or its
            journal is damaged.
    """
    with account_locked(home, place):
        file = current_session(home, place)
        if file is not None and (wants_new or not file.is_opened):
            # One that never got as far as the account has sent nothing.
            mark_over(home, file)
            file = None
        if file is None:
            mode, venue, account = place
            file = SessionFile(ids.next_id(), mode, venue, account, setup, now_ns, speed)
            write_session(home, file)
        elif file.setup != setup:
            raise _other_setup(file, setup)
        folder = session_folder(home, file.id)
        with file_lock(folder / LOCK_NAME, timeout_s=0):
            found = Account(home, file, FileStore(folder / "journal"))
            if file.is_opened:
                _resume(found, settings, now_ns)
            try:
                yield found
            finally:
                found.store.close()


def _other_setup(file: SessionFile, setup: Mapping[str, Any]) -> RefusedError:
    names = [name for name in setup if file.setup.get(name) != setup[name]]
    was = ", ".join(f"{name} {file.setup.get(name)}" for name in names)
    wanted = ", ".join(f"{name} {setup[name]}" for name in names)
    message = f"expected session {file.id} to go on with {was}, was {wanted}"
    return RefusedError(message, hint="the same options go on with it; --new begins another")


def _resume(account: Account, settings: SessionSettings, now_ns: int) -> None:
    """Rebuild the session from its journal.

    Raises:
        RefusedError: the journal is damaged, or replay makes something else than it says.
    """
    where = f"the journal in {account.store.folder}"
    try:
        account.session, account.resumed = resume_session(account.store, settings, now_ns=now_ns)
    except CheckFailed as error:
        message = f"expected {where} to fold to what it says, was: {error.message}"
        raise RefusedError(message, hint=_HINT) from error
    except (InputError, RefusedError) as error:
        message = f"expected {where} to be whole, was: {error.message}"
        raise RefusedError(message, hint=_HINT) from error
    account.decisions = _decisions(account.store)


def _decisions(store: FileStore) -> dict[int, Known]:
    """Read what led to which order, and why orders were denied or taken back."""
    codes = list(DenialCode)
    found: dict[int, Known] = {}
    for frame in read_frames(store):
        if frame.kind is FrameKind.WORDS:
            words = np.frombuffer(frame.payload, np.int64)
            for order, code in _denials(words):
                found[order] = replace(found.get(order, Known()), reason=codes[code - 1].value)
        elif frame.kind is FrameKind.NOTE:
            values = frame.values()
            told = _TOLD.get(values.get("kind", ""), {})
            if told:
                order = int(values["order"])
                learnt = {ours: str(values[name]) for name, ours in told.items()}
                found[order] = replace(found.get(order, Known()), **learnt)
    return found


def _denials(words: Ints) -> Iterator[tuple[int, int]]:
    """Yield order and code of each verdict that is a denial."""
    starts = np.array(record_starts(words), np.int64)
    verdicts = starts[(words[starts] & 0xFF) == at.R_VERDICT] + _HEADER
    for order, code in zip(words[verdicts].tolist(), words[verdicts + 1].tolist(), strict=True):
        if code:
            yield order, code

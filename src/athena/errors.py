"""The root of the error tree; every error Athena raises on purpose is one of these.

Each class says what a program may do about it: ``exit_code`` for the command line,
``retryable`` for a loop, ``hint`` for the person (what to do, usually a command).

    AthenaError            70  a bug, if nothing below fits
    |- InputError           2  usage, configuration, data: names the file, line or key
    |  |- ConfigError       2  offers the nearest valid key
    |  |- DatabaseConflict  2  a row that breaks a constraint
    |  '- DatabaseDamaged   2  final: restore a backup
    |- MissingError         3  data, credentials, a package; hint = the command that brings it
    |  |- MissingExtra      3  also an ImportError
    |  |- CommitUnknown     3  never repeated blindly: read first what the database holds
    |  '- ServiceDown       3  retryable
    |     |- DatabaseDown   3  retryable
    |     '- DatabaseLocked 3  retryable
    |- RefusedError         4  live gate, halt, unverified model, declined confirmation
    |- CheckFailed          1  audit, gate, verify: it ran well and the answer is no
    |- VenueError           3  a venue did not do what was asked
    |  |- VenueBusy         3  retryable
    |  |- VenueRefused      3  final
    |  '- OutcomeUnknown    3  never retried: ask the venue first
    |- CoreError           70  the trading core met a state that its tables forbid
    '- StrategyError       70  a strategy raised
"""

from __future__ import annotations

from typing import ClassVar


class AthenaError(Exception):
    """Carry a message that says what was expected, what it was, and a hint what to do."""

    exit_code: ClassVar[int] = 70
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Say what was expected and what it was; the hint says what to do."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message


class InputError(AthenaError):
    """Report wrong usage, configuration or data; nothing was written."""

    exit_code = 2


class ConfigError(InputError):
    """Report a configuration key or value that is not valid."""


class DatabaseConflict(InputError):
    """Report a row that breaks a constraint of its table; the transaction was undone."""


class DatabaseDamaged(InputError):
    """Report a database whose content cannot be trusted."""


class MissingError(AthenaError):
    """Report something absent; the hint is the command that brings it."""

    exit_code = 3


class MissingExtra(MissingError, ImportError):
    """Report an optional dependency that is not installed."""

    def __init__(self, extra: str, *, package: str, needed_for: str) -> None:
        """Name the extra that brings a package, and what needs it."""
        super().__init__(
            f"{needed_for} needs the package '{package}', which is not installed",
            hint=f"pip install 'athena-desk[{extra}]'",
        )
        self.extra = extra


class ServiceDown(MissingError):
    """Report a service that did not answer; trying again later may help."""

    retryable = True


class CommitUnknown(MissingError):
    """Report a connection lost during a commit: the transaction is whole or absent, not known."""


class DatabaseDown(ServiceDown):
    """Report a database that cannot be reached; what was not committed was undone."""


class DatabaseLocked(ServiceDown):
    """Report that another writer held the database for too long."""


class RefusedError(AthenaError):
    """Report an act refused for safety."""

    exit_code = 4


class CheckFailed(AthenaError):
    """Report a check that ran well and does not hold."""

    exit_code = 1


class VenueError(AthenaError):
    """Report that a venue did not do what was asked."""

    exit_code = 3


class VenueBusy(VenueError):
    """Report a rate limit or overload; the same request may pass later."""

    retryable = True


class VenueRefused(VenueError):
    """Report a final refusal by the venue."""


class OutcomeUnknown(VenueError):
    """Report a request whose outcome is not known: query, never resend."""


class CoreError(AthenaError):
    """Report a state that the core's tables forbid."""


class StrategyError(AthenaError):
    """Report a strategy that raised; the bundle to replay it is named."""

    def __init__(self, message: str, *, hint: str = "", n_bars: int = 0) -> None:
        """Say what it raised, and how many bars it had been through before; 0 is not one."""
        super().__init__(message, hint=hint)
        self.n_bars = n_bars


__all__ = [
    "AthenaError",
    "CheckFailed",
    "CommitUnknown",
    "ConfigError",
    "CoreError",
    "DatabaseConflict",
    "DatabaseDamaged",
    "DatabaseDown",
    "DatabaseLocked",
    "InputError",
    "MissingError",
    "MissingExtra",
    "OutcomeUnknown",
    "RefusedError",
    "ServiceDown",
    "StrategyError",
    "VenueBusy",
    "VenueError",
    "VenueRefused",
]

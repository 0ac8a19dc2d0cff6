"""What stops a replay: a recording that is not there, or not as it was written."""

from __future__ import annotations

from athena.errors import InputError, MissingError


class RecordingMissing(MissingError):  # noqa: N818  # says what happened, as in athena.errors
    """Report a question whose answer was never recorded; a replay asks nobody."""


class RecordingDamaged(InputError):  # noqa: N818  # says what happened, as in athena.errors
    """Report a recording that does not hold what its name and digest say."""

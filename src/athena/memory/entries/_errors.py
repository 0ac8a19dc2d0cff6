"""The errors that a caller tells apart from others."""

from athena.errors import MissingError, RefusedError


class EntryNotFound(MissingError):  # noqa: N818 - named as the tree in athena.errors is
    """Report an id that no open entry has."""


class MemoryFull(RefusedError):  # noqa: N818 - see above
    """Report that nothing can be evicted to make room."""

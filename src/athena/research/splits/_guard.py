"""A test block is read once: what is looked at twice has been chosen by."""

from __future__ import annotations

from athena.errors import RefusedError


class SecondReadError(RefusedError):
    """Report a test block that was read before; the message names both callers."""


class DataGuard:
    """Count the reads of each test block within a run (FC-12).

    Whoever takes rows of a test block says so first, with the block's name and its own. Every
    number of a block follows from that one read; a second one would let the first one's result
    decide about the second.
    """

    __slots__ = ("_readers",)

    def __init__(self) -> None:
        """Begin with every block unread."""
        self._readers: dict[str, str] = {}

    def read(self, block: str, caller: str) -> None:
        """Note that a caller reads a block.

        Raises:
            SecondReadError: it was read before.
        """
        first = self._readers.get(block)
        if first is not None:
            message = f"expected one read of {block}, was a second by {caller} after {first}"
            raise SecondReadError(message, hint="keep what the first read gave, and report that")
        self._readers[block] = caller

    @property
    def readers(self) -> dict[str, str]:
        """Return the blocks that were read, with who read them, in order."""
        return dict(self._readers)

"""Remember results of the slow engines: exact keys, a bound, and nothing that is not a result."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.pricing._contracts import Contracts

Result = TypeVar("Result")
_BOUND = 10_000


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """Count what a cache has done.

    Attributes:
        hits: answers that were remembered.
        misses: answers that were computed.
        evictions: answers that were given up for newer ones.
        size: answers held now.
    """

    hits: int
    misses: int
    evictions: int
    size: int


class ResultCache(Generic[Result]):
    """Hold the last results of engines, at most `bound` of them; safe between threads.

    A key is every byte of the terms, the engine's name with its effort or bundle id, and what was
    asked for: two rates that differ in the last bit are two keys, and another bundle is another
    engine. The closed form is not worth caching: it costs less than the look-up.
    """

    def __init__(self, bound: int = _BOUND) -> None:
        """Make an empty cache.

        Raises:
            InputError: the bound is not positive.
        """
        if bound < 1:
            message = f"expected a bound of at least 1, was {bound}"
            raise InputError(message)
        self._bound = bound
        self._held: OrderedDict[bytes, Result] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = self._evictions = 0

    def get(
        self,
        contracts: Contracts,
        compute: Callable[[], Result],
        *,
        engine: str,
        outputs: str,
        is_kept: Callable[[Result], bool],
    ) -> Result:
        """Return the remembered result, else compute it and remember it.

        Args:
            contracts: the terms.
            compute: the engine on these terms; it runs outside the lock, and what it raises is
                not remembered.
            engine: its name, with effort or bundle id.
            outputs: what it returns, such as `price` or `greeks`.
            is_kept: tells whether a result is worth remembering; NaN is not.
        """
        key = exact_key(contracts, engine=engine, outputs=outputs)
        with self._lock:
            if key in self._held:
                self._hits += 1
                self._held.move_to_end(key)
                return self._held[key]
            self._misses += 1
        result = compute()
        if is_kept(result):
            with self._lock:
                self._held[key] = result
                self._held.move_to_end(key)
                while len(self._held) > self._bound:
                    self._held.popitem(last=False)
                    self._evictions += 1
        return result

    def statistics(self) -> CacheStatistics:
        """Return the counts so far."""
        with self._lock:
            return CacheStatistics(self._hits, self._misses, self._evictions, len(self._held))


def exact_key(contracts: Contracts, *, engine: str, outputs: str) -> bytes:
    """Put the bytes of all terms, their types and shape, the engine and the outputs together."""
    parts = [engine.encode(), outputs.encode(), repr(contracts.shape).encode()]
    for field in fields(contracts):
        if field.name != "shape":
            column = getattr(contracts, field.name)
            parts += [column.dtype.str.encode(), column.tobytes()]
    # Lengths keep neighbours from running into each other.
    return b"".join(len(part).to_bytes(8, "little") + part for part in parts)

"""One block of memory, seen three ways: by numpy, by compiled code, by CPython."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np

TablesT = TypeVar("TablesT", bound=NamedTuple)


class Tables(Generic[TablesT]):
    """Hold the int64 tables of a named tuple as fields of one record.

    Attributes:
        record: the record; compiled functions take it, as one pointer.
        arrays: the tables as numpy arrays, to build and to read.
        views: the tables as memory views, for CPython: their elements are Python ints, which do
            not wrap, and a value beyond 64 bits is refused when it is stored.
    """

    __slots__ = ("_block", "arrays", "record", "views")

    def __init__(self, kind: type[TablesT], dtype: np.dtype[np.void]) -> None:
        """Allocate the tables, all zero."""
        self._block = np.zeros(1, dtype)
        self.record = self._block[0]
        fields = [self._block[name][0] for name in kind._fields]
        self.arrays: TablesT = kind(*fields)
        self.views: TablesT = kind(*(memoryview(field) for field in fields))

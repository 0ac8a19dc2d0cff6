"""One block of memory, seen three ways: by numpy, by compiled code, by CPython."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ViewsT = TypeVar("ViewsT")
ArraysT = TypeVar("ArraysT")


class Tables(Generic[ViewsT, ArraysT]):
    """Hold int64 tables as fields of one record.

    Attributes:
        record: the record; compiled functions take it, as one pointer.
        arrays: the tables as numpy arrays, to build and to read.
        views: the tables as memory views, for CPython: their elements are Python ints, which do
            not wrap, and a value beyond 64 bits is refused when it is stored.
    """

    __slots__ = ("_block", "arrays", "record", "views")

    def __init__(
        self,
        views: Callable[..., ViewsT],
        arrays: Callable[..., ArraysT],
        dtype: np.dtype[np.void],
    ) -> None:
        """Allocate the tables, all zero.

        Args:
            views: builds the named tuple of views from one per field of `dtype`.
            arrays: likewise from arrays.
            dtype: of the record.
        """
        self._block = np.zeros(1, dtype)
        self.record = self._block[0]
        fields = [self._block[name][0] for name in dtype.names or ()]
        self.arrays = arrays(*fields)
        self.views = views(*(field.data for field in fields))

"""Compile the core with Numba: the same source that CPython runs.

With `_bound` the only module that imports Numba. A function is compiled by rebuilding it with its
globals replaced: every function of the core that it names, directly or through a module, becomes
the compiled one. Two primitives (`mul_div`, `mul_div_capped`) get bodies in 32-bit limbs, because
compiled integers have 64 bits. Machine code is cached in a folder named by the hash of all sources
that went into it, so that a change in one file leaves no stale caller behind.
"""

from __future__ import annotations

import hashlib
import inspect
import types
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athena.errors import MissingExtra
from athena.research.engine import _loop, _wide
from athena.trading import arithmetic
from athena.venues import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SUBSET = ("athena.trading._core", "athena.trading.rules", matching.__name__, _loop.__name__)
_OWN_BODIES = {
    arithmetic.mul_div: _wide.mul_div,
    arithmetic.mul_div_capped: _wide.mul_div_capped,
}
_INLINE = {_loop.load_bar}
_EXTRA = "fast"


def has_compiler() -> bool:
    """Tell whether Numba is installed."""
    return find_spec("numba") is not None


def bind(function: Callable[..., Any], **replaced: object) -> Callable[..., Any]:
    """Return a copy of a function whose globals of these names are replaced."""
    return _rebuilt(function, {**function.__globals__, **replaced})


def _rebuilt(function: Callable[..., Any], namespace: dict[str, Any]) -> types.FunctionType:
    twin = types.FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__
    )
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    return twin


class Compiler:
    """Compile functions of the subset, each once."""

    def __init__(self, cache_folder: Path, *, rule: Callable[..., int] | None = None) -> None:
        """Prepare to compile; machine code is kept below `cache_folder`.

        Args:
            cache_folder: the home's cache.
            rule: a compiled strategy's rule, bound in `run_rule`.

        Raises:
            MissingExtra: Numba is not installed.
        """
        try:
            import numba
        except ImportError:
            raise MissingExtra(_EXTRA, package="numba", needed_for="the compiled engine") from None
        self._numba = numba
        self._done: dict[Callable[..., Any], Callable[..., Any]] = {}
        self._entries: dict[tuple[object, ...], Callable[..., Any]] = {}
        sources = _sources(rule)
        digest = hashlib.sha256("\0".join([numba.__version__, *sources]).encode()).hexdigest()
        self._folder = cache_folder / "compiled" / digest[:16]
        if rule is not None:
            self._done[_loop.rule] = self._jit(rule)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the compiled twin of a function of the subset."""
        if function not in self._done:
            body = _OWN_BODIES.get(function, function)
            self._done[function] = self._jit(body, inline=function in _INLINE)
        return self._done[function]

    def entry(self, function: Callable[..., Any], *arguments: object) -> Callable[..., Any]:
        """Return the compiled twin for arguments of exactly these types.

        It skips the dispatcher, which looks the types of all arguments up at every call: a third
        of what a call costs. It must be given nothing but arguments of these types.
        """
        key = (function, *map(_kind_of, arguments))
        if key not in self._entries:
            typeof: Callable[[object], object] = self._numba.typeof
            types_ = tuple(typeof(argument) for argument in arguments)
            dispatcher: Any = self.compile(function)
            dispatcher.compile(types_)
            self._entries[key] = dispatcher.overloads[types_].entry_point
        return self._entries[key]

    def has_kept(self, *functions: Callable[..., Any]) -> bool:
        """Tell whether machine code of these functions is kept already, by whatever process."""
        kept = [file.name for file in self._folder.rglob("*.nbc")]
        return all(
            any(f".{function.__name__}-" in name for name in kept) for function in functions
        )

    def _jit(self, function: Callable[..., Any], *, inline: bool = False) -> Callable[..., Any]:
        used = set(_names(function.__code__))
        namespace = {
            name: self._translate(value, used)
            for name, value in function.__globals__.items()
            if name in used
        }
        namespace["__name__"] = function.__module__
        # Numba reads the folder when a function is declared, so it is set around each one.
        config: Any = self._numba.config
        before, config.CACHE_DIR = config.CACHE_DIR, str(self._folder)
        jit: Callable[..., Callable[..., Any]] = self._numba.njit(
            cache=True, error_model="numpy", inline="always" if inline else "never"
        )
        try:
            return jit(_rebuilt(function, namespace))
        finally:
            config.CACHE_DIR = before

    def _translate(self, value: object, used: set[str]) -> object:
        """Compile what is a function of the subset; rebuild a module around those it holds."""
        if isinstance(value, types.FunctionType):
            return value if value.__module__.startswith("numba.") else self.compile(value)
        if not isinstance(value, types.ModuleType) or not value.__name__.startswith(_SUBSET):
            return value
        twin = types.ModuleType(value.__name__)
        for name in used & set(vars(value)):
            setattr(twin, name, self._translate(getattr(value, name), used))
        return twin


@lru_cache(maxsize=8)
def compiler_for(cache_folder: Path, rule: Callable[..., int] | None) -> Compiler:
    """Return the process's compiler for a rule: what was loaded once is not loaded again."""
    return Compiler(cache_folder, rule=rule)


def _kind_of(argument: Any) -> object:  # noqa: ANN401 - a table, or a tuple of tables
    """Return what the compiler tells tables apart by; finding its own type takes longer."""
    if isinstance(argument, tuple):
        return tuple(map(_kind_of, argument))
    flags = argument.flags
    return argument.dtype, argument.ndim, flags.c_contiguous, flags.writeable


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _sources(rule: Callable[..., int] | None) -> list[str]:
    """Return the text of everything that may be compiled."""
    import sys

    modules = [
        module
        for name, module in sorted(sys.modules.items())
        if name.startswith((*_SUBSET, _wide.__name__, "athena.venues._table"))
    ]
    texts = [inspect.getsource(module) for module in modules]
    # Not imported by the runs of a rule, which share the rest.
    texts.append(Path(__file__).with_name("_bound.py").read_text(encoding="utf-8"))
    if rule is not None:
        texts.append(inspect.getsource(inspect.getmodule(rule) or rule))
    return texts

"""Import what a person wrote: ``file.py:Name`` or ``module:Name``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = "__athena_own_code__"


def own_module(text: str, *, what: str) -> tuple[ModuleType, str]:
    """Import the file or module that a text names.

    Args:
        text: ``FILE.py:NAME`` or ``MODULE:NAME``.
        what: is looked for, for the message, such as "a strategy".

    Returns:
        The module, and the name to look up in it. It is executed anew each time, with all that it
        imports from its own folder: what a run leaves on a class or a module is not there for the
        next one. A file is imported under a name of its own.

    Raises:
        InputError: no such form, file or module, or it cannot be imported.
    """
    where, _, name = text.rpartition(":")
    if not name or not where or (where.startswith(".") and not where.endswith(".py")):
        message = f"expected {what} as FILE.py:NAME or MODULE:NAME, was {text!r}"
        raise InputError(message, hint="such as my_file.py:MyStrategy")
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    return module, name


@contextmanager
def _anew(folder: Path) -> Iterator[None]:
    """Forget what own code was imported before, or lies in a folder; mark what is imported now.

    The mark finds a helper of the same name in another folder, the folder what was imported late.
    """
    for name, module in list(sys.modules.items()):
        if _is_own(name, module) and (_MARK in vars(module) or _lies_in(module, folder)):
            del sys.modules[name]
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if _is_own(name, sys.modules[name]):
                vars(sys.modules[name])[_MARK] = True


def _is_own(name: str, module: object) -> bool:
    """Tell whether a module may be a person's: not installed, not of Python, and not ours."""
    first = name.partition(".")[0]
    if first in sys.stdlib_module_names or first in {"athena", "__main__"}:
        return False
    origin = getattr(module, "__file__", None)
    return isinstance(module, ModuleType) and bool(origin) and "-packages" not in str(origin)


def _lies_in(module: object, folder: Path) -> bool:
    # By text: to resolve the path of every module would take longer than to import one.
    return str(getattr(module, "__file__", "")).startswith(f"{folder}{os.sep}")


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        message = f"expected a Python file, was {path}"
        raise InputError(message)
    name = f"athena_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"expected a Python file, was {path}"
        raise InputError(message)
    try:
        with _anew(path.resolve().parent):
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module  # dataclasses look their module up
            spec.loader.exec_module(module)
    except SyntaxError as error:
        message = f"expected valid Python in {path}, was {error.msg} in line {error.lineno}"
        raise InputError(message) from error
    except ImportError as error:
        message = f"expected what {path} imports to be there, was: {error}"
        raise InputError(message) from error
    return module


def _import_module(name: str) -> ModuleType:
    try:
        with _anew(Path.cwd()):
            return importlib.import_module(name)
    except ImportError as error:
        message = f"expected a module to import, was {name!r}: {error}"
        raise InputError(message, hint="a file is named my_file.py:NAME") from error

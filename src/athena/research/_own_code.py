"""Import what a person wrote: ``file.py:Name`` or ``module:Name``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType


def own_module(text: str, *, what: str) -> tuple[ModuleType, str]:
    """Import the file or module that a text names.

    Args:
        text: ``FILE.py:NAME`` or ``MODULE:NAME``.
        what: is looked for, for the message, such as "a strategy".

    Returns:
        The module, and the name to look up in it. A file is imported under a name of its own,
        anew each time.

    Raises:
        InputError: no such form, file or module, or it cannot be imported.
    """
    where, _, name = text.rpartition(":")
    if not name or not where or (where.startswith(".") and not where.endswith(".py")):
        message = f"expected {what} as FILE.py:NAME or MODULE:NAME, was {text!r}"
        raise InputError(message, hint="such as my_file.py:MyStrategy")
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    return module, name


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        message = f"expected a Python file, was {path}"
        raise InputError(message)
    name = f"athena_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"expected a Python file, was {path}"
        raise InputError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
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
        return importlib.import_module(name)
    except ImportError as error:
        message = f"expected a module to import, was {name!r}: {error}"
        raise InputError(message, hint="a file is named my_file.py:NAME") from error

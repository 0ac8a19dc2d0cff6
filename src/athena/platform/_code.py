"""Which code runs: one digest of the package, for whatever has to be bound to it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from athena.platform._storage import storage_errors


@cache
def package_sha256() -> str:
    """Digest every source file of the package, 64 hex digits.

    Computed once a process: what changes on the disk later is not what runs here.

    Raises:
        InputError: a file cannot be read.
    """
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    with storage_errors(root):
        for file in sorted(root.rglob("*.py")):
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()

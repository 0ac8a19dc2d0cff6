"""A sweep's folder: what was added is read back, what was torn is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.sweep import Found, Status
from athena.research.sweep._store import SweepStore

if TYPE_CHECKING:
    from pathlib import Path

N_PERIODS = 3


def done(number: int, *returns: float) -> Found:
    return Found(
        number=number,
        status=Status.DONE,
        final_equity=100 + number,
        fees=7,
        n_orders=2,
        n_fills=1,
        digest=f"{number:016x}",
        returns=np.array(returns or (0.1 * number, -0.25, 1 / 3)),
    )


def refused(number: int) -> Found:
    return Found(number=number, status=Status.REFUSED, message='was "so"', returns=np.zeros(0))


def opened(folder: Path, manifest: object = 1) -> SweepStore:
    return SweepStore(folder, {"asked": manifest}, N_PERIODS)


def values(found: list[Found]) -> list[tuple[object, ...]]:
    return [
        (
            item.number, item.status, item.message, item.final_equity, item.fees, item.n_orders,
            item.n_fills, item.digest, item.n_bars, item.returns.tolist(),
        )
        for item in found
    ]  # fmt: skip


def failed(number: int) -> Found:
    return Found(number=number, status=Status.FAILED, n_bars=17, returns=np.zeros(0))


ALL = [done(4), refused(9), done(1, -0.5, -1.0)]


def test_what_was_added_is_read_back_to_the_last_bit(tmp_path: Path) -> None:
    store = opened(tmp_path / "s")
    assert store.read() == []
    store.append(ALL[:2])
    store.append([*ALL[2:], failed(2)])
    assert values(opened(tmp_path / "s").read()) == values([*ALL, failed(2)])


@pytest.mark.parametrize("n_bytes", range(1, 40))
def test_a_torn_line_is_cut_off_with_its_returns(tmp_path: Path, n_bytes: int) -> None:
    store = opened(tmp_path)
    store.append(ALL)
    with (tmp_path / "found.jsonl").open("r+b") as file:
        file.truncate(file.seek(0, 2) - n_bytes)
    again = opened(tmp_path)
    assert values(again.read()) == values(ALL[:2])
    again.append(ALL[2:])
    assert values(opened(tmp_path).read()) == values(ALL)


@pytest.mark.parametrize("n_bytes", [1, 8, 23])
def test_torn_returns_are_cut_off_with_their_line(tmp_path: Path, n_bytes: int) -> None:
    """Not what a kill does, which writes returns first, but what a power cut may."""
    opened(tmp_path).append(ALL)
    with (tmp_path / "returns.f8").open("r+b") as file:
        file.truncate(file.seek(0, 2) - n_bytes)
    assert values(opened(tmp_path).read()) == values(ALL[:2])


def test_returns_without_a_line_are_written_over(tmp_path: Path) -> None:
    """A kill between the two files."""
    opened(tmp_path).append(ALL[:1])
    with (tmp_path / "returns.f8").open("ab") as file:
        file.write(b"\x00" * 30)
    again = opened(tmp_path)
    again.read()
    again.append(ALL[1:])
    assert values(opened(tmp_path).read()) == values(ALL)


def test_a_whole_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    opened(tmp_path).append(ALL)
    path = tmp_path / "found.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{}\n" + lines[2])
    with pytest.raises(InputError, match=r"found.jsonl, line 2"):
        opened(tmp_path).read()


def test_a_folder_about_something_else_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, 1)
    with pytest.raises(InputError, match=r"manifest\.json as this sweep wrote it, was changed"):
        opened(tmp_path, 2)

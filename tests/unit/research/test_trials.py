"""The trial ledger."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock

from athena.errors import InputError
from athena.research import Trial, read_trials, record_trials
from athena.research import _trials as module

if TYPE_CHECKING:
    from pathlib import Path

TRIAL = Trial(
    1_500_000_000_000_000_000, "backtest", "run-1", "aa", "sma_cross", {"fast": 10}, 0.05, 730
)


def test_ledger_returns_what_was_recorded(tmp_path: Path) -> None:
    assert read_trials(tmp_path).trials == ()
    assert record_trials(tmp_path, [TRIAL]) == ""
    record_trials(tmp_path, [replace(TRIAL, run_id="run-2", parameters={"fast": 11})])
    ledger = read_trials(tmp_path)
    assert ledger.warning == ""
    assert ledger.trials[0] == TRIAL
    assert len(ledger.trials) == 2


def test_five_hundred_trials_are_all_there_dk25(tmp_path: Path) -> None:
    """DK-25: 500 random parameter trials -> the ledger holds 500 entries."""
    sharpes = np.random.default_rng(7).normal(0, 0.03, 500)
    for number, sharpe in enumerate(sharpes.tolist()):
        record_trials(tmp_path, [replace(TRIAL, parameters={"k": number}, sharpe=sharpe)])
    count, found = read_trials(tmp_path).tried_on(TRIAL, 730)
    assert count == 500
    assert found.tolist() == sharpes.tolist()


def test_repetition_is_recorded_but_counts_once(tmp_path: Path) -> None:
    first = replace(TRIAL, parameters={"fast": 10, "slow": 30})
    again = replace(TRIAL, run_id="run-2", parameters={"slow": 30, "fast": 10}, sharpe=0.06)
    for trial in (first, again, replace(TRIAL, data_sha256="bb")):
        record_trials(tmp_path, [trial])
    ledger = read_trials(tmp_path)
    count, sharpes = ledger.tried_on(TRIAL, 730)
    assert (len(ledger.trials), count, sharpes.tolist()) == (3, 1, [0.06])
    assert ledger.tried_on(replace(TRIAL, data_sha256="unknown"), 730)[0] == 0


def test_what_was_run_tells_trials_apart_not_what_was_typed(tmp_path: Path) -> None:
    """An edited file is another trial; a parameter that changes nothing makes none."""
    first = replace(TRIAL, digest="d1", sources_sha256=("a",))
    edited = replace(first, digest="d2")
    padded = replace(first, parameters={"fast": 10, "dummy": 7}, strategy="other.py:Clone")
    elsewhere = replace(first, data_sha256="bb", sources_sha256=("b",))
    record_trials(tmp_path, [first, edited, padded, elsewhere])
    ledger = read_trials(tmp_path)
    assert ledger.trials == (first, edited, padded, elsewhere)
    assert ledger.tried_on(first, 730)[0] == 2
    assert ledger.tried_on(elsewhere, 730)[0] == 1


def test_the_same_source_beside_another_is_the_same_data(tmp_path: Path) -> None:
    pair = replace(TRIAL, data_sha256="ab", sources_sha256=("a", "b"), digest="d1")
    turned = replace(pair, data_sha256="ba", sources_sha256=("b", "a"), digest="d2")
    alone = replace(TRIAL, data_sha256="a", sources_sha256=("a",), digest="d3")
    other = replace(TRIAL, data_sha256="c", sources_sha256=("c",), digest="d4")
    record_trials(tmp_path, [pair, turned, alone, other])
    ledger = read_trials(tmp_path)
    counts = [ledger.tried_on(trial, 730)[0] for trial in (pair, turned, alone, other)]
    assert counts == [3, 3, 3, 1]


def test_a_ledger_of_before_digests_is_counted_as_it_was(tmp_path: Path) -> None:
    record_trials(tmp_path, [TRIAL, replace(TRIAL, parameters={"fast": 11})])
    path = tmp_path / "trials.jsonl"
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    for entry in entries:
        del entry["digest"], entry["sources_sha256"]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    ledger = read_trials(tmp_path)
    assert ledger.trials[0] == TRIAL
    assert ledger.tried_on(replace(TRIAL, digest="d1", sources_sha256=("a",)), 730)[0] == 2


def test_a_batch_is_recorded_in_order_and_an_older_ledger_says_backtest(tmp_path: Path) -> None:
    batch = [replace(TRIAL, command="sweep", parameters={"fast": k}) for k in range(3)]
    record_trials(tmp_path, batch)
    assert list(read_trials(tmp_path).trials) == batch
    path = tmp_path / "trials.jsonl"
    entry = json.loads(path.read_bytes().splitlines()[0])
    del entry["command"]
    path.write_text(json.dumps(entry) + "\n")
    assert read_trials(tmp_path).trials[0].command == "backtest"


def test_of_a_batch_that_cannot_be_written_nothing_is_recorded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="JSON values"):
        record_trials(tmp_path, [TRIAL, replace(TRIAL, parameters={"data": object()})])
    assert read_trials(tmp_path).trials == ()


def test_the_luck_of_a_short_trial_counts_as_that_of_a_long_one(tmp_path: Path) -> None:
    """A ratio of 0.2 over 100 returns is as lucky as one of 0.1 over 400."""
    short = replace(TRIAL, parameters={"fast": 11}, sharpe=0.2, n=100)
    long = replace(TRIAL, parameters={"fast": 12}, sharpe=0.1, n=400)
    record_trials(tmp_path, [short, long])
    _, sharpes = read_trials(tmp_path).tried_on(TRIAL, 400)
    assert sharpes.tolist() == pytest.approx([0.1, 0.1])


def test_undefined_sharpe_survives(tmp_path: Path) -> None:
    record_trials(tmp_path, [replace(TRIAL, sharpe=math.nan)])
    assert math.isnan(read_trials(tmp_path).trials[0].sharpe)
    assert json.loads((tmp_path / "trials.jsonl").read_text())["sharpe"] is None


def test_torn_last_line_is_skipped_with_a_warning_then_cut(tmp_path: Path) -> None:
    record_trials(tmp_path, [TRIAL])
    path = tmp_path / "trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    ledger = read_trials(tmp_path)
    assert len(ledger.trials) == 1
    assert "line 2: torn" in ledger.warning
    assert "line 2: torn" in record_trials(tmp_path, [replace(TRIAL, run_id="run-2")])
    assert [trial.run_id for trial in read_trials(tmp_path).trials] == ["run-1", "run-2"]
    assert read_trials(tmp_path).warning == ""


@pytest.mark.parametrize(
    "line", [b"not json", b"{}", b"[]", b'{"time": "yesterday"}', b"\xff\xfe"]
)
def test_corrupt_middle_line_is_named(tmp_path: Path, line: bytes) -> None:
    record_trials(tmp_path, [TRIAL])
    path = tmp_path / "trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + line + b"\n" + whole)
    with pytest.raises(InputError, match=r"trials\.jsonl, line 2"):
        read_trials(tmp_path)


def test_parameters_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as JSON values"):
        record_trials(tmp_path, [replace(TRIAL, parameters={"data": object()})])
    assert not (tmp_path / "trials.jsonl").exists()


def test_held_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOCK_TIMEOUT_S", 0.01)
    with FileLock(tmp_path / "trials.lock"), pytest.raises(InputError, match="expected the lock"):
        record_trials(tmp_path, [TRIAL])


def test_nobody_records_between_a_count_and_its_own_entry(tmp_path: Path) -> None:
    """Two runs that end together count 1 and 2, not 1 and 1."""
    counted: list[int] = []

    def finish(number: int) -> None:
        trial = replace(TRIAL, run_id=f"run-{number}", parameters={"k": number})
        with module.locked_trials(tmp_path):
            counted.append(1 + len(read_trials(tmp_path).trials))
            module.append_trials(tmp_path, [trial])

    with module.locked_trials(tmp_path):
        other = threading.Thread(target=finish, args=(2,))
        other.start()
        counted.append(1 + len(read_trials(tmp_path).trials))
        module.append_trials(tmp_path, [TRIAL])
    other.join()
    assert counted == [1, 2]
    assert len(read_trials(tmp_path).trials) == 2

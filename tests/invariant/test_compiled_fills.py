"""The compiled core and venue do what the interpreted ones do: one source, two executions."""

from __future__ import annotations

from random import Random

import pytest

from athena.research.engine import _loop
from athena.research.engine._compiled import Compiler
from athena.trading import digest_of, step
from athena.venues import books_agree, matching
from tests.bar_cases import play, random_run
from tests.bar_run import Engine
from tests.candle_tables import check_table, read_tables

pytestmark = pytest.mark.slow  # machine code takes about a minute


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Compile the loop's functions once for all tests here."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    compiler = Compiler(tmp_path_factory.mktemp("machine_code"))
    functions = (_loop.step_bar, _loop.submit, step.apply_command, matching.drain)
    return Engine(*(compiler.compile(function) for function in functions), is_compiled=True)


def test_every_candle_table_gives_its_fills_compiled(compiled: Engine) -> None:
    """TR-25, compiled."""
    for case in read_tables().values():
        check_table(case, compiled)


def test_random_runs_have_equal_digests_in_both_executions(compiled: Engine) -> None:
    """TR-34 for every order type, two instruments and two strategies."""
    n_fills = 0
    for seed in range(12):
        rng, twin_rng = Random(seed), Random(seed)  # noqa: S311 - cases, not secrets
        run = play(rng, random_run(rng))
        twin = play(twin_rng, random_run(twin_rng, compiled))
        assert run.fills == twin.fills
        assert digest_of(run.state) == digest_of(twin.state)
        assert books_agree(twin.venue, twin.state)
        n_fills += len(run.fills)
    assert n_fills > 200

"""A million options and a million quotes: memory, and the same answers as in parts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from athena.pricing import european_greeks, european_price
from athena.pricing.engines import FAST, american_price
from tests.conftest import IS_FULL
from tests.option_cases import contracts, desk_terms, wide_terms

_CHILD = """
import resource, sys
import numpy as np
from athena.pricing import Contracts, european_greeks, implied_volatility
n = int(sys.argv[1])
rng = np.random.default_rng(0)
rows = Contracts.of(spot=rng.uniform(50, 150, n), strike=100.0, years=rng.uniform(0.05, 2, n),
                    rate=0.03, sigma=rng.uniform(0.1, 0.6, n), is_call=False)
greeks = european_greeks(rows)
implied_volatility(rows, greeks.price)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_million_options_stay_under_a_gigabyte() -> None:
    """PR-26."""
    done = subprocess.run(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-c", _CHILD, "1000000"], capture_output=True, text=True, check=True
    )
    unit = 1024 if sys.platform == "linux" else 1
    assert int(done.stdout) * unit <= 1e9


def test_parts_give_what_the_whole_gives() -> None:
    """PR-26: bit for bit, over several blocks."""
    terms = desk_terms(30_000)
    whole = european_greeks(contracts(terms, is_call=True))
    parts = [
        european_greeks(contracts(terms[:, start : start + 7_000], is_call=True))
        for start in range(0, 30_000, 7_000)
    ]
    for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(getattr(whole, name), joined)


@pytest.mark.slow
def test_no_rule_is_broken_on_many_points() -> None:
    """PR-16: 100,000 points with ATHENA_FULL=1."""
    terms = wide_terms(100_000 if IS_FULL else 30_000, seed=1616)
    for is_call in (False, True):
        rows = contracts(terms, is_call)
        found = american_price(rows, FAST)
        ok = found.status == 0
        payoff = np.maximum((terms[0] - terms[1]) * (1 if is_call else -1), 0.0)
        least = np.maximum(european_price(rows).value, payoff)
        assert np.all(found.value[ok] >= least[ok] - 1e-9 * terms[1][ok])
        assert np.all(np.isnan(found.value[~ok]))

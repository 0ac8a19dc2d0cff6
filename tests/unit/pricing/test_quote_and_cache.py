"""Routing between engines, and what is remembered of their work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing import (
    Engine,
    Greeks,
    ResultCache,
    RowStatus,
    Style,
    european_price,
    quote,
)
from athena.pricing.engines import Dividend, american_price
from tests.option_cases import contracts, desk_terms

TERMS = (100, 100, 1, 0.05, 0.02, 0.2)


def test_the_engine_follows_from_the_contract() -> None:
    """PR-37: the answer names engine, bound and status."""
    contract = contracts(TERMS, is_call=False)
    european, american = quote(contract, Style.EUROPEAN), quote(contract, Style.AMERICAN)
    assert european.engine is Engine.CLOSED_FORM
    assert european.greeks.price == european_price(contract).value
    assert american.engine is Engine.COLLOCATION
    assert american.greeks.price == american_price(contract).value
    assert european.error_bound < american.error_bound < 1e-3
    assert european.status is american.status is RowStatus.OK


def test_what_the_collocation_refuses_goes_to_finite_differences() -> None:
    """PR-37: outside the certified region the numerical engine answers, and says so."""
    pytest.importorskip("scipy", reason="the extra `pricing` is not installed")
    found = quote(contracts((100, 100, 2, -0.01, -0.04, 0.2), is_call=False), Style.AMERICAN)
    assert found.engine is Engine.FINITE_DIFFERENCES
    assert found.status is RowStatus.OK
    paying = quote(contracts(TERMS, is_call=True), Style.EUROPEAN, [Dividend(0.5, 3.0)])
    assert paying.engine is Engine.FINITE_DIFFERENCES
    assert paying.greeks.price < quote(contracts(TERMS, is_call=True), Style.EUROPEAN).greeks.price


def test_a_bad_contract_has_a_status_and_no_price() -> None:
    for style in Style:
        found = quote(contracts((100, 100, 1, 0.05, 0.02, np.nan), is_call=False), style)
        assert found.status is RowStatus.BAD_INPUT
        assert np.isnan(found.greeks.price)


@pytest.mark.parametrize("is_call", [True, False])
def test_the_stated_bound_holds(is_call: bool) -> None:
    """PR-37, 200 of its 20,000 points: the collocation against itself at twice the effort."""
    from athena.pricing.engines import Effort

    terms = desk_terms(200, seed=37)
    finer = Effort(n_nodes=20, n_points=48, n_price_points=128, tolerance=1e-9, most_steps=300)
    rows = contracts(terms, is_call)
    error = np.abs(american_price(rows).value - american_price(rows, finer).value)
    assert np.all(error <= Engine.COLLOCATION.bound_frac * np.maximum(terms[0], terms[1]))


def _cached(cache: ResultCache[float], rate: float, engine: str = "a") -> float:
    contract = contracts((100, 100, 1, rate, 0.02, 0.2), is_call=False)
    return cache.get(
        contract,
        lambda: float(american_price(contract).value),
        engine=engine,
        outputs="price",
        is_kept=np.isfinite,
    )


def test_keys_are_exact() -> None:
    """PR-23: four rates, four keys."""
    cache: ResultCache[float] = ResultCache()
    for rate in (0.049, 0.051, 0.05, np.nextafter(0.05, 1.0)):
        _cached(cache, rate)
    assert cache.statistics().misses == 4
    assert cache.statistics().size == 4
    _cached(cache, 0.05)
    assert cache.statistics().hits == 1


def test_what_is_remembered_is_bit_equal_and_another_engine_is_another_key() -> None:
    """PR-24."""
    cache: ResultCache[float] = ResultCache()
    first, again = _cached(cache, 0.05), _cached(cache, 0.05)
    plain = american_price(contracts((100, 100, 1, 0.05, 0.02, 0.2), is_call=False)).value
    assert first == again == plain
    _cached(cache, 0.05, engine="another bundle")
    assert cache.statistics().misses == 2


def test_neither_nan_nor_an_error_is_remembered() -> None:
    cache: ResultCache[float] = ResultCache()
    assert np.isnan(_cached(cache, float("nan")))
    assert cache.statistics().size == 0
    contract = contracts(TERMS, is_call=False)

    def fail() -> float:
        message = "no"
        raise InputError(message)

    for _ in range(2):
        with pytest.raises(InputError):
            cache.get(contract, fail, engine="a", outputs="price", is_kept=np.isfinite)
    assert cache.statistics().size == 0


def test_the_oldest_answers_are_given_up() -> None:
    cache: ResultCache[int] = ResultCache(bound=3)

    def ask(number: int) -> int:
        contract = contracts((number, 100, 1, 0.05, 0.02, 0.2), is_call=False)
        return cache.get(
            contract, lambda: number, engine="a", outputs="price", is_kept=lambda _: True
        )

    for number in (1, 2, 3, 1, 4):
        ask(number)
    found = cache.statistics()
    assert (found.size, found.evictions, found.hits) == (3, 1, 1)
    ask(1)  # was used again before the fourth came, so the second went
    assert cache.statistics().hits == 2
    with pytest.raises(InputError, match="at least 1"):
        ResultCache(bound=0)


def test_threads_share_a_cache() -> None:
    """PR-24: eight threads, mixed requests; right answers, and never over the bound."""
    cache: ResultCache[float] = ResultCache(bound=50)
    made = [
        contracts((number, 100, 1, 0.05, 0.02, 0.2), is_call=False) for number in range(1, 101)
    ]

    def work(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        return all(
            cache.get(
                made[number],
                lambda number=number: float(number),
                engine="a",
                outputs="price",
                is_kept=np.isfinite,
            )
            == number
            for number in rng.integers(0, 100, 10_000).tolist()
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    found = cache.statistics()
    assert found.size <= 50
    assert found.hits + found.misses == 80_000


def test_a_quote_uses_the_cache_for_engines_only() -> None:
    cache: ResultCache[Greeks] = ResultCache()
    contract = contracts(TERMS, is_call=False)
    one, two = (quote(contract, Style.AMERICAN, cache=cache) for _ in range(2))
    assert one.greeks.price == two.greeks.price
    quote(contract, Style.EUROPEAN, cache=cache)
    assert cache.statistics() == type(cache.statistics())(hits=1, misses=1, evictions=0, size=1)

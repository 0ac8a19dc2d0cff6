"""C02: nothing that comes after the risk engine makes an order larger, or a denial an order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from athena.domain import Regime, Side
from athena.trading import Intent, Refusal, apply_modification
from athena.trading import layout as at
from tests.core_builder import BTC, Core

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from(["big", "NaN", "1e400", "-1", "0", "0.5", "1.5", "", None, True, 2.5]),
    st.decimals(Decimal(0), Decimal(1), places=8),
)
MODIFICATIONS = st.lists(
    st.dictionaries(
        st.sampled_from(["quantity", "size_cut_frac", "leverage", "side", "lots"]),
        NUMBERS,
        max_size=2,
    ),
    max_size=6,
)


def judged(intent: Intent) -> tuple[Intent, bool]:
    """Return what a fresh core approves of an intent, and whether it does."""
    core = Core(instruments=[BTC])
    core.price(4_500_000)
    core.ask(intent)
    leverage = core.s.verdict[at.APPROVED_LEVERAGE]
    return replace(intent, lots=core.approved, leverage=leverage), core.s.verdict[at.CODE] == 0


@given(st.integers(1, 2 * 10**8), st.sampled_from([9_900, 9_960, 9_999]), MODIFICATIONS)
def test_no_later_component_gives_more_than_the_risk_engine(
    lots: int, stop: int, modifications: list[dict[str, object]]
) -> None:
    """C02: denied stays denied, and each step leaves at most what was there before."""
    wish = Intent(
        side=Side.BUY,
        lots=lots,
        stop_ticks=450 * stop,
        leverage=5,
        regime=Regime.TRENDING_BULL,
    )
    verdict, is_approved = judged(wish)
    assert is_approved == (verdict.lots > 0)
    current = verdict
    for modification in modifications:
        changed = apply_modification(current, modification, BTC)
        if isinstance(changed, Refusal):
            continue
        assert 0 <= changed.lots <= current.lots
        assert 1 <= changed.leverage <= current.leverage
        assert replace(changed, lots=current.lots, leverage=current.leverage) == current
        current = changed
    assert current.lots <= verdict.lots
    if not is_approved:
        assert current.lots == 0


@given(st.integers(1, 10**8), st.integers(1, 10**8))
def test_judging_the_approved_size_again_never_gives_more(first: int, second: int) -> None:
    """C02: the engine is its own later component."""
    wish = Intent(side=Side.BUY, lots=first, stop_ticks=4_455_000, regime=Regime.TRENDING_BULL)
    verdict, is_approved = judged(wish)
    assert verdict.lots <= first
    if is_approved:
        again, _ = judged(replace(wish, lots=min(second, verdict.lots)))
        assert again.lots <= verdict.lots

"""Laws of the desk's agents: bounds, exactness, the past, and what no answer may do."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.desk.agents import (
    SIGNALS,
    ExecutionInputs,
    ExecutionSettings,
    PanelAnswer,
    PanelSettings,
    RegimeSettings,
    RegimeState,
    SignalSettings,
    StrategyInputs,
    StrategyName,
    StrategyRule,
    TechnicalRule,
    Window,
    aggregate_panel,
    correlate,
    expected_shortfall,
    find_swings,
    historical_var,
    make_plan,
    regime_after,
    return_risk_weights,
    score_text,
)
from athena.desk.contract import Evidence, Output, Proposal, Role, decode, digest, encode
from athena.desk.inputs import (
    Grade,
    MarketConditions,
    ReturnTable,
    SymbolFeed,
    Text,
    TextKind,
    TextProvenance,
    texts_at,
)
from athena.domain import HOUR_NS, Action, Regime
from athena.errors import InputError
from tests.desk_builder import (
    MADE,
    START_NS,
    account_of,
    bars_of,
    context_of,
    feed_of,
    held,
    instrument_of,
)

FRACTIONS = st.floats(0, 1, allow_nan=False)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.integers(0, 2**62)
CLOSES = st.lists(st.floats(50.0, 200.0), min_size=30, max_size=130)
RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=300).map(np.array)
PRICES = st.decimals("0.01", "100000", places=2)


@st.composite
def outputs(draw: st.DrawFn) -> Output:
    as_of_ns = draw(TIMES)
    return Output(
        agent=draw(st.text(min_size=1)),
        role=draw(st.sampled_from(Role)),
        symbol=draw(st.text()),
        as_of_ns=as_of_ns,
        action=draw(st.sampled_from(Action)),
        confidence=draw(FRACTIONS),
        raw_confidence=draw(FRACTIONS),
        reasons=tuple(draw(st.lists(st.text(), min_size=1, max_size=3))),
        evidence=tuple(
            Evidence(name, value, "frac", "test")
            for name, value in draw(st.dictionaries(st.text(), NUMBERS, max_size=4)).items()
        ),
        input_ids=tuple(draw(st.lists(st.text(), max_size=3))),
        version=draw(st.text(min_size=1)),
        valid_until_ns=as_of_ns + draw(st.integers(0, 10**15)),
        abstains=draw(st.booleans()),
    )


@given(outputs())
def test_what_is_written_is_read_and_keeps_its_digest(output: Output) -> None:
    read = decode(Output, encode(output))
    assert read == output
    assert digest(read) == digest(output)


@given(CLOSES, st.integers(0, 12))
def test_a_feed_is_a_function_of_the_bars_so_far(closes: list[float], n_later: int) -> None:
    """D02: what comes later changes nothing that was shown before."""
    n_later = min(n_later, len(closes) - 1)
    bars = bars_of(closes)
    feed = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE)
    shown = []
    for bar in bars:
        feed.push(bar)
        shown.append(feed.at(bar.ts_ns + HOUR_NS).id)
    cut = len(bars) - n_later
    alone = feed_of(bars[:cut])
    assert alone.at(bars[cut - 1].ts_ns + HOUR_NS).id == shown[cut - 1]


@given(CLOSES, st.lists(st.integers(-3, 200), max_size=20))
def test_bars_out_of_order_never_get_in(closes: list[float], places: list[int]) -> None:
    """Whatever is pushed, the frame's times rise and nothing closes after the moment."""
    bars = bars_of(closes)
    feed = SymbolFeed(instrument_of(), HOUR_NS, HOUR_NS, MADE)
    now_ns = START_NS
    for place, bar in enumerate(bars):
        for wild in places:
            if 0 <= wild < place:
                assert feed.push(bars[wild])
        assert not feed.push(bar)
        now_ns = bar.ts_ns + HOUR_NS
    snapshot = feed.at(now_ns)
    for frame in snapshot.frames:
        assert (np.diff(frame.ts_ns) > 0).all()
        assert (frame.ts_ns + frame.interval_ns <= now_ns).all()


@given(CLOSES)
def test_the_technical_analyst_always_says_something_sound(closes: list[float]) -> None:
    bars = bars_of(closes)
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    said = TechnicalRule().judge(context_of(snapshot))
    assert 0 <= said.confidence <= 1
    assert said.reasons
    if len(closes) < 50 or snapshot.quality.grade is Grade.UNUSABLE:
        assert said.action is Action.HOLD


@given(st.lists(st.floats(1.0, 2.0), min_size=11, max_size=80).map(np.array), st.integers(1, 5))
def test_swings_beat_their_neighbours(values: Any, n_side: int) -> None:
    """DK-32, by the definition."""
    found = find_swings(values, values, n_side)
    expected = [
        float(values[k])
        for k in range(n_side, len(values) - n_side)
        if all(values[k] > values[j] for j in range(k - n_side, k + n_side + 1) if j != k)
    ]
    assert list(found.highs) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(Regime), st.sampled_from([0.5, 0.69, 0.7, 0.9])),
        min_size=1,
        max_size=40,
    )
)
def test_a_regime_changes_only_after_two_confident_cycles_in_a_row(
    cycles: list[tuple[Regime, float]],
) -> None:
    """DK-09."""
    state, settings = RegimeState(), RegimeSettings()
    for k, (candidate, confidence) in enumerate(cycles):
        after = regime_after(state, candidate, confidence, k, settings)
        if after.regime is not state.regime:
            assert k >= 1
            assert [pair[0] for pair in cycles[k - 1 : k + 1]] == [after.regime] * 2
            assert min(pair[1] for pair in cycles[k - 1 : k + 1]) >= 0.7
        assert regime_after(after, candidate, confidence, k, settings) == after
        state = after


@given(
    st.sampled_from([name for name in StrategyName if name is not StrategyName.PAIRS]),
    st.lists(st.floats(50.0, 200.0), min_size=2, max_size=60).map(np.array),
    st.floats(0.01, 5.0),
)
def test_a_signal_has_its_stop_behind_it_and_a_strength_in_range(
    name: StrategyName, close: Any, atr: float
) -> None:
    window = Window(close + 0.1, close - 0.1, close, np.ones(len(close)), atr)
    signal = SIGNALS[name](window, SignalSettings())
    assert 0 <= signal.strength <= 1
    if signal.side:
        price = float(close[-1])
        assert signal.side * (price - signal.stop) > 0
        assert signal.side * (signal.target - price) > 0


@given(CLOSES, st.sampled_from(Regime), st.floats(-1, 1), st.sampled_from(["-1", "0", "1"]))
def test_proposals_are_exact_and_within_their_caps(
    closes: list[float], regime: Regime, trend: float, quantity: str
) -> None:
    bars = bars_of(closes)
    snapshot = feed_of(bars).at(bars[-1].ts_ns + HOUR_NS)
    account = account_of() if quantity == "0" else account_of(held("BTC/USDT", quantity, quantity))
    inputs = StrategyInputs(
        snapshot=snapshot, regime=regime, trend_strength=trend, account=account
    )
    said = StrategyRule("s").judge(context_of(inputs))
    assert 0 <= said.confidence <= 1
    if said.action is Action.HOLD:
        assert said.detail is None
        return
    proposal = said.detail
    assert isinstance(proposal, Proposal)
    assert 0 <= proposal.size_frac <= 0.20
    for price in (proposal.entry_price, proposal.stop_price, proposal.target_price):
        assert price is None or price % Decimal("0.01") == 0
    is_close = said.action in {Action.CLOSE_LONG, Action.CLOSE_SHORT}
    assert is_close is (proposal.stop_price is None)
    if said.action is Action.CLOSE_LONG:
        assert quantity == "1"
    assert said.action is not Action.SELL  # spot


@given(
    st.lists(st.tuples(st.sampled_from(Action), FRACTIONS), max_size=6),
    st.sampled_from([Decimal(-1), Decimal(0), Decimal(1)]),
    st.randoms(),
)
def test_a_panel_trades_only_by_quorum_and_majority(
    given_: list[tuple[Action, float]], quantity: Decimal, random: Any
) -> None:
    answers = [
        PanelAnswer(model=f"m{k}", action=action, confidence=confidence)
        for k, (action, confidence) in enumerate(given_)
    ]
    verdict = aggregate_panel(answers, quantity, PanelSettings())
    random.shuffle(answers)
    assert aggregate_panel(answers, quantity, PanelSettings()) == verdict
    assert 0 <= verdict.confidence <= 1
    if verdict.action is not Action.HOLD:
        n_for = sum(action is verdict.action for action, _ in given_)
        assert len(given_) >= 4
        assert 2 * n_for > len(given_)
    if verdict.action is Action.CLOSE_LONG:
        assert quantity > 0
    if verdict.action is Action.CLOSE_SHORT:
        assert quantity < 0


@given(
    st.sampled_from([Action.BUY, Action.SELL, Action.CLOSE_LONG, Action.CLOSE_SHORT]),
    FRACTIONS,
    PRICES,
    st.decimals("-100", "1000000", places=2),
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.one_of(st.none(), st.floats(0, 1)),
)
def test_a_plan_never_asks_for_more_than_its_share(  # noqa: PLR0913, PLR0917 - drawn one by one
    action: Action,
    size_frac: float,
    price: Decimal,
    equity: Decimal,
    volume: float | None,
    volatility: float | None,
) -> None:
    """Whole lots, at least the venue's minimum, at most the share of equity; stops on entries."""
    proposal = Proposal(
        id="p",
        symbol="BTC/USDT",
        action=action,
        strategy="momentum",
        strength=0.5,
        regime=Regime.RANGING,
        size_frac=size_frac,
    )
    instrument = instrument_of()
    account = replace(account_of(held("BTC/USDT", "0.3", "1")), equity=equity)
    conditions = MarketConditions(
        price=price, quoted_at_ns=START_NS, daily_volume=volume, volatility=volatility
    )
    inputs = ExecutionInputs(
        instrument=instrument, proposal=proposal, conditions=conditions, account=account
    )
    plan = make_plan(inputs, START_NS, ExecutionSettings())
    assert plan.is_feasible is bool(plan.orders)
    assert plan.is_feasible is not bool(plan.refusals)
    for order in plan.orders:
        assert order.quantity % instrument.lot == 0
        assert order.quantity >= instrument.min_quantity
        if order.is_exit:
            assert order.quantity == Decimal("0.3")
            continue
        assert order.quantity * price <= equity * Decimal(repr(size_frac))
        stop, target = order.stop_price, order.target_price
        assert stop is not None
        assert target is not None
        assert stop < price < target if action is Action.BUY else target < price < stop


@given(RETURNS, st.sampled_from([0.95, 0.99]))
def test_shortfall_is_never_better_than_the_value_at_risk(returns: Any, confidence: float) -> None:
    var = historical_var(returns, confidence)
    assert var in (-returns)
    assert expected_shortfall(returns, confidence) >= var - 1e-12
    assert historical_var(returns, 0.99) >= historical_var(returns, 0.95)


@given(st.integers(2, 40), st.integers(0, 2**32), st.permutations(range(4)))
def test_correlations_do_not_depend_on_the_order_of_columns(
    n: int, seed: int, order: list[int]
) -> None:
    """DK-11."""
    names = tuple("ABCD")
    returns = np.random.default_rng(seed).normal(size=(n + 1, 4))
    plain = correlate(ReturnTable(names, returns), names)
    mixed = ReturnTable(tuple(names[k] for k in order), returns[:, order])
    np.testing.assert_array_equal(correlate(mixed, names).values, plain.values)
    known = plain.values[np.isfinite(plain.values)]
    assert (np.abs(known) <= 1).all()


@given(
    st.lists(st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=3), min_size=2, max_size=30).map(
        np.array
    )
)
def test_return_over_risk_weights_are_shares(returns: Any) -> None:
    weights = return_risk_weights(returns)
    assert (weights >= 0).all()
    assert math.isclose(weights.sum(), 1.0) or weights.sum() == 0
    assert (weights[returns.mean(axis=0) <= 0] == 0).all()


@given(st.text(), st.text())
def test_no_text_scores_beyond_one(first: str, second: str) -> None:
    assert -1 <= score_text(f"{first} {second}") <= 1


@given(
    st.lists(
        st.tuples(st.integers(-100, 100), st.integers(-100, 100), st.booleans()), max_size=20
    ),
    st.integers(-100, 100),
)
def test_nothing_is_read_before_it_is_known_or_made_up(
    rows: list[tuple[int, int, bool]], now: int
) -> None:
    """DK-05, DK-06."""
    texts = [
        Text(
            kind=TextKind.NEWS,
            provider="p",
            source=f"s{k}",
            text="words",
            published_ns=START_NS + published,
            arrived_ns=START_NS + arrived,
            provenance=TextProvenance.MOCK if is_mock else TextProvenance.RECORDED,
        )
        for k, (published, arrived, is_mock) in enumerate(rows)
    ]
    seen = texts_at(texts, START_NS + now, "BTC/USDT")
    assert all(item.known_at_ns <= START_NS + now for item in seen.texts)
    assert all(item.provenance is not TextProvenance.MOCK for item in seen.texts)
    assert len(seen.texts) + seen.n_later + seen.n_mock == len(texts)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_agent_can_publish_a_number_that_is_none(value: float) -> None:
    with pytest.raises(InputError, match="finite"):
        Evidence("x", value, "", "test")

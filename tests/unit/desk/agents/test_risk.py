"""The risk view: numbers by their formulas, levels by their table, real positions only."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from athena.desk.agents import (
    Opinion,
    RiskInputs,
    RiskRule,
    RiskSettings,
    annual_sharpe,
    annual_volatility,
    compounded_drawdown,
    correlate,
    expected_shortfall,
    exposures,
    historical_var,
    parametric_var,
    portfolio_returns,
)
from athena.desk.contract import RiskView
from athena.desk.inputs import Fundamentals, Macro, ReturnTable
from athena.domain import Action, RiskLevel
from athena.errors import InputError
from tests.desk_builder import account_of, context_of, held

HUNDRED = np.arange(-50, 50) / 1_000.0  # -5.0 % to 4.9 %, in order


def test_historical_var_is_the_element_at_its_index() -> None:
    shuffled = np.random.default_rng(1).permutation(HUNDRED)
    assert historical_var(shuffled, 0.95) == pytest.approx(0.045)
    assert historical_var(shuffled, 0.99) == pytest.approx(0.049)
    assert historical_var(HUNDRED[:19], 0.95) == pytest.approx(0.050)
    assert historical_var(HUNDRED[:20], 0.95) == pytest.approx(0.049)


def test_the_index_survives_rounding() -> None:
    """10 x (1 - 0.9) falls short of 1 in floating point, and is 1."""
    assert historical_var(HUNDRED[:10], 0.90) == pytest.approx(0.049)


def test_shortfall_is_the_mean_of_the_worst() -> None:
    assert expected_shortfall(HUNDRED, 0.95) == pytest.approx(0.048)
    assert expected_shortfall(HUNDRED[:10], 0.95) == pytest.approx(0.050)


def test_a_sure_gain_has_a_negative_var() -> None:
    """DK-11."""
    sure = np.full(50, 0.01)
    assert parametric_var(sure, 0.95) == pytest.approx(-0.01)
    assert historical_var(sure, 0.95) == pytest.approx(-0.01)


@pytest.mark.parametrize(("confidence", "z"), [(0.90, 1.282), (0.95, 1.645), (0.99, 2.326)])
def test_parametric_var_is_z_deviations_less_the_mean(confidence: float, z: float) -> None:
    expected = z * float(HUNDRED.std(ddof=1)) - float(HUNDRED.mean())
    assert parametric_var(HUNDRED, confidence) == pytest.approx(expected)


def test_returns_that_are_missing_are_refused() -> None:
    for returns in (np.empty(0), np.array([0.1, np.nan])):
        with pytest.raises(InputError, match="finite returns"):
            historical_var(returns, 0.95)
    with pytest.raises(InputError, match="expected 2"):
        parametric_var(np.array([0.1]), 0.95)


def test_yearly_figures_follow_their_formulas() -> None:
    deviation = float(HUNDRED.std(ddof=1))
    assert annual_volatility(HUNDRED, 252) == pytest.approx(deviation * math.sqrt(252))
    mean = float(HUNDRED.mean()) - 0.02 / 365
    assert annual_sharpe(HUNDRED, 365) == pytest.approx(mean / deviation * math.sqrt(365))
    assert math.isnan(annual_sharpe(np.full(9, 0.01), 365))
    assert compounded_drawdown(np.array([0.1, -0.5, 0.2, -0.1])) == pytest.approx(0.5)
    assert compounded_drawdown(np.array([-0.1, 0.2])) == pytest.approx(0.1)


def table_of(n: int = 200, *, deviation: float = 0.01, seed: int = 3) -> ReturnTable:
    rng = np.random.default_rng(seed)
    return ReturnTable(("A/USD", "B/USD", "C/USD"), rng.normal(0, deviation, (n, 3)))


def test_doubling_one_position_changes_the_portfolio() -> None:
    """DK-11."""
    table = table_of()
    once, _ = portfolio_returns(table, {"A/USD": 0.2, "B/USD": 0.1})
    twice, _ = portfolio_returns(table, {"A/USD": 0.4, "B/USD": 0.1})
    np.testing.assert_allclose(once, 0.2 * table.returns[:, 0] + 0.1 * table.returns[:, 1])
    assert historical_var(twice, 0.95) > historical_var(once, 0.95)


def test_a_short_counts_with_its_sign() -> None:
    table = table_of()
    hedged, _ = portfolio_returns(table, {"A/USD": 0.2, "B/USD": -0.2})
    np.testing.assert_allclose(hedged, 0.2 * (table.returns[:, 0] - table.returns[:, 1]))


def test_periods_without_a_return_are_left_out_and_missing_symbols_are_named() -> None:
    rows = table_of(10).returns.copy()
    rows[3, 1] = np.nan
    table = ReturnTable(("A/USD", "B/USD", "C/USD"), rows)
    returns, missing = portfolio_returns(table, {"A/USD": 0.5, "B/USD": 0.5, "Z/USD": 1.0})
    assert (len(returns), missing) == (9, ("Z/USD",))
    assert portfolio_returns(table, {"Z/USD": 1.0})[0].size == 0


def test_labels_follow_shuffled_columns() -> None:
    """DK-11."""
    rng = np.random.default_rng(4)
    base = rng.normal(0, 0.01, 300)
    columns = {
        "A/USD": base,
        "B/USD": 0.9 * base + rng.normal(0, 0.001, 300),
        "C/USD": rng.normal(0, 0.01, 300),
    }
    for order in (("A/USD", "B/USD", "C/USD"), ("C/USD", "A/USD", "B/USD")):
        table = ReturnTable(order, np.column_stack([columns[name] for name in order]))
        matrix = correlate(table, ("A/USD", "B/USD", "C/USD"))
        assert matrix.values[0, 1] == pytest.approx(np.corrcoef(base, columns["B/USD"])[0, 1])
        assert matrix.pairs_above(0.7) == (("B/USD", "A/USD", pytest.approx(0.99, abs=0.01)),)


def test_a_pair_is_correlated_where_both_have_returns() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 20))
    holes = y.copy()
    holes[[3, 7]] = np.nan
    found = correlate(
        ReturnTable(("A/USD", "B/USD"), np.column_stack((x, holes))), ("A/USD", "B/USD")
    )
    kept = np.isfinite(holes)
    assert found.values[0, 1] == pytest.approx(np.corrcoef(x[kept], y[kept])[0, 1])


def test_a_pair_without_common_returns_is_unknown() -> None:
    table = ReturnTable(("A/USD", "B/USD"), np.column_stack((np.ones(9), np.arange(9.0))))
    assert math.isnan(correlate(table, ("A/USD", "B/USD")).values[0, 1])
    assert math.isnan(correlate(table, ("A/USD", "Z/USD")).values[0, 1])


def test_exposures_are_gross_parts_of_equity() -> None:
    shares = exposures(
        [
            held("A/USD", "1", "3000", sector="tech", asset_class="equity"),
            held("B/USD", "-1", "-1000", sector="tech", asset_class="equity"),
            held("C/USD", "1", "2000"),
        ],
        Decimal(10_000),
    )
    assert {item.name: pytest.approx(item.frac) for item in shares} == {
        "gross": 0.6,
        "net": 0.4,
        "long": 0.5,
        "short": 0.1,
        "sector:tech": 0.4,
        "class:equity": 0.4,
        "class:crypto": 0.2,
    }


def scaled(var95: float) -> ReturnTable:
    """Make returns of one symbol whose historical VaR at 95 % is what is asked for."""
    returns = np.zeros(100)
    returns[:6] = -var95
    return ReturnTable(("A/USD",), returns[:, None])


ALL_IN = account_of(held("A/USD", "1", "10000"))


def judge(**more: Any) -> Opinion:
    given: dict[str, Any] = {"account": ALL_IN, "returns": None, "macro": Macro(), **more}
    return RiskRule(RiskSettings(volatility=9.0)).judge(context_of(RiskInputs(**given)))


def view_of(said: Opinion) -> RiskView:
    assert isinstance(said.detail, RiskView)
    return said.detail


STRESS = Macro(vix=31.0)
THREE = account_of(
    held("A/USD", "1", "10000", sector="tech", daily_volume_value=Decimal(1_000)),
    drawdown_frac=0.11,
)


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ({"returns": scaled(0.0349)}, RiskLevel.LOW),
        ({"returns": scaled(0.0355)}, RiskLevel.MEDIUM),
        ({"returns": scaled(0.0355), "macro": STRESS}, RiskLevel.HIGH),
        ({"returns": scaled(0.051)}, RiskLevel.HIGH),
        ({"account": replace(ALL_IN, drawdown_frac=0.101)}, RiskLevel.HIGH),
        ({"account": replace(ALL_IN, drawdown_frac=0.10)}, RiskLevel.LOW),
        ({"account": replace(ALL_IN, compliance=("wash sale",))}, RiskLevel.MEDIUM),
        ({"account": THREE}, RiskLevel.CRITICAL),
        ({"account": THREE, "macro": STRESS}, RiskLevel.CRITICAL),
        ({"macro": Macro(spread_10y_2y=-0.1)}, RiskLevel.MEDIUM),
        ({"macro": Macro(spread_10y_2y=-0.1, vix=31.0)}, RiskLevel.HIGH),
        (
            {"fundamentals": Fundamentals(known_at_ns=1, source="x", debt_equity=2.1)},
            RiskLevel.MEDIUM,
        ),
        (
            {
                "fundamentals": Fundamentals(
                    known_at_ns=1, source="x", debt_equity=2.1, current_ratio=0.9
                )
            },
            RiskLevel.MEDIUM,
        ),
        (
            {"fundamentals": Fundamentals(known_at_ns=1, source="x", debt_equity=2.0)},
            RiskLevel.LOW,
        ),
    ],
)
def test_the_level_follows_issues_and_what_raises_it(
    more: dict[str, Any], level: RiskLevel
) -> None:
    """DK-35."""
    said = judge(**more)
    assert view_of(said).level is level
    assert said.action is Action.HOLD
    assert said.abstains is (level is RiskLevel.LOW)


def test_it_votes_with_the_largest_use_of_a_limit() -> None:
    assert judge(returns=scaled(0.0355)).confidence == pytest.approx(0.71)
    assert judge(returns=scaled(0.2)).confidence == 1.0
    assert judge(returns=scaled(0.01)).confidence == 0.0


def test_each_limit_can_be_an_issue() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(0, 0.1, 300)
    table = ReturnTable(("A/USD", "B/USD"), np.column_stack((base, base)))
    account = account_of(
        held("A/USD", "1", "20000", sector="tech", daily_volume_value=Decimal(10_000)),
        held("B/USD", "1", "5000"),
        drawdown_frac=0.2,
        compliance=("a", "b", "c", "d"),
    )
    inputs = RiskInputs(account=account, returns=table, macro=Macro(), proposal_id="p-1")
    said = RiskRule().judge(context_of(inputs))
    view = view_of(said)
    assert [issue.split()[0] for issue in view.issues] == [
        "var95",
        "drawdown",
        "volatility",
        "correlation",
        "sector",
        "leverage",
        "liquidity",
        "compliance:",
        "compliance:",
        "compliance:",
    ]
    assert view.advice == ("reduce_position", "diversify", "reduce_exposure")
    assert view.compliance == ("a", "b", "c", "d")
    assert view.proposal_id == "p-1"
    assert {item.name for item in said.evidence} >= {"var95", "shortfall95", "sharpe"}


def test_few_returns_are_flagged() -> None:
    assert view_of(judge(returns=scaled(0.01))).alerts == ()
    short = ReturnTable(("A/USD",), np.zeros((99, 1)))
    assert view_of(judge(returns=short)).alerts == ("99 returns, expected 100",)
    other = ReturnTable(("B/USD",), np.zeros((200, 1)))
    assert view_of(judge(returns=other)).alerts == (
        "0 returns, expected 100",
        "no returns of A/USD",
    )


def test_beta_is_an_alert_and_no_issue() -> None:
    books = Fundamentals(known_at_ns=1, source="x", beta=1.6)
    view = view_of(judge(returns=scaled(0.01), fundamentals=books))
    assert (view.level, view.alerts) == (RiskLevel.LOW, ("beta 1.6 is over 1.5",))


def test_an_empty_book_is_said_and_not_guessed() -> None:
    view = view_of(judge(account=account_of(), returns=scaled(0.9)))
    assert (view.has_positions, view.var95_frac, view.alerts) == (False, None, ("no positions",))
    assert view.level is RiskLevel.LOW


@pytest.mark.parametrize(
    "account", [None, account_of(equity=None), account_of(equity="0"), account_of(equity="-1")]
)
def test_an_account_that_nobody_can_see_is_critical(account: Any) -> None:
    """C16: unknown means no."""
    said = judge(account=account)
    assert view_of(said).level is RiskLevel.CRITICAL
    assert (said.action, said.confidence, said.abstains) == (Action.HOLD, 1.0, False)


def test_the_ids_follow_what_is_read() -> None:
    rule, table = RiskRule(), table_of()
    inputs = RiskInputs(account=ALL_IN, returns=table, macro=Macro())
    ids = rule.input_ids(inputs)
    assert len(ids) == 3
    other = replace(inputs, account=replace(ALL_IN, drawdown_frac=0.01))
    assert [a == b for a, b in zip(ids, rule.input_ids(other), strict=True)] == [
        True,
        False,
        True,
    ]
    rows = table.returns.copy()
    rows[0, 0] += 1e-12
    changed = ReturnTable(table.symbols, rows)
    assert rule.input_ids(replace(inputs, returns=changed))[2] != ids[2]


def test_returns_cannot_change_behind_their_digest() -> None:
    rows = np.zeros((3, 1))
    table = ReturnTable(("A/USD",), rows)
    rows[0, 0] = 1.0
    assert table.returns[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        table.returns[0, 0] = 1.0

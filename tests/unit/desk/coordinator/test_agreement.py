"""C03: how much the fresh independent views of a symbol agree."""

from __future__ import annotations

import pytest

from athena.desk.contract import Role, digest
from athena.desk.coordinator import agreement, agreement_multiplier
from athena.domain import SECOND_NS
from tests.desk_cases import BTC, BUY, HOLD, NOW_NS, SELL, XRP, an_opinion, later

VIEWS = (Role.TECHNICAL, Role.REGIME, Role.SENTIMENT)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, 1.3),
        (2 / 3, 1.1),
        (0.66, 1.096),
        (0.65, 1.0),
        (0.5, 1.0),
        (0.33, 1.0),
        (0.32, 0.85 + 0.15 * 0.32 / 0.33),
        (0.0, 0.85),
    ],
)
def test_the_multiplier_follows_the_share(share: float, expected: float) -> None:
    assert agreement_multiplier(share) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("actions", "multiplier"),
    [
        ((BUY, BUY, SELL), 1.10),
        ((BUY, BUY, BUY), 1.30),
        ((SELL, SELL, SELL), 0.85),
        ((BUY, BUY, HOLD), 1.10),
        ((BUY, HOLD, HOLD), 1.0),
    ],
)
def test_views_that_agree_raise_and_views_that_oppose_lower(
    actions: tuple[object, ...], multiplier: float
) -> None:
    """C03; a neutral view counts as one."""
    views = [an_opinion(role, action) for role, action in zip(VIEWS, actions, strict=True)]
    assert agreement(views, BTC, BUY, NOW_NS).multiplier == pytest.approx(multiplier)


def test_views_of_another_symbol_do_not_matter() -> None:
    """C03."""
    views = [an_opinion(role, BUY) for role in VIEWS]
    others = [an_opinion(role, SELL, symbol=XRP, agent=f"{role} of another") for role in VIEWS]
    assert agreement([*views, *others], BTC, BUY, NOW_NS).share == 1
    assert agreement(others, BTC, BUY, NOW_NS).multiplier == 1


@pytest.mark.parametrize(("role", "age_s"), [(VIEWS[0], 120), (VIEWS[1], 600), (VIEWS[2], 3_600)])
def test_a_view_counts_while_it_is_fresh(role: Role, age_s: int) -> None:
    fresh = an_opinion(role, BUY, valid_until_ns=NOW_NS + 10**15)
    for late_ns, agents in ((0, (role.value,)), (1, ())):
        view = later(fresh, -age_s * SECOND_NS - late_ns)
        assert agreement([view], BTC, BUY, NOW_NS).agents == agents


def test_expired_future_and_abstaining_views_do_not_count() -> None:
    views = [
        an_opinion(Role.TECHNICAL, as_of_ns=NOW_NS - 2, valid_until_ns=NOW_NS - 1),
        an_opinion(Role.REGIME, as_of_ns=NOW_NS + 1),
        an_opinion(Role.SENTIMENT, abstains=True),
        an_opinion(Role.STRATEGY),
    ]
    found = agreement(views, BTC, BUY, NOW_NS)
    assert (found.share, found.multiplier, found.agents) == (None, 1.0, ())


def test_a_view_that_read_another_is_not_independent() -> None:
    technical, regime = an_opinion(Role.TECHNICAL, BUY), an_opinion(Role.REGIME, SELL)
    copied = an_opinion(Role.SENTIMENT, BUY, input_ids=("news", digest(technical)))
    found = agreement([technical, regime, copied], BTC, BUY, NOW_NS)
    assert (found.share, found.agents) == (0.5, ("regime", "technical"))
    honest = an_opinion(Role.SENTIMENT, BUY, input_ids=("news",))
    assert agreement([technical, regime, honest], BTC, BUY, NOW_NS).share == pytest.approx(2 / 3)

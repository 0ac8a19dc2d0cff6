"""Ways around the limits that were found by trying: each is closed, its twin still works."""

from __future__ import annotations

from decimal import Decimal

import pytest

from athena.domain import OrderType, Purpose, Side
from athena.trading import Intent, codes, step
from athena.trading import layout as at
from tests.core_builder import DAY, HOUR, Core


def rich(**options: object) -> Core:
    core = Core(cash=Decimal(100_000), **options)  # type: ignore[arg-type]
    core.price(10_000)
    return core


def long_position(core: Core, lots: int = 10) -> int:
    """Hold `lots` with a stop; return the stop's number."""
    entry = core.trade(Intent(side=Side.BUY, lots=lots, stop_ticks=9_900), 10_000)
    core.accept_all()
    (stop,) = core.children(entry)
    return stop


def market_exits(core: Core) -> list[int]:
    """List the lots of the market orders that are queued for the venue."""
    rows = [core.row(number) for kind, number in core.effects() if kind == at.SEND]
    return [
        int(core.s.orders[row, at.LOTS])
        for row in rows
        if core.s.orders[row, at.TYPE] == codes.MARKET
    ]


PARKED = Intent(
    side=Side.SELL, lots=10, purpose=Purpose.EXIT, type=OrderType.LIMIT, limit_ticks=100_000
)


@pytest.mark.parametrize(
    ("command", "argument"),
    [(codes.COMMAND_KILL, 0), (codes.COMMAND_FLATTEN, 0), (codes.COMMAND_CLOSE, 0)],
)
@pytest.mark.parametrize("is_parked", [True, False])
def test_an_exit_parked_far_away_keeps_no_position_from_being_closed(
    command: int, argument: int, is_parked: bool
) -> None:
    """A resting exit counted as closing the position, so that nothing else did."""
    core = rich()
    long_position(core)
    if is_parked:
        core.report(codes.ACCEPTED, core.ask(PARKED))
    core.effects()
    step.apply_command(core.s, command, argument, 0)
    assert market_exits(core) == [10]


def test_a_parked_exit_does_not_stop_the_time_exit() -> None:
    core = rich()
    long_position(core)
    core.report(codes.ACCEPTED, core.ask(PARKED))
    core.effects()
    core.price(10_000, core.get(at.NOW_NS) + 3 * DAY)
    assert market_exits(core) == [10]


def test_a_parked_exit_does_not_refuse_an_exit_at_market() -> None:
    core = rich()
    long_position(core)
    core.report(codes.ACCEPTED, core.ask(PARKED))
    core.ask(Intent(side=Side.SELL, lots=10, purpose=Purpose.EXIT))
    assert core.s.verdict[at.CODE] == 0
    assert core.approved == 10
    assert core.verdict(Intent(side=Side.SELL, lots=1, purpose=Purpose.EXIT)) == "reduce_only"


def test_a_stop_cannot_be_paired_away() -> None:
    """An exit of a lot, paired with the stop of the whole, cancelled the stop when it filled."""
    core = rich()
    stop = long_position(core)
    exit_one = Intent(side=Side.SELL, lots=1, purpose=Purpose.EXIT, sibling=stop)
    assert core.verdict(exit_one) == "invalid_value"
    assert core.state(stop) == "open"


def test_two_exits_that_are_paired_close_each_its_own_part() -> None:
    core = rich()
    long_position(core)
    whole = core.ask(PARKED)
    core.report(codes.ACCEPTED, whole)
    part = core.ask(
        Intent(
            side=Side.SELL,
            lots=4,
            purpose=Purpose.EXIT,
            type=OrderType.LIMIT,
            limit_ticks=10_100,
            sibling=whole,
        )
    )
    core.report(codes.ACCEPTED, part)
    core.fill(part, 4, 10_100)
    core.accept_all()
    assert core.state(whole) == "open"


def test_a_stop_entry_that_is_met_already_is_judged_at_the_market() -> None:
    """Its trigger, far below, made a stop 51 % away look 2 % away."""
    core = rich()
    below = Intent(
        side=Side.BUY, lots=10, type=OrderType.STOP, trigger_ticks=5_000, stop_ticks=4_900
    )
    assert core.verdict(below) == "stop_distance"
    above = Intent(
        side=Side.BUY, lots=10, type=OrderType.STOP, trigger_ticks=10_100, stop_ticks=9_900
    )
    core.ask(above)
    assert core.s.verdict[at.CODE] == 0


def test_no_entry_limit_rests_for_more_than_a_day() -> None:
    core = rich()
    patient = Intent(
        side=Side.BUY,
        lots=10,
        type=OrderType.LIMIT,
        limit_ticks=9_999,
        stop_ticks=9_900,
        expires_ns=core.get(at.NOW_NS) + 20 * DAY,
    )
    number = core.ask(patient)
    core.report(codes.ACCEPTED, number)
    core.effects()
    core.price(10_000, core.get(at.NOW_NS) + 23 * HOUR)
    assert core.effects() == []
    core.price(10_000, core.get(at.NOW_NS) + HOUR)
    assert core.effects() == [(at.CANCEL, number)]


def test_a_side_given_as_text_is_the_side_it_says() -> None:
    """`side="buy"` used to sell."""
    core = rich()
    core.trade(Intent(side="buy", lots=10, stop_ticks=9_900), 10_000)  # type: ignore[arg-type]
    assert core.quantity() == 10
    with pytest.raises(KeyError):
        core.ask(Intent(side="up", lots=1))  # type: ignore[arg-type]

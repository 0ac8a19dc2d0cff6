"""`athena desk cycle`: what every agent says on the newest bar, and what would come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.app._advising import adviser_for, suggestion_table
from athena.app._output import Table
from athena.app._run_desk import DESK_NAME
from athena.desk.coordinator import direction
from athena.desk.hosting import DeskStrategy, Parts
from athena.domain import RunMode, format_decimal, format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app._market_options import MarketOptions
    from athena.app.advice import Suggestion
    from athena.desk.contract import Output, Plan, Vote
    from athena.desk.cycle import CycleResult
    from athena.domain import Bars
    from athena.platform.config import Config

# A regime takes two confirmations to change, so that one cycle alone would know of none.
_N_CYCLES = 4
# Enough for EMA 200 and thirty days of half hours; what is older changes nothing that is shown.
_HISTORY_BARS = 2_000


@dataclass(frozen=True, slots=True)
class CycleReport:
    """The newest cycle of each symbol, and what the core makes of its wishes.

    Attributes:
        closed_ns: close of the bar that was decided on.
        results: one per symbol, in the order of the data.
        suggestions: what would be sent, or why not.
        data: names of the data sets.
    """

    closed_ns: int
    results: Sequence[CycleResult]
    suggestions: Sequence[Suggestion]
    data: Sequence[str]

    def to_values(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "data": list(self.data),
            "bar_closed": format_time(self.closed_ns),
            "cycles": [_cycle_values(result) for result in self.results],
            "would_send": [item.to_values() for item in self.suggestions],
            "sent": 0,
        }

    def parts(self) -> list[str | Table]:
        """Return it for a person."""
        shown: list[str | Table] = []
        for result in self.results:
            shown += _cycle_parts(result)
        closed = format_time(self.closed_ns)
        if self.suggestions:
            shown.append(suggestion_table(self.suggestions, f"at the close of {closed}"))
        return [*shown, "nothing was sent"]


def run_newest_cycle(options: MarketOptions, config: Config, bars: Sequence[Bars]) -> CycleReport:
    """Run the desk on the newest bars as advice does: on an assumed account, sending nothing.

    Args:
        options: cash and risk.
        config: with the options on top.
        bars: one per instrument, of one interval.

    Raises:
        InputError: something asked for is not valid.
    """
    from athena.app.advice import closed_steps

    costs = config.costs
    desk = DeskStrategy(
        taker_fee_bps=float(costs.taker_fee_bps), maker_fee_bps=float(costs.maker_fee_bps)
    )
    results: list[CycleResult] = []
    desk.plug(Parts(record=results.append, provenance=tuple(item.provenance for item in bars)))
    newest_ns = max(int(item.ts_ns[-1]) for item in bars)
    since_ns = newest_ns - (_N_CYCLES - 1) * bars[0].interval_ns
    oldest_ns = since_ns - _HISTORY_BARS * bars[0].interval_ns
    recent = [item.between(oldest_ns, None) for item in bars]
    adviser = adviser_for(
        replace(options, strategy=DESK_NAME),
        config,
        recent,
        RunMode.DRY_RUN,
        since_ns=since_ns,
        strategies=[(DESK_NAME, desk)],
    )
    suggestions: list[Suggestion] = []
    closed_ns = 0
    for close_ns, found in closed_steps(recent, since_ns):
        results.clear()
        closed_ns, suggestions = close_ns, adviser.on_bars(close_ns, found)
    return CycleReport(closed_ns, results, suggestions, [item.provenance.name for item in bars])


def _cycle_values(result: CycleResult) -> dict[str, object]:
    decision = result.decision
    return {
        "decision": decision.id,
        "symbol": decision.symbol,
        "action": decision.action.value,
        "confidence": decision.confidence,
        "regime": decision.regime.value,
        "risk_level": decision.risk_level.value,
        "method": decision.method,
        "multiplier": decision.multiplier,
        "hold_code": decision.hold_code,
        "reasons": list(decision.reasons),
        "views": [_view_values(output) for output in result.outputs],
        "votes": [
            {
                "agent": vote.agent,
                "action": vote.action.value,
                "confidence": vote.confidence,
                "weight": vote.weight,
            }
            for vote in decision.votes
        ],
        "missing": [f"{item.what}: {item.reason}" for item in result.missing],
        "plan": _plan_values(decision.plan),
    }


def _view_values(output: Output) -> dict[str, object]:
    return {
        "agent": output.agent,
        "action": output.action.value,
        "label": output.label,
        "confidence": output.confidence,
        "abstains": output.abstains,
        "reasons": list(output.reasons),
        "evidence": {item.name: item.value for item in output.evidence},
    }


def _plan_values(plan: Plan | None) -> dict[str, object] | None:
    if plan is None:
        return None
    return {
        "style": plan.style.value,
        "orders": [
            {
                "side": order.side.value,
                "type": order.type.value,
                "quantity": order.quantity,
                "limit_price": order.limit_price,
                "stop_price": order.stop_price,
                "target_price": order.target_price,
            }
            for order in plan.orders
        ],
        "expected_slippage_bps": plan.expected_slippage_bps,
        "expected_fee_bps": plan.expected_fee_bps,
        "expected_gain_bps": plan.expected_gain_bps,
    }


def _cycle_parts(result: CycleResult) -> list[str | Table]:
    decision = result.decision
    price = result.snapshot.price
    at = "without a price" if price is None else f"at {format_decimal(price)}"
    votes = {vote.agent: vote for vote in decision.votes}
    rows = [_row(output, votes.get(output.agent)) for output in result.outputs]
    rows += [(item.what, "", "", "", f"missing: {item.reason}") for item in result.missing]
    table = Table(
        ("agent", "says", ">confidence", ">weight", "because"), rows, f"{decision.symbol} {at}"
    )
    held = f", nothing is traded: {decision.hold_code}" if decision.hold_code else ""
    return [
        table,
        f"votes: {_sums(decision.votes)} ({decision.method})",
        f"agreement x{decision.multiplier:.4g}",
        f"risk {decision.risk_level}, regime {decision.regime}",
        f"decision: {decision.action} with confidence {decision.confidence:.2f}{held}",
        *(f"  {reason}" for reason in decision.reasons),
        f"  id {decision.id}",
    ]


def _row(output: Output, vote: Vote | None) -> tuple[str, ...]:
    says = "abstains" if output.abstains else output.action.value
    label = f" ({output.label})" if output.label else ""
    return (
        output.agent,
        f"{says}{label}",
        f"{output.confidence:.2f}",
        "" if vote is None else f"{vote.weight:g}",
        "; ".join(output.reasons),
    )


def _sums(votes: Sequence[Vote]) -> str:
    """Add the votes up by direction: weight x confidence."""
    sums: dict[str, float] = {}
    for vote in votes:
        name = direction(vote.action).value
        sums[name] = sums.get(name, 0.0) + vote.weight * vote.confidence
    return ", ".join(f"{name} {total:.2f}" for name, total in sorted(sums.items())) or "none"

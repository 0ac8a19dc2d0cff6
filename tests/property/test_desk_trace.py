"""Whatever a desk decides, it decides again from its trace (DK-22)."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.desk.contract import Plan, Proposal, digest
from athena.desk.trace import TraceWriter, check_entry, decide_again, read_trace
from tests.desk_builder import snapshot_of
from tests.desk_cases import a_plan
from tests.property.test_coordinator_laws import a_judge, answers, cases, quantities
from tests.trace_cases import CLOSES, Heard

SNAPSHOT = snapshot_of(CLOSES)


@settings(max_examples=150)
@given(cases(), st.one_of(st.none(), answers), st.integers(-1, 1), quantities, st.booleans())
def test_a_decision_comes_out_again(  # noqa: PLR0913, PLR0917 - a case, a judge and a planner
    tmp_path_factory: Any,
    case: Any,
    said: Any,
    late_ns: int,
    quantity: Decimal,
    has_planner: bool,
) -> None:
    def plan(proposal: Proposal) -> Plan:
        return a_plan(proposal, str(quantity))

    judge = None if said is None else a_judge(said, late_ns)
    result = Heard(judge, plan if has_planner else None).result(
        case, snapshot=SNAPSHOT, intents=()
    )
    path = Path(tmp_path_factory.mktemp("trace")) / "t.jsonl"
    with TraceWriter(path) as writer:
        writer.append(result)
    (entry,) = read_trace(path, head=writer.head)
    assert entry.decision == result.decision
    assert digest(decide_again(entry)) == entry.decision_digest == digest(result.decision)
    assert all(finding.holds for finding in check_entry(entry))

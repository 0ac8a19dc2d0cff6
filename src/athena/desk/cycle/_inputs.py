"""What a cycle begins with: everything is frozen before the first agent is asked (step 1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.desk.contract import Unavailable
from athena.desk.coordinator import DeskState
from athena.desk.inputs import Macro, Texts
from athena.trading.live import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.desk.agents import PanelAnswer
    from athena.desk.bus import Veto
    from athena.desk.inputs import AccountView, Fundamentals, ReturnTable, Snapshot
    from athena.domain import Regime

_NO_MACRO, _NO_TEXTS = Macro(), Texts()
_NO_PANEL = Unavailable("panel", "no models are configured")


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleInputs:
    """One symbol at one moment, with all that the desk may know of it; nothing in it is later.

    Attributes:
        id: of the decision to come, and the correlation id of the cycle.
        snapshot: of the symbol; its as-of time is the cycle's.
        now_ns: when the cycle begins, UTC, >= the as-of time; equal to it in a backtest.
        account: real positions and money; None when the core does not show them.
        returns: daily returns of what can be held; None when there are none.
        confidence_floors: regime -> least confidence with which the risk engine lets risk through
            now.
        macro, texts, fundamentals: what was known; empty is nothing, and nothing is made up.
        pair: snapshot of the other leg of a pair; None without one.
        panel: answers of the model panel, or why there are none.
        weights: agent -> weight by its record; the weight of its role for others.
        vetoes: said on the bus about proposals.
        state: of the desk.
        level: of degradation.
        shift_max_frac: how far a judge may shift an entry.
    """

    id: str
    snapshot: Snapshot
    now_ns: int
    account: AccountView | None
    returns: ReturnTable | None
    confidence_floors: Mapping[Regime, float]
    macro: Macro = _NO_MACRO
    texts: Texts = _NO_TEXTS
    fundamentals: Fundamentals | None = None
    pair: Snapshot | None = None
    panel: tuple[PanelAnswer, ...] | Unavailable = _NO_PANEL
    weights: Mapping[str, float] = field(default_factory=dict)
    vetoes: tuple[Veto, ...] = ()
    state: DeskState = DeskState.RUNNING
    level: Level = Level.NORMAL
    shift_max_frac: float = 0.01

    @property
    def symbol(self) -> str:
        """Return the instrument's symbol."""
        return self.snapshot.symbol

    @property
    def as_of_ns(self) -> int:
        """Return the moment that the cycle is about, UTC."""
        return self.snapshot.as_of_ns

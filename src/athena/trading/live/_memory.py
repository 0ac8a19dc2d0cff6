"""What a session remembers beside the core's tables; all of it a fold of the journal."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from athena.trading._core import codes, outside
from athena.trading._core import layout as at
from athena.trading.live._plan_book import PlanBook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading._core.layout import Table
    from athena.trading.live._plan_book import PlanRules

MEMORY_NOTE = "memory"
_KEYS_MAX = 20_000
_ADOPTED_MAX = 2_000
_HEADER = 2


class Memory:
    """Keys of what was booked, orders that were taken up, and execution plans.

    Attributes:
        adopted: key of the venue's id -> number of the order in the core, newest 2,000.
        plans: that run, and what became of the newest.
    """

    __slots__ = ("_keys", "adopted", "plans")

    def __init__(self, rules: PlanRules) -> None:
        """Begin with nothing; `rules` are those of what goes on by itself."""
        self._keys: OrderedDict[int, None] = OrderedDict()
        self.adopted: OrderedDict[int, int] = OrderedDict()
        self.plans = PlanBook(rules)

    def has(self, key: int) -> bool:
        """Tell whether a fill or a transfer was booked; the newest 20,000 are known."""
        return key in self._keys

    def take_record(self, words: Table, position: int, adopted_number: int) -> None:
        """Remember what a record booked.

        Args:
            words: of the journal.
            position: where the record begins.
            adopted_number: number that an order got that the record took up; 0 for none.
        """
        kind = words[position] & 0xFF
        first = position + _HEADER
        if kind == at.R_REPORT and words[first] == codes.FILLED_REPORT:
            self.remember(words[first + 6])
        elif kind == at.R_CASH:
            self.remember(words[first + 2])
        elif kind == at.R_HOLDING:
            self.remember(words[first + 4])
        elif kind == at.R_ADOPT and adopted_number:
            self.remember_adopted(words[first + outside.A_REFERENCE], adopted_number)

    def remember_adopted(self, key: int, number: int) -> None:
        """Remember which number an order of the venue was taken up under; key 0 is none."""
        if key == 0:
            return
        self.adopted[key] = number
        if len(self.adopted) > _ADOPTED_MAX:
            self.adopted.popitem(last=False)

    def remember(self, key: int) -> None:
        """Remember that the fill or transfer of a key was booked; 0 is none."""
        if key == 0:
            return
        self._keys[key] = None
        if len(self._keys) > _KEYS_MAX:
            self._keys.popitem(last=False)

    def to_values(self) -> dict[str, object]:
        """Return it as JSON, for a snapshot."""
        return {
            "keys": list(self._keys),
            "adopted": list(self.adopted.items()),
            "plans": self.plans.to_values(),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any], rules: PlanRules) -> Memory:
        """Build it from a snapshot's JSON."""
        memory = cls(rules)
        memory.plans = PlanBook.from_values(values["plans"], rules)
        memory._keys.update(dict.fromkeys(values["keys"]))
        memory.adopted.update((key, number) for key, number in values["adopted"])
        return memory

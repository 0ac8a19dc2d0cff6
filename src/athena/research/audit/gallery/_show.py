"""Audit every specimen and its twin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from athena.research.audit._audit import audit, audit_trader
from athena.research.audit.gallery._bars import gallery_world
from athena.research.audit.gallery._columns import column_specimens
from athena.research.audit.gallery._fills import fill_specimens
from athena.research.audit.gallery._fits import fit_specimens
from athena.research.audit.gallery._specimen import Specimen, TradingSpecimen

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.research.audit._subject import Auditable, AuditResult


@dataclass(frozen=True, slots=True)
class Shown:
    """What the audit said of a specimen and of its twin."""

    specimen: Specimen | TradingSpecimen
    leaking: AuditResult
    honest: AuditResult

    @property
    def is_right(self) -> bool:
        """Tell whether the leak was caught and the twin was not accused."""
        return bool(self.leaking.violations) and self.honest.is_clean


def _as_it_is(subject: Auditable) -> Auditable:
    return subject


def specimens() -> list[Specimen | TradingSpecimen]:
    """List every specimen of the gallery."""
    return [*column_specimens(), *fit_specimens(), *fill_specimens()]


def audit_gallery(on_progress: Callable[[int, int], None]) -> list[Shown]:
    """Audit every specimen and its twin on the gallery's bars.

    Args:
        on_progress: told done and total.
    """
    world = gallery_world()
    shown = []
    hung = specimens()
    for k, specimen in enumerate(hung):
        if isinstance(specimen, Specimen):
            results = [
                audit(partial(_as_it_is, item), world)
                for item in (specimen.leaking, specimen.honest)
            ]
        else:
            results = [audit_trader(item, world) for item in (specimen.leaking, specimen.honest)]
        shown.append(Shown(specimen, *results))
        on_progress(k + 1, len(hung))
    return shown

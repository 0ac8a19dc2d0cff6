"""How much a built-in strategy asks for; the risk engine may shrink it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from athena.domain import Instrument
    from athena.trading import View

_PPM = 1_000_000


@dataclass(slots=True)
class Sizing:
    """Ask for a fixed quantity, or for a fraction of equity when no quantity is given.

    Attributes:
        quantity: in base currency; 0 uses the fraction.
        fraction: of equity, > 0.
    """

    quantity: Decimal = Decimal(0)
    fraction: float = 1.0
    _fixed: dict[int, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse sizes that ask for nothing or less."""
        if not self.quantity.is_finite() or self.quantity < 0:
            message = f"expected quantity >= 0, was {self.quantity}"
            raise InputError(message)
        if not 0 < self.fraction <= 1:
            message = f"expected fraction within 0..1, was {self.fraction}"
            raise InputError(message)

    @property
    def fraction_ppm(self) -> int:
        """Return the fraction in ppm."""
        return round(self.fraction * _PPM)

    def lots(self, view: View, instrument: int = 0) -> int:
        """Return the lots to ask for at this bar's close."""
        if not self.quantity:
            return view.lots_for(self.fraction, instrument)
        if instrument not in self._fixed:
            self._fixed[instrument] = self.fixed_lots(view.instruments[instrument])
        return self._fixed[instrument]

    def fixed_lots(self, instrument: Instrument) -> int:
        """Return the fixed quantity in lots; 0 when the fraction decides."""
        return instrument.quantity_to_lots(self.quantity) if self.quantity > 0 else 0

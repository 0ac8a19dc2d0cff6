"""What a run is about, as the JSON of a journal's manifest; replay builds the state from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import Book, Instrument, from_money
from athena.errors import CoreError, InputError
from athena.trading._core import layout as at
from athena.trading._setup import (
    InstrumentLimits,
    StrategySlot,
    digest_of,
    limit_columns,
    limits_table,
    new_state,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.trading._core.layout import Ints, State
    from athena.trading._setup import StateTables

SETUP_KEY = "setup"
BARS_KEY = "bars"


@dataclass(frozen=True, slots=True)
class BarsReference:
    """Name the recorded bars of one instrument, which the journal does not repeat.

    Attributes:
        data_set: its name, or the path it was read from.
        sha256: digest of its content, hex.
        first, last: index of the first and the last bar that the run read, the last included.
    """

    data_set: str
    sha256: str
    first: int
    last: int


def describe_setup(  # noqa: PLR0913 - what `new_state` takes
    *,
    instruments: Sequence[Instrument],
    instrument_limits: Sequence[InstrumentLimits],
    strategies: Sequence[StrategySlot],
    limits: Ints,
    cash: Decimal,
    start_ns: int,
    targets_trigger: bool = False,
) -> dict[str, object]:
    """Describe the arguments of `new_state` as JSON, for the manifest's key `setup`."""
    return {
        "instruments": [_instrument_values(item) for item in instruments],
        "instrument_limits": [asdict(item) for item in instrument_limits],
        "strategies": [asdict(item) for item in strategies],
        "limits": {name: int(limits[column]) for name, column in limit_columns().items()},
        "cash": str(cash),
        "start_ns": start_ns,
        "targets_trigger": targets_trigger,
    }


def state_of(manifest: Mapping[str, Any]) -> StateTables:
    """Build the state that a run began with, from its manifest.

    Raises:
        InputError: the manifest has no complete `setup` of this version; the message names what.
    """
    try:
        setup = manifest[SETUP_KEY]
        return new_state(
            instruments=instruments_of(manifest),
            instrument_limits=[InstrumentLimits(**item) for item in setup["instrument_limits"]],
            strategies=slots_of(manifest),
            limits=limits_table(setup["limits"]),
            cash=Decimal(setup["cash"]),
            start_ns=setup["start_ns"],
            # Journals of earlier versions do not say it; their targets rested as limits.
            targets_trigger=setup.get("targets_trigger", False),
        )
    except KeyError as error:
        message = f"expected the key {error} in the journal's manifest, was missing"
        raise InputError(message) from error
    except (TypeError, CoreError) as error:
        message = f"expected a manifest of this version in the journal, was another: {error}"
        raise InputError(message, hint="use the version that wrote it") from error


def instruments_of(manifest: Mapping[str, Any]) -> list[Instrument]:
    """Read the instruments of a run, in the order of the core's rows."""
    return [_instrument(item) for item in manifest[SETUP_KEY]["instruments"]]


def slots_of(manifest: Mapping[str, Any]) -> list[StrategySlot]:
    """Read the slots of a run, in the order of the core's rows."""
    return [
        StrategySlot(item["name"], Book(item["book"]), item["share_ppm"])
        for item in manifest[SETUP_KEY]["strategies"]
    ]


def bars_of(manifest: Mapping[str, Any]) -> list[BarsReference]:
    """Read which bars a run saw, one reference an instrument; empty when it names none."""
    return [BarsReference(**item) for item in manifest.get(BARS_KEY, [])]


def _instrument_values(item: Instrument) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in asdict(item).items()
    }


def _instrument(values: Mapping[str, Any]) -> Instrument:
    decimals = ("tick", "lot", "min_quantity", "min_notional")
    return Instrument(**{**values, **{name: Decimal(values[name]) for name in decimals}})


def describe_end(state: State) -> dict[str, object]:
    """Describe what a run came to as JSON, for the journal's final frame; replay compares it."""
    account = state.account
    money = {"cash": at.CASH, "equity": at.EQUITY, "fees": at.FEES, "realised": at.REALISED}
    counts = {
        "marks": at.MARKS,
        "fills": at.N_FILLS,
        "intents": at.N_INTENTS,
        "denied": at.N_DENIED,
    }
    return {
        "digest": digest_of(state),
        **{name: int(account[column]) for name, column in counts.items()},
        **{name: str(from_money(int(account[column]))) for name, column in money.items()},
    }

"""Fault plans as people write them: a word or two on the command line, or a YAML file."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from athena.domain import MINUTE_NS, SECOND_NS, parse_interval_ns
from athena.errors import InputError
from athena.venues.faults._menu import DEFAULT_RATES, Fault
from athena.venues.faults._plan import FaultPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ALL = "all"
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChoice:
    """What was asked for, before it is known when it starts.

    Attributes:
        rates: as in `FaultPlan`.
        seed: that the file states, or None.
        from_ns, until_ns: after the start; None is for ever.
        period_ns, max_delay_ns: as in `FaultPlan`.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    seed: int | None = None
    from_ns: int = 0
    until_ns: int | None = None
    period_ns: int = MINUTE_NS
    max_delay_ns: int = 8 * SECOND_NS

    def plan(self, seed: int, start_ns: int) -> FaultPlan:
        """Make the plan.

        Args:
            seed: counts unless the file states its own.
            start_ns: the exchange's clock at the start.

        Raises:
            InputError: as `FaultPlan`.
        """
        return FaultPlan(
            seed=seed if self.seed is None else self.seed,
            rates=self.rates,
            from_ns=start_ns + self.from_ns,
            until_ns=None if self.until_ns is None else start_ns + self.until_ns,
            period_ns=self.period_ns,
            max_delay_ns=self.max_delay_ns,
        )


def parse_faults(text: str, menu: Iterable[Fault]) -> FaultChoice:
    """Read faults as they stand on a command line, separated by commas.

    `all` is the whole menu and `none` nothing; a fault is its name or its number (`F02`), and a
    rate may stand behind it: `timeout_after_accept,duplicate:0.1`, `all,late:0`.

    Args:
        text: what was typed.
        menu: the faults that can be had here.

    Raises:
        InputError: no such fault (the nearest is named), one that cannot be had here, one that
            stands twice, or a rate that is none.
    """
    possible = frozenset(menu)
    rates: dict[Fault, float] = {}
    named: dict[Fault, float] = {}
    for part in text.split(","):
        name, colon, stated = part.strip().partition(":")
        rate = _rate(stated, name) if colon else None
        if name == _ALL:
            rates = {fault: _or_default(fault, rate) for fault in possible}
        elif name != _NONE:
            fault = _find(name, possible)
            if fault in named:
                message = f"expected each fault once, was {fault} twice"
                raise InputError(message)
            named[fault] = _or_default(fault, rate)
    rates |= named  # what is named counts, before `all` and behind it
    return FaultChoice(rates=_in_order(rates))


def read_fault_file(text: str, menu: Iterable[Fault], *, name: str) -> FaultChoice:
    """Read a plan from YAML.

        seed: 7            # else the run's
        from: 30s          # after the start
        until: 20m         # else for ever
        period: 1m         # switched faults are on at most once in each
        max_delay: 8s      # of late and overtaken requests and messages
        faults:            # or one line, as on the command line
          timeout_after_accept: 0.1
          duplicate:       # the usual rate

    Args:
        text: of the file.
        menu: the faults that can be had here.
        name: of the file, for errors.

    Raises:
        InputError: not YAML, a key that does not exist (the nearest is named), or a value that
            does not fit; the message names the file.
    """
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"expected YAML in {name}, was {' '.join(str(error).split())}"
        raise InputError(message) from None
    if not isinstance(values, Mapping):
        message = f"expected keys and values in {name}, was {type(values).__name__}"
        raise InputError(message)
    for key in values:
        if key not in _READERS and key != "faults":
            message = f"expected a key of a fault plan in {name}, was {key!r}"
            raise InputError(message, hint=_nearest(str(key), ("faults", *_READERS)))
    try:
        read: dict[str, Any] = {
            field_name: reader(values[key])
            for key, (field_name, reader) in _READERS.items()
            if key in values
        }
        return replace(parse_faults(_one_line(values.get("faults")), menu), **read)
    except InputError as error:
        message = f"{name}: {error.message}"
        raise InputError(message, hint=error.hint) from None


def _one_line(faults: object) -> str:
    """Write the value of `faults` as it would stand on a command line."""
    if isinstance(faults, str):
        return faults
    if isinstance(faults, Mapping):
        return ",".join(
            str(key) if value is None else f"{key}:{value}" for key, value in faults.items()
        )
    message = f"expected faults as a line or as names with rates, was {faults!r}"
    raise InputError(message)


def _find(name: str, possible: frozenset[Fault]) -> Fault:
    known = {fault.value: fault for fault in Fault}
    known |= {fault.code: fault for fault in Fault if fault.code}
    fault = known.get(name) or known.get(name.upper())
    if fault is None:
        message = f"expected a fault, was {name!r}"
        choices = [_ALL, *(item.value for item in Fault if item in possible)]
        raise InputError(message, hint=_nearest(name, choices))
    if fault not in possible:
        message = f"expected a fault that a venue can show, was {fault.value}"
        raise InputError(message, hint="it befalls the machine that trades: athena simulate")
    return fault


def _rate(text: str, name: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        message = f"expected the rate of {name} from 0 to 1, was {text!r}"
        raise InputError(message)
    return rate


def _or_default(fault: Fault, rate: float | None) -> float:
    return DEFAULT_RATES[fault] if rate is None else rate


def _in_order(rates: Mapping[Fault, float]) -> dict[Fault, float]:
    return {fault: rates[fault] for fault in Fault if fault in rates}


def _nearest(name: str, choices: Iterable[str]) -> str:
    listed = list(choices)
    near = difflib.get_close_matches(name.lower(), listed, n=1)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(listed)}"


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        message = f"expected seed as a whole number >= 0, was {value!r}"
        raise InputError(message)
    return value


def _interval_ns(value: object) -> int:
    return parse_interval_ns(str(value))


_READERS: Mapping[str, tuple[str, Callable[[object], int]]] = {
    "seed": ("seed", _seed),
    "from": ("from_ns", _interval_ns),
    "until": ("until_ns", _interval_ns),
    "period": ("period_ns", _interval_ns),
    "max_delay": ("max_delay_ns", _interval_ns),
}

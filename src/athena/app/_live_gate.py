"""The live gate at the command line: where its evidence comes from, and how it is shown."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from athena.app._market_options import parse_parameters
from athena.app._output import Table
from athena.app.gate import (
    CONFIGURATION_KEY,
    ENVIRONMENT_NAME,
    Condition,
    Evidence,
    PassedGate,
    StrategyChoice,
    check_gate,
    find_record,
    manifest_of,
    no_record,
    paper_sessions,
    read_passed,
    record_conditions,
    session_store,
    take_fingerprint,
    void_passed,
    write_passed,
)
from athena.domain import format_interval, format_time, parse_interval_ns
from athena.errors import AthenaError
from athena.platform import (
    SecretName,
    SystemClock,
    find_secret,
    how_to_set,
    list_segments,
    need_secret,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app._context import Context
    from athena.app.gate import Fingerprint, GateReport
    from athena.platform.config import Config
    from athena.venues.kraken import KeyInfo, Keys

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_WORD = "live"
_SHOWN_DIGITS = 4
_WORD_BYTES = 8
_ANSWERS = {True: "yes", False: "NO", None: "at start"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """What is to be run live.

    Attributes:
        strategy, param: as typed.
        symbols: ``BASE/QUOTE``.
        interval: of the bars, such as `1h`.
    """

    strategy: str
    param: Sequence[str]
    symbols: Sequence[str]
    interval: str

    @classmethod
    def of(
        cls,
        config: Config,
        strategy: str | None,
        param: Sequence[str],
        symbols: Sequence[str],
        interval: str | None,
    ) -> LiveRequest:
        """Fill in what was not typed from the configuration, as `athena paper` does."""
        given = config.session
        named = symbols or given.symbols.split(",")
        return cls(
            strategy=strategy or given.strategy,
            param=param,
            symbols=[item.strip().upper() for item in named],
            interval=format_interval(parse_interval_ns(interval or given.interval)),
        )

    def fingerprint(self, config: Config) -> Fingerprint:
        """Digest it with the code and the limits.

        Raises:
            InputError: the strategy or a parameter is not valid.
        """
        from athena.research.strategies import load_strategy

        parameters = parse_parameters(self.param)
        _, strategy = load_strategy(self.strategy, parameters)
        choice = StrategyChoice(self.strategy, parameters, strategy)
        markets = [f"{symbol} {self.interval}" for symbol in self.symbols]
        return take_fingerprint(config.risk, [choice], markets)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check.

    Attributes:
        report: every condition.
        fingerprint: of what is to be run.
        passed_ns: when the paper record passed; None when it did not.
    """

    report: GateReport
    fingerprint: Fingerprint
    passed_ns: int | None

    def to_values(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "open": self.report.is_open,
            "fingerprint": self.fingerprint.to_values(),
            "passed_at": None if self.passed_ns is None else format_time(self.passed_ns),
            "conditions": [
                {
                    "name": item.name,
                    "holds": item.holds,
                    "text": item.text,
                    "value": item.value,
                    "n": item.n,
                    "interval": [item.low, item.high],
                    "method": item.method,
                }
                for item in self.report.conditions
            ],
        }

    def table(self) -> Table:
        """Return it for a person."""
        rows = [
            (
                item.name,
                _ANSWERS[item.holds],
                item.text,
                "" if item.n is None else f"{item.n:,}",
                _interval(item),
            )
            for item in self.report.conditions
        ]
        return Table(("condition", "holds", "found", ">n", "95% interval"), rows)


def check(context: Context, config: Config, request: LiveRequest) -> Checked:
    """Judge the gate with the paper record measured anew.

    One that passes is kept; one that does not voids a record of the same code, limits and
    strategies that was kept before.

    Raises:
        InputError: what is to be run is not valid.
        CheckFailed: the journal of the paper session is damaged.
    """
    fingerprint = request.fingerprint(config)
    conditions, session = _measured(context, fingerprint)
    passed_ns = None
    before = read_passed(context.home)
    if not all(item.holds for item in conditions):
        if before is not None and before.fingerprint == fingerprint:
            void_passed(context.home)
    else:
        passed_ns = SystemClock().now_ns()
        write_passed(
            context.home,
            PassedGate(
                passed_ns=passed_ns,
                session=session,
                fingerprint=fingerprint,
                conditions=conditions,
            ),
        )
    report = check_gate(evidence_of(context, config), conditions)
    return Checked(report, fingerprint, passed_ns)


def check_start(context: Context, config: Config, request: LiveRequest) -> Checked:
    """Judge the gate with the paper record that passed, unless something of it has changed.

    Raises:
        InputError: what is to be run, or the record, is not valid.
        CheckFailed: the journal of the paper session is damaged.
    """
    fingerprint = request.fingerprint(config)
    passed = read_passed(context.home)
    if passed is None or passed.fingerprint != fingerprint:
        return check(context, config, request)
    report = check_gate(evidence_of(context, config), passed.conditions)
    return Checked(report, fingerprint, passed.passed_ns)


def evidence_of(context: Context, config: Config) -> Evidence:
    """Gather what the gate asks besides the record; the venue is asked about the key."""
    fault, withdrawal, rights_fault = _judge_keys(config.venues.kraken.url)
    origin = context.loaded.origins.get(CONFIGURATION_KEY, "")
    return Evidence(
        enabled_by=origin if config.live.is_enabled else None,
        environment=os.environ.get(ENVIRONMENT_NAME, ""),
        is_confirmed=None,
        key_fault=fault,
        withdrawal=withdrawal,
        rights_fault=rights_fault,
    )


def confirmation_words() -> str:
    """Return what a person has to type: the word, and the last four characters of the key."""
    found = find_secret(SecretName.KRAKEN_KEY)
    ending = "" if found is None else found.secret.reveal()[-_SHOWN_DIGITS:]
    return f"{_WORD} {ending}"


def live_keys() -> Keys:
    """Return the keys of the account that is traded.

    Raises:
        MissingError: one is missing.
    """
    from athena.venues.kraken import Keys

    what = "athena live"
    return Keys(
        need_secret(SecretName.KRAKEN_KEY, needed_for=what),
        need_secret(SecretName.KRAKEN_SECRET, needed_for=what),
    )


def _measured(context: Context, fingerprint: Fingerprint) -> tuple[tuple[Condition, ...], str]:
    """Judge the paper record; return its conditions, and its session (empty without one)."""
    home = context.home
    n_words = sum(
        path.stat().st_size // _WORD_BYTES
        for folder in paper_sessions(home)
        for path in list_segments(session_store(folder).folder)
    )
    done = 0

    with context.output.progress("paper record", n_words, "words") as progress:

        def advance(n: int) -> None:
            nonlocal done
            done += n
            progress(done)

        record = find_record(home, fingerprint.digest, advance)
    if record is None:
        return no_record(_why_none(context, fingerprint)), ""
    return record_conditions(record), record.session


def _why_none(context: Context, fingerprint: Fingerprint) -> str:
    """Say why no paper session counts."""
    passed = read_passed(context.home)
    if passed is not None and passed.fingerprint != fingerprint:
        other = ", ".join(fingerprint.differences(passed.fingerprint.to_values()))
        return f"the gate was passed {format_time(passed.passed_ns)} with other {other}: void"
    sessions = paper_sessions(context.home)
    if not sessions:
        return "no paper session here"
    recorded = [manifest_of(folder).get("fingerprint") for folder in sessions]
    others = [
        ", ".join(fingerprint.differences(item)) for item in recorded if isinstance(item, dict)
    ]
    if "" in others:
        return "no minute of live prices yet"
    return f"every paper session ran with other {others[-1] if others else 'code'}"


def _judge_keys(url: str) -> tuple[str, tuple[str, ...] | None, str]:
    """Return what is wrong with the keys, which rights of withdrawal they have, and why not."""
    from athena.venues.kraken import Keys

    try:
        found = [find_secret(name) for name in (SecretName.KRAKEN_KEY, SecretName.KRAKEN_SECRET)]
    except AthenaError as error:
        return error.message, None, ""
    key, secret = found
    if key is None or secret is None:
        missing = SecretName.KRAKEN_KEY if key is None else SecretName.KRAKEN_SECRET
        return f"{missing} is missing; {how_to_set(missing)}", None, ""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        return f"expected venues.kraken.url with https, was {url}", None, ""
    try:
        info = asyncio.run(_ask_rights(url, Keys(key.secret, secret.secret)))
    except AthenaError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return "", None, f"{error.message}{hint}"
    return "", info.withdrawal, ""


async def _ask_rights(url: str, keys: Keys) -> KeyInfo:
    from athena.venues.kraken import (
        NonceSource,
        PrivateTransport,
        Signer,
        key_info_call,
        read_key_info,
    )

    async with PrivateTransport(url, Signer(url, keys, NonceSource())) as transport:
        return read_key_info(await transport.make(key_info_call(SystemClock().now_ns())))


def _interval(item: Condition) -> str:
    if item.n is None:
        return ""
    low, high = ("" if edge is None else f"{edge:.4g}" for edge in (item.low, item.high))
    return f"{low} .. {high}" if low or high else "none"

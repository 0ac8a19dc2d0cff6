"""Begin a session on an account, or take one up again from its journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import SECOND_NS, Book, format_time
from athena.errors import InputError, RefusedError
from athena.trading._core import limits as limit
from athena.trading._journal import JournalWriter
from athena.trading._journal_reader import recover_journal
from athena.trading._manifest import SETUP_KEY, describe_setup, state_of
from athena.trading._setup import StrategySlot, digest_of
from athena.trading.live._events import PriceSeen, Tick
from athena.trading.live._fold import fold_journal
from athena.trading.live._memory import Memory
from athena.trading.live._plan_book import RULES_KEY, PlanRules
from athena.trading.live._session import (
    SESSION_KEY,
    SPOT_LEVERAGE,
    Session,
    SessionSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Instrument
    from athena.trading._core.layout import Ints
    from athena.trading._journal_reader import TornTail
    from athena.trading._journal_store import JournalStore
    from athena.trading._setup import InstrumentLimits
    from athena.trading.live._effects import Effect
    from athena.trading.live._events import AccountSeen

EXTERNAL_SLOT = "external"
HOLDINGS_SLOT = "holdings"
_CLOCK_SLACK_NS = 10 * SECOND_NS
_MONEY_STEP = Decimal("1e-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """Say what a session is about.

    Attributes:
        session_id: 32 hex digits from the system's CSPRNG (seeded in simulation).
        mode: name of the run mode.
        instruments, instrument_limits, strategies, limits: as `new_state` takes them, spot only
            and the leverage never above 1; two slots are added, for what others trade and for what
            the account held before.
        settings: how it behaves.
        details: more for the manifest: versions, hashes, venue.
        rules: what goes on by itself.
        coins_slot: that the coins of the account are booked on; None sets them aside.
    """

    session_id: str
    mode: str
    instruments: Sequence[Instrument]
    instrument_limits: Sequence[InstrumentLimits]
    strategies: Sequence[StrategySlot]
    limits: Ints
    settings: SessionSettings
    details: Mapping[str, object]
    rules: PlanRules = field(default_factory=PlanRules)
    coins_slot: int | None = None


def open_session(
    store: JournalStore,
    plan: SessionPlan,
    account: AccountSeen,
    prices: Mapping[int, int],
    *,
    now_ns: int,
) -> tuple[Session, list[Effect]]:
    """Take an account over: its money is the session's, its coins are set aside unless told.

    Args:
        store: empty.
        plan: what the session is about.
        account: a complete view.
        prices: ticks by instrument, of those that the account holds.
        now_ns: our clock.

    Returns:
        The session, and what it wants done first.

    Raises:
        InputError: the account holds no quote currency, the view is not complete, or a price of
            something it holds is missing.
        RefusedError: the store holds a journal already, or an instrument is to be traded on
            margin.
    """
    _refuse_margin(plan.instruments)
    if not account.is_complete:
        message = f"expected a complete view of the account, was one without: {account.reason}"
        raise InputError(message)
    quote = plan.instruments[0].quote
    cash = account.balances.get(quote, Decimal(0)).quantize(_MONEY_STEP, rounding="ROUND_DOWN")
    if cash <= 0:
        message = f"expected {quote} on the account, was {cash}"
        raise InputError(
            message, hint=f"deposit {quote}, or trade symbols quoted in what is there"
        )
    manifest = _manifest(plan, cash, _opened_ns(account), now_ns)
    journal = JournalWriter(store, manifest)
    session = Session(
        state_of(manifest), journal, manifest, Memory(plan.rules), plan.settings, now_ns=now_ns
    )
    slot = plan.coins_slot
    if slot is None:
        slot = manifest[SESSION_KEY]["holdings_slot"]
    effects = _take_over(session, account, prices, slot, now_ns)
    session.flush()
    return session, effects


def _refuse_margin(instruments: Sequence[Instrument]) -> None:
    """Refuse what could go short or borrow: books and account know balances, and no positions.

    Raises:
        RefusedError: an instrument is to be traded on margin.
    """
    on_margin = [item.symbol for item in instruments if item.is_margin]
    if on_margin:
        message = f"expected spot, was {', '.join(on_margin)} on margin"
        raise RefusedError(message, hint="paper and live sessions trade spot at leverage 1")


def _opened_ns(account: AccountSeen) -> int:
    """Return the venue's clock up to which everything is in the opening balances."""
    fills = [fill.ts_ns for fill in account.fills]
    transfers = [transfer.ts_ns for transfer in account.transfers]
    return max([account.venue_ns, *fills, *transfers])


def _manifest(plan: SessionPlan, cash: Decimal, venue_ns: int, now_ns: int) -> dict[str, Any]:
    strategies = [
        *plan.strategies,
        StrategySlot(EXTERNAL_SLOT, Book.HODL, 0),
        StrategySlot(HOLDINGS_SLOT, Book.HODL, 0),
    ]
    limits = plan.limits.copy()
    limits[limit.MAX_LEVERAGE] = SPOT_LEVERAGE  # more is denied as `leverage`, before any request
    setup = describe_setup(
        instruments=plan.instruments,
        instrument_limits=plan.instrument_limits,
        strategies=strategies,
        limits=limits,
        cash=cash,
        start_ns=now_ns,
        targets_trigger=True,
    )
    own = {
        "id": plan.session_id,
        "mode": plan.mode,
        "opened_venue_ns": venue_ns,
        "external_slot": len(plan.strategies),
        "holdings_slot": len(plan.strategies) + 1,
    }
    return {
        **plan.details,
        SETUP_KEY: setup,
        SESSION_KEY: own,
        RULES_KEY: plan.rules.to_values(),
    }


def _take_over(
    session: Session,
    account: AccountSeen,
    prices: Mapping[int, int],
    slot: int,
    now_ns: int,
) -> list[Effect]:
    """Book what the account holds on a slot, then look at its orders."""
    effects: list[Effect] = []
    for k, instrument in enumerate(session.instruments):
        price = prices.get(k, 0)
        if price > 0:
            effects += session.handle(PriceSeen(k, price, price, price, now_ns), now_ns)
        lots = int(account.balances.get(instrument.base, Decimal(0)) / instrument.lot)
        if lots == 0:
            continue
        if price <= 0:
            message = f"expected a price of {instrument.symbol}, of which the account holds some"
            raise InputError(message)
        session.core.holding(slot, k, lots, price, 0)
    effects += session.handle(account, now_ns)
    effects += session.handle(Tick(now_ns), now_ns)
    return effects


@dataclass(frozen=True, slots=True)
class Resumed:
    """Say what was found when a session was taken up again.

    Attributes:
        torn: what a crash left at the journal's end and was cut off; None when nothing.
        digest: of the state that was rebuilt.
        n_events: records that were applied again.
    """

    torn: TornTail | None
    digest: str
    n_events: int


def resume_session(
    store: JournalStore, settings: SessionSettings, *, now_ns: int
) -> tuple[Session, Resumed]:
    """Rebuild a session from its journal: the last snapshot, and what came after (TR-05, I9).

    What lies between the last two snapshots is replayed too and compared with the last one.

    Raises:
        RefusedError: the journal is damaged (it is set aside), or its session has ended.
        CheckFailed: replay makes something else than the journal says.
        InputError: there is no journal.
    """
    recovery = recover_journal(store)
    folded = fold_journal(store)
    journal = JournalWriter.resume(store, recovery.end)
    session = Session(
        folded.tables, journal, folded.manifest, folded.memory, settings, now_ns=now_ns
    )
    session.resume()
    session.flush()
    resumed = Resumed(recovery.torn, digest_of(folded.tables.views), folded.n_events)
    return session, resumed


def refuse_older_clock(session: Session, now_ns: int) -> None:
    """Refuse to go on with a clock that is behind what the journal has seen (F14).

    Until it caught up nothing would age: prices, cool-downs, deadlines. Only for clocks that show
    real time; a served one may be sampled a little differently each time.

    Raises:
        RefusedError: it is behind by more than ten seconds.
    """
    known_ns = session.core.now_ns
    if now_ns < known_ns - _CLOCK_SLACK_NS:
        message = (
            f"expected a clock at or after {format_time(known_ns)}, which the journal has seen, "
            f"was {format_time(now_ns)}"
        )
        raise RefusedError(message, hint="set the machine's clock, then start again")

"""Live processes that are killed and frozen again and again, each with its own exchange (TR-31).

A round is one account: a served exchange with every fault on, a home, and many lives of `athena
paper` that end by SIGKILL; some are frozen by SIGSTOP for a while before. The last life settles
and ends by itself. Then every order and every fill that the exchange has recorded is compared with
the journal: what is missing there is lost, what is there twice, or there alone, is doubled.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.app.gate import session_store
from athena.app.running import LIVE_FOLDER, read_session
from athena.domain import SECOND_NS
from athena.trading import Report, ReportRecord, read_records
from athena.trading import layout as at
from athena.trading.live import fold_journal
from athena.trading.live._identity import OrderIds, key_of
from tests.paper_process import (
    BUSY,
    Served,
    let_run,
    let_trade,
    served,
    start_paper,
    write_market,
    write_strategy,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from athena.trading import Ints

_SPEED = 60
_BARS = 15_000
_SETTLE = "10m"
_ENDS_IN_S = 300
_PAGE = 50
_TRIES = 15
_PAUSE_S = 0.3
_FROZEN_SHARE = 0.2
_LOT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class KillFigures:
    """What came of killing processes.

    Attributes:
        kills: by SIGKILL.
        stops: by SIGSTOP, each taken back by SIGCONT.
        orders, fills: that the venue has recorded.
        lost: of these, how many the books do not have.
        doubled: how many are there twice, at the venue or in the books.
        violations: what was found, in words, with the round.
    """

    kills: int = 0
    stops: int = 0
    orders: int = 0
    fills: int = 0
    lost: int = 0
    doubled: int = 0
    violations: tuple[str, ...] = ()


def soak_by_kills(
    n_kills: int, folder: Path, seed: int, *, lines: int, per_round: int
) -> Iterator[KillFigures]:
    """Kill in rounds, several at once; yield what came of each round as it ends.

    Args:
        n_kills: in all, rounded up to whole rounds.
        folder: for homes and exchanges.
        seed: of the first round.
        lines: rounds at once.
        per_round: kills of one account.
    """
    numbers = range(seed, seed + -(-n_kills // per_round))
    with ThreadPoolExecutor(lines) as pool:
        rounds = [pool.submit(_round, per_round, folder / f"{n}", n) for n in numbers]
        for future in as_completed(rounds):
            yield future.result()


def _round(n_kills: int, folder: Path, seed: int) -> KillFigures:
    """Kill one account's process; whatever goes wrong is a violation, not the end of the soak."""
    folder.mkdir()
    counts = Counter[str]()
    try:
        found = list(_lives(n_kills, folder, seed, counts))
    except Exception as error:  # noqa: BLE001 - told as what it is, with the round
        found = [f"{type(error).__name__}: {error}"]
    names = ("kills", "stops", "orders", "fills", "lost", "doubled")
    violations = tuple(f"round {seed}: {text}" for text in found)
    return KillFigures(**{name: counts[name] for name in names}, violations=violations)


def _lives(n_kills: int, folder: Path, seed: int, counts: Counter[str]) -> Iterator[str]:
    chance = random.Random(seed)  # noqa: S311 - how long a life lasts is no secret
    home = folder / "home"
    data = write_market(folder / "BTCUSD_1m.csv", _BARS)
    strategy = write_strategy(folder / "busy.py")
    faults = ("--faults", "all", "--speed", str(_SPEED), "--seed", str(seed))
    with served(home, data, *faults) as venue:
        environment = {**BUSY, "ATHENA_VENUES__KRAKEN__URL": venue.url}
        options = ("--venue", "kraken", "--speed", str(_SPEED), "--strategy", strategy)

        def start(*more: str) -> subprocess.Popen[str]:
            return start_paper(home, *options, *more, environment=environment)

        for _ in range(n_kills):
            process = start()
            try:
                let_trade(process, home, chance.uniform(0.5, 6.0))
                if chance.random() < _FROZEN_SHARE:
                    process.send_signal(signal.SIGSTOP)
                    time.sleep(chance.uniform(0.5, 4.0))
                    process.send_signal(signal.SIGCONT)
                    counts["stops"] += 1
                    let_run(process, chance.uniform(0.1, 2.0))
            finally:
                process.kill()
                process.communicate()
            counts["kills"] += 1
        process = start("--duration", _SETTLE)
        out, err = process.communicate(timeout=_ENDS_IN_S)
        if process.returncode != 0:
            yield f"exit {process.returncode}: {out}{err}"
            return
        yield from json.loads(out)["violations"]
        yield from _compare(_books(home), venue, counts)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the journal of all lives says.

    Attributes:
        filled: lots of each order that was booked on, by client id.
        trades: keys of the fills that were booked.
        until_s: the venue's seconds up to which it goes.
    """

    filled: Counter[str]
    trades: frozenset[int]
    until_s: float


def _books(home: Path) -> _Books:
    """Read the journal of the only session from its beginning."""
    folders = (home / LIVE_FOLDER).iterdir()
    (folder,) = [path for path in folders if (item := read_session(path)) and item.is_opened]
    ids = OrderIds(folder.name)
    filled = Counter[str]()
    trades: set[int] = set()

    def take(_: object, words: Ints) -> None:
        for record in read_records(words):
            is_fill = isinstance(record, ReportRecord) and record.report is Report.FILLED
            if is_fill and record.trade not in trades:
                trades.add(record.trade)
                filled[ids.client_id(record.order)] += record.lots

    store = session_store(folder)
    folded = fold_journal(store, from_beginning=True, on_words=take)
    now_ns = folded.tables.views.account[at.NOW_NS]
    return _Books(filled, frozenset(trades), now_ns / SECOND_NS)


def _compare(books: _Books, venue: Served, counts: Counter[str]) -> list[str]:
    """Compare all orders and fills; again where they differ, for the exchange lies at times."""
    found: list[str] = []
    for _ in range(_TRIES):
        tally = Counter[str]()
        found = list(_differences(books, venue, tally))
        if not found:
            break
        time.sleep(_PAUSE_S)
    counts.update(tally)
    return found


def _differences(books: _Books, venue: Served, tally: Counter[str]) -> Iterator[str]:
    orders = {**venue.ask("OpenOrders")["open"], **_all(venue, "ClosedOrders", "closed")}
    trades = _all(venue, "TradesHistory", "trades")
    names = {venue_id: item.get("cl_ord_id") for venue_id, item in orders.items()}
    shown = Counter[str]()
    ours = Counter(name for name in names.values() if name)
    tally["orders"], tally["fills"] = len(orders), len(trades)
    for name, n_times in ours.items():
        if n_times > 1:
            tally["doubled"] += 1
            yield f"order {name} is at the venue {n_times} times"
    known = set()
    for trade_id, trade in trades.items():
        key = key_of(trade_id)
        known |= {key, key_of(f"fee {trade_id}")}
        if trade["time"] > books.until_s:
            continue  # nobody was there any more
        shown[names.get(trade["ordertxid"]) or ""] += int(Decimal(str(trade["vol"])) / _LOT)
        if key not in books.trades:
            tally["lost"] += 1
            yield f"fill {trade_id} is not in the books"
    for key in books.trades - known:
        tally["doubled"] += 1
        yield f"fill {key} is in the books and not at the venue"
    for name in ours:
        if books.filled[name] != shown[name]:
            tally["lost"] += books.filled[name] < shown[name]
            tally["doubled"] += books.filled[name] > shown[name]
            yield f"order {name} filled {books.filled[name]} in the books, {shown[name]} there"


def _all(venue: Served, endpoint: str, name: str) -> dict[str, Any]:
    """Return every page of a history."""
    found: dict[str, Any] = {}
    offset, total = 0, 1
    while offset < total:
        page = venue.ask(endpoint, ofs=str(offset))
        found |= page[name]
        offset, total = offset + _PAGE, int(page["count"])
    return found

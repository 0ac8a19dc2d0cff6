"""Public data over real HTTP on loopback, and all that goes wrong there (F07, F08, F09)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from athena.domain import HOUR_NS, SECOND_NS, parse_time_ns
from athena.errors import InputError, ServiceDown, VenueBusy, VenueError, VenueRefused
from athena.platform import SeededIds, VirtualClock
from athena.venues.kraken import (
    HOUSE_RULES,
    OHLC_WINDOW,
    Candle,
    PublicKraken,
    PublicTransport,
)
from athena.venues.limits import RateLimiter
from tests.kraken_messages import body
from tests.kraken_server import FIRST, HOUR, Fault, KrakenServer, kraken_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = parse_time_ns("2026-11-20T12:00:00Z")
HTML = b"<!DOCTYPE html><title>Just a moment...</title>"


@pytest.fixture
def server() -> Iterator[KrakenServer]:
    with kraken_server() as served:
        yield served


class Desk:
    """A client of the server whose waiting is a virtual clock."""

    def __init__(self, server: KrakenServer, folder: Path) -> None:
        self.clock = VirtualClock(START)
        limiter = RateLimiter(
            folder / "limits.json", HOUSE_RULES, self.clock, self._nap, SeededIds(1)
        )
        self.transport = PublicTransport(server.url, timeout_s=5)
        self.kraken = PublicKraken(self.transport, limiter)

    def _nap(self, duration_s: float) -> None:
        self.clock.advance(round(duration_s * SECOND_NS))

    def bars(self, *, since: int = FIRST, have: int | None = None) -> list[tuple[Candle, ...]]:
        rules = self.kraken.pair_rules("BTC/USD")
        have_ns = None if have is None else have * SECOND_NS
        return list(self.kraken.bars(rules, HOUR_NS, since_ns=since * SECOND_NS, have_ns=have_ns))

    def waited_s(self) -> float:
        return (self.clock.now_ns() - START) / SECOND_NS


@pytest.fixture
def desk(server: KrakenServer, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(server, tmp_path)
    with made.transport:
        yield made


def hours(pages: list[tuple[Candle, ...]]) -> list[int]:
    return [(bar.ts_ns // SECOND_NS - FIRST) // HOUR for page in pages for bar in page]


def queries(server: KrakenServer, endpoint: str) -> list[dict[str, str]]:
    return [query for asked, query in server.asked if asked == endpoint]


def test_every_finished_bar_comes_once_and_the_running_one_never(
    server: KrakenServer, desk: Desk
) -> None:
    assert hours(desk.bars()) == list(range(49))
    (query,) = queries(server, "OHLC")
    assert query == {"pair": "XBTUSD", "interval": "60", "since": str(FIRST - 1)}


def test_a_history_in_pages_is_read_page_by_page(server: KrakenServer, desk: Desk) -> None:
    server.page = 20
    assert hours(desk.bars()) == list(range(49))
    asked = [int(query["since"]) for query in queries(server, "OHLC")]
    assert asked == [FIRST - 1, FIRST + 19 * HOUR, FIRST + 39 * HOUR]


def test_what_is_here_is_not_asked_again(desk: Desk) -> None:
    assert hours(desk.bars(have=FIRST + 30 * HOUR)) == list(range(31, 49))
    assert desk.bars(have=FIRST + 48 * HOUR) == []


def test_a_gap_stays_a_gap(server: KrakenServer, desk: Desk) -> None:
    server.missing = {3, 4, 20}
    server.page = 20
    assert hours(desk.bars()) == [hour for hour in range(49) if hour not in {3, 4, 20}]


def test_bars_before_krakens_window_are_refused_not_left_out(
    server: KrakenServer, desk: Desk
) -> None:
    server.n_bars = OHLC_WINDOW + 30
    with pytest.raises(InputError, match=r"was from .* its newest 720") as caught:
        desk.bars()
    assert "--since 2023-11-16T04:00:00Z" in caught.value.hint
    first = FIRST + 30 * HOUR
    assert hours(desk.bars(since=first)) == list(range(30, OHLC_WINDOW + 29))
    with pytest.raises(InputError, match="newest 720"):
        desk.bars(have=FIRST + 20 * HOUR)


def test_a_page_that_repeats_ends_in_an_error(server: KrakenServer, desk: Desk) -> None:
    server.page, server.repeats = 20, True
    with pytest.raises(VenueError, match=r"bars after .* again"):
        desk.bars()


@pytest.mark.parametrize(
    ("fault", "wait_s"),
    [
        (Fault(429), 15),
        (Fault(429, headers={"Retry-After": "40"}), 40),
        (Fault(418), 15),
        (Fault(503, body=HTML), 1),
        (Fault(520), 1),
        (Fault(cut=True), 1),
        (Fault(body=body(None, "EService:Unavailable")), 1),
        (Fault(body=body(None, "EAPI:Rate limit exceeded")), 15),
    ],
)
def test_what_may_pass_is_asked_again_after_a_wait(
    server: KrakenServer, desk: Desk, fault: Fault, wait_s: float
) -> None:
    """F07, F08: and the bars are whole."""
    desk.bars()
    before_s = desk.waited_s()
    server.faults["OHLC"] = [fault]
    assert hours(desk.bars()) == list(range(49))
    assert desk.waited_s() - before_s >= wait_s


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(429), VenueBusy),
        (Fault(502), ServiceDown),
        (Fault(cut=True), ServiceDown),
    ],
)
def test_after_four_tries_it_is_said(
    server: KrakenServer, desk: Desk, fault: Fault, kind: type[Exception]
) -> None:
    server.faults["OHLC"] = [fault] * 9
    with pytest.raises(kind):
        desk.bars()
    assert len(queries(server, "OHLC")) == 4


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (Fault(body=HTML), VenueError, "as JSON"),
        (Fault(404, body=HTML), VenueRefused, "HTTP 404"),
        (Fault(302, headers={"Location": "http://127.0.0.1:1/"}), VenueRefused, "HTTP 302"),
        (Fault(body=body(None, "EQuery:Unknown asset pair")), VenueRefused, "Unknown asset pair"),
        (Fault(body=body({"XXBTZUSD": [], "last": 0})[:-4]), VenueError, "as JSON"),
        (Fault(headers={"Content-Encoding": "gzip"}), VenueError, "packed wrongly"),
    ],
)
def test_what_will_not_pass_is_asked_once(
    server: KrakenServer, desk: Desk, fault: Fault, kind: type[Exception], says: str
) -> None:
    server.faults["OHLC"] = [fault]
    with pytest.raises(kind, match=says):
        desk.bars()
    assert len(queries(server, "OHLC")) == 1


def test_a_server_that_never_answers_times_out(server: KrakenServer) -> None:
    """F09: a half-open socket."""
    server.faults["Time"] = [Fault(hangs=True)]
    with (
        PublicTransport(server.url, timeout_s=0.05) as transport,
        pytest.raises(ServiceDown, match="ReadTimeout"),
    ):
        transport.get("Time", {})


def test_nobody_at_the_address_is_said() -> None:
    with kraken_server() as gone:
        url = gone.url
    with PublicTransport(url) as transport, pytest.raises(ServiceDown, match="ConnectError"):
        transport.get("Time", {})


def test_an_interval_that_kraken_lacks_is_refused_before_anything_is_asked(
    server: KrakenServer, desk: Desk
) -> None:
    rules = desk.kraken.pair_rules("BTC/USD")
    server.asked.clear()
    with pytest.raises(InputError, match="1m, 5m, 15m"):
        list(desk.kraken.bars(rules, 2 * HOUR_NS, since_ns=0))
    assert server.asked == []


def test_the_translators_bring_no_http_client() -> None:
    """Sans-I/O: importing the room loads nothing that could connect."""
    code = "import sys, athena.venues.kraken; sys.exit('httpx2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603  # our own code
    assert done.returncode == 0


def test_calls_keep_to_the_house_limit(server: KrakenServer, desk: Desk) -> None:
    """C05: a call a second once the burst is gone."""
    server.page = 1
    desk.bars()
    assert len(server.asked) == 52
    assert desk.waited_s() >= 52 - 8

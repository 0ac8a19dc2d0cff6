"""Ctrl-C in the middle of `athena data fetch`: exit 130, whole pages kept, and it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from athena.app._fetch import limits_file
from athena.market import list_datasets
from athena.platform import SystemClock
from athena.venues.limits import Counter, LimitState, write_state
from tests.kraken_messages import body
from tests.kraken_server import FIRST, Fault, kraken_server

if TYPE_CHECKING:
    from pathlib import Path


def test_an_interrupted_fetch_keeps_its_pages_and_goes_on(home: Path) -> None:
    write_state(limits_file(home), LimitState({"calls": Counter(0, SystemClock().now_ns())}))
    with kraken_server() as server:
        server.page = 20
        command = [
            sys.executable, "-m", "athena", "data", "fetch", "--venue", "kraken", "--json",
            "--symbol", "BTC/USD", "--interval", "1h", "--since", "2023-11-14T22:00:00Z",
            "--url", server.url,
        ]  # fmt: skip
        page = body(server.answer("OHLC", {"since": str(FIRST - 1)}))
        server.faults["OHLC"] = [Fault(body=page), Fault(hangs=True)]
        with subprocess.Popen(  # noqa: S603  # our own program
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert server.hung.wait(60)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)
        assert running.returncode == 130
        assert list_datasets(home) == []
        (part,) = (home / "cache").glob("kraken-btc-usd-1h-*.csv")
        assert part.read_text().count("\n") == 2 + 20
        done = subprocess.run(  # noqa: S603  # our own program
            command, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rows"] == 49

"""`athena paper` and `athena venue serve` as processes of their own, to be killed at will."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np

from athena.app.running import LIVE_FOLDER, paper_keys, read_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SIGNATURE = base64.b64encode(bytes(64)).decode()
_TRIES = 200
_PAUSE_S = 0.1
# Limits that let a strategy trade every few minutes: here orders are tested, not the limits.
BUSY = {
    "ATHENA_RISK__ENTRY_SLIPPAGE_MAX_FRAC": "1",
    "ATHENA_RISK__LIQUIDITY_FRAC": "1",
    "ATHENA_RISK__ORDERS_PER_MINUTE": "600",
    "ATHENA_RISK__ORDERS_BURST": "100",
    "ATHENA_RISK__LOSS_STREAK__SHORT_COUNT": "10000",
    "ATHENA_RISK__LOSS_STREAK__LONG_COUNT": "10000",
    "ATHENA_RISK__BREAKERS__EXECUTION_ERROR_COUNT": "10000",
    **{
        f"ATHENA_RISK__COOLDOWNS__{name}_MINUTES": "0"
        for name in (
            "AFTER_TRADE",
            "AFTER_LOSS",
            "AFTER_SHORT_STREAK",
            "AFTER_LONG_STREAK",
            "VOLATILITY_SPIKE",
            "FAST_MOVE",
        )
    },
}


STRATEGY = """
from athena.domain import Purpose, Side
from athena.trading import BarStrategy, Intent


class Busy(BarStrategy):
    def on_bar(self, view):
        if view.position >= 20_000:  # less is dust: too little to be sold
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        if view.n_working:
            return None
        return Intent(side=Side.BUY, lots=4_000_000, stop_ticks=view.bar.close * 98 // 100)
"""


def write_strategy(file: Path) -> str:
    """Write a strategy that enters and leaves in turns, bar by bar; return what names it."""
    file.write_text(STRATEGY)
    return f"{file}:Busy"


def write_market(file: Path, n_bars: int = 3_000) -> Path:
    """Write a seeded walk of minutes with plenty of volume as CSV; return the file."""
    rng = np.random.default_rng(11)
    close = 50_000 * np.exp(np.cumsum(rng.normal(0, 0.0008, n_bars)))
    before = np.concatenate(([50_000.0], close[:-1]))
    high = np.maximum(before, close) * (1 + np.abs(rng.normal(0, 0.0004, n_bars)))
    low = np.minimum(before, close) * (1 - np.abs(rng.normal(0, 0.0004, n_bars)))
    volume = rng.uniform(5, 50, n_bars)
    rows = zip(range(n_bars), before, high, low, close, volume, strict=True)
    lines = [
        f"{1_700_000_040 + 60 * k},{o:.1f},{h:.1f},{w:.1f},{c:.1f},{v:.8f}"
        for k, o, h, w, c, v in rows
    ]
    file.write_text("\n".join(("ts,open,high,low,close,volume", *lines)) + "\n")
    return file


@dataclass
class Served:
    """A served exchange, asked as an account's owner would.

    Attributes:
        url: of its REST side.
    """

    url: str
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=2))

    def ask(self, endpoint: str, **fields: str) -> dict[str, Any]:
        """Ask about the paper account until the answer comes through."""
        headers = {"API-Key": paper_keys().key.reveal(), "API-Sign": _SIGNATURE}
        for _ in range(_TRIES):
            try:
                answer = self.client.post(
                    f"{self.url}/0/private/{endpoint}",
                    headers=headers,
                    data={"nonce": str(time.time_ns()), **fields},
                )
                body = json.loads(answer.content, parse_float=Decimal)
            except (httpx2.HTTPError, ValueError):
                continue
            if isinstance(body, dict) and not body.get("error") and "result" in body:
                found: dict[str, Any] = body["result"]
                return found
        message = f"no answer to {endpoint}"
        raise AssertionError(message)


@contextmanager
def served(home: Path, data: Path, *options: str) -> Iterator[Served]:
    """Serve an exchange while the block runs."""
    command = [
        sys.executable, "-m", "athena", "--home", str(home), "venue", "serve", "--json",
        "--data", str(data), "--symbol", "BTC/USD", *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        venue = Served(_first_object(process)["url"])
        with venue.client:
            yield venue
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _first_object(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("}"):
            break
    found: dict[str, Any] = json.loads("".join(lines))
    return found


def start_paper(
    home: Path, *options: str, environment: Mapping[str, str] = BUSY
) -> subprocess.Popen[str]:
    """Start `athena paper --json`."""
    command = [sys.executable, "-m", "athena", "--home", str(home), "paper", "--json", *options]
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def let_trade(process: subprocess.Popen[str], home: Path, seconds: float) -> None:
    """Let a process begin its session and trade for a while; it must not end by itself."""
    for _ in range(_TRIES):
        folders = (home / LIVE_FOLDER).glob("*")
        if any(item.is_opened for folder in folders if (item := read_session(folder))):
            break
        let_run(process, _PAUSE_S)
    let_run(process, seconds)


def let_run(process: subprocess.Popen[str], seconds: float) -> None:
    """Let a process run for a while; it must not end by itself."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return
    message = f"ended by itself with {process.returncode}: {out}{err}"
    raise AssertionError(message)


def eventually_empty(find: Any) -> list[str]:
    """Ask until nothing is found any more; return what is found at last."""
    found: list[str] = find()
    for _ in range(_TRIES):
        if not found:
            return found
        time.sleep(_PAUSE_S)
        found = find()
    return found

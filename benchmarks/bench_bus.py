"""What it costs to say something to a hundred agents at once (C24, DK-14)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.bus import LocalBus, Message, Topic, decode_message, encode_message
from athena.desk.contract import Output, Role
from athena.domain import Action
from athena.platform import SeededIds, VirtualClock
from benchmarks.measure import calibrate
from benchmarks.table import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.table import Report

N_SUBSCRIBERS = 100
N_MESSAGES = 2_000
ROUNDS = 5


def opinions(n: int) -> list[Message]:
    """Return messages of the technical agent, each with an id of its own."""
    ids = SeededIds(42)
    opinion = Output(
        agent="technical", role=Role.TECHNICAL, symbol="BTC/USDT", as_of_ns=1, action=Action.BUY,
        confidence=0.6, raw_confidence=0.6, reasons=("the averages crossed",), evidence=(),
        input_ids=("a" * 64,), version="1", valid_until_ns=2,
    )  # fmt: skip
    return [
        Message(
            id=ids.next_id(), ts_ns=1, topic=Topic.TA_SIGNALS, source="technical",
            payload=opinion, symbol="BTC/USDT",
        )
        for _ in range(n)
    ]  # fmt: skip


def publish_p99_us(n_subscribers: int) -> float:
    """Return the 99th percentile of CPU microseconds of a publish, of the best round."""
    p99s = []
    for _ in range(ROUNDS):
        bus = LocalBus(VirtualClock(1))
        bus.register("technical")
        for k in range(n_subscribers):
            bus.register(f"agent {k}", lambda message: None)  # noqa: ARG005 - it only listens
            bus.subscribe(f"agent {k}", Topic.TA_SIGNALS)
        p99s.append(float(np.percentile(_each_us(bus.publish, opinions(N_MESSAGES)), 99)))
    return min(p99s)


def _each_us(act: Callable[[Message], object], messages: list[Message]) -> list[float]:
    spent = []
    for message in messages:
        began_ns = time.process_time_ns()
        act(message)
        spent.append((time.process_time_ns() - began_ns) / 1_000)
    return spent


def test_publishing(report: Report) -> None:
    calib_s = calibrate()
    messages = opinions(N_MESSAGES)
    there_and_back = min(
        float(np.median(_each_us(lambda m: decode_message(encode_message(m)), messages)))
        for _ in range(ROUNDS)
    )
    report.figures += [
        Figure(
            "bus_publish", f"message bus: one message to {N_SUBSCRIBERS} handlers, p99",
            publish_p99_us(N_SUBSCRIBERS), "CPU-us", 1_000, 1_000, calib_s,
        ),
        Figure(
            "bus_publish_alone", "message bus: one message that nobody hears, p99",
            publish_p99_us(0), "CPU-us", calib_s=calib_s,
        ),
        Figure(
            "bus_wire", "message bus: one opinion written and read for the wire, median",
            there_and_back, "CPU-us", calib_s=calib_s,
        ),
    ]  # fmt: skip

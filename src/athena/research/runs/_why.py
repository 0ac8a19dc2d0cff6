"""The story of every intent of a run, read from its journal: asked, judged, filled, ended."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from athena.research.runs._journal_files import JOURNAL_FOLDER, FileStore
from athena.research.runs._run_files import read_run
from athena.trading import (
    FrameKind,
    IntentRecord,
    Report,
    ReportRecord,
    VerdictRecord,
    instruments_of,
    read_frames,
    read_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from athena.domain import Instrument


@dataclass(slots=True)
class IntentStory:
    """What became of one intent.

    Attributes:
        ts_ns: when it was asked for, the close of the bar that decided.
        order: number of its order.
        asked: side, type and purpose in words.
        confidence: 0..1.
        code: denial code that decided; empty when approved.
        failures: every code that failed.
        approved, filled: base currency.
        state: of the order at the end of the run.
        key: identity of the intent; that of a desk follows from the id of its decision.
    """

    ts_ns: int
    order: int
    symbol: str
    strategy: str
    asked: str
    confidence: float
    code: str = ""
    failures: tuple[str, ...] = ()
    approved: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)
    state: str = "working"
    key: int = 0


def tell_intents(folder: Path) -> list[IntentStory]:
    """Read the story of every intent of a run, in the order they were asked for.

    Args:
        folder: of the run.

    Raises:
        CheckFailed: the journal is damaged.
        InputError: the folder holds no journal.
    """
    record = read_run(folder)
    close_ns = record.ts_ns.tolist()
    instruments: list[Instrument] = []
    names: list[str] = []
    stories: dict[int, IntentStory] = {}
    told: list[IntentStory] = []
    for frame in read_frames(FileStore(folder / JOURNAL_FOLDER)):
        if frame.kind is FrameKind.MANIFEST:
            manifest = frame.values()
            instruments = instruments_of(manifest)
            names = [item["name"] for item in manifest["setup"]["strategies"]]
        if frame.kind is not FrameKind.WORDS:
            continue
        asked: IntentRecord | None = None
        for item in read_records(np.frombuffer(frame.payload, np.int64)):
            if isinstance(item, IntentRecord):
                asked = item
            elif isinstance(item, VerdictRecord) and asked is not None:
                story = _begin(asked, item, instruments, names, close_ns)
                stories[item.order] = story
                told.append(story)
            elif isinstance(item, ReportRecord) and item.order in stories:
                _go_on(stories[item.order], item, instruments)
    return told


def _begin(
    asked: IntentRecord,
    verdict: VerdictRecord,
    instruments: list[Instrument],
    names: list[str],
    close_ns: list[int],
) -> IntentStory:
    is_known = 0 <= asked.instrument < len(instruments)
    lot = instruments[asked.instrument].lots_to_quantity if is_known else Decimal
    return IntentStory(
        ts_ns=close_ns[asked.marks - 1],
        order=verdict.order,
        symbol=instruments[asked.instrument].symbol if is_known else "",
        strategy=names[asked.strategy] if 0 <= asked.strategy < len(names) else "",
        asked=f"{asked.side} {asked.type} ({asked.purpose})",
        confidence=asked.confidence_ppm / 1e6,
        code="" if verdict.code is None else str(verdict.code),
        failures=tuple(str(code) for code in verdict.failed),
        approved=lot(verdict.approved_lots),
        state="denied" if verdict.code is not None else "working",
        key=asked.key,
    )


# What a report says of the order it is about.
_STATES = {
    Report.ACCEPTED: "open",
    Report.REFUSED: "rejected",
    Report.CANCELLED: "cancelled",
    Report.EXPIRED: "expired",
}


def _go_on(story: IntentStory, item: ReportRecord, instruments: list[Instrument]) -> None:
    if item.report is Report.FILLED and item.terms is not None:
        story.filled += instruments[item.terms.instrument].lots_to_quantity(item.lots)
        story.state = "filled" if story.filled >= story.approved else "partially_filled"
    elif isinstance(item.report, Report):
        story.state = _STATES.get(item.report, story.state)

"""Files of questions whose answers stand in known entries."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.errors import InputError, MissingError
from athena.platform import storage_errors

if TYPE_CHECKING:
    from pathlib import Path

_GZIP = b"\x1f\x8b"
_TURN = re.compile(r"D\d+:\d+")
# Category 5 asks for what was never said: there is no entry to find.
_UNANSWERABLE = 5
_HINT = "see docs/explanation/memory.md for the two forms of file"


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of a dialogue.

    Attributes:
        id: in the file.
        text: what was said.
        episode: its session; entries of one follow each other.
    """

    id: str
    text: str
    episode: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about a dialogue.

    Attributes:
        text: the question.
        gold: ids of the entries that answer it, at least one.
    """

    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Entries and the questions about them; each dialogue is a memory of its own."""

    name: str
    entries: tuple[Said, ...]
    questions: tuple[Asked, ...]


def read_dialogues(path: Path) -> list[Dialogue]:
    """Read a file of questions, plain or gzipped JSON.

    Either `{"dialogues": [{"name", "entries": [{"id", "text", "episode"}], "questions": [{"text",
    "gold": [id]}]}]}`, or a list of conversations as LoCoMo has them (A. Maharana et al. (2024),
    Evaluating very long-term conversational memory of LLM agents, ACL). Questions whose answer
    stands in no entry are left out.

    Raises:
        MissingError: there is no such file.
        InputError: it has another form, or no question is left.
    """
    if not path.is_file():
        message = f"expected a file of questions at {path}, was none"
        raise MissingError(message, hint=_HINT)
    with storage_errors(path):
        data = path.read_bytes()
    try:
        values = json.loads(gzip.decompress(data) if data.startswith(_GZIP) else data)
        is_locomo = isinstance(values, list)
        dialogues = [_locomo(item) for item in values] if is_locomo else _plain(values)
    except (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        message = (
            f"expected a file of questions in {path}, was another form ({type(error).__name__})"
        )
        raise InputError(message, hint=_HINT) from error
    if not any(dialogue.questions for dialogue in dialogues):
        message = f"expected questions with gold ids in {path}, was none"
        raise InputError(message, hint=_HINT)
    return dialogues


def _plain(values: dict[str, Any]) -> list[Dialogue]:
    return [
        _dialogue(
            str(item["name"]),
            [
                Said(str(turn["id"]), str(turn["text"]), str(turn.get("episode", "")))
                for turn in item["entries"]
            ],
            [(str(asked["text"]), map(str, asked["gold"])) for asked in item["questions"]],
        )
        for item in values["dialogues"]
    ]


def _locomo(item: dict[str, Any]) -> Dialogue:
    talk = item["conversation"]
    turns = []
    number = 1
    while (session := f"session_{number}") in talk:
        turns += [Said(turn["dia_id"], _words_of(turn), session) for turn in talk[session]]
        number += 1
    asked = [
        (str(question["question"]), _TURN.findall(" ".join(question["evidence"])))
        for question in item["qa"]
        if question["category"] != _UNANSWERABLE
    ]
    return _dialogue(str(item["sample_id"]), turns, asked)


def _words_of(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['speaker']}: {turn['text']}" + (f" [{caption}]" if caption else "")


def _dialogue(name: str, turns: list[Said], asked: list[Any]) -> Dialogue:
    known = {turn.id for turn in turns}
    questions = [Asked(text, frozenset(gold) & known) for text, gold in asked]
    return Dialogue(name, tuple(turns), tuple(item for item in questions if item.gold))

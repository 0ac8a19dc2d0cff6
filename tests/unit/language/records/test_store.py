"""Recordings: named by what was asked, whole or absent, checked whenever they are read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.language import (
    Completion,
    Exchange,
    ExchangeStore,
    Failed,
    RecordingDamaged,
    RecordingMissing,
    Why,
)
from athena.language.questions import digest, first_request
from tests.language_builder import BUY, NOW_NS, model, opinion_question, text

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = first_request(opinion_question(), model())


def exchange(outcome: Completion | Failed) -> Exchange:
    return Exchange(REQUEST.key, outcome, Decimal("0.000130"), 812, NOW_NS)


@pytest.mark.parametrize(
    "outcome",
    [text(BUY), text("", None, None), text("\U0001f600 é \u2028"),
     Failed(Why.BUSY, "HTTP 429", retry_after_s=3600.0), Failed(Why.LATE, "late", may_cost=True)],
)  # fmt: skip
def test_what_was_written_is_read(tmp_path: Path, outcome: Any) -> None:
    store = ExchangeStore(tmp_path / "exchanges")
    store.write(REQUEST, exchange(outcome))
    assert store.read(REQUEST) == exchange(outcome)
    assert store.need(REQUEST) == exchange(outcome)
    assert [path.name for path in tmp_path.rglob("*.json")] == [f"{REQUEST.key}.json"]


def test_what_was_never_written_is_absent_and_whoever_needs_it_is_told(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path / "exchanges")
    assert store.read(REQUEST) is None
    with pytest.raises(RecordingMissing, match="alpha first-model") as caught:
        store.need(REQUEST)
    assert "record" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_later_exchange_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path)
    store.write(REQUEST, exchange(Failed(Why.LATE, "late")))
    store.write(REQUEST, exchange(text(BUY)))
    assert store.need(REQUEST).outcome == text(BUY)


def test_the_same_exchange_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ExchangeStore(tmp_path / name).write(REQUEST, exchange(text(BUY)))
    paths = sorted(tmp_path.rglob("*.json"))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def changed(body: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**body, **changes}).encode()


def test_a_recording_that_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path)
    store.write(REQUEST, exchange(text(BUY)))
    path = store.path(REQUEST.key)
    sound = path.read_bytes()
    body = json.loads(sound)
    other = {**body["asked"], "model": "dearer"}
    damages = [
        b"", b"{}", b"[]", b"null", b"\xff", sound[:-9], sound.replace(b"buy", b"sel"),
        changed(body, cost_usd="0"), changed(body, asked=other), changed(body, key="0" * 64),
        changed(body, format="athena-exchange-2"), changed(body, sha256=""), b"[" * 100_000,
    ]  # fmt: skip
    for damage in damages:
        path.write_bytes(damage)
        with pytest.raises(RecordingDamaged, match=REQUEST.key):
            store.read(REQUEST)
    forged = {**body, "asked": other}
    forged.pop("sha256")
    path.write_bytes(changed(forged, sha256=digest(forged)))
    with pytest.raises(RecordingDamaged, match=REQUEST.key):
        store.read(REQUEST)
    path.write_bytes(sound)
    assert store.need(REQUEST).outcome == text(BUY)


def test_every_single_byte_counts(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path)
    store.write(REQUEST, exchange(text(BUY)))
    path = store.path(REQUEST.key)
    sound = path.read_bytes()
    for place in range(0, len(sound) - 1, 7):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises(RecordingDamaged):
            store.read(REQUEST)


def test_a_recording_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path)
    store.write(REQUEST, exchange(text(BUY)))
    second = first_request(opinion_question(material="RSI is 70."), model())
    store.path(second.key).parent.mkdir(exist_ok=True)
    store.path(second.key).write_bytes(store.path(REQUEST.key).read_bytes())
    with pytest.raises(RecordingDamaged):
        store.read(second)

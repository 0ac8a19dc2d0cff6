"""Texts scored by models: by number, in batches, news and posts apart, and never by command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import SentimentRule, TextScore
from athena.desk.contract import Unavailable, digest
from athena.desk.inputs import Text, TextKind, TextProvenance, Texts
from athena.desk.models import ModelClassifier
from athena.domain import Action
from athena.language import Failed, Why
from tests.desk_builder import context_of
from tests.desk_cases import NOW_NS
from tests.desk_models_builder import INJECTION, Scripted, replaying

if TYPE_CHECKING:
    from pathlib import Path

SCORING = "You score texts"


def texts(*words: str, kind: TextKind = TextKind.NEWS) -> list[Text]:
    return [
        Text(
            kind=kind,
            provider="made",
            source="test",
            text=said,
            published_ns=NOW_NS,
            arrived_ns=NOW_NS,
            provenance=TextProvenance.RECORDED,
        )
        for said in words
    ]


def shown_texts(shown: str) -> list[Any]:
    found: list[Any] = json.loads(shown.split("\n")[1])
    return found


def by_words(request: Any) -> str:
    """Score 0.9 where a text says good, -0.9 otherwise; leave hidden ones out."""
    scores = [
        {
            "number": item["number"],
            "score": 0.9 if "good" in item["text"] else -0.9,
            "confidence": 0.8,
        }
        for item in shown_texts(request.messages[1].text)
        if item["text"] is not None
    ]
    return json.dumps({"scores": scores})


def test_each_text_gets_the_score_of_its_number(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, {SCORING: by_words})
    said = texts("good news", "bad news", "good again")
    found = ModelClassifier(asker).score(said, NOW_NS)
    assert found == (TextScore(0.9, 0.8), TextScore(-0.9, 0.8), TextScore(0.9, 0.8))


def test_posts_and_news_are_asked_apart_and_put_in_order(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, {SCORING: by_words})
    said = [*texts("good post", kind=TextKind.SOCIAL), *texts("bad news"), *texts("good news")]
    found = ModelClassifier(asker).score(said, NOW_NS)
    assert not isinstance(found, Unavailable)
    assert [one.score for one in found] == [0.9, -0.9, 0.9]
    assert [len(shown_texts(shown)) for shown in asker.shown] == [2, 1]


def test_many_texts_are_asked_in_batches(tmp_path: Path) -> None:
    asker = Scripted(tmp_path, {SCORING: by_words})
    found = ModelClassifier(asker).score(texts(*[f"good {k}" for k in range(45)]), NOW_NS)
    assert len(found) == 45  # type: ignore[arg-type]
    assert [len(shown_texts(shown)) for shown in asker.shown] == [20, 20, 5]


def one_score(**changes: Any) -> str:
    return json.dumps({"scores": [{"number": 1, "score": 0.5, "confidence": 0.5, **changes}]})


@pytest.mark.parametrize(
    "said",
    [
        "bullish!",
        one_score(score=1e9),
        one_score(score="high"),
        one_score(number=2),
        one_score(action="buy"),
        '{"scores": []}',
        one_score().replace("]", ', {"number": 1, "score": 1, "confidence": 1}]'),
        Failed(Why.BUSY, "429 for an hour"),
    ],
)
def test_without_scores_of_the_form_words_are_counted(tmp_path: Path, said: str | Failed) -> None:
    """C22: and the agent's confidence is capped."""
    rule = SentimentRule(ModelClassifier(Scripted(tmp_path, {SCORING: said})))
    found = rule.judge(context_of(Texts(tuple(texts("crash"))), as_of_ns=NOW_NS))
    assert found.action is Action.SELL
    assert found.confidence_cap == 0.25
    assert "words are counted" in found.reasons[1]


def test_an_order_in_a_headline_reaches_the_model_as_data(tmp_path: Path) -> None:
    """DK-44: only a score comes back."""
    asker = Scripted(tmp_path, {SCORING: by_words})
    ModelClassifier(asker).score(texts(INJECTION), NOW_NS)
    (request,) = asker.provider.asked
    assert INJECTION not in request.messages[0].text
    assert request.messages[1].text.count("</data>") == 1


def test_blind_a_text_that_tells_where_or_when_is_hidden_and_worth_nothing(
    tmp_path: Path,
) -> None:
    """DK-21."""
    asker = Scripted(tmp_path, {SCORING: by_words})
    said = texts("Bitcoin good in May 2021", "a good day for the market")
    found = ModelClassifier(asker, is_blind=True).score(said, NOW_NS)
    assert found == (TextScore(0.0, 0.0), TextScore(0.9, 0.8))
    assert "Bitcoin" not in asker.shown[0]


def test_replays_are_equal(tmp_path: Path) -> None:
    """DK-20."""
    said = texts("good", "bad")
    first = ModelClassifier(Scripted(tmp_path, {SCORING: by_words})).score(said, NOW_NS)
    again = [ModelClassifier(replaying(tmp_path)).score(said, NOW_NS) for _ in range(2)]
    assert {digest(one) for one in again} == {digest(first)}

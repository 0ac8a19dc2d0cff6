"""The sentiment agent: what news and social texts say, scored by a model or by words (4.3)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from athena.desk.agents._breakers import Breaker, BreakerRules
from athena.desk.agents._opinion import NewestDigest, Opinion, abstain, evidence_of
from athena.desk.agents._technical import DEGRADED_CAP
from athena.desk.agents._words import NEGATIVE, POSITIVE, score_text
from athena.desk.contract import Mention, SentimentView, Unavailable
from athena.desk.inputs import TextKind, Texts, texts_at
from athena.domain import SECOND_NS, Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athena.desk.contract import Context
    from athena.desk.inputs import Text

_SHOWN_LETTERS = 200
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SentimentSettings:
    """Numbers of the sentiment agent.

    Attributes:
        social_weight, news_weight: of the two kinds of text; only their ratio matters.
        mild, strong: absolute score from which there is a mood, and a strong one.
        n_events, n_narratives: shown at most.
        keyword_confidence: of word counting, at most.
        cache_ns: how long a provider's texts serve.
        breaker: when a provider is left alone.
    """

    social_weight: float = 0.6
    news_weight: float = 0.6
    mild: float = 0.2
    strong: float = 0.6
    n_events: int = 5
    n_narratives: int = 3
    keyword_confidence: float = 0.3
    cache_ns: int = 1_750 * SECOND_NS
    breaker: BreakerRules = field(default_factory=BreakerRules)


class TextScore(NamedTuple):
    """What a classifier says of one text: score -1..1, confidence 0..1."""

    score: float
    confidence: float


class TextClassifier(Protocol):
    """Scores texts: a small finance classifier, or a model that answers in a schema.

    The words of a text are data: whatever they ask for, only a score comes back.
    """

    @property
    def name(self) -> str:
        """Return what evidence names as its source."""

    def score(self, texts: Sequence[Text], as_of_ns: int) -> tuple[TextScore, ...] | Unavailable:
        """Score each text at a moment, or say why not; nothing is raised."""


class TextProvider(Protocol):
    """A source of texts: a news service, a social feed, a filings service."""

    @property
    def name(self) -> str:
        """Return its name, as `Text.provider` has it."""

    def fetch(self, symbol: str, as_of_ns: int) -> tuple[Text, ...] | Unavailable:
        """Fetch what there is about a symbol, or say why not; nothing is raised or made up."""


class TextCollector:
    """Ask the providers, each at most once within the cache time and never during its rest.

    Memory is bounded: one answer per provider and symbol.
    """

    def __init__(
        self, providers: Sequence[TextProvider], settings: SentimentSettings | None = None
    ) -> None:
        """Begin with nothing asked."""
        self._providers = tuple(providers)
        self._settings = settings or SentimentSettings()
        self._breakers = {item.name: Breaker() for item in self._providers}
        self._kept: dict[tuple[str, str], tuple[int, tuple[Text, ...]]] = {}

    def collect(self, symbol: str, as_of_ns: int, *, is_mock: bool = False) -> Texts:
        """Return what may be read about a symbol at a moment; a failed provider is a gap.

        Args:
            symbol: instrument.
            as_of_ns: the moment.
            is_mock: True in a mode whose name says that data are made up.
        """
        found: list[Text] = []
        gaps: list[str] = []
        for provider in self._providers:
            answer = self._ask(provider, symbol, as_of_ns)
            if isinstance(answer, Unavailable):
                gaps.append(f"{provider.name}: {answer.reason}")
            else:
                found += answer
        return texts_at(found, as_of_ns, symbol, is_mock=is_mock, gaps=tuple(gaps))

    def _ask(
        self, provider: TextProvider, symbol: str, as_of_ns: int
    ) -> tuple[Text, ...] | Unavailable:
        key, rules = (provider.name, symbol), self._settings.breaker
        asked_ns, kept = self._kept.get(key, (0, ()))
        if key in self._kept and 0 <= as_of_ns - asked_ns < self._settings.cache_ns:
            return kept
        breaker = self._breakers[provider.name]
        if not breaker.may_ask(as_of_ns, rules):
            return Unavailable(provider.name, f"resting after {breaker.failures} failures")
        answer = provider.fetch(symbol, as_of_ns)
        success = not isinstance(answer, Unavailable)
        self._breakers[provider.name] = breaker.after(as_of_ns, rules, success=success)
        if not isinstance(answer, Unavailable):
            self._kept[key] = (as_of_ns, answer)
        return answer


class SentimentRule:
    """Score what was collected; it remembers nothing."""

    def __init__(
        self,
        classifier: TextClassifier | None = None,
        settings: SentimentSettings | None = None,
    ) -> None:
        """Take a classifier; without one, or when it fails, words are counted."""
        self._classifier = classifier
        self._settings = settings or SentimentSettings()
        self._texts = NewestDigest()

    def input_ids(self, inputs: Texts) -> tuple[str, ...]:
        """Return the digest of the texts."""
        return (self._texts.of(inputs),)

    def judge(self, context: Context[Texts]) -> Opinion:
        """Score the texts; without any it abstains with score 0 and confidence 0."""
        inputs, settings = context.inputs, self._settings
        read = [item for item in inputs.texts if item.kind is not TextKind.FILING]
        if not read:
            view = self._view(inputs, 0.0, 0)
            return abstain("no texts", *inputs.gaps, label="neutral", detail=view)
        scores, source, remark = self._scores(read, context.as_of_ns)
        score = _weighted(read, scores, settings)
        action, label = self._label(score)
        confidence = math.fsum(item.confidence for item in scores) / len(scores)
        says = f"{label}: {score:+.2f} over {len(read)} texts"
        failed = remark and self._classifier is not None
        return Opinion(
            action=action,
            confidence=confidence,
            confidence_cap=DEGRADED_CAP if failed else 1.0,
            label=label,
            reasons=(says, *remark, *inputs.gaps),
            evidence=evidence_of([("score", score), ("n_texts", float(len(read)))], "", source),
            detail=self._view(inputs, score, len(read)),
        )

    def _scores(
        self, texts: Sequence[Text], as_of_ns: int
    ) -> tuple[tuple[TextScore, ...], str, tuple[str, ...]]:
        """Return a score per text, who made them, and why it was not the classifier."""
        reason = "no classifier: words are counted"
        if self._classifier is not None:
            answer = self._classifier.score(texts, as_of_ns)
            if isinstance(answer, Unavailable):
                reason = f"{answer.what}: {answer.reason}; words are counted"
            elif not _are_scores(answer, len(texts)):
                reason = f"{self._classifier.name} gave no scores; words are counted"
            else:
                return answer, self._classifier.name, ()
        return self._count_words([item.text for item in texts]), "words", (reason,)

    def _count_words(self, texts: Sequence[str]) -> tuple[TextScore, ...]:
        confidence = self._settings.keyword_confidence
        return tuple(
            TextScore(score_text(text), confidence if _has_mood(text) else 0.0) for text in texts
        )

    def _label(self, score: float) -> tuple[Action, str]:
        settings = self._settings
        if abs(score) < settings.mild:
            return Action.HOLD, "neutral"
        strength = "strongly_" if abs(score) >= settings.strong else ""
        if score > 0:
            return Action.BUY, f"{strength}bullish"
        return Action.SELL, f"{strength}bearish"

    def _view(self, inputs: Texts, score: float, n_texts: int) -> SentimentView:
        news = (item for item in inputs.texts if item.kind is not TextKind.SOCIAL)
        social = (item for item in inputs.texts if item.kind is TextKind.SOCIAL)
        return SentimentView(
            score=score,
            n_texts=n_texts,
            events=_mentions(news, self._settings.n_events),
            narratives=_mentions(social, self._settings.n_narratives),
            providers=tuple(sorted({item.provider for item in inputs.texts})),
            missing=inputs.gaps,
        )


def _are_scores(answer: tuple[TextScore, ...], n: int) -> bool:
    """Tell whether a classifier kept to its form: one score per text, in range, no NaN."""
    return len(answer) == n and all(
        -1 <= item.score <= 1 and 0 <= item.confidence <= 1 for item in answer
    )


def _weighted(
    texts: Sequence[Text], scores: Sequence[TextScore], settings: SentimentSettings
) -> float:
    """Return the mean of the kinds' mean scores, by their weights; a kind without texts is out."""
    by_kind: dict[TextKind, list[float]] = {}
    for text, scored in zip(texts, scores, strict=True):
        by_kind.setdefault(text.kind, []).append(scored.score)
    weights: Mapping[TextKind, float] = {
        TextKind.SOCIAL: settings.social_weight,
        TextKind.NEWS: settings.news_weight,
    }
    total = math.fsum(weights[kind] for kind in by_kind)
    mean = math.fsum(
        weights[kind] * math.fsum(values) / len(values) for kind, values in by_kind.items()
    )
    return max(-1.0, min(1.0, mean / total))


def _has_mood(text: str) -> bool:
    words = set(_WORD.findall(text.casefold()))
    return not words.isdisjoint(POSITIVE | NEGATIVE)


def _mentions(texts: Iterable[Text], n: int) -> tuple[Mention, ...]:
    """Return the newest texts, the same words once, whoever wrote them."""
    found: dict[tuple[str, ...], Mention] = {}
    for item in texts:  # newest first
        words = tuple(_WORD.findall(item.text.casefold()))
        if words not in found:
            shown = item.text[:_SHOWN_LETTERS]
            found[words] = Mention(shown, item.source, item.known_at_ns)
        if len(found) == n:
            break
    return tuple(found.values())

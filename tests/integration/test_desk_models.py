"""A desk with models over real connections: every way to fail, and what the desk does then.

The market rises steadily: by rules the desk buys. Whatever models do, it holds or buys no more
than that, its reasons say what failed, and a replay repeats it without a connection.
"""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.agents import sentiment_agent
from athena.desk.contract import Output, Role, digest
from athena.desk.cycle import run_cycle
from athena.desk.hosting import DeskStrategy, Parts
from athena.desk.inputs import Text, TextKind, TextProvenance, Texts
from athena.desk.models import (
    DebateSettings,
    ModelClassifier,
    ModelJudge,
    ask_panel,
    debated_panel_agent,
    debated_strategy_agent,
    worded_technical_agent,
)
from athena.domain import Action, Purpose
from athena.language import Mode, RecordingMissing, open_asker
from athena.platform import VirtualClock
from athena.platform.config import LanguageConfig, load_config
from athena.trading import ReportRecord, VerdictRecord, read_records
from tests.cycle_builder import PLACE, RISING, desk_of, inputs_of, rule_based, silence
from tests.desk_models_builder import INJECTION
from tests.hosting_walks import moving_bars
from tests.language_builder import open_ledger
from tests.market_builder import run, setup_of
from tests.model_server import ModelServer, Script, model_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athena.desk.cycle import CycleResult
    from athena.language import Asker
    from athena.language.spending import Ledger, Limits
    from tests.market_builder import Simulated

KEYS = {"ATHENA_LANGUAGE_DEEPSEEK_KEY": "canary-deepseek-0123456789"}
ROLES = (
    "conflicts",
    "panel",
    "researchers",
    "reflection",
    "social",
    "news",
    "wording",
    "portfolio",
)
PANEL = [f"p{k}" for k in range(6)]
N_CYCLES = 2  # a label of the regime needs confirmations
SIZE_CAP = 0.20


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.language._models._FIRST_PAUSE_S", 0.0)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as serving:
        serving.usual = Script(helpful)
        yield serving


def configured(server: ModelServer) -> LanguageConfig:
    """Return the section as a user has it: one provider, six names for it in the panel."""
    options: dict[str, Any] = {"language.providers.deepseek.url": server.url}
    for role in ROLES:
        options[f"language.roles.{role}"] = "deepseek"
    for name in PANEL:
        options[f"language.models.{name}.provider"] = "deepseek"
        options[f"language.models.{name}.model"] = name
        options[f"language.models.{name}.input_usd"] = "0.1"
        options[f"language.models.{name}.output_usd"] = "0.1"
        options[f"language.models.{name}.priced_on"] = "2026-11-01"
    options["language.roles.panel"] = ", ".join(PANEL)
    return load_config(options=options, environment={}).config.language


# --- a model that does its work ---------------------------------------------------------------


def helpful(body: dict[str, Any]) -> str:
    """Answer each kind of question as a sensible model would."""
    task, shown = (message["content"] for message in body["messages"][:2])
    return json.dumps(next(what for words, what in answers(shown).items() if words in task))


def answers(shown: str) -> dict[str, Any]:
    n_texts = shown.count('"number"')
    return {
        "several independent analysts": {
            "action": "buy", "confidence": 0.8, "reason": "trend", "entry_ratio": None,
            "stop_ratio": 0.98, "target_ratio": 1.05, "size_frac": 0.1,
        },
        "You are the bull": {"claims": [{"says": "It rises.", "cites": ["E1"]}]},
        "You are the bear": {"claims": [
            {"says": "It is late.", "cites": ["E2"]},
            {"says": "Whales sell.", "cites": ["E999"]},
        ]},
        "You close a debate": {"size_cut_pct": 50, "reason": "late in the move"},
        "You score texts": {"scores": [
            {"number": k, "score": 0.3, "confidence": 0.6} for k in range(1, n_texts + 1)
        ]},
        "finding of a technical analyst": {"text": "It rises steadily."},
        "You judge one trade": {
            "answer": "proceed", "reason": "fine", "size_cut_pct": None, "leverage": None,
            "entry_shift_frac": None,
        },
    }  # fmt: skip


# --- the desk ---------------------------------------------------------------------------------


@contextmanager
def opened(config: LanguageConfig, home: Path, mode: Mode = Mode.RECORD) -> Iterator[Asker]:
    def ledger(limits: Limits) -> Ledger:
        return open_ledger(home, limits)

    clock = VirtualClock(inputs_of(RISING).as_of_ns)
    with open_asker(config, home, ledger, mode=mode, clock=clock, environment=KEYS) as asker:
        yield asker


@dataclass
class Times:
    """How long each kind of question may take."""

    debate_s: float = 20.0
    panel_s: float = 10.0
    texts_s: float = 10.0


def decided(asker: Asker, *, is_blind: bool = False, times: Times | None = None) -> CycleResult:
    """Run a desk in which every part that can ask a model does, and return its last decision."""
    times = times or Times()
    debate = DebateSettings(n_rounds=1, deadline_s=times.debate_s, is_blind=is_blind)
    factories = {
        **rule_based(),
        "technical": lambda: worded_technical_agent(silence, asker, is_blind=is_blind),
        "sentiment": lambda: sentiment_agent(
            silence, ModelClassifier(asker, is_blind=is_blind, deadline_s=times.texts_s)
        ),
        "strategy": lambda: debated_strategy_agent(silence, asker, debate=debate),
        "panel": lambda: debated_panel_agent(silence, asker, debate=debate),
    }
    judge = ModelJudge(asker, is_blind=is_blind)
    desk = desk_of(factories, panels=("panel",), judge=judge)
    for end in range(len(RISING) - N_CYCLES + 1, len(RISING) + 1):
        inputs = inputs_of(RISING[:end], id=f"cycle-{end}")
        replies = ask_panel(
            asker,
            inputs.snapshot,
            inputs.account,
            decision_id=inputs.id,
            is_blind=is_blind,
            deadline_s=times.panel_s,
        )
        found = Texts((headline(inputs.as_of_ns),))
        result = run_cycle(desk, replace(inputs, panel=replies.for_cycle, texts=found), PLACE)
    return result


def headline(as_of_ns: int) -> Text:
    return Text(
        kind=TextKind.NEWS,
        provider="made",
        source="test",
        text=INJECTION,
        published_ns=as_of_ns,
        arrived_ns=as_of_ns,
        provenance=TextProvenance.RECORDED,
    )


@cache
def by_rules() -> CycleResult:
    """Return what the same desk decides with nobody to ask."""
    desk = desk_of()
    for end in range(len(RISING) - N_CYCLES + 1, len(RISING) + 1):
        result = run_cycle(desk, inputs_of(RISING[:end], id=f"cycle-{end}"), PLACE)
    return result


def outputs(result: CycleResult) -> dict[str, Output]:
    return {output.agent: output for output in result.outputs}


def record(result: CycleResult) -> str:
    return digest([result.outputs, result.decision, [repr(one) for one in result.intents]])


def assert_within_limits(result: CycleResult) -> None:
    """What may leave the desk: at most an entry, with its stop, for the core to judge."""
    proposal = result.decision.proposal
    assert len(result.intents) <= 1
    if result.decision.action is Action.HOLD:
        assert result.intents == ()
        return
    assert proposal is not None
    assert 0 < proposal.size_frac <= SIZE_CAP
    assert proposal.leverage <= 1
    (intent,) = result.intents
    assert intent.purpose is Purpose.ENTRY
    assert 0 < intent.stop_ticks < result.snapshot.last_ticks
    ruled = by_rules().decision.proposal
    assert ruled is not None
    strategy = outputs(result)["strategy"].detail
    assert getattr(strategy, "size_frac", 0.0) <= ruled.size_frac


# --- models that work -------------------------------------------------------------------------


def test_every_part_asks_and_the_debate_halves_the_trade(home: Path, server: ModelServer) -> None:
    with opened(configured(server), home) as asker:
        result = decided(asker)
    assert_within_limits(result)
    assert result.decision.action is Action.BUY, result.decision.reasons
    said = outputs(result)
    assert "in words (deepseek): It rises steadily." in said["technical"].reasons
    assert said["sentiment"].evidence[0].source == "models"
    assert said["panel"].action is Action.BUY
    assert {vote.agent for vote in result.decision.votes} >= {"panel", "strategy"}
    for name in ("panel", "strategy"):
        reasons = said[name].reasons
        assert "the debate cuts the size by 50 %: late in the move" in reasons
        assert any("struck out because it cites E999" in reason for reason in reasons)
    ruled, debated = by_rules().decision.proposal, said["strategy"].detail
    assert ruled is not None
    assert getattr(debated, "size_frac", None) == pytest.approx(ruled.size_frac / 2)


@pytest.mark.parametrize("is_blind", [False, True], ids=["open", "blind"])
def test_two_replays_are_equal_to_the_byte_with_no_connection(
    home: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, *, is_blind: bool
) -> None:
    """DK-20."""
    config = configured(server)
    with opened(config, home) as asker:
        lived = decided(asker, is_blind=is_blind)
    n_asked = len(server.asked)
    assert n_asked > 0

    def refuse(*_: object, **__: object) -> Any:
        message = "expected no connection in a replay"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    again = []
    for _ in range(2):
        with opened(config, home, Mode.REPLAY) as asker:
            again.append(record(decided(asker, is_blind=is_blind)))
    assert again == [record(lived)] * 2
    assert len(server.asked) == n_asked


def test_blind_no_question_holds_name_date_or_price(home: Path, server: ModelServer) -> None:
    """DK-21."""
    with opened(configured(server), home) as asker:
        result = decided(asker, is_blind=True)
    told = [asked.body["messages"][1]["content"] for asked in server.asked]
    assert told
    for shown in told:
        assert not any(word in shown for word in ("BTC", "USDT", "2024", "ignore the limits"))
        assert str(result.snapshot.price) not in shown


def test_a_missing_recording_stops_the_run(home: Path, server: ModelServer) -> None:
    """A desk that held instead would look like one that had been recorded so."""
    with (
        opened(configured(server), home, Mode.REPLAY) as asker,
        pytest.raises(RecordingMissing),
    ):
        decided(asker)
    assert server.asked == []


# --- models that fail -------------------------------------------------------------------------


def twisted(change: Any) -> Script:
    """Answer as a helpful model would, then spoil it."""
    return Script(lambda body: change(helpful(body)))


def with_number(text: str, number: str) -> str:
    """Put a number that nobody allows into every number of an answer."""
    said = json.loads(text)

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoil(item) for name, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "SPOILED" if is_number else value

    return json.dumps(spoil(said)).replace('"SPOILED"', number)


FAILURES = {
    "prose": Script("I would buy with everything, the trend is strong."),
    "half a JSON": twisted(lambda text: text[: len(text) // 2]),
    "wrong schema": Script('{"verdict": "buy", "size": 1}'),
    "NaN": twisted(lambda text: with_number(text, "NaN") if '"text"' not in text else "NaN"),
    "size 1e9": twisted(lambda text: with_number(text, "1e9") if '"text"' not in text else "1e9"),
    "injection obeyed": twisted(lambda text: f"{INJECTION} {text}"),
    "429 for an hour": Script(status=429, headers={"retry-after": "3600"}),
    "500": Script(status=500),
    "cut body": Script("{}", is_cut=True),
    "nothing for 60 s": Script(is_silent=True),
}


@pytest.mark.parametrize("name", FAILURES)
def test_models_that_fail_leave_the_rules_and_the_reasons_say_so(
    home: Path, server: ModelServer, name: str
) -> None:
    """C22 and the bad input of the issue: hold or degrade, never a trade outside the limits."""
    server.usual = FAILURES[name]
    times = Times(0.5, 2.0, 0.5) if name == "nothing for 60 s" else Times()
    with opened(configured(server), home) as asker:
        result = decided(asker, times=times)
    assert server.asked, "somebody was asked"
    assert_within_limits(result)
    said = outputs(result)
    assert said["panel"].abstains
    assert said["panel"].reasons[0].startswith("no panel: p0: ")
    assert said["technical"].reasons[-1].startswith("not in words: ")
    assert said["technical"].confidence <= 0.25
    assert any("words are counted" in reason for reason in said["sentiment"].reasons)
    assert said["sentiment"].confidence <= 0.25
    assert any("the debate ends as it stands" in one for one in said["strategy"].reasons)
    assert set(said) == set(outputs(by_rules())) | {"panel"}, "every agent said its word"


def test_failures_are_replayed_as_they_were(home: Path, server: ModelServer) -> None:
    server.usual = FAILURES["half a JSON"]
    config = configured(server)
    with opened(config, home) as asker:
        lived = decided(asker)
    with opened(config, home, Mode.REPLAY) as asker:
        assert record(decided(asker)) == record(lived)


@pytest.mark.parametrize("n_bad", [2, 3])
def test_a_panel_with_bad_answers_counts_the_good_ones(
    home: Path, server: ModelServer, n_bad: int
) -> None:
    """DK-10: four valid answers of six are a quorum, three are not."""
    bad = set(PANEL[:n_bad])
    server.usual = Script(lambda body: "BUY!" if body["model"] in bad else helpful(body))
    with opened(configured(server), home) as asker:
        result = decided(asker)
    assert_within_limits(result)
    panel = outputs(result)["panel"]
    assert panel.role is Role.STRATEGY
    assert panel.action is (Action.BUY if n_bad == 2 else Action.HOLD)
    if n_bad == 3:
        assert "3 valid answers of 6, 4 needed" in panel.reasons


def test_an_order_in_a_headline_reaches_nobody_as_an_order(
    home: Path, server: ModelServer
) -> None:
    """DK-44."""
    with opened(configured(server), home) as asker:
        decided(asker)
    for asked in server.asked:
        system, shown = (message["content"] for message in asked.body["messages"][:2])
        assert "ignore the limits" not in system
        assert shown.count("</data>") == 1
        assert "tools" not in asked.body


# --- through the core -------------------------------------------------------------------------


def obedient(body: dict[str, Any]) -> str:
    """Do what every text and every trader would like: the best scores, and never a stop."""
    task, shown = (message["content"] for message in body["messages"][:2])
    if "You score texts" in task:
        n_texts = shown.count('"number"')
        scores = [{"number": k, "score": 1, "confidence": 1} for k in range(1, n_texts + 1)]
        return json.dumps({"scores": scores})
    return json.dumps(next(what for words, what in answers(shown).items() if words in task))


def backtested(asker: Asker) -> tuple[Simulated, list[CycleResult]]:
    """Run the hosted desk over a lively market under the default limits."""
    results: list[CycleResult] = []
    desk = DeskStrategy()
    desk.plug(
        Parts(
            record=results.append,
            judge=ModelJudge(asker),
            classifier=ModelClassifier(asker),
            texts=lambda _, as_of_ns: Texts((headline(as_of_ns),)),
        )
    )
    bars = [moving_bars(160, 5, "BTC/USD")]
    return run(setup_of(bars, is_open=False, cash=100_000), desk), results


def test_models_that_obey_a_headline_get_no_order_past_the_core(
    home: Path, server: ModelServer
) -> None:
    """C26, DK-44: each order that a venue heard of had been approved, within its lots."""
    server.usual = Script(obedient)
    with opened(configured(server), home) as asker:
        simulated, results = backtested(asker)
    said = [outputs(result)["sentiment"] for result in results]
    assert {one.label for one in said} == {"strongly_bullish"}
    approved: dict[int, int] = {}
    entered: dict[int, int] = {}
    for one in read_records(simulated.words):
        if isinstance(one, VerdictRecord) and one.code is None:
            approved[one.order] = one.approved_lots
        elif isinstance(one, ReportRecord) and one.terms is not None:
            assert one.order in approved or one.terms.purpose is not Purpose.ENTRY
            if one.terms.purpose is Purpose.ENTRY:
                entered[one.order] = entered.get(one.order, 0) + one.lots
    assert entered, "it traded"
    assert all(lots <= approved[order] for order, lots in entered.items())


def test_two_backtests_with_models_have_one_digest_and_the_second_asks_nobody(
    home: Path, server: ModelServer
) -> None:
    """DK-20: two desk backtests give one digest."""
    config = configured(server)
    with opened(config, home) as asker:
        lived = backtested(asker)[0].digest
    n_asked = len(server.asked)
    with opened(config, home, Mode.REPLAY) as asker:
        again = [backtested(asker)[0].digest for _ in range(2)]
    assert again == [lived] * 2
    assert len(server.asked) == n_asked > 0

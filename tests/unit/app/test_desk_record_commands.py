"""`athena desk explain|score|compare-models`: a desk's run, read back and checked."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.app import run as athena
from athena.app._database import bring_up_to_date
from athena.app._database import opened as database_at
from athena.desk.contract import decode, encode
from athena.desk.evaluation import ModelWord
from athena.desk.trace import (
    TRACE_FILE,
    Entry,
    TraceWriter,
    business_of,
    check_bars,
    find_entry_of_intent,
    key_of_order,
    open_run,
    price_lines,
    read_trace,
)
from athena.domain import Action
from athena.language.spending import Call, Ledger, Limits, Settlement
from athena.market import store_dataset
from athena.research import tell_intents
from tests.market_builder import HOUR_NS, START_NS, bars_of, driftless_bars
from tests.trace_cases import a_cycle

if TYPE_CHECKING:
    from pathlib import Path

    from athena.domain import Bars

Cli = Any
N_HOURS = 480
KEYS = {
    "run", "decision", "bars", "views", "missing", "votes", "multiplier", "conflict", "veto",
    "intent", "verdict", "limits", "orders", "fills", "exits", "outcome", "latencies_ns", "checks",
    "holds", "notes",
}  # fmt: skip


def trending_bars(n: int) -> Bars:
    """Make hourly bars of a market that calms down and breaks out, so that a desk trades."""
    rng = np.random.default_rng(3)
    hours = np.arange(n)
    drift = np.sin(hours / 40.0) * 60
    calm = 20 + 60 * (np.sin(hours / 23.0) > 0)
    close = (20_000 + np.cumsum(drift + rng.normal(0, 1, n) * calm)).round()
    open_ = np.concatenate(([20_000.0], close[:-1]))
    high, low = np.maximum(open_, close) + 15, np.minimum(open_, close) - 15
    times = START_NS + HOUR_NS * hours
    volume = np.full(n, 10**9)
    return bars_of((times, open_, high, low, close, volume), interval_ns=HOUR_NS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with hours of bars and one run of the desk on them."""
    folder = tmp_path_factory.mktemp("desk")
    bars = trending_bars(N_HOURS)
    bars = replace(bars, provenance=replace(bars.provenance, name="mock-test"))
    store_dataset(bars, folder, venue="", imported_at_ns=START_NS)
    asked = ["backtest", "--desk", "--data", "mock-test", "--cash", "100000"]
    assert athena(["--home", str(folder), *asked]) == 0
    (run,) = (folder / "runs").glob("*")
    run.rename(run.with_name("a-desk"))
    return folder


@pytest.fixture
def run(made: Path, home: Path) -> Path:
    """Copy the home, so that a test may damage it."""
    shutil.copytree(made, home, dirs_exist_ok=True)
    return home / "runs" / "a-desk"


def test_the_chain_is_told_from_bars_to_outcome(cli: Cli, run: Path) -> None:
    """DK-45 (nothing was changed), D10."""
    answer = cli("desk", "explain", "last-trade", "--json")
    assert answer.exit_code == 0
    chain = answer.json()
    assert set(chain) == KEYS
    assert chain["run"] == run.name
    assert chain["holds"] is True
    assert {item["what"] for item in chain["checks"]} >= {
        "bars of TEST/USD 1h",
        "output of technical",
        "decision",
        "decision, decided again",
    }
    said = {view["agent"] for view in chain["views"]}
    assert said >= {"technical", "regime", "risk", "strategy", "execution"}
    evidence = {item["name"] for view in chain["views"] for item in view["evidence"]}
    assert "rsi_14" in evidence
    outputs = {view["digest"] for view in chain["views"]}
    assert {vote["output"] for vote in chain["votes"]} <= outputs
    assert chain["veto"]["is_vetoed"] is False
    assert chain["intent"]["symbol"] == "TEST/USD"
    assert chain["verdict"]["code"]
    assert {one["horizon"] for one in chain["outcome"]["judgements"]} == {"1h", "4h", "24h"}


def test_every_fill_leads_back_to_its_decision(run: Path, home: Path) -> None:
    """C17, the part of the desk: also the fills of stops, targets and exits."""
    opened = open_run(run, home)
    assert len(opened.record.fills) > 4
    purposes = set()
    for fill in opened.record.fills:
        entry = find_entry_of_intent(run / TRACE_FILE, key_of_order(opened, fill.order))
        business = business_of(opened, entry)
        assert fill in (*business.fills, *business.exits)
        assert entry.decision.symbol == fill.symbol
        assert entry.decision.as_of_ns <= fill.ts_ns
        purposes.add(fill.purpose.value)
    assert len(purposes) > 1


def test_every_intent_of_the_journal_is_one_that_was_decided(run: Path) -> None:
    entries = list(read_trace(run / TRACE_FILE))
    asked = [one.key for entry in entries for one in entry.asked]
    assert sorted(asked) == sorted(story.key for story in tell_intents(run))
    assert len(set(asked)) == len(asked) > 4


def test_an_order_is_explained(cli: Cli, run: Path, home: Path) -> None:
    fill = open_run(run, home).record.fills[0]
    chain = cli("desk", "explain", f"order:{fill.order}", "--json").json()
    assert fill.order in {one["order"] for one in chain["fills"]}
    text = cli("desk", "explain", chain["decision"]["id"][:20]).out
    for heading in ("1 what was seen", "2 what was said", "3 the vote", "4 decided", "6 fills"):
        assert heading in text
    assert "0 do not hold" in text


def rewritten(path: Path, change: Any) -> None:
    """Write a trace again with changed entries, the whole chain recomputed, as a forger would."""
    entries = [change(entry) for entry in read_trace(path)]
    path.unlink()
    with TraceWriter(path) as writer:
        for entry in entries:
            writer.append_entry(entry)


def forget_head(run: Path) -> None:
    described = json.loads((run / "run.json").read_text("utf-8"))
    del described["files"]
    (run / "run.json").write_text(json.dumps(described), "utf-8")


def test_a_changed_opinion_is_named_even_when_the_chain_was_forged(cli: Cli, run: Path) -> None:
    """DK-45."""

    def change(entry: Entry) -> Entry:
        said = tuple(
            replace(one, confidence=0.01) if one.agent == "technical" else one
            for one in entry.outputs
        )
        return replace(entry, outputs=said)

    rewritten(run / TRACE_FILE, change)
    assert cli("desk", "explain", "last-trade").exit_code == 1
    forget_head(run)
    answer = cli("desk", "explain", "last-trade")
    assert answer.exit_code == 1
    assert "output of technical: hash mismatch" in answer.out
    chain = cli("desk", "explain", "last-trade", "--json").json()
    wrong = [item["what"] for item in chain["checks"] if not item["holds"]]
    assert "output of technical" in wrong
    assert chain["holds"] is False


def test_a_flipped_byte_ends_with_exit_1(cli: Cli, run: Path) -> None:
    path = run / TRACE_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for command in (("explain", "last"), ("score",), ("compare-models",)):
        answer = cli("desk", *command, "--json")
        assert answer.exit_code == 1
        assert "hash mismatch" in answer.json()["error"]["message"]


def test_an_end_that_was_cut_off_is_found(cli: Cli, run: Path) -> None:
    path = run / TRACE_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert cli("desk", "explain", "last").exit_code == 1
    forget_head(run)
    assert "cut off would not show" in cli("desk", "explain", "last").out


def test_bars_that_are_others_are_named(cli: Cli, run: Path, home: Path) -> None:
    """DK-45: the stored input is the data set."""
    shutil.rmtree(home / "datasets" / "mock-test")
    other = driftless_bars(N_HOURS, 4, interval_ns=HOUR_NS)
    other = replace(other, provenance=replace(other.provenance, name="mock-test"))
    store_dataset(other, home, venue="", imported_at_ns=START_NS)
    answer = cli("desk", "explain", "last-trade")
    assert answer.exit_code == 1
    assert "data set mock-test: hash mismatch" in answer.out
    shutil.rmtree(home / "datasets" / "mock-test")
    answer = cli("desk", "explain", "last-trade")
    assert answer.exit_code == 0
    assert "the bars were not checked" in answer.out
    assert run.is_dir()


def test_bars_that_were_changed_in_place_give_another_frame(run: Path, home: Path) -> None:
    opened = open_run(run, home)
    assert opened.columns is not None
    entry = list(read_trace(run / TRACE_FILE))[-1]
    assert all(finding.holds for finding in check_bars(opened, entry))
    close = np.array(opened.columns.close)
    close[0, N_HOURS - 50] += 1
    changed = replace(opened, columns=opened.columns._replace(close=close))
    wrong = {finding.what for finding in check_bars(changed, entry) if not finding.holds}
    assert "bars of TEST/USD 1h" in wrong


def test_scores_say_n_interval_and_base_rate(cli: Cli, run: Path) -> None:
    """D10."""
    payload = cli("desk", "score", "--json").json()
    assert payload["run"] == run.name
    assert payload["decisions"] == N_HOURS
    assert {row["horizon"] for row in payload["scores"]} == {"1h", "4h", "24h"}
    assert {row["who"] for row in payload["scores"]} >= {"technical", "regime", "desk"}
    for row in payload["scores"]:
        assert row["accuracy"]["n"] == row["n"] >= 1
        assert row["accuracy"]["low"] <= row["accuracy"]["value"] <= row["accuracy"]["high"]
        assert 0 <= row["base_rate"] <= 1
    day = next(
        row for row in payload["scores"] if (row["who"], row["horizon"]) == ("technical", "24h")
    )
    assert day["n"] + day["n_pending"] + day["n_unpriced"] == N_HOURS
    assert day["n_pending"] == 24
    assert {move["agent"] for move in payload["weights"]["moves"]} >= {"technical", "regime"}
    assert payload["weights"]["reason"]
    assert "hold TEST" in payload["baselines"]
    text = cli("desk", "score", "--by", "regime").out
    assert "technical trending" in text


def test_without_models_there_is_nobody_to_compare(cli: Cli, run: Path) -> None:
    payload = cli("desk", "compare-models", "--json").json()
    assert (payload["run"], payload["models"], payload["leader"]) == (run.name, [], "")
    assert "nobody has 30 settled answers" in cli("desk", "compare-models").out


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("explain", "nothing-like-it"), 2, "nothing-like-it"),
        (("explain", "order:x"), 2, "order:N"),
        (("explain", "order:99999"), 2, "99999"),
        (("explain", "last", "--run", "../a-desk"), 3, "a run with a desk"),
        (("score", "--run", "nope"), 3, "nope"),
        (("compare-models", "--run", "nope"), 3, "nope"),
    ],
    ids=["decision", "order", "number", "path", "score", "models"],
)
@pytest.mark.usefixtures("run")
def test_what_is_not_there_is_named(
    cli: Cli, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    answer = cli("desk", *arguments, "--json")
    assert answer.exit_code == exit_code
    assert says in answer.json()["error"]["message"]


def test_without_any_run_the_hint_brings_one(cli: Cli) -> None:
    answer = cli("desk", "score", "--json")
    assert answer.exit_code == 3
    assert "athena backtest --desk" in answer.json()["error"]["hint"]


def test_an_entry_survives_its_form(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "t") as writer:
        writer.append(a_cycle())
    (entry,) = read_trace(tmp_path / "t")
    assert decode(Entry, encode(entry)) == entry


def test_models_are_scored_with_what_their_answers_took(cli: Cli, run: Path, home: Path) -> None:
    """One that knows the next four hours, one that says the contrary; both said what they cost."""
    opened = open_run(run, home)
    line = price_lines(opened)["TEST/USD"]

    def change(entry: Entry) -> Entry:
        as_of = np.array([entry.decision.as_of_ns])
        rose = bool(line.at(as_of + 4 * HOUR_NS)[0] > line.at(as_of)[0])
        right, wrong = (Action.BUY, Action.SELL) if rose else (Action.SELL, Action.BUY)
        words = (ModelWord("knows", right, 0.9), ModelWord("errs", wrong, 0.9))
        return replace(entry, words=words)

    rewritten(run / TRACE_FILE, change)
    forget_head(run)
    decisions = [entry.decision.id for entry in read_trace(run / TRACE_FILE)]
    with database_at("", home) as database:
        bring_up_to_date(database, home, START_NS)
        ledger = Ledger(database, Limits(day_max_usd=Decimal(100)))
        for number, decision_id in enumerate(decisions):
            call = Call(
                f"c-{number}", START_NS, decision_id, "panel", "knows", "p", "k", Decimal(0)
            )
            ledger.reserve(call)
            ledger.settle(call.id, Settlement(Decimal("0.01"), 1, 1, 3_000, "text"))
    payload = cli("desk", "compare-models", "--leader", "errs", "--json").json()
    assert payload["leader"] == "knows"
    first, second = payload["models"]
    assert (first["model"], second["model"]) == ("knows", "errs")
    assert first["parts"]["accuracy"] > 0.99  # a price that stays is no rise
    assert first["parts"]["latency"] == pytest.approx(0.9)
    assert first["parts"]["cost"] == pytest.approx(0.98)
    assert second["parts"]["latency"] == second["parts"]["cost"] == 0.0
    (pair,) = payload["pairs"]
    assert (pair["better"], pair["is_acted_on"]) == ("knows", True)
    text = cli("desk", "compare-models").out
    assert "models after 4h" in text
    assert "pair by pair" in text

"""Asking: deadline, fallback, repetitions, breaker, budget, recordings; no network is needed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import SECOND_NS
from athena.errors import DatabaseDown, InputError
from athena.language import (
    Absent,
    Answered,
    Completion,
    ExchangeStore,
    Failed,
    Ledger,
    Limits,
    Mode,
    ModelRole,
    RecordingDamaged,
    RecordingMissing,
    Replayer,
    Unanswered,
    Why,
)
from athena.language.questions import first_request
from athena.platform import Secret, VirtualClock
from tests.language_builder import (
    BUY,
    HOLD,
    NOW_NS,
    FunctionProvider,
    Opinion,
    model,
    models_for,
    open_ledger,
    opinion_question,
    setup,
    silence,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from athena.language import Request

DOWN = Failed(Why.UNREACHABLE, "HTTP 503")
TWO = setup(model("first"), model("second", "beta"))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.language._models._FIRST_PAUSE_S", 0.0)


def ask(
    home: Path, providers: list[Any], how: Any = None, clock: Any = None, **changes: Any
) -> Answered[Opinion] | Unanswered:
    """Ask one question of models opened for it."""

    async def once() -> Answered[Opinion] | Unanswered:
        async with models_for(home, providers, how, clock) as models:
            return await models.ask(opinion_question(**changes))

    return asyncio.run(once())


def spent(home: Path) -> Decimal:
    ledger = open_ledger(home)
    try:
        return ledger.day_usd(NOW_NS)
    finally:
        ledger.close()


def test_an_answer_is_checked_paid_for_and_kept(home: Path) -> None:
    alpha = FunctionProvider("alpha", [text(BUY)])
    reply = ask(home, [alpha])
    assert isinstance(reply, Answered)
    assert reply.answer.action == "buy"
    assert reply.cost_usd == Decimal("0.00014")  # 100 read at 1, 20 written at 2 a million
    assert spent(home) == Decimal("0.00014")
    kept = ExchangeStore(home / "exchanges").need(alpha.asked[0])
    assert kept.outcome == text(BUY)
    assert kept.cost_usd == Decimal("0.00014")


def test_the_fallback_is_used_within_the_same_deadline(home: Path) -> None:
    """DK-43: the primary hangs, and leaves the fallback its share of the time."""
    alpha, beta = FunctionProvider("alpha", silence), FunctionProvider("beta", [text(BUY)])

    async def once() -> tuple[Any, float]:
        async with models_for(home, [alpha, beta], TWO) as models:
            begun = asyncio.get_running_loop().time()
            reply = await models.ask(opinion_question(deadline_s=1.0))
            return reply, asyncio.get_running_loop().time() - begun

    reply, took_s = asyncio.run(once())
    assert isinstance(reply, Answered)
    assert reply.model == "second"
    assert [item.why for item in reply.attempts] == [Why.LATE, None]
    assert 0.5 <= took_s < 2


def test_when_all_hang_the_deadline_ends_it(home: Path) -> None:
    """Nothing for 60 s: the question is late after its own deadline."""
    providers = [FunctionProvider("alpha", silence), FunctionProvider("beta", silence)]

    async def once() -> tuple[Any, float]:
        async with models_for(home, providers, TWO) as models:
            begun = asyncio.get_running_loop().time()
            reply = await models.ask(opinion_question(deadline_s=0.6))
            return reply, asyncio.get_running_loop().time() - begun

    reply, took_s = asyncio.run(once())
    assert isinstance(reply, Unanswered)
    assert reply.why is Why.LATE
    assert 0.6 <= took_s < 3


def test_a_question_whose_time_is_over_is_not_asked_and_not_paid(home: Path) -> None:
    alpha = FunctionProvider("alpha", [text(BUY)])
    reply = ask(home, [alpha], deadline_s=1e-9)
    assert isinstance(reply, Unanswered)
    assert (reply.why, reply.cost_usd, alpha.asked) == (Why.LATE, 0, [])


def test_a_call_without_an_answer_is_paid_at_its_worst_case(home: Path) -> None:
    reply = ask(home, [FunctionProvider("alpha", silence)], deadline_s=0.6)
    request = first_request(opinion_question(), model())
    worst = model().price.cost_usd(request.most_input_tokens, 200)
    assert reply.cost_usd == spent(home) == worst > 0


def test_a_server_error_is_not_paid(home: Path) -> None:
    assert ask(home, [FunctionProvider("alpha", [DOWN])]).cost_usd == spent(home) == 0


def test_tokens_that_are_not_told_are_paid_at_the_worst_case(home: Path) -> None:
    reply = ask(home, [FunctionProvider("alpha", [text(BUY, None, None)])])
    request = first_request(opinion_question(), model())
    assert reply.cost_usd == model().price.cost_usd(request.most_input_tokens, 200)


@pytest.mark.parametrize("why", [Why.BUSY, Why.UNREACHABLE, Why.BROKEN])
def test_a_broken_connection_is_tried_again_at_most_twice(home: Path, why: Why) -> None:
    how = setup(retries_max=2)
    alpha = FunctionProvider("alpha", [Failed(why, "x"), Failed(why, "x"), text(BUY)])
    reply = ask(home, [alpha], how)
    assert isinstance(reply, Answered)
    assert (len(reply.attempts), len(alpha.asked)) == (1, 3)
    alpha = FunctionProvider("alpha", [Failed(why, "x")])
    assert isinstance(ask(home, [alpha], how), Unanswered)
    assert len(alpha.asked) == 3


@pytest.mark.parametrize("why", [Why.REFUSED, Why.LATE])
def test_a_refusal_is_not_tried_again(home: Path, why: Why) -> None:
    alpha = FunctionProvider("alpha", [Failed(why, "x"), text(BUY)])
    assert isinstance(ask(home, [alpha], setup(retries_max=2)), Unanswered)
    assert len(alpha.asked) == 1


def test_a_provider_that_wants_an_hour_is_not_waited_for(home: Path) -> None:
    """429 for an hour."""
    busy = Failed(Why.BUSY, "HTTP 429", retry_after_s=3600.0)
    alpha, beta = FunctionProvider("alpha", [busy]), FunctionProvider("beta", [text(BUY)])
    reply = ask(home, [alpha, beta], replace(TWO, retries_max=2))
    assert isinstance(reply, Answered)
    assert (len(alpha.asked), reply.model) == (1, "second")


def test_content_is_repaired_once_and_never_tried_again(home: Path) -> None:
    """C22: prose, then prose: nobody else is asked, the error is counted, the caller holds."""
    alpha, beta = FunctionProvider("alpha", [text("buy!")]), FunctionProvider("beta", [text(BUY)])

    async def once() -> Any:
        async with models_for(home, [alpha, beta], replace(TWO, retries_max=2)) as models:
            reply = await models.ask(opinion_question())
            return reply, models.counts

    reply, counts = asyncio.run(once())
    assert isinstance(reply, Unanswered)
    assert (reply.why, len(alpha.asked), len(beta.asked)) == (Why.INVALID, 2, 0)
    assert counts == {("first", "invalid"): 2}


def test_three_failures_rest_a_provider_for_300_s_then_one_trial_is_made(home: Path) -> None:
    """DK-43."""
    clock = VirtualClock(NOW_NS)
    alpha = FunctionProvider("alpha", [DOWN, DOWN, DOWN, DOWN, text(BUY)])
    beta = FunctionProvider("beta", [text(HOLD)])

    async def story() -> list[tuple[int, str]]:
        told = []
        async with models_for(home, [alpha, beta], TWO, clock) as models:
            for wait_s in (0, 0, 0, 0, 299, 1, 299, 1, 0):
                clock.advance(wait_s * SECOND_NS)
                reply = await models.ask(opinion_question())
                assert isinstance(reply, Answered)
                told.append((len(alpha.asked), reply.model))
        return told

    asked_alpha = asyncio.run(story())
    assert asked_alpha == [
        (1, "second"), (2, "second"), (3, "second"),  # three failures in a row
        (3, "second"), (3, "second"),  # at rest
        (4, "second"), (4, "second"),  # the trial fails, and it rests anew
        (5, "first"), (6, "first"),  # the trial succeeds
    ]  # fmt: skip


def test_malformed_answers_do_not_rest_a_provider(home: Path) -> None:
    alpha = FunctionProvider("alpha", [text("buy!")])

    async def story() -> None:
        async with models_for(home, [alpha]) as models:
            for _ in range(5):
                await models.ask(opinion_question())

    asyncio.run(story())
    assert len(alpha.asked) == 10


def test_a_question_given_up_leaves_its_worst_case_and_no_trial_behind(home: Path) -> None:
    clock = VirtualClock(NOW_NS)
    says: list[Any] = [DOWN, DOWN, DOWN]

    def answer(_: Request) -> Any:
        return says.pop(0) if says else silence(_)

    alpha = FunctionProvider("alpha", answer)

    async def story() -> Any:
        async with models_for(home, [alpha], None, clock) as models:
            for _ in range(3):
                await models.ask(opinion_question())
            clock.advance(300 * SECOND_NS)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await models.ask(opinion_question())
            says.append(text(BUY))
            return await models.ask(opinion_question())

    assert isinstance(asyncio.run(story()), Answered)
    assert len(alpha.asked) == 5
    assert spent(home) > Decimal("0.00014")


def test_a_call_beyond_the_budget_is_not_made_and_a_free_model_answers(home: Path) -> None:
    """DK-19: over budget -> local model, or rules with the reason."""
    free = replace(model("own", "beta"), price=replace(model().price, input_usd=Decimal(0),
                   output_usd=Decimal(0)))  # fmt: skip
    limits = Limits(Decimal("0.0001"), Decimal("0.0001"), Decimal("0.0001"))
    how = replace(setup(model(), free), limits=limits)
    alpha, beta = FunctionProvider("alpha", [text(BUY)]), FunctionProvider("beta", [text(HOLD)])
    reply = ask(home, [alpha, beta], how)
    assert isinstance(reply, Answered)
    assert (reply.model, len(alpha.asked)) == ("own", 0)
    refused = ask(home, [alpha], replace(setup(), limits=limits))
    assert isinstance(refused, Unanswered)
    assert refused.why is Why.BUDGET
    assert "USD more would pass 0.0001 a day" in refused.detail


def test_what_does_not_fit_the_budget_does_not_rest_the_provider(home: Path) -> None:
    limits = Limits(Decimal("0.0001"), Decimal("0.0001"), Decimal("0.0001"))
    alpha = FunctionProvider("alpha", [text(BUY)])

    async def story() -> list[Any]:
        async with models_for(home, [alpha], replace(setup(), limits=limits)) as models:
            return [await models.ask(opinion_question()) for _ in range(5)]

    assert {reply.why for reply in asyncio.run(story())} == {Why.BUDGET}


def test_models_asked_at_once_do_not_pass_the_budget_together(home: Path) -> None:
    request = first_request(opinion_question(), model())
    worst = model().price.cost_usd(request.most_input_tokens, 200)
    panel = [model(f"m{k}", f"prov{k}", id="first-model") for k in range(6)]
    limits = Limits(4 * worst, 4 * worst, Decimal(5))
    providers = [FunctionProvider(f"prov{k}", silence) for k in range(6)]

    async def once() -> Any:
        how = replace(setup(*panel), limits=limits)
        async with models_for(home, providers, how) as models:
            return await models.ask_each(opinion_question(deadline_s=0.6))

    replies = asyncio.run(once())
    assert sorted(reply.why for reply in replies.values()) == ["budget"] * 2 + ["late"] * 4
    assert spent(home) == 4 * worst


def test_without_its_record_of_costs_no_model_is_asked(home: Path) -> None:
    """What is left is not known: then nothing is."""
    alpha = FunctionProvider("alpha", [text(BUY)])

    async def once() -> Any:
        async with models_for(home, [alpha]) as models:
            models._open_ledger = down
            return await models.ask(opinion_question())

    def down() -> Any:
        message = "expected a database, was none"
        raise DatabaseDown(message)

    reply = asyncio.run(once())
    assert isinstance(reply, Unanswered)
    assert (reply.why, alpha.asked) == (Why.BUDGET, [])
    assert "expected a database, was none" in reply.detail


def test_a_cost_that_cannot_be_settled_stays_at_its_worst_case(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> None:
        message = "expected a database, was none"
        raise DatabaseDown(message)

    monkeypatch.setattr(Ledger, "settle", down)
    assert isinstance(ask(home, [FunctionProvider("alpha", [text(BUY)])]), Answered)
    assert spent(home) > Decimal("0.001")
    assert "model cost not settled" in capsys.readouterr().err


def test_a_database_that_is_busy_holds_up_neither_the_deadline_nor_an_answer(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer has it; the thread waits, the question does not."""
    monkeypatch.setattr("athena.language._models._GRACE_S", 0.05)
    free = threading.Event()
    reserve, settle = Ledger.reserve, Ledger.settle

    def busy_settle(*arguments: Any) -> None:
        free.wait(10)
        settle(*arguments)

    def busy_reserve(*arguments: Any) -> Any:
        free.wait(10)
        return reserve(*arguments)

    async def once() -> tuple[Any, Any]:
        async with models_for(home, [FunctionProvider("alpha", [text(BUY)])]) as models:
            monkeypatch.setattr(Ledger, "settle", busy_settle)
            answered = await models.ask(opinion_question())
            monkeypatch.setattr(Ledger, "reserve", busy_reserve)
            late = await models.ask(opinion_question(material="x", deadline_s=0.05))
            free.set()
            return answered, late

    answered, late = asyncio.run(once())
    assert isinstance(answered, Answered)
    assert isinstance(late, Unanswered)
    assert (late.why, late.detail) == (
        Why.LATE,
        "first: late (the record of costs was not free in time)",
    )
    told = capsys.readouterr().err
    assert "model cost not settled" in told
    assert "exchange not recorded" in told


def test_a_model_that_costs_more_than_its_worst_case_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = ask(home, [FunctionProvider("alpha", [text(BUY, 10**6, 10**6)])])
    assert reply.cost_usd == spent(home) == 3
    assert "model cost more than its worst case" in capsys.readouterr().err


def test_an_absent_provider_is_told_with_its_reason(home: Path) -> None:
    async def once() -> Any:
        async with models_for(home, []) as models:
            models._providers = {"alpha": Absent("ALPHA_KEY is not set", "export ALPHA_KEY=...")}
            return await models.ask(opinion_question())

    reply = asyncio.run(once())
    assert isinstance(reply, Unanswered)
    assert (reply.why, reply.detail) == (Why.ABSENT, "first: absent (ALPHA_KEY is not set)")


def test_the_record_of_costs_is_opened_once_and_closed(home: Path) -> None:
    opened: list[Ledger] = []

    def counted(opens: Any) -> Ledger:
        opened.append(opens())
        return opened[-1]

    async def once() -> None:
        providers = [FunctionProvider(name, [text(BUY)]) for name in ("alpha", "beta")]
        async with models_for(home, providers, TWO) as models:
            opens = models._open_ledger
            models._open_ledger = lambda: counted(opens)
            await models.ask_each(opinion_question())
            await models.ask(opinion_question())
        assert models._worker._shutdown

    asyncio.run(once())
    assert len(opened) == 1


def test_every_model_of_a_panel_is_asked_at_once_and_alone(home: Path) -> None:
    panel = setup(model("a"), model("b", "beta"), model("c", "gamma"))
    providers = [
        FunctionProvider("alpha", [text(BUY)]),
        FunctionProvider("beta", [text("prose")]),
        FunctionProvider("gamma", [DOWN]),
    ]

    async def once() -> Any:
        async with models_for(home, providers, panel) as models:
            return await models.ask_each(opinion_question(role=ModelRole.PANEL))

    replies = asyncio.run(once())
    assert list(replies) == ["a", "b", "c"]
    assert isinstance(replies["a"], Answered)
    assert [replies[name].why for name in "bc"] == [Why.INVALID, Why.UNREACHABLE]
    assert {len(reply.attempts) for reply in replies.values()} == {1, 2}


def test_one_model_may_be_asked_by_its_name(home: Path) -> None:
    async def once(name: str) -> Any:
        providers = [FunctionProvider("alpha", [DOWN]), FunctionProvider("beta", [text(BUY)])]
        async with models_for(home, providers, TWO) as models:
            return await models.ask_model(name, opinion_question())

    assert asyncio.run(once("second")).model == "second"
    with pytest.raises(InputError, match="'third'") as caught:
        asyncio.run(once("third"))
    assert caught.value.hint == "one of first, second"


def test_a_recording_is_not_asked_for_again_and_a_failure_is(home: Path) -> None:
    record = setup(mode=Mode.RECORD)
    assert isinstance(ask(home, [FunctionProvider("alpha", [DOWN])], record), Unanswered)
    first = ask(home, [FunctionProvider("alpha", [text(BUY)])], record)
    silent = FunctionProvider("alpha", [text(HOLD)])
    assert ask(home, [silent], record) == first
    assert silent.asked == []
    assert ask(home, [silent]) != first, "live asks always"


def test_a_replay_takes_the_same_way_and_asks_nobody(home: Path) -> None:
    """DK-20: failures, repairs and skipped models too."""
    providers = [
        FunctionProvider("alpha", [DOWN]),
        FunctionProvider("beta", [text("prose"), text(BUY)]),
    ]
    lived = ask(home, providers, TWO)
    assert [item.why for item in lived.attempts] == [Why.UNREACHABLE, Why.INVALID, None]
    silent = [FunctionProvider("alpha", silence), FunctionProvider("beta", silence)]
    replay = replace(TWO, mode=Mode.REPLAY)
    assert ask(home, silent, replay) == lived
    assert ask(home, silent, replay, decision_id="other") == lived
    assert [provider.asked for provider in silent] == [[], []]
    store = ExchangeStore(home / "exchanges")
    assert Replayer(replay, store).ask(opinion_question()) == lived
    assert spent(home) == lived.cost_usd


def test_a_replay_of_a_panel_equals_it(home: Path) -> None:
    panel = setup(model("a"), model("b", "beta"))

    async def once(how: Any) -> Any:
        providers = [FunctionProvider("alpha", [text(BUY)]), FunctionProvider("beta", [DOWN])]
        async with models_for(home, providers, how) as models:
            return await models.ask_each(opinion_question())

    lived = asyncio.run(once(panel))
    replay = replace(panel, mode=Mode.REPLAY)
    assert asyncio.run(once(replay)) == lived
    assert (
        Replayer(replay, ExchangeStore(home / "exchanges")).ask_each(opinion_question()) == lived
    )


@pytest.mark.parametrize(
    "changes", [{"material": "RSI is 51."}, {"task": "You judge."}, {"max_tokens": 201}]
)
def test_a_missing_recording_is_an_error_and_never_a_call(home: Path, changes: Any) -> None:
    ask(home, [FunctionProvider("alpha", [text(BUY)])])
    alpha = FunctionProvider("alpha", [text(BUY)])
    with pytest.raises(RecordingMissing):
        ask(home, [alpha], setup(mode=Mode.REPLAY), **changes)
    assert alpha.asked == []


def test_another_model_has_no_recording_of_the_first_ones(home: Path) -> None:
    """Nor does a fallback's recording stand in for it."""
    ask(home, [FunctionProvider("alpha", [DOWN]), FunctionProvider("beta", [text(BUY)])], TWO)
    how = setup(model("third"), model("second", "beta"), mode=Mode.REPLAY)
    with pytest.raises(RecordingMissing, match="alpha third-model"):
        Replayer(how, ExchangeStore(home / "exchanges")).ask(opinion_question())


def test_a_damaged_recording_ends_a_panel_of_a_replay(home: Path) -> None:
    alpha = FunctionProvider("alpha", [text(BUY)])
    ask(home, [alpha])
    ExchangeStore(home / "exchanges").path(alpha.asked[0].key).write_bytes(b"{}")

    async def once() -> None:
        async with models_for(home, [], setup(mode=Mode.REPLAY)) as models:
            await models.ask_each(opinion_question())

    with pytest.raises(RecordingDamaged):
        asyncio.run(once())


def test_an_answer_that_cannot_be_kept_still_holds(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "exchanges").write_text("not a folder")
    assert isinstance(ask(home, [FunctionProvider("alpha", [text(BUY)])]), Answered)
    assert "exchange not recorded" in capsys.readouterr().err


def test_no_secret_reaches_a_provider_a_recording_or_a_log(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spec 7, C23: prompts and answers are masked before they go anywhere."""
    canary, given = "canary-0123456789", "canary-9876543210"
    monkeypatch.setenv("SOME_API_KEY", canary)
    secret = Secret(given)
    says = [
        text(f"{BUY[:-3]}, {canary} {given}"),
        Failed(Why.REFUSED, f"key {canary} is not known"),
    ]
    alpha = FunctionProvider("alpha", says)
    reply = ask(home, [alpha], material=f"RSI is 50, the key {canary}", task=f"Judge {given}.")
    assert len(alpha.asked) == 2
    told = "".join(item.text for request in alpha.asked for item in request.messages)
    places = [told, repr(reply), "".join(capsys.readouterr())]
    places += [path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file()]
    assert not any(word in place for word in (canary, given) for place in places)
    assert "***" in told
    assert secret.reveal() == given


def test_half_of_a_surrogate_pair_is_kept_as_a_question_mark(home: Path) -> None:
    reply = ask(home, [FunctionProvider("alpha", [text("\ud800")])])
    assert isinstance(reply, Unanswered)
    kept = ExchangeStore(home / "exchanges").need(first_request(opinion_question(), model()))
    assert isinstance(kept.outcome, Completion)
    assert kept.outcome.text == "?"


def test_the_day_that_passes_its_warning_is_told_once(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = Limits(Decimal(5), Decimal("0.0001"), Decimal(5))
    how = replace(setup(), limits=limits)
    for _ in range(3):
        ask(home, [FunctionProvider("alpha", [text(BUY)])], how)
    assert capsys.readouterr().err.count("model budget nearly spent") == 1

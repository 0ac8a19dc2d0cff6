"""Ask models: in order, within one deadline, within the budget, and keep what was said."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Self, TypeVar

from athena.errors import AthenaError, InputError
from athena.language._breaker import Breaker
from athena.language._replayer import without_secrets
from athena.language._setup import Mode
from athena.language.providers import Absent
from athena.language.questions import Completion, Exchange, Failed, Why, walk
from athena.language.spending import Call, OverBudget, Settlement
from athena.platform import RandomIds, get_logger, known_secrets, mask_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from athena.language._setup import Setup
    from athena.language.providers import Provider
    from athena.language.questions import (
        Answered,
        AnswerT,
        Model,
        Question,
        Request,
        Turn,
        Unanswered,
    )
    from athena.language.records import ExchangeStore
    from athena.language.spending import Ledger
    from athena.platform import Clock

_Done = TypeVar("_Done")
_RETRIED = frozenset({Why.BUSY, Why.UNREACHABLE, Why.BROKEN})
_FIRST_PAUSE_S = 0.25
_GRACE_S = (
    1.0  # an answer that is there waits so long for disk and database; they go on without it
)
_TEXT = "text"


class Models:
    """Ask the models of each role; use it in an `async with` block.

    Nothing here raises for what a model, a provider, a network or the budget does: the reply says
    it. Files and the database are used in a thread of their own, so that the loop never waits.
    """

    def __init__(
        self,
        setup: Setup,
        providers: Mapping[str, Provider | Absent],
        store: ExchangeStore,
        open_ledger: Callable[[], Ledger],
        clock: Clock,
    ) -> None:
        """Prepare to ask; nothing is opened or sent yet.

        Args:
            setup: who is asked for what, and how.
            providers: by their names, or why they are absent.
            store: where exchanges are kept.
            open_ledger: opens the record of costs, in the thread that will use it.
            clock: decides which day pays, and how long a provider rests.
        """
        self._setup = setup
        self._providers = providers
        self._store = store
        self._open_ledger = open_ledger
        self._clock = clock
        self._ids = RandomIds()
        self._secrets = known_secrets()
        self._breakers = {
            name: Breaker(setup.breaker_failures, setup.breaker_rest_s) for name in providers
        }
        self._counts: Counter[tuple[str, str]] = Counter()
        self._worker = ThreadPoolExecutor(1, "athena-language")
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the ledger and the thread."""
        if self._ledger is not None:
            await self._off_loop(self._ledger.close)
        self._worker.shutdown()

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how often each model answered or failed: (model, `answered` or why) -> count."""
        return dict(self._counts)

    async def ask(self, question: Question[AnswerT]) -> Answered[AnswerT] | Unanswered:
        """Ask the models of the question's role in order, until one answers.

        Raises:
            RecordingMissing: in replay, the question was never recorded with these models.
            RecordingDamaged: a recording is not as it was written; never in a live run.
        """
        return await self._ask(question, self._setup.roles[question.role])

    async def ask_each(
        self, question: Question[AnswerT]
    ) -> dict[str, Answered[AnswerT] | Unanswered]:
        """Ask every model of the question's role, all at once; return the replies by name.

        Raises:
            RecordingMissing, RecordingDamaged: see `ask`.
        """
        chain = self._setup.roles[question.role]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(question, (model,))) for model in chain]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return {model.name: task.result() for model, task in zip(chain, tasks, strict=True)}

    async def ask_model(
        self, name: str, question: Question[AnswerT]
    ) -> Answered[AnswerT] | Unanswered:
        """Ask one model, whatever the question's role.

        Raises:
            InputError: no role names it.
            RecordingMissing, RecordingDamaged: see `ask`.
        """
        models = self._setup.models
        if name not in models:
            message = f"expected a model that a role names, was {name!r}"
            raise InputError(message, hint=f"one of {', '.join(sorted(models))}")
        return await self._ask(question, (models[name],))

    async def _ask(
        self, question: Question[AnswerT], chain: Sequence[Model]
    ) -> Answered[AnswerT] | Unanswered:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + question.deadline_s
        share_end_s = end_s
        way = walk(without_secrets(question, self._secrets), chain)
        try:
            turn = next(way)
            while True:
                if not turn.is_repair:
                    # What a model leaves of its share is its successors'.
                    share_end_s = loop.time() + (end_s - loop.time()) / turn.n_left
                turn = way.send(await self._exchange(question, turn, share_end_s))
        except StopIteration as end:
            reply: Answered[AnswerT] | Unanswered = end.value
            self._counts.update((item.model, item.why or "answered") for item in reply.attempts)
            return reply

    async def _exchange(self, question: Question[AnswerT], turn: Turn, end_s: float) -> Exchange:
        """Bring about what a request came to: from the store, or by asking."""
        request = turn.request
        if self._setup.mode is Mode.REPLAY:
            return await self._off_loop(lambda: self._store.need(request))
        if self._setup.mode is Mode.RECORD:
            kept = await self._off_loop(lambda: self._store.read(request))
            if kept is not None and isinstance(kept.outcome, Completion):
                return kept
        exchange = await self._admitted(question, turn, end_s)
        _log(question, turn, exchange)
        await self._keep(request, exchange)
        return exchange

    async def _admitted(self, question: Question[AnswerT], turn: Turn, end_s: float) -> Exchange:
        """Ask a provider that is there and not at rest, and tell its breaker how that went."""
        provider = self._providers[turn.model.provider]
        if isinstance(provider, Absent):
            return self._skipped(turn, Why.ABSENT, provider.reason)
        if asyncio.get_running_loop().time() >= end_s:
            return self._skipped(turn, Why.LATE, "no time was left")
        breaker = self._breakers[provider.name]
        now_ns = self._clock.now_ns()
        if not breaker.admit(now_ns):
            detail = f"{provider.name} failed too often, {breaker.rest_s(now_ns)} s left"
            return self._skipped(turn, Why.RESTING, detail)
        try:
            exchange = await self._with_retries(question, turn, provider, end_s)
        except BaseException:
            breaker.let_go()
            raise
        outcome = exchange.outcome
        if isinstance(outcome, Completion):
            breaker.succeed()
        elif outcome.why is Why.BUDGET:
            breaker.let_go()
        else:
            breaker.fail(self._clock.now_ns())
        return exchange

    async def _with_retries(
        self, question: Question[AnswerT], turn: Turn, provider: Provider, end_s: float
    ) -> Exchange:
        loop = asyncio.get_running_loop()
        begun_s, cost_usd = loop.time(), Decimal(0)
        for repetition in range(1 + self._setup.retries_max):
            outcome, paid_usd = await self._paid(question, turn, provider, end_s)
            cost_usd += paid_usd
            if isinstance(outcome, Completion) or outcome.why not in _RETRIED:
                break
            pause_s = max(_FIRST_PAUSE_S * 2**repetition, outcome.retry_after_s or 0)
            if repetition == self._setup.retries_max or loop.time() + pause_s >= end_s:
                break
            await asyncio.sleep(pause_s)
        return Exchange(
            key=turn.request.key,
            outcome=outcome,
            cost_usd=cost_usd,
            latency_ms=round(1_000 * (loop.time() - begun_s)),
            recorded_ns=self._clock.now_ns(),
        )

    async def _paid(
        self, question: Question[AnswerT], turn: Turn, provider: Provider, end_s: float
    ) -> tuple[Completion | Failed, Decimal]:
        """Make one call, its worst case set aside before and settled after; return its cost."""
        request, price = turn.request, turn.model.price
        worst_usd = price.cost_usd(request.most_input_tokens, request.max_tokens)
        call = Call(
            id=self._ids.next_id(),
            at_ns=self._clock.now_ns(),
            decision_id=question.decision_id,
            role=question.role,
            model=turn.model.name,
            provider=provider.name,
            request_key=request.key,
            worst_usd=worst_usd,
        )
        refused = await self._reserve(call, end_s)
        if refused is not None:
            return refused, Decimal(0)
        begun_s = asyncio.get_running_loop().time()
        outcome = self._fit_to_keep(await _timed(provider, request, end_s))
        cost_usd = _cost(outcome, turn.model, worst_usd)
        text = outcome if isinstance(outcome, Completion) else None
        await self._settle(
            call,
            Settlement(
                cost_usd=cost_usd,
                n_input=text.n_input if text else None,
                n_output=text.n_output if text else None,
                latency_ms=round(1_000 * (asyncio.get_running_loop().time() - begun_s)),
                outcome=outcome.why if isinstance(outcome, Failed) else _TEXT,
            ),
        )
        return outcome, cost_usd

    async def _reserve(self, call: Call, end_s: float) -> Failed | None:
        try:
            async with asyncio.timeout_at(end_s):
                found = await self._off_loop(lambda: self._opened_ledger().reserve(call))
        except TimeoutError:
            return Failed(Why.LATE, "the record of costs was not free in time")
        except AthenaError as error:
            # Without the ledger nobody knows what is left: then nothing is.
            return Failed(Why.BUDGET, f"the record of costs cannot be used: {error.message}")
        if isinstance(found, OverBudget):
            return Failed(Why.BUDGET, found.reason)
        if found.is_first_warning:
            get_logger("language").warning("model budget nearly spent", day_usd=str(found.day_usd))
        return None

    async def _settle(self, call: Call, settlement: Settlement) -> None:
        if settlement.cost_usd > call.worst_usd:
            get_logger("language").warning(
                "model cost more than its worst case",
                model=call.model,
                worst_usd=str(call.worst_usd),
                cost_usd=str(settlement.cost_usd),
            )
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._off_loop(lambda: self._opened_ledger().settle(call.id, settlement))
        except (AthenaError, TimeoutError) as error:
            # The worst case stays set aside, which is the safe side.
            get_logger("language").warning("model cost not settled", reason=_reason(error))

    def _opened_ledger(self) -> Ledger:
        """Return the ledger; called in the one thread that may use it, so it is opened once."""
        if self._ledger is None:
            self._ledger = self._open_ledger()
        return self._ledger

    async def _keep(self, request: Request, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._off_loop(lambda: self._store.write(request, exchange))
        except (AthenaError, TimeoutError) as error:
            # The answer holds; a replay will say what is missing.
            get_logger("language").warning("exchange not recorded", reason=_reason(error))

    def _skipped(self, turn: Turn, why: Why, detail: str) -> Exchange:
        outcome = Failed(why, detail)
        return Exchange(turn.request.key, outcome, Decimal(0), 0, self._clock.now_ns())

    def _fit_to_keep(self, outcome: Completion | Failed) -> Completion | Failed:
        """Mask secrets, since a provider knows its key, and replace what UTF-8 cannot hold."""
        if isinstance(outcome, Failed):
            return replace(outcome, detail=self._fit(outcome.detail))
        return replace(
            outcome, text=self._fit(outcome.text), served_by=self._fit(outcome.served_by)
        )

    def _fit(self, text: str) -> str:
        return mask_text(text.encode("utf-8", "replace").decode(), self._secrets)

    async def _off_loop(self, work: Callable[[], _Done]) -> _Done:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


async def _timed(provider: Provider, request: Request, end_s: float) -> Completion | Failed:
    try:
        async with asyncio.timeout_at(end_s):
            return await provider.complete(request)
    except TimeoutError:
        return Failed(Why.LATE, "no answer before the deadline", may_cost=True)


def _reason(error: AthenaError | TimeoutError) -> str:
    return error.message if isinstance(error, AthenaError) else "it took too long"


def _cost(outcome: Completion | Failed, model: Model, worst_usd: Decimal) -> Decimal:
    if isinstance(outcome, Failed):
        return worst_usd if outcome.may_cost else Decimal(0)
    if outcome.n_input is None or outcome.n_output is None:
        return worst_usd
    return model.price.cost_usd(outcome.n_input, outcome.n_output)


def _log(question: Question[AnswerT], turn: Turn, exchange: Exchange) -> None:
    outcome = exchange.outcome
    get_logger("language").info(
        "model asked",
        role=question.role,
        decision=question.decision_id,
        model=turn.model.name,
        provider=turn.model.provider,
        outcome=f"{outcome.why}: {outcome.detail}" if isinstance(outcome, Failed) else _TEXT,
        is_repair=turn.is_repair,
        cost_usd=str(exchange.cost_usd),
        latency_ms=exchange.latency_ms,
        key=exchange.key,
    )

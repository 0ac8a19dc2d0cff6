"""Open what the configuration describes: models for asynchronous code, and for any other."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from athena.language._models import Models
from athena.language._replayer import Replayer
from athena.language._setup import Mode, provider_configs, read_setup
from athena.language.providers import open_provider
from athena.language.records import ExchangeStore
from athena.platform import SteadyClock, home_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    import httpx2

    from athena.language._setup import Setup
    from athena.language.providers import Absent, Provider
    from athena.language.questions import Answered, AnswerT, Question, Unanswered
    from athena.language.spending import Ledger, Limits
    from athena.platform import Clock
    from athena.platform.config import LanguageConfig, ProvidersConfig

_Done = TypeVar("_Done")
_CONNECT_TIMEOUT_S = 5.0  # a provider that is gone leaves time for the next


class Asker(Protocol):
    """Ask models from code that is not asynchronous."""

    def ask(self, question: Question[AnswerT]) -> Answered[AnswerT] | Unanswered:
        """Ask the models of the question's role in order; see `Models.ask`."""
        ...

    def ask_each(self, question: Question[AnswerT]) -> dict[str, Answered[AnswerT] | Unanswered]:
        """Ask every model of the question's role; see `Models.ask_each`."""
        ...


@asynccontextmanager
async def open_models(  # noqa: PLR0913  # where everything is
    config: LanguageConfig,
    home: Path,
    open_ledger: Callable[[Limits], Ledger],
    *,
    mode: Mode | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Models]:
    """Offer the models of a configuration to asynchronous code.

    Args:
        config: the section `language`.
        home: exchanges are kept in it.
        open_ledger: opens the record of costs with the limits it has to keep; it is called in
            another thread, at the first question that needs it.
        mode: in the place of the configured one.
        clock: decides which day pays; else the machine's.
        environment: where keys are looked up, before the keyring.
    """
    import httpx2

    setup = read_setup(config, mode=mode)
    store = ExchangeStore(home_folder(home, "exchanges"))
    timeout = httpx2.Timeout(None, connect=_CONNECT_TIMEOUT_S)  # each call has a deadline
    async with httpx2.AsyncClient(timeout=timeout) as client:
        providers = open_providers(setup, config.providers, client, environment)
        async with Models(
            setup, providers, store, lambda: open_ledger(setup.limits), clock or SteadyClock()
        ) as models:
            yield models


@contextmanager
def open_asker(  # noqa: PLR0913  # where everything is
    config: LanguageConfig,
    home: Path,
    open_ledger: Callable[[Limits], Ledger],
    *,
    mode: Mode | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Asker]:
    """Offer the models of a configuration to code that is not asynchronous.

    A replay reads recordings where it is called. Otherwise one thread runs an event loop for all
    questions, so that there is one way to ask and its deadlines hold. The arguments are those of
    `open_models`.
    """
    if read_setup(config, mode=mode).mode is Mode.REPLAY:
        store = ExchangeStore(home_folder(home, "exchanges"))
        yield Replayer(read_setup(config, mode=mode), store)
        return
    opening = open_models(
        config, home, open_ledger, mode=mode, clock=clock, environment=environment
    )
    stack = AsyncExitStack()
    with _LoopThread() as thread:
        models = thread.run(stack.enter_async_context(opening))
        try:
            yield _Blocking(models, thread)
        finally:
            thread.run(stack.aclose())


def open_providers(
    setup: Setup,
    config: ProvidersConfig,
    client: httpx2.AsyncClient,
    environment: Mapping[str, str],
) -> dict[str, Provider | Absent]:
    """Open every provider that a model of some role needs; nothing is sent."""
    configs = provider_configs(config)
    names = sorted({model.provider for model in setup.models.values()})
    return {name: open_provider(name, configs[name], client, environment) for name in names}


class _LoopThread:
    """Run an event loop in a thread of its own while the block runs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="athena-models", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, _Done]) -> _Done:
        """Run a coroutine there and wait; an interruption here cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


class _Blocking:
    """Hand questions to the loop's thread and wait for the replies."""

    def __init__(self, models: Models, thread: _LoopThread) -> None:
        self._models = models
        self._thread = thread

    def ask(self, question: Question[AnswerT]) -> Answered[AnswerT] | Unanswered:
        return self._thread.run(self._models.ask(question))

    def ask_each(self, question: Question[AnswerT]) -> dict[str, Answered[AnswerT] | Unanswered]:
        return self._thread.run(self._models.ask_each(question))

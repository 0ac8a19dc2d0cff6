"""The loop of one account: one process, one thread that writes, and helpers that never hold it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from athena.app.running._ending import Ending, heeding_signals
from athena.app.running._sockets import leaves
from athena.errors import AthenaError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from athena.app._signals import Caught
    from athena.app.live import Request
    from athena.app.running._clerk import Clerk
    from athena.app.running._engine import Engine

_REPORT_EVERY_S = 60.0


class Ground(Protocol):
    """Where an engine trades: a venue in this process, or one behind sockets."""

    @property
    def now_ns(self) -> int:
        """Return the time that engine and venue live by."""
        ...

    @property
    def speed_reached(self) -> float:
        """Return how many of the session's seconds passed in one of the wall's, so far."""
        ...

    async def run(self, engine: Engine, ending: Ending) -> None:
        """Let the engine trade until the end is asked for, then wind down."""
        ...


class LiveLoop:
    """Run an engine on its ground, with an inbox for operators and a line a minute.

    Attributes:
        ending: why it stopped; None before it ran.
    """

    def __init__(
        self,
        engine: Engine,
        ground: Ground,
        *,
        hire: Callable[[Callable[[Request], None]], Clerk],
        report: Callable[[], None],
        besides: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        """Prepare; nothing happens before `run`.

        Args:
            engine: of the account.
            ground: where it trades.
            hire: makes the clerk who hands over what operators want.
            report: says how it goes, once a minute.
            besides: what runs beside the engine and may tell it things: bars, prices.
        """
        self._engine = engine
        self._ground = ground
        self._hire = hire
        self._report = report
        self._besides = besides
        self.ending: Ending | None = None

    def run(self, duration_ns: int | None, caught: Caught) -> Ending:
        """Run until it is over; SIGINT and SIGTERM end it in order.

        Args:
            duration_ns: of the session's clock; None is for ever.
            caught: a signal that came while the session was put together.

        Raises:
            AthenaError: the journal or something else that nothing goes on without.
        """
        try:
            return asyncio.run(self._run(duration_ns, caught))
        except BaseExceptionGroup as group:
            # One thing ended it; what else the group holds came of that.
            errors = leaves(group)
            own = [error for error in errors if isinstance(error, AthenaError)]
            self._engine.stopped_by((own or errors)[0], self._ground.now_ns)
            raise (own or errors)[0] from None
        except AthenaError as error:
            self._engine.stopped_by(error, self._ground.now_ns)
            raise

    async def _run(self, duration_ns: int | None, caught: Caught) -> Ending:
        until_ns = None if duration_ns is None else self._ground.now_ns + duration_ns
        ending = self.ending = Ending(until_ns)
        with ExitStack() as stack:
            stack.enter_context(heeding_signals(ending, caught))
            requests: asyncio.Queue[Request] = asyncio.Queue()
            clerk = self._hire(self._inbox(requests))
            stack.callback(clerk.close)
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._answer(requests, clerk)),
                    group.create_task(self._keep_reporting()),
                    *(group.create_task(beside()) for beside in self._besides),
                ]
                await group.create_task(self._ground.run(self._engine, ending))
                for helper in helpers:
                    helper.cancel()
        self._engine.close(self._ground.now_ns)
        return ending

    @staticmethod
    def _inbox(requests: asyncio.Queue[Request]) -> Callable[[Request], None]:
        """Return what another thread may call to put a request before the loop."""
        loop = asyncio.get_running_loop()

        def hand_over(request: Request) -> None:
            loop.call_soon_threadsafe(requests.put_nowait, request)

        return hand_over

    async def _answer(self, requests: asyncio.Queue[Request], clerk: Clerk) -> None:
        while True:
            request = await requests.get()
            clerk.answered(request.id, self._engine.requested(request, self._ground.now_ns))

    async def _keep_reporting(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            self._report()

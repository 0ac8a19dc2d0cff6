"""How a request becomes an event of the engine.

| verb | what the engine does |
|---|---|
| `pause`, `resume`, `halt`, `flatten` | the core's command of that name |
| `kill` | the core's `kill`: halt and flatten, latched |
| `close` | the core's `close` of one instrument |
| `admin_resume` | `clear_halt(home)` first, else the file halts again; then the core's command |
| `limit` | a `LimitChanged` event, with the value in the core's unit |
| `order` | a `Wanted` event, keyed by the request, which the risk engine judges |
| `plan`, `plan_stop` | `PlanStarted`, whose plan has the request's id, and `PlanStopped` |
| `rebalance`, `skip_rebalance`, `purchase` | `RebalanceAsked`, `PurchaseAsked` |
| `approve`, `reject` | an answer to the desk about a decision, which then passes the risk engine |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.live._wishes import Verb
from athena.errors import InputError
from athena.trading import Command
from athena.trading.live import Operated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.app.live._inbox import Request

CORE_COMMANDS: Mapping[Verb, Command] = {
    Verb.PAUSE: Command.PAUSE,
    Verb.RESUME: Command.RESUME,
    Verb.HALT: Command.HALT,
    Verb.KILL: Command.KILL,
    Verb.FLATTEN: Command.FLATTEN,
    Verb.CLOSE: Command.CLOSE,
    Verb.ADMIN_RESUME: Command.ADMIN_RESUME,
}


def to_operated(request: Request, symbols: Sequence[str], ts_ns: int) -> Operated:
    """Return the event of a request that is one command of the core.

    Args:
        request: whose verb is in `CORE_COMMANDS`.
        symbols: of the instruments, in the core's order.
        ts_ns: the engine's clock.

    Raises:
        InputError: the symbol is none of them, or the verb is no command of the core; to be
            answered with, as rejected.
    """
    wish = request.wish
    if wish.verb not in CORE_COMMANDS:
        message = f"expected a command of the core, was {wish.verb}"
        raise InputError(message)
    argument = 0
    if wish.verb is Verb.CLOSE:
        symbol = wish.arguments.get("symbol", "")
        if symbol not in symbols:
            message = f"expected one of {', '.join(symbols)}, was {symbol!r}"
            raise InputError(message)
        argument = list(symbols).index(symbol)
    return Operated(
        command=CORE_COMMANDS[wish.verb],
        ts_ns=ts_ns,
        by=request.operator,
        reason=wish.reason,
        argument=argument,
        correlation_id=request.id,
    )

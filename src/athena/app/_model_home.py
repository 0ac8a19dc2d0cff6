"""The models of a home: their record of costs, and how both are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athena.app._database import bring_up_to_date
from athena.app._output import Table
from athena.language.spending import Ledger
from athena.platform import SystemClock
from athena.platform.database import database_url, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.app._context import Context
    from athena.language import RoleModel
    from athena.language.spending import Limits


def ledger_opener(context: Context) -> Callable[[Limits], Ledger]:
    """Return what opens the record of costs of a home, in whichever thread will use it."""
    url, home = database_url(context.config.database.url), context.home

    def opened(limits: Limits) -> Ledger:
        database = open_database(url, home)
        bring_up_to_date(database, home, SystemClock().now_ns())
        return Ledger(database, limits)

    return opened


def role_values(item: RoleModel) -> dict[str, Any]:
    """Return what JSON says of a role's model."""
    model = item.model
    return {
        "role": item.role,
        "place": item.place,
        "model": model.name,
        "provider": model.provider,
        "id": model.id,
        "input_usd": model.price.input_usd,
        "output_usd": model.price.output_usd,
        "priced_on": model.price.looked_up_on or None,
        "state": "absent" if item.absent else "configured",
        "reason": item.absent.reason if item.absent else None,
        "fix": item.absent.fix if item.absent else None,
    }


def roles_table(items: Sequence[RoleModel]) -> Table:
    """Show the models of every role to a person; the fix of each provider once."""
    rows = []
    told: set[str] = set()
    for item in items:
        model, fix = item.model, ""
        if item.absent and model.provider not in told:
            told.add(model.provider)
            fix = item.absent.fix
        price = f"{model.price.input_usd} / {model.price.output_usd}"
        rows.append(
            (
                item.role if item.place == 1 else "",
                model.name,
                f"{model.provider} {model.id}",
                price if model.price.looked_up_on else "own",
                model.price.looked_up_on,
                item.absent.reason if item.absent else "configured",
                fix,
            )
        )
    columns = ("role", "model", "is", ">USD per M in / out", "looked up", "state", "to do")
    return Table(columns, rows)

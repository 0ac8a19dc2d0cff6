"""Run a compiled rule: the loop calls it on every bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import AthenaError
from athena.research.engine import _loop
from athena.research.engine._engine import new_rule_engine
from athena.research.engine._seat import strategy_error
from athena.trading import layout as at
from athena.trading import limits, rules

if TYPE_CHECKING:
    from athena.research.engine._session import Session
    from athena.trading import Ints, Market, RuleStrategy, State


def drive_rule(session: Session, name: str, strategy: RuleStrategy) -> None:
    """Run a rule on every bar, inside the loop.

    Raises:
        StrategyError: the rule raised.
    """
    bind = new_rule_engine(
        session.state,
        session.venue,
        session.setup.columns,
        type(strategy).rule,
        compiled_in=session.compiled_in,
    )
    started_s = time.process_time()
    now = rule_view(session.state.views)
    control = session.control
    tables = rule_tables(name, strategy, session.market)
    run = bind(control, now, *tables)
    step = 0
    while step < session.n_steps:
        control[_loop.C_FROM] = step
        try:
            step = run()
        except BaseException as error:
            if _is_of_core(error, session, strategy):
                raise
            raise strategy_error(name, int(now[rules.NOW_STEP]), error) from error
        session.flush()
        session.on_progress(step)
    session.cpu_s = time.process_time() - started_s


def rule_tables(name: str, strategy: RuleStrategy, market: Market) -> tuple[Ints, Ints, Ints]:
    """Build a rule's memory, its parameters, and the table of its intents.

    Raises:
        StrategyError: the strategy raised.
    """
    try:
        parameters = np.array(strategy.parameters(market), np.int64)
        memory = np.zeros(strategy.memory_size(), np.int64)
        intents = np.zeros(strategy.max_intents() * at.N_INTENT, np.int64)
    except AthenaError:
        raise
    except BaseException as error:
        raise strategy_error(name, 0, error) from error
    return memory, parameters, intents


def rule_view(state: State) -> Ints:
    """Return what a rule is shown, with what never changes filled in."""
    n = state.account[at.N_INSTRUMENTS]
    now = np.zeros(rules.N_NOW + n * rules.N_NOW_INSTRUMENT, np.int64)
    now[rules.NOW_BUFFER_PPM] = state.limits[limits.CASH_BUFFER_PPM]
    for k in range(n):
        base = rules.N_NOW + k * rules.N_NOW_INSTRUMENT
        now[base + rules.VALUE_NUM] = state.instruments[k, at.VALUE_NUM]
        now[base + rules.VALUE_DEN] = state.instruments[k, at.VALUE_DEN]
    return now


def _is_of_core(error: BaseException, session: Session, strategy: RuleStrategy) -> bool:
    """Tell whether the core raised, not the rule; compiled code leaves no frames to see."""
    if session.is_compiled:
        return isinstance(error, OverflowError)
    code = type(strategy).rule.__code__
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code is not code:
        frame = frame.tb_next
    return frame is None

"""How an agent is called: a context goes in, a thought comes out, and the thought is acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from athena.desk.contract._output import Output
    from athena.desk.contract._roles import Role

InputsT = TypeVar("InputsT")


CONTEXT_ACTIONS = 10
MEMORY_HITS = 5


@dataclass(frozen=True, slots=True)
class Unavailable:
    """What stands where an answer should be: a source, a memory or a model did not give one.

    Attributes:
        what: the dependency, such as `news:finnhub` or `model:technical`.
        reason: a sentence.
    """

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class MemoryHit:
    """Something remembered: the entry's id, its text and how near it is (0..1)."""

    id: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One action that an agent took.

    Attributes:
        type: what it did, `publish` for its result.
        parameters: names and values, in order.
        result: what came of it, a digest or a sentence.
        success: False ends the run.
        error: why it failed; empty otherwise.
        duration_s: >= 0; measured, so no part of any digest.
    """

    type: str
    parameters: tuple[tuple[str, str], ...]
    result: str
    success: bool
    error: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Generic[InputsT]):
    """Everything an agent may know in one cycle.

    Attributes:
        task: what it is asked.
        symbol: instrument; empty for the whole account.
        as_of_ns: nothing later may be used, UTC.
        correlation_id: of the cycle.
        inputs: the typed inputs of its role.
        actions: its last `CONTEXT_ACTIONS` actions, newest last.
        memories: at most `MEMORY_HITS`, or why there are none.
        inbox: outputs that earlier steps of this cycle published, oldest first.
    """

    task: str
    symbol: str
    as_of_ns: int
    correlation_id: str
    inputs: InputsT
    actions: tuple[ActionRecord, ...] = ()
    memories: tuple[MemoryHit, ...] | Unavailable = ()
    inbox: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Thought:
    """What an agent thought.

    Attributes:
        done: True means that the result of this cycle is ready.
        output: the result; None while it is not done.
        note: what is missing while it is not done.
    """

    done: bool
    output: Output | None = None
    note: str = ""


class Agent(Protocol[InputsT]):
    """Someone at the desk.

    Laws: the same context gives the same thought; `done` means that the result of this cycle is
    ready, and comes with an output; missing or bad inputs give an output that holds or abstains
    and says why, never an exception and never an invented value.
    """

    @property
    def name(self) -> str:
        """Return the unique name."""

    @property
    def role(self) -> Role:
        """Return what it is asked for."""

    @property
    def version(self) -> str:
        """Return what identifies rule, prompt and settings."""

    def think(self, context: Context[InputsT]) -> Thought:
        """Think once about a context."""

    def act(self, thought: Thought) -> ActionRecord:
        """Act on a thought: publish the result, or fetch what is missing."""

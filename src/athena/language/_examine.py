"""Which model each role has, whether it is there, and whether it really answers (A20)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from athena.language._setup import provider_configs, read_setup
from athena.language.prompts import data_block
from athena.language.providers import Absent, find_key
from athena.language.questions import Answer, ModelRole, Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.language._models import Models
    from athena.language.questions import Answered, Model, Unanswered
    from athena.platform.config import LanguageConfig

_TASK = "You are tried out. Repeat the word that the material holds."
_MAX_TOKENS = 1_024  # some models think before they say a word
_WORD = "ready"


@dataclass(frozen=True, slots=True)
class RoleModel:
    """One model of a role.

    Attributes:
        role: what it is asked for.
        place: 1 for the one that is asked first.
        model: as it is configured.
        absent: why it cannot be asked, and what brings it; None when it can.
    """

    role: ModelRole
    place: int
    model: Model
    absent: Absent | None


class Ready(Answer):
    """The answer to a trial."""

    word: Literal["ready"]


def examine_roles(
    config: LanguageConfig, environment: Mapping[str, str] = os.environ
) -> list[RoleModel]:
    """List the models of every role, and which of them are absent; nothing is sent."""
    setup = read_setup(config)
    keys = {
        name: find_key(name, item, environment)
        for name, item in provider_configs(config.providers).items()
    }
    absent = {name: key for name, key in keys.items() if isinstance(key, Absent)}
    return [
        RoleModel(role, place, model, absent.get(model.provider))
        for role, chain in setup.roles.items()
        for place, model in enumerate(chain, 1)
    ]


async def try_model(
    models: Models, name: str, *, decision_id: str, as_of_ns: int, deadline_s: float
) -> Answered[Ready] | Unanswered:
    """Ask a model one small question, whose answer is known.

    Args:
        models: opened, in any mode but replay.
        name: of the model.
        decision_id: whose budget pays.
        as_of_ns: now, UTC.
        deadline_s: for everything.

    Raises:
        InputError: no role names the model.
    """
    question = Question(
        role=ModelRole.WORDING,
        task=_TASK,
        material=data_block("trial", {"word": _WORD}),
        answer=Ready,
        deadline_s=deadline_s,
        decision_id=decision_id,
        as_of_ns=as_of_ns,
        max_tokens=_MAX_TOKENS,
    )
    return await models.ask_model(name, question)

"""What models are asked for."""

from __future__ import annotations

from enum import StrEnum


class ModelRole(StrEnum):
    """What a model is asked for; the configuration names the models of each."""

    CONFLICTS = "conflicts"
    PANEL = "panel"
    RESEARCHERS = "researchers"
    REFLECTION = "reflection"
    SOCIAL = "social"
    NEWS = "news"
    WORDING = "wording"
    PORTFOLIO = "portfolio"

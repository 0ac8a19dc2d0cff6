"""Advice: what strategies would do on an account that is assumed, and nothing is sent."""

from athena.app.advice._adviser import Adviser, Assumption, Suggestion, closed_steps
from athena.app.advice._recent_bars import recent_bars

__all__ = [
    "Adviser",
    "Assumption",
    "Suggestion",
    "closed_steps",
    "recent_bars",
]

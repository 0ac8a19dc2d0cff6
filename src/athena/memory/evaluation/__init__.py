"""How well a memory finds what answers a question, beside its baselines."""

from athena.memory.evaluation._evaluate import DEFAULT, Arm, Evaluation, evaluate
from athena.memory.evaluation._questions import Asked, Dialogue, Said, read_dialogues
from athena.memory.evaluation._scores import MEASURES, bootstrap_interval, score_ranking

__all__ = [
    "DEFAULT",
    "MEASURES",
    "Arm",
    "Asked",
    "Dialogue",
    "Evaluation",
    "Said",
    "bootstrap_interval",
    "evaluate",
    "read_dialogues",
    "score_ranking",
]

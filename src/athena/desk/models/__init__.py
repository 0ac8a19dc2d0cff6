"""Everything at the desk that asks a language model.

A model may word, score, argue, advise and learn. What it says comes in a form with bounds, goes
through the desk's rules, and can only make a trade smaller; without an answer rules decide.
"""

from athena.desk.models._classifier import ModelClassifier, TextScores
from athena.desk.models._debate import (
    Argument,
    Claim,
    Debate,
    DebateSettings,
    Point,
    Ruling,
    Stance,
    hold_debate,
)
from athena.desk.models._debated import (
    DebatedRule,
    debated_panel_agent,
    debated_strategy_agent,
    worded_technical_agent,
)
from athena.desk.models._exhibits import Exhibit, exhibits_of
from athena.desk.models._judge import ConflictAnswer, ModelJudge
from athena.desk.models._lessons import Lesson, Lessons, MemoryLessons
from athena.desk.models._panel import PANEL_S, PanelOpinion, PanelReplies, ask_panel
from athena.desk.models._reflection import (
    LEAST_OUTCOMES,
    PastDecision,
    ReflectedLesson,
    reflect,
)
from athena.desk.models._style import StyleChoice, choose_style
from athena.desk.models._wording import WordedFinding, WordedRule

__all__ = [
    "LEAST_OUTCOMES",
    "PANEL_S",
    "Argument",
    "Claim",
    "ConflictAnswer",
    "Debate",
    "DebateSettings",
    "DebatedRule",
    "Exhibit",
    "Lesson",
    "Lessons",
    "MemoryLessons",
    "ModelClassifier",
    "ModelJudge",
    "PanelOpinion",
    "PanelReplies",
    "PastDecision",
    "Point",
    "ReflectedLesson",
    "Ruling",
    "Stance",
    "StyleChoice",
    "TextScores",
    "WordedFinding",
    "WordedRule",
    "ask_panel",
    "choose_style",
    "debated_panel_agent",
    "debated_strategy_agent",
    "exhibits_of",
    "hold_debate",
    "reflect",
    "worded_technical_agent",
]

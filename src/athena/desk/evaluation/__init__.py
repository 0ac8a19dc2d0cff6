"""Who was right: outcomes, scores, calibration, weights, models side by side, drift, promotion.

A word is judged by what the price did over a horizon after it, never by whether it ran.
"""

from athena.desk.evaluation._calibration import (
    LEAST_SAMPLES,
    Curve,
    LearnedCalibration,
    calibrate,
    calibrate_one,
    fit_curve,
    fit_isotonic,
    fit_logistic,
)
from athena.desk.evaluation._calls import DESK, Call, Calls, Kind, ModelWord, calls_of
from athena.desk.evaluation._drift import (
    PSI_MAX,
    Drift,
    cusum,
    find_drift,
    population_stability,
)
from athena.desk.evaluation._models import (
    ACTED_FROM,
    SHOWN_FROM,
    ModelComparison,
    ModelScore,
    Pair,
    compare_models,
)
from athena.desk.evaluation._outcomes import (
    HORIZONS_NS,
    OutcomeRules,
    Outcomes,
    PriceLine,
    judge_moves,
    settle,
)
from athena.desk.evaluation._promotion import SHADOW_NS, PromotionRecord, check_promotion
from athena.desk.evaluation._score import (
    BAD_ECE,
    GOOD_ECE,
    Reliability,
    Score,
    TradeScore,
    score,
)
from athena.desk.evaluation._scorekeeper import MOST_CALLS, Scorekeeper
from athena.desk.evaluation._weights import (
    CEILING,
    FLOOR,
    PastVote,
    WeightMove,
    WeightReview,
    conclude,
    propose_weights,
    review_weights,
    walk_forward,
    weigh,
)

__all__ = [
    "ACTED_FROM",
    "BAD_ECE",
    "CEILING",
    "DESK",
    "FLOOR",
    "GOOD_ECE",
    "HORIZONS_NS",
    "LEAST_SAMPLES",
    "MOST_CALLS",
    "PSI_MAX",
    "SHADOW_NS",
    "SHOWN_FROM",
    "Call",
    "Calls",
    "Curve",
    "Drift",
    "Kind",
    "LearnedCalibration",
    "ModelComparison",
    "ModelScore",
    "ModelWord",
    "OutcomeRules",
    "Outcomes",
    "Pair",
    "PastVote",
    "PriceLine",
    "PromotionRecord",
    "Reliability",
    "Score",
    "Scorekeeper",
    "TradeScore",
    "WeightMove",
    "WeightReview",
    "calibrate",
    "calibrate_one",
    "calls_of",
    "check_promotion",
    "compare_models",
    "conclude",
    "cusum",
    "find_drift",
    "fit_curve",
    "fit_isotonic",
    "fit_logistic",
    "judge_moves",
    "population_stability",
    "propose_weights",
    "review_weights",
    "score",
    "settle",
    "walk_forward",
    "weigh",
]

"""Choose on the past, trade what follows, move on; the joined result is one run."""

from athena.research.walkforward._request import WalkForwardRequest
from athena.research.walkforward._result import Fold, WalkForwardResult
from athena.research.walkforward._run import run_walk_forward

__all__ = ["Fold", "WalkForwardRequest", "WalkForwardResult", "run_walk_forward"]

"""Which rows may teach and which may judge: blocks, folds, purge, embargo, data guard."""

from athena.research.splits._blocks import BlockRows, Blocks, cut_blocks
from athena.research.splits._check import check_rows
from athena.research.splits._combinatorial import CombinatorialFolds, combinatorial_folds
from athena.research.splits._guard import DataGuard, SecondReadError
from athena.research.splits._spans import NEVER_NS, Span, label_ends, usual_embargo_ns
from athena.research.splits._split import Split, SplitRows
from athena.research.splits._walk_forward import MIN_FOLDS, Window, walk_forward_folds

__all__ = [
    "MIN_FOLDS",
    "NEVER_NS",
    "BlockRows",
    "Blocks",
    "CombinatorialFolds",
    "DataGuard",
    "SecondReadError",
    "Span",
    "Split",
    "SplitRows",
    "Window",
    "check_rows",
    "combinatorial_folds",
    "cut_blocks",
    "label_ends",
    "usual_embargo_ns",
    "walk_forward_folds",
]

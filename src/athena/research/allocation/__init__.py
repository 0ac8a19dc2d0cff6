"""How much of an account each strategy gets: weights from past returns, and nothing else."""

from athena.research.allocation._allocate import Allocation, Weights, allocate
from athena.research.allocation._covariance import shrunk_covariance
from athena.research.allocation._optimal import (
    AllocationTerms,
    mean_variance,
    risk_parity_after_costs,
)
from athena.research.allocation._plain import equal_weights, inverse_volatility, risk_parity

__all__ = [
    "Allocation",
    "AllocationTerms",
    "Weights",
    "allocate",
    "equal_weights",
    "inverse_volatility",
    "mean_variance",
    "risk_parity",
    "risk_parity_after_costs",
    "shrunk_covariance",
]

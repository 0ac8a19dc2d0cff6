"""A whole chain of quotes: cleaning, forwards, surface, fair values, arbitrage."""

from athena.pricing.chain._analysis import SCHEMA_VERSION, ChainAnalysis, analyse_chain
from athena.pricing.chain._findings import Finding, Findings, Leg, find_arbitrage
from athena.pricing.chain._forwards import Forward, find_forwards
from athena.pricing.chain._holdings import Holdings
from athena.pricing.chain._local_volatility import (
    Repriced,
    local_volatility,
    reprice_by_local_volatility,
)
from athena.pricing.chain._protection import FLOORS, ProtectivePut, protective_puts
from athena.pricing.chain._quotes import ChainQuotes, ChainSettings, QuoteStatus
from athena.pricing.chain._read import read_chain
from athena.pricing.chain._report import render_chain_report
from athena.pricing.chain._surface import SurfaceSlice, Volatility, surface_sigma
from athena.pricing.chain._svi import Slice
from athena.pricing.chain._table import (
    analysis_payload,
    check_table_name,
    density_curve,
    priced_columns,
    write_table,
)

__all__ = [
    "FLOORS",
    "SCHEMA_VERSION",
    "ChainAnalysis",
    "ChainQuotes",
    "ChainSettings",
    "Finding",
    "Findings",
    "Forward",
    "Holdings",
    "Leg",
    "ProtectivePut",
    "QuoteStatus",
    "Repriced",
    "Slice",
    "SurfaceSlice",
    "Volatility",
    "analyse_chain",
    "analysis_payload",
    "check_table_name",
    "density_curve",
    "find_arbitrage",
    "find_forwards",
    "local_volatility",
    "priced_columns",
    "protective_puts",
    "read_chain",
    "render_chain_report",
    "reprice_by_local_volatility",
    "surface_sigma",
    "write_table",
]

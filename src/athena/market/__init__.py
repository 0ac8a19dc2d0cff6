"""Where bars come from: data sets, indicators, quality checks."""

from athena.market._bar_checker import BarChecker
from athena.market._correlation import Correlations, correlations
from athena.market._datasets import (
    DataSetInfo,
    default_name,
    list_datasets,
    open_dataset,
    read_manifest,
    store_dataset,
)
from athena.market._files import open_table
from athena.market._frames import closed_index, resample
from athena.market._instrument import find_instrument, symbol_from_name
from athena.market._live_bars import BarBuilder, FeedSource, LiveBar, TradeFate
from athena.market._load import ImportRequest, import_file, is_path, load_bars
from athena.market._mock import mock_bars
from athena.market._quality import Defect, Severity, check_bars, check_table
from athena.market._risk_inputs import RiskInputs, risk_inputs
from athena.market._sample import SAMPLES, Sample, bring_samples
from athena.market._table import Table

__all__ = [
    "SAMPLES",
    "BarBuilder",
    "BarChecker",
    "Correlations",
    "DataSetInfo",
    "Defect",
    "FeedSource",
    "ImportRequest",
    "LiveBar",
    "RiskInputs",
    "Sample",
    "Severity",
    "Table",
    "TradeFate",
    "bring_samples",
    "check_bars",
    "check_table",
    "closed_index",
    "correlations",
    "default_name",
    "find_instrument",
    "import_file",
    "is_path",
    "list_datasets",
    "load_bars",
    "mock_bars",
    "open_dataset",
    "open_table",
    "read_manifest",
    "resample",
    "risk_inputs",
    "store_dataset",
    "symbol_from_name",
]

"""The artifact store: every learned model of every room, as a verified bundle with a history.

Importing this room costs pydantic, so import it inside the function that needs it.
"""

from athena.platform.artifacts._bundle import Bundle, check_reference
from athena.platform.artifacts._content import Card
from athena.platform.artifacts._draft import BundleDraft
from athena.platform.artifacts._gates import Gate, Scorecard, measure_gate
from athena.platform.artifacts._kinds import (
    KIND_RULES,
    BundleKind,
    KindRules,
    RequiredGate,
    Status,
)
from athena.platform.artifacts._lineage import DataSource, Lineage, trace_lineage
from athena.platform.artifacts._load import (
    Finding,
    bundle_bytes,
    list_bundles,
    load_bundle,
    verify_bundles,
)
from athena.platform.artifacts._moves import (
    add_evidence,
    promote_bundle,
    retire_bundle,
    roll_back_bundle,
)
from athena.platform.artifacts._place import ARTIFACTS_FOLDER, bundle_names, locked_bundle
from athena.platform.artifacts._publish import publish_bundle
from athena.platform.artifacts._record import (
    RECORD_NAME,
    Evidence,
    Move,
    Record,
    Version,
    read_record,
)
from athena.platform.artifacts._tensors import decode_tensors, encode_tensors

__all__ = [
    "ARTIFACTS_FOLDER",
    "KIND_RULES",
    "RECORD_NAME",
    "Bundle",
    "BundleDraft",
    "BundleKind",
    "Card",
    "DataSource",
    "Evidence",
    "Finding",
    "Gate",
    "KindRules",
    "Lineage",
    "Move",
    "Record",
    "RequiredGate",
    "Scorecard",
    "Status",
    "Version",
    "add_evidence",
    "bundle_bytes",
    "bundle_names",
    "check_reference",
    "decode_tensors",
    "encode_tensors",
    "list_bundles",
    "load_bundle",
    "locked_bundle",
    "measure_gate",
    "promote_bundle",
    "publish_bundle",
    "read_record",
    "retire_bundle",
    "roll_back_bundle",
    "trace_lineage",
    "verify_bundles",
]

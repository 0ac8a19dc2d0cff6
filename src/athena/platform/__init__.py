"""What every program needs: configuration, storage, logging, clock, ids.

The configuration is the inner room `athena.platform.config`: importing it costs pydantic.
"""

from athena.platform._clock import Clock, SteadyClock, SystemClock, VirtualClock
from athena.platform._code import package_sha256
from athena.platform._home import CONFIG_NAME, HomeFolder, default_home, find_home, home_folder
from athena.platform._ids import IdSource, RandomIds, SeededIds, client_order_id, derive_id
from athena.platform._logging import LogFormat, LogLevel, get_logger, set_up_logging
from athena.platform._redaction import known_secrets, mask_text, redact, redact_arguments
from athena.platform._secrets import (
    KEYRING_SERVICE,
    MASK,
    FoundSecret,
    Secret,
    SecretName,
    find_secret,
    how_to_set,
    need_secret,
)
from athena.platform._segments import (
    SegmentWriter,
    list_segments,
    segment_numbers,
    segment_path,
    segments_set_aside,
    set_segment_aside,
    truncate_segment,
)
from athena.platform._storage import (
    atomic_write_bytes,
    atomic_write_text,
    ensure_folder,
    file_lock,
    publish_folder,
    staged_file,
    staged_folder,
    storage_errors,
)

__all__ = [
    "CONFIG_NAME",
    "KEYRING_SERVICE",
    "MASK",
    "Clock",
    "FoundSecret",
    "HomeFolder",
    "IdSource",
    "LogFormat",
    "LogLevel",
    "RandomIds",
    "Secret",
    "SecretName",
    "SeededIds",
    "SegmentWriter",
    "SteadyClock",
    "SystemClock",
    "VirtualClock",
    "atomic_write_bytes",
    "atomic_write_text",
    "client_order_id",
    "default_home",
    "derive_id",
    "ensure_folder",
    "file_lock",
    "find_home",
    "find_secret",
    "get_logger",
    "home_folder",
    "how_to_set",
    "known_secrets",
    "list_segments",
    "mask_text",
    "need_secret",
    "package_sha256",
    "publish_folder",
    "redact",
    "redact_arguments",
    "segment_numbers",
    "segment_path",
    "segments_set_aside",
    "set_segment_aside",
    "set_up_logging",
    "staged_file",
    "staged_folder",
    "storage_errors",
    "truncate_segment",
]

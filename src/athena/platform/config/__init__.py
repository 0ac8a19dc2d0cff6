"""Configuration: bounded keys, their layers, and where each value came from.

Importing this room costs pydantic, so import it inside the function that needs it.
"""

from athena.platform.config._describe import KeyInfo, SectionInfo, config_keys, describe_config
from athena.platform.config._dump import config_template, dump_config, format_default
from athena.platform.config._language import (
    LanguageConfig,
    ModelConfig,
    ProviderConfig,
    ProvidersConfig,
    RolesConfig,
    split_names,
)
from athena.platform.config._load import LoadedConfig, load_config
from athena.platform.config._merge import flatten
from athena.platform.config._models import (
    Config,
    CostsConfig,
    DatabaseConfig,
    ExecutionConfig,
    LogConfig,
    NoticesConfig,
    PathsConfig,
    RunConfig,
)
from athena.platform.config._risk import RiskConfig

__all__ = [
    "Config",
    "CostsConfig",
    "DatabaseConfig",
    "ExecutionConfig",
    "KeyInfo",
    "LanguageConfig",
    "LoadedConfig",
    "LogConfig",
    "ModelConfig",
    "NoticesConfig",
    "PathsConfig",
    "ProviderConfig",
    "ProvidersConfig",
    "RiskConfig",
    "RolesConfig",
    "RunConfig",
    "SectionInfo",
    "config_keys",
    "config_template",
    "describe_config",
    "dump_config",
    "flatten",
    "format_default",
    "load_config",
    "split_names",
]

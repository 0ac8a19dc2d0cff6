"""The configuration: one section for each thing that reads it now."""

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from athena.errors import ConfigError
from athena.platform.config._keys import (
    Address,
    BasisPoints,
    Factor,
    Fraction,
    Ratio,
    Section,
    Whole,
    key,
)
from athena.platform.config._risk import RiskConfig
from athena.platform.database import database_url, has_password, parse_url


class PathsConfig(Section):
    """Where things are kept."""

    home: Path | None = key(
        None, "data sets, runs, caches and crash bundles; empty: the user data folder"
    )


class DatabaseConfig(Section):
    """Where the database is; files stay in the home."""

    url: str = key(
        "",
        "`sqlite:///FILE` or `postgresql://USER@HOST:PORT/DATABASE` with its password in "
        "PGPASSWORD; empty: athena.db in the home",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        # What the configuration holds is shown, recorded and backed up.
        if has_password(url):
            message = "expected an address without a password; export PGPASSWORD instead"
            raise ValueError(message)
        try:
            parse_url(database_url(url), Path("/"))
        except ConfigError as error:
            raise ValueError(error.message) from None
        return url


class LogConfig(Section):
    """What is logged, and where."""

    level: Literal["debug", "info", "warning", "error"] = key(
        "warning", "least serious event shown; -v and -q move it"
    )
    format: Literal["console", "json"] = key("console", "form of the lines on stderr")
    file: Path | None = key(None, "file that gets every line as JSON besides; empty: none")


class RunConfig(Section):
    """What every run shares."""

    seed: Whole = key(42, "seed of everything random in a run", ge=0, lt=2**63)


class CostsConfig(Section):
    """What trading costs in a backtest: cost = (base + impact) x factor, plus the fee."""

    taker_fee_bps: BasisPoints = key(Decimal(26), "fee of a fill that takes liquidity")
    maker_fee_bps: BasisPoints = key(Decimal(16), "fee of a fill that makes liquidity")
    base_cost_bps: BasisPoints = key(Decimal(10), "slippage before impact, always adverse")
    cost_factor_min: Ratio = key(Decimal("0.5"), "lower end of the random factor of slippage")
    cost_factor_max: Ratio = key(Decimal("1.5"), "upper end of the random factor of slippage")
    impact_cap_frac: Factor = key(Decimal("0.05"), "most that impact may add, share of the price")
    impact_unknown_frac: Factor = key(
        Decimal("0.01"), "impact when the mean volume is unknown, share of the price"
    )
    participation_frac: Fraction = key(Decimal("0.10"), "largest fill, share of a bar's volume")

    @model_validator(mode="after")
    def _factors_meet(self) -> Self:
        if self.cost_factor_min > self.cost_factor_max:
            message = (
                f"expected cost_factor_min <= cost_factor_max, "
                f"was {self.cost_factor_min} > {self.cost_factor_max}"
            )
            raise ValueError(message)
        return self


class ExecutionConfig(Section):
    """How the simulated venue fills orders on bars."""

    limit_fill: Literal["cross", "touch"] = key(
        "cross", "what fills a limit order: a price through it, or one that touches it"
    )
    intrabar: Literal["stop-first", "path"] = key(
        "stop-first", "what decides when stop and target lie in one bar"
    )


class KrakenConfig(Section):
    """How Kraken is reached."""

    url: Address = key("https://api.kraken.com", "address of its REST interface, without a path")


class VenuesConfig(Section):
    """Where the venues are."""

    kraken: KrakenConfig = KrakenConfig()


class Config(Section):
    """Everything that can be configured."""

    paths: PathsConfig = PathsConfig()
    database: DatabaseConfig = DatabaseConfig()
    log: LogConfig = LogConfig()
    run: RunConfig = RunConfig()
    costs: CostsConfig = CostsConfig()
    execution: ExecutionConfig = ExecutionConfig()
    risk: RiskConfig = RiskConfig()
    venues: VenuesConfig = VenuesConfig()

"""The configuration: one section for each thing that reads it now."""

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from athena.errors import ConfigError
from athena.platform.config._keys import (
    Address,
    Amount,
    AmountPerBase,
    BasisPoints,
    Factor,
    Fraction,
    FractionPerBase,
    Interval,
    MailAddresses,
    Minutes,
    Number,
    OptionalMailAddress,
    OptionalWebAddress,
    Ratio,
    Section,
    Symbols,
    Urgency,
    WebAddress,
    Whole,
    key,
)
from athena.platform.config._language import LanguageConfig
from athena.platform.config._risk import RiskConfig
from athena.platform.database import database_url, has_password, parse_url

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


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


class BusConfig(Section):
    """How the agents of a desk hear each other."""

    url: str = key(
        "",
        "`nats://HOST:PORT` on this machine or `tls://[USER@]HOST:PORT` of a NATS server with "
        "JetStream, with its password or token in ATHENA_BUS_PASSWORD; empty: inside one process",
    )

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        if has_password(url):
            message = "expected an address without a password; export ATHENA_BUS_PASSWORD instead"
            raise ValueError(message)
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
    tier: Literal["starter", "intermediate", "pro"] = key(
        "starter", "how far Kraken trusts the account; decides how often it may be asked"
    )
    has_dead_man_switch: bool = key(
        default=False,
        meaning="Kraken cancels all orders when it hears nothing for 60 s; only while no stop "
        "rests, because it would cancel stops too",
    )


class VenuesConfig(Section):
    """Where the venues are."""

    kraken: KrakenConfig = KrakenConfig()


class LiveConfig(Section):
    """Real orders; one condition of several, see `athena live --check`."""

    is_enabled: bool = key(
        default=False, meaning="let `athena live` begin; it has to stand in a file"
    )


class SessionConfig(Section):
    """What a session trades, unless the command says otherwise, and how its orders leave."""

    strategy: str = key("sma_cross", "built-in name, my_file.py:MyStrategy or module:Class")
    symbols: Symbols = key("BTC/USD", "what it trades, separated by commas")
    interval: Interval = key("1m", "length of the bars that it decides on")
    paper_cash: Amount = key(Decimal(10_000), "what a paper account begins with, quote currency")
    order_deadline_s: Number = key(
        Decimal(5),
        "the venue refuses an order that reaches it later than this",
        ge=Decimal("0.5"),
        le=60,
    )


def _check_part_of_all(weights: FractionPerBase) -> None:
    total = sum(weights.values())
    if total > 1:
        message = f"expected weights that add up to at most 1, was {total}"
        raise ValueError(message)


class RebalanceConfig(Section):
    """Holdings that a session keeps at target weights; off without weights."""

    weights: FractionPerBase = key(
        {}, "part of the core book per coin it trades, the rest is cash; empty: off"
    )
    share_frac: Fraction = key(Decimal(1), "part of the equity that is the core book")
    takes_coins: bool = key(
        default=False,
        meaning="coins that the account holds at the beginning are in the book: they may be sold",
    )
    off_frac: Fraction = key(Decimal("0.05"), "a weight that is farther off starts a rebalance")
    check_minutes: Minutes = key(60, "between two looks at the weights", ge=1)
    rest_minutes: Minutes = key(1_440, "between the starts of two rebalances", ge=1)

    @model_validator(mode="after")
    def _is_a_whole(self) -> Self:
        _check_part_of_all(self.weights)
        return self


class HodlConfig(Section):
    """A part of each profit that is set aside in coins, and never sold."""

    is_enabled: bool = key(default=False, meaning="set profits aside")
    profit_frac: Fraction = key(Decimal("0.1"), "part of each net profit of the trading book")
    profit_min: Amount = key(Decimal(1), "a smaller profit gives nothing, quote units")
    weights: FractionPerBase = key(
        {},
        "what of it goes into which coin, the rest stays quote currency; empty: a third each "
        "into XRP and BTC, as far as they are traded",
    )
    purchase_min: AmountPerBase = key(
        {"XRP": Decimal(25), "BTC": Decimal(15)}, "pending money that starts a purchase"
    )
    event_max: Amount = key(Decimal(1_000), "most that one profit sets aside, quote units")
    day_max: Amount = key(Decimal(5_000), "most that one UTC day sets aside, quote units")

    @model_validator(mode="after")
    def _is_a_whole(self) -> Self:
        _check_part_of_all(self.weights)
        missing = sorted(set(self.weights) - set(self.purchase_min))
        if missing:
            message = f"expected hodl.purchase_min for {', '.join(missing)}, was without"
            raise ValueError(message)
        return self


class WebhookConfig(Section):
    """Notices as JSON, sent to an address by POST."""

    url: OptionalWebAddress = key(
        "", "address; one that holds a secret goes into ATHENA_NOTICES_WEBHOOK_URL; empty: none"
    )
    urgency_min: Urgency = key("notice", "least urgent notice that is sent")


class EmailConfig(Section):
    """Notices as e-mail."""

    host: str = key("", "mail server that takes them; empty: none")
    port: Whole = key(587, "its port", ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = key(
        "starttls", "how the connection is encrypted; none only on this machine"
    )
    user: str = key("", "user, with ATHENA_NOTICES_EMAIL_PASSWORD; empty: without log-in")
    sender: OptionalMailAddress = key("", "address they come from")
    recipients: MailAddresses = key("", "addresses they go to, separated by commas")
    urgency_min: Urgency = key("warning", "least urgent notice that is sent")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.host and not (self.sender and self.recipients):
            message = "expected notices.email.sender and recipients beside host, was without"
            raise ValueError(message)
        if self.security == "none" and self.host not in {"", *_THIS_MACHINE}:
            message = f"expected security starttls or tls to reach {self.host}, was none"
            raise ValueError(message)
        if self.security == "none" and self.user:
            message = "expected security starttls or tls to log in, was none"
            raise ValueError(message)
        return self


class TelegramConfig(Section):
    """Notices to a chat of Telegram, or of a service that speaks like it."""

    url: WebAddress = key("https://api.telegram.org", "address of its interface")
    chat_id: str = key("", "chat, with the bot's ATHENA_NOTICES_TELEGRAM_TOKEN; empty: none")
    urgency_min: Urgency = key("notice", "least urgent notice that is sent")


class NoticesConfig(Section):
    """Where a person is told what happened; `athena notify test` tries it."""

    webhook: WebhookConfig = WebhookConfig()
    email: EmailConfig = EmailConfig()
    telegram: TelegramConfig = TelegramConfig()


class Config(Section):
    """Everything that can be configured."""

    paths: PathsConfig = PathsConfig()
    database: DatabaseConfig = DatabaseConfig()
    bus: BusConfig = BusConfig()
    log: LogConfig = LogConfig()
    run: RunConfig = RunConfig()
    costs: CostsConfig = CostsConfig()
    execution: ExecutionConfig = ExecutionConfig()
    risk: RiskConfig = RiskConfig()
    venues: VenuesConfig = VenuesConfig()
    live: LiveConfig = LiveConfig()
    session: SessionConfig = SessionConfig()
    rebalance: RebalanceConfig = RebalanceConfig()
    hodl: HodlConfig = HodlConfig()
    notices: NoticesConfig = NoticesConfig()
    language: LanguageConfig = LanguageConfig()

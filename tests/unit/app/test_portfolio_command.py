"""`athena portfolio`: the JSON contract, what is kept, what is refused and who is named."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.app.commands.portfolio import parse_strategy
from athena.errors import InputError
from athena.market import store_dataset
from athena.research import StrategyRequest, read_run, read_trials
from tests.market_builder import HOUR_NS, START_NS, driftless_bars
from tests.unit.app.test_backtest_command import KEYS

if TYPE_CHECKING:
    from pathlib import Path

Cli = Any
N_BARS = 800
STRATEGY_KEYS = {"name", "weights", "contribution", "return", "sharpe", "turnover", "alone"}
REMEMBERS = """
import sys
from pathlib import Path
from typing import ClassVar

from athena.domain import Purpose, Side
from athena.trading import BarStrategy, Intent

sys.path.insert(0, str(Path(__file__).parent))
from portfolio_memory import SEEN


class Remembers(BarStrategy):
    seen: ClassVar[dict[int, int]] = {}

    def on_bar(self, view):
        memory = {memory}
        memory[view.step] = view.bar.close
        ahead = memory.get(view.step + 1, 0)
        if view.n_working or not ahead:
            return None
        if not view.position and ahead > view.bar.close:
            return Intent(side=Side.BUY, lots=view.lots_for(0.5))
        if view.position and ahead < view.bar.close:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None
"""
DIVIDED = ("--lookback", "10d", "--every", "5d")


@pytest.fixture
def stored(home: Path) -> None:
    """Store two data sets of an hour's bars."""
    for seed, symbol in ((7, "BTC/USD"), (8, "ETH/USD")):
        bars = driftless_bars(N_BARS, seed, symbol, HOUR_NS)
        provenance = replace(bars.provenance, name=symbol[:3].lower(), is_synthetic=False)
        store_dataset(
            replace(bars, provenance=provenance), home, venue="", imported_at_ns=START_NS
        )


pytestmark = pytest.mark.usefixtures("stored")


def run_two(cli: Cli, *options: object) -> Any:
    return cli(
        "portfolio", "--data", "btc", "--data", "eth", "--risk", "open",
        "--strategy", "sma_cross@ETH/USD:fast=3,slow=9,fraction=1",
        "--strategy", "rebalance:weights=0.4,0.5",
        *options,
    )  # fmt: skip


# --- the contract ------------------------------------------------------------------------------


def test_the_json_has_the_keys_of_a_backtest_and_the_strategies(cli: Cli, home: Path) -> None:
    result = run_two(cli, "--json", "--allocation", "inverse-volatility", *DIVIDED)
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert set(payload) >= KEYS | {"strategies"}
    assert [item["name"] for item in payload["strategies"]] == ["sma_cross@ETH/USD", "rebalance"]
    for item in payload["strategies"]:
        assert set(item) >= STRATEGY_KEYS
        assert isinstance(item["contribution"], str)
        assert item["fills"] > 0
        assert item["weights"][0] == {"at": "2020-01-01T00:00:00Z", "weight": 0.5}
        assert len(item["weights"]) == 1 + 5
    weights = [[step["weight"] for step in item["weights"]] for item in payload["strategies"]]
    assert all(sum(pair) == pytest.approx(1) for pair in zip(*weights, strict=True))
    folder = home / "runs" / payload["run_id"]
    assert (
        json.loads((folder / "portfolio.json").read_text())["strategies"]
        == (payload["strategies"])
    )
    assert payload["report"] == str(folder / "report.html")


def test_contributions_and_returns_are_the_accounts(cli: Cli, home: Path) -> None:
    """One ledger: what the strategies made is what the account made, to the last digit."""
    payload = run_two(cli, "--json", "--allocation", "risk-parity", *DIVIDED).json()
    earned = sum(Decimal(item["contribution"]) for item in payload["strategies"])
    assert earned == Decimal(payload["final_equity"]) - 100_000
    returns = sum(item["return"] for item in payload["strategies"])
    assert returns == pytest.approx(payload["total_return"], abs=1e-12)
    record = read_run(home / "runs" / payload["run_id"])
    assert {fill.strategy for fill in record.fills} == {"sma_cross@ETH/USD", "rebalance"}
    turnovers = sum(item["turnover"] for item in payload["strategies"])
    assert turnovers == pytest.approx(payload["turnover"])


def test_each_alone_and_equal_shares_stand_beside_it(cli: Cli) -> None:
    """Rule 6: an allocation is compared with its parts and with none at all."""
    payload = run_two(cli, "--json", "--allocation", "inverse-volatility", *DIVIDED).json()
    names = list(payload["baselines"])
    assert names[:3] == ["sma_cross@ETH/USD alone", "rebalance alone", "equal shares"]
    assert {"hold BTC", "hold ETH", "monthly equal weight"} < set(names)
    for item in payload["strategies"]:
        beside = payload["baselines"][f"{item['name']} alone"]
        assert item["alone"]["return"] == beside["total_return"]


def test_one_strategy_with_all_of_it_is_its_backtest(cli: Cli) -> None:
    """A share of 1 changes nothing: the same digest."""
    options = ("--data", "btc", "--risk", "open", "--json")
    parameters = ("--param", "fast=3", "--param", "slow=9")
    alone = cli("backtest", "--strategy", "sma_cross", *parameters, *options).json()
    same = cli("portfolio", "--strategy", "sma_cross:fast=3,slow=9", *options).json()
    assert same["digest"] == alone["digest"]
    assert same["fills"] == alone["fills"] > 10
    assert same["strategies"][0]["contribution"] == str(
        Decimal(alone["final_equity"]) - Decimal(100_000)
    )
    assert same["baselines"]["sma_cross alone"]["total_return"] == alone["total_return"]


@pytest.mark.parametrize("memory", ["self.seen", "SEEN", "__import__('portfolio_memory').SEEN"])
def test_what_a_strategy_saw_alone_is_forgotten_in_the_portfolio(
    memory: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it left on its class or on a module of its folder would be the future of the next run.

    It trades on a price that it can only know from a run before: so it never does.
    """
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "portfolio_memory.py").write_text("SEEN = {}\n", "utf-8")
    path = tmp_path / "remembers.py"
    path.write_text(REMEMBERS.replace("{memory}", memory), "utf-8")
    sys.modules.pop("portfolio_memory", None)  # of the case before
    result = cli(
        "portfolio", "--data", "btc", "--strategy", f"{path}:Remembers",
        "--strategy", "sma_cross:fast=3,slow=9", "--risk", "open",
        "--allocation", "inverse-volatility", *DIVIDED, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.err
    payload = result.json()
    assert [item["fills"] > 0 for item in payload["strategies"]] == [False, True]
    assert payload["baselines"]["Remembers alone"]["fills"] == 0


def test_a_strategy_on_one_symbol_trades_as_if_it_were_the_only_one(cli: Cli) -> None:
    spec = "sma_cross:fast=3,slow=9,fraction=1"
    alone = cli("portfolio", "--strategy", spec, "--data", "eth", "--risk", "open", "--json")
    among = cli(
        "portfolio", "--strategy", spec.replace("sma_cross", "sma_cross@ETH/USD"),
        "--data", "btc", "--data", "eth", "--risk", "open", "--json",
    )  # fmt: skip
    one, other = alone.json(), among.json()
    assert one["final_equity"] == other["final_equity"]
    assert one["fills"] == other["fills"] > 10


def test_the_journal_has_the_shares_and_replays(cli: Cli) -> None:
    """TR-05."""
    payload = run_two(cli, "--json", "--allocation", "inverse-volatility", *DIVIDED).json()
    run_id = payload["run_id"]
    assert cli("journal", "verify", run_id).exit_code == 0
    replayed = cli("journal", "replay", run_id, "--json").json()
    assert replayed["digest"] == payload["digest"]
    shown = cli("journal", "show", run_id, "--limit", 10_000, "--json").json()
    shares = [item for item in shown["records"] if item["kind"] == "share"]
    assert len(shares) == 2 * 5
    assert {item["strategy"] for item in shares} == {"sma_cross@ETH/USD", "rebalance"}
    assert cli("why", "--run", run_id).exit_code == 0


def test_two_runs_are_equal_and_say_so(cli: Cli) -> None:
    """A05."""
    first, second = (
        run_two(cli, "--json", "--allocation", "mean-variance", *DIVIDED).json() for _ in range(2)
    )
    assert first["digest"] == second["digest"]
    assert first["strategies"] == second["strategies"]


def test_each_strategy_alone_is_a_trial_too(cli: Cli, home: Path) -> None:
    """FC-34: what was run and seen counts, whoever ran it; a backtest of the same is the same."""
    payload = run_two(cli, "--json").json()
    assert payload["trials"] == 3
    options = ("--data", "btc", "--data", "eth", "--risk", "open", "--json")
    again = cli(
        "backtest", "--strategy", "rebalance", "--param", "weights=0.4,0.5", *options
    ).json()
    assert again["trials"] == 3
    assert [trial.command for trial in read_trials(home).trials] == ["portfolio"] * 3 + [
        "backtest"
    ]


def test_a_person_is_shown_every_strategy_and_what_to_know(cli: Cli) -> None:
    result = run_two(cli, "--allocation", "inverse-volatility", *DIVIDED)
    assert result.exit_code == 0
    for words in ("contribution", "sma_cross@ETH/USD", "divided 5 times", "journal verify"):
        assert words in result.out
    # Rule 6: what a person believes, and what the trials leave of it, stand together.
    for words in ("holding BTC", "of 3 trials on this data"):
        assert words in result.out
    short = run_two(cli, "--allocation", "inverse-volatility")
    assert "never divided" in short.out


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--strategy", "nobody"), "strategy out of"),
        (("--strategy", "sma_cross", "--strategy", "sma_cross"), "each one once"),
        (("--strategy", "random:seed=1", "--strategy", "random:seed=01"), "are the same"),
        (("--strategy", "sma_cross", "--strategy", "sma_cross:fast=10"), "are the same"),
        (("--strategy", "hold", "--strategy", "hold@BTC/USD"), "are the same"),
        (("--strategy", "sma_cross@XRP/USD"), "symbol out of BTC/USD"),
        (("--strategy", "sma_cross:fast"), "name=value"),
        (("--strategy", "sma_cross:fast=2,fast=3"), "twice"),
        (("--strategy", "hold", "--lookback", "3"), "interval"),
        (("--strategy", "hold", "--every", "0d"), "interval"),
        (("--strategy", "hold", "--risk-aversion", "0"), "> 0"),
        (("--strategy", "hold", "--allocation", "risk-parity", "--lookback", "3h"), "20 bars"),
        (("--strategy", "hold", "--allocation", "fair"), "fair"),
        ((), "strategy"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    options: tuple[str, ...], words: str, cli: Cli, home: Path
) -> None:
    result = cli("portfolio", "--data", "btc", *options)
    assert result.exit_code == 2
    assert words in result.err
    assert not (home / "runs").exists() or not list((home / "runs").iterdir())
    assert not read_trials(home).trials


def test_more_strategies_than_the_core_has_seats_for_are_refused(cli: Cli) -> None:
    many = [text for k in range(17) for text in ("--strategy", f"random:seed={k}")]
    result = cli("portfolio", "--data", "btc", *many)
    assert result.exit_code == 2
    assert "16 strategies" in result.err


def test_one_strategy_on_two_symbols_is_two(cli: Cli) -> None:
    """The clean twin of the refusals: the same values, and another symbol or another seed."""
    both = ("--strategy", "sma_cross@ETH/USD", "--strategy", "sma_cross@BTC/USD")
    seeds = ("--strategy", "random:seed=1", "--strategy", "random:seed=2")
    result = cli("portfolio", "--data", "btc", "--data", "eth", *both, *seeds, "--json")
    assert result.exit_code == 0, result.err
    assert len(result.json()["strategies"]) == 4


def test_a_file_by_two_paths_is_one_strategy(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "idle.py"
    path.write_text(
        "from athena.trading import BarStrategy\n"
        "class Idle(BarStrategy):\n"
        "    def on_bar(self, view):\n"
        "        return None\n",
        "utf-8",
    )
    again = tmp_path / "x" / ".." / "idle.py"
    (tmp_path / "x").mkdir()
    strategies = ("--strategy", f"{path}:Idle", "--strategy", f"{again}:Idle")
    result = cli("portfolio", "--data", "btc", *strategies)
    assert result.exit_code == 2
    assert "are the same" in result.err


def test_without_scipy_the_extra_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    result = run_two(cli, "--allocation", "mean-variance", *DIVIDED)
    assert result.exit_code == 3
    assert "athena-desk[portfolio]" in result.err


def test_a_strategy_that_raises_is_named_in_the_portfolio(cli: Cli, tmp_path: Path) -> None:
    """TR-03: exit 70, whoever it was; here one that minds company."""
    path = tmp_path / "moody.py"
    path.write_text(
        "from athena.trading import BarStrategy\n"
        "class Moody(BarStrategy):\n"
        "    def on_bar(self, view):\n"
        "        if view.step == 100 and view.equity() < 100_000 * 10**8:\n"
        "            raise RuntimeError('not alone')\n",
        "utf-8",
    )
    result = cli("portfolio", "--data", "btc", "--strategy", f"{path}:Moody", "--strategy", "hold")
    assert result.exit_code == 70
    assert "Moody raised RuntimeError: not alone, on bar 100" in result.err
    assert "crash bundle" in result.err


def test_one_that_has_to_be_fitted_is_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "learner.py"
    path.write_text(
        "from athena.trading import BarStrategy\n"
        "class Learner(BarStrategy):\n"
        "    def fit(self, market):\n"
        "        pass\n"
        "    def on_bar(self, view):\n"
        "        return None\n",
        "utf-8",
    )
    result = cli("portfolio", "--data", "btc", "--strategy", f"{path}:Learner")
    assert result.exit_code == 2
    assert "need no fit" in result.err


# --- what is typed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hold", StrategyRequest("hold")),
        ("sma_cross:fast=5,slow=9", StrategyRequest("sma_cross", {"fast": "5", "slow": "9"})),
        ("ema_cross@BTC/USD", StrategyRequest("ema_cross", {}, "BTC/USD")),
        ("hold@BTC/USD:fraction=1", StrategyRequest("hold", {"fraction": "1"}, "BTC/USD")),
        (
            "rebalance:weights=0.4,0.6,tolerance=0.1",
            StrategyRequest("rebalance", {"weights": "0.4,0.6", "tolerance": "0.1"}),
        ),
        ("my.py:Mine", StrategyRequest("my.py:Mine")),
        ("my.py:Mine:k=v", StrategyRequest("my.py:Mine", {"k": "v"})),
        ("a@b/my.py:Mine", StrategyRequest("a@b/my.py:Mine")),
        ("a@b/my.py:Mine@ETH/USD:k=v", StrategyRequest("a@b/my.py:Mine", {"k": "v"}, "ETH/USD")),
    ],
)
def test_a_strategy_is_read_as_it_is_typed(text: str, expected: StrategyRequest) -> None:
    found = parse_strategy(text)
    assert found == expected
    assert found.text == text


def test_a_value_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="name=value"):
        parse_strategy("sma_cross:5,slow=9")


def test_names_are_short_where_that_is_enough() -> None:
    from athena.research import BacktestRequest, PortfolioRequest

    texts = ["my.py:Mine", "sma_cross:fast=2", "sma_cross:fast=3", "hold@BTC/USD"]
    request = PortfolioRequest(
        market=BacktestRequest(strategy="portfolio", sources=["btc"]),
        strategies=[parse_strategy(text) for text in texts],
    )
    assert request.names == ["Mine", "sma_cross:fast=2", "sma_cross:fast=3", "hold@BTC/USD"]

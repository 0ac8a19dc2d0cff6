"""A paper session that the venue turns away at the start: said at once, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athena.app.running import _over_kraken
from athena.platform import Secret
from athena.venues.kraken import Keys
from tests.paper_process import served, write_market

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CliResult

    Cli = Callable[..., CliResult]


@pytest.mark.slow
@pytest.mark.service
def test_keys_and_symbols_that_the_venue_does_not_take_are_named_at_once(
    cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was revoked is no outage: waiting mends nothing."""
    from athena.app import running

    with served(home / "venue", write_market(tmp_path / "BTCUSD_1m.csv", 300)) as venue:
        monkeypatch.setenv("ATHENA_VENUES__KRAKEN__URL", venue.url)
        options = ("paper", "--venue", "kraken", "--strategy", "hold", "--duration", "5m")
        result = cli(*options, "--symbol", "DOGE/USD")
        assert result.exit_code == 2
        assert "DOGE/USD" in result.err
        keys = _over_kraken.paper_keys()
        revoked = Keys(Secret("revoked-paper"), keys.secret)
        monkeypatch.setattr(running, "paper_keys", lambda: revoked)
        result = cli(*options)
        assert result.exit_code == 3
        assert "EAPI:Invalid key" in result.err
        assert "ATHENA_KRAKEN_KEY" in result.err

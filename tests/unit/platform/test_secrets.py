"""Secrets: where they are found, and that nothing shows them (C23)."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pytest

from athena.errors import CoreError, InputError, MissingError
from athena.platform import (
    KEYRING_SERVICE,
    MASK,
    Secret,
    SecretName,
    find_secret,
    get_logger,
    known_secrets,
    need_secret,
    set_up_logging,
)
from tests.keyrings import kept_in_keyring, locked_keyring

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-1234567890"
KEY = SecretName.KRAKEN_KEY


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    """C23."""
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", str([secret])]
    assert not any(CANARY in text for text in shown)
    assert json.dumps(secret, default=str) == f'"{MASK}"'
    with pytest.raises(TypeError):
        json.dumps(secret)


@dataclass(frozen=True)
class Keys:
    key: Secret


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_neither_pickled_nor_copied(leak: object) -> None:
    assert callable(leak)
    with pytest.raises(CoreError, match="was a secret"):
        leak(Secret(CANARY))
    with pytest.raises(CoreError, match="was a secret"):
        asdict(Keys(Secret(CANARY)))
    assert CANARY not in repr(Keys(Secret(CANARY)))


def test_the_environment_comes_first_then_the_keyring() -> None:
    with kept_in_keyring({KEY: "from-the-keyring"}):
        found = find_secret(KEY, {KEY: CANARY})
        assert found is not None
        assert (found.secret.reveal(), found.origin) == (CANARY, "environment")
        found = find_secret(KEY, {KEY: ""})
        assert found is not None
        assert (found.secret.reveal(), found.origin) == ("from-the-keyring", "keyring")
        assert find_secret(SecretName.KRAKEN_SECRET, {}) is None


def test_without_keyring_there_is_only_the_environment() -> None:
    assert find_secret(KEY, {}) is None


def test_a_missing_secret_is_named_with_both_ways_to_set_it() -> None:
    with pytest.raises(MissingError, match="expected ATHENA_KRAKEN_KEY for live trading") as e:
        need_secret(KEY, needed_for="live trading", environment={})
    assert "export ATHENA_KRAKEN_KEY=..." in e.value.hint
    assert f"keyring set {KEYRING_SERVICE} ATHENA_KRAKEN_KEY" in e.value.hint
    assert need_secret(KEY, needed_for="x", environment={KEY: CANARY}).reveal() == CANARY


def test_a_locked_keyring_is_not_an_empty_one() -> None:
    with locked_keyring(), pytest.raises(MissingError, match="KeyringLocked") as caught:
        find_secret(KEY, {})
    assert "unlock it" in caught.value.hint


@pytest.mark.parametrize("text", [f"{CANARY}\n", f" {CANARY}", f"{CANARY}\r\n"])
def test_a_line_break_at_the_end_is_refused_without_quoting(text: str) -> None:
    with pytest.raises(InputError, match="without white space") as caught:
        find_secret(KEY, {KEY: text})
    assert CANARY not in caught.value.message


def test_what_a_keyring_gave_is_masked_in_logs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """C23: a value that no variable holds, found after logging was set up."""
    file = tmp_path / "athena.log"
    set_up_logging("info", file=file)
    with kept_in_keyring({KEY: "keyring-canary-42"}):
        found = find_secret(KEY, {})
    assert found is not None
    get_logger("test").info("sent", url="https://x/keyring-canary-42", secret=found.secret)
    written = capsys.readouterr().err + file.read_text()
    assert "keyring-canary-42" not in written
    assert written.count("https://x/***") == 2


@pytest.mark.parametrize("name", SecretName)
def test_every_secret_of_the_environment_is_known(name: SecretName) -> None:
    assert CANARY in known_secrets({name: CANARY})

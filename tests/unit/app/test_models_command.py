"""`athena models`: which models are asked for what, whether they answer, what they cost (A20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.model_server import ModelServer, Script, model_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Cli = Any
READY = '{"word": "ready"}'


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Serve two providers, of which one has a key; the rest are absent or not there."""
    monkeypatch.setattr("athena.language._models._FIRST_PAUSE_S", 0.0)
    with model_server() as serving:
        serving.usual = Script(READY)
        (home / "athena.yaml").write_text(
            "language:\n"
            "  roles: {conflicts: 'deepseek, claude', panel: '', researchers: '', reflection: '',"
            " social: '', news: claude, wording: qwen, portfolio: deepseek}\n"
            "  providers:\n"
            f"    deepseek: {{url: '{serving.url}'}}\n"
            f"    ollama: {{url: '{serving.url}'}}\n"
        )
        monkeypatch.setenv("ATHENA_LANGUAGE_DEEPSEEK_KEY", "canary-0123456789")
        yield serving


def test_list_shows_each_role_and_sends_nothing(cli: Cli, server: ModelServer) -> None:
    result = cli("models", "list", "--json")
    assert result.exit_code == 0
    payload = result.json()
    rows = {(row["role"], row["place"]): row for row in payload["roles"]}
    assert payload["mode"] == "live"
    first, second = rows["conflicts", 1], rows["conflicts", 2]
    assert (first["model"], first["state"], first["fix"]) == ("deepseek", "configured", None)
    assert (first["input_usd"], first["priced_on"]) == ("0.3", "2026-11-20")
    assert (second["model"], second["state"]) == ("claude", "absent")
    assert "ATHENA_LANGUAGE_ANTHROPIC_KEY" in second["fix"]
    assert ("panel", 1) not in rows
    assert server.asked == []
    shown = cli("models", "list").out
    assert "2 of 3 models configured" in shown
    assert "canary" not in shown


def test_check_asks_each_configured_model_once_and_lists_the_absent(
    cli: Cli, server: ModelServer
) -> None:
    """A20: each configured role reaches its model, or is reported as absent."""
    result = cli("models", "check", "--json")
    assert result.exit_code == 0
    rows = {row["model"]: row for row in result.json()["models"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "deepseek": "answers", "claude": "absent", "qwen": "answers"
    }  # fmt: skip
    assert rows["deepseek"]["detail"] == "deepseek-flash-scripted"
    assert rows["deepseek"]["cost_usd"] == "0.000054"
    assert rows["qwen"]["cost_usd"] == "0"
    assert len(server.asked) == 2
    assert "canary" not in result.out + result.err


def test_a_configured_model_that_does_not_answer_ends_with_3(
    cli: Cli, server: ModelServer
) -> None:
    server.usual = Script(status=401, body=b'{"error": {"message": "no such key"}}')
    result = cli("models", "check", "--model", "deepseek")
    assert result.exit_code == 3
    assert "refused (HTTP 401: no such key)" in result.out
    server.usual = Script('{"word": "steady"}')
    assert cli("models", "check", "--model", "qwen").exit_code == 3


def test_a_model_that_no_role_names_is_refused(cli: Cli, server: ModelServer) -> None:
    result = cli("models", "check", "--model", "gpt")
    assert result.exit_code == 2
    assert "deepseek, claude, qwen" in result.err
    assert server.asked == []


def test_check_asks_even_where_the_mode_is_replay(
    cli: Cli, server: ModelServer, home: Path
) -> None:
    file = home / "athena.yaml"
    file.write_text(file.read_text() + "  mode: replay\n")
    assert cli("models", "check", "--model", "qwen").exit_code == 0
    assert len(server.asked) == 1


def test_spending_shows_the_calls_of_the_day(cli: Cli, server: ModelServer) -> None:
    empty = cli("models", "spending", "--json").json()
    assert (empty["spent_usd"], empty["left_usd"], empty["models"]) == ("0", "5", [])
    cli("models", "check")
    payload = cli("models", "spending", "--json").json()
    assert (payload["spent_usd"], payload["day_max_usd"]) == ("0.000054", "5")
    assert [row["model"] for row in payload["models"]] == ["deepseek", "qwen"]
    assert payload["models"][0] == {
        "model": "deepseek", "calls": 1, "texts": 1, "input_tokens": 100, "output_tokens": 20,
        "cost_usd": "0.000054",
    }  # fmt: skip
    assert "0.000054 of 5 USD" in cli("models", "spending").out
    assert len(server.asked) == 2


def test_a_spent_budget_is_told(cli: Cli, server: ModelServer, home: Path) -> None:
    """DK-19 as a user sees it."""
    file = home / "athena.yaml"
    budget = "{day_max_usd: 0.001, day_warn_usd: 0.001}"
    file.write_text(f"{file.read_text()}  budget: {budget}\n")
    result = cli("models", "check", "--model", "deepseek")
    assert result.exit_code == 3
    assert "budget" in result.out
    assert server.asked == []


def test_the_doctor_says_which_roles_have_no_model(cli: Cli, server: ModelServer) -> None:
    found = {item["name"]: item for item in cli("doctor", "--json").json()["findings"]}
    finding = found["language models"]
    assert finding["status"] == "missing"
    assert finding["detail"] == "none for news: the desk follows rules there"
    assert found["ATHENA_LANGUAGE_DEEPSEEK_KEY"]["detail"] == "*** (environment)"
    assert server.asked == []

"""Addresses: what they mean, what is refused, and that no password is ever shown (C23)."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena.errors import ConfigError
from athena.platform.config import load_config
from athena.platform.database import (
    PostgresPlace,
    SqlitePlace,
    database_url,
    has_password,
    parse_url,
)

HOME = Path("/home-of-data")
CANARY = "canary-7f3a9c"


def test_no_address_is_a_file_in_the_home() -> None:
    assert parse_url(database_url(""), HOME) == SqlitePlace(HOME / "athena.db")
    assert database_url("sqlite:///x.db") == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///x.db", HOME / "x.db"),
        ("sqlite:////var/x.db", Path("/var/x.db")),
        ("sqlite:///a%20b%25.db", HOME / "a b%.db"),
    ],
)
def test_a_file_is_relative_to_the_home_unless_it_is_absolute(url: str, path: Path) -> None:
    place = parse_url(url, HOME)
    assert place == SqlitePlace(path)
    assert parse_url(place.shown, HOME) == place


def test_a_server_is_read_whole() -> None:
    url = "postgresql://me:p%40ss@db.example:6000/desk"
    place = parse_url(url, HOME)
    assert place == PostgresPlace("me", "p@ss", "db.example", 6000, "desk", is_encrypted=True)
    assert place.shown == "postgresql://me@db.example:6000/desk"


@pytest.mark.parametrize(
    ("url", "host", "is_encrypted"),
    [
        ("postgresql://me@/d", "localhost", False),
        ("postgresql://me@localhost/d", "localhost", False),
        ("postgresql://me@127.0.0.1/d", "127.0.0.1", False),
        ("postgresql://me@[::1]/d", "::1", False),
        ("postgresql://me@/d?host=/run/pg", "/run/pg", False),
        ("postgresql://me@192.0.2.1/d", "192.0.2.1", True),
        ("postgresql://me@db/d?sslmode=disable", "db", False),
        ("postgresql://me@localhost/d?sslmode=verify-full", "localhost", True),
    ],
)
def test_only_what_leaves_this_machine_is_encrypted(
    url: str, host: str, *, is_encrypted: bool
) -> None:
    place = parse_url(url, HOME)
    assert isinstance(place, PostgresPlace)
    assert (place.host, place.port, place.is_encrypted) == (host, 5432, is_encrypted)


def test_a_password_of_the_address_comes_before_the_one_around() -> None:
    around = parse_url("postgresql://me@/d", HOME, password="around")  # noqa: S106 - made up
    own = parse_url("postgresql://me:own@/d", HOME, password="around")  # noqa: S106 - made up
    assert isinstance(around, PostgresPlace)
    assert isinstance(own, PostgresPlace)
    assert (around.password, own.password) == ("around", "own")


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"{CANARY}",
        f"mysql://me:{CANARY}@h/d",
        f"postgres://me:{CANARY}@h/d",
        f"postgresql://me:{CANARY}@h",
        f"postgresql://:{CANARY}@h/d",
        f"postgresql://me:{CANARY}@h:port/d",
        f"postgresql://me:{CANARY}@h:70000/d",
        f"postgresql://me@h/d?password={CANARY}",
        f"postgresql://me:x?{CANARY}=1@h/d",
        f"postgresql://me:x#{CANARY}@h/d",
        f"postgresql://me:{CANARY}@h/d?sslmode=prefer",
        f"postgresql://me:{CANARY}@h/d?host=/run/pg",
        f"postgresql://me:{CANARY}@/d?host=run",
        f"postgresql://me:[{CANARY}@h/d",
        "sqlite://",
        "sqlite:///",
        f"sqlite://{CANARY}/x.db",
        f"sqlite:///x.db?{CANARY}",
    ],
)
def test_another_form_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="expected sqlite:///FILE") as caught:
        parse_url(url, HOME)
    assert CANARY not in caught.value.message + caught.value.hint


def test_a_place_does_not_show_its_password() -> None:
    place = parse_url(f"postgresql://me:{CANARY}@h/d", HOME)
    assert CANARY not in repr(place) + place.shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:x@h/d", True),
        ("postgresql://me:a@b@h/d", True),
        ("postgresql://me:a/b@h/d", True),
        ("postgresql://me@h:5432/d", False),
        ("postgresql://me@[::1]:5432/d", False),
        ("sqlite:///a:b@c.db", False),
        ("sqlite://a:b@c.db", True),
        ("", False),
    ],
)
def test_a_password_is_noticed_even_where_it_breaks_the_form(url: str, *, expected: bool) -> None:
    assert has_password(url) is expected


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{CANARY}@h/d", f"postgresql://me@h/d?password={CANARY}"]
)
def test_the_configuration_refuses_a_password_without_showing_it(url: str) -> None:
    """It would be shown by `config show` and go into every backup."""
    with pytest.raises(ConfigError, match=r"database\.url") as caught:
        load_config(options={"database.url": url}, environment={})
    assert CANARY not in caught.value.message + caught.value.hint


def test_the_configuration_takes_an_address_without_one() -> None:
    url = "postgresql://me@db.example/desk"
    loaded = load_config(environment={"ATHENA_DATABASE__URL": url})
    assert loaded.config.database.url == url
    assert loaded.origins["database.url"] == "environment ATHENA_DATABASE__URL"

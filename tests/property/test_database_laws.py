"""Laws of the database: what goes in comes out equal, through tables and through dumps."""

from __future__ import annotations

import io
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from athena.platform.database import (
    PostgresPlace,
    has_password,
    load_dump,
    open_database,
    parse_url,
    write_dump,
)
from tests.database_cases import ROOMS, prepared

if TYPE_CHECKING:
    from athena.platform.database import Database

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS | st.decimals(allow_nan=False, allow_infinity=False),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.binary(),
    ),
    max_size=20,
)
PUT = "INSERT INTO books (id, amount, n, proof) VALUES (:id, :amount, :n, :proof)"
LOOK = "SELECT id, amount, n, proof FROM books ORDER BY id"


def content(database: Database) -> tuple[list[object], bytes]:
    target = io.BytesIO()
    with database.read() as view:
        write_dump(view, target)
        return [*view.query(LOOK)], target.getvalue()


@given(ROWS)
def test_rows_come_back_equal_from_the_table_and_from_a_dump(
    rows: list[tuple[str | Decimal | None, int | None, bytes | None]],
) -> None:
    """C12."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        database = prepared("sqlite:///one.db", home)
        with database.write() as transaction:
            for k, (amount, n, proof) in enumerate(rows):
                values = {"id": f"{k:03d}", "amount": amount, "n": n, "proof": proof}
                transaction.execute(PUT, values)
        found, dump = content(database)
        copy = open_database("sqlite:///two.db", home)
        load_dump(copy, ROOMS, io.BytesIO(dump))
        assert content(copy) == (found, dump)
        database.close()
        copy.close()
    stored = [row[1:] for row in found if isinstance(row, tuple)]
    for (amount, n, proof), (text, number, data) in zip(rows, stored, strict=True):
        assert (number, data) == (n, proof)
        if isinstance(amount, Decimal):
            assert Decimal(str(text)) == amount
        else:
            assert text == amount


@given(NAMES, NAMES)
def test_a_quoted_address_is_read_back_and_its_password_is_noticed(user: str, word: str) -> None:
    url = f"postgresql://{quote(user, safe='')}:{quote(word, safe='')}@localhost/d"
    place = parse_url(url, Path("/"))
    assert isinstance(place, PostgresPlace)
    assert (place.user, place.password) == (user, word)
    assert has_password(url)
    assert not has_password(place.shown)

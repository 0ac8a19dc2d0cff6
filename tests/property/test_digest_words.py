"""A record is folded into the digest as its words are, one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from athena.trading import digest_of
from athena.trading import layout as at
from athena.trading._core import records
from tests.core_builder import Core

_WORDS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(_WORDS, max_size=30), st.integers(0, 255))
def test_a_sealed_record_has_the_digest_of_its_words(fields: list[int], kind: int) -> None:
    """TR-34."""
    whole, single = Core().s, Core().s
    n_before = whole.account[at.N_WORDS]
    first = records.begin(whole, kind, len(fields))
    for position, word in enumerate(fields, first):
        whole.records[position] = word
    assert whole.account[at.N_WORDS] == n_before  # it counts once it is whole
    records.seal(whole, first)
    n_words = whole.account[at.N_WORDS]
    for position in range(n_before, n_words):
        records.fold(single, whole.records[position])
    assert n_words == n_before + len(fields) + 2
    assert digest_of(whole) == digest_of(single)

"""Ids: what we spell is what the library spells."""

from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from control_plane.edge.minting import mint, spell


@given(st.binary(min_size=16, max_size=16))
def test_an_id_is_spelled_as_a_ulid_is(raw: bytes) -> None:
    ulid = ULID.from_bytes(raw)
    assert spell(ulid) == str(ulid).lower()


def test_a_new_id_is_its_prefix_and_a_ulid() -> None:
    first, second = mint("job"), mint("job")
    assert first != second
    assert first.startswith("job_")
    assert str(ULID.from_str(first[4:].upper())).lower() == first[4:]

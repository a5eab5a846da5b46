"""What is read from a JSON column is what the standard parser would read."""

import json

from hypothesis import given
from hypothesis import strategies as st

from control_plane.db.decoding import decode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_a_text_says_what_was_written(value: object, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    assert repr(decode(text)) == repr(json.loads(text))


def test_half_a_surrogate_pair_and_deep_nesting_are_read_as_well() -> None:
    assert decode('"\\ud800"') == "\ud800"
    assert decode("[" * 300 + "]" * 300) == json.loads("[" * 300 + "]" * 300)

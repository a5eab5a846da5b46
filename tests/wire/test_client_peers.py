"""Our own reading calls on a server that speaks the protocol alone."""

import pytest

from store_client.peers.answers import ANSWERS, SAME
from store_client.wire.calls import CALLS

OURS = [call for call in CALLS if call.is_ours]


def test_what_is_answered_for_a_peer_is_a_row_of_the_table() -> None:
    assert ANSWERS.keys() | SAME.keys() <= {call.name for call in OURS}
    assert not ANSWERS.keys() & SAME.keys()


@pytest.mark.parametrize("call", list(SAME), ids=str)
def test_a_call_under_another_name_has_the_same_body_and_answer(call: str) -> None:
    ours = next(each for each in OURS if each.name == call)
    assert (ours.body, ours.query, ours.answer) == (SAME[call].body, SAME[call].query, SAME[call].answer)

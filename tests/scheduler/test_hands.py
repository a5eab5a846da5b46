"""The hands of the scheduler: every piece of work is done once, whatever the others do."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from control_plane.scheduler.hands import Hands

BOUND_SECONDS = 60


def key(number: int) -> tuple[str, int]:
    return f"job_{number}", 1


def test_what_is_given_is_done_once_and_answered() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        done.append(number)
        return number

    hands = Hands(lambda: None)
    with ThreadPoolExecutor(4) as pool:
        for number in range(500):
            pool.submit(hands.give, key(number), partial(work, number))
    assert hands.wait(BOUND_SECONDS)
    assert sorted(done) == list(range(500))
    assert sorted(hands.take()) == sorted((key(number), number) for number in range(500))
    assert hands.take() == []
    hands.stop()


def test_an_attempt_is_left_alone_until_its_answer_is_taken() -> None:
    may_go, told = threading.Event(), threading.Event()
    hands = Hands(told.set)
    hands.give(key(1), lambda: may_go.wait(BOUND_SECONDS))
    assert hands.leave(key(1))
    assert not hands.leave(key(2))
    may_go.set()
    assert told.wait(BOUND_SECONDS)
    assert hands.leave(key(1)), "nobody has taken the answer yet"
    assert hands.take() == [(key(1), True)]
    assert not hands.leave(key(1))
    hands.stop()


def test_a_piece_of_work_that_fails_rests_and_stops_no_other() -> None:
    hands = Hands(lambda: None)
    for number in range(40):
        hands.give(key(number), partial(divmod, 1, number % 2))
    assert hands.wait(BOUND_SECONDS)
    assert {number for number in range(40) if hands.leave(key(number))} == set(range(40)), "odd ones are not taken yet"
    assert {found for found, _ in hands.take()} == {key(number) for number in range(1, 40, 2)}
    assert {number for number in range(40) if hands.leave(key(number))} == set(range(0, 40, 2)), "even ones rest"
    hands.stop()


def test_nothing_is_begun_once_they_have_stopped() -> None:
    is_in, may_go, begun = threading.Semaphore(0), threading.Event(), list[int]()
    hands = Hands(lambda: None)

    def work(number: int) -> None:
        begun.append(number)
        is_in.release()
        may_go.wait(BOUND_SECONDS)

    for number in range(100):
        hands.give(key(number), partial(work, number))
    assert is_in.acquire(timeout=BOUND_SECONDS)
    hands.stop()
    assert not hands.wait(0), "what was begun is not over"
    hands.give(key(200), lambda: begun.append(200))
    may_go.set()
    assert hands.wait(BOUND_SECONDS)
    assert len(begun) < 100
    assert 200 not in begun

"""A long queue that is followed shows what one that is read anew shows, and is read anew no second time."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

import pytest

from control_plane.db.transaction import Tx
from control_plane.registry.operations import lifecycle
from control_plane.scheduler import onlooker
from control_plane.scheduler.onlooker import Onlooker
from control_plane.scheduler.operations import reorder, situation
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.situation import Open, Reader
from control_plane.scheduler.rules.board import Situation, Slot
from store_client.errors import Refused
from store_client.wire.batches import MoveJob
from store_client.wire.jobs import JobState
from tests.scheduler.queue_house import Queue

SLOTS = [Slot(f"cpu:{number}", "cpu") for number in range(4)]
HERE = pytest.mark.usefixtures("always_long")


def place(queue: Queue, job_id: str) -> None:
    """On a slot that nobody holds."""
    free = [slot.slot_id for slot in SLOTS if slot.slot_id not in queue.held()]
    if free:
        queue.place(job_id, free[0])


ACTS: dict[str, Callable[[Queue, str], object]] = {
    "submit": lambda queue, _: queue.submit(),
    "urgent": lambda queue, _: queue.submit(priority=9),
    "behind": lambda queue, job_id: queue.submit(depends_on=[{"job_id": job_id}]),
    "place": place,
    "start": lambda queue, job_id: queue.start(job_id, queue.read(job_id).attempt),
    "finish": lambda queue, job_id: queue.finish(job_id, queue.read(job_id).attempt, Ending("finished", 0)),
    "lose": lambda queue, job_id: queue.finish(job_id, queue.read(job_id).attempt, Ending("node_lost")),
    "cancel": lambda queue, job_id: queue.cancel(job_id),
    "front": lambda queue, job_id: queue.write(reorder.move, job_id, MoveJob(to="front")),
    "pause": lambda queue, _: queue.store.act("ann", lifecycle.pause),
    "resume": lambda queue, _: queue.store.act("ann", lifecycle.resume),
}


@pytest.fixture
def always_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onlooker, "MANY", -1)


def facts(seen: Situation) -> tuple[object, ...]:
    """What a plan depends on, in any order where order says nothing."""
    lines = {key: list(line) for key, line in seen.lines.items()}
    return lines, {each.job_id: each for each in seen.running}, seen.slots, seen.policy, seen.nodes, seen.usage


def both(eyes: Onlooker, tx: Tx) -> list[tuple[object, ...]]:
    return [facts(eyes.read(tx)), facts(situation.read(tx, SLOTS))]


@HERE
def test_what_is_followed_is_what_there_is(queue: Queue) -> None:
    eyes, known = Onlooker(lambda _tx: SLOTS), [queue.submit() for _ in range(3)]
    drawn, done = Random(11), set[str]()  # noqa: S311 - nothing secret
    for name in drawn.choices(sorted(ACTS), k=80):
        with suppress(Refused):
            made = ACTS[name](queue, drawn.choice(known[-6:]))
            known.extend([made] if isinstance(made, str) else [])
            done.add(name)
        followed, read = queue.store.house.read_now(lambda tx: both(eyes, tx))
        assert followed == read
    assert done == set(ACTS)


@HERE
def test_it_is_read_whole_only_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[Tx] = []
    reads = situation.waiting

    def noted(tx: Tx, reader: Reader) -> Iterator[list[Open]]:
        whole.append(tx)
        return reads(tx, reader)

    monkeypatch.setattr(situation, "waiting", noted)
    eyes = Onlooker(lambda _tx: SLOTS)
    for waiting in (1, 2, 3):
        queue.submit()
        seen = queue.store.house.read_now(eyes.read)
        assert sum(map(len, seen.lines.values())) == waiting
    assert len(whole) == 1


def test_a_short_queue_is_read_as_it_is(queue: Queue) -> None:
    eyes = Onlooker(lambda _tx: SLOTS)
    job_id = queue.submit()
    queue.place(job_id)
    assert queue.state(job_id) is JobState.STARTING
    followed, read = queue.store.house.read_now(lambda tx: both(eyes, tx))
    assert followed == read


@HERE
def test_what_broke_off_is_begun_anew(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = Onlooker(lambda _tx: SLOTS)
    queue.store.house.read_now(eyes.read)
    queue.submit()
    with monkeypatch.context() as patch:
        patch.setattr(situation, "slice_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            queue.store.house.read_now(eyes.read)
    assert eyes._news is None
    followed, read = queue.store.house.read_now(lambda tx: both(eyes, tx))
    assert followed == read

"""Machines that are kept from plan to plan stand at each as they would be furnished anew, and decide the same."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import thread_time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.scheduler.rules.board import Grant, Running, Situation
from control_plane.scheduler.rules.lines import lines_of
from control_plane.scheduler.rules.machines import Machines
from control_plane.scheduler.rules.planning import plan
from control_plane.scheduler.rules.rooms import Room, rooms_of
from store_client.wire.jobs import Resources
from tests.scheduler.planning_cases import cpus, full_houses, gpu, job, machine, mixed_houses, running, situation

GPU = Resources(gpus=1)
HOUSES = full_houses() | mixed_houses()
ACTS = ("plan", "end", "slots", "stop", "again")


def standing(rooms: Iterable[Room]) -> list[Any]:
    """All that a plan can see of machines."""
    return [
        (
            room.name, room.index, room.cpus, room.usable_cpus, room.memory_bytes, room.whole,
            {slot_id: (card.free, card.count, card.order) for slot_id, card in room.cards.items()},
            {kind: [_first(room, heap, count) for count, heap in enumerate(pile.heaps)]
             for kind, pile in room.piles.items()},
        )
        for room in rooms
    ]  # fmt: skip


def _first(room: Room, heap: Sequence[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    """What is in a heap and not stale."""
    return sorted({each for each in heap if room.cards[each[1]].count == count})


@settings(max_examples=150, deadline=None)
@given(
    first=HOUSES,
    others=st.lists(HOUSES, min_size=1, max_size=2),
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 99)), max_size=12),
)
def test_kept_machines_are_like_new_ones_whatever_happened(
    first: Situation, others: list[Situation], acts: list[tuple[str, int]]
) -> None:
    kept, now = Machines(), first
    for name, number in [*acts, ("plan", 0)]:
        fresh, made = plan(now), plan(now, kept)
        assert (made.placements, made.give_ways, made.reservation) == (
            fresh.placements, fresh.give_ways, fresh.reservation,
        )  # fmt: skip
        assert made.blocked == fresh.blocked
        now = after(now, name, number, others)
        assert standing(kept.follow(now).rooms) == standing(rooms_of(now.slots, now.nodes, now.running))
        assert kept.rates.keys() == {one.job_id for one in now.running}


def after(now: Situation, name: str, number: int, others: Sequence[Situation]) -> Situation:
    """What the next plan sees, when this has happened."""
    runs = list(now.running)
    at = number % len(runs) if runs else 0
    if name == "plan":
        placed = started(now)
        gone = {one.job_id for one in placed}
        waiting = [one for line in now.lines.values() for one in line if one.job_id not in gone]
        return replace(now, now=now.now + 1, running=[*runs, *placed], lines=lines_of(waiting))
    if name == "end":
        return replace(now, running=[*runs[:at], *runs[at + 1 :]])
    if name == "stop":
        ending = [replace(one, is_ending=True) for one in runs[at : at + 1]]
        return replace(now, running=[*runs[:at], *ending, *runs[at + 1 :]])
    if name == "slots":
        other = others[number % len(others)]
        return replace(now, slots=other.slots, nodes=other.nodes)
    return now


def started(now: Situation) -> list[Running]:
    """What a plan places, as it runs then."""
    jobs = {one.job_id: one for line in now.lines.values() for one in line}
    return [
        Running(
            one.job_id, 1, jobs[one.job_id].number, jobs[one.job_id].experiment_id, jobs[one.job_id].operator, 5,
            now.now, now.now + jobs[one.job_id].most_seconds, one.grants,
            memory_bytes=jobs[one.job_id].resources.memory_bytes,
        )
        for one in plan(now).placements
    ]  # fmt: skip


def test_who_holds_what_another_still_has_frees_nothing_when_it_ends() -> None:
    slots, kept = [gpu(0), *cpus(2)], Machines()
    both = [running(number, [Grant("GPU-0", tuple(range(12))), Grant("cpu:0")]) for number in (1, 2)]
    kept.follow(situation(slots, [], both))
    left = kept.follow(situation(slots, [], both[:1])).rooms[0]
    assert (left.cpus, left.cards["GPU-0"].count) == (["cpu:1"], 0)
    left = kept.follow(situation(slots, [])).rooms[0]
    assert (left.cpus, left.cards["GPU-0"].count) == (["cpu:1", "cpu:0"], 12)


def test_a_plan_on_many_slots_costs_little_more_than_one_on_few() -> None:
    few, many = plans(8), plans(1024)
    assert many < 12 * few, f"{1000 * many:.2f} ms a plan on 1,024 slots, {1000 * few:.2f} ms on 8"


def plans(gpus: int) -> float:
    """Seconds that a plan takes in which one of a great many attempts has ended and another is placed."""
    slots = machine(gpus, gpus)
    runs = started(situation(slots, [job(number, GPU) for number in range(gpus)]))
    kept, took = Machines(), []
    plan(situation(slots, [], runs), kept)
    for number in range(30):
        at = number % gpus
        freed = situation(slots, [job(9999, GPU)], [*runs[:at], *runs[at + 1 :]])
        began = thread_time()
        assert len(plan(freed, kept).placements) == 1
        took.append(thread_time() - began)
    return min(took)


def test_what_is_stale_does_not_pile_up() -> None:
    slots, kept = machine(4, 4), Machines()
    for _ in range(300):
        assert len(plan(situation(slots, [job(number, GPU) for number in range(4)]), kept).placements) == 4
    assert sum(len(heap) for pile in kept.rooms[0].piles.values() for heap in pile.heaps) < 150

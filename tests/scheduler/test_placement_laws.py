"""What a plan never does, whatever is asked of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from control_plane.scheduler.rules.board import (
    GiveWay,
    Grant,
    LineKey,
    Placement,
    Policy,
    Quota,
    Running,
    Situation,
    Slot,
    Waiting,
)
from control_plane.scheduler.rules.lines import Line, lines_of
from control_plane.scheduler.rules.planning import Plan, plan
from store_client.wire.jobs import Resources
from tests.scheduler.planning_cases import (
    NOW,
    full_houses,
    job,
    machine,
    machines,
    running,
    situation,
    situations,
    waiting_jobs,
    whole,
)
from tests.scheduler.planning_oracle import Oracle

GPU = Resources(gpus=1)
SHARE = Resources(gpus=1, gpu_share=0.5)


def started(made: Plan) -> list[str]:
    return [placement.job_id for placement in made.placements]


def everybody(given_: Situation) -> dict[str, Waiting]:
    return {one.job_id: one for line in given_.lines.values() for one in line}


def as_running(given_: Situation, placement: Placement, **more: Any) -> Running:
    one = everybody(given_)[placement.job_id]
    facts = Running(
        one.job_id, 1, one.number, one.experiment_id, one.operator, one.priority, given_.now,
        given_.now + one.most_seconds, placement.grants, memory_bytes=one.resources.memory_bytes,
    )  # fmt: skip
    return replace(facts, **more)


@settings(max_examples=80)
@given(situations)
def test_no_unit_is_given_out_that_is_held_or_unusable_and_all_of_a_job_is_on_one_machine(given_: Situation) -> None:
    slots = {slot.slot_id: slot for slot in given_.slots}
    taken = {(grant.slot_id, unit) for one in given_.running for grant in one.grants for unit in grant.units}
    for placement in plan(given_).placements:
        units = [(grant.slot_id, unit) for grant in placement.grants for unit in grant.units]
        assert not taken & set(units)
        assert len(set(units)) == len(units)
        taken |= set(units)
        assert all(slots[slot_id].is_usable for slot_id, _ in units)
        assert len({slots[slot_id].node for slot_id, _ in units}) == 1


def fits_when_all_last_as_long_as_they_may(
    given_: Situation, extra: Sequence[Running], head: Waiting, at: float
) -> bool:
    """Whether the head fits at a time by which nobody has ended a second before they must."""
    then = [one for one in (*given_.running, *extra) if one.ends_by > at]
    oracle = Oracle(replace(given_, running=then))
    return oracle.best(head.resources, oracle.free_without([])) is not None


@settings(max_examples=80)
@given(full_houses())
def test_what_starts_behind_the_head_never_delays_it(given_: Situation) -> None:
    stay = [replace(one, is_ending=False) for one in given_.running]
    given_ = replace(given_, running=stay, policy=Policy(may_preempt=False))
    made = plan(given_)
    assume(made.reservation is not None)
    assert made.reservation is not None
    head = everybody(given_)[made.reservation.job_id]
    extra = [as_running(given_, placement) for placement in made.placements]
    before = extra[: started(made).index(head.job_id)] if head.job_id in started(made) else extra
    assert fits_when_all_last_as_long_as_they_may(given_, extra, head, made.reservation.at)
    alone = plan(replace(given_, lines=lines_of([head])))
    if not before and alone.reservation is not None:
        assert made.reservation.at == alone.reservation.at
    ends = sorted({one.ends_by for one in given_.running if one.ends_by < made.reservation.at} | {given_.now})
    sooner = [at for at in ends if at < made.reservation.at and not before]
    assert not any(fits_when_all_last_as_long_as_they_may(given_, extra, head, at) for at in sooner)


def later(given_: Situation, made: Plan) -> Situation:
    """The moment after: what was placed runs, who was asked to end has, who was asked to give way waits again."""
    went = {way.job_id for way in made.give_ways}
    gone = [one for one in given_.running if one.job_id in went]
    stay = [one for one in given_.running if one.job_id not in went and not one.is_ending]
    again = [
        job(one.number, one_asks(one), priority=one.priority, queued_at=given_.now, experiment_id=one.experiment_id)
        for one in gone
    ]
    runs = [as_running(given_, placement, is_preemptible=True) for placement in made.placements]
    waits = [one for one in everybody(given_).values() if one.job_id not in started(made)]
    return replace(given_, running=[*stay, *runs], lines=lines_of([*waits, *again]))


def one_asks(one: Running) -> Resources:
    return Resources(gpus=sum(1 for grant in one.grants if len(grant.units) == 12))


@settings(max_examples=80)
@given(full_houses())
def test_nobody_who_gave_way_ever_takes_the_place_back(given_: Situation) -> None:
    now = replace(given_, policy=Policy())
    gave_way: set[tuple[str, str]] = set()
    for _ in range(12):
        made = plan(now)
        for way in made.give_ways:
            victim = way.job_id.replace("run_", "job_")
            gave_way.add((victim, way.for_job_id))
            assert (way.for_job_id, victim) not in gave_way
        head = made.give_ways[0].for_job_id if made.give_ways else None
        now = later(now, made)
        if head is not None:
            assert head in started(plan(now))
        elif not made.placements:
            return
    raise AssertionError("the queue comes to rest")


@settings(max_examples=60)
@given(full_houses())
def test_who_gives_way_is_of_lower_priority_allows_it_and_makes_room(given_: Situation) -> None:
    made = plan(replace(given_, policy=Policy()))
    waits, runs = everybody(given_), {one.job_id: one for one in given_.running}
    for way in made.give_ways:
        assert runs[way.job_id].is_preemptible
        assert not runs[way.job_id].is_ending
        assert runs[way.job_id].priority < waits[way.for_job_id].priority
    if made.give_ways:
        assert made.reservation is not None
        after = later(given_, made)
        assert made.reservation.job_id in started(plan(after))


@settings(max_examples=80)
@given(machines(), waiting_jobs(), st.integers(0, 5))
def test_no_job_goes_before_one_that_waited_so_much_longer_and_fits_its_slots(
    slots: list[Slot], jobs: list[Waiting], which: int
) -> None:
    policy = Policy(may_preempt=False)
    old = replace(jobs[which % len(jobs)], priority=0, queued_at=NOW - policy.starvation_seconds - 20_000)
    rest = [
        replace(one, priority=10, queued_at=max(one.queued_at, old.queued_at + policy.starvation_seconds))
        for one in jobs
        if one.number != old.number
    ]
    given_ = situation(slots, [old, *rest], policy=policy, usage={old.experiment_id: 1e9})
    made = plan(given_)
    if old.job_id not in started(made):
        alone = plan(replace(given_, lines=lines_of([old])))
        assert not alone.placements
    else:
        assert started(made)[0] == old.job_id


def test_no_job_waits_longer_for_standing_behind_a_younger_one_that_came_back_to_its_place() -> None:
    policy = Policy(ageing_seconds=60, may_preempt=False)
    back = job(1, GPU, priority=2, queued_at=NOW - 1000)
    old = job(2, GPU, priority=2, queued_at=NOW - 5000)
    other = job(3, GPU, priority=3, queued_at=NOW - 5000 + policy.starvation_seconds)
    assert started(plan(situation(machine(1, 1), [back, old, other], policy=policy))) == [back.job_id]
    assert started(plan(situation(machine(1, 1), [back, other], policy=policy))) == [other.job_id]
    assert started(plan(situation(machine(2, 2), [back, old, other], policy=policy))) == [back.job_id, old.job_id]


GONE_IN_FRONT = [(True, 1, 0), (True, 2, 3), (True, 3, 1), (False, 1, 0), (False, 2, 0), (True, 1, 2)]
ALL_GONE = [(True, 1, 0), (True, 2, 3), (False, 1, 0), (False, 2, 0), (True, 1, 1)]
"""Whoever was older left from the front, and a younger one comes before its place: the age of who left is nobody's."""


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 3))))
@example(GONE_IN_FRONT)
@example(ALL_GONE)
def test_a_line_knows_who_is_older_than_the_one_before_while_jobs_come_and_go(
    acts: list[tuple[bool, int, int]],
) -> None:
    line = Line()
    for comes, number, age in acts:
        known = next((one for one in line if one.number == number), None)
        if known is not None:
            line.take(known)
        if comes:
            line.put(job(number, GPU, queued_at=NOW - age))
        assert [one.number for one in line] == sorted(one.number for one in line)
        assert line.elders == Line(line).elders == line.copied().elders
        oldest = [min(behind.queued_at for behind in line[at:]) for at in range(len(line))]
        assert [line.ages.since(one) for one in line] == oldest == [line.copied().ages.since(one) for one in line]


def test_a_low_job_is_not_starved_by_a_stream_of_high_ones() -> None:
    slots, policy, now = machine(1, 1), Policy(ageing_seconds=60, may_preempt=False), NOW
    low = job(1, Resources(gpus=1), priority=0, queued_at=now)
    number, waited = 1, 0.0
    while True:
        number += 1
        fresh = job(number, Resources(gpus=1), priority=10, queued_at=now)
        made = plan(replace(situation(slots, [low, fresh], policy=policy), now=now))
        if started(made) == [low.job_id]:
            break
        now, waited = now + 10, waited + 10
    assert 600 <= waited <= policy.starvation_seconds


@settings(max_examples=60)
@given(situations)
def test_a_quota_is_never_exceeded(given_: Situation) -> None:
    policy = replace(given_.policy, experiment_quotas={"exp_a": Quota(gpus=1.0, cpus=3, jobs=2)}, operator_quotas={})
    given_ = replace(given_, policy=policy)
    oracle = Oracle(given_)
    before = oracle.amounts([one for one in given_.running if one.experiment_id == "exp_a"])
    runs = [as_running(given_, placement) for placement in plan(given_).placements]
    after = oracle.amounts([one for one in (*given_.running, *runs) if one.experiment_id == "exp_a"])
    for had, has, most in zip(before, after, (1.0, 3, 2), strict=True):
        assert has <= max(had, most) + 1e-9


class Counting(Line):
    """A line that counts how often it is asked for a job, once it is complete."""

    is_complete = False
    asked = 0

    def __getitem__(self, place: Any) -> Any:
        self.asked += self.is_complete
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Waiting]:
        assert not self.is_complete, "nobody goes through a whole line"
        return super().__iter__()


def test_a_plan_looks_at_no_more_jobs_when_ten_thousand_wait() -> None:
    looks = []
    for length in (10, 10_000):
        key = LineKey("exp_a", "ada", 5, SHARE)
        line = Counting(job(number, SHARE) for number in range(1, length + 1))
        line.is_complete = True
        made = plan(Situation(NOW, machine(2, 8), {key: line}, []))
        assert len(made.placements) == 4
        assert made.blocked[key].number == 5
        looks.append(line.asked)
    assert looks[0] == looks[1] <= 40


def test_attempts_that_are_ending_make_room_before_anybody_is_asked() -> None:
    slots = machine(1, 2)
    ending = running(101, [Grant("cpu:0"), *whole(slots[0])], is_preemptible=True, is_ending=True, priority=0)
    made = plan(situation(slots, [job(1, Resources(gpus=1), priority=9)], [ending]))
    assert made.give_ways == ()


def test_an_attempt_that_would_come_first_by_the_age_of_an_older_one_does_not_give_way() -> None:
    slots, policy = machine(1, 2), Policy(experiment_quotas={"exp_a": Quota(jobs=1)})
    own, older = job(1, GPU, priority=0, queued_at=NOW), job(2, GPU, priority=0, queued_at=NOW - 9000)
    high = job(3, GPU, priority=5, experiment_id="exp_b")
    grants = [Grant("cpu:0"), *whole(slots[0])]
    held = running(1, grants, 9000, is_preemptible=True, priority=0, placed_at=NOW, queued_at=NOW, job=own)
    assert plan(situation(slots, [high], [held], policy=policy)).give_ways == (GiveWay("run_1", 1, "job_3"),)
    assert plan(situation(slots, [older, high], [held], policy=policy)).give_ways == ()
    assert started(plan(situation(slots, [own, older, high], policy=policy))) == [own.job_id], "so it would come back"


def test_an_attempt_that_would_come_first_when_queued_again_does_not_give_way() -> None:
    slots = machine(1, 2)
    held = running(101, [Grant("cpu:0"), *whole(slots[0])], 9000, is_preemptible=True, priority=3)
    high = job(1, Resources(gpus=1), priority=4)
    assert plan(situation(slots, [high], [held])).give_ways == (GiveWay("run_101", 1, "job_1"),)
    aged = replace(held, queued_at=NOW - 4000)
    assert plan(situation(slots, [high], [aged])).give_ways == ()

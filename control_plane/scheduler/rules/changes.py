"""The smallest change that would start a waiting job, or make it the next: only what the placement itself confirms.

A job that fits no machine is told what it could ask for instead, even where that would have to wait its turn; that it
could do without a GPU, or take what there is, is named where nothing else helps. Failing all, it says who could help.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from control_plane.scheduler.rules import remedies, words
from control_plane.scheduler.rules.board import Running
from control_plane.scheduler.rules.constraints import Case, excess_of, moment
from control_plane.scheduler.rules.needs import Need
from control_plane.scheduler.rules.places import in_turn
from control_plane.scheduler.rules.planning import Plan, plan
from control_plane.scheduler.rules.rooms import rooms_of
from control_plane.scheduler.rules.situations import changed
from store_client.wire.scheduler import JobBlocker, JobChange

TOP = 10
SHARES = (0.75, 0.5, 1 / 3, 0.25)
MOST_JOBS = 8
"""So many jobs are tried to be without."""
MOST_SIZES = 3
FEWER = "a waiting job cannot change what it asks for: cancel it and submit it again, asking for"
Effect = Literal["starts", "takes_over", "next", "fits"]


@dataclass(frozen=True)
class Changes:
    """What would do, the smallest first."""

    smallest: JobChange | None
    others: tuple[JobChange, ...] = ()
    why_none: str | None = None
    """Why there is none, and what could help."""


def changes(case: Case, made: Plan, place: int) -> Changes:
    """All kinds of changes that would start a job, each the smallest of its kind; else one that makes it the next."""
    found = [change for kind in _kinds(case, made) if (change := _first(case, kind)) is not None]
    is_hopeless = not case.fits(case.whole)
    if not found and is_hopeless:
        found = [change for kind in _requests(case) if (change := _fitting(case, kind)) is not None]
    if not found and place > 1 and not is_hopeless:
        found = [change for change in (*_priorities(case), *_front(case)) if _is_next(case, change)][:1]
        found = [change.having(effect="next", sentence=_said(change, "next")) for change in found]
    if not found:
        found = [change for kind in _last_resorts(case) if (change := _first(case, kind)) is not None]
    if not found and is_hopeless:
        found = [change for kind in _last_resorts(case) if (change := _fitting(case, kind)) is not None]
    return Changes(found[0], tuple(found[1:])) if found else Changes(None, why_none=remedies.remedy(case))


def effect(case: Case, change: JobChange) -> Effect | None:
    """What a change would do at once, by the same placement."""
    situation, job = changed(case.situation, case.job, change)
    made = plan(situation)
    if any(placement.job_id == job.job_id for placement in made.placements):
        return "starts"
    if any(one.for_job_id == job.job_id for one in made.give_ways):
        return "takes_over"
    return None


def _first(case: Case, kind: Iterator[JobChange]) -> JobChange | None:
    """The smallest of a kind that works."""
    for change in kind:
        found = effect(case, change)
        if found is not None:
            return change.having(effect=found, sentence=_said(change, found))
    return None


def _fitting(case: Case, kind: Iterator[JobChange]) -> JobChange | None:
    """The smallest of a kind with which the job would fit a machine, were all of it free."""
    for change in kind:
        if change.resources is not None and case.fits(case.whole, asked=change.resources):
            return change.having(effect="fits", sentence=_said(change, "fits"))
    return None


def _is_next(case: Case, change: JobChange) -> bool:
    situation, job = changed(case.situation, case.job, change)
    return next(in_turn(situation)).job_id == job.job_id


def _said(change: JobChange, found: Effect) -> str:
    after = {
        "starts": "it would start now",
        "takes_over": "jobs of lower priority would give way to it",
        "next": "it would be the next",
        "fits": "it would then fit a machine here, and start in its turn",
    }[found]
    return f"{change.sentence}; {after}"


def _kinds(case: Case, made: Plan) -> Iterator[Iterator[JobChange]]:
    yield _priorities(case)
    yield _front(case)
    yield from _requests(case)
    yield _quotas(case)
    yield _ends(case, made)
    yield _readmissions(case)


def _requests(case: Case) -> Iterator[Iterator[JobChange]]:
    """What it could ask for instead."""
    yield _fewer_gpus(case)
    yield _shares(case)
    yield _other_gpus(case)
    yield _less_memory(case)
    yield _fewer_cpus(case)


def _last_resorts(case: Case) -> Iterator[Iterator[JobChange]]:
    yield _no_gpu(case)
    yield _what_there_is(case)


def _change(kind: str, sentence: str, **values: object) -> JobChange:
    return JobChange.model_validate({"kind": kind, "sentence": sentence, "effect": "starts", **values})


def _priorities(case: Case) -> Iterator[JobChange]:
    for priority in range(case.job.priority + 1, TOP + 1):
        yield _change("priority", f"raise its priority to {priority}", priority=priority)


def _front(case: Case) -> Iterator[JobChange]:
    yield _change("front", f"move it to the front of priority {case.job.priority}")


def _fewer_gpus(case: Case) -> Iterator[JobChange]:
    for gpus in range(case.job.resources.gpus - 1, 0, -1):
        asked = case.asking(gpus=gpus)
        yield _change("fewer_gpus", f"{FEWER} {words.needs(asked)}", resources=asked)


def _shares(case: Case) -> Iterator[JobChange]:
    need = case.job.resources
    if need.gpus == 1 and need.mig_profile is None and not need.gpus_where_present:
        for share in SHARES:
            if share < (need.gpu_share or 1):
                asked = case.asking(gpu_share=share)
                yield _change("share", f"{FEWER} {words.needs(asked)}", resources=asked)


def _other_gpus(case: Case) -> Iterator[JobChange]:
    """Any GPU instead of those that it names, and a whole one instead of a part."""
    need = case.job.resources
    if need.only_gpus:
        asked = case.asking(only_gpus=())
        yield _change("any_gpu", f"{FEWER} {words.needs(asked)}, whichever it is", resources=asked)
    if need.mig_profile is not None or need.gpu_share is not None:
        asked = case.asking(mig_profile=None, gpu_share=None, gpus=1, gpus_where_present=0)
        yield _change("whole_gpu", f"{FEWER} all of a GPU", resources=asked)


def _no_gpu(case: Case) -> Iterator[JobChange]:
    if Need.of(case.job.resources).most_gpus:
        asked = case.without_gpus.having(gpu_memory_bytes=0)
        yield _change("no_gpu", f"{FEWER} no GPU, if it can do without", resources=asked)


def _what_there_is(case: Case) -> Iterator[JobChange]:
    """On each machine as much of everything as it has: for a job that is too large in more than one way."""
    need = case.job.resources
    for node in dict.fromkeys(slot.node for slot in case.whole):
        here = [slot for slot in case.whole if slot.node == node]
        cards = sorted((slot.memory_bytes or 0 for slot in here if slot.kind == "gpu"), reverse=True)
        cpus = sum(slot.kind == "cpu" for slot in here)
        limit = next((one.memory_bytes for one in case.situation.nodes if one.name == node), None)
        if cpus and need.mig_profile is None and need.gpu_share is None and not need.gpus_where_present:
            gpus = min(need.gpus, len(cards))
            memory = min(need.gpu_memory_bytes, cards[gpus - 1]) if gpus else 0
            asked = case.asking(
                gpus=gpus, gpu_memory_bytes=memory, only_gpus=need.only_gpus if gpus else (), cpus=min(need.cpus, cpus),
                memory_bytes=need.memory_bytes if limit is None else min(need.memory_bytes, limit),
            )  # fmt: skip
            if asked != need:
                yield _change("what_there_is", f"{FEWER} what there is: {words.needs(asked)}", resources=asked)


def _less_memory(case: Case) -> Iterator[JobChange]:
    """The sizes of the GPUs that are too small, the largest first; for a share, of what is left of them."""
    asked = case.job.resources.gpu_memory_bytes
    sizes = {slot.memory_bytes for slot in case.situation.slots if slot.kind != "cpu" and slot.memory_bytes}
    for size in sorted((size for size in sizes if size < asked), reverse=True)[:MOST_SIZES]:
        smaller = case.asking(gpu_memory_bytes=size)
        yield _change("gpu_memory", f"{FEWER} {words.needs(smaller)}", resources=smaller)
    need = case.job.resources.memory_bytes
    rooms = rooms_of(case.situation.slots, case.situation.nodes, case.situation.running)
    free = {int(room.memory_bytes) for room in rooms if 0 < room.memory_bytes < need}
    for size in sorted(free, reverse=True)[:MOST_SIZES]:
        yield _change("gpu_memory", f"{FEWER} {words.size(size)} of memory", resources=case.asking(memory_bytes=size))


def _fewer_cpus(case: Case) -> Iterator[JobChange]:
    rooms = rooms_of(case.situation.slots, case.situation.nodes, case.situation.running)
    free = {len(room.cpus) for room in rooms if 0 < len(room.cpus) < case.job.resources.cpus}
    for cpus in sorted(free, reverse=True)[:MOST_SIZES]:
        asked = case.asking(cpus=cpus)
        yield _change("fewer_cpus", f"{FEWER} {words.plural(cpus, 'CPU slot')}", resources=asked)


def _quotas(case: Case) -> Iterator[JobChange]:
    excess = excess_of(case)
    if excess is not None:
        whose = "its experiment" if excess.of == "experiment" else "its submitter"
        limit = excess.has + excess.asks
        yield _change(
            "quota", f"raise the quota of {whose} to {limit:g} {words.COUNTED[excess.what]}",
            quota=limit, quota_of=excess.who, quota_kind=excess.what,
        )  # fmt: skip


def _ends(case: Case, made: Plan) -> Iterator[JobChange]:
    """Without the job that a reservation is for, or without one that runs: the one that ends first."""
    kept = made.reservation
    if kept is not None and kept.job_id != case.job.job_id:
        yield _ended(
            JobBlocker(job_id=kept.job_id, number=kept.number), f"cancel job {kept.number}, which waits before it"
        )
    needed = {slot.slot_id for slot in case.situation.slots if slot.kind == "cpu" or case.is_suitable(slot)}
    in_the_way = [one for one in case.situation.running if any(grant.slot_id in needed for grant in one.grants)]
    for one in sorted(in_the_way, key=_ends_by)[:MOST_JOBS]:
        until = JobBlocker(job_id=one.job_id, number=one.number, until=moment(one.ends_by))
        within = words.span(one.ends_by - case.situation.now)
        yield _ended(until, f"cancel job {one.number}, or wait for its end within {within}")


def _ends_by(attempt: Running) -> tuple[float, int]:
    return attempt.ends_by, attempt.number


def _ended(job: JobBlocker, sentence: str) -> JobChange:
    return _change("end_job", sentence, job=job)


def _readmissions(case: Case) -> Iterator[JobChange]:
    for slot in case.situation.slots:
        if slot.state in {"quarantined", "draining"} and (slot.kind == "cpu" or case.is_suitable(slot)):
            yield _change("readmit_gpu", f"give {words.name(slot)} out again", slot_id=slot.slot_id)

"""What keeps a waiting job from its slots, in the order in which it meets it: a pure function, in sentences."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from control_plane.scheduler.rules import words
from control_plane.scheduler.rules.accounts import Accounts, Excess, least
from control_plane.scheduler.rules.board import Running, Situation, Slot, SlotState, Waiting
from control_plane.scheduler.rules.lines import key_of
from control_plane.scheduler.rules.mismatches import mismatch
from control_plane.scheduler.rules.needs import Kind, Need
from control_plane.scheduler.rules.planning import Plan
from control_plane.scheduler.rules.reservations import Reservation
from control_plane.scheduler.rules.rooms import rooms_of
from store_client.wire.jobs import Resources
from store_client.wire.scalars import format_time
from store_client.wire.scheduler import JobBlocker, JobConstraint


@dataclass(frozen=True)
class Case:
    """A waiting job in its situation."""

    situation: Situation
    job: Waiting

    @property
    def need(self) -> Need:
        return Need.of(self.job.resources)

    @property
    def whole(self) -> list[Slot]:
        """All slots as they would be if each were given out."""
        return [replace(slot, state="usable") for slot in self.situation.slots]

    def fits(self, slots: Sequence[Slot], running: Sequence[Running] = (), asked: Resources | None = None) -> bool:
        """Whether the job, or one that asks for something else, fits into these slots beside these attempts."""
        need = self.need if asked is None else Need.of(asked)
        return any(room.choose(need) is not None for room in rooms_of(slots, self.situation.nodes, running))

    def asking(self, **changes: object) -> Resources:
        return self.job.resources.having(**changes)

    @property
    def without_gpus(self) -> Resources:
        return self.asking(gpus=0, gpus_where_present=0, gpu_share=None, mig_profile=None, only_gpus=())

    def is_suitable(self, slot: Slot) -> bool:
        """Whether a GPU or slice would do, were it free."""
        return self.need.units_on(Kind.of(slot)) is not None and self.need.allows(slot)


def constraints(case: Case, made: Plan, place: int) -> tuple[JobConstraint, ...]:
    """All that blocks a job that a plan did not place."""
    if not case.fits(case.whole):
        return (_never(case, case.whole),)
    found = tuple(_in_order(case, made, place))
    return found or (JobConstraint(kind="behind", sentence="what is free now is more than its quota allows"),)


def _in_order(case: Case, made: Plan, place: int) -> Iterator[JobConstraint]:
    yield from quotas(case)
    if made.reservation is not None and made.reservation.job_id == case.job.job_id:
        yield from _giving_way(case, made.reservation)
    else:
        yield from _behind(case, made, place)
    slots, running = case.situation.slots, case.situation.running
    if not case.fits(slots, running):
        if case.fits(slots):
            yield _held(case)
        yield from _unusable(case)


def _never(case: Case, whole: Sequence[Slot]) -> JobConstraint:
    need = case.job.resources
    if not whole:
        return JobConstraint(kind="never_fits", sentence="no machine is here that could run it: start a scheduler")
    if need.gpu_memory_bytes and case.fits(whole, asked=case.asking(gpu_memory_bytes=0)):
        largest = max((slot.memory_bytes or 0 for slot in whole if slot.kind == _card(need)), default=0)
        asked = f"asks for {words.size(need.gpu_memory_bytes)} of a GPU"
        return JobConstraint(kind="memory", sentence=f"{asked}; the largest here has {words.size(largest)}")
    if need.memory_bytes and case.fits(whole, asked=case.asking(memory_bytes=0)):
        largest = max((node.memory_bytes or 0 for node in case.situation.nodes), default=0)
        asked = f"asks for {words.size(need.memory_bytes)} of memory"
        return JobConstraint(kind="memory", sentence=f"{asked}; the largest machine here has {words.size(largest)}")
    return JobConstraint(kind="never_fits", sentence=f"needs {words.needs(need)}; {_most(whole, need)}")


def _card(need: Resources) -> str:
    return "mig" if need.mig_profile else "gpu"


def _most(whole: Sequence[Slot], need: Resources) -> str:
    """What the largest machine has of what is missing."""
    count: dict[str, list[int]] = {}
    for slot in whole:
        here = count.setdefault(slot.node, [0, 0])
        here[slot.kind == "cpu"] += slot.kind in {"cpu", _card(need)} and _would_do(slot, need)
    cards, cpus = max(count.values())
    unlike = mismatch(whole, need) if need.gpus else None
    if unlike is not None:
        return unlike
    if cards < need.gpus:
        noun = "slice" if need.mig_profile else "GPU"
        most = f"more than {words.plural(cards, noun)}" if cards else f"a {noun}"
        return f"no machine here has {most} that would do"
    return f"no machine here has {words.plural(need.cpus, 'CPU slot')} beside that; the most is {cpus}"


def _would_do(slot: Slot, need: Resources) -> bool:
    return slot.kind == "cpu" or Need.of(need).units_on(Kind.of(slot)) is not None


def quotas(case: Case) -> Iterator[JobConstraint]:
    """The limit that the job would exceed, and who is within it."""
    excess = excess_of(case)
    if excess is None:
        return
    is_experiment = excess.of == "experiment"
    whose_is = case.situation.policy.operator_of
    theirs = [
        one
        for one in case.situation.running
        if (one.experiment_id if is_experiment else whose_is(one.operator)) == excess.who
    ]
    whose = "its experiment" if is_experiment else "its submitter"
    sentence = f"quota: {whose} uses {excess.has:g} of {excess.most:g} {words.COUNTED[excess.what]}"
    sentence += f", and this job needs {excess.asks:g} more" if excess.has < excess.most else ""
    yield JobConstraint(
        kind="experiment_quota" if is_experiment else "operator_quota",
        sentence=sentence, jobs=_blockers(theirs), used=excess.has, limit=excess.most,
    )  # fmt: skip


def excess_of(case: Case) -> Excess | None:
    """The quota that keeps the job from starting."""
    rooms = rooms_of(case.situation.slots, case.situation.nodes, case.situation.running)
    return Accounts.of(case.situation).excess(key_of(case.job), least(case.need, rooms))


def _held(case: Case) -> JobConstraint:
    """The attempts that hold what is missing: those that end first, until it fits."""
    slots, running = case.situation.slots, sorted(case.situation.running, key=lambda one: one.ends_by)
    first = _fewest(len(running), lambda count: case.fits(slots, running[count:]))
    misses_gpus = not case.fits(slots, running, asked=case.asking(cpus=0))
    relevant = {slot.slot_id for slot in slots if _is_missing(case, slot, misses_gpus=misses_gpus)}
    holders = [one for one in running[:first] if any(grant.slot_id in relevant for grant in one.grants)]
    until = running[first - 1].ends_by
    what = words.needs(case.job.resources if misses_gpus else case.without_gpus)
    sentence = f"needs {what}; {_who(holders)} for {words.span(until - case.situation.now)} at most"
    return JobConstraint(
        kind="held", sentence=sentence, jobs=_blockers(holders), slots=_slots_of(holders, relevant), until=moment(until)
    )


def _is_missing(case: Case, slot: Slot, *, misses_gpus: bool) -> bool:
    return case.is_suitable(slot) if misses_gpus else slot.kind == "cpu"


def _who(holders: Sequence[Running]) -> str:
    numbers = [str(one.number) for one in holders]
    if len(numbers) == 1:
        return f"job {numbers[0]} holds what is missing"
    shown = ", ".join(numbers[:3])
    return f"jobs {shown}{f' and {len(numbers) - 3} more' if len(numbers) > 3 else ''} hold what is missing"


def _slots_of(holders: Sequence[Running], relevant: set[str]) -> tuple[str, ...]:
    held = (grant.slot_id for one in holders for grant in one.grants if grant.slot_id in relevant)
    return tuple(dict.fromkeys(held))


def _fewest(most: int, is_enough: Callable[[int], bool]) -> int:
    """The smallest number that is enough; what is enough stays so when it grows."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _unusable(case: Case) -> Iterator[JobConstraint]:
    """GPUs that would do but are not given out."""
    states: dict[SlotState, list[Slot]] = {}
    for slot in case.situation.slots:
        if not slot.is_usable and (slot.kind == "cpu" or case.is_suitable(slot)):
            states.setdefault(slot.state, []).append(slot)
    for state, slots in states.items():
        kind = "breaker" if all(slot.kind == "cpu" for slot in slots) else words.KIND_OF[state]
        sentence = "; ".join(dict.fromkeys(words.unusable(slot) for slot in slots[:4]))
        yield JobConstraint(kind=kind, sentence=sentence, slots=tuple(slot.slot_id for slot in slots))


def _behind(case: Case, made: Plan, place: int) -> Iterator[JobConstraint]:
    """The job that free slots are kept for, and those that come before."""
    kept = made.reservation
    if kept is not None:
        within = f"starts within {words.span(kept.at - case.situation.now)}"
        others = f" and {words.plural(place - 2, 'other')}" if place > 2 else ""
        sentence = f"behind job {kept.number}, which {within}{others and ',' + others}"
        job = JobBlocker(job_id=kept.job_id, number=kept.number, until=moment(kept.at))
        yield JobConstraint(kind="behind", sentence=sentence, jobs=(job,), slots=kept.slots, until=moment(kept.at))
    elif place > 1:
        yield JobConstraint(kind="behind", sentence=f"behind {words.plural(place - 1, 'job')} in the queue")


def _giving_way(case: Case, own: Reservation) -> Iterator[JobConstraint]:
    """The attempts that were asked to make room for it."""
    asked = {one.job_id for one in own.give_ways}
    ways = [one for one in case.situation.running if one.job_id in asked]
    if ways:
        verb = "gives" if len(ways) == 1 else "give"
        numbers = ", ".join(str(one.number) for one in ways)
        noun, within = "job" if len(ways) == 1 else "jobs", words.span(own.at - case.situation.now)
        sentence = f"{noun} {numbers} {verb} way to it within {within}"
        yield JobConstraint(kind="giving_way", sentence=sentence, jobs=_blockers(ways), until=moment(own.at))


def _blockers(running: Sequence[Running]) -> tuple[JobBlocker, ...]:
    ordered = sorted(running, key=lambda one: one.ends_by)[:20]
    return tuple(JobBlocker(job_id=one.job_id, number=one.number, until=moment(one.ends_by)) for one in ordered)


def moment(seconds: float) -> str:
    """Seconds since 1970 as the wire spells a time."""
    return format_time(datetime.fromtimestamp(seconds, UTC))

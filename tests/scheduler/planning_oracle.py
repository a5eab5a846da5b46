"""What a plan has to be, said again as plainly as can be: every way is tried, nothing is remembered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import floor

from control_plane.scheduler.rules.board import Grant, LineKey, Quota, Running, Situation, Slot, Waiting
from store_client.wire.jobs import Resources
from tests.scheduler.planning_ways import Free, Units, Way, loss, nodes_of, part, stays_first, units_on, ways, would_do

MOST_UNTIL_SOON = 30.0
FORESEEN = 600.0


@dataclass
class Expected:
    """What the oracle says."""

    started: list[str] = field(default_factory=list)
    head: str | None = None
    at: float | None = None
    give_ways: list[str] = field(default_factory=list)


@dataclass
class Oracle:
    situation: Situation
    free: dict[str, Free] = field(default_factory=dict)
    kept: Units = field(default_factory=dict)
    kept_memory: float = 0.0
    kept_node: str | None = None
    until: float = 0.0
    placed: list[Running] = field(default_factory=list)
    said: Expected = field(default_factory=Expected)

    def run(self) -> Expected:
        self.free = self.free_without([])
        heads = {key: 0 for key, line in self.situation.lines.items() if line}
        while heads:
            key = min(heads, key=lambda one: self.turn(one, heads[one]))
            job = self.situation.lines[key][heads[key]]
            if self.starts(job):
                heads[key] += 1
                if heads[key] == len(self.situation.lines[key]):
                    del heads[key]
            else:
                del heads[key]
        return self.said

    # whose turn it is

    def turn(self, key: LineKey, place: int) -> tuple[object, ...]:
        line, policy, now = self.situation.lines[key], self.situation.policy, self.situation.now
        job, since = line[place], min(one.queued_at for one in line[place:])
        if (level := floor(job.priority + max(0.0, now - since) / policy.ageing_seconds)) > 10:
            return 0, since, 0, job.rank, job.number
        used = self.situation.usage.get(job.experiment_id, 0.0)
        for one in [*self.situation.running, *self.placed]:
            if one.experiment_id == job.experiment_id:
                lasts = max(0.0, now - one.placed_at) + min(FORESEEN, max(0.0, one.ends_by - now))
                gpus, cpus, _jobs = self.amounts([one])
                used += (gpus or cpus) * lasts
        return 1, -level, used / policy.weights.get(job.experiment_id, 1.0), job.rank, job.number

    # whether it starts

    def starts(self, job: Waiting) -> bool:
        way = self.best(job.resources, self.free)
        if self.exceeds(job, way):
            return False
        if way is not None:
            self.place(job, way)
            return True
        if self.said.head is None:
            self.reserve(job)
            return False
        return self.kept_node is not None and self.borrows(job)

    def borrows(self, job: Waiting) -> bool:
        if self.situation.now + job.most_seconds > self.until:
            return False
        assert self.kept_node is not None
        here = self.free[self.kept_node]
        units = {slot: have | self.kept.get(slot, frozenset()) for slot, have in here.units.items()}
        whole = {self.kept_node: Free(units, here.memory + self.kept_memory)}
        best = self.best(job.resources, whole)
        if best is None or self.exceeds(job, best):
            return False
        way = self.unkept_first(best, here)
        left = here.memory + self.kept_memory - job.resources.memory_bytes
        self.kept_memory = min(self.kept_memory, max(0.0, left))
        self.free[self.kept_node] = Free(here.units, left - self.kept_memory + job.resources.memory_bytes)
        self.kept = {slot: units - way.units.get(slot, frozenset()) for slot, units in self.kept.items()}
        self.place(job, way)
        return True

    def unkept_first(self, way: Way, here: Free) -> Way:
        """CPUs are all the same: those that are not kept are taken first."""
        kinds = {slot.slot_id: slot.kind for slot in self.situation.slots}
        count = sum(1 for slot in way.units if kinds[slot] == "cpu")
        order = sorted((slot for slot in here.units if kinds[slot] == "cpu"), key=lambda slot: not here.units[slot])
        open_cpus = [slot for slot in order if here.units[slot] or self.kept.get(slot)]
        cards = {slot: units for slot, units in way.units.items() if kinds[slot] != "cpu"}
        return replace(way, units={**cards, **{slot: frozenset({0}) for slot in open_cpus[:count]}})

    def place(self, job: Waiting, way: Way) -> None:
        here, now = self.free[way.node], self.situation.now
        units = {slot: have - way.units.get(slot, frozenset()) for slot, have in here.units.items()}
        self.free[way.node] = Free(units, here.memory - job.resources.memory_bytes)
        grants = tuple(Grant(slot, tuple(units)) for slot, units in way.units.items())
        placed = Running(
            job.job_id, 1, job.number, job.experiment_id, job.operator, job.priority, now, now + job.most_seconds,
            grants, memory_bytes=job.resources.memory_bytes,
        )  # fmt: skip
        self.placed.append(placed)
        self.said.started.append(job.job_id)

    # quotas

    def exceeds(self, job: Waiting, way: Way | None) -> bool:
        policy, everybody = self.situation.policy, [*self.situation.running, *self.placed]
        more = self.least(job.resources) if way is None else self.worth(way.units)
        mine = [one for one in everybody if one.experiment_id == job.experiment_id]
        theirs = [one for one in everybody if one.operator == job.operator]
        first = over(policy.experiment_quotas.get(job.experiment_id), self.amounts(mine), more)
        return first or over(policy.operator_quotas.get(job.operator), self.amounts(theirs), more)

    def least(self, asked: Resources) -> tuple[float, int, int]:
        """What it would have at least on these machines as they are; what it asks for where none would do."""
        parts = []
        for node, slots in self.nodes().items():
            wanted = self.wanted(asked, node)
            fitting = [units_on(asked, slot) / slot.units * part(slot) for slot in slots if self.is_kind(asked, slot)]
            if fitting or not wanted:
                parts.append(wanted * min(fitting, default=0.0))
        return min(parts, default=float(asked.gpus)), asked.cpus, 1

    @staticmethod
    def is_kind(asked: Resources, slot: Slot) -> bool:
        return slot.is_usable and would_do(asked.having(only_gpus=()), slot)

    def worth(self, units: Mapping[str, frozenset[int] | tuple[int, ...]]) -> tuple[float, int, int]:
        slots = {slot.slot_id: slot for slot in self.situation.slots}
        gpus = sum(len(held) / slots[slot_id].units * part(slots[slot_id]) for slot_id, held in units.items())
        return gpus, sum(1 for slot_id in units if slots[slot_id].kind == "cpu"), 1

    def amounts(self, attempts: list[Running]) -> tuple[float, int, int]:
        each = [self.worth({grant.slot_id: grant.units for grant in one.grants}) for one in attempts]
        return sum(one[0] for one in each), sum(one[1] for one in each), len(each)

    def nodes(self) -> dict[str, list[Slot]]:
        return nodes_of(self.situation.slots)

    def free_without(self, gone: list[Running]) -> dict[str, Free]:
        """What every machine has free when these are gone."""
        held: dict[str, set[int]] = {}
        stay = [one for one in [*self.situation.running, *self.placed] if one not in gone]
        for grant in (grant for one in stay for grant in one.grants):
            held.setdefault(grant.slot_id, set()).update(grant.units)
        budgets = {node.name: node.memory_bytes for node in self.situation.nodes if node.memory_bytes is not None}
        made = {}
        for node, slots in self.nodes().items():
            units = {
                slot.slot_id: frozenset(range(slot.units)) - held.get(slot.slot_id, set())
                for slot in slots
                if slot.is_usable
            }
            names = {slot.slot_id for slot in slots}
            used = sum(one.memory_bytes for one in stay if one.grants[0].slot_id in names)
            made[node] = Free(units, budgets.get(node, float("inf")) - used)
        return made

    def wanted(self, asked: Resources, node: str) -> int:
        if not asked.gpus_where_present:
            return asked.gpus
        there = [slot for slot in self.nodes()[node] if slot.state in ("usable", "foreign") and would_do(asked, slot)]
        return max(asked.gpus, asked.gpus_where_present) if len(there) >= asked.gpus_where_present else asked.gpus

    def ways(self, asked: Resources, free: Mapping[str, Free]) -> Iterator[Way]:
        for node, here in free.items():
            yield from ways(asked, self.wanted(asked, node), self.nodes()[node], here)

    def best(self, asked: Resources, free: Mapping[str, Free]) -> Way | None:
        """The tightest way of each machine, and of these the tightest."""
        by_node: dict[str, list[Way]] = {}
        for way in self.ways(asked, free):
            by_node.setdefault(way.node, []).append(way)
        best = [min(ways, key=lambda way: way.inside) for ways in by_node.values()]
        names = list(self.nodes())
        return min(best, key=lambda way: (way.among, names.index(way.node)), default=None)

    # the reservation

    def reserve(self, job: Waiting) -> None:
        found = self.promise(job)
        if found is None:
            return
        at, node, gone = found
        self.until = at
        if at > self.situation.now + MOST_UNTIL_SOON:
            sooner = self.coming(job) or self.victims(job)
            if sooner is not None:
                node, chosen = sooner
                gone = [one for one in self.on(node) if one.is_ending or one in chosen]
                self.said.give_ways = [one.job_id for one in chosen]
                at, self.until = max(one.stops_by(self.situation.now) for one in gone), self.situation.now
        self.said.head, self.said.at = job.job_id, at
        self.keep(job, node, gone)

    def promise(self, job: Waiting) -> tuple[float, str, list[Running]] | None:
        now, everybody = self.situation.now, [*self.situation.running, *self.placed]
        ends = {one.job_id: one.stops_by(now) if one.is_ending else one.ends_by for one in everybody}
        for at in sorted({max(now, end) for end in ends.values()} | {now}):
            gone = [one for one in everybody if ends[one.job_id] <= at]
            nodes = {way.node for way in self.ways(job.resources, self.free_without(gone))}
            if nodes:
                return at, min(nodes, key=lambda node: self.price(job, node, gone)), gone
        return None

    def price(self, job: Waiting, node: str, gone: list[Running]) -> tuple[int, int, int]:
        cards, cpus, _memory = self.needed_now(job, node, gone)
        return sum(len(units) for units in cards.values()), cpus, list(self.nodes()).index(node)

    def needed_now(self, job: Waiting, node: str, gone: list[Running]) -> tuple[Units, int, float]:
        """As little as may be of what is free now."""
        asked, now, then = job.resources, self.free[node], self.free_without(gone)[node]
        slots = [slot for slot in self.nodes()[node] if slot.is_usable and would_do(asked, slot)]
        ready = [slot for slot in slots if len(then.units[slot.slot_id]) >= units_on(asked, slot)]

        def taken(slot: Slot) -> frozenset[int]:
            free = now.units[slot.slot_id]
            coming = len(then.units[slot.slot_id] - free)
            return frozenset(sorted(free)[: max(0, units_on(asked, slot) - coming)])

        exact = [slot.profile != asked.mig_profile for slot in ready]
        ranked = sorted(
            range(len(ready)),
            key=lambda place: (len(taken(ready[place])), exact[place], ready[place].memory_bytes or 0, place),
        )
        chosen = [ready[place] for place in ranked[: self.wanted(asked, node)]]
        free_cpus, then_cpus = (
            sum(1 for slot in self.nodes()[node] if slot.kind == "cpu" and free.units.get(slot.slot_id))
            for free in (now, then)
        )
        cpus = max(0, asked.cpus - (then_cpus - free_cpus))
        memory = 0.0 if now.memory == float("inf") else max(0.0, asked.memory_bytes - (then.memory - now.memory))
        return {slot.slot_id: taken(slot) for slot in chosen}, cpus, memory

    def keep(self, job: Waiting, node: str, gone: list[Running]) -> None:
        cards, cpus, memory = self.needed_now(job, node, gone)
        here = self.free[node]
        open_cpus = [slot.slot_id for slot in self.nodes()[node] if slot.kind == "cpu" and here.units.get(slot.slot_id)]
        last = open_cpus[len(open_cpus) - cpus :]
        self.kept = {**cards, **{slot_id: frozenset({0}) for slot_id in last}}
        self.kept_node, self.kept_memory = node, memory
        units = {slot: have - self.kept.get(slot, frozenset()) for slot, have in here.units.items()}
        self.free[node] = Free(units, here.memory - memory)

    # who gives way

    def on(self, node: str) -> list[Running]:
        names = {slot.slot_id for slot in self.nodes()[node]}
        everybody = [*self.situation.running, *self.placed]
        return [one for one in everybody if one.grants and one.grants[0].slot_id in names]

    def coming(self, job: Waiting) -> tuple[str, list[Running]] | None:
        for node in self.nodes():
            ending = [one for one in self.on(node) if one.is_ending]
            if ending and self.has_way(job, node, ending):
                return node, []
        return None

    def victims(self, job: Waiting) -> tuple[str, list[Running]] | None:
        if not self.situation.policy.may_preempt:
            return None
        found = []
        for index, node in enumerate(self.nodes()):
            ending = [one for one in self.on(node) if one.is_ending]
            able = [one for one in self.on(node) if self.yields(one, job)]
            for size in range(1, len(able) + 1):
                found += [
                    (loss(chosen), index, node, list(chosen))
                    for chosen in combinations(able, size)
                    if self.has_way(job, node, [*ending, *chosen])
                ]
        return min(found)[2:] if found else None

    def has_way(self, job: Waiting, node: str, gone: list[Running]) -> bool:
        return any(True for _ in self.ways(job.resources, {node: self.free_without(gone)[node]}))

    def yields(self, one: Running, job: Waiting) -> bool:
        return one.is_preemptible and not one.is_ending and stays_first(job, one, self.situation)


def over(quota: Quota | None, has: tuple[float, int, int], more: tuple[float, int, int]) -> bool:
    if quota is None:
        return False
    most = (quota.gpus, quota.cpus, quota.jobs)
    return any(limit is not None and h + m > limit + 1e-9 for limit, h, m in zip(most, has, more, strict=True))

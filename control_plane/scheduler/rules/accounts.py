"""What experiments and operators have at the moment, against their quotas, and had lately."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from control_plane.scheduler.rules.board import Grant, LineKey, Quota, Situation, Slot
from control_plane.scheduler.rules.needs import Kind, Need
from control_plane.scheduler.rules.rooms import Choice, Room

FORESEEN_SECONDS = 600.0
"""So long is an attempt taken to go on, or for as long as it may, when that is less."""
ROUNDING = 1e-9
Counted = Literal["gpus", "cpus", "jobs"]


@dataclass(frozen=True)
class Amounts:
    """So much of everything."""

    gpus: float = 0.0
    cpus: int = 0
    jobs: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.gpus + other.gpus, self.cpus + other.cpus, self.jobs + other.jobs)

    @property
    def rate(self) -> float:
        """What a second of it counts: GPU seconds, or CPU seconds where it has no GPU."""
        return self.gpus or float(self.cpus)


@dataclass(frozen=True)
class Excess:
    """A quota that one job more would exceed."""

    of: Literal["experiment", "operator"]
    who: str
    what: Counted
    has: float
    asks: float
    most: float


@dataclass
class Accounts:
    """Kept up as jobs are placed."""

    situation: Situation
    parts: Mapping[str, float]
    """Of a GPU, that one unit of each slot is; CPU slots have none."""
    experiments: dict[str, Amounts] = field(default_factory=dict)
    operators: dict[str, Amounts] = field(default_factory=dict)

    @classmethod
    def of(cls, situation: Situation, parts: Mapping[str, float] | None = None) -> "Accounts":
        accounts, policy = cls(situation, parts_of(situation.slots) if parts is None else parts), situation.policy
        if policy.experiment_quotas or policy.operator_quotas:
            for attempt in situation.running:
                accounts.add(attempt.experiment_id, attempt.operator, accounts.amounts(attempt.grants))
        return accounts

    def amounts(self, grants: Sequence[Grant]) -> Amounts:
        """What grants are worth."""
        return worth_of(grants, self.parts)

    def add(self, experiment_id: str, operator: str, more: Amounts) -> None:
        operator = self.situation.policy.operator_of(operator)
        self.experiments[experiment_id] = self.experiments.get(experiment_id, Amounts()) + more
        self.operators[operator] = self.operators.get(operator, Amounts()) + more

    def excess(self, key: LineKey, more: Amounts) -> Excess | None:
        """The first quota that this much more would exceed."""
        policy = self.situation.policy
        if not (policy.experiment_quotas or policy.operator_quotas):
            return None
        quota, has = policy.experiment_quotas.get(key.experiment_id), self.experiments.get(key.experiment_id, Amounts())
        found = _beyond(quota, has, more)
        if found is not None:
            return Excess("experiment", key.experiment_id, *found)
        operator = policy.operator_of(key.operator)
        quota, has = policy.operator_quotas.get(operator), self.operators.get(operator, Amounts())
        found = _beyond(quota, has, more)
        return Excess("operator", operator, *found) if found is not None else None

    def usage(self, rates: Mapping[str, float] | None = None) -> dict[str, float]:
        """What each experiment had lately, and has now: what runs counts from its placement, and as if it went on.

        `rates` are what a second of each attempt counts, where that is known already.
        """
        now, usage = self.situation.now, dict(self.situation.usage)
        for attempt in self.situation.running:
            rate = self.amounts(attempt.grants).rate if rates is None else rates[attempt.job_id]
            left = attempt.ends_by - now
            left = FORESEEN_SECONDS if left > FORESEEN_SECONDS else foreseen(left)  # of a thousand, most: no call
            lasts = (now - attempt.placed_at if now > attempt.placed_at else 0.0) + left
            usage[attempt.experiment_id] = usage.get(attempt.experiment_id, 0.0) + rate * lasts
        return usage


def foreseen(most_seconds: float) -> float:
    """So long is an attempt taken to go on that may last so long."""
    return min(FORESEEN_SECONDS, max(0.0, most_seconds))


def least(need: Need, rooms: Iterable[Room]) -> Amounts:
    """What a job has at least when it runs on any of these machines as they are now."""
    gpus = []
    for room in rooms:
        wanted = room.wanted(need)
        parts = [kind.part * (need.units_on(kind) or 0) / kind.units for kind in room.piles if need.units_on(kind)]
        gpus += [wanted * min(parts)] if parts else [0.0] if not wanted else []
    return Amounts(min(gpus, default=float(need.gpus)), need.cpus, 1)


def worth(choice: Choice, need: Need) -> Amounts:
    """What a job has that runs on what was chosen for it."""
    return Amounts(sum(card.kind.part * units / card.kind.units for card, units in choice.cards), need.cpus, 1)


def parts_of(slots: Iterable[Slot]) -> dict[str, float]:
    """Of a GPU, that one unit of each slot is; CPU slots have none."""
    return {slot.slot_id: Kind.of(slot).part / slot.units for slot in slots if slot.kind != "cpu"}


def worth_of(grants: Iterable[Grant], parts: Mapping[str, float]) -> Amounts:
    """What grants are worth, by the parts that their units are of a GPU."""
    gpus, cpus = 0.0, 0
    for grant in grants:
        part = parts.get(grant.slot_id)
        if part is None:
            cpus += 1
        else:
            gpus += part * len(grant.units)
    return Amounts(gpus, cpus, 1)


def _beyond(quota: Quota | None, has: Amounts, more: Amounts) -> tuple[Counted, float, float, float] | None:
    if quota is None:
        return None
    checks: list[tuple[Counted, float | None, float, float]] = [
        ("gpus", quota.gpus, has.gpus, more.gpus),
        ("cpus", quota.cpus, has.cpus, more.cpus),
        ("jobs", quota.jobs, has.jobs, more.jobs),
    ]
    for what, most, held, asked in checks:
        if most is not None and held + asked > most + ROUNDING:
            return what, held, asked, most
    return None

"""What placement sees and what it answers: plain values, so that it is a function of them and of nothing else.

A slot is a GPU, a slice of one, or a CPU slot, and has units; a share of a GPU takes some of them, everything else
takes all. The database lets at most one live attempt hold a unit. Times are seconds since 1970.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import frexp
from typing import Literal

from store_client.wire.jobs import Resources

SlotKind = Literal["gpu", "mig", "cpu"]
SlotState = Literal["usable", "foreign", "lost", "quarantined", "reserved", "draining"]
GPU_UNITS = 12
"""Units of a GPU: halves, thirds, quarters and sixths come out even. Its memory is in its units in equal parts, so who
holds the units that a memory reservation needs has that memory for itself."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing to hold; `node` is the machine it is in, "" the scheduler's own."""

    slot_id: str
    kind: SlotKind
    memory_bytes: int | None = None
    """Of a GPU or a slice its own; of a CPU slot its part of the machine's, all of which jobs may ask for together."""
    state: SlotState = "usable"
    node: str = ""
    units: int = 1
    index: int | None = None
    profile: str | None = None
    """The kind of a slice, as 1g.10gb."""
    why: str | None = None
    """Why it is not usable, in words."""
    model: str | None = None
    """What a cluster calls GPUs like it, as h100; jobs may name that instead of one of them."""

    @property
    def is_usable(self) -> bool:
        return self.state == "usable"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine and what its jobs may ask of it together; None is no limit. One that is not listed has none."""

    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Units of one slot."""

    slot_id: str
    units: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job that nothing but the order and the slots keeps from starting."""

    job_id: str
    number: int
    experiment_id: str
    operator: str
    priority: int
    rank: float
    queued_at: float
    resources: Resources
    most_seconds: float
    """So long can an attempt of it last at most, the end of its processes included."""
    is_claimed: bool = False
    """It works on a task that somebody has claimed, which may be finished whatever becomes of its experiment."""


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt that holds slots, from its placement until its slots are free again."""

    job_id: str
    attempt: int
    number: int
    experiment_id: str
    operator: str
    priority: int
    placed_at: float
    ends_by: float
    """It will have ended by then, whatever it does."""
    grants: tuple[Grant, ...]
    is_preemptible: bool = False
    is_ending: bool = False
    """It was asked to stop; its slots come free without our asking again."""
    memory_bytes: int = 0
    """Of its machine, as its resources ask for it."""
    queued_at: float | None = None
    """Since when it had waited when it was placed; that age it keeps when it gives way. None: it keeps none."""
    grace_seconds: float = 30.0
    """Its slots are free so long after it was asked to stop, at the latest."""
    job: Waiting | None = None
    """As it stood in line: there it stands again if it gives way."""

    def stops_by(self, now: float) -> float:
        """It will have ended by then if it is asked to stop now, or was before."""
        return min(self.ends_by, now + self.grace_seconds)


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that one experiment, or one operator, has at a time; None is no limit."""

    gpus: float | None = None
    cpus: int | None = None
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Who goes first: by level, a priority risen by age; within one, the experiment that had least for its weight."""

    ageing_seconds: float = 600.0
    """A waiting job rises by one priority in so long."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of experiments; 1 for those not named."""
    experiment_quotas: Mapping[str, Quota] = field(default_factory=dict)
    operator_quotas: Mapping[str, Quota] = field(default_factory=dict)
    may_preempt: bool = True
    resting: frozenset[str] = frozenset()
    """Experiments that are paused or have ended, and in which jobs wait: only claimed work starts there."""
    identities: Mapping[str, str] = field(default_factory=dict)
    """Workers of operators with a quota in experiments, and whose they are."""

    def operator_of(self, worker_id: str) -> str:
        """Whose quota a submitter's job counts for."""
        return self.identities.get(worker_id, worker_id)

    @property
    def starvation_seconds(self) -> float:
        """No job that is submitted so long after a waiting one goes before it."""
        return 11 * self.ageing_seconds


@dataclass(frozen=True)
class LineKey:
    """What jobs of a line have in common: the first of them decides for all."""

    experiment_id: str
    operator: str
    priority: int
    resources: Resources
    spell: int = 0
    """How long they may last, so that a short job is not held up by a long one like it: so many times doubled."""
    is_claimed: bool = False

    @classmethod
    def of(cls, job: Waiting) -> "LineKey":
        """The line that a job stands in."""
        spell = frexp(job.most_seconds)[1]
        return cls(job.experiment_id, job.operator, job.priority, job.resources, spell, job.is_claimed)


def nodes_of(slots: Iterable[Slot]) -> tuple[Node, ...]:
    """The machines whose CPU slots say what part of their memory comes with each."""
    memory: dict[str, int] = {}
    for slot in slots:
        if slot.kind == "cpu" and slot.memory_bytes is not None:
            memory[slot.node] = memory.get(slot.node, 0) + slot.memory_bytes
    return tuple(Node(name, memory_bytes) for name, memory_bytes in memory.items())


Lines = Mapping[LineKey, Sequence[Waiting]]
"""The waiting jobs, each line by rank, then number."""


@dataclass(frozen=True)
class Situation:
    """All that a plan depends on."""

    now: float
    slots: Sequence[Slot]
    lines: Lines
    running: Sequence[Running]
    policy: Policy = field(default_factory=Policy)
    nodes: Sequence[Node] = ()
    """Machines whose memory is a budget."""
    usage: Mapping[str, float] = field(default_factory=dict)
    """Experiment to what it had lately, in GPU seconds (CPU seconds where it used no GPU), with a half-life."""


@dataclass(frozen=True)
class Placement:
    """A job starts on these units."""

    job_id: str
    grants: tuple[Grant, ...]

    @classmethod
    def on(cls, job_id: str, *slot_ids: str) -> "Placement":
        """On slots of one unit each."""
        return cls(job_id, tuple(Grant(slot_id) for slot_id in slot_ids))

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(grant.slot_id for grant in self.grants)


@dataclass(frozen=True)
class GiveWay:
    """A running attempt is taken off its slots for a waiting job."""

    job_id: str
    attempt: int
    for_job_id: str

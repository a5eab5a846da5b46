"""Which waiting jobs start now, on which slots, and why each of the others waits: a pure function.

Jobs are taken by priority, then by age. A job that cannot start keeps back the slots it could use, so that no later
job delays it; jobs that need nothing it waits for may pass. A job that could never fit keeps nothing back.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from control_plane.scheduler.rules.board import Grant, Placement, Slot, SlotKind
from store_client.wire.jobs import Resources


@dataclass(frozen=True)
class Waiting:
    """A queued job as placement sees it."""

    job_id: str
    number: int
    priority: int
    resources: Resources


@dataclass(frozen=True)
class Plan:
    """What starts, and a sentence for each job that does not."""

    placements: tuple[Placement, ...]
    reasons: dict[str, str]
    has_room: bool = False
    """Whether a job behind all of these could still start."""


@dataclass
class _Board:
    """The free slots while a plan is made."""

    slots: Sequence[Slot]
    left: list[Slot]
    head: dict[SlotKind, int] = field(default_factory=dict)
    totals: dict[tuple[SlotKind, int], int] = field(default_factory=dict)

    def total(self, kind: SlotKind, memory: int = 0) -> int:
        if (kind, memory) not in self.totals:
            self.totals[kind, memory] = sum(1 for slot in self.slots if slot.kind == kind and _fits(slot, memory))
        return self.totals[kind, memory]

    def free(self, kind: SlotKind, memory: int = 0) -> list[str]:
        return [slot.slot_id for slot in self.left if slot.kind == kind and _fits(slot, memory)]

    def take(self, chosen: Collection[str]) -> None:
        self.left = [slot for slot in self.left if slot.slot_id not in chosen]


def _fits(slot: Slot, memory_bytes: int) -> bool:
    return slot.memory_bytes is None or slot.memory_bytes >= memory_bytes


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Waiting jobs, the next one first: higher priority, then older."""
    return sorted(waiting, key=lambda job: (-job.priority, job.number))


def plan(waiting: Iterable[Waiting], slots: Sequence[Slot], held: Iterable[str]) -> Plan:
    """Place as many jobs as fit without delaying any that comes before."""
    taken = set(held)
    board = _Board(slots, [slot for slot in slots if slot.is_usable and slot.slot_id not in taken])
    placements, reasons = [], {}
    for job in (_resolved(one, board) for one in in_order(waiting)):
        reason = _why_not(job, board)
        if reason is None:
            chosen = _choose(job.resources, board)
            board.take(chosen)
            placements.append(_on(job.job_id, chosen, board))
        else:
            reasons[job.job_id] = reason
    return Plan(tuple(placements), reasons, "cpu" not in board.head and bool(board.free("cpu")))


def _resolved(job: Waiting, board: _Board) -> Waiting:
    """The job as this machine can serve it: GPUs that it takes only where there are some are asked for, or not."""
    need = job.resources
    wanted = need.gpus_where_present
    if not wanted or board.total("gpu", need.gpu_memory_bytes) < wanted:
        return job
    return replace(job, resources=need.having(gpus=max(need.gpus, wanted)))


def _choose(need: Resources, board: _Board) -> tuple[str, ...]:
    gpus = board.free("gpu", need.gpu_memory_bytes)[: need.gpus]
    return (*gpus, *board.free("cpu")[: need.cpus])


def _on(job_id: str, chosen: Collection[str], board: _Board) -> Placement:
    units = {slot.slot_id: slot.units for slot in board.slots}
    return Placement(job_id, tuple(Grant(slot_id, tuple(range(units[slot_id]))) for slot_id in chosen))


def _why_not(job: Waiting, board: _Board) -> str | None:
    needs: list[tuple[SlotKind, int, int]] = [("cpu", job.resources.cpus, 0)]
    if job.resources.gpus:
        needs.insert(0, ("gpu", job.resources.gpus, job.resources.gpu_memory_bytes))
    for kind, count, memory in needs:
        if board.total(kind, memory) < count:
            return f"needs {_amount(count, kind)}; this machine has {board.total(kind, memory)} that would do"
    for kind, _count, _memory in needs:
        if kind in board.head:
            return f"behind job {board.head[kind]}"
    short = [(kind, count, len(board.free(kind, memory))) for kind, count, memory in needs]
    short = [(kind, count, free) for kind, count, free in short if free < count]
    if not short:
        return None
    for kind, _count, _memory in needs:
        board.head.setdefault(kind, job.number)
    kind, count, free = short[0]
    return f"needs {_amount(count, kind)}; {free or 'none'} {'is' if free <= 1 else 'are'} free"


def _amount(count: int, kind: SlotKind) -> str:
    noun = {"gpu": "GPU", "mig": "slice", "cpu": "CPU slot"}[kind]
    return f"{count} {noun}s at once" if count > 1 else f"1 {noun}"

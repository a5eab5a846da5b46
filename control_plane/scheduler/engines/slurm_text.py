"""What Slurm's programs print, as values."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from control_plane.scheduler.engines.engine import Key
from control_plane.scheduler.rules.board import Slot, SlotKind, SlotState

QUEUE_FORMAT = "%i|%T|%N|%n|%C|%b|%r|%j"
"""Of squeue: number, state, node, wanted node, CPUs, GPUs, why it waits, name; people name jobs as they like: last."""
NEVER = frozenset(
    {
        "AccountNotAllowed", "BadConstraints", "InvalidAccount", "InvalidQOS", "PartitionNodeLimit",
        "PartitionTimeLimit", "QOSNotAllowed", "QOSTimeLimit",
    }
)  # fmt: skip
"""Why a job waits that Slurm has taken and starts only after somebody has changed it, or the cluster."""
GONE = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
        "REVOKED", "SPECIAL_EXIT", "TIMEOUT",
    }
)  # fmt: skip
"""The states in which nothing of a job runs, as far as Slurm can tell."""
HARMLESS = frozenset({"COMPLETING", "CLOUD", "DYNAMIC_NORM", "POWERED_DOWN", "POWERING_UP"})
GIVEN_OUT = frozenset({"IDLE", "MIXED", "ALLOCATED", "COMPLETING"})
UNITS = MappingProxyType({"K": 1024, "M": 1024**2})
_PAIR = re.compile(r"(\w+)=(.*?)(?=\s+\w+(?:/\w+)*=|$)")
_GPUS = re.compile(r"gpu((?::[^:,()]+)*?):(\d+)(?=$|[,(\s])")
_SLICE = re.compile(r"\d+g\.\d+gb(?:\+me)?")
Gpus = Mapping[str, int]
"""How many of each type; the type is empty where Slurm was told none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A job of ours, as Slurm last told of it."""

    number: str
    state: str
    node: str
    cpus: int = 0
    gpus: Gpus = field(default_factory=dict)
    reason: str = ""
    """Why it waits, in Slurm's word."""

    @property
    def never_starts(self) -> bool:
        """Whether it waits for what does not come by itself."""
        return self.state == "PENDING" and self.reason in NEVER

    @property
    def lives(self) -> bool:
        return self.state not in GONE


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster; what is taken is taken by anybody's jobs."""

    name: str
    state: str
    reason: str
    cpus: int
    cpus_taken: int
    gpus: Gpus
    gpus_taken: Gpus
    memory_mib: int

    @property
    def fault(self) -> str | None:
        """Why Slurm gives nothing out here; None where it does."""
        state, *flags = self.state.split("+")
        if state in GIVEN_OUT and set(flags) <= HARMLESS:
            return None
        return f"Slurm says {self.state.lower()}" + (f": {self.reason}" if self.reason else "")


def marker(deployment: str, key: Key) -> str:
    """The name of an attempt among Slurm's jobs."""
    return f"switchyard-{deployment}-{key[0]}-{key[1]}"


def read_queue(text: str, deployment: str) -> dict[Key, Entry]:
    """The attempts of this deployment; of two jobs of one attempt the one that lives, else the newer."""
    found: dict[Key, Entry] = {}
    for key, entry in _entries(text, f"switchyard-{deployment}-"):
        known = found.get(key)
        if known is None or entry.lives or not known.lives:
            found[key] = entry
    return found


def _entries(text: str, prefix: str) -> Iterator[tuple[Key, Entry]]:
    lines = (line.split("|", 7) for line in text.splitlines())
    jobs = sorted((line for line in lines if len(line) == 8), key=lambda line: (len(line[0]), line[0]))
    for number, state, node, wanted, cpus, gpus, reason, name in jobs:
        job_id, _, attempt = name.removeprefix(prefix).rpartition("-")
        if name.startswith(prefix) and attempt.isdecimal():
            entry = Entry(number, state, node or wanted, _number(cpus), _count(gpus), reason)
            yield (job_id, int(attempt)), entry


def _number(text: str) -> int:
    """A count as squeue shortens it: 1K is 1,024."""
    return int(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS else int(text)


def read_nodes(text: str, partition: str | None = None) -> tuple[Node, ...]:
    """Every node that `scontrol -o -d show node` tells of, or those of a partition."""
    rows = [dict(_PAIR.findall(line)) for line in text.splitlines() if line.startswith("NodeName=")]
    return tuple(_node(row) for row in rows if partition is None or partition in row.get("Partitions", "").split(","))


def _node(row: Mapping[str, str]) -> Node:
    reason = row.get("Reason", "").partition(" [")[0]
    return Node(
        name=row["NodeName"],
        state=row.get("State", "UNKNOWN"),
        reason="" if reason == "(null)" else reason,
        cpus=int(row.get("CPUEfctv") or row.get("CPUTot") or 0),
        cpus_taken=int(row.get("CPUAlloc") or 0),
        gpus=_count(row.get("Gres", "")),
        gpus_taken=_count(row.get("GresUsed", "")),
        memory_mib=int(row.get("RealMemory") or 0),
    )


def _count(gres: str) -> Gpus:
    """How many GPUs of each type a list of generic resources names."""
    found: dict[str, int] = {}
    for kinds, number in _GPUS.findall(gres.replace(":(null)", "")):
        kind = kinds.split(":")[1] if kinds else ""
        found[kind] = found.get(kind, 0) + int(number)
    return found


def gres(slot_ids: Iterable[str]) -> str:
    """What to ask Slurm for to get these GPUs of one node; empty for none."""
    counts: dict[str, int] = {}
    for slot_id in slot_ids:
        kind = slot_id.rpartition("/")[2].rpartition(":")[0]
        counts[kind] = counts.get(kind, 0) + 1
    return ",".join(f"{kind}:{count}" for kind, count in sorted(counts.items()) if kind != "cpu")


def slots(nodes: Iterable[Node], entries: Iterable[Entry], held: Collection[str]) -> list[Slot]:
    """What can be held: so many GPUs and CPUs of each node. What others use is taken off those that we do not hold.

    A slot stands for one of a node's GPUs of a type and not for a certain one: Slurm chooses which. It has one unit,
    for Slurm gives GPUs out whole. A type that names a MIG profile is one of slices.
    """
    ours = [entry for entry in entries if entry.lives]
    found: list[Slot] = []
    for node in nodes:
        here = [entry for entry in ours if entry.node == node.name and entry.state != "PENDING"]
        for kind, total in node.gpus.items():
            others = node.gpus_taken.get(kind, 0) - sum(entry.gpus.get(kind, 0) for entry in here)
            found += _of_kind(node, f"gpu:{kind}" if kind else "gpu", (total, others), held)
        cpus = node.cpus, node.cpus_taken - sum(entry.cpus for entry in here)
        found += _of_kind(node, "cpu", cpus, held)
    return found


def _of_kind(node: Node, kind: str, count: tuple[int, int], held: Collection[str]) -> Iterator[Slot]:
    total, others = count
    names = [f"{node.name}/{kind}:{index}" for index in range(total)]
    free = [name for name in names if name not in held]
    foreign = set(free[max(len(free) - max(others, 0), 0) :])
    model = kind.removeprefix("gpu").removeprefix(":") if kind != "cpu" else ""
    profile = _SLICE.search(model)
    plain: SlotKind = "cpu" if kind == "cpu" else "mig" if profile else "gpu"
    for name in names:
        state: SlotState = "quarantined" if node.fault else "foreign" if name in foreign else "usable"
        why = node.fault or ("in use by a job that is not ours" if name in foreign else None)
        yield Slot(name, plain, None, state, node.name, profile=profile and profile[0], why=why, model=model or None)

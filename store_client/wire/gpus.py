"""GPUs: what they read, who is on them, and whether they are given out."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ExperimentId, NonEmpty, Timestamp

GpuState = Literal["usable", "foreign", "lost", "quarantined", "reserved", "draining"]
READINGS = frozenset(
    {"memory_total_bytes", "memory_used_bytes", "utilisation_percent", "temperature_celsius", "power_watts"}
)


class GpuRecord(Record):
    """A record of records: also what these send as null travels as null."""

    def to_wire(self) -> dict[str, Any]:
        wire = super().to_wire()
        for name, value in self:
            if isinstance(value, tuple) and any(isinstance(one, Record) for one in value):
                wire[name] = [one.to_wire() for one in value]
        return wire


class GpuProcess(Record):
    """A process with memory on a GPU; one of ours names the attempt that it belongs to."""

    nulls: ClassVar[frozenset[str]] = frozenset({"memory_bytes"})

    pid: int
    memory_bytes: int | None = None
    user: str | None = Field(default=None, description="absent: the process cannot be seen from the scheduler")
    command: str | None = None
    job_id: str | None = None
    job_number: int | None = None
    attempt: int | None = None


class GpuHolder(Record):
    """A live attempt on a GPU, and how many of its units it holds."""

    job_id: str
    job_number: int
    job_name: str
    experiment_id: ExperimentId
    attempt: int
    units: int
    held_since: Timestamp
    experiment_name: str | None = None
    experiment_slug: str | None = None
    submitter_name: str | None = Field(default=None, description="who submitted the job")


class GpuPart(GpuRecord):
    """What a GPU and a slice of one have in common; a reading that the driver does not give is null, never zero."""

    nulls: ClassVar[frozenset[str]] = READINGS

    uuid: str
    index: int = Field(description="of the GPU on its machine, of the slice on its GPU")
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilisation_percent: int | None = None
    temperature_celsius: int | None = None
    power_watts: float | None = None
    state: GpuState
    why: str | None = Field(default=None, description="why it is not given out, in a sentence")
    kept_back_by: str | None = Field(default=None, description="scheduler: it gives it out again by itself")
    kept_back_since: Timestamp | None = None
    units: int = Field(default=1, description="parts that jobs can hold")
    units_held: int = 0
    holders: tuple[GpuHolder, ...] = ()
    processes: tuple[GpuProcess, ...] = ()


class GpuSlice(GpuPart):
    """A MIG slice, given out by its own UUID."""

    profile: str | None = None


MIB = 2**20


class GpuInfo(GpuPart):
    """A GPU with its slices; one in MIG mode is given out by its slices alone.

    What ARC's clients read of a GPU travels with it under ARC's names, absent where it is not known: `gpu_id` (its
    index), `allocated`, `current_job_id`, `utilization_percent`, `memory_used_mb`, `memory_total_mb`.
    """

    node: str | None = Field(default=None, description="the machine; absent: the scheduler's own")
    driver: str | None = None
    is_mig: bool = False
    slices: tuple[GpuSlice, ...] = ()
    seen_at: Timestamp = Field(description="when the scheduler read this; a lost GPU keeps its last readings")

    @property
    def is_free(self) -> bool:
        """Whether a job could have all of it, or a slice of it, now."""
        parts: tuple[GpuPart, ...] = self.slices or (self,)
        return any(part.state == "usable" and not part.units_held for part in parts)

    def to_wire(self) -> dict[str, Any]:
        holders = (*self.holders, *(holder for part in self.slices for holder in part.holders))
        told = {
            "gpu_id": self.index,
            "allocated": bool(holders),
            "current_job_id": holders[0].job_id if holders else None,
            "utilization_percent": self.utilisation_percent,
            "memory_used_mb": _in_mib(self.memory_used_bytes),
            "memory_total_mb": _in_mib(self.memory_total_bytes),
        }
        return {**super().to_wire(), **{name: value for name, value in told.items() if value is not None}}


def _in_mib(count: int | None) -> float | None:
    return count / MIB if count is not None else None


class GpuList(GpuRecord):
    """Every GPU of the deployment.

    For ARC's clients `available_count` says how many are free, and `timestamp` when the newest reading was made.
    """

    gpus: tuple[GpuInfo, ...]
    cpu_slots: int = Field(default=0, description="what runs where there are no GPUs")
    courses: tuple["GpuHistory", ...] = Field(
        default=(), description="of those with readings, where they were asked for"
    )

    def to_wire(self) -> dict[str, Any]:
        newest = {"timestamp": max(gpu.seen_at for gpu in self.gpus)} if self.gpus else {}
        return {**super().to_wire(), "available_count": sum(gpu.is_free for gpu in self.gpus), **newest}


class GpuSample(Record):
    """Readings of a stretch of time that ends at `at`: load and power on average, memory and heat at most."""

    nulls: ClassVar[frozenset[str]] = READINGS - {"memory_total_bytes"}

    at: Timestamp
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    temperature_celsius: int | None = None
    power_watts: float | None = None
    jobs: tuple[int, ...] = Field(default=(), description="numbers of the jobs on it")


class GpuHistory(GpuRecord):
    """Samples of a GPU or a slice, oldest first; where none were taken there is a gap."""

    uuid: str
    seconds_apart: float
    samples: tuple[GpuSample, ...]


class KeepBack(Body):
    """Why a GPU is not to be given out."""

    reason: NonEmpty = Field(max_length=500)

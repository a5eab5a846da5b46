"""The GPUs of this deployment as its schedulers last saw them, and the decisions of people about them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, func, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.gpus import Gpu, MigDevice
from control_plane.scheduler.operations import health, kept_back, samples, views
from control_plane.scheduler.operations.naming import Naming
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import GPU_UNITS
from control_plane.scheduler.rules.breaker import name_of
from control_plane.scheduler.rules.standing import Held, Seen
from control_plane.scheduler.tables import holds, jobs
from store_client.errors import NotFound
from store_client.wire.calls.gpus import GpusQuery, HistoryQuery
from store_client.wire.gpus import GpuHistory, GpuHolder, GpuInfo, GpuList, GpuProcess, GpuSlice, KeepBack

EVERYTHING = GpusQuery()
Look = Callable[[Tx, Sequence[str], float], tuple[GpuHistory, ...]]
"""The courses of some GPUs over so many minutes."""
_HOLD = (holds.c.slot_id, holds.c.attempt, holds.c.held_since, jobs.c.job_id, jobs.c.number, jobs.c.name,
         jobs.c.experiment_id, jobs.c.submitted_by)  # fmt: skip


def read(tx: Tx, query: GpusQuery = EVERYTHING, courses: Look = samples.courses) -> GpuList:
    """Every GPU of every machine, and how many CPU slots there are beside them."""
    seen = views.load(tx)
    facts = _Facts.of(tx, seen)
    described = [facts.gpu(view, gpu) for view in seen for gpu in view.gpus]
    cpus = sum(1 for view in seen for slot in view.slots if slot.kind == "cpu")
    found = courses(tx, [gpu.uuid for gpu in described], query.minutes) if query.minutes else ()
    return GpuList(gpus=tuple(described), cpu_slots=cpus, courses=found)


def history(tx: Tx, uuid: str, query: HistoryQuery) -> GpuHistory:
    """What a GPU or a slice read over time."""
    _must_be_there(tx, uuid)
    return samples.history(tx, uuid, query)


def quarantine(tx: Tx, uuid: str, body: KeepBack) -> GpuInfo:
    """Give it to no new job."""
    _must_be_there(tx, uuid)
    kept_back.keep(tx, uuid, "quarantined", body.reason)
    return _whole(tx, uuid)


def drain(tx: Tx, uuid: str, body: KeepBack) -> GpuInfo:
    """Let what runs there end, and start nothing more."""
    _must_be_there(tx, uuid)
    kept_back.keep(tx, uuid, "draining", body.reason)
    return _whole(tx, uuid)


def readmit(tx: Tx, uuid: str) -> GpuInfo:
    """Give it out again."""
    _must_be_there(tx, uuid)
    kept_back.readmit(tx, uuid)
    node = next(view.node for view in views.load(tx) for gpu in view.gpus if uuid in _names(gpu))
    health.forgive(tx, (uuid, name_of(node)))
    return _whole(tx, uuid)


def _whole(tx: Tx, uuid: str) -> GpuInfo:
    """The GPU that a UUID names, or the one that a slice is of."""
    return next(one for one in read(tx).gpus if uuid in {one.uuid, *(cut.uuid for cut in one.slices)})


def _must_be_there(tx: Tx, uuid: str) -> None:
    there = (name for view in views.load(tx) for gpu in view.gpus for name in _names(gpu))
    if uuid not in there:
        raise NotFound(f"there is no GPU and no slice {uuid}; GET /api/scheduler/gpus lists them")


def _names(gpu: Gpu) -> Iterator[str]:
    yield gpu.uuid
    yield from (mig.uuid for mig in gpu.mig_devices)


@dataclass(frozen=True)
class _Facts:
    """What is joined to the readings."""

    kept: Mapping[str, Mapping[str, Any]]
    holders: Mapping[str, Sequence[GpuHolder]]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, tx: Tx, seen: Sequence[View]) -> "_Facts":
        held = (one for view in seen for part in view.parts.values() for one in part.processes)
        nodes = {name: view.node for view in seen for gpu in view.gpus for name in _names(gpu)}
        kept = {**health.resting(tx, nodes), **views.kept_back(tx)}
        return cls(kept, _holders(tx), _numbers(tx, {key[0] for one in held for key in one.attempts}))

    def gpu(self, view: View, gpu: Gpu) -> GpuInfo:
        slices = [GpuSlice.model_validate({**self._part(view, mig), "profile": mig.profile}) for mig in gpu.mig_devices]
        return GpuInfo(
            **self._part(view, gpu),
            node=view.node or None,
            driver=gpu.driver,
            is_mig=gpu.is_mig,
            utilisation_percent=gpu.utilisation_percent,
            temperature_celsius=gpu.temperature_celsius,
            power_watts=gpu.power_watts,
            units=next((slot.units for slot in view.slots if slot.slot_id == gpu.uuid), GPU_UNITS),
            seen_at=view.seen_at,
            slices=tuple(slices),
        )

    def _part(self, view: View, part: Gpu | MigDevice) -> dict[str, Any]:
        kept, seen = self.kept.get(part.uuid), view.parts.get(part.uuid, Seen("usable"))
        state, why = _standing(seen, kept)
        on_it = self.holders.get(part.uuid, ())
        return {
            "uuid": part.uuid,
            "index": part.index,
            "name": part.name,
            "memory_total_bytes": part.memory_total_bytes,
            "memory_used_bytes": part.memory_used_bytes,
            "state": state,
            "why": why,
            "kept_back_by": kept["set_by"] if kept else None,
            "kept_back_since": kept["since"] if kept else None,
            "units_held": sum(holder.units for holder in on_it),
            "holders": tuple(on_it),
            "processes": tuple(map(self._process, seen.processes)),
        }

    def _process(self, held: Held) -> GpuProcess:
        job_id, attempt = next((key for key in held.attempts if key[0] in self.numbers), (None, None))
        return GpuProcess(
            pid=held.pid,
            memory_bytes=held.memory_bytes,
            user=held.user,
            command=held.command,
            job_id=job_id,
            attempt=attempt,
            job_number=self.numbers[job_id] if job_id is not None else None,
        )


def _standing(seen: Seen, kept: Mapping[str, Any] | None) -> tuple[str, str | None]:
    """The state as it is by now: what people decide counts before the scheduler has heard of it."""
    if kept is not None and seen.state != "lost":
        return kept["state"], kept["reason"]
    if kept is None and seen.is_kept_back:
        return "usable", None
    return seen.state, seen.why


def _holders(tx: Tx) -> dict[str, list[GpuHolder]]:
    """The live attempts on each GPU and slice, the one that came first in front."""
    query = select(*_HOLD, func.count().label("units")).join(jobs, jobs.c.job_id == holds.c.job_id)
    query = query.where(holds.c.slot_id.not_like("cpu:%")).group_by(*_HOLD).order_by(holds.c.held_since, jobs.c.number)
    rows, found = list(tx.connection.execute(query).mappings()), defaultdict[str, list[GpuHolder]](list)
    naming = Naming.of_submitters(tx, rows)
    for row in rows:
        found[row["slot_id"]].append(_holder(row, naming.whose(row["experiment_id"], row["submitted_by"])))
    return found


def _holder(row: RowMapping, whose: Mapping[str, Any]) -> GpuHolder:
    return GpuHolder(
        **{name: whose.get(name) for name in ("experiment_name", "experiment_slug", "submitter_name")},
        job_id=row["job_id"],
        job_number=row["number"],
        job_name=row["name"],
        experiment_id=row["experiment_id"],
        attempt=row["attempt"],
        units=row["units"],
        held_since=row["held_since"],
    )


def _numbers(tx: Tx, named: Collection[str]) -> dict[str, int]:
    if not named:
        return {}
    query = select(jobs.c.job_id, jobs.c.number).where(jobs.c.job_id.in_(list(named)))
    return {row.job_id: row.number for row in tx.connection.execute(query)}

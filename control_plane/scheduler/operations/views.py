"""What the scheduler writes down of its slots, for other processes and for the next scheduler."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from control_plane.db.question import Question
from control_plane.db.transaction import Tx
from control_plane.scheduler.fleet_tables import gpu_states, node_views
from control_plane.scheduler.gpus import Gpu, GpuProcess, MigDevice
from control_plane.scheduler.rules.board import Slot
from control_plane.scheduler.rules.standing import Held, Key, Seen
from control_plane.scheduler.tables import attempts, holds

PLAIN = Slot("", "cpu")
"""Only what differs from it is written down."""
_SEEN = Question(select(node_views).order_by(node_views.c.node))


@dataclass(frozen=True)
class View:
    """One machine as the scheduler saw it."""

    node: str
    slots: Sequence[Slot]
    gpus: Sequence[Gpu] = ()
    parts: Mapping[str, Seen] = field(default_factory=dict)
    """Every GPU and every slice."""
    seen_at: str = ""


def save(tx: Tx, view: View, *, has_new_slots: bool = True) -> None:
    """Keep the newest view of a machine; its slots are written only where they have changed."""
    gpus = {
        "readings": [asdict(gpu) for gpu in view.gpus],
        "parts": {uuid: asdict(seen) for uuid, seen in view.parts.items()},
    }
    values: dict[str, Any] = {"seen_at": tx.now, "gpus": gpus}
    if has_new_slots:
        values["slots"] = [_written(slot) for slot in view.slots]
    changed = tx.connection.execute(update(node_views).where(node_views.c.node == view.node).values(**values))
    if changed.rowcount == 0:
        tx.connection.execute(insert(node_views).values({"node": view.node, "slots": [], **values}))


def forget_nodes(tx: Tx, nodes: Collection[str]) -> None:
    """Machines that belong to the deployment no more."""
    tx.connection.execute(delete(node_views).where(node_views.c.node.in_(list(nodes))))


def forget_unseen(tx: Tx, before: str) -> None:
    """Machines that no scheduler has seen since then."""
    tx.connection.execute(delete(node_views).where(node_views.c.seen_at < before))


def load(tx: Tx) -> list[View]:
    """Every machine as it was last seen."""
    return [_read(row) for row in _SEEN.all(tx.connection, {})]


def live(tx: Tx) -> dict[Key, set[str]]:
    """The GPUs and slices that each live attempt holds."""
    query = select(holds.c.slot_id, holds.c.job_id, holds.c.attempt).distinct()
    query = query.where(holds.c.slot_id.not_like("cpu:%"))
    found: dict[Key, set[str]] = defaultdict(set)
    for slot_id, job_id, attempt in tx.connection.execute(query):
        found[job_id, attempt].add(slot_id)
    return dict(found)


def has_ended(tx: Tx, key: Key) -> bool:
    """Whether an attempt is one of this deployment that has ended."""
    job_id, number = key
    query = select(attempts.c.ended_at).where(attempts.c.job_id == job_id, attempts.c.number == number)
    return tx.connection.scalar(query) is not None


def kept_back(tx: Tx) -> dict[str, Mapping[str, Any]]:
    """The GPUs and slices that are kept back, by people and by the scheduler."""
    return {row["slot_id"]: dict(row) for row in tx.connection.execute(select(gpu_states)).mappings()}


def _written(slot: Slot) -> dict[str, Any]:
    plain = asdict(PLAIN)
    return {name: value for name, value in asdict(slot).items() if value != plain[name]}


def _read(row: RowMapping) -> View:
    kept = row["gpus"]
    return View(
        node=row["node"],
        slots=[Slot(**{**asdict(PLAIN), **_fitting(Slot, written)}) for written in row["slots"]],
        gpus=[_gpu(reading) for reading in kept["readings"]],
        parts={uuid: _seen(written) for uuid, written in kept["parts"].items()},
        seen_at=row["seen_at"],
    )


def _gpu(reading: Mapping[str, Any]) -> Gpu:
    slices = tuple(
        MigDevice(**{**_fitting(MigDevice, mig), "processes": _processes(mig)}) for mig in reading["mig_devices"]
    )
    return Gpu(**{**_fitting(Gpu, reading), "processes": _processes(reading), "mig_devices": slices})


def _processes(reading: Mapping[str, Any]) -> tuple[GpuProcess, ...]:
    return tuple(GpuProcess(**_fitting(GpuProcess, one)) for one in reading["processes"])


def _seen(written: Mapping[str, Any]) -> Seen:
    return Seen(**{**_fitting(Seen, written), "processes": tuple(map(_held, written["processes"]))})


def _held(one: Mapping[str, Any]) -> Held:
    attempts_ = tuple((job_id, number) for job_id, number in one["attempts"])
    return Held(**{**_fitting(Held, one), "attempts": attempts_})


def _fitting(kind: type[Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """What another version wrote, as far as this one knows it."""
    return {name: written[name] for name in (one.name for one in fields(kind)) if name in written}


def signs(tx: Tx) -> tuple[int, str | None]:
    """How many machines were seen, and when the GPUs of one were seen last."""
    seen = load(tx)
    return len(seen), max((view.seen_at for view in seen if view.gpus), default=None)

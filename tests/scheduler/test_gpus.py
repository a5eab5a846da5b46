"""What the deployment says of its GPUs, and what people decide about them, on each database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from control_plane.db import log
from control_plane.db.transaction import Tx
from control_plane.scheduler import courses
from control_plane.scheduler.fleet_tables import gpu_samples
from control_plane.scheduler.gpus import Gpu, GpuProcess, MigDevice
from control_plane.scheduler.operations import attempts, fleet, gpus, kept_back, samples, views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.averages import Averages
from control_plane.scheduler.rules.board import GPU_UNITS, Grant, Placement, Slot, SlotState
from control_plane.scheduler.rules.standing import Held, Seen
from store_client.errors import NotFound
from store_client.wire.calls.gpus import GpusQuery, HistoryQuery
from store_client.wire.gpus import GpuHistory, GpuInfo, GpuList, GpuSample, KeepBack
from store_client.wire.scalars import format_time
from tests.scheduler.queue_house import Queue

WHOLE = Gpu("GPU-a", 0, "550.54", "H200", 141 << 30, 1 << 30, 7, 51, 123.5, (GpuProcess(4711, 1 << 30),))
BARE = Gpu("GPU-b", 1)
CUT = Gpu("GPU-c", 2, name="H100", mig_devices=(MigDevice("MIG-1", 0, "H100 MIG 1g.10gb", 10 << 30, 0),), is_mig=True)
SLOTS = (
    Slot("GPU-a", "gpu", 141 << 30, units=GPU_UNITS, index=0),
    Slot("GPU-b", "gpu", state="foreign", units=GPU_UNITS, index=1, why="somebody is there"),
    Slot("MIG-1", "mig", 10 << 30, index=2, profile="1g.10gb"),
    Slot("cpu:0", "cpu"),
    Slot("cpu:1", "cpu"),
)


def look(queue: Queue, **parts: Seen) -> None:
    """The scheduler writes down what it sees."""
    seen = {"GPU-a": Seen("usable"), "GPU-b": Seen("foreign", "somebody is there"), "GPU-c": Seen("usable")}
    seen |= {name.replace("_", "-"): part for name, part in parts.items()}
    queue.write(views.save, View("", SLOTS, (WHOLE, BARE, CUT), {**seen, "MIG-1": Seen("usable")}))


def listed(queue: Queue) -> GpuList:
    return queue.store.house.read_now(gpus.read)


def one(queue: Queue, uuid: str = "GPU-a") -> GpuInfo:
    return next(gpu for gpu in listed(queue).gpus if gpu.uuid == uuid)


def told(queue: Queue) -> list[tuple[str, Any]]:
    with queue.store.house.database.reading() as connection:
        rows = log.read_after(connection, 0, 1000, None)
    return [(row["type"], row["data"]["by"]) for row in rows if row["type"].startswith("gpu.")]


def test_before_a_scheduler_has_looked_there_are_no_gpus(queue: Queue) -> None:
    assert listed(queue) == GpuList(gpus=())


def test_every_gpu_is_there_with_its_readings_and_what_was_not_read_is_null(queue: Queue) -> None:
    look(queue)
    found = listed(queue)
    assert [(gpu.uuid, gpu.state, gpu.is_mig) for gpu in found.gpus] == [
        ("GPU-a", "usable", False), ("GPU-b", "foreign", False), ("GPU-c", "usable", True),
    ]  # fmt: skip
    assert found.cpu_slots == 2
    whole, bare, cut = (gpu.to_wire() for gpu in found.gpus)
    assert (whole["utilisation_percent"], whole["power_watts"], whole["driver"]) == (7, 123.5, "550.54")
    assert [bare[name] for name in ("memory_used_bytes", "utilisation_percent", "temperature_celsius")] == [None] * 3
    assert bare["why"] == "somebody is there"
    (piece,) = cut["slices"]
    assert (piece["uuid"], piece["profile"], piece["memory_total_bytes"]) == ("MIG-1", "1g.10gb", 10 << 30)


def test_it_shows_who_holds_what_and_whose_each_process_is(queue: Queue) -> None:
    job_id, other = queue.submit(name="bob"), queue.submit()
    grants = ((job_id, range(4)), (other, range(4, 6)))
    for named, units in grants:
        queue.write(attempts.place, Placement(named, (Grant("GPU-a", tuple(units)), Grant(f"cpu:{units[0]}"))))
    mine = Held(4711, 1 << 30, (("job_of_somebody", 3), (job_id, 1)), "bob", "python")
    look(queue, GPU_a=Seen("usable", processes=(mine, Held(4712, None, (), "eve", "blender"), Held(9, None))))
    shown = one(queue)
    assert [(holder.job_id, holder.units, holder.attempt) for holder in shown.holders] == [
        (job_id, 4, 1),
        (other, 2, 1),
    ]
    assert (shown.units, shown.units_held) == (GPU_UNITS, 6)
    ours, theirs, unseen = shown.processes
    assert (ours.job_id, ours.job_number, ours.attempt, ours.command) == (job_id, 1, 1, "python")
    assert (theirs.job_id, theirs.user, theirs.command, theirs.to_wire()["memory_bytes"]) == (
        None,
        "eve",
        "blender",
        None,
    )
    assert (unseen.user, unseen.command) == (None, None)


@pytest.mark.parametrize(("act", "state"), [(gpus.quarantine, "quarantined"), (gpus.drain, "draining")])
def test_what_people_decide_counts_before_the_scheduler_has_heard_of_it(
    queue: Queue, act: Any, state: SlotState
) -> None:
    look(queue)
    answer = queue.write(act, "GPU-a", KeepBack(reason="the fan rattles"))
    assert answer == one(queue)
    assert (answer.state, answer.why, answer.kept_back_by) == (state, "the fan rattles", "admin")
    assert queue.store.house.read_now(views.kept_back)["GPU-a"]["state"] == state
    look(queue, GPU_a=Seen(state, "the fan rattles", is_kept_back=True))
    back = queue.write(gpus.readmit, "GPU-a")
    assert (back.state, back.why, back.kept_back_by) == ("usable", None, None)
    assert [kind for kind, _ in told(queue)] == [
        {"quarantined": "gpu.quarantined", "draining": "gpu.drained"}[state],
        "gpu.readmitted",
    ]


def test_a_lost_gpu_is_shown_as_lost_whatever_was_decided(queue: Queue) -> None:
    look(queue, GPU_a=Seen("lost", "it has vanished"))
    queue.write(gpus.quarantine, "GPU-a", KeepBack(reason="x"))
    assert (one(queue).state, one(queue).why) == ("lost", "it has vanished")


def test_a_slice_is_kept_back_by_itself(queue: Queue) -> None:
    look(queue)
    answer = queue.write(gpus.quarantine, "MIG-1", KeepBack(reason="odd"))
    assert (answer.uuid, answer.state) == ("GPU-c", "usable")
    assert (answer.slices[0].state, answer.slices[0].why) == ("quarantined", "odd")


def test_to_readmit_what_was_not_kept_back_tells_nobody(queue: Queue) -> None:
    look(queue)
    queue.write(gpus.readmit, "GPU-a")
    assert told(queue) == []


@pytest.mark.parametrize("uuid", ["GPU-z", "cpu:0", ""])
def test_a_gpu_that_is_not_there_is_not_found(queue: Queue, uuid: str) -> None:
    look(queue)
    with pytest.raises(NotFound, match="no GPU"):
        queue.write(gpus.readmit, uuid)
    with pytest.raises(NotFound, match="no GPU"):
        queue.store.house.read_now(lambda tx: gpus.history(tx, uuid, HistoryQuery()))


def test_the_scheduler_keeps_back_and_gives_back_what_no_person_has_decided(queue: Queue) -> None:
    look(queue)
    queue.write(gpus.quarantine, "GPU-a", KeepBack(reason="mine"))
    queue.write(kept_back.note, {"GPU-a": "lost", "GPU-b": "lost"}, ())
    assert (one(queue).kept_back_by, one(queue, "GPU-b").kept_back_by) == ("admin", "scheduler")
    queue.write(kept_back.note, {}, ("GPU-a", "GPU-b"))
    assert (one(queue).state, one(queue, "GPU-b").kept_back_by) == ("quarantined", None)
    assert told(queue) == [
        ("gpu.quarantined", "admin"), ("gpu.quarantined", "scheduler"), ("gpu.readmitted", "scheduler"),
    ]  # fmt: skip


def test_readings_alone_leave_the_slots_as_they_were(queue: Queue) -> None:
    look(queue)
    queue.store.house.writer.write(lambda tx: views.save(tx, View("", (), (BARE,)), has_new_slots=False))
    (view,) = queue.store.house.read_now(views.load)
    assert tuple(view.slots) == SLOTS
    assert view.gpus == [BARE]


def test_the_fleet_is_that_of_every_machine(queue: Queue) -> None:
    look(queue)
    elsewhere = (Slot("n1/0", "gpu", node="n1", units=GPU_UNITS), Slot("n1/cpu:0", "cpu", node="n1"))
    queue.write(views.save, View("n1", elsewhere))
    job_id = queue.submit()
    queue.place(job_id, "MIG-1")
    shown = queue.store.house.read_now(lambda tx: fleet.read(tx, views.load(tx)))
    assert [(slot.slot_id, slot.kind, slot.node, slot.state) for slot in shown.slots] == [
        ("GPU-a", "gpu", None, "usable"), ("GPU-b", "gpu", None, "foreign"), ("MIG-1", "mig", None, "usable"),
        ("cpu:0", "cpu", None, "usable"), ("cpu:1", "cpu", None, "usable"),
        ("n1/0", "gpu", "n1", "usable"), ("n1/cpu:0", "cpu", "n1", "usable"),
    ]  # fmt: skip
    assert (shown.summary.slots_total, shown.summary.slots_busy, shown.summary.unit) == (4, 2, "GPUs")
    queue.write(views.forget_nodes, ("n1",))
    assert [view.node for view in queue.store.house.read_now(views.load)] == [""]


def averages(*looks: tuple[float | None, int | None]) -> Averages:
    made = Averages()
    for load, memory in looks:
        made.add(load, memory, None, 100.0)
    return made


def test_a_sample_has_load_on_average_memory_at_most_and_the_jobs_on_it(queue: Queue) -> None:
    look(queue)
    queue.place(queue.submit(), "GPU-a")
    queue.write(samples.add, {"GPU-a": averages((10, 5 << 30), (50, 3 << 30), (None, None))})
    queue.write(samples.add, {})
    (sample,) = history(queue).samples
    assert (sample.utilisation_percent, sample.memory_used_bytes, sample.power_watts) == (30, 5 << 30, 100)
    assert sample.jobs == (1,)
    assert sample.to_wire()["temperature_celsius"] is None


def history(queue: Queue, **query: float) -> Any:
    asked = HistoryQuery.model_validate(query)
    return queue.store.house.read_now(lambda tx: gpus.history(tx, "GPU-a", asked))


def fill(queue: Queue, *minutes_ago: float, now: datetime | None = None) -> None:
    now = now or datetime.now(UTC)
    rows = [
        {"slot_id": "GPU-a", "at": format_time(now - timedelta(minutes=ago)), "jobs": [], "memory_used_bytes": int(ago)}
        for ago in minutes_ago
    ]
    queue.store.house.writer.write(lambda tx: tx.connection.execute(insert(gpu_samples), rows).close())


def test_history_goes_as_far_back_as_asked_oldest_first_and_a_day_is_kept(queue: Queue) -> None:
    look(queue)
    fill(queue, 1, 30, 90, 24 * 60 - 1, 24 * 60 + 1)
    assert [sample.memory_used_bytes for sample in history(queue).samples] == [30, 1]
    assert len(history(queue, minutes=24 * 60).samples) == 4
    queue.write(samples.add, {})
    with queue.store.house.database.reading() as connection:
        assert len(connection.execute(gpu_samples.select()).all()) == 4


def test_many_samples_are_put_together_into_as_many_as_asked_for(queue: Queue) -> None:
    look(queue)
    fill(queue, *(minute / 4 for minute in range(1, 400)))
    found = history(queue, minutes=90, points=9)
    assert len(found.samples) in {9, 10}
    assert found.seconds_apart == 600
    assert max(sample.memory_used_bytes for sample in found.samples) == 89


def test_the_database_adds_up_what_is_added_up_here(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    look(queue)
    fill(queue, *(minute / 4 for minute in range(1, 100)))
    for numbers, least in (([2], 0), ([3, 1], 12)):
        those = update(gpu_samples).where(gpu_samples.c.memory_used_bytes >= least)
        queue.write(Tx.run, those.values(jobs=numbers, utilisation_percent=7.5))
    by_the_database = history(queue, minutes=90, points=9)
    monkeypatch.setattr(samples, "BY_TEXT", {})
    assert history(queue, minutes=90, points=9) == by_the_database
    assert {number for sample in by_the_database.samples for number in sample.jobs} == {1, 2, 3}


def test_the_courses_of_several_gpus_have_a_point_a_minute_or_ten(queue: Queue) -> None:
    look(queue)
    fill(queue, *(minute / 2 for minute in range(1, 1200)))
    found = queue.store.see(gpus.read, GpusQuery(minutes=60)).courses
    assert [course.uuid for course in found] == ["GPU-a"]
    assert 59 <= len(found[0].samples) <= 61
    assert found[0].seconds_apart == 60
    (long,) = queue.store.see(gpus.read, GpusQuery(minutes=300)).courses
    assert 29 <= len(long.samples) <= 31
    assert [sample.at for sample in long.samples] == sorted(sample.at for sample in long.samples)
    assert queue.store.see(gpus.read).courses == ()


def test_a_long_course_serves_for_a_while_and_few_are_kept(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    look(queue)
    kept = courses.Courses()

    def count(minutes: float) -> int:
        return len(queue.store.see(kept.of, ["GPU-a"], minutes))

    assert [count(1440), count(60)] == [0, 0]
    fill(queue, *range(1, 30))
    assert [count(1440), count(60)] == [0, 1]
    monkeypatch.setattr(courses, "KEPT", 1)
    assert [count(720), count(1440)] == [1, 1]


def test_a_long_course_goes_on_from_where_it_was(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "FRESH_SECONDS", -1.0)
    house, noon, kept = queue.store.house, datetime(2026, 1, 1, 12, 3, tzinfo=UTC), courses.Courses()

    def read(minute: float, look: Callable[..., tuple[GpuHistory, ...]]) -> list[GpuSample]:
        monkeypatch.setattr(house, "clock", lambda: format_time(noon + timedelta(minutes=minute)))
        found = house.read_now(lambda tx: look(tx, ["GPU-a"], 300))
        return [sample for one in found for sample in one.samples]

    fill(queue, *range(400), now=noon)
    assert read(0, kept.of) == read(0, samples.courses)
    fill(queue, *range(25), now=noon + timedelta(minutes=25))
    assert read(25, kept.of) == read(25, samples.courses), "the stretch that went on, those after it, none too old"
    queue.write(lambda tx: tx.connection.execute(delete(gpu_samples)).close())
    assert len(read(25, kept.of)) > 20, "what is over is not added up again"

"""What the scheduler writes down of its GPUs, reads back after a restart, and hears from people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from control_plane.db import log
from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.logbook import Logbook
from control_plane.scheduler.operations import gpus, samples, views
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import Slot
from store_client.wire.calls.gpus import HistoryQuery
from store_client.wire.gpus import GpuInfo, KeepBack
from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import QUICK, Watched, a_process, eventually, uuid
from tests.scheduler.queue_house import Queue
from tests.store.task_house import open_house


@pytest.fixture
def queue(sqlite_url: str) -> Iterator[Queue]:
    with open_house(sqlite_url) as store:
        yield Queue(store)


@contextmanager
def scheduling(queue: Queue, driver: FakeDriver, **terms: Any) -> Iterator[Watched]:
    """The inventory of a scheduler on this database."""
    made = Inventory(1, None, replace(QUICK, **terms), Logbook(queue.store.house))
    with made.open():
        yield Watched(made, driver)


def shown(queue: Queue) -> dict[str, GpuInfo]:
    """The GPUs as any process of the deployment has them."""
    return {gpu.uuid: gpu for gpu in queue.store.house.read_now(gpus.read).gpus}


def await_shown(queue: Queue, number: int, state: str) -> GpuInfo:
    eventually(lambda: uuid(number) in shown(queue) and shown(queue)[uuid(number)].state == state, f"{state}")
    return shown(queue)[uuid(number)]


def told(queue: Queue) -> list[tuple[str, str]]:
    with queue.store.house.database.reading() as connection:
        rows = log.read_after(connection, 0, 1000, None)
    return [(row["type"], row["data"].get("state") or row["data"]["by"]) for row in rows if row["type"][:4] == "gpu."]


def test_what_the_scheduler_sees_is_there_for_every_process_and_changes_are_told(
    queue: Queue, driver: FakeDriver
) -> None:
    driver.show(a_gpu(1))
    with scheduling(queue, driver), a_process() as pid:
        assert await_shown(queue, 1, "usable").temperature_celsius == 51
        driver.show(a_gpu(1, temp=88, procs=f"{pid}:{9 << 30}"))
        foreign = await_shown(queue, 1, "foreign")
        assert foreign.temperature_celsius == 88
        assert [process.pid for process in foreign.processes] == [pid]
        eventually(lambda: told(queue) == [("gpu.changed", "foreign")], "the change in the log")


def test_a_machine_without_gpus_is_known_by_its_cpu_slots(queue: Queue, driver: FakeDriver) -> None:
    with scheduling(queue, driver):
        eventually(lambda: queue.store.house.read_now(gpus.read).cpu_slots == 1, "its CPU slot")
        assert told(queue) == []


def test_people_keep_a_gpu_back_and_give_it_out_again(queue: Queue, driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    with scheduling(queue, driver) as seen:
        await_shown(queue, 1, "usable")
        queue.write(gpus.quarantine, uuid(1), KeepBack(reason="the fan rattles"))
        assert seen.await_state(1, "quarantined").why == "the fan rattles"
        queue.write(gpus.drain, uuid(1), KeepBack(reason="to be moved"))
        assert seen.await_state(1, "draining").why == "to be moved"
        assert seen.state(2) == "usable"
    with scheduling(queue, driver) as seen:
        assert seen.state(1) == "draining", "a restart changes nothing"
        queue.write(gpus.readmit, uuid(1))
        seen.await_state(1, "usable")


def test_a_gpu_that_fell_ill_is_kept_back_across_a_restart_until_somebody_readmits_it(
    queue: Queue, driver: FakeDriver
) -> None:
    driver.show(a_gpu(1))
    with scheduling(queue, driver) as seen:
        await_shown(queue, 1, "usable")
        driver.show(a_gpu(1, lost="handle"))
        seen.await_state(1, "lost")
        eventually(lambda: shown(queue)[uuid(1)].kept_back_by == "scheduler", "a note of it")
    driver.show(a_gpu(1))
    with scheduling(queue, driver) as seen:
        assert seen.state(1) == "quarantined"
        await_shown(queue, 1, "quarantined")
        queue.write(gpus.readmit, uuid(1))
        seen.await_state(1, "usable")
        assert ("gpu.quarantined", "scheduler") in told(queue)


def test_a_gpu_that_came_back_by_itself_is_told_of(queue: Queue, driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with scheduling(queue, driver, healthy_seconds=0.1) as seen:
        driver.show(a_gpu(1, lost="handle"))
        eventually(lambda: ("gpu.quarantined", "scheduler") in told(queue), "a note of it")
        driver.show(a_gpu(1))
        seen.await_state(1, "usable")
        eventually(lambda: ("gpu.readmitted", "scheduler") in told(queue), "a note that it is well")


def test_a_gpu_that_vanished_while_no_scheduler_ran_is_lost_with_its_last_readings(
    queue: Queue, driver: FakeDriver
) -> None:
    driver.show(a_gpu(1), a_gpu(2, temp=77))
    with scheduling(queue, driver):
        await_shown(queue, 2, "usable")
    driver.show(a_gpu(1))
    with scheduling(queue, driver) as seen:
        assert [seen.state(1), seen.state(2)] == ["usable", "lost"]
        lost = await_shown(queue, 2, "lost")
        assert (lost.why, lost.temperature_celsius) == ("it has vanished from the machine", 77)
        eventually(lambda: shown(queue)[uuid(2)].kept_back_by == "scheduler", "a note of it")
        queue.write(gpus.readmit, uuid(2))
        eventually(lambda: list(shown(queue)) == [uuid(1)], "that it is gone for good")


def test_after_a_restart_what_an_ended_attempt_left_is_recognised_and_what_a_live_one_holds_is_its_own(
    queue: Queue, driver: FakeDriver
) -> None:
    ended, live = queue.submit(), queue.submit()
    for job_id, number in ((ended, 1), (live, 2)):
        queue.place(job_id, uuid(number))
    queue.finish(ended, 1, Ending("finished", 0))
    with a_process((ended, 1)) as left, a_process((live, 1)) as at_work:
        driver.show(a_gpu(1, procs=f"{left}:{9 << 30}"), a_gpu(2, procs=f"{at_work}:{9 << 30}"))
        with scheduling(queue, driver) as seen:
            assert seen.state(1) == "draining"
            assert f"process {left}" in seen.why(1)
            assert seen.state(2) == "usable"
            assert await_shown(queue, 1, "draining").processes[0].job_id == ended
            queue.finish(live, 1, Ending("finished", 0))
            seen.await_state(2, "draining")


def test_a_gpu_that_is_known_is_not_given_out_before_it_was_looked_at(queue: Queue, driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with scheduling(queue, driver):
        await_shown(queue, 1, "usable")
    driver.hang()
    with scheduling(queue, driver, silent_seconds=0.3, healthy_seconds=0.1) as seen:
        assert seen.state(1) == "lost"
        driver.go_on()
        seen.await_state(1, "usable")


def test_the_nodes_of_a_cluster_that_was_left_are_forgotten(queue: Queue, driver: FakeDriver) -> None:
    queue.write(views.save, View("n1", (Slot("n1/cpu:0", "cpu", node="n1"),)))
    with scheduling(queue, driver):
        eventually(lambda: [view.node for view in queue.store.house.read_now(views.load)] == [""], "this machine alone")


def test_readings_are_sampled(queue: Queue, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLE_SECONDS", 0.0)
    driver.show(a_gpu(1, util=40), slices=({"parent": 0, "uuid": "MIG-1", "name": "1g.10gb", "total": 9, "used": 5},))
    with scheduling(queue, driver):
        await_shown(queue, 1, "usable")
        eventually(lambda: history(queue, uuid(1)) and history(queue, "MIG-1"), "samples")
    assert (history(queue, uuid(1))[-1].utilisation_percent, history(queue, uuid(1))[-1].power_watts) == (40, 123.5)
    assert history(queue, "MIG-1")[-1].memory_used_bytes == 5
    assert history(queue, "MIG-1")[-1].utilisation_percent is None


def history(queue: Queue, of: str) -> Any:
    return queue.store.house.read_now(lambda tx: gpus.history(tx, of, HistoryQuery())).samples

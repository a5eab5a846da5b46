"""Jobs on GPUs: real processes under a real scheduler, on the fake driver's GPUs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.logbook import Logbook
from store_client.wire.jobs import JobState
from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import QUICK, eventually, uuid
from tests.scheduler.queue_house import Yard
from tests.store.task_house import open_house

S = JobState
ONE = {"gpus": 1}


@pytest.fixture
def yard(sqlite_url: str, tmp_path: Path, driver: FakeDriver) -> Iterator[Yard]:
    """A scheduler on a machine with one GPU and two CPU slots."""
    driver.show(a_gpu(1))
    with open_house(sqlite_url) as store:
        opened = Yard(store, tmp_path)
        opened.engine.inventory = Inventory(2, None, QUICK, Logbook(store.house), opened.scheduler.look_again)
        opened.scheduler.start()
        try:
            yield opened
        finally:
            opened.scheduler.stop(ends_attempts=True)


def test_a_job_gets_its_gpu_by_uuid_and_its_memory_is_seen_free_before_the_next_one_starts(
    yard: Yard, driver: FakeDriver
) -> None:
    first = yard.shell("echo gpu=$CUDA_VISIBLE_DEVICES; sleep 600", resources=ONE)
    yard.await_state(first, S.RUNNING)
    yard.await_log(first, f"gpu={uuid(1)}")
    second = yard.shell("echo gpu=$CUDA_VISIBLE_DEVICES", resources=ONE)
    driver.show(a_gpu(1, used=60 << 30))
    inventory = yard.engine.inventory
    eventually(lambda: inventory.sight().gpus[0].memory_used_bytes == 60 << 30, "the job's memory")
    yard.cancel(first)
    yard.end(first)
    eventually(lambda: inventory.sight().parts[uuid(1)].state == "draining", "a GPU that is not free yet")
    beside = yard.shell("true")
    assert yard.end(beside).state is S.SUCCEEDED, "other jobs do not wait for it"
    assert yard.state(second) is S.QUEUED
    driver.show(a_gpu(1))
    assert yard.end(second).state is S.SUCCEEDED
    yard.await_log(second, f"gpu={uuid(1)}")


def test_a_gpu_that_a_foreign_process_uses_is_waited_for(yard: Yard, driver: FakeDriver) -> None:
    driver.show(a_gpu(1, procs=f"4194303:{9 << 30}"))
    inventory = yard.engine.inventory
    eventually(lambda: [one.state for one in inventory.sight().parts.values()] == ["foreign"], "the process")
    job = yard.shell("true", resources=ONE)
    assert yard.end(yard.shell("true")).state is S.SUCCEEDED
    assert yard.state(job) is S.QUEUED
    driver.show(a_gpu(1))
    assert yard.end(job).state is S.SUCCEEDED


def test_jobs_share_a_gpu_and_are_told_their_part(yard: Yard) -> None:
    wish = {"gpus": 1, "gpu_share": 0.5}
    made = [yard.shell("sleep 600", resources=wish) for _ in range(3)]
    for job_id in made[:2]:
        yard.await_state(job_id, S.RUNNING)
    assert yard.state(made[2]) is S.QUEUED
    yard.cancel(made[0])
    yard.await_state(made[2], S.RUNNING)

"""Jobs that really hold memory of a GPU, by the CUDA driver: on this machine's own, and on the fake one.

On a machine with a GPU and nothing else of ours running on it: `.venv/bin/python -m pytest -m gpu tests/gpu`.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from control_plane.scheduler.engines.local import GRACE_SECONDS
from control_plane.scheduler.inventory import Inventory, Sight
from control_plane.scheduler.logbook import Logbook
from control_plane.scheduler.parts import MIB, Terms
from store_client.wire.jobs import JobState
from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import eventually
from tests.scheduler.queue_house import Yard
from tests.store.task_house import open_house

S = JobState
GIB = 1 << 30
PROGRAM = str(Path(__file__).with_name("hold_memory.py"))
OFTEN = Terms(look_seconds=0.1, soon_seconds=0.05)


@dataclass
class Machine:
    """A scheduler on a machine with a GPU; the first of them is used."""

    yard: Yard
    environment: dict[str, str]

    @property
    def sight(self) -> Sight:
        return self.yard.engine.inventory.sight()

    @property
    def uuid(self) -> str:
        return next(slot.slot_id for slot in self.sight.slots if slot.kind == "gpu" and slot.is_usable)

    def used(self, uuid: str) -> int:
        return next(gpu.memory_used_bytes or 0 for gpu in self.sight.gpus if gpu.uuid == uuid)

    def hold(self, amount: int, uuid: str, **wish: Any) -> str:
        """A job that holds so much memory of a GPU."""
        resources = {"gpus": 1, "only_gpus": [uuid], **wish}
        command = (sys.executable, "-I", "-S", PROGRAM, str(amount))
        return self.yard.submit(*command, resources=resources, environment=self.environment)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.gpu)])
def machine(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Machine]:
    environment: dict[str, str] = {}
    if request.param == "fake":
        driver: FakeDriver = request.getfixturevalue("driver")
        driver.show(a_gpu(1), a_gpu(2))
        environment = driver.environment
    with open_house(sqlite_url) as store:
        yard = Yard(store, tmp_path, cpu_slots=4)
        yard.engine.inventory = Inventory(4, None, OFTEN, Logbook(store.house), yard.scheduler.look_again)
        yard.scheduler.start()
        try:
            made = Machine(yard, environment)
            eventually(lambda: any(slot.kind == "gpu" for slot in made.sight.slots), "a GPU")
            yield made
        finally:
            yard.scheduler.stop(ends_attempts=True)


def test_a_job_sees_exactly_its_gpu(machine: Machine) -> None:
    uuid = machine.uuid
    job = machine.hold(GIB, uuid)
    machine.yard.await_log(job, "holds")
    (seen, *_) = (machine.yard.directory(job) / "log").read_text().splitlines()
    assert json.loads(seen) == [uuid]


def test_two_jobs_hold_memory_of_one_gpu_by_shares(machine: Machine) -> None:
    uuid = machine.uuid
    before = machine.used(uuid)
    jobs = [machine.hold(GIB, uuid, gpu_share=0.5, gpu_memory_bytes=2 * GIB) for _ in range(2)]
    for job in jobs:
        machine.yard.await_log(job, "holds")
        assert machine.yard.state(job) in {S.STARTING, S.RUNNING}
    eventually(lambda: machine.used(uuid) >= before + 2 * GIB, "the memory of both")
    processes = machine.sight.parts[uuid].processes
    if processes and all(one.is_seen for one in processes):  # from within a container they may not be
        assert {key[0] for one in processes for key in one.attempts} == set(jobs)


def test_a_cancelled_job_gives_its_memory_back_and_only_then_is_the_gpu_free(machine: Machine) -> None:
    uuid = machine.uuid
    before = machine.used(uuid)
    job = machine.hold(2 * GIB, uuid)
    eventually(lambda: machine.used(uuid) >= before + 2 * GIB, "its memory")
    following = machine.hold(GIB, uuid)
    machine.yard.cancel(job)
    began = time.monotonic()
    machine.yard.await_state(job, S.CANCELLED)
    machine.yard.await_state(following, S.RUNNING)
    assert time.monotonic() - began < GRACE_SECONDS + 5
    machine.yard.cancel(following)
    machine.yard.await_state(following, S.CANCELLED)
    eventually(lambda: machine.used(uuid) <= before + 64 * MIB, "that the memory is free")


def test_a_job_that_wants_more_memory_than_there_is_has_run_out_of_it(machine: Machine) -> None:
    uuid = machine.uuid
    total = next(gpu.memory_total_bytes for gpu in machine.sight.gpus if gpu.uuid == uuid)
    assert total is not None
    job = machine.hold(total + GIB, uuid)
    assert machine.yard.end(job).state is S.OUT_OF_MEMORY

"""A GPU is given out again once its memory was seen free, and a sick one once it was well."""

import threading

from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import KEY, MIB, a_process, eventually, uuid, watching

OTHER = ("job_b", 1)


def test_a_gpu_is_free_only_after_a_look_that_began_when_its_attempt_had_ended(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with watching(driver, look_seconds=60.0, soon_seconds=60.0) as seen:
        seen.occupy(1)
        seen.inventory.left(KEY)
        assert seen.state(1) in {"draining", "usable"}  # the look may have come in already
        seen.await_state(1, "usable")
        seen.free(1)
        assert seen.state(1) == "usable", "it was seen free before the accounts said so"


def test_a_gpu_whose_end_nobody_told_of_is_looked_at_when_the_accounts_free_it(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, used=20 << 30))
    with watching(driver, foreign_bytes=30 << 30) as seen:
        seen.held = (uuid(1),)
        assert seen.state(1) == "usable"
        seen.free(1)
        assert seen.state(1) == "draining"
        seen.await_state(1, "usable")


def test_memory_of_a_process_that_outlived_its_attempt_keeps_the_gpu_back(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with watching(driver) as seen, a_process(KEY) as pid:
        seen.occupy(1)
        driver.show(a_gpu(1, procs=f"{pid}:{9 << 30}", used=10 << 30))
        seen.await_looks()
        seen.inventory.left(KEY)
        seen.free(1)
        eventually(lambda: str(pid) in seen.why(1), "the process that is left")
        assert seen.state(1) == "draining"
        assert seen.why(1).startswith(f"9216 MiB held by process {pid} (python")
        driver.show(a_gpu(1))
        seen.await_state(1, "usable")


def test_memory_that_no_process_explains_keeps_the_gpu_back_until_it_is_as_before(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, used=1000 * MIB))
    with watching(driver) as seen:
        seen.await_looks()
        seen.occupy(1)
        driver.show(a_gpu(1, used=9000 * MIB))
        seen.await_looks()
        seen.inventory.left(KEY)
        seen.free(1)
        seen.await_looks()
        assert seen.state(1) == "draining"
        driver.show(a_gpu(1, used=1065 * MIB))
        seen.await_looks()
        assert seen.state(1) == "draining", "64 MiB more than before are too much by one"
        driver.show(a_gpu(1, used=1064 * MIB))
        seen.await_state(1, "usable")


def test_what_is_not_free_in_time_is_kept_back_with_the_processes_and_comes_back_by_itself(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with watching(driver, drain_seconds=0.2, healthy_seconds=0.2) as seen, a_process(KEY) as pid:
        seen.occupy(1)
        driver.show(a_gpu(1, procs=f"{pid}:{9 << 30}"))
        seen.inventory.left(KEY)
        seen.free(1)
        slot = seen.await_state(1, "quarantined")
        assert (slot.why or "").startswith(f"not free 0 s after an attempt ended: 9216 MiB held by process {pid} (")
        assert list(seen.inventory.sight().sick) == [uuid(1)]
        driver.show(a_gpu(1))
        seen.await_state(1, "usable")
        assert seen.inventory.sight().sick == {}


def test_of_a_shared_gpu_only_the_ended_attempts_processes_matter(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with watching(driver) as seen, a_process(KEY) as first, a_process(OTHER) as second:
        seen.occupy(1)
        seen.occupy(1, key=OTHER)
        driver.show(a_gpu(1, procs=f"{first}:{4 << 30},{second}:{5 << 30}", used=10 << 30))
        seen.await_looks()
        seen.inventory.left(KEY)
        eventually(lambda: str(first) in seen.why(1), "the process that is left")
        assert str(second) not in seen.why(1)
        driver.show(a_gpu(1, procs=f"{second}:{5 << 30}", used=6 << 30))
        seen.await_state(1, "usable")


def test_a_scheduler_that_was_just_started_recognises_what_an_ended_attempt_left(driver: FakeDriver) -> None:
    with a_process(KEY) as pid, watching(driver) as seen:
        seen.inventory.left(KEY)
        driver.show(a_gpu(1, procs=f"{pid}:{9 << 30}"))
        seen.inventory.look_soon()
        eventually(lambda: seen.slots, "the GPU")
        seen.await_state(1, "draining")


def test_a_lost_gpu_stays_with_its_last_readings_and_comes_back_once_it_was_well_for_a_while(
    driver: FakeDriver,
) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    with watching(driver, healthy_seconds=1.0) as seen:
        driver.show(a_gpu(1, lost="handle"), a_gpu(2))
        assert seen.await_state(1, "lost").why == "it has fallen off the bus or needs a reset"
        lost = seen.inventory.sight().gpus[0]
        assert (lost.uuid, lost.is_lost, lost.temperature_celsius) == (uuid(1), True, 51)
        assert seen.state(2) == "usable"
        driver.show(a_gpu(1), a_gpu(2))
        assert "once it was well for 1 s" in (seen.await_state(1, "quarantined").why or "")
        seen.await_state(1, "usable")


def test_a_gpu_that_vanishes_is_shown_as_lost_until_somebody_says_that_it_is_gone(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    with watching(driver) as seen:
        driver.show(a_gpu(1))
        assert seen.await_state(2, "lost").why == "it has vanished from the machine"
        assert seen.inventory.sight().gpus[1].memory_used_bytes == 1 << 30
        seen.inventory.heed({}, [uuid(2)])
        assert list(seen.slots) == [uuid(1)]


def test_a_gpu_that_did_not_say_its_name_is_one_gpu_once_it_does(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, lost="uuid"))
    with watching(driver, healthy_seconds=0.0) as seen:
        assert [slot.state for slot in seen.slots.values()] == ["lost"]
        driver.show(a_gpu(1))
        eventually(lambda: list(seen.slots) == [uuid(1)], "its name")
        seen.await_state(1, "usable")


def test_a_driver_that_hangs_loses_its_gpus_and_not_the_scheduler(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    with watching(driver, silent_seconds=0.3, healthy_seconds=1.0, cpus=1) as seen:
        driver.hang()
        assert seen.await_state(1, "lost").why == "the driver does not answer"
        assert seen.slots["cpu:0"].state == "usable"
        driver.go_on()
        assert "it was lost" in (seen.await_state(1, "quarantined").why or "")
        seen.await_state(1, "usable")


def test_who_waits_for_a_gpu_is_told_when_it_is_free(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    told = threading.Event()
    with watching(driver) as seen:
        seen.inventory.tell = told.set
        seen.occupy(1)
        seen.inventory.left(KEY)
        assert told.wait(60)

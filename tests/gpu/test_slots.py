"""What of the driver's answers can be given out to jobs."""

import time

import pytest

from control_plane.scheduler.inventory import Inventory
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.settings import parse
from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import KEY, MIB, a_process, eventually, uuid, watching


def test_a_machine_without_gpus_gives_out_cpu_slots(driver: FakeDriver) -> None:
    with watching(driver, cpus=2) as seen:
        assert list(seen.slots.values()) == [Slot("cpu:0", "cpu"), Slot("cpu:1", "cpu")]


def test_an_inventory_that_does_not_watch_knows_its_cpu_slots() -> None:
    assert [slot.slot_id for slot in Inventory(2).capacity(())] == ["cpu:0", "cpu:1"]


def test_gpus_are_slots_by_uuid_with_their_memory(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2, total=141 << 30))
    with watching(driver, cpus=1) as seen:
        assert list(seen.slots.values()) == [
            Slot(uuid(1), "gpu", 80 << 30, units=GPU_UNITS, index=0),
            Slot(uuid(2), "gpu", 141 << 30, units=GPU_UNITS, index=1),
            Slot("cpu:0", "cpu"),
        ]


def test_a_gpu_that_is_cut_is_given_out_by_its_slices_alone(driver: FakeDriver) -> None:
    cuts = tuple(
        {"parent": 1, "uuid": f"MIG-{n}", "name": f"NVIDIA H100 80GB HBM3 MIG {kind}", "total": n << 30, "used": 0}
        for n, kind in ((10, "1g.10gb"), (40, "1c.3g.40gb"), (20, "1g.20gb+me"))
    )
    driver.show(a_gpu(1), a_gpu(2), slices=cuts)
    with watching(driver) as seen:
        assert list(seen.slots.values())[1:] == [
            Slot("MIG-10", "mig", 10 << 30, index=1, profile="1g.10gb"),
            Slot("MIG-40", "mig", 40 << 30, index=1, profile="1c.3g.40gb"),
            Slot("MIG-20", "mig", 20 << 30, index=1, profile="1g.20gb+me"),
        ]
        driver.show(a_gpu(1), a_gpu(2))
        eventually(lambda: list(seen.slots) == [uuid(1), uuid(2)], "the whole GPU, no longer cut")


def test_a_foreign_process_on_one_slice_leaves_the_others_alone(driver: FakeDriver) -> None:
    with a_process() as pid:
        cuts = tuple(
            {"parent": 0, "uuid": f"MIG-{n}", "name": "1g.10gb", "total": 10 << 30, "used": 0, "procs": procs}
            for n, procs in ((7, f"{pid}:{300 * MIB}"), (8, ""))
        )
        driver.show(a_gpu(1), slices=cuts)
        with watching(driver) as seen:
            assert {name: slot.state for name, slot in seen.slots.items()} == {"MIG-7": "foreign", "MIG-8": "usable"}


def test_a_gpu_that_somebody_else_uses_is_not_given_out_and_its_process_is_named(driver: FakeDriver) -> None:
    with a_process() as pid, watching(driver) as seen:
        driver.show(a_gpu(1, procs=f"{pid}:{256 * MIB + 1}"), a_gpu(2, procs=f"{pid}:{256 * MIB}"))
        seen.inventory.look_soon()
        eventually(lambda: seen.slots, "GPUs")
        assert (seen.await_state(1, "foreign").why or "").startswith(f"256 MiB held by process {pid} (python")
        assert seen.state(2) == "usable"
        driver.show(a_gpu(1), a_gpu(2))
        seen.await_state(1, "usable")


def test_how_much_others_may_use_is_a_setting(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, procs=f"4194303:{1000 * MIB}"))
    with watching(driver, foreign_bytes=2000 * MIB) as seen:
        assert seen.state(1) == "usable"


def test_memory_in_use_by_what_cannot_be_seen_counts_as_foreign(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, used=9 << 30), a_gpu(2, used=None))
    with watching(driver) as seen:
        assert seen.why(1) == "9216 MiB in use by processes that cannot be seen from here"
        assert seen.state(2) == "usable"


@pytest.mark.parametrize("below", [False, True])
def test_our_own_use_is_no_obstacle(driver: FakeDriver, below: bool) -> None:
    driver.show(a_gpu(1))
    with watching(driver) as seen, a_process(KEY, below=below) as pid:
        seen.occupy(1)
        driver.show(a_gpu(1, procs=f"{pid}:{9 << 30}", used=10 << 30))
        seen.await_looks()
        assert seen.state(1) == "usable"
        (one,) = seen.inventory.sight().parts[uuid(1)].processes
        assert (one.pid, one.attempts) == (pid, (KEY,))


@pytest.mark.parametrize("key", [KEY, ("job_of_another_deployment", 7)])
def test_a_process_on_a_gpu_that_its_attempt_does_not_hold_is_foreign_there(
    driver: FakeDriver, key: tuple[str, int]
) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    with watching(driver) as seen, a_process(key) as pid:
        seen.occupy(1)
        driver.show(a_gpu(1), a_gpu(2, procs=f"{pid}:{9 << 30}"))
        seen.await_state(2, "foreign")


def test_a_gpu_can_be_reserved_by_number_or_by_name(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2), a_gpu(3))
    with watching(driver, reserved=("0", uuid(3))) as seen:
        assert [slot.state for slot in seen.slots.values()] == ["reserved", "usable", "reserved"]
        assert seen.why(1) == "kept for others by this server's settings"


@pytest.mark.parametrize(("visible", "there"), [(None, [1, 2]), ("1", [2]), ("", []), (f"{a_gpu(1)['uuid']}", [1])])
def test_only_gpus_that_this_process_may_see_are_given_out(
    driver: FakeDriver, visible: str | None, there: list[int]
) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    with watching(driver, visible) as seen:
        assert list(seen.slots) == [uuid(number) for number in there]


def test_what_may_be_given_out_is_read_from_arguments_and_environment() -> None:
    assert parse([], {}).visible_gpus is None
    assert parse([], {"CUDA_VISIBLE_DEVICES": ""}).visible_gpus == ""
    assert parse([], {"CUDA_VISIBLE_DEVICES": "0,1"}).visible_gpus == "0,1"
    assert (parse([], {}).reserved_gpus, parse([], {}).foreign_mib) == ((), 256)
    given = parse(["--reserve-gpu", "GPU-1", "--reserve-gpu", "3", "--foreign-mib", "512.5"], {})
    assert (given.reserved_gpus, given.foreign_mib) == (("GPU-1", "3"), 512.5)
    told = parse([], {"SWITCHYARD_RESERVE_GPUS": "0, GPU-2", "SWITCHYARD_FOREIGN_MIB": "0"})
    assert (told.reserved_gpus, told.foreign_mib) == (("0", "GPU-2"), 0)


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "much"])
def test_an_amount_of_memory_that_is_none_is_refused(amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([f"--foreign-mib={amount}"], {})
    assert "--foreign-mib" in capsys.readouterr().err


def test_what_the_scheduler_asks_in_each_round_is_answered_from_memory(driver: FakeDriver) -> None:
    driver.show(*(a_gpu(number) for number in range(1, 9)))
    with watching(driver, cpus=256, look_seconds=60.0) as seen:
        held = frozenset(seen.slots)
        best = min(_seconds(lambda: seen.inventory.capacity(held)) for _ in range(20))
    assert best < 50e-6


def _seconds(act: object) -> float:
    assert callable(act)
    began = time.perf_counter()
    for _ in range(100):
        act()
    return (time.perf_counter() - began) / 100

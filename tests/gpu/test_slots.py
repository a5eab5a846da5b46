"""What of the driver's answers can be given out to jobs."""

from pathlib import Path

import pytest

from control_plane.scheduler import inventory
from control_plane.scheduler.inventory import FOREIGN_BYTES, Inventory
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.settings import parse
from tests.fakes.driver import FakeDriver, a_gpu


def uuid(number: int) -> str:
    return str(a_gpu(number)["uuid"])


def usable(made: Inventory, *held: str) -> dict[str, bool]:
    slots, _ = made.look(set(held))
    return {slot.slot_id: slot.is_usable for slot in slots}


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look reads anew, as it does once the last reading is old enough."""
    monkeypatch.setattr(inventory, "FRESH_SECONDS", -1.0)


def test_a_machine_without_gpus_gives_out_cpu_slots(driver: FakeDriver) -> None:
    assert Inventory(2).look(()) == ([Slot("cpu:0", "cpu"), Slot("cpu:1", "cpu")], ())


def test_gpus_are_slots_by_uuid_with_their_memory(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2, total=141 << 30))
    slots, readings = Inventory(1).look(())
    assert slots[:2] == [
        Slot(uuid(1), "gpu", 80 << 30, units=GPU_UNITS, index=0),
        Slot(uuid(2), "gpu", 141 << 30, units=GPU_UNITS, index=1),
    ]
    assert [gpu.uuid for gpu in readings] == [uuid(1), uuid(2)]


def test_a_gpu_that_somebody_else_uses_is_not_given_out_and_our_own_use_is_no_obstacle(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, procs=f"10:{FOREIGN_BYTES + 1}"), a_gpu(2, procs=f"11:{FOREIGN_BYTES}"))
    assert usable(Inventory(0)) == {uuid(1): False, uuid(2): True}
    assert usable(Inventory(0), uuid(1)) == {uuid(1): True, uuid(2): True}


def test_a_lost_gpu_keeps_its_place_and_is_not_given_out(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, lost="util"), a_gpu(2))
    assert usable(Inventory(0)) == {uuid(1): False, uuid(2): True}


@pytest.mark.parametrize(("visible", "seen"), [(None, [1, 2]), ("1", [2]), ("", []), (f"{a_gpu(1)['uuid']}", [1])])
def test_only_gpus_that_this_process_may_see_are_given_out(
    driver: FakeDriver, visible: str | None, seen: list[int]
) -> None:
    driver.show(a_gpu(1), a_gpu(2))
    assert list(usable(Inventory(0, visible))) == [uuid(number) for number in seen]


def test_what_this_process_may_see_is_read_from_its_environment_with_its_other_settings() -> None:
    assert parse([], {}).visible_gpus is None
    assert parse([], {"CUDA_VISIBLE_DEVICES": ""}).visible_gpus == ""
    assert parse([], {"CUDA_VISIBLE_DEVICES": "0,1"}).visible_gpus == "0,1"


def test_looks_in_quick_succession_share_one_reading(driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "FRESH_SECONDS", 60.0)
    driver.show(a_gpu(1, procs=f"10:{FOREIGN_BYTES + 1}"))
    made = Inventory(0)
    assert usable(made) == {uuid(1): False}
    driver.show(a_gpu(1))
    assert usable(made) == {uuid(1): False}
    assert usable(made, uuid(1)) == {uuid(1): True}, "who holds what is never an old reading"


def test_the_driver_stays_open_while_the_scheduler_works(driver: FakeDriver, tmp_path: Path) -> None:
    driver.show(a_gpu(1))
    made = Inventory(0)
    with made.open() as is_there:
        assert is_there
        assert usable(made) == usable(made) == {uuid(1): True}

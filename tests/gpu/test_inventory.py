"""What the inventory makes of the driver's answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from control_plane.scheduler import gpus
from control_plane.scheduler.gpus import Gpu, GpuProcess, MigDevice
from tests.fakes.driver import FakeDriver, a_gpu

LOOK = "from control_plane.scheduler.gpus import inventory; print([gpu.uuid for gpu in inventory()])"


def test_every_reading_of_a_gpu_is_there(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, procs="4242:1073741824,77:-"))
    assert gpus.inventory() == (
        Gpu(
            uuid="GPU-00000001-aaaa-bbbb-cccc-000000000000",
            index=0,
            driver="550.54.15",
            name="NVIDIA H100 80GB HBM3",
            memory_total_bytes=80 << 30,
            memory_used_bytes=1 << 30,
            utilisation_percent=37,
            temperature_celsius=51,
            power_watts=123.5,
            processes=(GpuProcess(77, None), GpuProcess(4242, 1 << 30)),
        ),
    )


def test_without_a_driver_there_are_no_gpus(driver: FakeDriver) -> None:
    assert gpus.inventory() == ()


@pytest.mark.parametrize(
    ("field", "reading"),
    [
        ("name", "name"),
        ("total", "memory_total_bytes"),
        ("used", "memory_used_bytes"),
        ("util", "utilisation_percent"),
        ("temp", "temperature_celsius"),
        ("power", "power_watts"),
    ],
)
def test_a_reading_the_driver_does_not_give_is_none_and_the_others_stay(
    driver: FakeDriver, field: str, reading: str
) -> None:
    driver.show(a_gpu(1, **{field: None}))
    (gpu,) = gpus.inventory()
    assert getattr(gpu, reading) is None
    assert not gpu.is_lost
    assert gpu.uuid.startswith("GPU-00000001")
    assert [gpu.temperature_celsius, gpu.power_watts].count(None) == (field in {"temp", "power"})


def test_a_zero_that_was_read_is_zero(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, util=0, used=0, power=0, temp=0))
    (gpu,) = gpus.inventory()
    assert (gpu.utilisation_percent, gpu.memory_used_bytes, gpu.power_watts, gpu.temperature_celsius) == (0, 0, 0, 0)


def test_a_process_that_computes_and_draws_counts_once(driver: FakeDriver) -> None:
    driver.show(a_gpu(1, procs="10:500", drawing="10:500,11:20"))
    assert gpus.inventory()[0].processes == (GpuProcess(10, 500), GpuProcess(11, 20))


@pytest.mark.parametrize("moment", ["handle", "uuid", "total", "util", "power", "procs"])
def test_a_gpu_lost_at_any_moment_is_reported_and_its_neighbours_are_read(driver: FakeDriver, moment: str) -> None:
    driver.show(a_gpu(1), a_gpu(2, lost=moment), a_gpu(3))
    first, lost, last = gpus.inventory()
    assert [first.is_lost, lost.is_lost, last.is_lost] == [False, True, False]
    assert lost.index == 1
    assert lost.uuid == ("gpu:1" if moment in {"handle", "uuid"} else a_gpu(2)["uuid"])
    assert lost.power_watts is None
    assert last.power_watts == 123.5


def test_gpus_come_fill_up_and_go_while_one_looks(driver: FakeDriver) -> None:
    driver.show()
    with gpus.driver_open() as is_open:
        assert is_open
        assert gpus.inventory() == ()
        driver.show(a_gpu(1))
        assert gpus.inventory()[0].memory_used_bytes == 1 << 30
        driver.show(a_gpu(1, used=79 << 30, temp=88), a_gpu(2))
        assert [(gpu.memory_used_bytes, gpu.temperature_celsius) for gpu in gpus.inventory()] == [
            (79 << 30, 88),
            (1 << 30, 51),
        ]
        driver.show(a_gpu(2))
        assert [gpu.uuid for gpu in gpus.inventory()] == [a_gpu(2)["uuid"]]


def slices() -> tuple[dict[str, object], ...]:
    return tuple({"parent": 1, "uuid": f"MIG-{n}", "name": "1g.10gb", "total": 10 << 30, "used": n} for n in (7, 8))


def test_slices_are_listed_under_their_gpu(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2, util=None), slices=slices())
    whole, sliced = gpus.inventory()
    assert whole.mig_devices == ()
    assert sliced.mig_devices == (
        MigDevice("MIG-7", 0, "1g.10gb", 10 << 30, 7),
        MigDevice("MIG-8", 1, "1g.10gb", 10 << 30, 8),
    )


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [0, 1, 2]),
        ("0,1,2", [0, 1, 2]),
        ("2,0", [0, 2]),
        ("1", [1]),
        (" 1 , 2 ", [1, 2]),
        ("", []),
        ("-1", []),
        ("0,-1,2", [0]),
        ("0,9,2", [0]),
        ("none", []),
        ("GPU-00000002-aaaa-bbbb-cccc-000000000000", [1]),
        ("GPU-00000003,0", [0, 2]),
        ("GPU-0000000", []),
        ("GPU-ffffffff,0", []),
    ],
)
def test_the_inventory_respects_cuda_visible_devices(
    driver: FakeDriver, visible: str | None, expected: list[int]
) -> None:
    driver.show(a_gpu(1), a_gpu(2), a_gpu(3))
    assert [gpu.index for gpu in gpus.inventory(visible)] == expected


def test_a_visible_slice_shows_its_gpu_with_that_slice_alone(driver: FakeDriver) -> None:
    driver.show(a_gpu(1), a_gpu(2), slices=slices())
    (gpu,) = gpus.inventory("MIG-8")
    assert gpu.index == 1
    assert [mig.uuid for mig in gpu.mig_devices] == ["MIG-8"]
    (both,) = gpus.inventory("MIG-8,MIG-7")
    assert [mig.uuid for mig in both.mig_devices] == ["MIG-8", "MIG-7"]


def look_elsewhere(environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", LOOK]
    return subprocess.run(
        command, env=environment, cwd=Path.cwd(), check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_a_process_finds_the_library_by_its_name(driver: FakeDriver) -> None:
    driver.show(a_gpu(1))
    assert look_elsewhere(driver.environment) == f"{[a_gpu(1)['uuid']]}\n"


def test_a_machine_without_the_library_has_no_gpus(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"")
    assert look_elsewhere({"LD_LIBRARY_PATH": str(tmp_path)}) == "[]\n"


@pytest.mark.gpu
def test_a_real_gpu_is_read() -> None:
    found = gpus.inventory()
    if not found:
        pytest.skip("no GPU here")
    for gpu in found:
        assert gpu.uuid.startswith("GPU-")
        assert gpu.driver
        assert (gpu.memory_total_bytes or 0) > 1 << 30
        assert not gpu.is_lost

"""The GPUs of this machine as the NVIDIA driver sees them now."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pynvml

#: Errors that tell of the device; any other only says that one reading is not to be had.
LOST = (pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_ResetRequired)
PROFILE = re.compile(r"(?:\d+c\.)?\d+g\.\d+gb(?:\+\w+)*")


@dataclass(frozen=True)
class GpuProcess:
    """A process with memory on a GPU; the driver tells the pid of the host, not that of a container."""

    pid: int
    memory_bytes: int | None


@dataclass(frozen=True)
class MigDevice:
    """A slice of a GPU, given out by its own UUID."""

    uuid: str
    index: int
    name: str | None
    memory_total_bytes: int | None
    memory_used_bytes: int | None
    processes: tuple[GpuProcess, ...] = ()

    @property
    def profile(self) -> str | None:
        """Its kind, as 1g.10gb, which stands in its name."""
        found = PROFILE.findall(self.name or "")
        return found[-1] if found else None


@dataclass(frozen=True)
class Gpu:
    """A GPU and its readings; one that the driver does not give is None, never zero.

    A lost GPU has fallen off the bus or needs a reset: it keeps its place, with the readings that still came. Its UUID
    is `gpu:<index>` when not even that did.
    """

    uuid: str
    index: int
    driver: str | None = None
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilisation_percent: int | None = None
    temperature_celsius: int | None = None
    power_watts: float | None = None
    processes: tuple[GpuProcess, ...] = ()
    mig_devices: tuple[MigDevice, ...] = ()
    is_mig: bool = False
    """Whether it is cut into slices, or is to be: then it cannot be given out as a whole."""
    is_lost: bool = False


def inventory(visible: str | None = None) -> tuple[Gpu, ...]:
    """Every GPU that `visible`, a value of CUDA_VISIBLE_DEVICES, lets through; none where there is no driver.

    Its numbers count in the driver's order, which is CUDA's under CUDA_DEVICE_ORDER=PCI_BUS_ID.
    """
    with driver_open() as is_open:
        if not is_open:
            return ()
        driver = _reading(pynvml.nvmlSystemGetDriverVersion)
        found = tuple(_look(index, driver) for index in range(_reading(pynvml.nvmlDeviceGetCount) or 0))
    return found if visible is None else let_through(visible, found)


@contextmanager
def driver_open() -> Iterator[bool]:
    """Whether there is a driver, which stays open meanwhile; held around a loop it makes each look in it cheap."""
    is_open = False
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        is_open = True
    try:
        yield is_open
    finally:
        if is_open:
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def _look(index: int, driver: str | None) -> Gpu:
    gpu = Gpu(f"gpu:{index}", index, driver)
    try:
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        gpu = replace(gpu, uuid=pynvml.nvmlDeviceGetUUID(device))
        gpu = replace(gpu, name=_reading(pynvml.nvmlDeviceGetName, device))
        total, used = _memory(device)
        gpu = replace(gpu, memory_total_bytes=total, memory_used_bytes=used)
        return _with_sensors(gpu, device)
    except pynvml.NVMLError:
        return replace(gpu, is_lost=True)


def _with_sensors(gpu: Gpu, device: Any) -> Gpu:
    utilisation = _reading(pynvml.nvmlDeviceGetUtilizationRates, device)
    milliwatts = _reading(pynvml.nvmlDeviceGetPowerUsage, device)
    return replace(
        gpu,
        utilisation_percent=None if utilisation is None else utilisation.gpu,
        temperature_celsius=_reading(pynvml.nvmlDeviceGetTemperature, device, pynvml.NVML_TEMPERATURE_GPU),
        power_watts=None if milliwatts is None else milliwatts / 1000,
        processes=_processes(device),
        mig_devices=tuple(_mig_devices(device)),
        is_mig=_is_cut(device),
    )


def _memory(device: Any) -> tuple[int | None, int | None]:
    memory = _reading(pynvml.nvmlDeviceGetMemoryInfo, device)
    return (None, None) if memory is None else (memory.total, memory.used)


def _processes(device: Any) -> tuple[GpuProcess, ...]:
    """Those that compute and those that draw; one that does both counts once."""
    found: dict[int, GpuProcess] = {}
    for ask in (pynvml.nvmlDeviceGetComputeRunningProcesses, pynvml.nvmlDeviceGetGraphicsRunningProcesses):
        for process in _reading(ask, device) or ():
            found.setdefault(process.pid, GpuProcess(process.pid, process.usedGpuMemory))
    return tuple(found[pid] for pid in sorted(found))


def _is_cut(device: Any) -> bool:
    is_enabled, _ = _reading(pynvml.nvmlDeviceGetMigMode, device) or (False, False)
    return bool(is_enabled)


def _mig_devices(device: Any) -> Iterator[MigDevice]:
    places = _reading(pynvml.nvmlDeviceGetMaxMigDeviceCount, device) if _is_cut(device) else 0
    for index in range(places or 0):
        mig = _reading(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, device, index)
        uuid = None if mig is None else _reading(pynvml.nvmlDeviceGetUUID, mig)
        if uuid is not None:  # a place may be empty
            name = _reading(pynvml.nvmlDeviceGetName, mig)
            yield MigDevice(uuid, index, name, *_memory(mig), processes=_processes(mig))


def _reading(ask: Callable[..., Any], *of: Any) -> Any:
    """What the driver answers; None where it has no answer."""
    try:
        return ask(*of)
    except LOST:
        raise
    except pynvml.NVMLError:
        return None


def let_through(visible: str, found: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """As CUDA reads its variable: numbers or beginnings of UUIDs, up to the first that names nothing, or two things."""
    chosen: dict[int, Gpu] = {}
    for token in (part.strip() for part in visible.split(",")):
        matches = [part for gpu in found if (part := _part_named(token, gpu)) is not None]
        if not token or len(matches) != 1:
            break
        (gpu,) = matches
        slices = (*chosen[gpu.index].mig_devices, *gpu.mig_devices) if gpu.index in chosen else gpu.mig_devices
        chosen[gpu.index] = replace(gpu, mig_devices=slices)
    return tuple(chosen[index] for index in sorted(chosen))


def _part_named(token: str, gpu: Gpu) -> Gpu | None:
    """The GPU, or the GPU with the one slice that the token names."""
    if token == str(gpu.index) or (token.startswith("GPU-") and gpu.uuid.startswith(token)):
        return gpu
    slices = tuple(mig for mig in gpu.mig_devices if token.startswith("MIG-") and mig.uuid.startswith(token))
    return replace(gpu, mig_devices=slices) if len(slices) == 1 else None

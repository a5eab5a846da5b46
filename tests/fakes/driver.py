"""The fake NVIDIA driver: a library that real pynvml loads, and a file that says what it answers."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SONAME = "libnvidia-ml.so.1"
SOURCES = {SONAME: "nvml.c", "libcuda.so.1": "cuda.c"}


def compile_library(folder: Path) -> Path:
    """The library under the name that pynvml asks the loader for, and beside it the one that CUDA programs ask for."""
    for name, source in SOURCES.items():
        flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{name}"]
        command = ["gcc", *flags, "-o", str(folder / name), str(Path(__file__).with_name(source))]
        subprocess.run(command, check=True, timeout=60)
    return folder / SONAME


@dataclass(frozen=True)
class FakeDriver:
    """Edit the state and every process that uses the library sees it at its next question."""

    library: Path
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to load this library in the driver's place."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), "FAKE_NVML_STATE": str(self.state)}

    def show(self, *gpus: dict[str, object], slices: tuple[dict[str, object], ...] = ()) -> None:
        """These GPUs and slices from now on."""
        self.state.with_name(self.state.name + ".held").mkdir(exist_ok=True)
        lines = ["driver\t550.54.15", *(_line("gpu", gpu) for gpu in gpus), *(_line("mig", mig) for mig in slices)]
        draft = self.state.with_suffix(".tmp")
        draft.write_text("\n".join(lines) + "\n")
        draft.replace(self.state)

    def hang(self) -> None:
        """Answer nobody until `go_on`."""
        self._hangs.touch()

    def go_on(self) -> None:
        self._hangs.unlink()

    @property
    def _hangs(self) -> Path:
        return self.state.with_name(self.state.name + ".hangs")


def a_gpu(number: int, **fields: object) -> dict[str, object]:
    """A quiet H100; a field that is None is a reading that the driver does not give."""
    plain = {
        "uuid": f"GPU-{number:08x}-aaaa-bbbb-cccc-000000000000",
        "name": "NVIDIA H100 80GB HBM3",
        "total": 80 << 30,
        "used": 1 << 30,
        "util": 37,
        "temp": 51,
        "power": 123_500,
        "procs": "",
        "drawing": "",
    }
    return {**plain, **fields}


def _line(kind: str, fields: dict[str, object]) -> str:
    return "\t".join([kind, *(f"{key}={value}" for key, value in fields.items() if value is not None)])

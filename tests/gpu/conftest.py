"""The fake driver, in this process and for others."""

import ctypes
import shutil
from pathlib import Path

import pynvml
import pytest

from tests.fakes.driver import FakeDriver, compile_library
from tests.machine import missing


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        missing("a C compiler")
    return compile_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def driver(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """Real pynvml talks to the fake library for the length of a test, whatever driver this machine has."""
    fake = FakeDriver(nvml_library, tmp_path / "gpus")
    monkeypatch.setenv("FAKE_NVML_STATE", str(fake.state))
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(nvml_library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return fake

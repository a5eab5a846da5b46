"""`switchyard gpu` against a server on a machine whose driver is the fake one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import invoked, start, stop
from tests.fakes.driver import FakeDriver, a_gpu
from tests.gpu.watching import MIB, a_process, eventually, uuid


@pytest.fixture
def data(driver: FakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory of a server with three GPUs, of which it reserves the last."""
    for name, value in driver.environment.items():
        monkeypatch.setenv(name, value)
    cut = {"parent": 1, "uuid": "MIG-1", "name": "MIG 1g.10gb", "total": 10 << 30, "used": 0}
    driver.show(a_gpu(1), a_gpu(2, power=None), a_gpu(3), slices=(cut,))
    process, _ = start("serve", "--data", str(tmp_path / "data"), "--port", "0", "--reserve-gpu", "2",
                       "--foreign-mib", "100")  # fmt: skip
    yield tmp_path / "data"
    stop(process)


def asked(data: Path, act: str, *arguments: str) -> Any:
    answer = invoked("gpu", act, "--data", str(data), "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def told(data: Path, act: str, *arguments: str) -> str:
    answer = invoked("gpu", act, "--data", str(data), *arguments)
    return answer.stdout + answer.stderr


def test_gpus_are_listed_kept_back_and_given_out_again(data: Path, driver: FakeDriver) -> None:
    eventually(lambda: asked(data, "list")["gpus"], "the first look")
    first, second, third = asked(data, "list")["gpus"]
    assert (first["uuid"], first["state"], first["temperature_celsius"]) == (uuid(1), "usable", 51)
    assert (second["is_mig"], second["slices"][0]["profile"], second["power_watts"]) == (True, "1g.10gb", None)
    assert third["state"] == "reserved"

    listing = told(data, "list")
    assert re.search(r"1\.0/80 GiB +37 % +51 °C +124 W", listing)
    assert "kept for others by this server's settings" in listing

    assert asked(data, "quarantine", "0", "--reason", "the fan rattles")["why"] == "the fan rattles"
    assert told(data, "drain", "MIG-1").strip() == "MIG-1 is draining: to be free soon."
    assert told(data, "readmit", uuid(1)[:12]).strip() == f"{uuid(1)} is usable."
    assert "several GPUs are called GPU-. See: switchyard gpu list" in told(data, "readmit", "GPU-")
    assert asked(data, "history", "0")["uuid"] == uuid(1)

    with a_process() as pid:
        driver.show(a_gpu(1, procs=f"{pid}:{101 * MIB}"), a_gpu(2), a_gpu(3))
        eventually(lambda: asked(data, "list")["gpus"][0]["state"] == "foreign", "somebody else's process")
        assert re.search(rf"python[\d.]* {pid}", told(data, "list"))

"""The engine before programs that are not Slurm's: what it tells them, and what it makes of what they say."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import RowMapping

from control_plane.scheduler.engines.engine import Placed
from control_plane.scheduler.engines.slurm import SlurmEngine
from control_plane.scheduler.engines.slurm_commands import SCRIPT, Slurm
from control_plane.scheduler.engines.slurm_home import Home, NoBook
from control_plane.scheduler.engines.slurm_text import marker
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.rules.board import Grant
from control_plane.scheduler.spool import Spool
from control_plane.scheduler.workspace import WorkspaceError
from store_client.wire.jobs import SubmitJob
from tests.scheduler.attempts import eventually
from tests.scheduler.queue_house import Repositories

TICKET, NODE = "the-ticket", "NodeName=n1 State=IDLE CPUTot=4 RealMemory=2000 Gres=gpu:2 GresUsed=gpu:0 Partitions=main"
KEY = ("job_1", 1)


class Programs:
    """Slurm's programs as shell scripts; what each was told is written beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.say("squeue", "")
        self.say("scontrol", f"echo '{NODE}'")
        self.say("sbatch", "echo 7")
        self.say("scancel", "")

    def say(self, name: str, script: str) -> None:
        path = self.folder / name
        told = self.folder / f"{name}.told"
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{told}\n{script}\n', encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def told(self, name: str) -> list[str]:
        path = self.folder / f"{name}.told"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def has(self, state: str, reason: str = "None") -> None:
        """From now on Slurm has the attempt, in this state."""
        self.say("squeue", f"echo '7|{state}||n1|1|N/A|{reason}|{marker('d', KEY)}'")


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "bin")


@pytest.fixture
def engine(programs: Programs, tmp_path: Path) -> Iterator[SlurmEngine]:
    home = Home("http://here:1", "/usr/bin/python3", "/scratch", "d", lambda *_: TICKET, NoBook())
    variables = {"PATH": f"{programs.folder}:/usr/bin:/bin"}
    spool = Spool(tmp_path / "attempts")
    made = SlurmEngine(Slurm("main", variables), home, spool, Repositories(tmp_path))
    yield made
    made.let_go()


def a_job(**wish: Any) -> RowMapping:
    spec = SubmitJob(name="Test", command=("/bin/true",), **wish)
    return cast("RowMapping", {"job_id": KEY[0], "attempt": KEY[1], "number": 1, "spec": spec.to_wire()})


def placed(*slots: str, **wish: Any) -> Placed:
    return Placed(a_job(**wish), tuple(map(Grant, slots or ("n1/cpu:0",))))


def await_look(engine: SlurmEngine, wanted: Callable[[], object]) -> None:
    eventually(lambda: (engine.capacity(()), wanted())[1], "what Slurm says")


def test_the_node_and_its_gpus_are_asked_for_and_no_secret_is_told(engine: SlurmEngine, programs: Programs) -> None:
    programs.say("sbatch", f"env >{programs.folder}/env; cat >{programs.folder}/script; echo 7")
    await_look(engine, lambda: engine.capacity(()))
    spec = {"resources": {"gpus": 2, "cpus": 2}, "timeout_seconds": 60}
    engine.submit(placed("n1/gpu:0", "n1/gpu:1", "n1/cpu:0", "n1/cpu:3", **spec))
    (told,) = programs.told("sbatch")
    for wanted in ("--nodelist=n1", "--gres=gpu:2", "--cpus-per-task=2", "--mem=1000M", "--time=16", "--no-requeue"):
        assert wanted in told.split()
    assert f"--job-name={marker('d', KEY)}" in told.split()
    assert TICKET not in told
    assert (programs.folder / "script").read_text() == SCRIPT
    environment = dict(line.split("=", 1) for line in (programs.folder / "env").read_text().splitlines())
    ours = {name for name in environment if name.startswith("SWITCHYARD_")}
    assert ours == {f"SWITCHYARD_{name}" for name in ("PYTHON", "URL", "SCRATCH", "JOB", "ATTEMPT", "TICKET")}


def test_an_attempt_that_slurm_has_already_is_not_submitted_again(
    engine: SlurmEngine, programs: Programs, tmp_path: Path
) -> None:
    Spool(tmp_path / "attempts").mark_tried(KEY)  # by a scheduler that went off before it knew whether it had
    engine.submit(placed())
    assert len(programs.told("sbatch")) == 1
    programs.say("squeue", "echo 7")
    engine.submit(placed())
    assert len(programs.told("sbatch")) == 1


def test_an_attempt_that_nobody_can_have_submitted_is_not_looked_for(engine: SlurmEngine, programs: Programs) -> None:
    engine.submit(placed())
    assert len(programs.told("sbatch")) == 1
    assert not any("--name=" in asked for asked in programs.told("squeue"))


def test_what_slurm_refuses_is_not_prepared(engine: SlurmEngine, programs: Programs) -> None:
    programs.say("sbatch", "echo 'sbatch: error: invalid partition specified: main' >&2; exit 1")
    with pytest.raises(WorkspaceError, match="invalid partition"):
        engine.submit(placed())


def test_the_silence_of_slurm_is_no_fault_of_the_job(engine: SlurmEngine, programs: Programs) -> None:
    programs.say("sbatch", "echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    engine.submit(placed())
    status = engine.status(a_job())
    assert isinstance(status, Exit)
    assert engine.bring_back(a_job(), status).cause == "preempted"


def test_one_that_was_to_stop_before_it_was_submitted_is_not(engine: SlurmEngine, programs: Programs) -> None:
    engine.cancel(a_job())
    engine.submit(placed())
    status = engine.status(a_job())
    assert isinstance(status, Exit)
    assert engine.bring_back(a_job(), status).cause == "cancelled"
    assert programs.told("sbatch") == []


@pytest.mark.parametrize("state", ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED"])
def test_what_slurm_has_lives(engine: SlurmEngine, programs: Programs, state: str) -> None:
    programs.has(state)
    await_look(engine, lambda: engine.capacity(()))
    assert engine.status(a_job()) is True


def test_what_waits_for_a_node_that_gives_nothing_out_is_taken_back(engine: SlurmEngine, programs: Programs) -> None:
    programs.say("scontrol", f"echo '{NODE.replace('IDLE', 'IDLE+DRAIN')}'")
    programs.has("PENDING")
    await_look(engine, lambda: engine.capacity(()))
    status = engine.status(a_job())
    assert isinstance(status, Exit)
    assert engine.bring_back(a_job(), status).cause == "preempted"
    await_look(engine, lambda: "--quiet 7" in programs.told("scancel"))


def test_what_slurm_takes_and_never_starts_fails_with_its_word(engine: SlurmEngine, programs: Programs) -> None:
    programs.has("PENDING", "Resources")
    await_look(engine, lambda: engine.capacity(()))
    assert engine.status(a_job()) is True, "it is waited for"
    programs.has("PENDING", "PartitionTimeLimit")
    await_look(engine, lambda: engine.status(a_job()) is not True)
    status = engine.status(a_job())
    assert isinstance(status, Exit)
    ending = engine.bring_back(a_job(), status)
    assert (ending.cause, ending.detail) == (
        "start_failed",
        "Slurm took it and would never start it: PartitionTimeLimit",
    )
    await_look(engine, lambda: "--quiet 7" in programs.told("scancel"))


def test_a_signal_that_slurm_did_not_take_is_sent_again(engine: SlurmEngine, programs: Programs) -> None:
    programs.has("RUNNING")
    programs.say("scancel", "echo 'scancel: error: Unable to contact slurm controller' >&2; exit 1")
    engine.cancel(a_job(), "preempt")
    await_look(engine, lambda: len(programs.told("scancel")) > 1)


@pytest.mark.parametrize("state", ["NODE_FAIL", "CANCELLED", "COMPLETED", "FAILED", "BOOT_FAIL"])
def test_what_ended_without_a_word_is_gone(engine: SlurmEngine, programs: Programs, state: str) -> None:
    programs.has(state)
    await_look(engine, lambda: engine.capacity(()))
    assert engine.status(a_job()) is None
    assert engine.clear(a_job())


@pytest.mark.parametrize(("state", "cause"), [("OUT_OF_MEMORY", "out_of_memory"), ("TIMEOUT", "timeout")])
def test_an_end_that_slurm_made_is_told_as_such(
    engine: SlurmEngine, programs: Programs, tmp_path: Path, state: str, cause: str
) -> None:
    Spool(tmp_path / "attempts").begin(KEY, "exp_1")
    programs.has(state)
    await_look(engine, lambda: engine.capacity(()))
    status = engine.status(a_job())
    assert isinstance(status, Exit)
    assert engine.bring_back(a_job(), status).cause == cause


def test_nothing_is_known_of_an_attempt_while_slurm_is_silent(engine: SlurmEngine, programs: Programs) -> None:
    programs.say("squeue", "echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1")
    assert engine.status(a_job()) is True
    assert not engine.clear(a_job())
    assert engine.capacity(()) == []


def test_a_job_that_waits_on_slurm_is_taken_back_and_one_that_runs_is_told(
    engine: SlurmEngine, programs: Programs
) -> None:
    programs.has("PENDING")
    engine.cancel(a_job())
    await_look(engine, lambda: "--quiet 7" in programs.told("scancel"))
    programs.has("RUNNING")
    await_look(engine, lambda: "--quiet --batch --signal=TERM 7" in programs.told("scancel"))


def test_what_still_lives_is_not_cleared(engine: SlurmEngine, programs: Programs, tmp_path: Path) -> None:
    programs.has("COMPLETING")
    assert not engine.clear(a_job())
    assert Spool(tmp_path / "attempts").wish(KEY) == "cancel", "its order is refused from now on"


def test_two_schedulers_do_not_work_in_one_folder(engine: SlurmEngine, tmp_path: Path) -> None:
    assert engine.take()
    home = Home("http://here:1", "/usr/bin/python3", "/scratch", "d", lambda *_: TICKET, NoBook())
    other = SlurmEngine(Slurm(), home, Spool(tmp_path / "attempts"), Repositories(tmp_path))
    assert not other.take()

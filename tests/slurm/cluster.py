"""A real Slurm cluster of two nodes on this machine's loopback: munged, slurmctld and two slurmd."""

import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.machine import free_port

NODES = ("n1", "n2")
CPUS, GPUS = 4, 2
KINDS = {"n1": "gpu", "n2": "gpu:h100"}
"""What the GPUs of each node are called."""
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
PATH = os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/sbin"])
PATIENCE_SECONDS = 90.0
CONFIGURATION = """\
ClusterName=yard
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=30
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=2000 Gres=gpu:{gpus}
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus} RealMemory=2000 Gres=gpu:h100:{gpus}
PartitionName=main Nodes=ALL Default=YES MaxTime=10-0 State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be started here; None when one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"Slurm is not installed ({', '.join(missing)}): apt install slurmctld slurmd slurm-client munge"
    return None if os.getuid() == 0 else "a cluster of its own is started as root"


@dataclass
class Cluster:
    """The folder of a cluster, and the processes that are it."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return PATH

    @property
    def variables(self) -> Mapping[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *argv: str, stdin: str = "") -> str:
        """What one of Slurm's programs prints."""
        env = {"PATH": PATH, "LC_ALL": "C.UTF-8", **self.variables}
        done = subprocess.run(argv, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def start(self) -> None:
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (self.folder / "munge.key").chmod(0o400)
        for name in ("state", *NODES):
            (self.folder / name).mkdir()
        self._configure()
        self._make_gpus()
        paths = [f"--{name}={self.folder}/munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
        self._run("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key", *paths)
        until((self.folder / "munge.socket").exists, "munged")
        self._run("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        until(self._is_idle, "two idle nodes")

    def start_node(self, node: str) -> None:
        self._run("slurmd", "-D", "-N", node, name=node)

    def stop(self) -> None:
        """End every process of the cluster, and whatever its jobs have left running."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        kill_all(self._belonging())

    def kill_node(self, node: str) -> None:
        """What a power cut does: all processes of a node are gone at once, and it answers no more."""
        steps = self._steps(node)
        self.processes[node].kill()
        self.processes[node].wait()
        kill_all(steps)

    @contextmanager
    def cut_off(self, node: str) -> Iterator[None]:
        """A node whose daemons Slurm cannot reach meanwhile, while its jobs run on."""
        stopped = [self.processes[node].pid, *self._stewards(node)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _stewards(self, node: str) -> Iterator[int]:
        """The daemon of each job on a node, which is the parent of its agent."""
        parents = dict(_parents())
        agents = self._belonging(f"SLURMD_NODENAME={node}")
        return (pid for pid in {parents[agent] for agent in agents if agent in parents} - agents if pid > 1)

    def tell(self, node: str, state: str, reason: str = "") -> None:
        """Set the state of a node, as an administrator does, or a node that is silent too long."""
        self.ask("scontrol", "update", f"NodeName={node}", f"State={state}", *([f"Reason={reason}"] if reason else []))

    def is_withheld(self, node: str) -> bool:
        state = self.ask("sinfo", "--noheader", f"--nodes={node}", "--format=%t").split()[0]
        return state.rstrip("*") in {"down", "drain", "drng", "fail"}

    def _run(self, *argv: str, name: str = "") -> None:
        env = {"PATH": PATH, **self.variables}
        with (self.folder / f"{name or argv[0]}.out").open("ab") as out:
            self.processes[name or argv[0]] = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def _configure(self) -> None:
        text = CONFIGURATION.format(
            host=socket.gethostname(), folder=self.folder, ports=[free_port() for _ in range(3)], cpus=CPUS, gpus=GPUS
        )
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        gres = []
        for node in NODES:
            kind = KINDS[node].partition(":")[2]
            files = f"File={self.folder}/gpus/{node}/nvidia[0-{GPUS - 1}]"
            gres.append(f"NodeName={node} Name=gpu {f'Type={kind} ' if kind else ''}{files}\n")
        (self.folder / "gres.conf").write_text("".join(gres), encoding="utf-8")

    def _make_gpus(self) -> None:
        """Character devices whose names end in a digit are all that Slurm wants of a GPU."""
        for node in NODES:
            (self.folder / "gpus" / node).mkdir(parents=True)
            for number in range(GPUS):
                path = self.folder / "gpus" / node / f"nvidia{number}"
                os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))

    def _is_idle(self) -> bool:
        for name, process in self.processes.items():
            log = (self.folder / f"{name}.out").read_text(errors="replace")
            assert process.poll() is None, f"{name} ended: {log}"
        if not (self.folder / "slurmctld.pid").exists():
            return False
        return self.ask("sinfo", "--noheader", "--Node", "--format=%t").split() == ["idle"] * len(NODES)

    def _belonging(self, mark: str = "") -> set[int]:
        """The processes that run in this cluster, by its configuration in their environment."""
        wanted = {f"SLURM_CONF={self.folder}/slurm.conf".encode()} | ({mark.encode()} if mark else set())
        return {pid for pid, environment in _environments() if wanted <= environment}

    def _steps(self, node: str) -> set[int]:
        """What the jobs of a node have started; most of it has another environment, and is found by its parents."""
        parents = dict(_parents())
        found = self._belonging(f"SLURMD_NODENAME={node}")
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found


@contextmanager
def open_cluster() -> Iterator[Cluster]:
    """A cluster with two idle nodes; nothing of it runs afterwards."""
    with tempfile.TemporaryDirectory(prefix="yard-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def until(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


def kill_all(pids: Sequence[int] | set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _environments() -> Iterator[tuple[int, set[bytes]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):
                yield int(entry.name), set((entry / "environ").read_bytes().split(b"\0"))


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])

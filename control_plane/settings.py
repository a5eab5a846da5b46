"""What a control-plane process is told: its arguments, its environment, and the secrets in its data directory."""

import argparse
import contextlib
import math
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from control_plane.db.identities import Keys
from control_plane.provider_settings import add_provider, provider_of
from control_plane.registry.rules.relying import Client
from control_plane.repos.fetching import Remotes
from control_plane.scheduler.keeping import GIB, Keeping

PROGRAMS = ("sbatch", "squeue", "scontrol", "scancel")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ADMIN_TOKEN_VARIABLES = ("SWITCHYARD_ADMIN_TOKEN", "EDEN_ADMIN_TOKEN")


@dataclass(frozen=True)
class Cluster:
    """A Slurm cluster, and what its nodes are told of us."""

    public_url: str
    """Where the nodes reach the control plane."""
    partition: str | None = None
    python: str = sys.executable
    """On every node, a Python that has Switchyard."""
    scratch: str = "/tmp/switchyard"  # noqa: S108 - the agent makes it its user's own
    variables: Mapping[str, str] = field(default_factory=dict)
    """For Slurm's programs."""


@dataclass(frozen=True)
class Settings:
    """One process's share of a deployment."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8091
    database_url: str | None = None
    admin_token: str | None = None
    web_url: str | None = None
    own_url: str | None = None
    """Where commands on this machine reach the API, once that is known."""
    experiment_id: str | None = None
    experiment_config: Path | None = None
    cpu_slots: int = 1
    visible_gpus: str | None = None
    reserved_gpus: tuple[str, ...] = ()
    """UUIDs, or numbers, of GPUs and slices that no job gets."""
    foreign_mib: float = 256.0
    """A GPU on which processes of others hold more than this is not given out."""
    runs_api: bool = True
    runs_orchestrator: bool = False
    runs_scheduler: bool = False
    ends_attempts: bool = False
    checks_credentials: bool = True
    """False for harnesses, on loopback alone: everybody is believed and let through every gate."""
    upload_retention_seconds: float = 7 * 24 * 3600.0
    """How long an upload that nothing cites is kept."""
    largest_checkpoint_bytes: int = 64 * 1024**3
    """How large an archive may be that somebody sends."""
    keeping: Keeping = field(default_factory=Keeping)
    """How long and how much of the files of jobs is kept."""
    cgroup: Path | None = None
    """The control group to make those of attempts in; None is this process's own."""
    lease_seconds: float = 30.0
    """How long a lease on an experiment lasts; the same for every process of the deployment."""
    cluster: Cluster | None = None
    """Where attempts run; None is this machine."""
    remotes: Remotes = field(default_factory=Remotes)
    """Where the files of new experiments may be fetched from."""
    examples: Path = EXAMPLES
    provider: Client | None = None
    """The OpenID Connect provider that people sign in with; None where with none."""
    task_store_url: str | None = None
    """Where registered experiments are that are not in this database; None where there are none."""

    @property
    def url(self) -> str:
        """The database: the one that was named, else the file of the data directory."""
        return self.database_url or f"sqlite:///{self.data / 'switchyard.db'}"

    @property
    def attempts(self) -> Path:
        """Where attempts leave their files."""
        return self.data / "attempts"

    def keys(self) -> Keys:
        """The deployment's secrets, made on first use."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        token = self.admin_token or kept_secret(self.data / "admin-token")
        return Keys(token, kept_secret(self.data / "pepper").encode(), are_off=not self.checks_credentials)


def kept_secret(path: Path) -> str:
    """The secret in a file that only its owner reads; made when missing, one and the same for all who ask at once."""
    if not path.exists():
        draft = _draft(path, secrets.token_urlsafe(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def write_secret(path: Path, text: str) -> None:
    """Replace a file that only its owner reads."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    """A complete file beside another, on disk before it gets that one's name."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(draft)


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m control_plane", description="The control plane alone.")
    parser.add_argument("--data", type=Path, default=Path(".switchyard"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--database-url", default=environ.get("SWITCHYARD_DATABASE_URL"))
    parser.add_argument("--admin-token-file", type=Path)
    parser.add_argument("--web-url", default=environ.get("SWITCHYARD_WEB_URL"))
    parser.add_argument("--experiment-id")
    parser.add_argument("--experiment-config", type=Path)
    parser.add_argument("--cpu-slots", type=int, default=len(os.sched_getaffinity(0)))
    reserved = (environ.get("SWITCHYARD_RESERVE_GPUS") or "").replace(",", " ").split()
    parser.add_argument("--reserve-gpu", action="append", default=reserved, metavar="UUID-or-number")
    parser.add_argument("--foreign-mib", type=mebibytes, default=environ.get("SWITCHYARD_FOREIGN_MIB") or "256")
    parser.add_argument("--orchestrator", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--scheduler", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--api", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--end-attempts", action="store_true", help="end running attempts when this process stops")
    parser.add_argument("--keep-uploads-hours", type=hours, default=environ.get("SWITCHYARD_KEEP_UPLOADS_HOURS", "168"))
    parser.add_argument("--checkpoint-gib", type=float, default=environ.get("SWITCHYARD_CHECKPOINT_GIB", "64"))
    parser.add_argument("--lease-seconds", type=lease_seconds, default=environ.get("SWITCHYARD_LEASE_SECONDS", "30"))
    parser.add_argument("--engine", choices=("local", "slurm"), default=environ.get("SWITCHYARD_ENGINE", "local"))
    parser.add_argument("--public-url", type=http_url, default=environ.get("SWITCHYARD_PUBLIC_URL") or None)
    parser.add_argument("--slurm-partition", default=environ.get("SWITCHYARD_SLURM_PARTITION") or None)
    parser.add_argument("--slurm-python", default=environ.get("SWITCHYARD_SLURM_PYTHON") or sys.executable)
    parser.add_argument("--slurm-scratch", default=environ.get("SWITCHYARD_SLURM_SCRATCH") or Cluster.scratch)
    parser.add_argument("--task-store-url", type=http_url, default=environ.get("SWITCHYARD_TASK_STORE_URL") or None)
    _add_keeping(parser, environ)
    add_provider(parser, environ)
    parser.add_argument("--auth", choices=("on", "off"), default="on", help="off: believe every caller; loopback only")
    return parser


def _add_keeping(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """What is kept of jobs: logs and reports so many days and bytes, checkpoints up to a size for each job."""
    days, size = environ.get("SWITCHYARD_KEEP_LOGS_DAYS"), environ.get("SWITCHYARD_KEEP_LOGS_GIB")
    parser.add_argument("--keep-logs-days", type=amount, default=days or "30")
    parser.add_argument("--keep-logs-gib", type=amount, default=size or "50")
    each = environ.get("SWITCHYARD_JOB_CHECKPOINTS_GIB")
    parser.add_argument("--job-checkpoints-gib", type=amount, default=each or "50")
    parser.add_argument("--cgroup", type=Path, default=environ.get("SWITCHYARD_CGROUP") or None)


def _keeping(given: argparse.Namespace) -> Keeping:
    return Keeping(given.keep_logs_days, int(given.keep_logs_gib * GIB), int(given.job_checkpoints_gib * GIB))


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings of a command line."""
    parser = _parser(environ)
    given = parser.parse_args(argv)
    if given.auth == "off" and not is_loopback(given.host):
        parser.error(f"--auth off believes every caller, so it listens on loopback only, not on {given.host}")
    cluster = _cluster(parser, given, environ)
    return Settings(
        data=given.data.absolute(),
        host=given.host,
        port=given.port,
        database_url=given.database_url,
        admin_token=_admin_token(given.admin_token_file, environ),
        web_url=given.web_url,
        experiment_id=given.experiment_id,
        experiment_config=given.experiment_config,
        cpu_slots=max(1, given.cpu_slots),
        visible_gpus=environ.get("CUDA_VISIBLE_DEVICES"),
        reserved_gpus=tuple(given.reserve_gpu),
        foreign_mib=given.foreign_mib,
        runs_api=given.api,
        runs_orchestrator=given.orchestrator,
        runs_scheduler=given.scheduler,
        ends_attempts=given.end_attempts and cluster is None,  # a cluster works on while we are away
        checks_credentials=given.auth == "on",
        upload_retention_seconds=3600.0 * given.keep_uploads_hours,
        largest_checkpoint_bytes=int(given.checkpoint_gib * 1024**3),
        keeping=_keeping(given),
        cgroup=given.cgroup,
        lease_seconds=given.lease_seconds,
        task_store_url=given.task_store_url,
        remotes=Remotes.told(environ),
        cluster=cluster,
        provider=provider_of(parser, given),
    )


def _cluster(parser: argparse.ArgumentParser, given: argparse.Namespace, environ: Mapping[str, str]) -> Cluster | None:
    """The cluster of a process that schedules onto one."""
    if given.engine != "slurm" or not given.scheduler:
        return None
    if given.public_url is None:
        parser.error("--engine slurm needs --public-url: the address at which the nodes reach the control plane")
    missing = next((name for name in PROGRAMS if shutil.which(name) is None), None)
    if missing is not None:
        parser.error(f"--engine slurm needs {missing}, which this machine lacks (on Debian: apt install slurm-client)")
    variables = {name: value for name, value in environ.items() if name.startswith("SLURM_")}
    return Cluster(given.public_url, given.slurm_partition, given.slurm_python, given.slurm_scratch, variables)


def lease_seconds(text: str) -> float:
    """A duration that leaves time to renew, and that somebody may wait for."""
    seconds = float(text)
    if not 1 <= seconds <= 86_400:
        raise ValueError("a lease lasts between a second and a day")
    return seconds


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def hours(text: str) -> float:
    """At least one: what is deposited now must not be gone before it is cited."""
    given = float(text)
    if not 1 <= given < math.inf:
        raise ValueError("uploads are kept for an hour or more")
    return given


def mebibytes(text: str) -> float:
    """An amount of memory."""
    given = float(text)
    if not 0 <= given < math.inf:
        raise ValueError("an amount of memory in MiB is 0 or more")
    return given


def amount(text: str) -> float:
    """A number of days or of GiB; none is never meant."""
    given = float(text)
    if not 0 < given < 1e6:
        raise ValueError("give a number above zero")
    return given


def http_url(text: str) -> str:
    """The address of a server."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("the address of a server begins with http:// or https://")
    return text


def _admin_token(file: Path | None, environ: Mapping[str, str]) -> str | None:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return next((environ[name] for name in ADMIN_TOKEN_VARIABLES if environ.get(name)), None)


def from_process(argv: Sequence[str]) -> Settings:
    """The settings of this process."""
    return parse(argv, os.environ)

"""What a control-plane process is told: its arguments, its environment, and the secrets in its data directory."""

import argparse
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from control_plane.db.identities import Keys

ADMIN_TOKEN_VARIABLES = ("SWITCHYARD_ADMIN_TOKEN", "EDEN_ADMIN_TOKEN")


@dataclass(frozen=True)
class Settings:
    """One process's share of a deployment."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8091
    database_url: str | None = None
    admin_token: str | None = None
    web_url: str | None = None
    experiment_id: str | None = None
    experiment_config: Path | None = None
    cpu_slots: int = 1
    visible_gpus: str | None = None
    runs_api: bool = True
    runs_orchestrator: bool = False
    runs_scheduler: bool = False
    ends_attempts: bool = False

    @property
    def url(self) -> str:
        """The database: the one that was named, else the file of the data directory."""
        return self.database_url or f"sqlite:///{self.data / 'switchyard.db'}"

    def keys(self) -> Keys:
        """The deployment's secrets, made on first use."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        token = self.admin_token or kept_secret(self.data / "admin-token")
        return Keys(token, kept_secret(self.data / "pepper").encode())


def kept_secret(path: Path) -> str:
    """The secret in a file that only its owner reads; a new one when there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    secret = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    return secret


def write_secret(path: Path, text: str) -> None:
    """Replace a file that only its owner reads."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings of a command line."""
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
    parser.add_argument("--orchestrator", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--scheduler", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--api", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--end-attempts", action="store_true", help="end running attempts when this process stops")
    given = parser.parse_args(argv)
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
        runs_api=given.api,
        runs_orchestrator=given.orchestrator,
        runs_scheduler=given.scheduler,
        ends_attempts=given.end_attempts,
    )


def _admin_token(file: Path | None, environ: Mapping[str, str]) -> str | None:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return next((environ[name] for name in ADMIN_TOKEN_VARIABLES if environ.get(name)), None)


def from_process(argv: Sequence[str]) -> Settings:
    """The settings of this process."""
    return parse(argv, os.environ)

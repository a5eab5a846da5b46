"""What a console process is told: its arguments, its environment, and the secrets in its data directory."""

import argparse
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """One console."""

    data: Path
    control_plane_url: str
    store_url: str
    credential_file: Path
    """Holds `worker_id:token` of this console's deployment worker, which is in the group consoles; read again when the
    control plane refuses what it held."""
    host: str = "127.0.0.1"
    port: int = 8090
    cookie_key: str = ""
    is_https: bool = False
    templates: Path = ROOT / "templates"
    static: Path = ROOT / "static"


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings of a command line."""
    parser = argparse.ArgumentParser(prog="python -m web_ui", description="The web console alone.")
    parser.add_argument("--data", type=Path, default=Path(".switchyard"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument(
        "--control-plane-url", default=environ.get("SWITCHYARD_CONTROL_PLANE_URL", "http://127.0.0.1:8091")
    )
    parser.add_argument("--store-url", default=environ.get("SWITCHYARD_STORE_URL"))
    parser.add_argument("--credential-file", type=Path)
    parser.add_argument("--https", action="store_true", help="set when a proxy serves this console over https")
    given = parser.parse_args(argv)
    data = given.data.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Settings(
        data=data,
        control_plane_url=given.control_plane_url.rstrip("/"),
        store_url=(given.store_url or given.control_plane_url).rstrip("/"),
        credential_file=given.credential_file or data / "console-token",
        host=given.host,
        port=given.port,
        cookie_key=environ.get("SWITCHYARD_COOKIE_KEY") or kept_key(data / "cookie-key"),
        is_https=given.https,
    )


def kept_key(path: Path) -> str:
    """The key that signs this deployment's cookies; a new one when there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    key = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key + "\n")
    return key


def from_process(argv: Sequence[str]) -> Settings:
    """The settings of this process; what its surroundings tell git, a hook's GIT_DIR for one, is not meant for us."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    return parse(argv, os.environ)

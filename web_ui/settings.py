"""What a console process is told: its arguments, its environment, and the secrets in its data directory."""

import argparse
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CREDENTIALS = "console-credentials.json"


@dataclass(frozen=True)
class Own:
    """What a console is told that signs its one operator in by itself and holds the operator's credentials.

    It needs nothing of the server but the protocol.
    """

    credential_file: Path
    """`{experiment_id: "worker_id:token"}` as JSON, or with an experiment named the bare `worker_id:token`."""
    experiment_id: str | None = None
    """The one experiment of this console; without one, those that the control plane lists."""
    admin_token_file: Path | None = None
    """The bare admin token: with it the console registers its operator, and serves the registry's pages."""
    operator: str = "Operator"
    config: Path | None = None
    """The config of the experiment, or a directory with `<experiment_id>.yaml` for each."""
    repository: str | None = None
    """Where the experiment's git repository is; `{experiment_id}` stands for the id."""


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
    provider: str = ""
    """What people call the OpenID Connect provider that the control plane knows; empty where there is none."""
    own: Own | None = None
    reading_seconds: float = 8.0
    """How long a page waits for a server that does not answer."""
    wants_link: bool = False
    """Print another sign-in link of a console with an operator of its own, and end."""


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings of a command line."""
    given = _parser(environ).parse_args(argv)
    data = given.data.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_single = given.experiment_id is not None and given.store_url is not None
    settings = Settings(
        data=data,
        control_plane_url=(given.store_url if is_single else given.control_plane_url).rstrip("/"),
        store_url=(given.store_url or given.control_plane_url).rstrip("/"),
        credential_file=given.credential_file or data / "console-token",
        host=given.host,
        port=given.port,
        cookie_key=environ.get("SWITCHYARD_COOKIE_KEY") or kept_key(data / "cookie-key"),
        is_https=given.https,
        provider=given.oidc_name.strip(),
        wants_link=given.sign_in_link,
    )
    is_own = given.experiment_id or given.admin_token_file or holds_several(given.credential_file)
    return replace(settings, own=_own(given, data)) if is_own else settings


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
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
    parser.add_argument(
        "--oidc-name",
        default=environ.get("SWITCHYARD_OIDC_NAME") or "",
        help="what people call the OpenID Connect provider that the control plane was told of: offer it",
    )
    own = parser.add_argument_group("on any server of the protocol, with an operator of its own")
    own.add_argument("--experiment-id", help="show this experiment alone")
    own.add_argument("--admin-token-file", type=Path, help="register and reissue with the server's admin token")
    own.add_argument("--operator-name", default="Operator", help="what the operator's worker is called")
    own.add_argument("--experiment-config", type=Path, help="its config, or a directory of <experiment_id>.yaml")
    own.add_argument("--repository", help="its git repository, with {experiment_id} in it for several")
    own.add_argument("--sign-in-link", action="store_true", help="print another link to sign in with, and end")
    return parser


def _own(given: argparse.Namespace, data: Path) -> Own:
    return Own(
        credential_file=given.credential_file or data / CREDENTIALS,
        experiment_id=given.experiment_id,
        admin_token_file=given.admin_token_file,
        operator=given.operator_name,
        config=given.experiment_config,
        repository=_absolute(given.repository),
    )


def _absolute(repository: str | None) -> str | None:
    """An address as it is; a path of this machine from the root on, since git is run elsewhere."""
    return repository if repository is None or "://" in repository else str(Path(repository).absolute())


def holds_several(credential_file: Path | None) -> bool:
    """Whether a file holds credentials by experiment, and not the one of our own control plane's console."""
    if credential_file is None or not credential_file.is_file():
        return False
    return credential_file.read_text(encoding="utf-8").lstrip().startswith("{")


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

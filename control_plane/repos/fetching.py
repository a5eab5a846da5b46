"""Files of a repository elsewhere: fetched over the network alone, from where that is allowed, within limits."""

import ipaddress
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from control_plane.edge import disk
from control_plane.repos.git import Git
from control_plane.repos.refusals import GitFailed, SeedRefused
from control_plane.repos.sources import SeedLimits
from store_client.errors import BadRequest

PORTS: Mapping[str, int] = {"https": 443, "http": 80}
OVER_SSH = frozenset({"ssh", "git+ssh", "ssh+git"})
SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+):(?!//)(?P<path>[\w./~-]+)", re.ASCII)
"""`git@host:path`, which git takes for ssh."""
REVISION = re.compile(r"[\w][\w./-]{0,199}", re.ASCII)
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
LIMITED = 'ulimit -f "$1"; shift; exec "$@"'
"""No file that git writes grows beyond so many blocks."""
BLOCK_BYTES = 512
REMARKS = 300


@dataclass(frozen=True)
class Remotes:
    """Where may be fetched from, how long and how much; `inside` are hosts that need not be on the public internet."""

    schemes: frozenset[str] = frozenset({"https"})
    inside: frozenset[str] = frozenset()
    seconds: float = 60.0
    packed_bytes: int = 128 << 20
    limits: SeedLimits = field(default_factory=lambda: SeedLimits(total_bytes=512 << 20, files=20_000))

    @classmethod
    def told(cls, environ: Mapping[str, str]) -> "Remotes":
        """As the environment says: `SWITCHYARD_GIT_HOSTS` inside, and over `SWITCHYARD_GIT_SCHEMES`."""
        schemes = frozenset((environ.get("SWITCHYARD_GIT_SCHEMES") or "https").replace(",", " ").split())
        if odd := schemes - PORTS.keys():
            raise ValueError(f"SWITCHYARD_GIT_SCHEMES may name https and http, not {', '.join(sorted(odd))}")
        hosts = (environ.get("SWITCHYARD_GIT_HOSTS") or "").replace(",", " ").lower().split()
        return cls(schemes, frozenset(hosts))


@dataclass(frozen=True)
class Remote:
    """An address that was looked at, and the machine that it leads to: nowhere else is asked."""

    url: str
    host: str
    port: int
    machine: str

    @property
    def pinned(self) -> str:
        return f"{self.host}:{self.port}:{f'[{self.machine}]' if ':' in self.machine else self.machine}"


class Fetching:
    """Fetches one commit of a repository elsewhere; blocking."""

    def __init__(self, git: Git, remotes: Remotes | None = None) -> None:
        self._git, self._remotes = git, remotes or Remotes()

    def __call__(self, url: str, revision: str | None, target: Path) -> str:
        """Put the files of a commit into a folder that is there; the commit's id."""
        remote = find(url, self._remotes)
        if revision is not None and REVISION.fullmatch(revision) is None:
            raise BadRequest("a revision is a branch, a tag or a commit")
        with tempfile.TemporaryDirectory(prefix="fetched.") as folder:
            repository = Path(folder)
            self._git.run(repository, "init", "--quiet", "--bare", "--template=")
            self._fetch(repository, remote, revision or "HEAD")
            disk.must_hold(target, self._check(repository))
            commit = self._git.run(repository, "rev-parse", "FETCH_HEAD^{commit}").decode().strip()
            self._git.run(repository, "read-tree", commit)
            self._git.run(repository, "checkout-index", "--all", variables={"GIT_WORK_TREE": str(target)})
        return commit

    def _fetch(self, repository: Path, remote: Remote, revision: str) -> None:
        settings = {
            "http.followRedirects": "false", "http.curloptResolve": remote.pinned, "http.proxy": "",
            "credential.helper": "", "fetch.unpackLimit": "1", "core.askPass": "true",
        }  # fmt: skip
        told = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", remote.url, revision)
        blocks = str(self._remotes.packed_bytes // BLOCK_BYTES)
        command = ["/bin/sh", "-c", LIMITED, "sh", blocks, self._git.program, *told, *fetch]
        variables = {"GIT_DIR": str(repository), "GIT_ALLOW_PROTOCOL": ":".join(sorted(self._remotes.schemes))}
        self._run(command, self._git.environment() | variables, repository)

    def _run(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        """Run to its end, or end it and all that it started."""
        with subprocess.Popen(
            command, env=environment, cwd=folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                _, said = process.communicate(timeout=self._remotes.seconds)
            except subprocess.TimeoutExpired as error:
                os.killpg(process.pid, signal.SIGKILL)
                raise BadRequest(f"the repository did not arrive within {self._remotes.seconds:g} s") from error
        if process.returncode:
            raise BadRequest(f"the repository cannot be fetched: {_remark(said)}")

    def _check(self, repository: Path) -> int:
        """How many bytes it unfolds to; what does not fit is refused before: a small pack may hold a huge tree."""
        count = total = 0
        try:
            with self._git.reading(repository, "ls-tree", "-r", "-l", "FETCH_HEAD") as listed:
                for line in listed:
                    size = line.partition(b"\t")[0].split()[-1]
                    count, total = count + 1, total + (int(size) if size.isdigit() else 0)
                    self._must_fit(count, total)
        except GitFailed as error:
            raise BadRequest("what was fetched is no commit with files") from error
        return total

    def _must_fit(self, count: int, total: int) -> None:
        limits = self._remotes.limits
        if count > limits.files:
            raise SeedRefused("", f"the repository holds more than {limits.files:,} files")
        if total > limits.total_bytes:
            raise SeedRefused("", f"the repository holds more than {limits.total_bytes:,} bytes")


def find(url: str, remotes: Remotes) -> Remote:
    """Where an address leads; BadRequest when nothing is fetched from there."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise BadRequest("this is no address of a repository") from error
    _must_not_be_ssh(url, parts)
    allowed = " or ".join(f"{scheme}://" for scheme in sorted(remotes.schemes))
    if parts.scheme not in remotes.schemes or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise BadRequest(f"give the address of a repository that begins with {allowed}")
    if parts.username is not None or parts.password is not None:
        raise BadRequest("leave names and passwords out of the address: only what everybody may read is fetched")
    return Remote(url, host, port, _machine(host, port, remotes))


def _must_not_be_ssh(url: str, parts: SplitResult) -> None:
    """BadRequest for an address over ssh, with the one over https that most hosts have beside it."""
    short = SCP.fullmatch(url)
    if parts.scheme not in OVER_SSH and short is None:
        return
    host, path = (short["host"], short["path"]) if short else (parts.hostname or "HOST", parts.path)
    raise BadRequest(
        f"nothing is fetched over ssh, because this server holds no key: give https://{host}/{path.lstrip('/')}"[:300]
        + ", or upload an archive of the files where not everybody may read them (git archive makes one)"
    )


def _machine(host: str, port: int, remotes: Remotes) -> str:
    machines = _machines(host, port)
    if host not in remotes.inside and not all(map(_is_public, machines)):
        raise BadRequest(f"{host[:100]} leads to a machine inside; an administrator of this server may allow it")
    return machines[0]


def _machines(host: str, port: int) -> list[str]:
    """The addresses of a host; of an address, itself."""
    try:
        return [str(ipaddress.ip_address(host.partition("%")[0]))]
    except ValueError:
        pass  # it is a name
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadRequest(f"nobody knows the host {host[:100]}") from error
    return [str(one[4][0]).partition("%")[0] for one in found]


def _is_public(machine: str) -> bool:
    address = ipaddress.ip_address(machine)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return _is_public(str(inner))
        if address.teredo is not None or address in TRANSLATED:
            return False
    return address.is_global and not address.is_multicast


def _remark(said: bytes) -> str:
    """The last thing that git said, without what it says to people at a terminal."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return (lines[-1].removeprefix("fatal: ") if lines else "git said nothing")[:REMARKS]

"""A bare copy of an experiment's repository, fetched and pushed with the credentials of whoever runs this host."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from store_client.errors import Unreachable

TIMEOUT_SECONDS = 600.0
LIFTED = "+refs/heads/*:refs/heads/*"


class GitFailed(Unreachable):
    """Git did not do what it was asked, in its own words; the repository may be away."""


class Mirror:
    """Every branch of `origin`, an address or a path that git understands, in the folder `path`.

    `variables`, where there are some, are all that git finds in its environment beside its PATH.
    """

    def __init__(self, path: Path, origin: str, variables: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._variables = variables or {}
        self._origin = str(Path(origin).resolve()) if Path(origin).exists() else origin
        self._lock = asyncio.Lock()

    async def fetch(self) -> None:
        """Bring the copy up to date, or make it."""
        async with self._lock:
            if not (self.path / "HEAD").exists():
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                await _git("init", "--quiet", "--bare", str(self.path), variables=self._variables)
            await self._run("fetch", "--quiet", "--no-tags", self._origin, LIFTED)

    async def push(self, branch: str, under: str | None = None) -> None:
        """Publish a branch under its own name, or under another."""
        async with self._lock:
            await self._run("push", "--quiet", self._origin, f"refs/heads/{branch}:refs/heads/{under or branch}")

    async def start(self) -> str:
        """The commit that `main` stands on, where a server does not name the experiment's first."""
        return (await self._run("rev-parse", "--verify", "refs/heads/main^{commit}")).strip()

    async def _run(self, *arguments: str) -> str:
        return await _git(f"--git-dir={self.path}", *arguments, variables=self._variables)


async def _git(*arguments: str, variables: Mapping[str, str]) -> str:
    """What git prints. It has no terminal to ask questions on, so what it lacks makes it fail."""
    process = await asyncio.create_subprocess_exec(
        "git",
        "-c",
        "core.hooksPath=/dev/null",
        *arguments,
        env={"PATH": os.pathsep.join(os.get_exec_path()), **variables} if variables else None,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            out, said = await process.communicate()
    except TimeoutError as error:
        raise GitFailed(f"git did not end within {TIMEOUT_SECONDS:g} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise GitFailed(said.decode(errors="replace").strip()[-1000:] or f"git ended with {process.returncode}")
    return out.decode()

"""Our worker hosts on servers that speak the protocol alone."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from store_client.cli.work import Errand, here
from store_client.runner.host import Host, Pace
from store_client.runner.listener import Listener
from store_client.wire.experiments import ROLES, Role
from store_client.wire.variants import Variant
from tests.runner.houses import PATIENCE, SECONDS, config, is_alive, running
from tests.runner.peer_yard import Manner, PeerYard, Script, peer_yard, served

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _git_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


async def host(yard: PeerYard, role: Role, **changes: Any) -> Host:
    """A host as `switchyard work --repository … --config …` makes it."""
    store = yard.store(role)
    errand = Errand(
        role,
        yard.experiment.experiment_id,
        yard.data / "work",
        {**yard.config, **changes},
        repository=str(yard.repository),
    )
    return Host(
        store, role, await here(errand, store.bearer), Pace(look_seconds=1, renew_seconds=0.2, patience=PATIENCE)
    )


async def integrated(yard: PeerYard) -> Variant | None:
    found = await yard.store("script").list_variants()
    return next((variant for variant in found if variant.variant_commit_sha), None)


async def test_a_claim_that_an_operator_takes_ends_the_command(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"echo $$ >{pid}.new; mv {pid}.new {pid}; sleep 600"
    async with peer_yard(tmp_path / "data", "plain", config()) as yard:
        script, store = Script(yard.store("script")), yard.store("script")
        await script.task("ideation", yard.experiment.experiment_id)
        working = await host(yard, "ideator", ideation_command=command)
        async with running(working):

            async def runs() -> bool:
                return pid.exists()

            await yard.until(runs)
            working.is_claiming = False
            (task,) = await store.list_tasks("ideation")
            await store.reclaim_task(task.task_id, "operator")

            async def is_over() -> bool:
                return not working.is_busy

            await yard.until(is_over)
            assert not is_alive(int(pid.read_text()))
            assert (await store.read_task(task.task_id)).state == "pending"


@pytest.mark.parametrize("manner", ["plain", "liberal"])
async def test_three_hosts_bring_an_idea_to_an_integrated_variant(tmp_path: Path, manner: Manner) -> None:
    async with peer_yard(tmp_path / "data", manner, config()) as yard, AsyncExitStack() as stack:
        for role in ROLES:
            working = await host(yard, role)
            await stack.enter_async_context(running(working))
            await stack.enter_async_context(running(Listener(yard.store(role), working)))
        script = Script(yard.store("script"))
        await script.task("ideation", yard.experiment.experiment_id)

        async def look() -> Variant | None:
            await script.round()
            return await integrated(yard)

        variant: Variant = await yard.until(look)
        assert variant.evaluation == {"score": 1}
        assert variant.branch == f"work/{yard.tokens['executor'][0]}/{variant.variant_id}"
        assert tip(yard.repository, variant.branch) == variant.commit_sha


async def test_the_command_does_one_task_of_each_role_over_http_and_ends(tmp_path: Path) -> None:
    async with peer_yard(tmp_path / "data", "plain", config()) as yard, served(yard.app) as url:
        script = Script(yard.store("script"))
        await script.task("ideation", yard.experiment.experiment_id)
        (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(config()))
        for role in ROLES:
            assert await work(yard, url, role, "--config", str(tmp_path / "experiment.yaml")) == (0, "")
            await script.round()
        await script.round()
        variant = await integrated(yard)
        assert variant is not None
        assert variant.evaluation == {"score": 1}


async def test_what_a_peer_cannot_tell_is_asked_for_in_words(tmp_path: Path) -> None:
    async with peer_yard(tmp_path / "data", "plain", config()) as yard, served(yard.app) as url:
        missing = await work(yard, url, "evaluator", repository=None)
        assert missing[0] == 1
        assert "--repository" in missing[1]
        unknown = await work(yard, url, "evaluator")
        assert unknown[0] == 1
        assert "--command" in unknown[1]
        yard.tokens["evaluator"] = (yard.tokens["evaluator"][0], "a token of yesterday")
        assert (await work(yard, url, "evaluator"))[0] == 1


async def work(
    yard: PeerYard, url: str, role: Role, *options: str, repository: str | None = ""
) -> tuple[int | None, str]:
    """The exit status of `switchyard work --once`, and what it says to whoever typed it."""
    credential = yard.data / f"{role}-credential"
    credential.touch(0o600)
    credential.write_text(":".join(yard.tokens[role]))
    where = () if repository is None else ("--repository", str(yard.repository))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "store_client.cli", "work", "--role", role, "--once",
        "--experiment", yard.experiment.experiment_id, "--credential-file", str(credential),
        "--control-plane-url", url, "--data", str(yard.data / "own"), *where, *options,
        stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    async with asyncio.timeout(SECONDS):
        _, said = await process.communicate()
    logged = [line for line in said.decode().splitlines() if " INFO " not in line]
    return process.returncode, "\n".join(logged)


def tip(repository: Path, branch: str) -> str:
    command = ["git", f"--git-dir={repository}", "rev-parse", f"refs/heads/{branch}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

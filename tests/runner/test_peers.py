"""Our worker hosts on servers that speak the protocol alone."""

import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from store_client.cli.work import Errand, here
from store_client.runner.host import Host, Pace
from store_client.runner.listener import Listener
from store_client.wire.experiments import ROLES, Role
from store_client.wire.variants import Variant
from tests.runner.houses import PATIENCE, config, running
from tests.runner.peer_yard import Manner, PeerYard, Script, peer_yard


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
    return Host(store, role, await here(errand, store.bearer), Pace(look_seconds=1, patience=PATIENCE))


async def integrated(yard: PeerYard) -> Variant | None:
    found = await yard.store("script").list_variants()
    return next((variant for variant in found if variant.variant_commit_sha), None)


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


def tip(repository: Path, branch: str) -> str:
    command = ["git", f"--git-dir={repository}", "rev-parse", f"refs/heads/{branch}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

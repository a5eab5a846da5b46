"""`kill -9` of all, or of a part, at random moments of the loop: nothing is lost and nothing happens twice."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from store_client import ExperimentDetail, Status
from tests.acceptance import audit, processes
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import Recipe

LONG_ENOUGH = "n=0; while [ $n -lt 12 ]; do sleep 0.05; n=$((n + 1)); done"
"""An execution that a kill is likely to meet."""


class Chance:
    """Random moments of a running loop; the seed is printed, and shown with a failure."""

    def __init__(self, seed: int | None = None) -> None:
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        print(f"the moments are drawn with the seed {seed}")  # noqa: T201 - pytest shows it with a failure
        self._random = random.Random(seed)  # noqa: S311 - moments, not secrets

    def await_moment(self, deployment: Deployment) -> None:
        """Wait for one of the next events, or for part of a second more: whichever comes first."""
        some_events = deployment.position() + self._random.randrange(1, 14)
        deployment.client.read_deployment_log(some_events, self._random.uniform(0.05, 1.5))

    def choose(self, names: Sequence[str]) -> str:
        return self._random.choice(names)


def finish(deployment: Deployment, experiment: ExperimentDetail, seconds: float = 120) -> Any:
    """Let the experiment come to its end by its own policy, its last jobs end, and its last variant be integrated."""
    store = deployment.store(experiment)

    def is_over() -> bool:
        detail = store.read_experiment_detail()
        ended = detail.status is Status.COMPLETED and detail.counts.integrated == detail.counts.evaluated - 1
        open_jobs = store.list_experiment_jobs(is_open=True).items
        held = [task for task in store.list_tasks() if task.state in {"claimed", "submitted"}]
        return ended and not open_jobs and not held

    deployment.until(is_over, "the experiment ends by its policy", seconds)
    return store.read_experiment_detail()


def expect_order(deployment: Deployment, ended: ExperimentDetail, variants: int) -> None:
    """As many variants as the policy wants, each with a verdict; and the books without a fault."""
    counts = ended.counts
    assert (counts.variants, counts.evaluated, counts.integrated) == (variants + 1, variants + 1, variants)
    assert deployment.stop() == 0
    assert processes.of_directory(deployment.data) == {}
    assert audit.faults(f"sqlite:///{deployment.data / 'switchyard.db'}", deployment.data) == []


def kill_and_start(deployment: Deployment, chance: Chance, kills: int) -> None:
    """Each new life at once, and where the last one was."""
    for _ in range(kills):
        chance.await_moment(deployment)
        web, control_plane = (urlsplit(deployment.ready[part]).port or 0 for part in ("web", "control_plane"))
        dead = deployment.services.values()
        deployment.kill()
        deployment.up(ports=(web, control_plane))
        assert not any(map(processes.is_alive, dead))


def test_everything_is_killed_and_started_again(deployment: Deployment, tmp_path: Path) -> None:
    chance = Chance()
    experiment = deployment.up().create(Recipe(5, meanwhile=LONG_ENOUGH).write(tmp_path / "source"), "loop")
    kill_and_start(deployment, chance, 3)
    expect_order(deployment, finish(deployment, experiment), 5)


@pytest.mark.long
def test_fifty_kills_of_all_or_of_a_part_lose_nothing(deployment: Deployment, tmp_path: Path) -> None:
    chance, kills = Chance(), 50
    recipe = Recipe(3 * kills, meanwhile=LONG_ENOUGH)
    experiment = deployment.up().create(recipe.write(tmp_path / "source"), "loop")
    for _ in range(kills):
        part = chance.choose(("everything", "everything", "control plane", "worker host", "web UI"))
        chance.await_moment(deployment)
        if part == "everything":
            deployment.kill()
            deployment.up()
        else:
            kill_part(deployment, part)
    expect_order(deployment, finish(deployment, experiment, 1800), 3 * kills)


def kill_part(deployment: Deployment, part: str) -> None:
    """Kill a service, unless it is just being started again; then its number may be another's."""
    pid = deployment.services[part]
    if pid in processes.of_directory(deployment.data):
        processes.kill(pid)

"""Two orchestrator processes on one PostgreSQL: one decides for an experiment, the other once that one is gone."""

import sys
from pathlib import Path

import pytest

from store_client import ExperimentDetail, Lease
from tests.acceptance import audit
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import MANUAL, Recipe

pytestmark = pytest.mark.postgres


def need_not_wait(taken: Lease, lost: Lease) -> bool:
    """Whether a lease was taken before the one that was lost would have ended by itself."""
    return taken.acquired_at < lost.expires_at


def lease_on(deployment: Deployment, experiment: ExperimentDetail) -> Lease | None:
    lease: Lease | None = deployment.client.read_registry_entry(experiment.experiment_id).lease
    return lease


def test_a_second_orchestrator_takes_over_from_one_that_is_killed_or_stopped(
    deployment: Deployment, postgresql_url: str, tmp_path: Path
) -> None:
    database = ("--database-url", postgresql_url)
    deployment.run("serve", "--port", "0", *database)
    first = deployment.run("orchestrate", *database)
    experiment = deployment.create(Recipe(2, automation=MANUAL).write(tmp_path / "source"), "led")
    held = deployment.until(lambda: lease_on(deployment, experiment), "the first one leads")
    before = deployment.position()
    second = deployment.run("orchestrate", *database)
    deployment.event(before, "worker.registered", name="orchestrator-2")  # else it would take the name of the first one
    assert held is not None
    first.kill()
    lost = lease_on(deployment, experiment) or held

    def others() -> Lease | None:
        lease = lease_on(deployment, experiment)
        return lease if lease and lease.holder != held.holder else None

    taken = deployment.until(others, "the second one leads")
    assert taken is not None
    assert taken.lease_id != held.lease_id
    assert need_not_wait(taken, lost if lost.holder == held.holder else held)
    store = deployment.store(experiment)
    deployment.until(store.list_tasks, "it decides")
    deployment.parts.remove(first)
    third = deployment.run("orchestrate", *database)
    given_up = lease_on(deployment, experiment)
    assert given_up is not None
    assert second.stop() == 0

    def leads_again() -> Lease | None:
        lease = lease_on(deployment, experiment)
        return lease if lease and lease.holder == held.holder else None

    last = deployment.until(leads_again, "the third one leads")
    assert last is not None
    assert need_not_wait(last, given_up)
    assert third.stop() == 0
    assert lease_on(deployment, experiment) is None, "it was released"


@pytest.mark.long
def test_three_whole_control_planes_on_one_database_do_everything_once(
    deployment: Deployment, postgresql_url: str, tmp_path: Path
) -> None:
    """Each with its API, its orchestrator and its scheduler."""
    whole = [sys.executable, "-m", "control_plane", "--data", str(deployment.data), "--port", "0"]
    for _ in range(3):
        deployment._start([*whole, "--database-url", postgresql_url], has_ready_line=True)
    experiment = deployment.create(Recipe(4, meanwhile="sleep 0.2").write(tmp_path / "source"), "thrice")
    tokens = str(deployment.data / "runner-tokens.json")
    url = deployment.parts[0].ready["control_plane"]
    deployment.run_module("store_client.runner", "--control-plane", url, "--token-file", tokens)
    deployment.event(deployment.position(), "job.started")
    deployment.parts.pop(1).kill()
    store = deployment.store(experiment)
    deployment.until(lambda: store.read_experiment_detail().counts.integrated == 4, "four are integrated", 120)
    assert store.read_experiment_detail().counts.evaluated == 5
    deployment.stop()
    assert audit.faults(postgresql_url, deployment.data) == []

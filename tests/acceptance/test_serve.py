"""`switchyard serve` alone, and the processes of a deployment apart: on SQLite what is possible, on PostgreSQL all."""

import signal
from pathlib import Path

import pytest
import yaml

from store_client import ReservedIdentifier, StaticBearer
from tests.acceptance import audit, processes
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import MANUAL, Recipe

HOSTED = f"exp_{'0' * 25}1"
STOPPED = {0, -signal.SIGTERM}
"""A server that has stopped cleanly ends by the signal that asked it to."""


def test_serve_hosts_an_experiment_in_which_nobody_is_registered(deployment: Deployment, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(Recipe(automation=MANUAL).config()), encoding="utf-8")
    given = ("--experiment-id", HOSTED, "--experiment-config", str(config))
    part = deployment.run("serve", "--port", "0", *given)
    assert set(part.ready) == {"event", "control_plane"}
    store = deployment.store(HOSTED)
    assert store.list_workers().workers == ()
    assert store.list_groups().groups == ()
    assert store.list_tasks() == ()
    for name in ("admins", "orchestrators"):
        group = store.register_group(name)
        assert group.name == name
        with pytest.raises(ReservedIdentifier):
            store.register_group(name)
    worker = store.register_worker("Somebody")
    own = deployment.client.store(HOSTED, StaticBearer(worker.worker_id, worker.registration_token))
    assert own.whoami().worker_id == worker.worker_id
    assert deployment.stop() in STOPPED
    deployment.run("serve", "--port", "0", *given)
    assert [each.worker_id for each in deployment.store(HOSTED).list_workers().workers] == [worker.worker_id]


@pytest.mark.postgres
def test_on_postgresql_every_part_is_a_process_of_its_own(
    deployment: Deployment, postgresql_url: str, tmp_path: Path
) -> None:
    database = ("--database-url", postgresql_url)
    served = deployment.run("serve", "--port", "0", *database)
    deployment.run("orchestrate", *database)
    deployment.run("schedule", *database)
    experiment = deployment.create(Recipe(2).write(tmp_path / "source"), "apart")
    store = deployment.store(experiment)
    host = deployment.run_module(
        "store_client.runner",
        *("--control-plane", served.ready["control_plane"]),
        *("--token-file", str(deployment.data / "runner-tokens.json")),
    )
    deployment.until(lambda: store.read_experiment_detail().counts.integrated == 2, "two are integrated", 90)
    assert store.read_experiment_detail().counts.evaluated == 3
    host.kill()
    assert deployment.stop() in STOPPED
    assert processes.of_directory(deployment.data) == {}
    assert audit.faults(postgresql_url, deployment.data) == []

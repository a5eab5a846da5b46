"""`switchyard serve` alone, and the processes of a deployment apart: on SQLite what is possible, on PostgreSQL all."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from store_client import ReservedIdentifier, StaticBearer
from tests.acceptance import audit, processes
from tests.acceptance.deployment import Deployment, Part
from tests.acceptance.experiments import MANUAL, Recipe

HOSTED = f"exp_{'0' * 25}1"


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
    assert deployment.stop() == 0
    deployment.run("serve", "--port", "0", *given)
    assert [each.worker_id for each in deployment.store(HOSTED).list_workers().workers] == [worker.worker_id]


@pytest.mark.postgres
def test_on_postgresql_every_part_is_a_process_of_its_own_and_may_be_killed(
    deployment: Deployment, postgresql_url: str, tmp_path: Path
) -> None:
    database = ("--database-url", postgresql_url)
    served = deployment.run("serve", "--port", "0", *database)
    url = served.ready["control_plane"]
    others = {name: deployment.run(name, *database) for name in ("orchestrate", "schedule")}
    experiment = deployment.create(Recipe(4, meanwhile="sleep 0.3").write(tmp_path / "source"), "apart")
    tokens = str(deployment.data / "runner-tokens.json")
    deployment.run_module("store_client.runner", "--control-plane", url, "--token-file", tokens)
    for name, part in others.items():
        deployment.event(deployment.position(), "job.started")
        replace(deployment, part, name, *database)
    replace(deployment, served, "serve", "--port", str(urlsplit(url).port), *database)
    store = deployment.store(experiment)
    deployment.until(lambda: store.read_experiment_detail().counts.integrated == 4, "four are integrated")
    assert store.read_experiment_detail().counts.evaluated == 5
    assert deployment.stop() == 0
    assert processes.of_directory(deployment.data) == {}
    assert audit.faults(postgresql_url, deployment.data) == []


def replace(deployment: Deployment, part: Part, *arguments: str) -> None:
    """`kill -9`, and start it again."""
    part.kill()
    deployment.parts.remove(part)
    deployment.run(*arguments)

"""The first three minutes of a newcomer, as a proof."""

import time
from pathlib import Path

import pytest

from store_client import CreateExperiment
from tests.acceptance import audit, demo
from tests.acceptance.deployment import ROOT, Deployment
from tests.git.stock import Stock

READY_SECONDS = 5.0


@pytest.mark.long
def test_within_three_minutes_both_examples_evolve_and_one_beats_its_baseline(
    deployment: Deployment, tmp_path: Path
) -> None:
    began = time.monotonic()
    deployment.up("--examples")
    assert time.monotonic() - began < READY_SECONDS
    seen = demo.seconds_to_life(deployment, began)
    assert max(seen.values()) < demo.SIGHT_SECONDS
    left = demo.SIGHT_SECONDS - (time.monotonic() - began)
    deployment.until(lambda: any(demo.gain(one) > 0 for one in demo.summaries(deployment).values()), "a gain", left)
    for slug, summary in demo.summaries(deployment).items():
        branches = clone(deployment, summary.experiment_id, tmp_path / slug)
        assert [line for line in branches if line.startswith("origin/variant/")], slug
    assert deployment.stop() == 0
    assert audit.faults(f"sqlite:///{deployment.data / 'switchyard.db'}", deployment.data) == []


def clone(deployment: Deployment, experiment_id: str, directory: Path) -> list[str]:
    """The branches that a clone shows."""
    token = (deployment.data / "admin-token").read_text(encoding="utf-8").strip()
    host = deployment.ready["control_plane"].removeprefix("http://")
    git = Stock(directory.with_name("home"))
    git(
        "clone", "--quiet", f"http://admin:{token}@{host}/git/{experiment_id}.git", str(directory), cwd=directory.parent
    )
    return git("branch", "--remotes", "--format=%(refname:short)", cwd=directory).splitlines()


def test_the_smallest_example_runs_to_an_integrated_variant(deployment: Deployment) -> None:
    body = CreateExperiment(directory=str(ROOT / "examples" / "hello"), slug="hello")
    experiment = deployment.up().client.create_experiment(body)
    store = deployment.store(experiment)
    deployment.until(lambda: store.read_experiment_detail().counts.integrated, "a variant is integrated")
    assert store.read_experiment_detail().baseline is not None

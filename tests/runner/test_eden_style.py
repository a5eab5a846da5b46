"""A directory written for EDEN, unchanged: three roles, an idea with two parents, and both in what is integrated."""

import asyncio
import shutil
from pathlib import Path

import pytest

from store_client.roles.history import read_text
from store_client.wire.experiments import CreateExperiment, ExperimentDetail, Status
from store_client.wire.variants import VariantDetail
from tests.git.stock import Stock
from tests.runner.houses import House, running

SOURCE = Path(__file__).parent / "eden_style"
HEEDLESS = """#!/bin/sh
# Knows of no second parent, and commits nothing by itself.
cp .eden/idea.md "parts/$$.txt"
printf '{"status": "success"}' >"$EDEN_OUTPUT"
"""


async def run(house: House, directory: Path) -> tuple[ExperimentDetail, VariantDetail]:
    """The experiment once it has ended, and the variant that was made from two others."""
    body = CreateExperiment(directory=str(directory), name="EDEN style", slug="eden-style")
    experiment = await house.deployment.create_experiment(body)
    store = house.store(experiment)

    async def look() -> VariantDetail | None:
        detail = await store.read_experiment_detail()
        joined = [variant for variant in await store.list_variants() if len(variant.parent_commits) > 1]
        if detail.status is Status.COMPLETED and joined and joined[0].variant_commit_sha:
            return await store.read_variant_detail(joined[0].variant_id)
        return None

    async with running(house.automation()):
        found: VariantDetail = await house.until(look)
    return await store.read_experiment_detail(), found


@pytest.mark.parametrize(("is_heedless", "parts"), [(False, 4), (True, 3)], ids=["merges itself", "knows of one"])
async def test_an_idea_with_two_parents_is_made_from_both_judged_and_integrated(
    house: House, tmp_path: Path, is_heedless: bool, parts: int
) -> None:
    directory = tmp_path / "source"
    await asyncio.to_thread(shutil.copytree, SOURCE, directory)
    if is_heedless:
        (directory / "execute.sh").write_text(HEEDLESS)
    experiment, variant = await run(house, directory)
    assert variant.evaluation == {"parts": parts}
    notes = await read_text(house.store(experiment), str(variant.artifacts_uri))
    assert notes.count(".txt") == parts, "what it left beside its outcome"
    git = Stock(tmp_path / "home")
    repository = house.data / "repos" / f"{experiment.experiment_id}.git"
    parents = git("log", "-1", "--format=%P", str(variant.variant_commit_sha), cwd=repository).split()
    assert parents == list(variant.parent_commits)
    for parent in parents:
        git("merge-base", "--is-ancestor", parent, str(variant.commit_sha), cwd=repository)

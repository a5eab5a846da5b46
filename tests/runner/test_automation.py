"""Automatic roles, from the first idea to an integrated commit."""

import shutil

import yaml

from store_client.errors import Refused
from store_client.wire.tasks import TaskState
from store_client.wire.variants import VariantStatus
from tests.runner.houses import House, config, running


async def test_automatic_roles_take_an_experiment_from_nothing_to_an_integrated_commit(house: House) -> None:
    experiment = await house.experiment("whole")
    store = house.store(experiment)

    async def integrated() -> bool:
        return any(variant.variant_commit_sha for variant in await store.list_variants(VariantStatus.SUCCESS))

    async with running(house.automation()):
        await house.until(integrated)
    names = {worker.worker_id: worker.name for worker in (await store.list_workers()).workers}
    baseline, variant = sorted(await store.list_variants(), key=lambda variant: variant.kind is None)
    assert (baseline.kind, variant.evaluation) == ("baseline", {"score": 1})
    assert names[variant.executed_by or ""] == "auto-executor"
    assert names[variant.evaluated_by or ""] == "auto-evaluator"
    (idea,) = await store.list_ideas()
    assert idea.slug.startswith("try-")
    async with store.read_artifact(idea.artifacts_uri) as download:
        assert download.content_type.startswith("text/markdown")
        assert idea.slug == f"try-{(await download.read()).decode()}"


async def test_an_experiment_created_later_is_noticed(house: House) -> None:
    async with running(house.automation()):
        first = house.store(await house.experiment("first"))
        await house.until(first.list_ideas)
        second = house.store(await house.experiment("second"))
        await house.until(second.list_ideas)


async def test_an_experiment_is_noticed_after_another_ended(house: House) -> None:
    async with running(house.automation()):
        first = house.store(await house.experiment("first"))
        await house.until(first.list_ideas)
        await first.end_experiment()
        second = house.store(await house.experiment("second"))
        await house.until(second.list_ideas)


async def test_a_command_that_is_changed_is_the_one_that_the_next_task_runs(house: House) -> None:
    experiment = await house.experiment("mended", ideation_command="exit 1")
    store = house.store(experiment)

    async def failed() -> bool:
        return bool(await store.list_tasks("ideation", TaskState.FAILED))

    async with running(house.automation()):
        await house.until(failed)
        before = await store.read_config()
        text = yaml.safe_dump({**yaml.safe_load(before.text), "ideation_command": config()["ideation_command"]})
        assert (await store.change_config(text.replace("total: 1", "total: 2"), before.number)).number == 2
        await house.until(store.list_ideas)


async def test_a_role_by_hand_is_left_alone_until_it_is_automatic_again(house: House) -> None:
    experiment = await house.experiment("by-hand")
    store = house.store(experiment)
    await store.update_automation({"executor": "manual"})

    async def waiting() -> bool:
        done = await store.list_tasks("ideation", TaskState.COMPLETED)
        return bool(done) and bool(await store.list_tasks("execution", TaskState.PENDING))

    async def executed() -> bool:
        return bool(await store.list_tasks("execution", TaskState.COMPLETED))

    async with running(house.automation()):
        await house.until(waiting)
        assert not [job for job in (await store.list_experiment_jobs()).items if job.role == "executor"]
        await store.update_automation({"executor": "automatic"})
        await house.until(executed)


async def test_a_broken_experiment_does_not_stop_the_others(house: House) -> None:
    broken = await house.experiment("broken")
    shutil.rmtree(house.data / "repos" / f"{broken.experiment_id}.git")
    sound = house.store(await house.experiment("sound"))

    async def evaluated() -> bool:
        return any(variant.kind is None for variant in await sound.list_variants(VariantStatus.SUCCESS))

    async with running(house.automation()) as task:
        await house.until(evaluated)
        assert not task.done()


async def test_work_goes_on_after_the_server_was_away(house: House) -> None:
    experiment = await house.experiment("patient", evaluation_command="sleep 600")
    store = house.store(experiment)

    async def evaluating() -> bool:
        jobs = (await store.list_experiment_jobs(is_open=True)).items
        return any(job.role == "evaluator" and job.state == "running" for job in jobs)

    async with running(house.automation()):
        await house.until(evaluating)
        (job,) = [job for job in (await store.list_experiment_jobs(is_open=True)).items if job.role == "evaluator"]
        house.wire.is_cut = True
        await store.cancel_experiment_job(job.job_id)
        await house.until(lambda: ended(house, job.job_id))
        house.wire.is_cut = False
        submission = await house.until(lambda: submitted(house, job.task_id or "", experiment.experiment_id))
    assert submission["status"] == "evaluation_error"


async def ended(house: House, job_id: str) -> bool:
    return (await house.deployment.read_job(job_id)).state.is_final


async def submitted(house: House, task_id: str, experiment_id: str) -> dict[str, object] | None:
    try:
        return await house.deployment.store(experiment_id).read_submission(task_id)
    except Refused:
        return None

"""One host: what it submits for each end of a job, and what it does about its claim."""

from typing import Any

import pytest
import yaml

from store_client.client import StoreClient
from store_client.credentials import StaticBearer
from store_client.errors import NotFound
from store_client.runner.host import Host
from store_client.runner.listener import Listener
from store_client.wire.experiments import ExperimentDetail, Role
from store_client.wire.jobs import JobState
from store_client.wire.tasks import Target, Task, TaskState
from store_client.wire.variants import VariantStatus
from tests.runner.houses import TOLD, House, config, running

FAIL = "echo it broke; exit 3"
GIVE_UP = """printf '{"status": "error", "description": "cannot"}' >"$EDEN_OUTPUT" """
NOTHING = """printf '{"status": "success"}' >"$EDEN_OUTPUT" """
CHILDREN = "sleep 600 & sleep 600"
SHORT = {kind: {"timeout_seconds": 1} for kind in ("ideation", "execution", "evaluation")}


async def first_submission(house: House, experiment: ExperimentDetail, kind: Any) -> dict[str, Any]:
    """The first result that somebody submitted for a task of a kind."""
    store = house.store(experiment)

    async def look() -> dict[str, Any] | None:
        for task in await store.list_tasks(kind):
            if task.state not in {TaskState.PENDING, TaskState.CLAIMED}:
                try:
                    return await store.read_submission(task.task_id)
                except NotFound:
                    continue
        return None

    found: dict[str, Any] = await house.until(look)
    return found


async def log_of(store: StoreClient, uri: str) -> str:
    async with store.fetch_artifact(uri) as download:
        return (await download.read()).decode()


@pytest.mark.parametrize("command", [FAIL, "exit 0"])
async def test_an_ideator_that_fails_is_submitted_as_an_error_without_ideas(house: House, command: str) -> None:
    experiment = await house.experiment("mute", ideation_command=command)
    async with running(house.host(experiment, "ideator")):
        assert await first_submission(house, experiment, "ideation") == {"status": "error", "idea_ids": []}


async def test_a_host_that_nobody_told_of_another_command_runs_it_for_the_next_task(house: House) -> None:
    experiment = await house.experiment("mended", ideation_command="exit 1")
    store = house.store(experiment)
    async with running(house.host(experiment, "ideator")):
        await house.until(lambda: store.list_tasks("ideation", TaskState.FAILED))
        before = await store.read_config()
        config_now = yaml.safe_load(before.text) | {"ideation_command": config()["ideation_command"]}
        await store.change_config(yaml.safe_dump(config_now).replace("total: 1", "total: 2"), before.number)
        await house.until(store.list_ideas)


async def test_an_idea_on_an_unknown_commit_is_conceded_as_an_error(house: House) -> None:
    idea = f'{{"event": "idea", "slug": "lost", "content": "x", "parent_commits": ["{"a" * 40}"]}}'
    command = f"""read request; echo '{idea}'; echo '{{"event": "ideation-done"}}'"""
    experiment = await house.experiment("lost", ideation_command=command)
    async with running(house.automation()):
        await house.until(lambda: failed_execution_or_ideation(house.store(experiment)))


async def failed_execution_or_ideation(store: StoreClient) -> bool:
    return any(task.kind != "evaluation" for task in await store.list_tasks(state=TaskState.FAILED))


@pytest.mark.parametrize(
    ("changes", "in_log"),
    [
        ({"execution_command": FAIL}, "it broke"),
        ({"execution_command": GIVE_UP}, None),
        ({"execution_command": NOTHING}, None),
        ({"execution_command": CHILDREN, "resources": SHORT}, None),
    ],
    ids=["crash", "error", "no change", "timeout"],
)
async def test_an_execution_without_a_result_errors_its_variant(
    house: House, changes: dict[str, Any], in_log: str | None
) -> None:
    experiment = await house.experiment("fruitless", **changes)
    store = house.store(experiment)
    async with running(house.automation()):
        submission = await first_submission(house, experiment, "execution")
        assert submission["status"] == "error"
        variant = await house.until(lambda: errored(store, submission["variant_id"]))
    assert variant
    if in_log is not None:
        assert in_log in await log_of(store, submission["artifacts_uri"])


async def errored(store: StoreClient, variant_id: str) -> bool:
    return (await store.read_variant(variant_id)).status is VariantStatus.ERROR


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"evaluation_command": FAIL}, "evaluation_error"),
        ({"evaluation_command": GIVE_UP}, "error"),
        ({"evaluation_command": CHILDREN, "resources": SHORT}, "evaluation_error"),
    ],
    ids=["crash", "error", "timeout"],
)
async def test_an_evaluation_says_whose_fault_it_is(house: House, changes: dict[str, Any], status: str) -> None:
    experiment = await house.experiment("unmeasured", **changes)
    async with running(house.host(experiment, "evaluator")):
        assert (await first_submission(house, experiment, "evaluation"))["status"] == status


async def test_a_host_goes_on_with_the_job_that_an_earlier_one_left(house: House) -> None:
    release = house.data / "release"
    wait = f"until [ -e '{release}' ]; do sleep 0.05; done; cp .eden/idea.md idea.txt;"
    experiment = await house.experiment(
        "resumed", execution_command=wait + """printf '{"status": "success"}' >"$EDEN_OUTPUT" """
    )
    store = house.store(experiment)
    async with running(house.host(experiment, "ideator")), running(house.host(experiment, "executor")):
        await house.until(lambda: jobs_of(store, "executor", JobState.RUNNING))
    async with running(house.host(experiment, "executor")):
        release.touch()
        submission = await first_submission(house, experiment, "execution")
    assert submission["status"] == "success"
    assert len(await jobs_of(store, "executor")) == 1
    assert len([variant for variant in await store.list_variants() if variant.kind is None]) == 1


async def test_a_host_that_loses_its_claim_stops_and_discards(house: House) -> None:
    experiment = await house.experiment("taken", execution_command="sleep 600")
    store = house.store(experiment)
    async with running(house.host(experiment, "ideator")):
        host = house.host(experiment, "executor")
        host._claims = quick(host._claims)
        async with running(host):
            await house.until(lambda: jobs_of(store, "executor", JobState.RUNNING))
            host.is_claiming = False
            (task,) = await store.list_tasks("execution", TaskState.CLAIMED)
            await take_away(house, experiment, task.task_id)
            await house.until(lambda: jobs_of(store, "executor", JobState.CANCELLED))
    assert (await store.read_task(task.task_id)).state is TaskState.PENDING
    with pytest.raises(NotFound):
        await store.read_submission(task.task_id)


def quick(claims: Any) -> Any:
    """The same claims, renewed more often."""
    return type(claims)(claims.store, claims.kind, renew_seconds=0.2)


async def take_away(house: House, experiment: ExperimentDetail, task_id: str) -> None:
    """Reclaim a task as a worker of the experiment."""
    other = await a_worker(house, experiment, "Another")
    await other.reclaim_task(task_id, "operator")


async def a_worker(house: House, experiment: ExperimentDetail, name: str) -> StoreClient:
    registered = await house.store(experiment).register_experiment_worker(name)
    bearer = StaticBearer(registered.worker_id, registered.registration_token)
    return house.deployment.store(experiment.experiment_id, bearer)


async def jobs_of(store: StoreClient, role: Role, state: JobState | None = None) -> list[Any]:
    page = await store.list_experiment_jobs(state)
    return [job for job in page.items if job.role == role]


async def test_a_host_alone_is_told_of_tasks_by_its_listener(house: House) -> None:
    experiment = await house.experiment("told")
    store = house.store(experiment)
    await house.until(lambda: store.list_tasks("ideation"))
    host = house.host(experiment, "executor")
    host._pace = TOLD
    async with running(host), running(Listener(host._store, host)):
        await house.until(lambda: looked_in_vain(host))
        async with running(house.host(experiment, "ideator")):
            await house.until(lambda: jobs_of(store, "executor"))


async def looked_in_vain(host: Host) -> bool:
    return host._experiment is not None and not host.is_busy


async def test_a_host_leaves_a_task_that_is_meant_for_somebody_else(house: House) -> None:
    policy = {"kind": "fixed_total", "total": 2}
    experiment = await house.experiment("targeted", ideation_policy=policy)
    store = house.store(experiment)
    targeted, free = await house.until(lambda: two_tasks(store))
    boss = await a_worker(house, experiment, "Boss")
    (admins,) = (await store.list_experiment_groups("admins")).groups
    boss_id = (await boss.whoami()).worker_id
    await store.add_to_experiment_group(admins.group_id, boss_id)
    await boss.reassign_task(targeted.task_id, Target(kind="worker", id=boss_id), "mine")
    async with running(house.host(experiment, "ideator")):
        await house.until(lambda: is_completed(store, free.task_id))
    assert (await store.read_task(targeted.task_id)).state is TaskState.PENDING


async def two_tasks(store: StoreClient) -> tuple[Task, ...]:
    found = await store.list_tasks("ideation", TaskState.PENDING)
    return found if len(found) == 2 else ()


async def is_completed(store: StoreClient, task_id: str) -> bool:
    return (await store.read_task(task_id)).state is TaskState.COMPLETED

"""Who is in somebody else's experiment, changed with the server's admin token, and what its groups allow."""

import asyncio
import json

import httpx
import pytest

from store_client import ExperimentDetail, StaticBearer, TaskState, Unauthorized
from tests.web.foreign import Console, Foreign, slug
from tests.web.reading import page, part, rows, says, words
from tests.web.test_groups import offered
from tests.web.test_workers import shown, token_of
from tests.web.work import Worker


@pytest.fixture
async def one(foreign: Foreign) -> ExperimentDetail:
    return await foreign.world.experiment()


@pytest.fixture
async def console(foreign: Foreign) -> Console:
    """A console with the admin token and no worker yet."""
    return await foreign.console(admin_token_file=foreign.admin_token(), operator="Olga")


@pytest.fixture
async def browser(foreign: Foreign, one: ExperimentDetail, console: Console) -> httpx.AsyncClient:
    return await foreign.signed_in(console)


async def own_id(browser: httpx.AsyncClient, foreign: Foreign, one: ExperimentDetail) -> str:
    """The worker of the console's operator, who has been there."""
    assert (await browser.get(f"/e/{slug(one)}/")).status_code == 200
    (found,) = (await foreign.world.store(one.experiment_id).list_workers("Olga")).workers
    return found.worker_id


async def test_the_operator_is_registered_once_and_the_credential_kept_for_its_owner_alone(
    foreign: Foreign, one: ExperimentDetail, console: Console, browser: httpx.AsyncClient
) -> None:
    await asyncio.gather(*(browser.get(f"/e/{slug(one)}/{path}") for path in ("", "tasks", "ideas", "variants")))
    worker_id = await own_id(browser, foreign, one)
    kept = console.data / "console-credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())[one.experiment_id].startswith(f"{worker_id}:")
    again = await foreign.console(admin_token_file=foreign.admin_token(), operator="Olga")
    other = await foreign.signed_in(again)
    assert await own_id(other, foreign, one) == worker_id


async def test_a_credential_that_was_lost_is_reissued_and_nobody_notices(
    foreign: Foreign, one: ExperimentDetail, console: Console, browser: httpx.AsyncClient
) -> None:
    worker_id = await own_id(browser, foreign, one)
    before = json.loads((console.data / "console-credentials.json").read_text())[one.experiment_id]
    await foreign.world.store(one.experiment_id).reissue_credential(worker_id)
    assert (await browser.get(f"/e/{slug(one)}/tasks")).status_code == 200
    after = json.loads((console.data / "console-credentials.json").read_text())[one.experiment_id]
    assert after.partition(":")[0] == worker_id
    assert after != before


async def test_a_new_worker_has_a_token_that_is_shown_once(
    foreign: Foreign, one: ExperimentDetail, browser: httpx.AsyncClient
) -> None:
    root = f"/e/{slug(one)}/admin/workers"
    answer = await shown(browser, f"{root}/register", name="lab-gpu-3")
    worker_id, secret = token_of(answer)
    bearer = StaticBearer(worker_id, secret)
    assert (await foreign.world.deployment.store(one.experiment_id, bearer).whoami()).name == "lab-gpu-3"
    reissued = await shown(browser, f"{root}/{worker_id}/reissue")
    with pytest.raises(Unauthorized):
        await foreign.world.deployment.store(one.experiment_id, bearer).whoami()
    assert token_of(reissued)[0] == worker_id
    listed = await browser.get(root)
    assert "Last seen" not in says(listed)  # the protocol does not tell
    assert not page(listed).select("form[action$='/disable']")
    assert "lab-gpu-3" in {row[0].split()[0] for row in rows(part(listed, "workers"))}


async def test_groups_are_made_nested_emptied_and_deleted(
    foreign: Foreign, one: ExperimentDetail, browser: httpx.AsyncClient
) -> None:
    root, ada = f"/e/{slug(one)}/admin/groups", await Worker.of(foreign.world, one)
    for name in ("night shift", "everyone"):
        assert (await browser.post(f"{root}/create", data={"name": name})).status_code == 303
    ids = {group.name: group.group_id for group in (await ada.store.list_groups()).groups}
    for group, member in (("night shift", ada.worker_id), ("everyone", ids["night shift"])):
        added = await browser.post(f"{root}/{ids[group]}/add", data={"member_id": member})
        assert added.status_code == 303, says(added)
    assert "1 1 just now" in words(part(await browser.get(root), "groups"))
    everyone = await browser.get(f"{root}/{ids['everyone']}")
    assert rows(part(everyone, "everybody")) == [["Ada", "through night shift"]]
    assert "everyone (group)" in offered(await browser.get(f"{root}/{ids['night shift']}")).values()
    cycle = await browser.post(f"{root}/{ids['night shift']}/add", data={"member_id": ids["everyone"]})
    assert cycle.status_code == 422
    assert "everyone contains night shift. If night shift contained everyone" in says(cycle)
    await browser.post(f"{root}/{ids['night shift']}/remove", data={"member_id": ada.worker_id})
    await browser.post(f"{root}/{ids['everyone']}/delete")
    left = {group.name: group.members for group in (await ada.store.list_groups()).groups}
    assert left["night shift"] == ()
    assert "everyone" not in left


async def test_without_the_admin_token_the_registry_is_only_to_look_at(foreign: Foreign, one: ExperimentDetail) -> None:
    held = foreign.credentials({one.experiment_id: await foreign.worker(one)})
    bo = await foreign.signed_in(await foreign.console(experiment_id=one.experiment_id, credential_file=held))
    for path in ("workers", "groups"):
        answer = await bo.get(f"/e/{slug(one)}/admin/{path}")
        assert "This console holds no admin token of the server" in says(answer)
        assert not page(answer).select("main form[method=post]")
    refused = await bo.post(f"/e/{slug(one)}/admin/workers/register", data={"name": "sneaky"})
    assert refused.status_code == 403
    assert not (await foreign.world.store(one.experiment_id).list_workers("sneaky")).workers


async def test_who_is_in_admins_changes_the_dispatch_mode_and_others_do_not(
    foreign: Foreign, one: ExperimentDetail, browser: httpx.AsyncClient
) -> None:
    path, worker_id = f"/e/{slug(one)}/admin/dispatch", await own_id(browser, foreign, one)
    before = await browser.get(path)
    assert "You can add your own worker to admins under Groups" in says(before)
    assert not page(before).select("main form")
    assert (await browser.post(f"{path}/change", data={"decision": "integration", "mode": "manual"})).status_code == 403
    await become_admin(foreign, one, worker_id)
    changed = await browser.post(f"{path}/change", data={"decision": "integration", "mode": "manual"})
    assert changed.status_code == 303
    assert (await foreign.world.store(one.experiment_id).read_dispatch_mode()).integration == "manual"
    pressed = page(await browser.get(path)).select_one("[data-key=integration] [aria-pressed=true]")
    assert words(pressed) == "by hand"


async def test_who_is_in_admins_gives_tasks_to_others_and_ends_the_experiment(
    foreign: Foreign, one: ExperimentDetail, browser: httpx.AsyncClient
) -> None:
    ada, worker_id = await Worker.of(foreign.world, one), await own_id(browser, foreign, one)
    task = await ada.pending("ideation")
    path = f"/e/{slug(one)}/tasks/{task.task_id}"
    assert not page(await browser.get(path)).select("form[action$='/reassign']")
    await become_admin(foreign, one, worker_id)
    targets = {words(option) for option in page(await browser.get(path)).select("select[name=target] option")}
    assert {"anybody", "Ada", "Olga", "admins (group)"} <= targets
    given = await browser.post(f"{path}/reassign", data={"target": ada.worker_id, "reason": "she knows it"})
    assert given.status_code == 303
    target = (await ada.store.read_task(task.task_id)).target
    assert target is not None
    assert target.id == ada.worker_id
    missing = await browser.post(f"{path}/reassign", data={"target": "anybody"})
    assert "say who is to have it, and why" in says(await browser.get(missing.headers["location"]))
    ended = await browser.post(f"/e/{slug(one)}/end")
    assert ended.status_code == 303
    assert (await ada.store.read_state()).state == "terminated"
    assert "Ended: ended by Olga." in says(await browser.get(f"/e/{slug(one)}/"))


async def test_a_claim_of_somebody_else_is_taken_back(
    foreign: Foreign, one: ExperimentDetail, browser: httpx.AsyncClient
) -> None:
    ada = await Worker.of(foreign.world, one)
    task = await ada.claim("ideation")
    path = f"/e/{slug(one)}/tasks/{task.task_id}"
    assert "The claim on it ends" in says(await browser.get(path))
    assert (await browser.post(f"{path}/take-back")).status_code == 303
    assert (await ada.store.read_task(task.task_id)).state is TaskState.PENDING


async def become_admin(foreign: Foreign, one: ExperimentDetail, worker_id: str) -> None:
    store = foreign.world.store(one.experiment_id)
    (admins,) = (await store.list_groups("admins")).groups
    await store.add_to_group(admins.group_id, worker_id)

"""The deployment's own workers, groups and leases, looked at and changed by its administrators in the console."""

import httpx
import pytest

from store_client import ExperimentDetail, RegisterExperiment, StaticBearer, Unauthorized
from tests.web.reading import page, part, rows, says, words
from tests.web.test_groups import members, offered
from tests.web.test_workers import shown, token_of
from tests.web.world import World


async def test_administrators_manage_the_registry_of_the_deployment_as_themselves(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    """What the protocol keeps for the admin bearer is open to the administrators that are signed in."""
    answer = await shown(browser_of_admin, "/admin/workers/register", name="lab-gpu-3", labels="rack=7")
    worker_id, secret = token_of(answer)
    host = StaticBearer(worker_id, secret)
    assert (await world.deployment.store(hello.experiment_id, host).is_peer()) is False
    listed = await browser_of_admin.get("/admin/workers?q=rack")
    assert [row[0].split()[0] for row in rows(part(listed, "workers"))] == ["lab-gpu-3"]
    reissued = await shown(browser_of_admin, f"/admin/workers/{worker_id}/reissue")
    assert token_of(reissued)[0] == worker_id
    disabled = await browser_of_admin.post(f"/admin/workers/{worker_id}/disable")
    assert "lab-gpu-3 is disabled" in says(await browser_of_admin.get(disabled.headers["location"]))
    made = await browser_of_admin.post("/admin/groups/create", data={"name": "racks"})
    place = made.headers["location"]
    assert "lab-gpu-3 (disabled)" in offered(await browser_of_admin.get(place)).values()
    await browser_of_admin.post(f"{place}/add", data={"member_id": worker_id})
    assert members(await browser_of_admin.get(place))[0].startswith("lab-gpu-3")
    await browser_of_admin.post(f"{place}/remove", data={"member_id": worker_id})
    await browser_of_admin.post(f"{place}/delete")
    groups = await browser_of_admin.get("/admin/groups")
    assert "The group is deleted." in says(groups)
    assert {"admins", "consoles", "orchestrators", "runners"} == {
        words(link) for link in part(groups, "groups").select("a.key")
    }


async def test_the_services_of_the_deployment_get_no_token_from_the_console(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    details = (await world.deployment.list_deployment_worker_details()).workers
    services = [one for one in details if one.is_service]
    assert services
    listed = page(await browser_of_admin.get("/admin/workers"))
    for one in services:
        row = listed.select_one(f'[data-key="{one.worker_id}"]')
        assert row is not None
        assert not row.select("form")
        assert (await browser_of_admin.post(f"/admin/workers/{one.worker_id}/reissue")).status_code == 409
    assert (await browser_of_admin.get("/admin/workers")).status_code == 200  # the console's own is as it was


async def test_nobody_else_sees_the_registry_of_the_deployment(world: World, hello: ExperimentDetail) -> None:
    bo = await world.person("Bo")
    for path in ("/admin/workers", "/admin/groups", "/admin/leases", "/admin/token"):
        assert (await bo.get(path)).status_code == 403
    assert (await bo.post("/admin/groups/create", data={"name": "mine"})).status_code == 403
    assert "/admin/leases" not in (await bo.get("/")).text


async def test_what_has_ended_is_unregistered_and_stays_where_it_is(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    path = f"/admin/leases/experiments/{hello.experiment_id}/forget"
    assert path not in (await browser_of_admin.get("/admin/leases")).text
    refused = await browser_of_admin.post(path)
    assert "only a terminated experiment is unregistered" in says(
        await browser_of_admin.get(refused.headers["location"])
    )
    await world.store(hello.experiment_id).end_experiment()
    assert path in (await browser_of_admin.get("/admin/leases")).text
    done = await browser_of_admin.post(path)
    answer = await browser_of_admin.get(done.headers["location"])
    assert "is no longer registered" in says(answer)
    assert hello.experiment_id not in words(part(answer, "leases"))
    again = await browser_of_admin.post(path)
    assert "Nothing was changed" in says(await browser_of_admin.get(again.headers["location"]))
    assert (await browser_of_admin.get("/e/hello/")).status_code == 200


async def test_a_lease_is_shown_with_its_holder_and_ended_by_an_administrator(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    made = await world.deployment.register_deployment_worker("their orchestrator")
    (group,) = (await world.deployment.list_deployment_groups("orchestrators")).groups
    await world.deployment.add_to_deployment_group(group.group_id, made.worker_id)
    theirs = type(world.deployment)(world.deployment.transport, StaticBearer(made.worker_id, made.registration_token))
    entry = await world.deployment.register_experiment(
        RegisterExperiment(name="Far away", config_uri="https://example.org/config")
    )
    lease = await theirs.acquire_lease(hello.experiment_id, made.worker_id, "boot-1")
    answer = await browser_of_admin.get("/admin/leases")
    assert "1 experiment has somebody who decides." in says(answer)
    far, near = (
        words(part(answer, "leases").select_one(f'[data-key="{id_}"]'))
        for id_ in (entry.experiment_id, hello.experiment_id)
    )
    assert "free for whoever asks first" in far
    assert "elsewhere, not asked yet" in far
    assert "their orchestrator for " in near
    assert "instance boot-1" in near
    ended = await browser_of_admin.post(f"/admin/leases/{lease.lease_id}/end")
    told = says(await browser_of_admin.get(ended.headers["location"]))
    assert "The lease on Hello is free for whoever asks first." in told
    assert not page(await browser_of_admin.get("/admin/leases?q=hello")).select("form[action$='/end']")
    again = await theirs.acquire_lease(hello.experiment_id, made.worker_id, "boot-2")
    stale = await browser_of_admin.post(f"/admin/leases/{lease.lease_id}/end")
    assert "replaced by another one already" in says(await browser_of_admin.get(stale.headers["location"]))
    assert (await theirs.list_leases(made.worker_id)).leases == (again,)
    await world.deployment.reissue_deployment_credential(made.worker_id)
    with pytest.raises(Unauthorized):
        await theirs.list_leases(made.worker_id)

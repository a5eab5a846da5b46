"""Leases over HTTP (protocol §11.4, §11.5), in process and live, on both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from store_client.wire.scalars import format_time, parse_time
from tests.wire.control_desk import ControlDesk
from tests.wire.live import ADMIN_TOKEN
from tests.wire.store_app import WireApp

UNKNOWN = f"exp_{'0' * 26}"
LEASE_KEYS = {
    "lease_id", "experiment_id", "holder", "holder_instance", "acquired_at", "expires_at", "renewed_at",
}  # fmt: skip


@pytest.fixture
def desk(app: WireApp) -> ControlDesk:
    return ControlDesk(app.http)


def seconds(lease: dict[str, Any], since: str) -> float:
    return (parse_time(lease["expires_at"]) - parse_time(lease[since])).total_seconds()


async def test_a_lease_is_acquired_renewed_and_released(desk: ControlDesk) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    body = {"holder": holder, "holder_instance": "first start"}
    response = await desk.call(holder, "POST", f"/experiments/{entry}/leases", body)
    assert response.status_code == 201
    lease = response.json()
    assert lease.keys() == LEASE_KEYS
    assert (lease["experiment_id"], lease["holder"], lease["holder_instance"]) == (entry, holder, "first start")
    assert lease["renewed_at"] == lease["acquired_at"]
    assert seconds(lease, "acquired_at") == 30
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == lease
    path = f"/leases/{lease['lease_id']}"
    renewed = await desk.ask(holder, "POST", f"{path}/renew", {"holder_instance": "first start"})
    assert {key for key in LEASE_KEYS if renewed[key] != lease[key]} == {"renewed_at", "expires_at"}
    assert seconds(renewed, "renewed_at") == 30
    released = await desk.call(holder, "POST", f"{path}/release", {"holder_instance": "first start"})
    assert (released.status_code, released.content) == (200, b"")
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] is None
    again = await desk.acquire(holder, entry)
    assert again["lease_id"] != lease["lease_id"]


async def test_an_active_lease_is_nobody_elses_not_even_its_own_holders(desk: ControlDesk) -> None:
    holder, other, entry = await desk.orchestrator(), await desk.orchestrator(), await desk.entry()
    lease = await desk.acquire(holder, entry, "i")
    path = f"/experiments/{entry}/leases"
    for who, instance in ((other, "i"), (holder, "another start"), (holder, "i")):
        body = {"holder": who, "holder_instance": instance}
        await desk.refused("lease-held-by-other", who, "POST", path, body)
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == lease


async def test_one_worker_holds_several_leases_and_lists_its_own(desk: ControlDesk) -> None:
    holder, other = await desk.orchestrator(), await desk.worker()
    held = [await desk.acquire(holder, await desk.entry(), instance) for instance in ("one", "two")]
    gone = await desk.acquire(holder, await desk.entry())
    await desk.ask(holder, "POST", f"/leases/{gone['lease_id']}/release", {"holder_instance": "i"})
    for who in (holder, "admin"):
        assert await desk.ask(who, "GET", "/leases", params={"holder": holder}) == {"leases": held}
    assert await desk.ask(other, "GET", "/leases", params={"holder": other}) == {"leases": []}
    await desk.refused("forbidden", other, "GET", "/leases", params={"holder": holder})
    await desk.refused("bad-request", other, "GET", "/leases")
    await desk.refused("bad-request", "admin", "GET", "/leases", params={"holder": "somebody"})


async def test_only_orchestrators_of_the_deployment_lease_and_only_for_themselves(
    app: WireApp, desk: ControlDesk
) -> None:
    holder, other, stranger = await desk.orchestrator(), await desk.orchestrator(), await desk.worker("admins")
    entry = await desk.entry()
    path, body = f"/experiments/{entry}/leases", {"holder": holder, "holder_instance": "i"}
    for who in ("admin", stranger, other):
        await desk.refused("forbidden", who, "POST", path, body | ({"holder": who} if who == stranger else {}))
    inside = {"Authorization": f"Bearer {app.store.id_of('orchestrators')}:{app.store.tokens['orchestrators']}"}
    assert (await app.http.post("/v0/control" + path, json=body, headers=inside)).status_code == 401
    lease = await desk.acquire(holder, entry)
    for act in ("renew", "release"):
        for who in ("admin", stranger, other):
            await desk.refused("forbidden", who, "POST", f"/leases/{lease['lease_id']}/{act}", {"holder_instance": "i"})
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == lease


async def test_another_instance_neither_renews_nor_releases(desk: ControlDesk) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    lease = await desk.acquire(holder, entry)
    for act in ("renew", "release"):
        path = f"/leases/{lease['lease_id']}/{act}"
        await desk.refused("lease-instance-mismatch", holder, "POST", path, {"holder_instance": "another"})
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == lease


async def test_a_lease_that_is_gone_is_not_renewed_and_may_be_released_again(desk: ControlDesk) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    first = await desk.acquire(holder, entry)
    body = {"holder_instance": "i"}
    paths = [f"/leases/{first['lease_id']}", "/leases/unknown", "/leases/%00"]
    await desk.ask(holder, "POST", f"{paths[0]}/release", body)
    for path in paths[:2]:
        await desk.refused("lease-not-held", holder, "POST", f"{path}/renew", body)
        assert (await desk.call(holder, "POST", f"{path}/release", body)).status_code == 200
    second = await desk.acquire(holder, entry)
    await desk.refused("lease-not-held", holder, "POST", f"{paths[0]}/renew", body)
    assert (await desk.call(holder, "POST", f"{paths[0]}/release", body)).status_code == 200, "it was replaced"
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == second
    assert (await desk.call(holder, "POST", f"{paths[2]}/renew", body)).status_code in {404, 410}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"holder": "wkr"}, {"holder_instance": "i"}, {"holder_instance": ""}, {"holder_instance": None},
        {"holder_instance": 1}, {"holder_instance": "i", "colour": "red"},
    ],
)  # fmt: skip
async def test_every_body_field_is_required_and_no_other_taken(desk: ControlDesk, body: dict[str, Any]) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    await desk.refused("bad-request", holder, "POST", f"/experiments/{entry}/leases", body)
    lease = await desk.acquire(holder, entry)
    if body != {"holder_instance": "i"}:
        for act in ("renew", "release"):
            await desk.refused("bad-request", holder, "POST", f"/leases/{lease['lease_id']}/{act}", body)


async def test_refusals_come_in_order(app: WireApp, desk: ControlDesk) -> None:
    """Credential, class, group, body, holder, entry, state."""
    holder, stranger = await desk.orchestrator(), await desk.worker()
    entry = await desk.entry()
    await desk.acquire(holder, entry)
    path, unknown = f"/experiments/{entry}/leases", f"/experiments/{UNKNOWN}/leases"
    wrong = {"Authorization": f"Bearer {holder}:{ADMIN_TOKEN}"}
    assert (await app.http.post("/v0/control" + path, json={}, headers=wrong)).status_code == 401
    await desk.refused("forbidden", stranger, "POST", path, {})
    await desk.refused("bad-request", holder, "POST", unknown, {})
    await desk.refused("forbidden", holder, "POST", unknown, {"holder": stranger, "holder_instance": "i"})
    await desk.refused("not-found", holder, "POST", unknown, {"holder": holder, "holder_instance": "i"})
    await desk.refused("lease-held-by-other", holder, "POST", path, {"holder": holder, "holder_instance": "i"})


async def test_of_many_who_acquire_at_once_one_gets_the_lease(desk: ControlDesk) -> None:
    holders, entry = [await desk.orchestrator() for _ in range(3)], await desk.entry()
    path = f"/experiments/{entry}/leases"
    asked = [
        desk.call(holder, "POST", path, {"holder": holder, "holder_instance": str(number)})
        for number in range(4)
        for holder in holders
    ]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    (won,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert (await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"] == won


async def test_the_times_of_a_lease_are_the_servers(desk: ControlDesk) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    registered = (await desk.ask("admin", "GET", f"/experiments/{entry}"))["created_at"]
    lease = await desk.acquire(holder, entry)
    assert registered <= lease["acquired_at"] <= format_time(parse_time(registered) + timedelta(seconds=60))


async def test_a_write_that_names_its_lease_lands_only_while_that_is_the_active_one(
    app: WireApp, desk: ControlDesk
) -> None:
    holder, elsewhere = await desk.orchestrator(), await desk.entry()
    lease = await desk.acquire(holder, app.store.experiment_id)
    other = await desk.acquire(holder, elsewhere)

    def naming(lease_id: str) -> dict[str, Any]:
        return {"headers": {"X-Switchyard-Lease": lease_id}}

    write = ("orchestrators", "POST", "v0:policy-errors", {"policy_kind": "k", "error_type": "t", "error_message": ""})
    assert (await app.call(*write, **naming(lease["lease_id"]))).status_code == 204
    for stale in (other["lease_id"], "unknown", ""):
        await app.refused("lease-not-held", *write, **naming(stale))
    assert (await app.call("ann", "GET", "v0:state", **naming("unknown"))).status_code == 200, "reads need none"
    await app.refused("forbidden", "ann", *write[1:], **naming("unknown"))
    await desk.ask(holder, "POST", f"/leases/{lease['lease_id']}/release", {"holder_instance": "i"})
    await app.refused("lease-not-held", *write, **naming(lease["lease_id"]))
    assert len((await app.get("v0:events"))["events"]) == 1

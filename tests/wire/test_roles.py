"""What a role allows, in the deployment and in one experiment; a member of some experiments sees nothing else."""

from collections.abc import AsyncIterator
from itertools import product

import pytest

from store_client.wire.calls import CALLS
from store_client.wire.workers import higher_role
from tests.registry import Registry, open_registry
from tests.wire.people import ADMIN, People

LADDER = ("member", "viewer", "operator", "administrator")


@pytest.fixture
async def people(sqlite_url: str) -> AsyncIterator[People]:
    with open_registry(sqlite_url) as registry:
        registry.bootstrap()
        async with registry.client(registry.service("console")) as console, registry.client(ADMIN) as admin:
            yield People(registry, console, admin)


def admins(registry: Registry, scope: str) -> set[str]:
    with registry.house.database.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT member_id FROM members JOIN groups USING (scope, group_id) WHERE scope = ? AND name = 'admins'",
            (scope,),
        )
        return {row.member_id for row in rows}


def test_the_higher_of_both_roles_counts() -> None:
    for (low, one), (high, other) in product(enumerate(LADDER), enumerate(LADDER)):
        granted = other if other != "member" else None
        assert higher_role(one, granted) == LADDER[max(low, high)]  # type: ignore[arg-type] # a rung above the lowest is a role


async def test_an_exchange_gives_the_identity_of_the_role_in_that_experiment(people: People) -> None:
    one, two = people.registry.experiment("One"), people.registry.experiment("Two")
    for role, inside in (("member", [None, 404]), ("viewer", [None, "viewer"]), ("operator", [None, "operator"])):
        for granted in ("viewer", "operator", "administrator"):
            session = await people.joined(f"{role}-{granted}", role, experiments={one: granted})
            expected = max(role, granted, key=LADDER.index)
            assert await people.roles(session["session"], one, two) == [expected, inside[1]]
            async with await people.inside(session["session"], one) as client:
                assert (await client.get(f"/api/experiments/{one}")).status_code == 200
                answer = await client.post(f"/api/experiments/{one}/pause")
                assert answer.status_code == (200 if expected == "administrator" else 403)
                if expected == "administrator":
                    assert (await client.post(f"/api/experiments/{one}/resume")).status_code == 200
                elif expected == "viewer":
                    assert "viewer" in answer.json()["detail"]


async def test_a_member_sees_their_experiments_in_lists_and_nothing_else_of_the_deployment(people: People) -> None:
    mine, other = people.registry.experiment("Mine"), people.registry.experiment("Other")
    session = await people.joined("Mia", "member", experiments={mine: "operator"})
    assert session["role"] == "member"
    async with await people.as_person(session["session"]) as client:
        for path, items in (("/api/experiments", None), ("/api/experiments/summaries", "items")):
            answer = (await client.get(path)).json()
            listed = answer[items] if items else answer
            assert [one["experiment_id"] for one in listed] == [mine]
        page = (await client.get("/api/experiments/summaries?q=other")).json()
        assert (page["items"], sum(page["by_status"].values())) == ([], 1)
        assert (await client.get("/api/experiments?slug=other")).json() == []
        refused = {}
        for call in CALLS:
            if call.path.startswith("/api/") and not call.is_scoped and not call.is_for_members:
                if call.who.name in {"PERSON", "ANYONE", "ATTEMPT"}:
                    continue
                path = call.path.replace("{experiment_id}", other)
                answer = await client.request(call.method, path)
                if answer.status_code != 404 or "there is no " not in answer.text:  # another wing's
                    refused[call.name] = answer.status_code
        assert len(refused) > 20
        assert {name: status for name, status in refused.items() if status != 403} == {}
        assert (await client.get("/api/account")).json()["experiments"][0]["role"] == "operator"
        assert (await client.get(f"/api/experiments/{mine}")).status_code == 401
    unknown = await people.console.post(
        "/api/exchange", json={"session": session["session"], "experiment_id": "exp_" + "0" * 26}
    )
    hidden = await people.console.post("/api/exchange", json={"session": session["session"], "experiment_id": other})
    assert (hidden.status_code, hidden.json()["detail"].replace(other, "x")) == (
        404,
        unknown.json()["detail"].replace("exp_" + "0" * 26, "x"),
    )


async def test_a_changed_role_counts_at_once_and_the_old_tokens_are_void(people: People) -> None:
    one, two = people.registry.experiment("One"), people.registry.experiment("Two")
    ada = await people.joined("Ada", "administrator")
    operator_id, session = ada["operator_id"], ada["session"]
    path = f"/api/operators/{operator_id}"
    async with await people.as_person(session) as outside, await people.inside(session, one) as inside:
        await people.inside(session, two)
        assert (await outside.get("/api/operators")).status_code == 200
        assert operator_id in admins(people.registry, "")
        assert len(admins(people.registry, one)) == len(admins(people.registry, two)) == 1
        await people.admin.put(f"{path}/experiments/{two}", json={"role": "administrator"})
        assert (await inside.post(f"/api/experiments/{one}/pause")).status_code == 200
        changed = await people.admin.patch(path, json={"role": "viewer"})
        assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
        assert (await outside.get("/api/operators")).status_code == 401
        assert (await inside.post(f"/api/experiments/{one}/resume")).status_code == 401
    assert operator_id not in admins(people.registry, "")
    assert (len(admins(people.registry, one)), len(admins(people.registry, two))) == (0, 1)
    assert await people.roles(session, one, two) == ["viewer", "administrator"]
    async with await people.as_person(session) as outside:
        assert (await outside.get("/api/operators")).status_code == 403
    await people.admin.delete(f"{path}/experiments/{two}")
    await people.admin.patch(path, json={"role": "member"})
    assert await people.roles(session, one, two) == [404, 404]
    assert admins(people.registry, two) == set()


async def test_a_role_in_an_experiment_follows_where_somebody_is_already(people: People) -> None:
    here = people.registry.experiment()
    ada = await people.joined("Ada", "viewer")
    path = f"/api/operators/{ada['operator_id']}/experiments/{here}"
    async with await people.inside(ada["session"], here) as before:
        await people.admin.put(path, json={"role": "administrator"})
        assert (await before.get(f"/api/experiments/{here}")).status_code == 401
    async with await people.inside(ada["session"], here) as inside:
        assert (await inside.post(f"/api/experiments/{here}/pause")).status_code == 200
    assert (await people.admin.delete(path)).json()["experiments"] == []
    assert await people.roles(ada["session"], here) == ["viewer"]
    for bad, status in ((f"exp_{'0' * 26}", 404), ("nothing", 404)):
        answer = await people.admin.put(path.replace(here, bad), json={"role": "viewer"})
        assert answer.status_code == status
    assert (await people.admin.put(path, json={"role": "member"})).status_code == 400


async def test_a_token_that_an_admin_reissues_is_no_way_around_a_role(people: People) -> None:
    here = people.registry.experiment()
    mia = await people.joined("Mia", "member", experiments={here: "viewer"})
    answer = await people.admin.post(f"/v0/control/workers/{mia['operator_id']}/reissue-credential")
    outside = mia["operator_id"], answer.json()["registration_token"]
    async with people.registry.client(outside) as client:
        assert (await client.get("/api/operators")).status_code == 403
        assert (await client.get("/v0/control/experiments")).status_code == 403
        assert (await client.get("/api/account")).status_code == 403
    async with await people.inside(mia["session"], here) as inside:
        me = (await inside.get(f"/v0/experiments/{here}/whoami")).json()["worker_id"]
    reissue = f"/v0/experiments/{here}/workers/{me}/reissue-credential"
    answer = await people.admin.post(reissue, headers={"X-Eden-Experiment-Id": here})
    async with people.registry.client((me, answer.json()["registration_token"]), here) as client:
        assert (await client.get(f"/v0/experiments/{here}")).status_code == 200
        assert (await client.post(f"/v0/experiments/{here}/artifacts")).status_code in {403, 404}


async def test_nobody_takes_their_own_role_and_an_administrator_always_stays(people: People) -> None:
    code = (await people.admin.post("/api/sign-in-codes")).json()["code"]
    first = (await people.console.post("/api/sessions", json={"code": code})).json()
    path = f"/api/operators/{first['operator_id']}"
    alone = await people.admin.patch(path, json={"role": "viewer"})
    assert (alone.status_code, "only administrator" in alone.json()["detail"]) == (409, True)
    await people.joined("Ada", "administrator")
    async with await people.as_person(first["session"]) as mine:
        own = await mine.patch(path, json={"role": "viewer"})
        assert (own.status_code, "their own role" in own.json()["detail"]) == (409, True)
        assert (await mine.patch(path, json={"name": "First"})).json()["name"] == "First"
    assert (await people.admin.patch(path, json={"role": "viewer"})).status_code == 200


async def test_what_is_asked_of_people_who_are_not_there_is_not_found(people: People) -> None:
    for path in ("/api/operators/wkr_" + "0" * 26, "/api/operators/x", "/api/operators/%00"):
        assert (await people.admin.get(path)).status_code == 404
        assert (await people.admin.patch(path, json={"role": "viewer"})).status_code == 404
        assert (await people.admin.post(path + "/reset")).status_code == 404
        assert (await people.admin.get(path + "/sessions")).status_code == 404

"""§7 and §11.6: workers and groups, alike in an experiment and in the deployment."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.wire.yard import Yard

NOBODY, NO_GROUP = "wkr_" + "0" * 26, "grp_" + "0" * 26


@dataclass(frozen=True)
class Registry:
    """The workers and groups under one prefix, as the admin bearer reaches them."""

    yard: Yard
    prefix: str

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        given = {} if body is None else {"json": body}
        url = f"{self.prefix}/{path}"
        return await self.yard.http.request(method, url, headers=self.yard.headers("admin"), **given, **more)

    async def made(self, path: str, body: Any = None) -> Any:
        answer = await self.call("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def group(self, *members: str, name: str | None = None) -> str:
        body = {"members": list(members)} | ({} if name is None else {"name": name})
        return str((await self.made("groups", body))["group_id"])

    async def refused(self, kind: str, method: str, path: str, body: Any = None) -> None:
        answer = await self.call(method, path, body)
        assert answer.json()["type"] == f"eden://error/{kind}", answer.text

    async def add(self, group_id: str, member_id: str) -> httpx.Response:
        return await self.call("POST", f"groups/{group_id}/members", {"member_id": member_id})


@pytest.fixture(params=["experiment", "deployment"])
def registry(yard: Yard, request: pytest.FixtureRequest) -> Registry:
    return Registry(yard, yard.v0 if request.param == "experiment" else "/v0/control")


async def test_every_registration_mints_a_worker_and_a_token(registry: Registry) -> None:
    body = {"name": "twin", "labels": {"gpu": "h100", "": ""}}
    one, other = await registry.made("workers", body), await registry.made("workers", body)
    assert one["worker_id"] != other["worker_id"]
    assert one["registration_token"] != other["registration_token"]
    assert (one["name"], one["labels"], one["registered_by"]) == ("twin", body["labels"], "admin")
    assert ("experiment_id" in one) is (registry.prefix != "/v0/control")
    read = (await registry.call("GET", f"workers/{one['worker_id']}")).json()
    assert read == {key: value for key, value in one.items() if key != "registration_token"}


BAD_WORKERS: tuple[Any, ...] = (
    {"worker_id": NOBODY}, {"id": "x"}, {"labels": {"a": 1}}, {"labels": []}, {"labels": {"a": None}}, [],
)  # fmt: skip
BAD_GROUPS: tuple[Any, ...] = (
    {"group_id": NO_GROUP}, {"members": "x"}, {"members": ["ann"]}, {"members": [None]}, {"labels": {}},
)  # fmt: skip
BAD_MEMBERS: tuple[Any, ...] = ({}, {"member_id": "ann"}, {"member_id": NOBODY, "more": 1}, {"member_id": None})


async def test_a_registration_says_name_and_labels_alone(registry: Registry) -> None:
    members = f"groups/{await registry.group()}/members"
    for path, bodies in (("workers", BAD_WORKERS), ("groups", BAD_GROUPS), (members, BAD_MEMBERS)):
        for body in bodies:
            await registry.refused("bad-request", "POST", path, body)


async def test_reissuing_keeps_the_worker_and_replaces_the_token(registry: Registry) -> None:
    made = await registry.made("workers", {"name": "host"})
    path = f"workers/{made['worker_id']}/reissue-credential"
    fresh = await registry.made(path)
    assert fresh == made | {"registration_token": fresh["registration_token"]}
    assert fresh["registration_token"] != made["registration_token"]
    await registry.refused("not-found", "POST", f"workers/{NOBODY}/reissue-credential")


async def test_lists_have_one_key_and_one_exact_filter(registry: Registry) -> None:
    name = registry.yard.new("Crew")
    group, worker = await registry.group(name=name), (await registry.made("workers", {"name": name}))["worker_id"]
    for noun, key, id_ in (("groups", "group_id", group), ("workers", "worker_id", worker)):
        found = (await registry.call("GET", noun, params={"name": name})).json()
        assert found.keys() == {noun}
        assert [one[key] for one in found[noun]] == [id_]
        for other in (name.lower(), name[:-1], "%", "", " "):
            others = (await registry.call("GET", noun, params={"name": other})).json()[noun]
            assert id_ not in {one[key] for one in others} or other == "", other
        unfiltered = (await registry.call("GET", noun, params={"labels": "x", "state": "y"})).json()[noun]
        assert id_ in {one[key] for one in unfiltered}


async def test_reserved_groups_are_found_by_name(registry: Registry) -> None:
    for name in ("admins", "orchestrators"):
        (found,) = (await registry.call("GET", "groups", params={"name": name})).json()["groups"]
        assert found["group_id"].startswith("grp_")
        await registry.refused("reserved-identifier", "POST", "groups", {"name": name})


async def test_what_is_unknown_is_not_found(registry: Registry) -> None:
    for path in (f"workers/{NOBODY}", f"groups/{NO_GROUP}", "workers/ann", f"groups/{NOBODY}", f"workers/{NO_GROUP}"):
        await registry.refused("not-found", "GET", path)
    for method, path in (("DELETE", f"groups/{NO_GROUP}"), ("DELETE", f"groups/{NO_GROUP}/members/{NOBODY}")):
        await registry.refused("not-found", method, path)
    await registry.refused("not-found", "POST", f"groups/{NO_GROUP}/members", {"member_id": NOBODY})
    worker = (await registry.made("workers"))["worker_id"]
    await registry.refused("not-found", "DELETE", f"workers/{worker}")


async def test_whoami_names_the_bearer_and_nothing_else(registry: Registry) -> None:
    for body, more in (({"name": "me"}, {"name": "me"}), ({}, {})):
        made = await registry.made("workers", body)
        bearer = {"Authorization": f"Bearer {made['worker_id']}:{made['registration_token']}"}
        answer = await registry.yard.http.get(
            f"{registry.prefix}/whoami", headers=registry.yard.headers("admin") | bearer
        )
        assert answer.json() == {"worker_id": made["worker_id"]} | more
    await registry.refused("forbidden", "GET", "whoami")


async def test_membership_edits_say_what_the_group_is_now_and_may_be_repeated(registry: Registry) -> None:
    group = await registry.group()
    for _ in range(2):
        added = await registry.add(group, NOBODY)
        assert (added.status_code, added.json()["members"]) == (200, [NOBODY])
    for _ in range(2):
        removed = await registry.call("DELETE", f"groups/{group}/members/{NOBODY}")
        assert (removed.status_code, removed.json()["members"]) == (200, [])
    assert (await registry.call("DELETE", f"groups/{group}/members/nobody")).status_code == 200
    deleted = await registry.call("DELETE", f"groups/{group}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    await registry.refused("not-found", "GET", f"groups/{group}")


async def test_a_group_never_contains_itself(registry: Registry) -> None:
    inner = await registry.group()
    middle = await registry.group(inner)
    outer = await registry.group(middle, NO_GROUP)
    for group, member in ((inner, inner), (inner, middle), (inner, outer), (middle, outer)):
        await registry.refused("cycle-detected", "POST", f"groups/{group}/members", {"member_id": member})
    assert (await registry.call("GET", f"groups/{inner}")).json()["members"] == []
    assert (await registry.add(outer, inner)).status_code == 200  # twice in, and still no cycle


async def test_edits_at_once_never_compose_a_cycle(registry: Registry) -> None:
    ring = [await registry.group() for _ in range(6)]
    edges = [(ring[at], ring[(at + 1) % len(ring)]) for at in range(len(ring))]
    answers = await asyncio.gather(*(registry.add(group, member) for group, member in edges))
    said = sorted(answer.status_code for answer in answers)
    assert said == [200, 200, 200, 200, 200, 409]
    pairs = [await registry.group() for _ in range(2)]
    both = await asyncio.gather(registry.add(pairs[0], pairs[1]), registry.add(pairs[1], pairs[0]))
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_what_a_deleted_group_held_stays_and_what_held_it_means_nobody(yard: Yard) -> None:
    registry = Registry(yard, yard.v0)
    ann = yard.store.id_of("ann")
    inner = await registry.group(ann)
    outer = await registry.group(inner)
    for_outer, for_inner = [await yard.task(target={"kind": "group", "id": group}) for group in (outer, inner)]
    await registry.call("DELETE", f"groups/{inner}")
    assert (await registry.call("GET", f"groups/{outer}")).json()["members"] == [inner]
    for task_id in (for_outer, for_inner):
        assert (await yard.see("task", task_id))["target"]["kind"] == "group"
        await yard.refused("worker-not-eligible", "ann", "POST", f"v0:tasks/{task_id}/claim", {})
    assert (await yard.get("v0:whoami", "ann"))["worker_id"] == ann


async def test_dangling_and_foreign_ids_are_nobody(yard: Yard) -> None:
    registry = Registry(yard, yard.v0)
    other = await yard.fresh()
    for member in (NOBODY, NO_GROUP, other.store.id_of("ann")):
        assert member in (await registry.made("groups", {"members": [member]}))["members"]
    deep = await registry.group(yard.store.id_of("ann"))
    for _ in range(40):
        deep = await registry.group(deep, NO_GROUP, NOBODY)
    task_id = await yard.task(target={"kind": "group", "id": deep})
    await yard.refused("worker-not-eligible", "bob", "POST", f"v0:tasks/{task_id}/claim", {})
    await yard.claim(task_id, "ann")


async def test_the_registries_of_two_experiments_and_of_the_deployment_share_nothing(yard: Yard) -> None:
    other = await yard.fresh()
    ours, shared = (Registry(yard, one) for one in (yard.v0, "/v0/control"))
    worker, group = (await ours.made("workers"))["worker_id"], await ours.group()
    for noun, id_ in (("workers", worker), ("groups", group)):
        await shared.refused("not-found", "GET", f"{noun}/{id_}")
        answer = await other.call("admin", "GET", f"v0:{noun}/{id_}")
        assert answer.status_code == 404

"""§1.3 to §1.5: the experiment header, who mints ids and how they look, and what a display name may be."""

import re
import unicodedata
from typing import Any

import pytest

from tests.wire.yard import Yard

SUFFIX = "[0-9a-hjkmnp-tv-z]{26}"
HEADER = "X-Eden-Experiment-Id"
NOWHERE = "exp_" + "0" * 26
OTHER_TYPES: tuple[Any, ...] = (7, None, ["ada"], True, {})
ILL_FORMED = (
    "", " ", " ada", "ada ", "\tada", "a\nb", "a\x00b", "\x7f", "\u0085", "\ue000", "\uffff", "a\u0378",
    "\u3000ada", "x" * 129,
)  # fmt: skip
WELL_FORMED = ("Admin", "Ada Lovelace", "x" * 128, "日本", "\U0001f600", "a\u200db", "-", "0")


async def named(yard: Yard, path: str, name: str) -> Any:
    return (await yard.call("ann", "GET", path, params={"name": name})).json()


async def test_a_scoped_call_carries_the_header_of_its_path(yard: Yard) -> None:
    headers = yard.headers("ann")
    for method, path in (("GET", "tasks"), ("GET", ""), ("POST", "ideas"), ("GET", "whoami"), ("GET", "artifacts")):
        for sent in (None, "", NOWHERE, yard.store.experiment_id.upper(), yard.store.experiment_id + ",x"):
            given = {key: value for key, value in headers.items() if key != HEADER}
            answer = await yard.http.request(
                method, f"{yard.v0}/{path}".rstrip("/"), headers=given if sent is None else given | {HEADER: sent}
            )
            assert answer.json()["type"] == "eden://error/experiment-id-mismatch", (method, path, sent)
            assert answer.status_code == 400


async def test_the_control_plane_ignores_the_header(yard: Yard) -> None:
    for sent in (NOWHERE, "nonsense", ""):
        answer = await yard.http.get("/v0/control/workers", headers=yard.headers("admin") | {HEADER: sent})
        assert answer.status_code == 200


async def test_an_experiment_that_is_not_here_is_not_found(yard: Yard) -> None:
    for experiment_id in (NOWHERE, "nonsense"):
        headers = yard.headers("admin") | {HEADER: experiment_id}
        answer = await yard.http.get(f"/v0/experiments/{experiment_id}", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (404, "eden://error/not-found")


async def test_ids_of_workers_and_groups_are_minted_by_the_system_and_never_taken(yard: Yard) -> None:
    worker = await yard.post("v0:workers", name="admin")
    group = await yard.post("v0:groups", name="admin")
    assert re.fullmatch(f"wkr_{SUFFIX}", worker["worker_id"])
    assert re.fullmatch(f"grp_{SUFFIX}", group["group_id"])
    assert re.fullmatch(f"exp_{SUFFIX}", yard.store.experiment_id)
    for noun, key, prefix in (("workers", "worker_id", "wkr_"), ("groups", "group_id", "grp_")):
        await yard.refused("bad-request", "admin", "POST", f"v0:{noun}", {key: prefix + "0" * 26})
        await yard.refused("bad-request", "admin", "POST", f"v0:{noun}", {"experiment_id": NOWHERE})


async def test_ids_of_tasks_ideas_and_variants_are_their_creators_and_given_once(yard: Yard) -> None:
    task, idea = yard.task_body(), yard.idea_body()
    await yard.post("v0:tasks", task, "orchestrators")
    await yard.post("v0:ideas", idea)
    await yard.refused("already-exists", "orchestrators", "POST", "v0:tasks", task)
    await yard.refused("already-exists", "ann", "POST", "v0:ideas", idea)
    variant = yard.variant_body(await yard.idea())
    await yard.post("v0:variants", variant)
    await yard.refused("already-exists", "ann", "POST", "v0:variants", variant)
    other = await yard.fresh()
    await other.post("v0:tasks", task | {"payload": {"experiment_id": other.store.experiment_id}}, "orchestrators")
    for bad in ("", 7, None):
        await yard.refused("bad-request", "ann", "POST", "v0:ideas", yard.idea_body(idea_id=bad))


@pytest.mark.parametrize("end", ["\n", " ", "x"])
async def test_ids_match_as_a_whole(yard: Yard, end: str) -> None:
    member = yard.store.id_of("ann") + end
    await yard.refused("bad-request", "admin", "POST", "v0:groups", {"members": [member]})
    target = {"kind": "worker", "id": member}
    await yard.refused("bad-request", "orchestrators", "POST", "v0:tasks", yard.task_body(target=target))
    sha = {"parent_commits": ["b" * 40 + end]}
    await yard.refused("bad-request", "ann", "POST", "v0:ideas", yard.idea_body(**sha))


async def test_the_prefix_says_which_registry_a_member_is_in(yard: Yard) -> None:
    for kind, id_ in (("worker", "grp_" + "0" * 26), ("group", "wkr_" + "0" * 26), ("worker", "exp_" + "0" * 26)):
        body = yard.task_body(target={"kind": kind, "id": id_})
        await yard.refused("bad-request", "orchestrators", "POST", "v0:tasks", body)
    for letter in "ilou":
        await yard.refused("bad-request", "admin", "POST", "v0:groups", {"members": [f"wkr_{letter}{'0' * 25}"]})


async def test_an_ill_formed_name_is_an_invalid_name_and_another_type_a_bad_request(yard: Yard) -> None:
    for path in ("v0:workers", "v0:groups"):
        for name in ILL_FORMED:
            await yard.refused("invalid-name", "admin", "POST", path, {"name": name})
        for other in OTHER_TYPES:
            await yard.refused("bad-request", "admin", "POST", path, {"name": other})
    headers = yard.headers("admin") | {"Content-Type": "application/json"}
    answer = await yard.http.post(f"{yard.v0}/workers", content=b'{"name": "\\ud800"}', headers=headers)
    assert answer.status_code in {400, 422}


async def test_a_well_formed_name_is_kept_in_normal_form_and_found_by_it(yard: Yard) -> None:
    for path, key in (("v0:workers", "workers"), ("v0:groups", "groups")):
        for name in WELL_FORMED:
            made: dict[str, Any] = await yard.post(path, {"name": name}, "admin")
            assert made["name"] == name
        mark = yard.new("é")
        apart = unicodedata.normalize("NFD", mark)
        assert apart != mark
        made = await yard.post(path, {"name": apart}, "admin")
        assert made["name"] == mark
        for asked in (mark, apart):
            assert [one["name"] for one in (await named(yard, path, asked))[key]] == [mark]
        assert (await named(yard, path, mark.upper()))[key] == []


async def test_a_name_is_optional_shared_and_fixed(yard: Yard) -> None:
    assert "name" not in await yard.post("v0:workers", {}, "admin")
    assert "name" not in await yard.post("v0:groups", name="admin")
    name = yard.new("ada")
    made = [(await yard.post("v0:workers", {"name": name}, "admin"))["worker_id"] for _ in range(2)]
    assert {one["worker_id"] for one in (await named(yard, "v0:workers", name))["workers"]} == set(made)
    await yard.refused("not-found", "ann", "GET", f"v0:workers/{name}")
    await yard.refused("not-found", "admin", "PATCH", f"v0:workers/{made[0]}", {"name": "other"})

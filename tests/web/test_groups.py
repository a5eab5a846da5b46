"""Groups of an experiment: members by name, whom they come to mean, and what cannot be."""

import httpx
import pytest
from bs4 import Tag

from store_client import ExperimentDetail
from tests.web.reading import page, rows, says, words
from tests.web.work import Worker
from tests.web.world import World

PATH = "/e/hello/admin/groups"


def card(answer: httpx.Response, name: str) -> Tag:
    """The card of the group of this name."""
    found = [one for one in page(answer).select("section.card") if words(one.find("h2")) == name]
    assert len(found) == 1, says(answer)
    return found[0]


async def made(world: World, one: ExperimentDetail, name: str, *members: str) -> str:
    return (await world.store(one.experiment_id).register_group(name, members)).group_id


async def test_reserved_groups_say_what_they_allow_and_cannot_be_deleted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    admins = card(await browser_of_admin.get(PATH), "admins")
    assert "end the experiment" in words(admins)
    assert rows(admins)[0][0].startswith("Administrator worker")
    assert not admins.select("form[action$='/delete']")
    assert "may no longer run this experiment" in words(admins)


async def test_a_group_is_made_filled_emptied_and_deleted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await browser_of_admin.post(f"{PATH}/create", data={"name": "night shift"})
    answer = await browser_of_admin.get(PATH)
    assert "Group night shift is there." in says(answer)
    shift = card(answer, "night shift")
    assert "Nobody is in it" in words(shift)
    assert next(option["value"] for option in shift.select("option")) == ""
    assert ada.worker_id in {option["value"] for option in shift.select("option")}
    group_id = str(shift["data-key"])
    await browser_of_admin.post(f"{PATH}/{group_id}/add", data={"member_id": ada.worker_id})
    shift = card(await browser_of_admin.get(PATH), "night shift")
    assert rows(shift)[0][0].startswith("Ada worker")
    assert ada.worker_id not in {option["value"] for option in shift.select("option")}
    await browser_of_admin.post(f"{PATH}/{group_id}/remove", data={"member_id": ada.worker_id})
    assert "Nobody is in it" in words(card(await browser_of_admin.get(PATH), "night shift"))
    await browser_of_admin.post(f"{PATH}/{group_id}/delete")
    answer = await browser_of_admin.get(PATH)
    assert "The group is deleted." in says(answer)
    assert not [one for one in page(answer).select("h2") if words(one) == "night shift"]


async def test_a_group_in_a_group_says_whom_it_comes_to_mean(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada, bo = await Worker.of(world, hello), await Worker.of(world, hello, "Bo")
    inner = await made(world, hello, "inner", bo.worker_id)
    middle = await made(world, hello, "middle", inner)
    await made(world, hello, "outer", ada.worker_id, middle)
    answer = await browser_of_admin.get(PATH)
    assert "With the groups inside it: Ada, Bo." in words(card(answer, "outer"))
    assert "With the groups inside it: Bo." in words(card(answer, "middle"))
    assert "With the groups inside it" not in words(card(answer, "inner"))
    assert [row[0].split()[:2] for row in rows(card(answer, "outer"))] == [["Ada", "worker"], ["middle", "group"]]


async def test_a_cycle_is_refused_in_words_beside_the_group_it_is_about(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    inner = await made(world, hello, "inner")
    middle = await made(world, hello, "middle", inner)
    outer = await made(world, hello, "outer", middle)
    answer = await browser_of_admin.post(f"{PATH}/{inner}/add", data={"member_id": outer})
    assert answer.status_code == 422
    assert "each would contain itself" in words(card(answer, "inner"))
    assert "each would contain itself" not in words(card(answer, "outer"))
    chosen = card(answer, "inner").select("option[selected]")
    assert [option["value"] for option in chosen] == [outer]
    assert "Nobody is in it" in words(card(await browser_of_admin.get(PATH), "inner"))


@pytest.mark.parametrize("member_id", ["", " ", "wkr_nonsense", "💥"])
async def test_nonsense_for_a_member_changes_nothing(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, member_id: str
) -> None:
    group_id = await made(world, hello, "night shift")
    answer = await browser_of_admin.post(f"{PATH}/{group_id}/add", data={"member_id": member_id})
    assert answer.status_code in {400, 422}
    assert "Nobody is in it" in words(card(await browser_of_admin.get(PATH), "night shift"))


async def test_an_id_that_names_nobody_is_shown_as_such(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    inner = await made(world, hello, "inner")
    await made(world, hello, "outer", inner)
    await browser_of_admin.post(f"{PATH}/{inner}/delete")
    assert f"{inner} nobody" in rows(card(await browser_of_admin.get(PATH), "outer"))[0][0]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("", "Give the group a name"), ("admins", "stands for the system"), ("x" * 129, "128"), ("a\nb", "control")],
)
async def test_a_bad_name_gives_the_form_again_with_what_was_typed(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, name: str, problem: str
) -> None:
    answer = await browser_of_admin.post(f"{PATH}/create", data={"name": name})
    assert answer.status_code == 422
    field = page(answer).find("input", id="name")
    assert field is not None
    assert str(field["value"]).split() == name.split()
    assert problem in words(page(answer).find(id="name-error"))


async def test_workers_of_one_name_are_told_apart(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    one, other = await Worker.of(world, hello, "Twin"), await Worker.of(world, hello, "Twin")
    await made(world, hello, "night shift")
    offered = {words(option) for option in card(await browser_of_admin.get(PATH), "night shift").select("option")}
    assert {f"Twin wkr_…{one.worker_id[-6:]}", f"Twin wkr_…{other.worker_id[-6:]}"} <= offered


async def test_an_experiment_hosted_without_groups_says_so(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    one = await world.experiment()
    for group in (await world.store(one.experiment_id).list_groups()).groups:
        await world.store(one.experiment_id).delete_group(group.group_id)
    answer = await browser_of_admin.get(PATH)
    assert answer.status_code == 200
    assert "No groups" in says(answer)


async def test_others_than_administrators_see_groups_and_change_nothing(world: World, hello: ExperimentDetail) -> None:
    ada = await Worker.of(world, hello)
    group_id = await made(world, hello, "night shift", ada.worker_id)
    bo = await world.person("Bo")
    answer = await bo.get(PATH)
    assert not page(answer).select("main form")
    assert rows(card(answer, "night shift"))[0][0].startswith("Ada worker")
    for act in ("add", "remove", "delete"):
        assert (await bo.post(f"{PATH}/{group_id}/{act}", data={"member_id": ada.worker_id})).status_code == 403
    assert (await bo.post(f"{PATH}/create", data={"name": "mine"})).status_code == 403
    assert (await world.store(hello.experiment_id).read_group(group_id)).members == (ada.worker_id,)

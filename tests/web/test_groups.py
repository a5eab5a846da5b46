"""Groups: members by name, whom they come to mean and by which way, and what cannot be."""

import httpx
import pytest

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker
from tests.web.world import World

PATH = "/e/hello/admin/groups"


def members(answer: httpx.Response) -> list[str]:
    """Who is listed in the group of this page, by the first words of each row."""
    return [row[0] for row in rows(part(answer, "members"))]


def offered(answer: httpx.Response) -> dict[str, str]:
    """Who may be added, by id."""
    return {str(option["value"]): words(option) for option in page(answer).select("#member_id option[value]")}


async def made(world: World, one: ExperimentDetail, name: str, *members: str) -> str:
    return (await world.store(one.experiment_id).register_group(name, members)).group_id


async def test_reserved_groups_say_what_they_allow_and_cannot_be_deleted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await made(world, hello, "night shift")
    tables = page(await browser_of_admin.get(PATH)).select('[data-live="groups"] table')
    assert [[words(link) for link in one.select("a.key")] for one in tables] == [
        ["admins", "orchestrators"], ["night shift"],
    ]  # fmt: skip
    admins = tables[0].select_one("a.key")
    assert admins is not None
    shown = await browser_of_admin.get(str(admins["href"]))
    assert "end the experiment" in says(shown)
    assert members(shown)[0].startswith("Administrator")
    assert not page(shown).select("form[action$='/delete']")
    assert "may no longer run this experiment" in words(part(shown, "members"))


async def test_a_group_is_made_filled_emptied_and_deleted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    answer = await browser_of_admin.post(f"{PATH}/create", data={"name": "night shift"})
    place = answer.headers["location"]
    shift = await browser_of_admin.get(place)
    assert "Group night shift is there." in says(shift)
    assert "Nobody is in it" in words(part(shift, "members"))
    assert offered(shift)[""] == "Choose"
    assert offered(shift)[ada.worker_id] == "Ada"
    await browser_of_admin.post(f"{place}/add", data={"member_id": ada.worker_id})
    shift = await browser_of_admin.get(place)
    assert members(shift)[0].startswith("Ada")
    assert ada.worker_id not in offered(shift)
    assert "1 worker" in says(shift)
    await browser_of_admin.post(f"{place}/remove", data={"member_id": ada.worker_id})
    assert "Nobody is in it" in says(await browser_of_admin.get(place))
    await browser_of_admin.post(f"{place}/delete")
    answer = await browser_of_admin.get(PATH)
    assert "The group is deleted." in says(answer)
    assert "night shift" not in words(part(answer, "groups"))
    assert (await browser_of_admin.get(place)).status_code == 404


async def test_a_group_in_a_group_says_whom_it_comes_to_mean_and_by_which_way(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada, bo = await Worker.of(world, hello), await Worker.of(world, hello, "Bo")
    inner = await made(world, hello, "inner", bo.worker_id)
    middle = await made(world, hello, "middle", inner)
    outer = await made(world, hello, "outer", ada.worker_id, middle)
    shown = await browser_of_admin.get(f"{PATH}/{outer}")
    assert rows(part(shown, "everybody")) == [["Ada", "listed itself"], ["Bo", "through middle , then inner"]]
    assert [row.split()[0] for row in members(shown)] == ["Ada", "middle"]
    assert "2 members, 2 workers in all." in says(shown)
    shown = await browser_of_admin.get(f"{PATH}/{inner}")
    assert not page(shown).select('[data-live="everybody"]')
    told = words(part(shown, "facts"))
    assert "Is in middle" in told
    assert "1 worker loses what being in it allows. In middle its id stays, and names nobody." in told


async def test_a_cycle_is_refused_with_the_way_by_which_it_would_be_one(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    inner = await made(world, hello, "inner")
    middle = await made(world, hello, "middle", inner)
    outer = await made(world, hello, "outer", middle)
    answer = await browser_of_admin.post(f"{PATH}/{inner}/add", data={"member_id": outer, "q": "out"})
    assert answer.status_code == 422
    told = "outer contains middle, which contains inner. If inner contained outer, each of them would contain itself."
    assert told in words(page(answer).find(id="member_id-error"))
    assert [option["value"] for option in page(answer).select("option[selected]")] == [outer]
    assert list(offered(answer)) == ["", outer]
    itself = await browser_of_admin.post(f"{PATH}/{inner}/add", data={"member_id": inner})
    assert "A group cannot contain itself." in says(itself)
    assert "Nobody is in it" in says(await browser_of_admin.get(f"{PATH}/{inner}"))


async def test_whom_to_add_is_searched_for_by_name(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    group_id, store = await made(world, hello, "night shift"), world.store(hello.experiment_id)
    for number in range(26):
        await store.register_worker(f"node-{number:02}")
    first = await browser_of_admin.get(f"{PATH}/{group_id}")
    assert "There are more; search for a part of the name." in says(first)
    found = offered(await browser_of_admin.get(f"{PATH}/{group_id}?q=NODE-25"))
    assert [label for value, label in found.items() if value] == ["node-25"]
    assert "Nobody else is like that." in says(await browser_of_admin.get(f"{PATH}/{group_id}?q=nowhere"))


@pytest.mark.parametrize("member_id", ["", " ", "wkr_nonsense", "💥"])
async def test_nonsense_for_a_member_changes_nothing(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, member_id: str
) -> None:
    group_id = await made(world, hello, "night shift")
    answer = await browser_of_admin.post(f"{PATH}/{group_id}/add", data={"member_id": member_id})
    assert answer.status_code in {400, 422}
    assert "Nobody is in it" in says(await browser_of_admin.get(f"{PATH}/{group_id}"))


async def test_an_id_that_names_nobody_is_shown_as_such(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    inner = await made(world, hello, "inner")
    outer = await made(world, hello, "outer", inner)
    await browser_of_admin.post(f"{PATH}/{inner}/delete")
    shown = await browser_of_admin.get(f"{PATH}/{outer}")
    assert "No worker and no group has this id any more." in members(shown)[0]
    await browser_of_admin.post(f"{PATH}/{outer}/remove", data={"member_id": inner})
    assert "Nobody is in it" in says(await browser_of_admin.get(f"{PATH}/{outer}"))


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
    group_id = await made(world, hello, "night shift")
    found = set(offered(await browser_of_admin.get(f"{PATH}/{group_id}")).values())
    assert {f"Twin wkr_…{one.worker_id[-6:]}", f"Twin wkr_…{other.worker_id[-6:]}"} <= found


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
    for path in (PATH, f"{PATH}/{group_id}"):
        shown = await bo.get(path)
        assert "Only administrators change who is in an experiment" in says(shown)
        assert not page(shown).select("main form[method=post]")
    assert members(await bo.get(f"{PATH}/{group_id}"))[0].startswith("Ada")
    for act in ("add", "remove", "delete"):
        assert (await bo.post(f"{PATH}/{group_id}/{act}", data={"member_id": ada.worker_id})).status_code == 403
    assert (await bo.post(f"{PATH}/create", data={"name": "mine"})).status_code == 403
    assert (await world.store(hello.experiment_id).read_group(group_id)).members == (ada.worker_id,)

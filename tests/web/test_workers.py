"""Workers of an experiment: registered by administrators, each token shown once."""

import httpx
import pytest

from store_client import ExperimentDetail, StaticBearer, Unauthorized
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker, worked
from tests.web.world import World

PATH = "/e/hello/admin/workers"


async def shown(browser: httpx.AsyncClient, path: str, **entered: str) -> httpx.Response:
    """The page of the token that an act made."""
    answer = await browser.post(path, data=entered)
    assert answer.status_code == 303, says(answer)
    return await browser.get(answer.headers["location"])


def token_of(answer: httpx.Response) -> tuple[str, str]:
    """The worker id and secret on the page."""
    worker_id, _, secret = words(page(answer).select_one("section[aria-label=Token] code")).partition(":")
    return worker_id, secret


async def test_a_new_workers_token_works_and_is_shown_this_once(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await shown(browser_of_admin, f"{PATH}/register", name="  lab-gpu-3 ")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "Token of lab-gpu-3" in says(answer)
    worker_id, secret = token_of(answer)
    me = await world.deployment.store(hello.experiment_id, StaticBearer(worker_id, secret)).whoami()
    assert me.name == "lab-gpu-3"
    for path in (PATH, "/e/hello/", "/"):
        assert secret not in (await browser_of_admin.get(path)).text
    assert secret not in str(dict(browser_of_admin.cookies))


async def test_loading_a_tokens_page_again_makes_no_other_worker_and_shows_nothing(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    made = await browser_of_admin.post(f"{PATH}/register", data={"name": "lab-gpu-3"})
    bo = await world.person("Bo", "administrator")
    assert (await bo.get(made.headers["location"])).status_code == 410  # it is for whoever had it made
    first = await browser_of_admin.get(made.headers["location"])
    assert page(first).select_one("body[data-live-url]") is None  # looking again by itself would use it up
    again = await browser_of_admin.get(made.headers["location"])
    assert again.status_code == 410
    assert "shown already" in says(again)
    assert token_of(first)[1] not in again.text
    assert len((await world.store(hello.experiment_id).list_workers("lab-gpu-3")).workers) == 1


async def test_a_disabled_worker_is_refused_until_it_is_enabled(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    answer = await browser_of_admin.post(f"{PATH}/{ada.worker_id}/disable")
    listed = await browser_of_admin.get(answer.headers["location"])
    assert "Ada is disabled: its tokens are refused from now on." in says(listed)
    assert "disabled" in words(page(listed).select_one(f"[data-key={ada.worker_id}] .chip"))
    with pytest.raises(Unauthorized):
        await ada.store.whoami()
    enabled = await browser_of_admin.post(f"{PATH}/{ada.worker_id}/enable")
    assert "Ada is enabled" in says(await browser_of_admin.get(enabled.headers["location"]))
    assert (await ada.store.whoami()).name == "Ada"


async def test_the_table_says_who_is_there_in_which_groups_and_what_they_hold(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await world.store(hello.experiment_id).register_group("night shift", (ada.worker_id,))
    await ada.claim("ideation")
    listed = {row[0].split()[0]: row[1:4] for row in rows(part(await browser_of_admin.get(PATH), "workers"))}
    assert listed["Ada"][:2] == ["night shift", "1"]
    assert listed["Administrator"][:2] == ["admins", "0"]
    assert listed["orchestrator"][2] == "never"


async def test_a_replaced_token_stops_working_and_the_new_one_works(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    answer = await shown(browser_of_admin, f"{PATH}/{ada.worker_id}/reissue")
    assert "Token of Ada" in says(answer)
    with pytest.raises(Unauthorized):
        await ada.store.whoami()
    bearer = StaticBearer(*token_of(answer))
    assert (await world.deployment.store(hello.experiment_id, bearer).whoami()).worker_id == ada.worker_id
    assert (await browser_of_admin.post(f"{PATH}/wkr_{'0' * 26}/reissue")).status_code == 404


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "Give the worker one"),
        ("   ", "Give the worker one"),
        ("admin", "stands for the system itself"),
        ("x" * 129, "128"),
        ("a\tb", "control"),
    ],
)
async def test_a_bad_name_gives_the_form_again_with_what_was_typed(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient, name: str, problem: str
) -> None:
    answer = await browser_of_admin.post(f"{PATH}/register", data={"name": name})
    assert answer.status_code == 422
    field = page(answer).find("input", id="name")
    assert field is not None
    assert field["value"] == name.strip()
    assert field["aria-invalid"] == "true"
    told = words(page(answer).find(id="name-error"))
    assert problem in told
    assert told[0].isupper()
    assert told.endswith(".")
    found = await world.store(hello.experiment_id).list_workers()
    assert {worker.name for worker in found.workers} == {"Administrator"}


async def test_a_name_with_markup_is_only_a_name(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    name = "<b onclick=x>Bo</b> & 'co' \"x\""
    answer = await shown(browser_of_admin, f"{PATH}/register", name=name)
    assert f"Token of {name}" in says(answer)
    assert "<b onclick" not in answer.text


async def test_an_experiment_with_no_worker_says_how_they_come(world: World, hello: ExperimentDetail) -> None:
    bo = await world.person("Bo", "viewer")
    answer = await bo.get(PATH)
    assert answer.status_code == 200
    assert [row[0].split()[0] for row in rows(part(answer, "workers"))] == ["Bo"]


async def test_others_than_administrators_see_the_list_and_change_nothing(
    world: World, hello: ExperimentDetail
) -> None:
    bo = await world.person("Bo")
    answer = await bo.get(PATH)
    assert not page(answer).select('main form[method="post"]')
    assert (await bo.post(f"{PATH}/register", data={"name": "sneaky"})).status_code == 403
    ada = await Worker.of(world, hello)
    assert (await bo.post(f"{PATH}/{ada.worker_id}/reissue")).status_code == 403
    assert (await ada.store.whoami()).name == "Ada"


async def test_labels_are_entered_a_line_each_and_a_wrong_one_is_named(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    entered = {"name": "lab-gpu-3", "labels": "# where it stands\ngpu=h100\nroom 7\n"}
    answer = await browser_of_admin.post(f"{PATH}/register", data=entered)
    assert answer.status_code == 422
    assert "Line 3: write a key, = and a value" in says(answer)
    assert "room 7" in words(page(answer).find("textarea"))
    await browser_of_admin.post(f"{PATH}/register", data={**entered, "labels": "gpu=h100\nroom = 7"})
    (made,) = (await world.store(hello.experiment_id).list_workers("lab-gpu-3")).workers
    assert made.labels == {"gpu": "h100", "room": "7"}


async def test_workers_are_found_by_name_and_label_a_page_at_a_time(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    store = world.store(hello.experiment_id)
    for number in range(52):
        await store.register_worker(f"node-{number}", {"rack": str(number % 2)})
    first = await browser_of_admin.get(f"{PATH}?q=node-")
    assert len(rows(part(first, "workers"))) == 50
    assert "1 to 50 of 52" in words(part(first, "workers"))
    later = page(first).select_one('.pager a[rel="next"]')
    assert later is not None
    assert len(rows(part(await browser_of_admin.get(str(later["href"])), "workers"))) == 2
    assert len(rows(part(await browser_of_admin.get(f"{PATH}?q=NODE-51"), "workers"))) == 1
    assert "No worker is like that" in says(await browser_of_admin.get(f"{PATH}?q=nobody"))


async def test_a_workers_page_tells_what_it_holds_did_and_achieved(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await worked(world, hello)
    await ada.propose("next")
    task = await ada.claim("execution")
    crew = await world.store(hello.experiment_id).register_group("crew", (ada.worker_id,))
    await world.store(hello.experiment_id).register_group("everyone", (crew.group_id,))
    listed = page(await browser_of_admin.get(PATH)).find("a", string="Ada")
    assert listed is not None
    shown = await browser_of_admin.get(str(listed["href"]))
    assert "% of 4 variants that it executed succeeded." in says(shown)
    handed_in = rows(part(shown, "paces"))
    assert [row[:2] for row in handed_in] == [["evaluation", "4"], ["execution", "4"], ["ideation", "5"]]
    assert all(row[2].startswith("about ") for row in handed_in)
    assert "crew and through them everyone" in words(part(shown, "facts"))
    assert part(shown, "held").select_one(f'[data-key="{task.task_id}"]') is not None
    assert len(part(shown, "done").select("li")) == 10
    assert len(part(shown, "ideas").select("li")) == 5
    for card, kept in (("done", "tasks"), ("ideas", "ideas")):
        everything = part(shown, card).select_one("header a")
        assert everything is not None
        of_her = await browser_of_admin.get(str(everything["href"]))
        assert len(rows(part(of_her, kept))) == {"done": 13, "ideas": 5}[card]
    assert "task.claimed" in words(part(shown, "did"))
    link = part(shown, "did").find("a", string="All its events")
    assert link is not None
    assert "No event" not in says(await browser_of_admin.get(str(link["href"])))
    assert (await browser_of_admin.get(f"{PATH}/wkr_{'0' * 26}")).status_code == 404


async def test_the_deployments_own_workers_are_not_offered_to_be_disabled(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.decide()
    details = await world.store(hello.experiment_id).list_worker_details()
    services = [one for one in details.workers if one.is_service]
    assert services
    shown = page(await browser_of_admin.get(PATH))
    for one in services:
        assert shown.select(f'[data-key="{one.worker_id}"] form[action$="/disable"]') == []

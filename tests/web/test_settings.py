"""Settings in the console: told, checked, saved, gone back on and ended, by those who may."""

import httpx
import yaml

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says
from tests.web.world import World

PATH = "/e/hello/admin/settings"


async def config_of(world: World, one: ExperimentDetail) -> str:
    return (await world.store(one.experiment_id).read_config()).text


async def send(browser: httpx.AsyncClient, act: str, config: str, based_on: int = 1) -> httpx.Response:
    return await browser.post(f"{PATH}/{act}", data={"config": config, "based_on": str(based_on)})


def box(answer: httpx.Response) -> str:
    area = page(answer).select_one("textarea[name=config]")
    assert area is not None
    return area.get_text().removeprefix("\n")


async def test_a_config_is_checked_compared_saved_and_gone_back_on(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    before = await config_of(world, hello)
    assert box(await browser_of_admin.get(PATH)) == before
    wanted = before.replace("parallel_variants: 1", "parallel_variants: 3") + "# faster\n"
    checked = await send(browser_of_admin, "check", wanted)
    assert checked.status_code == 200
    assert "This config can be saved" in says(checked)
    assert "parallel_variants changed from the next decision on" in says(checked)
    assert "+# faster" in checked.text
    assert box(checked) == wanted
    assert await config_of(world, hello) == before
    saved = await send(browser_of_admin, "save", wanted.replace("\n", "\r\n"))
    assert saved.headers["location"] == PATH
    shown = await browser_of_admin.get(PATH)
    assert "Version 2 of the config holds from now on." in says(shown)
    assert (await world.store(hello.experiment_id).read_experiment_detail()).parallel_variants == 3
    assert [row[0] for row in rows(part(shown, "history"))] == ["2", "1"]
    assert rows(part(shown, "history"))[0][1:3] == ["parallel_variants holds now", "Administrator"]
    back = await browser_of_admin.get(PATH, params={"from": "1"})
    assert box(back) == before
    assert "parallel_variants changed" in says(back)
    await send(browser_of_admin, "save", before, based_on=2)
    assert await config_of(world, hello) == before


async def test_what_cannot_be_used_says_where_and_stays_in_the_box(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    before = await config_of(world, hello)
    line = before.splitlines().index("parallel_variants: 1") + 1
    for act in ("check", "save"):
        odd = before.replace("parallel_variants: 1", "parallel_variants: none")
        answer = await send(browser_of_admin, act, odd)
        assert answer.status_code == 422
        assert f"Line {line}: parallel_variants" in says(answer)
        assert box(answer) == odd
        assert not page(answer).select("button[formaction]")
    fixed = {**yaml.safe_load(before), "objective": {"expr": "-error", "direction": "minimize"}}
    answer = await send(browser_of_admin, "check", yaml.safe_dump(fixed))
    assert "objective cannot be changed here" in says(answer)
    assert "clone the experiment" in says(answer)
    assert await config_of(world, hello) == before


async def test_two_people_do_not_overwrite_one_another(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    before = await config_of(world, hello)
    await world.store(hello.experiment_id).change_config(before + "# theirs\n", 1)
    late = await send(browser_of_admin, "save", before + "# mine\n")
    assert late.status_code == 409
    assert "Somebody else saved a config meanwhile" in says(late)
    assert "# mine" in box(late)
    assert "-# theirs" in late.text
    number = page(late).select_one("input[name=based_on]")
    assert number is not None
    assert number["value"] == "2"


async def test_it_is_told_of_ended_by_its_name_archived_and_brought_back(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    told = {"name": "Greeting", "description": "Say it well.", "hypothesis": "x" * 30_000}
    long = await browser_of_admin.post(f"{PATH}/tell", data=told)
    assert (long.status_code, "20,000 are kept" in says(long)) == (422, True)
    unnamed = await browser_of_admin.post(f"{PATH}/tell", data={**told, "name": "", "hypothesis": ""})
    assert (unnamed.status_code, "A name " in says(unnamed)) == (422, True)
    unseen = await browser_of_admin.post(f"{PATH}/tell", data={**told, "hypothesis": "", "tags": "night a\x07b"})
    assert (unseen.status_code, "cannot be seen" in says(unseen)) == (422, True)
    await browser_of_admin.post(f"{PATH}/tell", data={**told, "hypothesis": "", "tags": "night, protein"})
    shown = await browser_of_admin.get(PATH)
    assert "Greeting" in says(shown)
    assert "Say it well." in shown.text
    assert 'value="night protein"' in shown.text
    await browser_of_admin.post(f"{PATH}/archive")
    assert "Only an experiment that has ended is archived" in says(await browser_of_admin.get(PATH))
    for typed, is_over in (("Hello", False), ("Greeting", True)):
        await browser_of_admin.post(f"{PATH}/end", data={"typed": typed})
        assert (await world.store(hello.experiment_id).read_experiment_detail()).status.is_final is is_over
    assert not page(await browser_of_admin.get(PATH)).select("textarea[name=config]")
    assert (await send(browser_of_admin, "save", "a: 1")).status_code == 422
    await browser_of_admin.post(f"{PATH}/archive")
    archived = await browser_of_admin.get(PATH)
    assert "lists and the switcher leave it out" in says(archived)
    assert "/e/hello/" not in (await browser_of_admin.get("/")).text
    await browser_of_admin.post(f"{PATH}/unarchive")
    assert "/e/hello/" in (await browser_of_admin.get("/")).text


async def test_a_long_history_goes_on_to_its_beginning(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    text = await config_of(world, hello)
    for number in range(1, 22):
        await world.store(hello.experiment_id).change_config(f"{text}# {number}\n", number)
    newest = part(await browser_of_admin.get(PATH), "history")
    link = newest.select_one("footer a")
    assert link is not None
    older = part(await browser_of_admin.get(str(link["href"])), "history")
    assert [row[0] for row in rows(newest) + rows(older)] == [str(number) for number in range(22, 0, -1)]
    assert (await browser_of_admin.get(PATH, params={"older": "x"})).status_code == 200


async def test_a_pause_from_the_settings_leads_back_to_them(
    hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    answer = await browser_of_admin.post("/e/hello/pause", headers={"Referer": f"http://console{PATH}"})
    assert answer.headers["location"] == PATH
    assert "Resume" in says(await browser_of_admin.get(PATH))


async def test_others_than_administrators_look_and_change_nothing(world: World, hello: ExperimentDetail) -> None:
    before = await config_of(world, hello)
    for role in ("operator", "viewer"):
        browser = await world.person(role.title(), role)
        answer = await browser.get(PATH)
        assert "Only administrators of this experiment change its settings" in says(answer)
        assert "parallel_variants" in answer.text
        assert not page(answer).select("main form")
        for act in ("tell", "check", "save", "archive", "unarchive"):
            data = {"config": before + "# more\n", "based_on": "1", "name": "Other"}
            assert (await browser.post(f"{PATH}/{act}", data=data)).status_code == 403, act
        assert (await browser.post(f"{PATH}/end", data={"typed": "Hello"})).status_code == 403
    assert await config_of(world, hello) == before

"""Several experiments of somebody else's server in one console: which there are, and whose credentials are used."""

import httpx

from store_client import ExperimentDetail
from tests.web.foreign import Foreign, slug
from tests.web.reading import page, part, rows, says, words
from tests.web.streaming import open_tab
from tests.web.work import worked
from tests.web.world import World


async def two(world: World) -> tuple[ExperimentDetail, ExperimentDetail]:
    return await world.experiment("First"), await world.experiment("Second")


def switcher(answer: httpx.Response) -> set[str]:
    return {words(name) for name in page(answer).select("#switcher .entry-name")}


async def test_the_control_planes_list_is_the_switchers(foreign: Foreign) -> None:
    first, second = await two(foreign.world)
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    home = await browser.get("/")
    assert switcher(home) == {"First", "Second"}
    assert says(home).startswith("Home Both experiments run.")
    inside = await browser.get(f"/e/{slug(first)}/")
    chosen = await browser.post(f"/e/{slug(second)}/select?next=tasks")
    assert chosen.headers["location"] == f"/e/{slug(second)}/tasks"
    assert switcher(inside) == {"First", "Second"}
    assert (await browser.get("/ideas")).headers["location"] == f"/e/{slug(second)}/ideas"
    assert (await browser.get(f"/e/{first.experiment_id}/variants")).status_code == 200


async def test_an_operator_is_registered_only_where_they_go(foreign: Foreign) -> None:
    first, second = await two(foreign.world)
    console = await foreign.console(admin_token_file=foreign.admin_token(), operator="Olga")
    browser = await foreign.signed_in(console)
    async with open_tab(console.serving, browser, "/live"):
        home = await browser.get("/")
    assert switcher(home) == {"First", "Second"}

    async def found(one: ExperimentDetail) -> int:
        return len((await foreign.world.store(one.experiment_id).list_workers("Olga")).workers)

    assert (await found(first), await found(second)) == (0, 0)
    await browser.get(f"/e/{slug(first)}/")
    assert (await found(first), await found(second)) == (1, 0)


async def test_home_tells_how_each_does_as_far_as_it_is_known(foreign: Foreign) -> None:
    first, _ = await two(foreign.world)
    await worked(foreign.world, first)
    configs = foreign.world.data / "configs"
    configs.mkdir()
    foreign.config(first).rename(configs / f"{first.experiment_id}.yaml")
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token(), config=configs))
    listed = {row[0].split()[0]: row for row in rows(part(await browser.get("/"), "experiments"))}
    assert "minimise error" in listed["First"][0]
    assert listed["First"][2].startswith("0.2500")
    assert listed["First"][4].startswith("5 3 scored")
    assert not listed["Second"][2].strip("\u2013")


async def test_credentials_say_which_experiments_there_are_where_nobody_lists_them(foreign: Foreign) -> None:
    first, second = await two(foreign.world)
    await foreign.world.experiment("Third")
    held = foreign.credentials({one.experiment_id: await foreign.worker(one) for one in (first, second)})
    browser = await foreign.signed_in(await foreign.console(credential_file=held))
    assert switcher(await browser.get("/")) == {"First", "Second"}
    assert not [path for _, path, _ in foreign.fence.asked if "/control" in path]
    for one in (first, second):
        assert (await browser.get(f"/e/{slug(one)}/")).status_code == 200
    principals = {path.split("/")[3]: who for _, path, who in foreign.fence.asked}
    assert len(set(principals.values())) == 2


async def test_a_credential_that_is_no_good_takes_no_other_page_down(foreign: Foreign) -> None:
    first, second = await two(foreign.world)
    workers = {one.experiment_id: await foreign.worker(one) for one in (first, second)}
    held = foreign.credentials(workers)
    await foreign.world.store(second.experiment_id).reissue_credential(workers[second.experiment_id].worker_id)
    browser = await foreign.signed_in(await foreign.console(credential_file=held))
    assert switcher(await browser.get("/")) == {"First"}
    assert (await browser.get(f"/e/{slug(first)}/tasks")).status_code == 200


async def test_a_credential_that_the_server_does_not_take_signs_nobody_out(foreign: Foreign) -> None:
    first, _ = await two(foreign.world)
    worker = await foreign.worker(first)
    held = foreign.credentials({first.experiment_id: worker})
    browser = await foreign.signed_in(await foreign.console(experiment_id=first.experiment_id, credential_file=held))
    await foreign.world.store(first.experiment_id).reissue_credential(worker.worker_id)
    refused = await browser.get(f"/e/{slug(first)}/")
    assert refused.status_code == 403
    assert "does not take this console's credential" in says(refused)
    foreign.credentials({first.experiment_id: await foreign.worker(first)})
    assert (await browser.get(f"/e/{slug(first)}/")).status_code == 200  # the file is read again


async def test_a_server_that_lists_nothing_is_said_to_list_nothing(foreign: Foreign) -> None:
    foreign.fence.hidden = "/v0/control/"
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    answer = await browser.get("/")
    assert answer.status_code == 404
    assert "does not list its experiments; start the console with --experiment-id" in says(answer)


async def test_two_experiments_of_one_name_have_addresses_of_their_own(foreign: Foreign) -> None:
    first, second = await foreign.world.experiment("Twin"), await foreign.world.experiment("Twin", slug="other")
    browser = await foreign.signed_in(await foreign.console(admin_token_file=foreign.admin_token()))
    links = {str(link["href"]) for link in page(await browser.get("/")).select("[data-live=experiments] a.key")}
    assert links == {f"/e/twin-{one.experiment_id[-4:]}/" for one in (first, second)}

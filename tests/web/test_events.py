"""The event explorer: every event of an experiment and of all, narrowed, page by page, each with its address."""

import json

import httpx

from store_client import ExperimentDetail
from tests.web.reading import page, part, rows, says, words
from tests.web.test_queue import queued
from tests.web.work import Worker, worked
from tests.web.world import World
from web_ui.filters import NOTHING
from web_ui.pages.task_acts import ANYBODY


def types(answer: httpx.Response) -> list[str]:
    return [row[0].split()[0] for row in rows(part(answer, "events"))]


def types_or_none(answer: httpx.Response) -> list[str]:
    return [words(row) for row in part(answer, "events").select("tbody tr")]


async def test_what_an_event_names_is_short_and_nothing_is_a_dash(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    task = await (await Worker.of(world, hello)).pending("evaluation")
    given = {"target": ANYBODY, "reason": "again"}
    assert (await browser_of_admin.post(f"/e/hello/tasks/{task.task_id}/reassign", data=given)).status_code == 303
    job = await queued(world, hello)
    counted = {"count": "1", "up_to": str(job.number)}
    assert (await browser_of_admin.post("/queue/cancel-several?name=train", data=counted)).status_code == 303
    listed = page(await browser_of_admin.get("/e/hello/events")).select("[data-live=events] tbody tr")
    told = {words(row.select_one("a.key")): words(row.select_one(".event-named")) for row in listed}
    assert f"new target {NOTHING}" in told["task.reassigned"]
    assert "by wkr_…" in told["job.finished"], "an id that stands for nobody here is shown short"


async def test_events_are_found_by_type_subject_actor_words_and_time(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await worked(world, hello)
    everything = await browser_of_admin.get("/e/hello/events")
    assert len(types(everything)) == 50
    assert "task.claimed" in words(part(everything, "kinds"))
    assert page(everything).select_one("details.filters-more:not([open])") is not None
    assert page(await browser_of_admin.get("/e/hello/events?by=admin")).select_one("details.filters-more[open]")
    facet = part(everything, "kinds").find("a", string="variant.integrated")
    assert facet is not None
    integrated = await browser_of_admin.get(str(facet["href"]))
    assert types(integrated) == ["variant.integrated"] * 2
    assert "2 events of 2" in words(part(integrated, "events"))
    assert "50 events of " in words(part(everything, "events"))
    variant = (await world.store(hello.experiment_id).list_variant_page(limit=1)).items[0].variant_id
    about = types(await browser_of_admin.get(f"/e/hello/events?about={variant}&order=oldest"))
    assert about[0] == "variant.started"
    assert set(types(await browser_of_admin.get(f"/e/hello/events?by={ada.worker_id}&type=task.claimed"))) == {
        "task.claimed"
    }
    assert types(await browser_of_admin.get("/e/hello/events?text=INTEGRATED&order=oldest"))
    assert "No event is like that" in says(await browser_of_admin.get("/e/hello/events?since=2999-01-01T00:00"))
    assert types(await browser_of_admin.get("/e/hello/events?until=2999-01-01T00:00&limit=3"))
    claims = await browser_of_admin.get("/e/hello/events?text=type:task.claimed by:Ada age<1d&type=idea.drafted")
    assert set(types(claims)) == {"task.claimed"}
    facet = part(claims, "kinds").find("a", string="variant.integrated")
    assert facet is not None
    assert str(facet["href"]) == "/e/hello/events?type=variant.integrated&text=by%3AAda+age%3C1d"
    assert "No event is like that" in says(await browser_of_admin.get("/e/hello/events?text=age>99999w"))
    for text, said in (
        ("by:Nobody", "Nobody in this"),
        ("age:1h", "asked for like age<1h"),
        ("colour:red", "cannot be"),
    ):
        answer = await browser_of_admin.get(f"/e/hello/events?text={text}")
        assert said in words(page(answer).select_one("#event-problem"))
        assert types_or_none(answer) == []


async def test_pages_of_events_follow_one_another_without_gap(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await worked(world, hello)
    seen: list[int] = []
    path: str | None = "/e/hello/events"
    while path is not None:
        shown = await browser_of_admin.get(path)
        seen += [int(str(row["data-key"])) for row in part(shown, "events").select("tbody tr")]
        later = page(shown).select_one('.pager a[rel="next"]')
        path = str(later["href"]) if later else None
    whole = await world.store(hello.experiment_id).read_log(after=0, limit=1000)
    assert seen == [event.position for event in reversed(whole.events)]


async def test_an_event_has_an_address_with_all_of_it_and_its_neighbours(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    log = await world.store(hello.experiment_id).read_log(after=0, limit=1000)
    event = log.events[len(log.events) // 2]
    row = part(await browser_of_admin.get("/e/hello/events"), "events").select_one(f'[data-key="{event.position}"]')
    assert row is not None
    link = row.select_one("a.key")
    assert link is not None
    shown = await browser_of_admin.get(str(link["href"]))
    whole = page(shown).select_one("pre.log")
    assert whole is not None
    assert json.loads(whole.get_text()) == event.to_wire()
    assert part(shown, "around").select_one('[aria-current="true"]') is not None
    assert (await browser_of_admin.get(f"/events/{event.position}")).status_code == 200
    for nowhere in ("/e/hello/events/999999", "/e/hello/events/x", "/events/0"):
        assert (await browser_of_admin.get(nowhere)).status_code == 404


async def test_the_events_of_all_say_where_each_happened(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await world.experiment("Other")
    shown = words(part(await browser_of_admin.get("/events"), "events"))
    assert "· Hello" in shown
    assert "· Other" in shown
    assert "· Deployment" in shown
    tab = page(await browser_of_admin.get("/events")).select_one('.tabs [aria-current="page"]')
    assert words(tab) == "Events"


async def test_what_was_entered_badly_is_said_and_left_out(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    shown = await browser_of_admin.get("/e/hello/events?since=yesterday&at=x&after=y&type=<i>&by=" + "x" * 900)
    assert shown.status_code == 200
    assert "“since” was not understood" in says(shown)
    assert "<i>" not in shown.text
    entered = page(shown).select_one('[name="type"] option[selected]')
    assert words(entered) == "<i>"


async def test_a_viewer_may_look_at_events(world: World, hello: ExperimentDetail) -> None:
    bob = await world.person("Bob", "viewer")
    assert (await bob.get("/e/hello/events")).status_code == 200
    assert (await bob.get("/events")).status_code == 200

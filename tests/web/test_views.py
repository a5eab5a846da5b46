"""Views of lists: saved from a list, there in every experiment for whoever saved them, and what a list begins with."""

import httpx
import pytest
from pydantic import ValidationError

from store_client import SaveView
from tests.web.desk import Desk
from tests.web.reading import page, part, says, words
from tests.web.world import World

CLAIMED = "state:claimed kind:execution"


def views(answer: httpx.Response) -> dict[str, str]:
    """The links above a list, and where they lead."""
    return {words(link): str(link["href"]) for link in page(answer).select('nav[aria-label="Saved views"] a')}


def current(answer: httpx.Response) -> list[str]:
    return [words(link) for link in page(answer).select('nav[aria-label="Saved views"] a[aria-current]')]


async def saved(desk: Desk, path: str, name: str, **more: str) -> httpx.Response:
    """Save what a list is narrowed to by the form above it."""
    form = page(await desk.get(path)).select_one("#save-view form")
    assert form is not None
    hidden = {str(one["name"]): str(one["value"]) for one in form.select("input[type=hidden]")}
    answer = await desk.browser.post(str(form["action"]), data={**hidden, "name": name, **more})
    return await desk.follow(answer)


async def test_a_view_is_kept_from_a_list_and_stands_above_it_in_every_experiment(desk: Desk) -> None:
    assert page(await desk.get("/tasks")).select_one("#save-view") is None, "there is nothing to keep of a whole list"
    shown = await saved(desk, f"/tasks?q={CLAIMED}&view=all", "Being executed")
    assert "Saved as Being executed" in says(shown)
    assert views(shown) == {
        "Everything": f"{desk.root}/tasks",
        "Being executed": f"{desk.root}/tasks?q=state%3Aclaimed+kind%3Aexecution",
    }
    assert current(shown) == ["Being executed"]
    assert page(shown).select_one("#save-view") is None
    other = await desk.world.experiment("Other")
    assert "Being executed" in views(await desk.browser.get(f"/e/{other.slug}/tasks"))
    assert views(await desk.get("/ideas")) == {}
    again = await saved(desk, "/tasks?q=state:any", "Being executed")
    assert "a view of this list is called Being executed already" in says(again)
    for odd in ("", " ", "x" * 61, "two\nlines"):
        assert "Nothing was saved" in says(await saved(desk, "/tasks?q=state:any", odd))
    assert "Being executed" not in says(await (await desk.world.person("Bob", "viewer")).get(f"{desk.root}/tasks"))


async def test_what_narrows_nothing_is_not_offered_to_be_kept(desk: Desk) -> None:
    inside = (
        "tasks?q=", "tasks?q=%20%22%22", "tasks?colour=red", "tasks?q=colour:red", "ideas?q=state:odd",
        "ideas?view=all&n=3", "variants?q=error<x", "events?text=%20&at=3", "events?since=yesterday",
    )  # fmt: skip
    for path in (*(f"{desk.root}/{one}" for one in inside), "/queue?q=x", "/queue?state=odd", "/queue?name=%20"):
        shown = await desk.browser.get(path)
        assert shown.status_code == 200, path
        assert page(shown).select_one("#save-view") is None, path


async def test_a_list_begins_with_its_default_view_and_its_links_lead_past_it(desk: Desk) -> None:
    await desk.ada.propose("near")
    for path, name in (
        ("/ideas?state=drafting", "Drafts"),
        ("/variants?q=near", "Near"),
        ("/events?text=by:Ada", "By"),
    ):
        assert "Saved as" in says(await saved(desk, path, name, is_default="on"))
        bare = path.partition("?")[0]
        begun = await desk.get(bare)
        assert (begun.status_code, "=" in begun.headers["location"]) == (303, True)
        assert current(await desk.follow(begun)) == [name]
        whole = views(await desk.follow(begun))["Everything"]
        assert current(await desk.browser.get(whole)) == ["Everything"]
    tabs = page(await desk.get("/ideas?view=all")).select('nav[aria-label="State"] a')
    assert str(tabs[0]["href"]) == f"{desk.root}/ideas?view=all"
    assert "near" in words(part(await desk.browser.get(str(tabs[0]["href"])), "ideas"))
    cleared = page(await desk.get("/ideas?state=ready")).find("a", string="Show all")
    assert cleared is not None
    assert str(cleared["href"]) == f"{desk.root}/ideas?view=all"


async def test_views_are_renamed_made_the_beginning_and_deleted_by_whose_they_are(desk: Desk) -> None:
    assert "No view is saved" in says(await desk.get("/views"))
    for name, state in (("Failures", "failed"), ("Held", "claimed")):
        await saved(desk, f"/tasks?state={state}", name, is_default="on")
    shown = page(await desk.get("/views"))
    rows = {words(row.select_one("a.key")): row for row in shown.select("tbody tr")}
    checked = [name for name, row in rows.items() if row.select_one("input[checked]")]
    assert (list(rows), checked) == (["Failures", "Held"], ["Held"])
    change, delete = (
        str(rows["Held"].select(one)[0][name]) for one, name in (("form", "action"), ("[formaction]", "formaction"))
    )
    other = await desk.world.person("Bob")
    for act in (change, delete):
        await other.post(act, data={"name": "Mine"})
    taken = await desk.follow(await desk.browser.post(change, data={"name": "Failures"}))
    assert "is called Failures already" in says(taken)
    await desk.browser.post(change, data={"name": "In the works"})
    assert set(views(await desk.get("/tasks"))) == {"Everything", "Failures", "In the works"}
    assert "The view is deleted" in says(await desk.follow(await desk.browser.post(delete)))
    assert set(views(await desk.get("/tasks"))) == {"Everything", "Failures"}
    for odd in ("#state", "a b", "ä", "a\nb"):
        with pytest.raises(ValidationError):
            SaveView(list="tasks", name="x", query=odd)
    nowhere = await desk.post("/views/save", {"list": "secrets", "query": "a=b", "name": "x"})
    assert "narrow a list first" in says(await desk.follow(nowhere))


async def test_a_list_has_so_many_views_and_members_keep_theirs(world: World, desk: Desk) -> None:
    for number in range(51):
        answer = await desk.post("/views/save", {"list": "tasks", "query": "q=x", "name": f"view {number}"})
    assert "at most 50 views" in says(await desk.follow(answer))
    member = await world.person("Mia", "member")
    (person,) = [one for one in await world.deployment.list_operators() if one.name == "Mia"]
    await world.deployment.grant_role(person.operator_id, desk.experiment.experiment_id, "viewer")
    await member.post(f"{desk.root}/views/save", data={"list": "tasks", "query": "q=state:any", "name": "All of it"})
    shown = await member.get(f"{desk.root}/tasks?q=state:any")
    assert current(shown) == ["All of it"]
    box = page(shown).select_one("form.find")
    assert box is not None
    assert (await member.get(str(box["action"]), params={"q": "hello"})).status_code == 200


async def test_views_of_the_queue_stand_above_it_and_may_begin_it(desk: Desk) -> None:
    browser = desk.browser
    assert page(await browser.get("/queue")).select_one("#save-view") is None
    shown = await browser.get("/queue?state=failed&experiment=hello")
    form = page(shown).select_one("#save-view form")
    assert form is not None
    hidden = {str(one["name"]): str(one["value"]) for one in form.select("input[type=hidden]")}
    kept = await browser.post(str(form["action"]), data={**hidden, "name": "Mishaps", "is_default": "on"})
    shown = await desk.follow(kept)
    assert "Saved as Mishaps. It is above this list." in says(shown)
    assert current(shown) == ["Mishaps"]
    assert (await browser.get("/queue")).headers["location"] == "/queue?experiment=hello&state=failed"
    whole = await browser.get(views(shown)["Everything"])
    assert (whole.status_code, current(whole)) == (200, ["Everything"])
    assert views(await desk.get("/jobs")) == {}
    edited = await desk.get("/views")
    assert page(edited).find("a", href="/queue?experiment=hello&state=failed") is not None
    odd = await browser.post("/queue/views/save", data={"name": "x", "query": "q=x&name=+"})
    assert "narrow a list first" in says(await browser.get(odd.headers["location"] + "?view=all"))

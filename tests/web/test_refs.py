"""Work branches in the console: how each stands, removing those that nothing needs, and bringing them back."""

from collections.abc import Sequence

import httpx
import pytest

from control_plane.repos.cleaning import WorkRefs
from control_plane.task_store import branch_routes
from store_client import BranchQuery, BranchStanding, ExperimentDetail, SeenBranch, WorkBranchPage
from tests.web.reading import page, part, rows, says, words
from tests.web.work import Worker, worked
from tests.web.world import World

PATH = "/e/hello/admin/refs"


def branches(answer: httpx.Response) -> dict[str, str]:
    """How each branch stands and why, by name."""
    table = part(answer, "branches").select("tbody tr")
    return {str(row["data-key"]): words(row.select("td")[-3]) for row in table}


def values(answer: httpx.Response) -> dict[str, str]:
    """What stands for each branch that can be chosen."""
    chosen = page(answer).select('input[name="branch"]')
    return {str(one["value"]).split(" ", 1)[1]: str(one["value"]) for one in chosen}


def seen(shown: WorkBranchPage) -> tuple[SeenBranch, ...]:
    """All that a page shows, chosen."""
    return tuple(SeenBranch(name=one.name, commit_sha=one.commit_sha) for one in shown.items)


async def told(browser: httpx.AsyncClient, act: str, *chosen: str) -> str:
    """What the next page says of an act."""
    answer = await browser.post(f"{PATH}/{act}", data={"branch": list(chosen)})
    assert answer.status_code == 303, says(answer)
    return says(await browser.get(answer.headers["location"]))


async def test_branches_whose_variants_have_ended_are_removed_and_brought_back(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await worked(world, hello)
    started = await browser_of_admin.get(PATH)
    stands = branches(started)
    assert sorted(word.split(" Its")[0] for word in stands.values()) == ["may go"] * 3
    owners = {words(row.select("td")[-1]) for row in part(started, "branches").select("tbody tr")}
    assert owners == {"better Ada", "worse Ada", "broken Ada"}
    one = next(name for name, why in stands.items() if "integrated" in why)
    value = values(started)[one]
    shown = await browser_of_admin.post(f"{PATH}/preview", data={"branch": value})
    assert "Checkpoints go on carrying these branches" in says(shown)
    assert values(shown) == {one: value}
    assert "1 branch removed." in await told(browser_of_admin, "remove", value)
    assert one not in branches(await browser_of_admin.get(PATH))
    bare = world.repository(hello.experiment_id)
    assert one not in world.git("for-each-ref", "refs/heads", cwd=bare)
    variant = one.rpartition("/")[2]
    assert (await browser_of_admin.get(f"/e/hello/variants/{variant}/diff")).status_code == 200
    gone = await told(browser_of_admin, "remove", value)
    assert f"0 branches removed. {one} was left alone: there is none any more." in gone
    removed = await browser_of_admin.get(f"{PATH}?standing=removed")
    assert list(branches(removed)) == [one]
    assert "1 branch brought back." in await told(browser_of_admin, "restore", *values(removed).values())
    assert one in branches(await browser_of_admin.get(f"{PATH}?standing=eligible"))
    events = says(await browser_of_admin.get("/e/hello/events?text=branch."))
    for told_of in ("branch.removing", "branch.removed", "branch.restoring", "branch.restored"):
        assert events.count(told_of) >= 1
    assert ada.worker_id in one


async def test_what_is_needed_or_has_moved_stays_whatever_is_posted(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.propose("first")
    task, base = await ada.claim("execution"), str(hello.base_commit_sha)
    orphan = f"work/{ada.worker_id}/early"
    early = ada.push(orphan, base, guess__txt="2\n")
    bo = await Worker.of(world, hello, "Bo")
    other = f"work/{bo.worker_id}/stray"
    stray = bo.push(other, base, guess__txt="3\n")
    shown = await browser_of_admin.get(PATH)
    stands = branches(shown)
    assert "an execution task is held" in stands[orphan]
    assert stands[other] == "no variant No variant names it."
    assert list(values(shown)) == [other]
    assert list(branches(await browser_of_admin.get(f"{PATH}?standing=orphan"))) == [other]
    bare = world.repository(hello.experiment_id)
    whole = world.git("for-each-ref", cwd=bare)
    said = await told(browser_of_admin, "remove", f"{early} {orphan}", f"{base} {other}", f"{base} main", "nonsense")
    assert f"0 branches removed. {orphan} was left alone: no variant names it yet" in said
    assert f"{other} was left alone: there is a branch of that name that points elsewhere." in said
    assert "Nothing was chosen" in await told(browser_of_admin, "remove", f"{base} main", f"{base} variant/x")
    assert world.git("for-each-ref", cwd=bare) == whole
    await ada.store.release_claim(task.task_id)
    both = (f"{early} {orphan}", f"{stray} {other}")
    assert "2 branches removed." in await told(browser_of_admin, "remove", *both)
    made = f"work/{ada.worker_id}/{await ada.execute(guess__txt='1.4')}"
    assert "still being made" in branches(await browser_of_admin.get(PATH))[made]
    tip = world.git("rev-parse", made, cwd=bare)
    assert "its variant is still being made" in await told(browser_of_admin, "remove", f"{tip} {made}")


async def test_others_than_administrators_look_at_branches_and_remove_none(
    world: World, hello: ExperimentDetail
) -> None:
    await worked(world, hello)
    bo = await world.person("Bo")
    shown = await bo.get(PATH)
    assert len(rows(part(shown, "branches"))) == 3
    assert "Only administrators clean branches up." in says(shown)
    assert not page(shown).select("main form[method=post]")
    name = next(iter(branches(shown)))
    commit = world.git("rev-parse", name, cwd=world.repository(hello.experiment_id))
    assert (await bo.post(f"{PATH}/remove", data={"branch": f"{commit} {name}"})).status_code == 403
    assert name in branches(await bo.get(PATH))


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8, 9])
async def test_pages_of_branches_have_every_one_once_whichever_are_asked_for(
    world: World, hello: ExperimentDetail, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(branch_routes, "CHUNK", 2)
    monkeypatch.setattr(branch_routes, "MOST_LOOKED_AT", 3)
    await worked(world, hello)
    bare, store = world.repository(hello.experiment_id), world.store(hello.experiment_id)
    for number in range(5):
        world.git("update-ref", f"refs/heads/work/{'az'[number % 2]}{number}", str(hello.base_commit_sha), cwd=bare)

    async def walked(standing: BranchStanding | None) -> list[str]:
        page = await store.list_work_branches(BranchQuery(standing=standing, limit=most))
        names = [line.name for line in page.items]
        while page.next is not None:
            assert len(page.items) <= most
            page = await store.list_work_branches(BranchQuery(standing=standing, limit=most, after=page.next))
            names += [line.name for line in page.items]
        return names

    every = world.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/work", cwd=bare).splitlines()
    orphans = [name for name in every if name[5] in "az"]
    assert await walked(None) == every
    assert await walked("orphan") == orphans
    assert await walked("eligible") == [name for name in every if name not in orphans]
    assert await walked("needed") == await walked("removed") == []
    found = await store.list_work_branches(BranchQuery(limit=8))
    assert ([line.name for line in found.items], found.next) == (every, None)  # a full last page leads nowhere
    world.git("pack-refs", "--all", cwd=bare)
    told = await store.remove_work_branches(seen(found))
    assert {one.outcome for one in told.items} == {"removed"}
    assert (await walked(None), await walked("removed")) == ([], every)


async def test_of_branches_that_are_removed_together_one_that_moved_meanwhile_stays(
    world: World, hello: ExperimentDetail, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked(world, hello)
    bare, store = world.repository(hello.experiment_id), world.store(hello.experiment_id)
    found = await store.list_work_branches(BranchQuery())
    really, moved = WorkRefs.remove, found.items[1].name

    def push_first(refs: WorkRefs, experiment_id: str, some: Sequence[tuple[str, str]]) -> bool:
        world.git("update-ref", f"refs/heads/{moved}", str(hello.base_commit_sha), cwd=bare)
        return really(refs, experiment_id, some)

    monkeypatch.setattr(WorkRefs, "remove", push_first)
    told = await store.remove_work_branches(seen(found))
    outcomes = {one.name: one.outcome for one in told.items}
    assert outcomes == {one.name: "removed" if one.name != moved else "changed" for one in found.items}
    assert [one.name for one in (await store.list_work_branches(BranchQuery())).items] == [moved]

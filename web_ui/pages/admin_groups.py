"""Groups of an experiment or of the deployment: those that carry authority, and all others a page at a time."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import GroupQuery, GroupSummary, InvalidName, ReservedIdentifier
from web_ui.failures import sentence
from web_ui.forms.field import text
from web_ui.listing import PAGE, Pager, Place
from web_ui.pages.admin_workers import fault_of
from web_ui.registries import Registry
from web_ui.templating import Frame

MEANINGS = {
    "experiment": {
        "admins": "Reassign tasks, change who decides, create tasks, end the experiment, read every artifact.",
        "orchestrators": "Accept and reject results, integrate variants, create tasks.",
    },
    "deployment": {
        "admins": "Manage everything: people, workers, groups, leases, the queue, every experiment.",
        "orchestrators": "Hold the leases on experiments, and take the decisions in them.",
        "consoles": "Act in experiments for the people who are signed in to them.",
        "runners": "Do the automatic roles of every experiment.",
    },
}
SENTENCES = {
    "experiment": "Tasks can be meant for a group, and two groups decide who may run the experiment. "
    "Groups may contain groups.",
    "deployment": "Four groups decide what hosts and services of the deployment may do. Groups may contain groups.",
}


@dataclass(frozen=True)
class GroupRow:
    """One group in a table."""

    group: GroupSummary
    name: str
    meaning: str
    href: str


@dataclass(frozen=True)
class Groups:
    """`/e/{experiment}/admin/groups`, and `/admin/groups` of the deployment."""

    template: ClassVar[str] = "admin_groups/index.html"

    frame: Frame
    sentence: str
    reserved: tuple[GroupRow, ...]
    others: tuple[GroupRow, ...]
    searched: str
    all_href: str
    pager: Pager
    may_change: bool
    why_not: str
    create_href: str
    name: str = ""
    problem: str = ""


async def index(registry: Registry) -> Response:
    """The groups, or those with some words in their name or id."""
    return await _page(registry)


async def create(registry: Registry) -> Response:
    """Make an empty group, and go on to who is to be in it."""
    name = text(await registry.visit.request.form(), "name")
    if not name:
        return await _page(registry, problem="Give the group a name that says who is in it.")
    try:
        group_id = await registry.make_group(name)
    except (InvalidName, ReservedIdentifier) as error:
        return await _page(registry, name=name, problem=fault_of(error))
    told = f"Group {name} is there. Nobody is in it yet."
    return registry.visit.go(registry.url("group", group=group_id), ("done", told))


async def _page(registry: Registry, name: str = "", problem: str = "") -> Response:
    place = Place.of(registry.visit.request, "q")
    words = place.fields.get("q", "").replace("\x00", "")[:200]
    query = GroupQuery(q=words or None, limit=PAGE, after=(place.after or "")[:200] or None)
    found, frame = await asyncio.gather(registry.groups(query), registry.frame("Groups", "groups"))
    rows = [_row(registry, group) for group in found.groups]
    page = Groups(
        frame=frame,
        sentence=SENTENCES[registry.scope],
        reserved=tuple(row for row in rows if row.group.is_reserved),
        others=tuple(row for row in rows if not row.group.is_reserved),
        searched=words,
        all_href=registry.url("groups"),
        pager=place.pager(len(rows), found.next),
        may_change=not registry.why_not,
        why_not=sentence(registry.why_not) if registry.why_not else "",
        create_href=registry.url("create_group"),
        name=name,
        problem=problem,
    )
    return registry.visit.show(page, 422 if problem else 200)


def _row(registry: Registry, group: GroupSummary) -> GroupRow:
    name = group.name or group.group_id
    meaning = MEANINGS[registry.scope].get(name, "") if group.is_reserved else ""
    return GroupRow(group, name, meaning, registry.url("group", group=group.group_id))

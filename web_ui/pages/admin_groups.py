"""Groups of an experiment: who is in them, directly or through other groups, by name."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import Group, Refused
from web_ui.active import Here
from web_ui.filters import plural
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.templating import Frame

RESERVED = {
    "admins": "Reassign tasks, change who decides, create tasks, end the experiment, read every artifact.",
    "orchestrators": "Accept and reject results, integrate variants, create tasks.",
}


@dataclass(frozen=True)
class Member:
    """Somebody in a group: a worker, another group, or an id that names nobody any more."""

    member_id: str
    name: str
    kind: str


@dataclass(frozen=True)
class GroupCard:
    """One group: its direct members, and everyone it comes to mean."""

    group_id: str
    name: str
    meaning: str
    members: tuple[Member, ...]
    effective: tuple[str, ...]
    candidates: tuple[tuple[str, str], ...]
    add_href: str
    remove_href: str
    delete_href: str | None


@dataclass(frozen=True)
class Groups:
    """`/e/{experiment}/admin/groups`."""

    template: ClassVar[str] = "admin_groups/index.html"

    frame: Frame
    groups: tuple[GroupCard, ...]
    may_change: bool
    create_href: str
    name: str = ""
    problem: str = ""


async def index(here: Here) -> Response:
    return await _page(here)


async def create(here: Here) -> Response:
    """Make an empty group."""
    name = text(await here.visit.request.form(), "name")
    if not name:
        return await _page(here, problem="Give the group a name that says who is in it.")
    try:
        await here.store.register_experiment_group(name=name)
    except Refused as error:
        return await _page(here, name=name, problem=str(error))
    return _back(here, f"Group {name} is there. Nobody is in it yet.")


async def add(here: Here) -> Response:
    """Put a worker or a group into a group."""
    member_id = text(await here.visit.request.form(), "member_id")
    try:
        await here.store.add_to_experiment_group(here.visit.request.path_params["group"], member_id)
    except Refused as error:
        return await _page(here, problem=str(error))
    return _back(here, "Added. It counts from the next call on.")


async def remove(here: Here) -> Response:
    """Take a member out of a group."""
    member_id = text(await here.visit.request.form(), "member_id")
    await here.store.remove_from_experiment_group(here.visit.request.path_params["group"], member_id)
    return _back(here, "Removed. It counts from the next call on.")


async def delete(here: Here) -> Response:
    """Delete a group; its members stay."""
    await here.store.delete_experiment_group(here.visit.request.path_params["group"])
    return _back(here, "The group is deleted. Tasks that were meant for it can be given to somebody else.")


def _back(here: Here, told: str) -> Response:
    return here.visit.go(here.url("groups"), ("done", told))


async def _page(here: Here, name: str = "", problem: str = "") -> Response:
    groups, workers = await asyncio.gather(here.store.list_experiment_groups(), here.store.list_workers())
    names = {worker.worker_id: worker.name or worker.worker_id for worker in workers.workers}
    names |= {group.group_id: group.name or group.group_id for group in groups.groups}
    by_id = {group.group_id: group for group in groups.groups}
    page = Groups(
        frame=experiment_frame(here, "Groups", "groups"),
        groups=tuple(_card(here, group, by_id, names) for group in groups.groups),
        may_change=here.visit.is_administrator,
        create_href=here.url("create_group"),
        name=name,
        problem=problem,
    )
    return here.visit.show(page, 422 if problem else 200)


def _card(here: Here, group: Group, by_id: Mapping[str, Group], names: Mapping[str, str]) -> GroupCard:
    members = tuple(Member(one, names.get(one, one), _kind(one, names)) for one in group.members)
    outside = [one for one in names if one not in group.members and one != group.group_id]
    label = group.name or group.group_id
    return GroupCard(
        group_id=group.group_id,
        name=label,
        meaning=RESERVED.get(label, plural(len(members), "member")),
        members=members,
        effective=tuple(sorted(names.get(one, one) for one in effective(group, by_id))),
        candidates=tuple((one, _labelled(one, names)) for one in sorted(outside, key=lambda one: names[one].lower())),
        add_href=here.url("add_member", group=group.group_id),
        remove_href=here.url("remove_member", group=group.group_id),
        delete_href=None if label in RESERVED else here.url("delete_group", group=group.group_id),
    )


def effective(group: Group, by_id: Mapping[str, Group]) -> set[str]:
    """The workers a group comes to mean, through nested groups; an id that names nobody means nobody."""
    found: set[str] = set()
    waiting, seen = [group], {group.group_id}
    while waiting:
        for member in waiting.pop().members:
            if member.startswith("wkr_"):
                found.add(member)
            elif member in by_id and member not in seen:
                seen.add(member)
                waiting.append(by_id[member])
    return found


def _kind(member_id: str, names: Mapping[str, str]) -> str:
    if member_id not in names:
        return "nobody"
    return "worker" if member_id.startswith("wkr_") else "group"


def _labelled(member_id: str, names: Mapping[str, str]) -> str:
    return names[member_id] if member_id.startswith("wkr_") else f"{names[member_id]} (group)"

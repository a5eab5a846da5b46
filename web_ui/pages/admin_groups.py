"""Groups of an experiment: who is in them, directly or through other groups, by name."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from starlette.responses import Response

from store_client import CycleDetected, Group, InvalidName, ReservedIdentifier
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.filters import plural, short_id
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.membership import effective
from web_ui.pages.admin_workers import fault_of, registry_of, why_not
from web_ui.templating import Frame

RESERVED = {
    "admins": "Reassign tasks, change who decides, create tasks, end the experiment, read every artifact.",
    "orchestrators": "Accept and reject results, integrate variants, create tasks.",
}
WARNINGS = {
    "admins": "From the next call on it may no longer run this experiment. Somebody has to be left who may.",
    "orchestrators": "From the next call on it may no longer accept results. While nobody may, no work goes on.",
}
CYCLE = "That group contains this one already, directly or through other groups: each would contain itself."


@dataclass(frozen=True)
class Member:
    """Somebody in a group: a worker, another group, or an id that names nobody any more.

    `warning` says what taking it out would stop, where that is more than it seems.
    """

    member_id: str
    name: str
    kind: str
    warning: str = ""


@dataclass(frozen=True)
class GroupCard:
    """One group: its direct members, and everyone it comes to mean where that is more than those.

    `problem` is what was wrong with the member that was to be added.
    """

    group_id: str
    name: str
    meaning: str
    members: tuple[Member, ...]
    effective: tuple[str, ...]
    candidates: tuple[tuple[str, str], ...]
    add_href: str
    remove_href: str
    delete_href: str | None
    problem: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class Groups:
    """`/e/{experiment}/admin/groups`."""

    template: ClassVar[str] = "admin_groups/index.html"

    frame: Frame
    groups: tuple[GroupCard, ...]
    may_change: bool
    why_not: str
    create_href: str
    name: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Refusal:
    """A member that could not be added to a group, and why."""

    group_id: str = ""
    member_id: str = ""
    problem: str = ""


NOTHING_REFUSED = Refusal()


async def index(here: Here) -> Response:
    return await _page(here)


async def create(here: Here) -> Response:
    """Make an empty group."""
    name = text(await here.visit.request.form(), "name")
    if not name:
        return await _page(here, problem="Give the group a name that says who is in it.")
    try:
        await registry_of(here).register_experiment_group(name=name)
    except (InvalidName, ReservedIdentifier) as error:
        return await _page(here, name=name, problem=fault_of(error))
    return _back(here, f"Group {name} is there. Nobody is in it yet.")


async def add(here: Here) -> Response:
    """Put a worker or a group into a group."""
    group_id = here.visit.request.path_params["group"]
    member_id = text(await here.visit.request.form(), "member_id")
    if not member_id:
        return await _page(here, refused=Refusal(group_id, member_id, "Choose who is to be in it."))
    try:
        await registry_of(here).add_to_experiment_group(group_id, member_id)
    except CycleDetected:
        return await _page(here, refused=Refusal(group_id, member_id, CYCLE))
    return _back(here, "Added. It counts from the next call on.")


async def remove(here: Here) -> Response:
    """Take a member out of a group."""
    member_id = text(await here.visit.request.form(), "member_id")
    await registry_of(here).remove_from_experiment_group(here.visit.request.path_params["group"], member_id)
    return _back(here, "Removed. It counts from the next call on.")


async def delete(here: Here) -> Response:
    """Delete a group; its members stay."""
    await registry_of(here).delete_experiment_group(here.visit.request.path_params["group"])
    return _back(here, "The group is deleted. Tasks that were meant for it can be given to somebody else.")


def _back(here: Here, told: str) -> Response:
    return here.visit.go(here.url("groups"), ("done", told))


async def _page(here: Here, name: str = "", problem: str = "", refused: Refusal = NOTHING_REFUSED) -> Response:
    groups, workers, fleet = await asyncio.gather(
        here.store.list_groups(), here.store.list_workers(), here.visit.fleet()
    )
    names = {worker.worker_id: worker.name or worker.worker_id for worker in workers.workers}
    names |= {group.group_id: group.name or group.group_id for group in groups.groups}
    by_id = {group.group_id: group for group in groups.groups}
    page = Groups(
        frame=experiment_frame(here, "Groups", "groups", fleet),
        groups=tuple(_refused(_card(here, group, by_id, names), refused) for group in groups.groups),
        may_change=here.registry is not None,
        why_not="" if here.registry is not None else sentence(why_not(here)),
        create_href=here.url("create_group"),
        name=name,
        problem=problem,
    )
    return here.visit.show(page, 422 if problem or refused.problem else 200)


def _refused(card: GroupCard, refused: Refusal) -> GroupCard:
    if card.group_id != refused.group_id:
        return card
    return replace(card, problem=refused.problem, chosen=refused.member_id)


def _card(here: Here, group: Group, by_id: Mapping[str, Group], names: Mapping[str, str]) -> GroupCard:
    label = group.name or group.group_id
    in_order = sorted(group.members, key=lambda one: names.get(one, one).lower())
    members = tuple(Member(one, names.get(one, one), _kind(one, names), WARNINGS.get(label, "")) for one in in_order)
    outside = [one for one in names if one not in group.members and one != group.group_id]
    everyone = effective(group, by_id)
    return GroupCard(
        group_id=group.group_id,
        name=label,
        meaning=RESERVED.get(label, plural(len(members), "member")),
        members=members,
        effective=tuple(sorted(names.get(one, one) for one in everyone)) if everyone - set(group.members) else (),
        candidates=tuple((one, _labelled(one, names)) for one in sorted(outside, key=lambda one: names[one].lower())),
        add_href=here.url("add_member", group=group.group_id),
        remove_href=here.url("remove_member", group=group.group_id),
        delete_href=None if label in RESERVED else here.url("delete_group", group=group.group_id),
    )


def _kind(member_id: str, names: Mapping[str, str]) -> str:
    if member_id not in names:
        return "nobody"
    return "worker" if member_id.startswith("wkr_") else "group"


def _labelled(member_id: str, names: Mapping[str, str]) -> str:
    """A candidate as the list offers it; those of one name are told apart by their ids."""
    is_shared = sum(1 for name in names.values() if name == names[member_id]) > 1
    label = names[member_id] if member_id.startswith("wkr_") else f"{names[member_id]} (group)"
    return f"{label} {short_id(member_id)}" if is_shared else label

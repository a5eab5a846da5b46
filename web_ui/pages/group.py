"""One group: who is listed in it, whom it comes to mean and by which way, and who may be added."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import CycleDetected, GroupDetail, GroupMember, GroupQuery, GroupStep, Reached, WorkerQuery
from web_ui.failures import sentence
from web_ui.filters import plural, short_id
from web_ui.forms.field import text
from web_ui.pages.admin_groups import MEANINGS
from web_ui.registries import Registry, part_of
from web_ui.templating import Frame

OFFERED = 25
WARNINGS = {
    "admins": "From the next call on it may no longer run this {scope}. Somebody has to be left who may.",
    "orchestrators": "From the next call on it may no longer accept results. While nobody may, no work goes on.",
    "consoles": "From the next call on this console acts for nobody any more, and every page says so.",
    "runners": "From the next call on it does no automatic role any more, in any experiment.",
}
NOBODY_CHOSEN = "Choose who is to be in it."


@dataclass(frozen=True)
class Step:
    """A group on the way to somebody."""

    name: str
    href: str


@dataclass(frozen=True)
class MemberRow:
    """Somebody whom the group lists; `warning` says what taking it out would stop, where that is more than it seems."""

    member: GroupMember
    name: str
    href: str | None
    warning: str


@dataclass(frozen=True)
class ReachedRow:
    """A worker who is in the group, and the way to it; no way where it is listed itself."""

    member_id: str
    name: str
    href: str
    way: tuple[Step, ...]


@dataclass(frozen=True)
class Adding:
    """The form that adds a member: what was searched, who is offered, and what was wrong."""

    href: str
    searched: str
    candidates: tuple[tuple[str, str], ...]
    has_more: bool
    chosen: str
    problem: str


@dataclass(frozen=True)
class OneGroup:
    """`/e/{experiment}/admin/groups/{group}`, and `/admin/groups/{group}` of the deployment."""

    template: ClassVar[str] = "admin_groups/show.html"

    frame: Frame
    group: GroupDetail
    name: str
    sentence: str
    members: tuple[MemberRow, ...]
    everybody: tuple[ReachedRow, ...]
    has_ways: bool
    inside: tuple[Step, ...]
    adding: Adding | None
    why_not: str
    groups_href: str
    here_href: str
    remove_href: str
    delete_href: str | None
    consequences: str


@dataclass(frozen=True)
class Refusal:
    """A member that could not be added, and why."""

    member_id: str = ""
    problem: str = ""
    searched: str | None = None


async def show(registry: Registry) -> Response:
    """The group, and the first who may be added, or those with some words in their name."""
    return await _page(registry, Refusal())


async def add(registry: Registry) -> Response:
    """Put a worker or a group into the group."""
    form = await registry.visit.request.form()
    group_id, member_id, searched = part_of(registry, "group"), text(form, "member_id"), text(form, "q")
    if not member_id:
        return await _page(registry, Refusal(problem=NOBODY_CHOSEN, searched=searched))
    try:
        await registry.add(group_id, member_id)
    except CycleDetected:
        cycle = await _cycle(registry, group_id, member_id)
        return await _page(registry, Refusal(member_id, cycle, searched))
    return _back(registry, group_id, "Added. It counts from the next call on.")


async def remove(registry: Registry) -> Response:
    """Take a member out of the group."""
    group_id, member_id = part_of(registry, "group"), text(await registry.visit.request.form(), "member_id")
    await registry.remove(group_id, member_id)
    return _back(registry, group_id, "Removed. It counts from the next call on.")


async def delete(registry: Registry) -> Response:
    """Delete the group; its members stay."""
    await registry.delete(part_of(registry, "group"))
    told = "The group is deleted. Tasks that were meant for it can be given to somebody else."
    return registry.visit.go(registry.url("groups"), ("done", told))


def _back(registry: Registry, group_id: str, told: str) -> Response:
    return registry.visit.go(registry.url("group", group=group_id), ("done", told))


async def _cycle(registry: Registry, group_id: str, member_id: str) -> str:
    """Why the group cannot contain that one: the way by which it would come to contain itself."""
    if member_id == group_id:
        return "A group cannot contain itself."
    outer = await registry.group(member_id)
    found = next((one for one in outer.groups if one.member_id == group_id), None)
    if found is None:  # somebody has just taken it out again
        return "It contained this group a moment ago. Try again."
    names = [outer.name or outer.group_id, *map(_name, found.through), found.name or group_id]
    told = ", which contains ".join((f"{names[0]} contains {names[1]}", *names[2:]))
    return f"{told}. If {names[-1]} contained {names[0]}, each of them would contain itself."


async def _page(registry: Registry, refused: Refusal) -> Response:
    group_id = part_of(registry, "group")
    asked = refused.searched if refused.searched is not None else registry.visit.request.query_params.get("q", "")
    searched = asked.replace("\x00", "")[:200]
    group, adding = await asyncio.gather(registry.group(group_id), _adding(registry, searched, refused))
    name = group.name or group.group_id
    frame = await registry.frame(name, "groups")
    warning = WARNINGS.get(name, "").format(scope=registry.scope) if group.is_reserved else ""
    page = OneGroup(
        frame=frame,
        group=group,
        name=name,
        sentence=_sentence(registry, group),
        members=tuple(_member(registry, one, warning) for one in group.members),
        everybody=tuple(_reached(registry, one) for one in group.workers),
        has_ways=any(one.through for one in group.workers) or bool(group.groups),
        inside=_steps(registry, group.inside),
        adding=_without(adding, group) if adding is not None else None,
        why_not=sentence(registry.why_not) if registry.why_not else "",
        groups_href=registry.url("groups"),
        here_href=registry.url("group", group=group_id),
        remove_href=registry.url("remove_member", group=group_id),
        delete_href=None if group.is_reserved or registry.why_not else registry.url("delete_group", group=group_id),
        consequences=_consequences(group),
    )
    return registry.visit.show(page, 422 if refused.problem else 200)


def _sentence(registry: Registry, group: GroupDetail) -> str:
    meaning = MEANINGS[registry.scope].get(group.name or "", "") if group.is_reserved else ""
    listed = plural(group.direct, "member")
    told = f"{listed}, {plural(group.effective, 'worker')} in all." if group.groups else f"{listed}."
    return f"{meaning} {told}".strip()


def _consequences(group: GroupDetail) -> str:
    """What its deletion would do."""
    lose = "loses" if group.effective == 1 else "lose"
    told = [f"{plural(group.effective, 'worker')} {lose} what being in it allows." if group.effective else ""]
    if group.inside:
        outer = ", ".join(map(_name, group.inside))
        told.append(f"In {outer} its id stays, and names nobody.")
    told.append("Tasks that only this group may claim can be claimed by nobody until they are given to somebody else.")
    return " ".join(one for one in told if one)


async def _adding(registry: Registry, searched: str, refused: Refusal) -> Adding | None:
    """Who may be added: the first workers and groups, or those that were searched for."""
    if registry.why_not:
        return None
    words = searched.strip() or None
    workers, groups = await asyncio.gather(
        registry.workers(WorkerQuery(q=words, limit=OFFERED)), registry.groups(GroupQuery(q=words, limit=OFFERED))
    )
    found = [
        (one.worker_id, one.name or one.worker_id, "disabled" if one.disabled_at else "") for one in workers.workers
    ]
    found += [(one.group_id, one.name or one.group_id, "group") for one in groups.groups]
    named = Counter(name for _, name, _ in found)
    found.sort(key=lambda one: one[1].lower())
    labelled = ((id_, name if named[name] == 1 else f"{name} {short_id(id_)}", note) for id_, name, note in found)
    return Adding(
        href=registry.url("add_member", group=part_of(registry, "group")),
        searched=searched,
        candidates=tuple((id_, f"{label} ({note})" if note else label) for id_, label, note in labelled),
        has_more=workers.next is not None or groups.next is not None,
        chosen=refused.member_id,
        problem=refused.problem,
    )


def _without(adding: Adding, group: GroupDetail) -> Adding:
    """The same without those whom the group lists already, and itself."""
    taken = {group.group_id, *(one.member_id for one in group.members)}
    left = tuple(one for one in adding.candidates if one[0] not in taken)
    return Adding(adding.href, adding.searched, left, adding.has_more, adding.chosen, adding.problem)


def _member(registry: Registry, member: GroupMember, warning: str) -> MemberRow:
    href = None if member.kind == "nobody" else _href(registry, member.member_id)
    return MemberRow(member, member.name or member.member_id, href, warning)


def _reached(registry: Registry, one: Reached) -> ReachedRow:
    href = registry.href_of(one.member_id)
    return ReachedRow(one.member_id, one.name or one.member_id, href, _steps(registry, one.through))


def _href(registry: Registry, member_id: str) -> str:
    return registry.href_of(member_id) if member_id.startswith("wkr_") else registry.url("group", group=member_id)


def _steps(registry: Registry, steps: Iterable[GroupStep]) -> tuple[Step, ...]:
    return tuple(Step(_name(one), registry.url("group", group=one.group_id)) for one in steps)


def _name(step: GroupStep) -> str:
    return step.name or step.group_id

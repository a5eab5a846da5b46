"""Who is in which group, directly or through other groups."""

from collections.abc import Mapping

from store_client import Group, GroupList
from web_ui.active import Here


async def groups_of(here: Here) -> frozenset[str]:
    """The names of the groups that this person's worker is in; the reserved ones decide what it may do."""
    visit = here.visit
    worker_id = await visit.console.factory.worker_id(visit.who, here.experiment_id)
    return holding(await here.store.list_groups(), worker_id)


def holding(found: GroupList, worker_id: str) -> frozenset[str]:
    """The names of the groups that a worker is in."""
    by_id = {group.group_id: group for group in found.groups}
    return frozenset(group.name for group in found.groups if group.name and worker_id in effective(group, by_id))


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

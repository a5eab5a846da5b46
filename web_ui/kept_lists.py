"""The lists of experiments beside the one at hand: kept for each person apart, until an event may have changed them."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from store_client import (
    ControlPlaneClient,
    ExperimentPage,
    ExperimentPageQuery,
    ExperimentSummary,
    LogEvent,
    Unreachable,
)

BESIDE = ExperimentPageQuery(limit=40, first_needing=12)
"""So many are listed, and of those that need somebody; the home page searches all of them."""
NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""What an id or a slug may look like; nothing else is asked for."""
MOST_PEOPLE = 512
KEPT_SECONDS = 5.0
"""The longest that a list is served without looking again: while events are late, or do not come."""
CHANGES_LINES = frozenset({"experiment", "task", "idea", "variant", "operator"})
"""The kinds of events after which a line may read otherwise, or another person may see it."""
Summaries = tuple[ExperimentSummary, ...]
Person = tuple[str, str]
"""An operator and one of their sessions: a list is never shown to anybody else."""


@dataclass(frozen=True)
class KeptList:
    """A list as it was read, before how many changes, and when."""

    items: Summaries
    changes: int
    read_at: float


@dataclass
class KeptLists:
    """Bounded; the least recently used goes first."""

    clock: Callable[[], float] = time.monotonic
    _changes: int = 0
    _lists: OrderedDict[Person, KeptList] = field(default_factory=OrderedDict)

    async def of(self, person: Person, read: Callable[[], Awaitable[Summaries]], *, is_new: bool = False) -> Summaries:
        """What is kept for somebody while it holds; else what is read now, or while nobody answers the last one."""
        kept = self._lists.get(person)
        if (
            not is_new
            and kept is not None
            and kept.changes == self._changes
            and self.clock() - kept.read_at < KEPT_SECONDS
        ):
            self._lists.move_to_end(person)
            return kept.items
        changes = self._changes
        try:
            items = await read()
        except Unreachable:
            if kept is None:
                raise
            return kept.items
        self._lists[person] = KeptList(items, changes, self.clock())
        self._lists.move_to_end(person)
        while len(self._lists) > MOST_PEOPLE:
            self._lists.popitem(last=False)
        return items

    def find(self, person: Person, named: str) -> ExperimentSummary | None:
        """The experiment of that id or slug as it was."""
        kept = self._lists.get(person)
        items = kept.items if kept is not None else ()
        return next((one for one in items if named in {one.experiment_id, one.slug}), None)

    def add(self, person: Person, one: ExperimentSummary) -> None:
        """Keep an experiment that was read apart, so that it can be opened while the control plane is away."""
        kept = self._lists.get(person)
        if kept is not None and all(each.experiment_id != one.experiment_id for each in kept.items):
            self._lists[person] = KeptList((one, *kept.items)[:MOST_PEOPLE], kept.changes, kept.read_at)

    def heard(self, event: LogEvent) -> None:
        """Read anew after what may have changed a line."""
        if event.type.partition(".")[0] in CHANGES_LINES:
            self.outdate()

    def outdate(self) -> None:
        """Read every list anew."""
        self._changes += 1

    def forget(self, operator_id: str, session: str | None = None) -> None:
        """Drop what is kept for somebody, or for one of their sessions."""
        for person in [one for one in self._lists if one[0] == operator_id and session in {None, one[1]}]:
            del self._lists[person]


async def listed_by(
    client: ControlPlaneClient, recent: Iterable[str] = (), page: ExperimentPage | None = None
) -> Summaries:
    """The first of very many, those that need somebody, and those that were used lately; of a page if it is there."""
    page = page or await client.list_experiment_page(BESIDE)
    found: dict[str, ExperimentSummary] = {one.experiment_id: one for one in (*page.items, *page.waiting)}
    missing = [one for one in recent if one not in found] if page.next is not None else []
    for more in await asyncio.gather(*(found_by(client, one) for one in missing)):
        found |= {one.experiment_id: one for one in more}
    return tuple(found.values())


async def found_by(client: ControlPlaneClient, named: str) -> Summaries:
    """The experiment of an id or a slug, wherever it stands; none where there is none."""
    if not NAME.fullmatch(named):
        return ()
    if not named.startswith("exp_"):
        return await client.list_experiment_summaries(slug=named)
    page = await client.list_experiment_page(ExperimentPageQuery(q=named, limit=1))
    return tuple(one for one in page.items if one.experiment_id == named)

"""Work branches: what each belongs to, putting aside those that nothing needs, and bringing them back."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import BranchOutcome, BranchQuery, BranchStanding, NotFound, SeenBranch, WorkBranchLine
from web_ui.active import Here
from web_ui.filters import plural, short_id
from web_ui.frame import experiment_frame
from web_ui.listing import Pager, Place
from web_ui.session import FlashKind
from web_ui.templating import Frame, Tab

SIZE, MOST_AT_ONCE, MOST_TOLD = 100, 200, 4
STANDINGS: tuple[tuple[BranchStanding, str], ...] = (
    ("eligible", "May go"),
    ("orphan", "Without a variant"),
    ("needed", "Needed"),
    ("removed", "Removed"),
)
REASONS = {
    "failed": "Its variant failed.",
    "unmeasured": "Evaluation has given its variant up.",
    "integrated": "Its variant is integrated, and the branch points where it did.",
    "starting": "Its variant is still being made.",
    "not-integrated": "Its variant waits for its integration.",
    "moved": "It points elsewhere than its variant does. Somebody pushed again.",
    "no-variant": "No variant names it.",
    "held": "No variant names it yet, but an execution task is held that it may be for.",
    "removed": "It is put aside, and goes along with every checkpoint.",
}
CHIPS = {"eligible": "done", "orphan": "waiting", "needed": "running", "removed": "idle"}
WORDS = {"eligible": "may go", "orphan": "no variant", "needed": "needed", "removed": "removed"}
NOTHING_CHOSEN = "Nothing was chosen, so nothing was changed."


@dataclass(frozen=True)
class BranchRow:
    """One branch; `value` stands for it, where it was seen, in a form; empty where nothing can be done."""

    line: WorkBranchLine
    folder: str
    tail: str
    chip: str
    word: str
    why: str
    variant_href: str | None
    worker_href: str | None
    value: str


@dataclass(frozen=True)
class Refs:
    """`/e/{experiment}/admin/refs`."""

    template: ClassVar[str] = "admin_refs/index.html"

    frame: Frame
    tabs: tuple[Tab, ...]
    rows: tuple[BranchRow, ...]
    has_repository: bool
    is_looking_on: bool
    """Whether a look ended before it found a page of them."""
    is_narrowed: bool
    of_removed: bool
    may_change: bool
    act_href: str
    pager: Pager


@dataclass(frozen=True)
class RemovePage:
    """What is going to be removed, before it is."""

    template: ClassVar[str] = "admin_refs/remove.html"

    frame: Frame
    branches: tuple[SeenBranch, ...]
    act_href: str
    back_href: str


async def index(here: Here) -> Response:
    """The branches by name, or those that stand in one way."""
    place = Place.of(here.visit.request, "standing")
    asked = place.fields.get("standing")
    standing = next((one for one, _ in STANDINGS if one == asked), None)
    query = BranchQuery(standing=standing, limit=SIZE, after=(place.after or "").replace("\x00", "")[:1000] or None)
    found, fleet = await asyncio.gather(_found(here, query), here.visit.fleet())
    may_change = here.visit.is_administrator
    items, onward = found if found is not None else ((), None)
    page = Refs(
        frame=experiment_frame(here, "Work branches", "refs", fleet),
        tabs=_tabs(place, standing),
        rows=tuple(_row(here, line, may_change=may_change) for line in items),
        has_repository=found is not None,
        is_looking_on=onward is not None and len(items) < SIZE,
        is_narrowed=standing is not None,
        of_removed=standing == "removed",
        may_change=may_change,
        act_href=here.url("restore_refs" if standing == "removed" else "preview_refs"),
        pager=place.pager(len(items), onward, size=SIZE),
    )
    return here.visit.show(page)


async def preview(here: Here) -> Response:
    """Show what is going to be removed, and what that means."""
    chosen = _chosen(await here.visit.request.form())
    if not chosen:
        return _back(here, NOTHING_CHOSEN, "notice")
    frame = experiment_frame(here, "Remove work branches", "refs", await here.visit.fleet())
    return here.visit.show(RemovePage(frame, chosen, here.url("remove_refs"), here.url("refs")))


async def remove(here: Here) -> Response:
    """Put branches aside, each only where it was seen and while nothing needs it."""
    chosen = _chosen(await here.visit.request.form())
    if not chosen:
        return _back(here, NOTHING_CHOSEN, "notice")
    told = await here.store.remove_work_branches(chosen)
    return _back(here, _ends(told.items, "removed"))


async def restore(here: Here) -> Response:
    """Bring branches back that were put aside."""
    chosen = _chosen(await here.visit.request.form())
    if not chosen:
        return _back(here, NOTHING_CHOSEN, "notice")
    told = await here.store.restore_work_branches(chosen)
    return _back(here, _ends(told.items, "restored"))


async def _found(here: Here, query: BranchQuery) -> tuple[tuple[WorkBranchLine, ...], str | None] | None:
    """A page of branches and where the next one begins; None where there is no repository."""
    try:
        page = await here.store.list_work_branches(query)
    except NotFound:
        return None
    return page.items, page.next


def _tabs(place: Place, standing: BranchStanding | None) -> tuple[Tab, ...]:
    every = Tab("All", place.having(standing=None), is_current=standing is None)
    return (every, *(Tab(word, place.having(standing=one), is_current=one == standing) for one, word in STANDINGS))


def _row(here: Here, line: WorkBranchLine, *, may_change: bool) -> BranchRow:
    can_change = may_change and line.standing != "needed"
    folder, _, tail = line.name.rpartition("/")
    return BranchRow(
        line=line,
        folder=f"work/{short_id(line.worker_id)}/" if line.worker_id else f"{folder}/",
        tail=tail if line.worker_id is None else line.name.split("/", 2)[2],
        chip=CHIPS[line.standing],
        word=WORDS[line.standing],
        why=REASONS[line.reason],
        variant_href=here.url("variant", variant=line.variant_id) if line.variant_id else None,
        worker_href=here.url("worker", worker=line.worker_id) if line.worker_id else None,
        value=f"{line.commit_sha} {line.name}" if can_change else "",
    )


def _chosen(form: FormData) -> tuple[SeenBranch, ...]:
    """The branches that were chosen, or all that the page showed; what is none of them is passed over."""
    values = form.getlist("shown" if "all" in form else "branch")
    chosen: list[SeenBranch] = []
    for value in dict.fromkeys(one for one in values if isinstance(one, str)):
        commit_sha, _, name = value.partition(" ")
        try:
            chosen.append(SeenBranch(name=name, commit_sha=commit_sha))
        except ValidationError:
            continue
    return tuple(chosen[:MOST_AT_ONCE])


def _ends(items: tuple[BranchOutcome, ...], act: str) -> str:
    """What became of each, in a few words."""
    done = sum(one.outcome == act for one in items)
    told = [f"{plural(done, 'branch', 'branches')} {'removed' if act == 'removed' else 'brought back'}."]
    left = [one for one in items if one.outcome != act]
    told += [f"{one.name} was left alone: {_why_left(one)}" for one in left[:MOST_TOLD]]
    if len(left) > MOST_TOLD:
        told.append(f"So were {len(left) - MOST_TOLD} more.")
    return " ".join(told)


def _why_left(one: BranchOutcome) -> str:
    if one.outcome == "gone":
        return "there is none any more."
    if one.reason is None:
        return "there is a branch of that name that points elsewhere."
    return f"{REASONS[one.reason][0].lower()}{REASONS[one.reason][1:]}"


def _back(here: Here, told: str, kind: FlashKind = "done") -> Response:
    return here.visit.go(here.url("refs"), (kind, told))

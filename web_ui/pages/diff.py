"""What a variant changed: against any of its parents, or any other variant."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from starlette.responses import Response

from store_client import VariantDetail, VariantPage
from web_ui.active import Here
from web_ui.comparisons import Differing, Side, differing, named, other_side, side_of
from web_ui.diffs import Changes, FileDiff, Room, changes
from web_ui.frame import experiment_frame
from web_ui.scores import number, objective_name
from web_ui.templating import Frame

CHOICES = 40
FILE_LINES, FILE_CHARACTERS = 800, 60_000
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FilePart:
    """One file of the diff, and where the rest of it is."""

    diff: FileDiff
    rest_href: str | None


@dataclass(frozen=True)
class DiffPage:
    """The page at /e/{experiment}/variants/{variant}/diff."""

    template: ClassVar[str] = "diff/show.html"

    frame: Frame
    after: Side
    before: Side
    objective: str
    asked: str
    parents: Choices
    best: Choices
    summary: str
    files: tuple[FilePart, ...]
    is_cut: bool
    file: str
    start: int
    whole_href: str
    code_href: str | None
    compare_href: str | None
    fault: str


@dataclass(frozen=True)
class Asked:
    """What the address asks for: against what, and which part of it."""

    against: str
    files: tuple[str, ...]
    start: int

    @classmethod
    def of(cls, here: Here) -> "Asked":
        query = here.visit.request.query_params
        start = query.get("from", "")
        return cls(
            query.get("other", "").strip() or query.get("against", ""),
            tuple(name for name in query.getlist("file")[:2] if name and "\x00" not in name),
            int(start) if start.isascii() and start.isdecimal() and len(start) < 9 else 0,
        )

    @property
    def room(self) -> Room:
        return Room(FILE_LINES, FILE_LINES, self.start, FILE_CHARACTERS) if self.files else Room()


async def show(here: Here) -> Response:
    """The diff of a variant, whole or of one file."""
    asked = Asked.of(here)
    variant, best, fleet = await asyncio.gather(
        here.store.read_variant_detail(str(here.visit.request.path_params["variant"])),
        here.store.list_variant_page(order="best", limit=CHOICES),
        here.visit.fleet(),
    )
    before, after = await other_side(here, asked.against, variant), side_of(here, variant)
    found = await differing(here, before, after, asked.files)
    shown = None if found.diff is None else await asyncio.to_thread(changes, found.diff, asked.room)
    frame = experiment_frame(here, f"What {variant.label} changed", "variants", fleet)
    page = _page(here, frame, (variant, best), (asked, before, found, shown))
    return here.visit.show(page, 422 if asked.against and before.fault else 200)


def _page(
    here: Here,
    frame: Frame,
    known: tuple[VariantDetail, VariantPage],
    done: tuple[Asked, Side, Differing, Changes | None],
) -> DiffPage:
    (variant, best), (asked, before, found, shown) = known, done
    path = here.url("diff", variant=variant.variant_id)
    others = (one for one in best.items if one.variant_id != variant.variant_id)
    return DiffPage(
        frame=frame,
        after=side_of(here, variant),
        before=before,
        objective=objective_name(here.experiment),
        asked=asked.against or (before.variant_id or before.commit_sha or ""),
        parents=tuple(
            (one.variant_id or one.commit_sha, named(one.label, number(one.objective_value))) for one in variant.parents
        ),
        best=tuple((one.variant_id, named(f"{one.number} {one.label}", number(one.objective_value))) for one in others),
        summary=shown.summary if shown else "",
        files=tuple(FilePart(one, _rest(path, asked, one)) for one in shown.files) if shown else (),
        is_cut=shown is not None and shown.is_cut,
        file=asked.files[0] if asked.files else "",
        start=asked.start,
        whole_href=_href(path, against=asked.against),
        code_href=here.url("code", commit=variant.commit_sha) if variant.commit_sha else None,
        compare_href=_compare_href(here, variant, before),
        fault=found.fault,
    )


def _rest(path: str, asked: Asked, file: FileDiff) -> str | None:
    """Where the lines are that the page does not show; none where a file is shown to its end."""
    if file.following is None:
        return None
    start = file.following if asked.files else 0
    if asked.files and start <= asked.start:
        return None  # the diff itself is cut here
    names = [("file", name) for name in file.names]
    return _href(path, *names, against=asked.against, **({"from": str(start)} if start else {}))


def _href(path: str, *pairs: tuple[str, str], **fields: str) -> str:
    given = [*((name, value) for name, value in fields.items() if value), *pairs]
    return f"{path}?{urlencode(given)}" if given else path


def _compare_href(here: Here, variant: VariantDetail, other: Side) -> str | None:
    if other.variant_id is None:
        return None
    return _href(here.url("compare"), ("variant", other.variant_id), ("variant", variant.variant_id))

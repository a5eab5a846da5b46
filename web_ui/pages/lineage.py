"""Where the best came from: the graph of all variants, and a table behind it."""

import asyncio
import gzip
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from starlette.responses import Response

from store_client import ExperimentDetail, Lineage, NotFound, VariantDetail
from web_ui.active import Here
from web_ui.filters import Direction, Moment, figure, plural, with_query
from web_ui.frame import experiment_frame
from web_ui.lineage_graph import Picture, picture
from web_ui.listing import PAGE, Pager, Place
from web_ui.scores import ParentLink, number, objective_name, parent_links
from web_ui.templating import Frame

DRAWN = 300
CHOICES = 30
PIECE = 5000
ASKED_AHEAD = 4
ID = "__id__"


@dataclass(frozen=True)
class LineageRow:
    """One variant in the table behind the graph."""

    variant_id: str
    number: int
    name: str
    href: str
    around_href: str
    status: str
    is_best: bool
    value: float | None
    parents: tuple[ParentLink, ...]
    moment: Moment


@dataclass(frozen=True)
class LineagePage:
    """The page at /e/{experiment}/lineage; addresses with `__id__` in them are for the script."""

    template: ClassVar[str] = "lineage/index.html"
    piece: ClassVar[int] = PIECE

    frame: Frame
    sentence: str
    stamp: str
    objective: str
    direction: Direction
    total: int
    data_href: str
    pieces: tuple[str, ...]
    """Where the script finds the first of the graph: asked for while it is still read."""
    variant_href: str
    build_href: str
    diff_href: str
    compare_href: str
    centre: str
    centre_name: str
    choices: tuple[tuple[str, str], ...]
    picture: Picture | None
    is_whole: bool
    rows: tuple[LineageRow, ...]
    pager: Pager


async def show(here: Here) -> Response:
    """The graph around the variant that the address names, or the best."""
    place = Place.of(here.visit.request, "around")
    detail, page, best, fleet = await asyncio.gather(
        here.store.read_experiment_detail(),
        here.store.list_variant_page(after=place.after, limit=PAGE),
        here.store.list_variant_page(order="best", limit=CHOICES),
        here.visit.fleet(),
    )
    centre = place.fields.get("around") or next((one.variant_id for one in (*best.items, *page.items)), "")
    around = await _around(here, centre)
    ways = Ways.of(here)
    return here.visit.show(
        LineagePage(
            frame=experiment_frame(here, "Lineage", "lineage", fleet),
            sentence=_sentence(detail, next((one for one in best.items if one.is_best), None)),
            stamp=_stamp(detail),
            objective=objective_name(detail),
            direction=detail.objective.direction,
            total=detail.counts.variants,
            data_href=here.url("lineage_data"),
            pieces=tuple(
                with_query(here.url("lineage_data"), after=after)
                for after in range(0, min(detail.counts.variants, ASKED_AHEAD * PIECE), PIECE)
            ),
            variant_href=ways.variant_path,
            build_href=with_query(here.url("ideator"), parent=ID) if here.visit.may_act else "",
            diff_href=here.url("diff", variant=ID),
            compare_href=here.url("compare"),
            centre=centre,
            centre_name=next(
                (label for one, label in zip(around.ids, around.labels, strict=True) if one == centre), ""
            ),
            choices=tuple((one.variant_id, _choice(one)) for one in best.items),
            picture=picture(around, detail.objective.direction, centre, ways.around),
            is_whole=len(around.numbers) >= around.total,
            rows=tuple(_row(ways, one) for one in page.items),
            pager=place.pager(len(page.items), page.next, page.total),
        )
    )


async def data(here: Here) -> Response:
    """The graph in columns for the script: a page of it after a number, or what changed since a cursor."""
    query = here.visit.request.query_params
    since = query.get("since", "")
    after = query.get("after", "")
    piece = await here.store.read_lineage(
        after=int(after) if _is_count(after) else 0, since=int(since) if _is_count(since) else None, limit=PIECE
    )
    text = await asyncio.to_thread(_packed, piece)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if "gzip" not in here.visit.request.headers.get("accept-encoding", ""):
        text, headers = gzip.decompress(text), {"Vary": "Accept-Encoding"}
    return Response(text, media_type="application/json", headers=headers)


def _packed(piece: Lineage) -> bytes:
    return gzip.compress(piece.model_dump_json().encode(), 1)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 18


async def _around(here: Here, centre: str) -> Lineage:
    """What lies around a variant; NotFound for one that was asked for and is not there."""
    if not centre:
        return Lineage()
    if len(centre) > 200 or not centre.isprintable():
        raise NotFound("there is no such variant")
    return await here.store.read_lineage_around(centre, DRAWN)


def _choice(one: VariantDetail) -> str:
    return f"{one.number} {one.label}" + (f", {figure(number(one.objective_value))}" if one.objective_value else "")


@dataclass(frozen=True)
class Ways:
    """Where variants lead: hundreds on a page, so that an address is looked up once for all."""

    lineage_path: str
    variant_path: str

    @classmethod
    def of(cls, here: Here) -> "Ways":
        return cls(here.url("lineage"), here.url("variant", variant=ID))

    def around(self, variant_id: str) -> str:
        """The graph around a variant."""
        return with_query(self.lineage_path, around=variant_id) + "#centre"

    def to(self, variant_id: str) -> str:
        """The page of a variant."""
        return self.variant_path.replace(ID, quote(variant_id, safe=""))


def _row(ways: Ways, one: VariantDetail) -> LineageRow:
    return LineageRow(
        variant_id=one.variant_id,
        number=one.number,
        name=one.label,
        href=ways.to(one.variant_id),
        around_href=ways.around(one.variant_id),
        status="integrated" if one.variant_commit_sha else one.status.value,
        is_best=one.is_best,
        value=number(one.objective_value),
        parents=parent_links(one.parents, ways.to),
        moment=one.completed_at or one.started_at,
    )


def _stamp(detail: ExperimentDetail) -> str:
    """What changes whenever the graph does."""
    counts = detail.counts
    return f"{counts.variants}-{counts.evaluated}-{counts.failed}-{counts.integrated}-{counts.starting}"


def _sentence(detail: ExperimentDetail, best: VariantDetail | None) -> str:
    count = detail.counts.variants
    if best is None:
        return f"{plural(count, 'variant')}, none scored yet." if count else "Nothing was tried yet."
    return f"{plural(count, 'variant')}. The best so far is {best.number} {best.label}; the way to it is marked."

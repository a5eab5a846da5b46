"""The reference of the wire: every call of the control plane, as the table of calls has them."""

from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import JSONResponse, Response

from store_client import CALLS, Call, Described, openapi_document
from web_ui.frame import deployment_frame
from web_ui.templating import Frame
from web_ui.visit import Visit


@dataclass(frozen=True)
class Parameter:
    """A field of a body or a query."""

    name: str
    type: str
    is_required: bool
    note: str


@dataclass(frozen=True)
class Entry:
    """One call; `refusals` are pairs of status and name."""

    name: str
    method: str
    path: str
    summary: str
    gate: str
    status: int
    answer: str
    query: tuple[Parameter, ...]
    body: tuple[Parameter, ...]
    has_body: bool
    upload: str
    refusals: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Noun:
    """The calls about one thing."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Reference:
    template: ClassVar[str] = "reference/index.html"

    frame: Frame
    nouns: tuple[Noun, ...]
    count: int
    control_plane: str
    openapi_href: str


async def show(visit: Visit) -> Response:
    described = [Described(call) for call in _calls(visit)]
    names = dict.fromkeys(one.noun for one in described)
    page = Reference(
        frame=deployment_frame(visit, await visit.beside(), "Reference", "reference"),
        nouns=tuple(Noun(name, tuple(_entry(one) for one in described if one.noun == name)) for name in names),
        count=len(described),
        control_plane=visit.console.settings.control_plane_url,
        openapi_href=visit.url("openapi"),
    )
    return visit.show(page)


async def openapi(visit: Visit) -> Response:
    """The same for programs."""
    return JSONResponse(openapi_document(_calls(visit)))


def _calls(visit: Visit) -> tuple[Call, ...]:
    """Those that the server behind this console knows."""
    return tuple(call for call in CALLS if visit.offers.is_ours or not call.is_ours)


def _entry(one: Described) -> Entry:
    call = one.call
    return Entry(
        name=call.name,
        method=call.method,
        path=call.path,
        summary=call.summary,
        gate=one.gate,
        status=call.status,
        answer=one.answer,
        query=tuple(Parameter(field.name, field.type, field.is_required, field.note) for field in one.query),
        body=tuple(Parameter(field.name, field.type, field.is_required, field.note) for field in one.body),
        has_body=call.body is not None,
        upload=one.upload,
        refusals=tuple((kind.status, kind.type().rpartition("/")[2]) for kind in one.refusals),
    )

"""Making an experiment: files are brought, looked at, and only then made one; or one is cloned."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from store_client import (
    AlreadyExists,
    BadRequest,
    CreateExperiment,
    Example,
    ExperimentDetail,
    ExperimentIdConflict,
    FetchSource,
    Forbidden,
    InvalidName,
    InvalidPrecondition,
    NotFound,
    PayloadTooLarge,
    Source,
    SwitchyardError,
    Unavailable,
)
from web_ui.bringing import Unsendable, archive_of
from web_ui.failures import sentence
from web_ui.filters import size
from web_ui.forms.field import Field, text, uploads
from web_ui.frame import deployment_frame
from web_ui.gates import UPLOAD_BYTES
from web_ui.templating import Frame
from web_ui.visit import Visit

MOST_FILES = 5_000
ID = re.compile("exp_[0-9a-z]{26}")
FAULTS = (
    AlreadyExists,
    BadRequest,
    ExperimentIdConflict,
    InvalidName,
    InvalidPrecondition,
    NotFound,
    PayloadTooLarge,
    Unavailable,
)


@dataclass(frozen=True)
class NewExperiment:
    """`/admin/experiments/new`: where the files come from. `as_id` is the registered id that waits for them."""

    template: ClassVar[str] = "new_experiment/index.html"

    frame: Frame
    examples: tuple[Example, ...]
    as_id: str
    limit: str
    clone_of: str
    clone_name: str
    git_url: Field
    revision: Field
    problem: str = ""


@dataclass(frozen=True)
class SourcePage:
    """`/admin/experiments/new/{source}`: what an experiment of these files would be."""

    template: ClassVar[str] = "new_experiment/source.html"

    frame: Frame
    source: Source
    as_id: str
    name: Field
    size: str
    problem: str = ""


async def index(visit: Visit) -> Response:
    """Bring files from here, from a repository or from an example; or clone."""
    return await _begin(visit)


async def upload(visit: Visit) -> Response:
    """Lay out files, a folder or an archive of this browser's machine."""
    _must_manage(visit)
    form = await visit.request.form(max_files=MOST_FILES)
    files = (*uploads(form, "folder"), *uploads(form, "files"))
    if not files:
        return await _begin(
            visit, problem="Choose a folder, files or one archive.", as_id=_registered(text(form, "as"))
        )
    try:
        async with archive_of(files) as archive:
            found = await visit.client.upload_source(archive)
    except Unsendable as error:
        return await _begin(visit, problem=str(error), as_id=_registered(text(form, "as")))
    except FAULTS as error:
        return await _begin(
            visit, problem=f"Nothing was laid out: {sentence(str(error))}", as_id=_registered(text(form, "as"))
        )
    return visit.go(_at(visit, found.source_id, _registered(text(form, "as"))))


async def fetch(visit: Visit) -> Response:
    """Lay out the files of a repository elsewhere, or of an example."""
    _must_manage(visit)
    form = await visit.request.form()
    wish = {key: text(form, key) for key in ("git_url", "revision", "example")}
    try:
        body = FetchSource(**{key: value for key, value in wish.items() if value})
        found = await visit.client.fetch_source(body)
    except ValidationError:
        return await _begin(visit, wish, "Nothing was fetched: the address is too long.", _registered(text(form, "as")))
    except FAULTS as error:
        return await _begin(visit, wish, f"Nothing was fetched: {sentence(str(error))}", _registered(text(form, "as")))
    return visit.go(_at(visit, found.source_id, _registered(text(form, "as"))))


async def show(visit: Visit) -> Response:
    """What an experiment of the files would be, before it is made."""
    return await _look(visit, _registered(visit.request.query_params.get("as", "")))


async def create(visit: Visit) -> Response:
    """Make the experiment, and clear its files away."""
    _must_manage(visit)
    form = await visit.request.form()
    source_id, as_id, name = _source(visit), _registered(text(form, "as")), text(form, "name")
    try:
        made = await _make(visit, name, text(form, "start"), source_id=source_id, experiment_id=as_id or None)
    except ValidationError:
        return await _look(visit, as_id, name, "Nothing was made: a value is not of the kind that belongs there.")
    except FAULTS as error:
        return await _look(visit, as_id, name, f"Nothing was made: {sentence(str(error))}")
    with suppress(SwitchyardError):  # it is made, and its files go by themselves
        await visit.client.drop_source(source_id)
    return _made(visit, made)


async def drop(visit: Visit) -> Response:
    """Clear the files away without making anything of them."""
    _must_manage(visit)
    await visit.client.drop_source(_source(visit))
    return visit.go(visit.url("experiments"), ("done", "The files are cleared away; nothing was made of them."))


async def clone(visit: Visit) -> Response:
    """Begin another experiment with the config and the first commit of one that is there."""
    _must_manage(visit)
    form = await visit.request.form()
    clone_of, name = text(form, "clone_of"), text(form, "name")
    try:
        made = await _make(visit, name, text(form, "start"), clone_of=clone_of)
    except ValidationError:
        return await _begin(visit, problem="Nothing was made: say which experiment is to be cloned.")
    except FAULTS as error:
        wish = {"clone_of": clone_of, "clone_name": name}
        return await _begin(visit, wish, f"Nothing was made: {sentence(str(error))}")
    return _made(visit, made)


async def _make(visit: Visit, name: str, start: str, **origin: str | None) -> ExperimentDetail:
    wish = {"name": name or None, "is_draft": start == "draft", **origin}
    body = CreateExperiment.model_validate({key: value for key, value in wish.items() if value is not None})
    return await visit.client.create_experiment(body)


def _made(visit: Visit, made: ExperimentDetail) -> Response:
    told = (
        f"{made.name} is made{' as a draft: start it when you are ready.' if made.status == 'draft' else ' and runs.'}"
    )
    return visit.go(visit.url("overview", experiment=made.slug), ("done", told))


def _must_manage(visit: Visit) -> None:
    if not visit.manages_deployment:
        raise Forbidden("only administrators of the deployment make experiments")


def _source(visit: Visit) -> str:
    return str(visit.request.path_params["source"])


def _at(visit: Visit, source_id: str, as_id: str) -> str:
    path = visit.url("source", source=source_id)
    return f"{path}?as={as_id}" if as_id else path


def _registered(entered: str) -> str:
    """The id of an experiment, if it is one."""
    return entered if ID.fullmatch(entered) else ""


async def _begin(visit: Visit, wish: dict[str, str] | None = None, problem: str = "", as_id: str = "") -> Response:
    asked = _asked(visit.request) | (wish or {})
    examples, first, fleet = await asyncio.gather(
        visit.client.list_examples(), visit.console.factory.experiments(visit.who), visit.fleet()
    )
    twin = next((one for one in first if one.experiment_id == asked["clone_of"]), None)
    page = NewExperiment(
        frame=deployment_frame(visit, first, "New experiment", "experiments", fleet),
        examples=examples,
        as_id=as_id or _registered(asked["as"]),
        limit=size(UPLOAD_BYTES),
        clone_of=asked["clone_of"],
        clone_name=asked["clone_name"] or (f"{twin.name}, again" if twin is not None else ""),
        git_url=Field("git_url", "Address", asked["git_url"], "https://, and readable by everybody.", mode="url"),
        revision=Field("revision", "Branch, tag or commit", asked["revision"], "Empty for what a clone begins with."),
        problem=problem,
    )
    return visit.show(page, 422 if problem else 200)


def _asked(request: Request) -> dict[str, str]:
    given = request.query_params
    return {key: given.get(key, "")[:200] for key in ("as", "clone_of", "clone_name", "git_url", "revision")}


async def _look(visit: Visit, as_id: str, name: str = "", problem: str = "") -> Response:
    found, first, fleet = await asyncio.gather(
        visit.client.read_source(_source(visit)), visit.console.factory.experiments(visit.who), visit.fleet()
    )
    page = SourcePage(
        frame=deployment_frame(visit, first, "New experiment", "experiments", fleet),
        source=found,
        as_id=as_id,
        name=Field("name", "Name", name or found.name or "", "Its address is made of it, and stays."),
        size=size(found.size_bytes),
        problem=problem,
    )
    return visit.show(page, 422 if problem else 200)

"""Settings of an experiment: what is told of it, its config with every version of it, and its life."""

import asyncio
from dataclasses import dataclass, replace
from string import whitespace
from typing import ClassVar

from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import (
    BadRequest,
    ChangeExperiment,
    ConfigVersion,
    ExperimentDetail,
    Forbidden,
    IllegalTransition,
    InvalidName,
    InvalidPrecondition,
    NotFound,
)
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.forms.field import Field, has_errors, text, written
from web_ui.frame import experiment_frame
from web_ui.pages import settings_words as words
from web_ui.pages.settings_words import Editor, VersionRow
from web_ui.templating import Frame

VERSIONS = 20
NAME = Field("name", "Name", hint="Addresses stay as they are.")
DESCRIPTION = Field("description", "Description", hint="What this experiment is about.")
HYPOTHESIS = Field("hypothesis", "Hypothesis", hint="What it is expected to show.")
TAGS = Field("tags", "Tags", hint="Words that lists find it by, with spaces or commas between.")
MOST_TOLD, MOST_NAME, MOST_TAGS, MOST_TAG = 20_000, 200, 20, 40
CONTROL = frozenset(map(chr, (*range(32), 127))) - set(whitespace)
Told = tuple[Field, Field, Field, Field]


@dataclass(frozen=True)
class Settings:
    """`/e/{experiment}/admin/settings`; whoever may only look gets no forms."""

    template: ClassVar[str] = "admin_settings/index.html"

    frame: Frame
    detail: ExperimentDetail
    may_change: bool
    told: Told
    editor: Editor
    versions: tuple[VersionRow, ...]
    older_href: str | None
    clone_href: str | None = None

    @property
    def is_over(self) -> bool:
        return self.detail.status.is_final


async def index(here: Here) -> Response:
    """The settings; `from` puts the text of an earlier version in the box, to look at and to go back to."""
    wanted = here.visit.request.query_params.get("from", "")
    if not wanted:
        return await _show(here)
    try:
        found = await here.store.read_config_version(_number(wanted))
    except NotFound:
        return await _show(here)
    return await _edited(here, found.text, is_checked=here.visit.is_administrator)


async def tell(here: Here) -> Response:
    """Change the name, the tags and what is told."""
    form = await here.visit.request.form()
    told = _checked(NAME.entered(form), TAGS.entered(form), DESCRIPTION.entered(form), HYPOTHESIS.entered(form))
    if has_errors(told):
        return await _show(here, told=told, status=422)
    body = {one.name: one.value for one in told if one.name != TAGS.name} | {"tags": _words(told[1])}
    try:
        changed = await here.store.change_experiment(ChangeExperiment.model_validate(body))
    except InvalidName as error:
        return await _show(here, told=(told[0].wrong(sentence(error.detail)), *told[1:]), status=422)
    saved = f"The name, tags, description and hypothesis of {changed.name} are saved."
    return here.visit.go(here.url("settings"), ("done", saved))


async def check(here: Here) -> Response:
    """Say what would come of a config, and keep it in the box."""
    _must_manage(here)
    return await _edited(here, _config(await here.visit.request.form()))


async def save(here: Here) -> Response:
    """Have another config; what cannot be saved stays in the box, beside what is wrong with it."""
    _must_manage(here)
    form = await here.visit.request.form()
    number, config = _number(text(form, "based_on")), _config(form)
    try:
        made = await here.store.change_config(config, number)
    except (BadRequest, IllegalTransition) as error:
        return await _edited(here, config, problem=f"Nothing was saved: {sentence(error.detail)}", status=422)
    except InvalidPrecondition:
        problem = "Somebody else saved a config meanwhile. Yours is kept in the box; the difference below is to theirs."
        return await _edited(here, config, problem=problem, status=409)
    what = (
        f"Version {made.number} of the config holds from now on." if made.number > number else "Nothing is different."
    )
    return here.visit.go(here.url("settings"), ("done", what))


async def end(here: Here) -> Response:
    """End the experiment for good, once its name was typed."""
    if text(await here.visit.request.form(), "typed") != here.experiment.name:
        told = f"Nothing was changed: type the experiment's name, {here.experiment.name}, to end it."
        return here.visit.go(here.url("settings"), ("failed", told))
    await here.store.end_experiment("completed", f"ended by {here.visit.who.name}")
    told = f"{here.experiment.name} is ended. Its variants, history and repository stay readable."
    return here.visit.go(here.url("settings"), ("done", told))


async def archive(here: Here) -> Response:
    """Leave it out of lists."""
    try:
        await here.store.archive_experiment()
    except IllegalTransition as error:
        return here.visit.go(here.url("settings"), ("failed", f"Nothing was changed: {sentence(error.detail)}"))
    told = f"{here.experiment.name} is archived: lists and the switcher leave it out. Its address leads here as before."
    return here.visit.go(here.url("settings"), ("done", told))


async def unarchive(here: Here) -> Response:
    """Have it in lists again."""
    await here.store.unarchive_experiment()
    return here.visit.go(here.url("settings"), ("done", f"{here.experiment.name} is in the lists again."))


def _must_manage(here: Here) -> None:
    if not here.visit.is_administrator:
        raise Forbidden("only administrators of this experiment change its config")


def _number(entered: str) -> int:
    """The version that was named; the first where none was."""
    return max(1, int(entered)) if entered.isascii() and entered.isdigit() and len(entered) < 9 else 1


def _checked(name: Field, tags: Field, *rest: Field) -> Told:
    """The fields, those that are too long marked."""
    description, hypothesis = (one.wrong(_too_long(one, MOST_TOLD)) for one in rest)
    words = _words(tags)
    is_much = len(words) > MOST_TAGS or any(len(word) > MOST_TAG for word in words)
    much = f"An experiment has at most {MOST_TAGS} tags of {MOST_TAG} characters." if is_much else ""
    odd = "" if CONTROL.isdisjoint(tags.value) else "A tag has a character in it that cannot be seen; type it anew."
    return name.wrong(_too_long(name, MOST_NAME)), tags.wrong(much or odd), description, hypothesis


def _words(tags: Field) -> list[str]:
    return tags.value.replace(",", " ").split()


def _too_long(one: Field, most: int) -> str:
    return f"This has {len(one.value):,} characters; {most:,} are kept." if len(one.value) > most else ""


def _config(form: FormData) -> str:
    """The config as it was typed: its first line may well be indented."""
    return written(form, "config")


async def _edited(
    here: Here, config: str, problem: str = "", status: int = 200, *, is_checked: bool = True
) -> Response:
    report = await here.store.check_config(config) if is_checked else None
    now = await here.store.read_config()
    is_typing = here.visit.request.headers.get("x-fragment") == "report"  # half a word is no fault of anybody's
    if status == 200 and report is not None and report.faults and not is_typing:
        status = 422
    return await _show(here, words.editor(now, config, report, problem), status=status, now=now)


async def _show(
    here: Here, box: Editor | None = None, told: Told | None = None, status: int = 200, now: ConfigVersion | None = None
) -> Response:
    detail, history, fleet, kept = await asyncio.gather(
        here.store.read_experiment_detail(),
        here.store.list_config_versions(VERSIONS, _older(here)),
        here.visit.fleet(),
        here.store.read_config() if now is None else _given(now),
    )
    page = Settings(
        frame=experiment_frame(here, "Settings", "settings", fleet),
        detail=detail,
        may_change=here.visit.is_administrator,
        told=told or _as_it_is(detail),
        editor=box or Editor(kept.text, kept.number),
        versions=words.rows(here, history.versions, kept.number),
        older_href=f"{here.url('settings')}?older={history.next}#history" if history.next is not None else None,
        clone_href=_clone(here),
    )
    return here.visit.show(page, status)


def _older(here: Here) -> str | None:
    """The version before which the history is looked at; none for the newest of it."""
    wanted = here.visit.request.query_params.get("older", "")
    return str(_number(wanted)) if wanted else None


def _clone(here: Here) -> str | None:
    """Where a clone of it is made, for those who make experiments."""
    href = f"{here.visit.url('new_experiment')}?clone_of={here.experiment_id}"
    return href if here.visit.manages_deployment else None


async def _given(now: ConfigVersion) -> ConfigVersion:
    return now


def _as_it_is(detail: ExperimentDetail) -> Told:
    return (
        NAME.holding(detail.name),
        TAGS.holding(" ".join(detail.tags)),
        DESCRIPTION.holding(detail.description or ""),
        replace(HYPOTHESIS, value=detail.hypothesis or ""),
    )

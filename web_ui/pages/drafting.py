"""A draft as the pages of the desks show it: whether it is saved, what goes with it, and what another tab has saved."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import DraftFile, NotFound, Unreachable
from web_ui.active import Here
from web_ui.filters import Moment
from web_ui.forms.drafts import ACT, KEPT, VERSION, Entered, Words, entered, files_in, mark, words_in
from web_ui.forms.field import text
from web_ui.frame import bare_frame
from web_ui.session import FRAGMENT, Cookies
from web_ui.standing import Opened
from web_ui.templating import Frame
from web_ui.workflows.attachments import name_of
from web_ui.workflows.drafts import Keeping, Kept, NotKept, Overtaken, keep

OTHER_TAB = (
    "Another tab or browser has saved another version of this draft. What you entered here is not saved. "
    "Save the draft to keep yours in the place of the other one, which stands below."
)
ENDED = (
    "This draft was handed in or forgotten in another tab or browser. What you entered here is not saved. "
    "Save the draft to keep it after all."
)


@dataclass(frozen=True)
class KeptFile:
    """A file of a draft; `mark` is what its checkbox sends."""

    filename: str
    size_bytes: int
    mark: str


@dataclass(frozen=True)
class DraftState:
    """The draft beneath a form; it is not offered on a server that keeps none."""

    is_offered: bool
    version: int = 0
    saved_at: Moment | None = None
    fault: str = ""
    kept: Mapping[str, tuple[KeptFile, ...]] = field(default_factory=dict)
    theirs: Words = ()
    """What the other version says."""
    forget_href: str | None = None


@dataclass(frozen=True)
class SavedDraft:
    """The answer to a form that saves itself: only what there is to say of its draft."""

    template: ClassVar[str] = "desks/draft.html"

    frame: Frame
    draft: DraftState
    fields: Sequence[str]
    """The fields that files are chosen in."""


def state_of(opened: Opened) -> DraftState:
    """The draft as it is stored."""
    draft = opened.draft
    if draft is None:
        return DraftState(opened.here.visit.offers.is_ours)
    return DraftState(
        is_offered=True,
        version=draft.version,
        saved_at=draft.updated_at,
        kept=_kept(opened.here, draft.files),
        forget_href=opened.here.url("forget_draft", task=opened.task.task_id),
    )


STAYS = frozenset({"save", "show", "check", "preview"})
"""The acts of every desk that hand nothing in."""
MOST_FILES, PART_BYTES = 200, 4 * 1_048_576
Hidden = tuple[tuple[str, str], ...]
"""What a form sends that shows nothing of it."""
Say = Callable[[Mapping[str, str]], Words]
"""How a desk tells what a draft says."""


async def keep_state(opened: Opened, sent: Entered, say: Say) -> DraftState:
    """The draft after what was entered has been saved, or could not be."""
    if not opened.here.visit.offers.is_ours:
        return DraftState(is_offered=False)
    keeping = await keep(opened.here.store, opened.task.task_id, sent)
    return _state_after(opened, sent, keeping, say)


def _state_after(opened: Opened, sent: Entered, keeping: Keeping, say: Say) -> DraftState:
    """The draft as it is after an attempt to keep it."""
    here = opened.here
    forget = here.url("forget_draft", task=opened.task.task_id)
    match keeping:
        case Kept(draft):
            kept = _kept(here, draft.files)
            return DraftState(
                is_offered=True, version=draft.version, saved_at=draft.updated_at, kept=kept, forget_href=forget
            )
        case Overtaken(theirs, files):
            told = say(theirs.fields) if theirs else ()
            version = theirs.version if theirs else 0
            fault = OTHER_TAB if theirs else ENDED
            return DraftState(
                is_offered=True, version=version, fault=fault, kept=_kept(here, files), theirs=told, forget_href=forget
            )
        case NotKept(reason, files):
            fault = f"The draft is not saved: {reason}. What you entered stands here until you leave the page."
            return DraftState(is_offered=True, version=sent.version, fault=fault, kept=_kept(here, files))


@dataclass(frozen=True)
class Sheet:
    """A desk's form as it was sent."""

    form: FormData
    entered: Entered
    say: Say

    @classmethod
    async def of(cls, here: Here, say: Say) -> "Sheet":
        form = await here.visit.request.form(max_files=MOST_FILES, max_part_size=PART_BYTES)
        return cls.holding(form, here.visit.console.cookies, say)

    @classmethod
    def holding(cls, form: FormData, cookies: Cookies, say: Say) -> "Sheet":
        return cls(form, entered(form, cookies), say)

    def without(self, part: str, cut: Callable[[FormData, int], FormData]) -> "Sheet":
        """The same without one of its parts, whose files go with it; those of later parts move up."""
        number = int(part) if part.isascii() and part.isdecimal() and len(part) < 4 else 0
        if number == 0:
            return self
        form, kept = cut(self.form, number), tuple(_moved(self.entered.kept, number))
        return Sheet(form, replace(self.entered, fields=words_in(form), chosen=files_in(form), kept=kept), self.say)

    @property
    def act(self) -> str:
        """Which button sent it."""
        return text(self.form, ACT)

    @property
    def said(self) -> Words:
        """What was entered, for people."""
        return self.say(self.entered.fields)

    @property
    def all_hidden(self) -> Hidden:
        """All of it but new files, to be sent again."""
        return tuple((name, value) for name, value in self.form.multi_items() if isinstance(value, str))

    def hidden(self, draft: DraftState) -> Hidden:
        """The same, with the files that are kept by now, over the draft as it is now."""
        words = (pair for pair in self.all_hidden if pair[0] not in {KEPT, VERSION})
        kept = ((KEPT, file.mark) for files in draft.kept.values() for file in files)
        return (*words, *kept, (VERSION, str(draft.version)))

    def lost_files(self, draft: DraftState) -> tuple[str, ...]:
        """The names of files that were chosen and are not kept."""
        safe = {file.filename for files in draft.kept.values() for file in files}
        return tuple(name for _, file in self.entered.chosen if (name := name_of(file)) not in safe)

    async def keep(self, opened: Opened) -> DraftState:
        """Save the draft; the state of it then."""
        return await keep_state(opened, self.entered, self.say)


def _moved(kept: Sequence[DraftFile], gone: int) -> Iterator[DraftFile]:
    """The files of the parts that stay, in the fields that these have then."""
    for file in kept:
        stem, _, end = file.field.rpartition("-")
        place = int(end) if end.isdecimal() else 0
        if place != gone:
            yield file.having(field=f"{stem}-{place - 1}") if place > gone else file


async def clear(opened: Opened) -> None:
    """Forget the draft of what has landed; one that stays behind goes with time."""
    if opened.draft is not None:
        with suppress(Unreachable, NotFound):
            await opened.here.store.forget_draft(opened.task.task_id)


def wants_fragment(here: Here) -> bool:
    """Whether a form saves itself, without leaving its page."""
    return here.visit.request.headers.get(FRAGMENT) == "draft"


def saved(here: Here, state: DraftState, fields: Sequence[str]) -> Response:
    """What a form that saves itself is told."""
    page = SavedDraft(bare_frame("Draft", here.visit), state, fields)
    return here.visit.console.templates.render(page, 409 if state.fault else 200)


async def forget(here: Here) -> Response:
    """Forget one's own draft for a task."""
    task = await here.store.read_task_detail(str(here.visit.request.path_params["task"]))
    await here.store.forget_draft(task.task_id)
    is_everywhere = here.visit.request.query_params.get("back") == "everywhere"
    return here.visit.go(
        here.visit.url("all_work") if is_everywhere else here.url("work"), ("done", "The draft is forgotten.")
    )


def _kept(here: Here, files: Sequence[DraftFile]) -> dict[str, tuple[KeptFile, ...]]:
    cookies = here.visit.console.cookies
    found: dict[str, tuple[KeptFile, ...]] = {}
    for file in files:
        row = KeptFile(file.filename, file.size_bytes, mark(cookies, file))
        found[file.field] = (*found.get(file.field, ()), row)
    return found

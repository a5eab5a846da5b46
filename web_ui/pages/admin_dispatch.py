"""Who takes the orchestrator's decisions: orchestrators by themselves, or people."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import DISPATCH_KEYS, DispatchMode, Mode, NotFound
from web_ui.active import Here
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.membership import groups_of
from web_ui.templating import Frame

MODES: dict[str, Mode] = {"auto": "auto", "manual": "manual"}
DECISIONS = {
    "termination": ("End the experiment", "when its termination policy says so"),
    "ideation_creation": ("Ask for ideas", "so many as its ideation policy says"),
    "execution_dispatch": ("Hand out ideas", "each ready idea becomes a task for executors"),
    "evaluation_dispatch": ("Hand out commits", "each commit becomes a task for evaluators"),
    "integration": ("Integrate variants", "each scored variant joins the lineage"),
}
WORDS = {"auto": "orchestrators take it", "manual": "people take it"}
MAY_END = frozenset({"admins", "orchestrators"})


@dataclass(frozen=True)
class Decision:
    """One decision; `mode` is None where the server does not tell it."""

    key: str
    name: str
    meaning: str
    mode: Mode | None


@dataclass(frozen=True)
class Dispatch:
    """The page at /e/{experiment}/admin/dispatch."""

    template: ClassVar[str] = "admin_dispatch/index.html"

    frame: Frame
    decisions: tuple[Decision, ...]
    change_href: str | None
    end_href: str | None
    name: str
    note: str


async def index(here: Here) -> Response:
    """The five decisions, with switches for admins."""
    mode, groups, fleet = await asyncio.gather(_mode(here), groups_of(here), here.visit.fleet())
    may_change = "admins" in groups
    is_open = not here.experiment.status.is_final
    page = Dispatch(
        frame=experiment_frame(here, "Dispatch", "dispatch", fleet),
        decisions=tuple(
            Decision(key, *DECISIONS[key], getattr(mode, key) if mode is not None else None) for key in DISPATCH_KEYS
        ),
        change_href=here.url("change_dispatch") if may_change and is_open else None,
        end_href=here.url("end") if groups & MAY_END and is_open else None,
        name=here.experiment.name,
        note=_note(here, may_change=may_change, is_open=is_open),
    )
    return here.visit.show(page)


async def change(here: Here) -> Response:
    """Have one decision taken by the others from now on."""
    form = await here.visit.request.form()
    key, mode = text(form, "decision"), MODES.get(text(form, "mode"))
    if key not in DECISIONS or mode is None:
        return here.visit.go(here.url("dispatch"), ("failed", "Say which decision, and who is to take it."))
    await here.store.update_dispatch_mode(**{key: mode})
    return here.visit.go(here.url("dispatch"), ("done", f"{DECISIONS[key][0]}: {WORDS[mode]} from now on."))


async def _mode(here: Here) -> DispatchMode | None:
    """Who decides now; servers need not tell."""
    try:
        return await here.store.read_dispatch_mode()
    except NotFound:
        return None


def _note(here: Here, *, may_change: bool, is_open: bool) -> str:
    if not is_open:
        return "The experiment has ended; only what is left is still integrated."
    if may_change:
        return ""
    if here.registry is not None:
        return "Only members of admins change this. You can add your own worker to admins under Groups."
    return "Only members of admins change this."

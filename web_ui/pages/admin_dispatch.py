"""Who takes the orchestrator's decisions: orchestrators by themselves, or people, who do it here."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import DISPATCH_KEYS, DispatchMode, Mode, NotFound, TaskState
from web_ui.active import Here
from web_ui.forms.field import text
from web_ui.frame import experiment_frame
from web_ui.membership import groups_of
from web_ui.pages import dispatch_cards as cards
from web_ui.pages import dispatch_history as history
from web_ui.pages.dispatch_cards import CREATORS, DECISIONS, Act, Decision, Facts, Waiting
from web_ui.pages.dispatch_history import Taken
from web_ui.standing import heading
from web_ui.templating import Frame

MODES: dict[str, Mode] = {"auto": "auto", "manual": "manual"}
WORDS = {"auto": "orchestrators take it", "manual": "people take it"}
EVENTS_LOOKED_AT, SUBMITTED = 200, 20
VERDICTS = (
    Act("accept", "Accept"),
    Act("reject", "Reject: it does not hold", "danger", "validation_error"),
    Act("reject", "Reject: its worker could not do it", "danger", "worker_error"),
)


@dataclass(frozen=True)
class Doors:
    """Where the acts of the page lead; none where this person or the experiment's state does not allow it."""

    take_href: str
    groups_href: str
    change_href: str | None = None
    end_href: str | None = None
    may_end: bool = False
    may_join: bool = False


@dataclass(frozen=True)
class Dispatch:
    """The page at /e/{experiment}/admin/dispatch."""

    template: ClassVar[str] = "admin_dispatch/index.html"

    frame: Frame
    decisions: tuple[Decision, ...]
    doors: Doors
    name: str
    note: str
    submitted: tuple[Waiting, ...] = ()
    modes: tuple[Taken, ...] = ()
    taken: tuple[Taken, ...] = ()


async def index(here: Here) -> Response:
    """The five decisions, with what waits for each and who took which."""
    return here.visit.show(await (_ours(here) if here.visit.offers.is_ours else _of_others(here)))


async def change(here: Here) -> Response:
    """Have one decision taken by the others from now on."""
    form = await here.visit.request.form()
    key, mode = text(form, "decision"), MODES.get(text(form, "mode"))
    if key not in DECISIONS or mode is None:
        return here.visit.go(here.url("dispatch"), ("failed", "Say which decision, and who is to take it."))
    await here.store.update_dispatch_mode(**{key: mode})
    return here.visit.go(here.url("dispatch"), ("done", f"{DECISIONS[key][0]}: {WORDS[mode]} from now on."))


async def _ours(here: Here) -> Dispatch:
    store = here.store
    (detail, backlog, stages, tasks), (log, workers, groups, fleet) = await asyncio.gather(
        asyncio.gather(
            store.read_experiment_detail(),
            store.read_backlog(),
            store.read_stages(),
            store.list_task_page(state=TaskState.SUBMITTED, limit=SUBMITTED),
        ),
        asyncio.gather(
            store.read_log(limit=EVENTS_LOOKED_AT, is_newest_first=True),
            store.list_workers(),
            groups_of(here),
            here.visit.fleet(),
        ),
    )
    ids = [one.variant.variant_id for one in backlog.to_evaluate]
    ids += [one.variant.variant_id for one in backlog.to_integrate]
    page = await store.list_variant_page(ids=ids, limit=len(ids)) if ids else None
    found = {one.variant_id: one for one in page.items} if page is not None else {}
    facts = Facts(detail, backlog, {one.kind: one for one in stages.stages}, found, tasks.items)
    names = {one.worker_id: one.name or one.worker_id for one in workers.workers}
    return Dispatch(
        frame=experiment_frame(here, "Dispatch", "dispatch", fleet),
        decisions=tuple(cards.card(here, key, facts, groups) for key in DISPATCH_KEYS),
        doors=_doors(here, groups, is_orchestrating=bool(backlog.to_integrate or tasks.items)),
        name=here.experiment.name,
        note=_note(here, groups),
        submitted=_submitted(here, facts, groups),
        modes=history.of_modes(log.events, names),
        taken=history.of_decisions(log.events, here.url),
    )


async def _of_others(here: Here) -> Dispatch:
    """What a server that speaks the protocol alone tells: who decides, if that."""
    mode, groups, fleet = await asyncio.gather(_mode(here), groups_of(here), here.visit.fleet())
    return Dispatch(
        frame=experiment_frame(here, "Dispatch", "dispatch", fleet),
        decisions=tuple(cards.bare(key, getattr(mode, key) if mode is not None else None) for key in DISPATCH_KEYS),
        doors=_doors(here, groups),
        name=here.experiment.name,
        note=_note(here, groups),
    )


def _doors(here: Here, groups: frozenset[str], *, is_orchestrating: bool = False) -> Doors:
    """The acts of this person; `is_orchestrating` is whether something waits that only orchestrators do."""
    is_open = not here.experiment.status.is_final
    may_end = bool(groups & CREATORS) and is_open
    return Doors(
        take_href=here.url("take_decision"),
        groups_href=here.url("groups"),
        change_href=here.url("change_dispatch") if "admins" in groups and is_open else None,
        end_href=here.url("end") if may_end and not here.visit.offers.is_ours else None,
        may_end=may_end and here.visit.offers.is_ours,
        may_join=is_orchestrating and here.registry is not None and "orchestrators" not in groups,
    )


def _submitted(here: Here, facts: Facts, groups: frozenset[str]) -> tuple[Waiting, ...]:
    acts = VERDICTS if "orchestrators" in groups else ()
    return tuple(
        Waiting(
            one.task_id,
            heading(one),
            here.url("task", task=one.task_id),
            f"{one.kind} by {one.claimant_name or 'a worker'}",
            one.updated_at,
            acts,
        )
        for one in facts.submitted
    )


async def _mode(here: Here) -> DispatchMode | None:
    """Who decides now; servers need not tell."""
    try:
        return await here.store.read_dispatch_mode()
    except NotFound:
        return None


def _note(here: Here, groups: frozenset[str]) -> str:
    if here.experiment.status.is_final:
        return "The experiment has ended; only what is left is still integrated."
    if "admins" in groups:
        return ""
    if here.registry is not None:
        return "Only members of admins change this. You can add your own worker to admins under Groups."
    return "Only members of admins change this."

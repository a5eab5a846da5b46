"""The decisions taken by hand, each as the person who takes it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response
from ulid import ULID

from store_client import (
    SUBJECT,
    AlreadyExists,
    BadRequest,
    CreateTask,
    IllegalTransition,
    InvalidPrecondition,
    NotFound,
    RejectReason,
    TaskKind,
    format_time,
)
from web_ui.active import Here
from web_ui.failures import sentence
from web_ui.filters import plural
from web_ui.forms.field import text
from web_ui.registries import registry_of

MOST_AT_ONCE = 20
REASONS: Mapping[str, RejectReason] = {"worker_error": "worker_error", "validation_error": "validation_error"}


class NotTaken(Exception):
    """A decision that cannot be taken as it was sent; says why."""


@dataclass(frozen=True)
class Asked:
    """What the form said: what the decision is about, and with which detail."""

    subject: str
    detail: str

    @property
    def about(self) -> str:
        """What the decision is about, which some need."""
        if not self.subject:
            raise NotTaken("say what it is about.")
        return self.subject


async def take(here: Here) -> Response:
    """Take one decision now; what moved on meanwhile changes nothing."""
    form = await here.visit.request.form()
    act = ACTS.get(text(form, "act"))
    back = here.url("dispatch")
    if act is None:
        return here.visit.go(back, ("failed", "Say which decision is to be taken."))
    try:
        told = await act(here, Asked(text(form, "subject"), text(form, "detail")))
    except NotTaken as fault:
        return here.visit.go(back, ("failed", f"Nothing was changed: {fault}"))
    except (AlreadyExists, BadRequest, IllegalTransition, InvalidPrecondition, NotFound) as error:
        return here.visit.go(back, ("failed", f"Nothing was changed: {sentence(str(error))}"))
    return here.visit.go(back, ("done", told))


async def _ideate(here: Here, asked: Asked) -> str:
    count = int(asked.detail) if asked.detail.isascii() and asked.detail.isdigit() and len(asked.detail) < 4 else 0
    if not 1 <= count <= MOST_AT_ONCE:
        raise NotTaken(f"ask for 1 to {MOST_AT_ONCE} ideation tasks at a time.")
    for made in range(count):
        try:
            await _create(here, "ideation", here.experiment_id)
        except (IllegalTransition, InvalidPrecondition) as error:
            if not made:
                raise
            return f"Only {_waiting(made)} for an ideator: {error}."
    return f"{_waiting(count)} for an ideator."


def _waiting(count: int) -> str:
    return f"{plural(count, 'ideation task')} {'waits' if count == 1 else 'wait'}"


async def _execute(here: Here, asked: Asked) -> str:
    await _create(here, "execution", asked.about)
    return "The idea is handed out: its execution waits for an executor."


async def _evaluate(here: Here, asked: Asked) -> str:
    await _create(here, "evaluation", asked.about)
    return "The commit is handed out: its evaluation waits for an evaluator."


async def _create(here: Here, kind: TaskKind, subject: str) -> None:
    now = format_time(here.visit.now)
    task_id = f"t-{str(ULID()).lower()}"
    payload = {SUBJECT[kind]: subject}
    await here.store.create_task(
        CreateTask(task_id=task_id, kind=kind, state="pending", payload=payload, created_at=now, updated_at=now)
    )


async def _give_up(here: Here, asked: Asked) -> str:
    await here.store.declare_variant_evaluation_error(asked.about)
    return "Its evaluation is given up. The variant counts as tried and has no score."


async def _integrate(here: Here, asked: Asked) -> str:
    variant = await here.store.publish_variant(asked.about)
    return f"Integrated as commit {(variant.variant_commit_sha or '')[:10]}. It may be built on from now on."


async def _accept(here: Here, asked: Asked) -> str:
    await here.store.accept_task(asked.about)
    return "The result is accepted."


async def _reject(here: Here, asked: Asked) -> str:
    reason = REASONS.get(asked.detail)
    if reason is None:
        raise NotTaken("say why the result is rejected.")
    await here.store.reject_task(asked.about, reason)
    return "The result is rejected: its task has failed."


async def _end(here: Here, asked: Asked) -> str:
    if asked.detail != here.experiment.name:
        raise NotTaken(f"type the experiment's name, {here.experiment.name}, to end it.")
    await here.store.end_experiment("completed", f"ended by {here.visit.who.name}")
    return f"{here.experiment.name} is ended. Its variants, history and repository stay readable."


async def _join(here: Here, _asked: Asked) -> str:
    found = await here.store.list_groups()
    group = next((one for one in found.groups if one.name == "orchestrators"), None)
    if group is None:
        raise NotTaken("this experiment has no group orchestrators.")
    worker_id = await here.visit.console.factory.worker_id(here.visit.who, here.experiment_id)
    await registry_of(here).add_to_experiment_group(group.group_id, worker_id)
    return "Your worker is in orchestrators now: you may accept results and integrate variants."


ACTS: Mapping[str, Callable[[Here, Asked], Awaitable[str]]] = {
    "ideate": _ideate,
    "execute": _execute,
    "evaluate": _evaluate,
    "give_up": _give_up,
    "integrate": _integrate,
    "accept": _accept,
    "reject": _reject,
    "end": _end,
    "join": _join,
}

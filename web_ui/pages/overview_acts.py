"""The acts of the overview: select, pause, resume, end, and who does each role's work."""

from starlette.datastructures import FormData
from starlette.responses import Response

from store_client import Automation, InvalidPrecondition, Role
from web_ui.active import Here
from web_ui.forms.field import text
from web_ui.frame import ADMIN_TABS, EXPERIMENT_TABS
from web_ui.gates import came_from, own_path
from web_ui.visit import Visit

ROLES: tuple[Role, ...] = ("ideator", "executor", "evaluator")
MODES: dict[str, Automation] = {"automatic": "automatic", "manual": "manual"}
WORDS = {"automatic": "automatic workers", "manual": "people"}


async def select(here: Here) -> Response:
    """Remember this experiment and go to the same kind of page in it."""
    response = here.visit.go(_same_page(here, here.visit.request.query_params.get("next", "")))
    here.visit.console.cookies.remember(response, here.visit.who, here.experiment_id)
    return response


def _same_page(here: Here, current: str) -> str:
    """The page of the same kind in this experiment; the deployment's queue is its jobs."""
    route = {"queue": "experiment_jobs"}.get(current, current)
    return here.url(route if route in {tab for _, tab, *_ in (*EXPERIMENT_TABS, *ADMIN_TABS)} else "overview")


async def pause(here: Here) -> Response:
    """Create and claim nothing new."""
    await here.store.pause_experiment()
    return await _back(
        here, f"{here.experiment.name} is paused. What is claimed may finish; nothing new is created or claimed."
    )


async def resume(here: Here) -> Response:
    """Go on, or start a draft."""
    await here.store.resume_experiment()
    return await _back(here, f"{here.experiment.name} runs.")


async def end(here: Here) -> Response:
    """End the experiment for good."""
    await here.store.end_experiment("completed", f"ended by {here.visit.who.name}")
    return await _back(here, f"{here.experiment.name} is ended. Its variants, history and repository stay readable.")


async def automate(here: Here) -> Response:
    """Switch one role between automatic workers and people."""
    form = await here.visit.request.form()
    role = next((one for one in ROLES if one == _named(here.visit, form, "role")), None)
    mode = MODES.get(_named(here.visit, form, "mode") or _named(here.visit, form, "automation"))
    if role is None or mode is None:
        return here.visit.go(_next(here, form), ("failed", "Say which role, and whether it is automatic or by hand."))
    try:
        await here.store.update_automation({role: mode})
    except InvalidPrecondition as error:
        return here.visit.go(_next(here, form), ("failed", f"Nothing was changed: {error}."))
    return here.visit.go(_next(here, form), ("done", f"The {role}'s work is now done by {WORDS[mode]}."))


def _named(visit: Visit, form: FormData, name: str) -> str:
    return text(form, name) or visit.request.query_params.get(name, "")


def _next(here: Here, form: FormData) -> str:
    """The page of ours that the form came from."""
    asked = own_path(text(form, "next") or came_from(here.visit.request))
    inside = (f"/e/{here.experiment.slug}/", f"/e/{here.experiment_id}/")
    return asked if asked.startswith(inside) else here.url("overview")


async def _back(here: Here, told: str) -> Response:
    return here.visit.go(_next(here, await here.visit.request.form()), ("done", told))

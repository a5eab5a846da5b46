"""How the deployment does, part by part, in plain words; a part that is dead hides none of the others."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentSummary, Forbidden, Health, HealthPart, HealthState, SwitchyardError, parse_time
from web_ui.failures import sentence
from web_ui.filters import plural
from web_ui.frame import bare_frame, deployment_frame
from web_ui.offers import Posture
from web_ui.templating import Frame
from web_ui.visit import Visit

PATIENCE_SECONDS = 4.0
SKEW_SECONDS, MUCH_SKEW_SECONDS = 2.0, 30.0
WORDS: dict[HealthState, str] = {"ok": "well", "wait": "look at it", "bad": "broken", "idle": "not needed"}
POSTURES: dict[Posture, tuple[HealthState, str, str]] = {
    "A": ("ok", "One experiment, without a control plane: this console has the one credential that it was given.", ""),
    "B": ("ok", "Each person's credential in an experiment is made when they first need it.", ""),
    "C": (
        "wait",
        "This console has no admin token: experiments that it has a credential for work, others cannot be opened.",
        "To open others start it with --admin-token-file, or put a credential of theirs into its credential file.",
    ),
    "D": (
        "bad",
        "This console has no admin token and no credential: nothing can be read.",
        "Start it with --admin-token-file, or give it a credential file.",
    ),
}


@dataclass(frozen=True)
class PartRow:
    """One part with the word of its state."""

    part: HealthPart
    word: str


@dataclass(frozen=True)
class HealthPage:
    """The page at /admin/health."""

    template: ClassVar[str] = "health/index.html"

    frame: Frame
    sentence: str
    worst: HealthState
    rows: tuple[PartRow, ...]
    version: str


@dataclass(frozen=True)
class Asked:
    """An answer or why there is none, and when it came."""

    health: Health | None
    problem: str
    seconds: float
    middle: datetime


async def show(visit: Visit) -> Response:
    """Every part at once; each has only so long to answer."""
    if visit.offers.is_ours and not visit.manages_deployment:
        raise Forbidden("only an administrator of the deployment may look at its health")
    experiments = await _experiments(visit)
    asked, store = await asyncio.gather(_control_plane(visit), _task_store(visit, experiments))
    parts = (*asked[0], store, _credentials(visit.console.factory.posture), *asked[1])
    worst = _worst(parts)
    frame = (
        deployment_frame(visit, experiments, "Health", "health_page")
        if visit.offers.is_ours
        else bare_frame("Health", visit, experiments)
    )
    rows = tuple(PartRow(part, WORDS[part.state]) for part in parts)
    return visit.show(HealthPage(frame, _sentence(parts), worst, rows, asked[2]))


def _worst(parts: tuple[HealthPart, ...]) -> HealthState:
    states = {part.state for part in parts}
    order: tuple[HealthState, ...] = ("bad", "wait", "ok")
    return next((state for state in order if state in states), "idle")


def _sentence(parts: tuple[HealthPart, ...]) -> str:
    bad, wait = (sum(part.state == state for part in parts) for state in ("bad", "wait"))
    if bad:
        return f"{plural(bad, 'part')} {'is' if bad == 1 else 'are'} broken. Each says what to do."
    return f"{plural(wait, 'part')} to look at." if wait else "Every part does well."


async def _experiments(visit: Visit) -> tuple[ExperimentSummary, ...]:
    """Those that can be listed now."""
    try:
        return await asyncio.wait_for(visit.console.factory.experiments(visit.who), PATIENCE_SECONDS)
    except (TimeoutError, SwitchyardError):
        return ()


async def _control_plane(visit: Visit) -> tuple[tuple[HealthPart, ...], tuple[HealthPart, ...], str]:
    """The control plane and the clocks, then its own parts, and its version."""
    if not visit.offers.is_ours:
        own = HealthPart(
            name="control-plane", title="Control plane", state="idle", words="The server says nothing of its parts."
        )
        return (own,), (), ""
    asked = await _ask(visit)
    if asked.health is None:
        return (_broken("control-plane", "Control plane", asked.problem, START),), (), ""
    took = f"Answers in {asked.seconds * 1000:,.0f} ms."
    own = HealthPart(name="control-plane", title="Control plane", state="ok", words=took)
    return (own, _clocks(asked, asked.health)), asked.health.parts, asked.health.version


START = "Start it with: switchyard up, or switchyard serve; then look at its log."


async def _ask(visit: Visit) -> Asked:
    health, problem, began = None, "", time.monotonic()
    try:
        health = await asyncio.wait_for(visit.client.read_health(), PATIENCE_SECONDS)
    except TimeoutError:
        problem = f"It has not answered within {PATIENCE_SECONDS:g} s."
    except SwitchyardError as error:
        problem = sentence(str(error))
    return Asked(health, problem, time.monotonic() - began, datetime.now(UTC))


async def _task_store(visit: Visit, experiments: tuple[ExperimentSummary, ...]) -> HealthPart:
    """Whether an experiment can be read where experiments are kept."""
    name, title = "task-store", "Task store"
    if not experiments:
        return HealthPart(name=name, title=title, state="idle", words="There is no experiment to ask it for.")
    reader = visit.console.factory.reader(visit.who, experiments[0].experiment_id)
    began = time.monotonic()
    try:
        await asyncio.wait_for(reader.read_state(), PATIENCE_SECONDS)
    except TimeoutError:
        return _broken(name, title, f"It has not answered within {PATIENCE_SECONDS:g} s.", START)
    except SwitchyardError as error:
        return _broken(name, title, sentence(str(error)), START)
    return HealthPart(
        name=name, title=title, state="ok", words=f"Answers in {(time.monotonic() - began) * 1000:,.0f} ms."
    )


def _clocks(asked: Asked, health: Health) -> HealthPart:
    """How far the clocks are apart; what the answer took may be on either side."""
    apart = abs((asked.middle - parse_time(health.now)).total_seconds())
    apart = max(0.0, apart - asked.seconds)
    state: HealthState = "ok" if apart < SKEW_SECONDS else "wait" if apart < MUCH_SKEW_SECONDS else "bad"
    words = f"The clocks of console and control plane are {apart:.1f} s apart."
    advice = (
        "" if state == "ok" else "Have both machines set their clocks by NTP: ages and times left are wrong by that."
    )
    return HealthPart(name="clock", title="Clocks", state=state, words=words, advice=advice)


def _credentials(posture: Posture) -> HealthPart:
    state, words, advice = POSTURES[posture]
    return HealthPart(
        name="credentials", title=f"Credentials (posture {posture})", state=state, words=words, advice=advice
    )


def _broken(name: str, title: str, words: str, advice: str) -> HealthPart:
    return HealthPart(name=name, title=title, state="bad", words=words, advice=advice)

"""The loop of an experiment stage by stage, who works in it, and what is stuck there."""

from collections.abc import Iterable, Sequence

from store_client import (
    ExperimentDetail,
    LogEvent,
    Stages,
    StageWork,
    StuckTask,
    TaskDetail,
    TaskPage,
    UnmeasuredVariant,
    parse_time,
)
from web_ui.active import Here
from web_ui.filters import duration, with_query
from web_ui.frame import ROLE_OF
from web_ui.lines import Need
from web_ui.pages.overview import AtWork, Stage

NAMES = {"ideation": "Ideate", "execution": "Execute", "evaluation": "Evaluate", "integration": "Integrate"}
NOBODY = "A worker"
POLICY_FAILED, POLICY_SECONDS = "experiment.policy_error", 3600


def stages(here: Here, detail: ExperimentDetail, found: Stages) -> tuple[Stage, ...]:
    """The loop, stage by stage: what waits and since when, what is active, and who does it."""
    return tuple(
        _integration(here, detail, one) if one.kind == "integration" else _stage(here, detail, one)
        for one in found.stages
    )


def _stage(here: Here, detail: ExperimentDetail, one: StageWork) -> Stage:
    role, is_ours, is_over = ROLE_OF[one.kind], here.visit.offers.is_ours, detail.status.is_final
    may_switch = here.visit.is_administrator and not is_over and detail.commands.get(role)
    return Stage(
        name=NAMES[one.kind],
        href=here.url(role),
        waiting=0 if is_over else one.waiting,
        active=0 if is_over else one.active,
        is_automatic=getattr(detail.automation, role) == "automatic" if is_ours else None,
        automation_href=with_query(here.url("automation"), role=role) if may_switch else None,
        note="" if detail.commands.get(role) or not is_ours else "has no command, so people do it",
        since=None if is_over else one.oldest_waiting_at,
    )


def _integration(here: Here, detail: ExperimentDetail, one: StageWork) -> Stage:
    href = with_query(here.url("variants"), sort="objective")
    is_automatic = detail.dispatch_mode.integration == "auto"
    return Stage(NAMES[one.kind], href, one.waiting, 0, is_automatic, None, since=one.oldest_waiting_at)


def at_work(here: Here, claimed: TaskPage) -> tuple[AtWork, ...]:
    """Who holds which task."""
    return tuple(_at_work(here, task) for task in claimed.items if task.claim is not None)


def _at_work(here: Here, task: TaskDetail) -> AtWork:
    what = "new ideas" if task.kind == "ideation" else f"{task.kind} of {task.title}"
    claimed_at = task.claim.claimed_at if task.claim else task.updated_at
    href = here.url("task", task=task.task_id)
    return AtWork(task.task_id, task.claimant_name or NOBODY, what, href, task.state.value, claimed_at)


def stuck(here: Here, detail: ExperimentDetail, found: Stages, events: Sequence[LogEvent]) -> list[Need]:
    """What does not go on by itself: said with why, what will happen, and the act."""
    if detail.status.is_final:
        return []
    return [
        *(_stuck(here, one) for one in found.stuck),
        *(_unmeasured(here, one) for one in found.unmeasured),
        *_policy(here, events),
    ]


def _stuck(here: Here, one: StuckTask) -> Need:
    what = "Ideation" if one.kind == "ideation" else f"{one.kind.capitalize()} of {one.title}"
    who = one.worker_name or "its worker"
    if one.why == "expired":
        otherwise = _for_takers(here, "; if not, take it back")
        told = f"{what}: the claim of {who} has run out. It is given to another in a moment{otherwise}."
    else:
        silent = (here.visit.now - parse_time(one.last_seen_at or one.claimed_at)).total_seconds()
        told = f"{what} stuck: {who} has not answered for {duration(silent)}. {_until(here, one)}"
    href = here.url("task", task=one.task_id)
    return Need(f"stuck-{one.task_id}", told, "", href, "Look at it", one.claimed_at, "stale")


def _until(here: Here, one: StuckTask) -> str:
    if one.expires_at is None:
        return f"Its claim has no end{_for_takers(here, ': take it back to give it to another')}."
    otherwise = _for_takers(here, ", or take it back now")
    return f"It will be given to another at {parse_time(one.expires_at):%H:%M} UTC{otherwise}."


def _for_takers(here: Here, words: str) -> str:
    """Words for whoever may take tasks back: administrators, on another server any worker."""
    return words if here.visit.is_administrator or not here.visit.offers.is_ours else ""


def _unmeasured(here: Here, one: UnmeasuredVariant) -> Need:
    tries = "1 try" if one.attempts == 1 else f"{one.attempts} tries"
    told = f"{one.label} could not be evaluated after {tries}. It counts as tried and has no score."
    href = here.url("variant", variant=one.variant_id)
    return Need(f"unmeasured-{one.variant_id}", told, "", href, "See why", one.completed_at, "evaluation_error")


def _policy(here: Here, events: Iterable[LogEvent]) -> list[Need]:
    """The newest failure of each policy within the last hour."""
    latest: dict[str, LogEvent] = {}
    for event in events:
        is_fresh = (here.visit.now - parse_time(event.occurred_at)).total_seconds() < POLICY_SECONDS
        if event.type == POLICY_FAILED and is_fresh:
            latest.setdefault(str(event.data.get("policy_kind", "")), event)
    return [_failed(here, kind, event) for kind, event in latest.items()]


def _failed(here: Here, kind: str, event: LogEvent) -> Need:
    message = event.data.get("error_message", "")
    told = f"The {kind} policy cannot be computed: {message}. Until it can, nobody takes that decision."
    return Need(f"policy-{kind}", told, "", here.url("dispatch"), "See dispatch", event.occurred_at, "failed")

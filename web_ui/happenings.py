"""Events as sentences of the activity feed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from store_client import LogEvent, VariantDetail
from web_ui.active import Here
from web_ui.filters import figure
from web_ui.job_words import ENDINGS
from web_ui.pages.overview import Happening

NOBODY = "Somebody"
GIVEN_BACK = {
    "expired": "was given back: its claim ran out",
    "operator": "was given back by hand",
    "health_policy": "was given back: its worker stopped answering",
}


@dataclass(frozen=True)
class Names:
    """What ids are called, as far as the page knows, and which variants were the best when they were scored."""

    here: Here
    variants: Mapping[str, VariantDetail]
    ideas: Mapping[str, tuple[str, str | None]]
    workers: Mapping[str, str]
    records: frozenset[str]

    @staticmethod
    def named(event: LogEvent, field: str) -> str:
        """An id that an event names; events of other versions may lack one."""
        return str(event.data.get(field) or "unknown")

    def who(self, event: LogEvent, field: str) -> str:
        worker_id = str(event.data.get(field, ""))
        return "The administrator" if worker_id == "admin" else self.workers.get(worker_id, NOBODY)


@dataclass(frozen=True)
class Told:
    """One sentence: words, perhaps a thing to look at, words."""

    status: str
    before: str = ""
    what: str = ""
    href: str = ""
    after: str = ""


def tell(event: LogEvent, names: Names) -> Happening | None:
    """One line of the feed; None for events that are the machine's own bookkeeping."""
    if not is_told(event):
        return None
    told = TELLERS[event.type](names, event)
    return Happening(
        key=str(event.position),
        status=told.status,
        moment=event.occurred_at,
        before=told.before,
        what=told.what,
        what_href=told.href,
        after=told.after,
    )


def is_told(event: LogEvent) -> bool:
    """Whether there is a sentence for an event."""
    return event.type in TELLERS and not (event.type == JOB_ENDED and event.data.get("state") in QUIET)


def actors_in(events: Iterable[LogEvent]) -> tuple[str, ...]:
    """The workers of whom these events say that they did something."""
    named = (str(event.data.get(ACTORS[event.type], "")) for event in events if event.type in ACTORS)
    return tuple(dict.fromkeys(one for one in named if one.startswith("wkr_")))


def named_in(events: Iterable[LogEvent], field: str) -> tuple[str, ...]:
    """The ids of one kind that these events name."""
    return tuple(dict.fromkeys(str(event.data[field]) for event in events if event.data.get(field)))


def _proposed(names: Names, event: LogEvent) -> Told:
    idea_id = names.named(event, "idea_id")
    slug, author = names.ideas.get(idea_id, ("an idea", None))
    return Told("ready", f"{author or NOBODY} proposed", slug, names.here.url("idea", idea=idea_id))


def _variant(status: str, after: str) -> "Teller":
    def teller(names: Names, event: LogEvent) -> Told:
        variant_id = names.named(event, "variant_id")
        point = names.variants.get(variant_id)
        href = names.here.url("variant", variant=variant_id)
        return Told(status, "", point.label if point else "A variant", href, after)

    return teller


def _scored(names: Names, event: LogEvent) -> Told:
    variant_id = names.named(event, "variant_id")
    point = names.variants.get(variant_id)
    value = figure(float(point.objective_value)) if point is not None and point.objective_value is not None else ""
    rest = ", the best so far" if variant_id in names.records else ""
    return _variant("succeeded", f"scored {value}{rest}" if value else "was evaluated")(names, event)


def _given_back(names: Names, event: LogEvent) -> Told:
    after = GIVEN_BACK.get(str(event.data.get("cause")), "was given back")
    return Told("waiting", "", "A task", names.here.url("task", task=names.named(event, "task_id")), after)


def _job_ended(names: Names, event: LogEvent) -> Told:
    code = event.data.get("exit_code")
    cause = "" if event.data.get("cause") == "user_error" and code is None else str(event.data.get("cause"))
    ending = ENDINGS.get(cause, "its command failed").format(exit_code=code)
    return _job(names, event, "failed", f"failed: {ending}")


def _job_again(names: Names, event: LogEvent) -> Told:
    return _job(names, event, "waiting", "waits again for another attempt")


def _job(names: Names, event: LogEvent, status: str, after: str) -> Told:
    what = f"{event.data.get('number', '')} {event.data.get('name', '')}".strip()
    return Told(status, "Job", what, names.here.visit.url("job", job=names.named(event, "job_id")), after)


def _ended(_names: Names, event: LogEvent) -> Told:
    reason = str(event.data.get("reason", ""))
    return Told("completed", f"The experiment ended: {reason}" if reason else "The experiment ended")


def _policy_failed(_names: Names, event: LogEvent) -> Told:
    kind, message = event.data.get("policy_kind", ""), event.data.get("error_message", "")
    return Told("failed", f"The {kind} policy cannot be computed: {message}")


def _acted(status: str, did: str) -> "Teller":
    return lambda names, event: Told(status, f"{names.who(event, ACTORS[event.type])} {did}")


JOB_ENDED, QUIET = "job.finished", frozenset({"succeeded", "cancelled"})
"""What became of a job that ended so, other events tell."""
ACTORS: Mapping[str, str] = {
    "experiment.started": "by",
    "experiment.paused": "by",
    "experiment.resumed": "by",
    "experiment.automation_changed": "updated_by",
    "experiment.dispatch_mode_changed": "updated_by",
    "repository.pushed": "worker_id",
}
"""The events whose sentence begins with who did it, and where they name them."""
Teller = Callable[[Names, LogEvent], Told]
TELLERS: Mapping[str, Teller] = {
    "idea.ready": _proposed,
    "variant.succeeded": _scored,
    "variant.errored": _variant("failed", "failed"),
    "variant.evaluation_errored": _variant("evaluation_error", "could not be evaluated"),
    "variant.integrated": _variant("integrated", "joined the lineage"),
    "task.reclaimed": _given_back,
    JOB_ENDED: _job_ended,
    "job.requeued": _job_again,
    "experiment.created": lambda _names, _event: Told("draft", "The experiment was created"),
    "experiment.started": _acted("running", "started the experiment"),
    "experiment.paused": _acted("paused", "paused the experiment"),
    "experiment.resumed": _acted("running", "resumed the experiment"),
    "experiment.terminated": _ended,
    "experiment.policy_error": _policy_failed,
    "experiment.automation_changed": _acted("manual", "changed who does the work"),
    "experiment.dispatch_mode_changed": _acted("manual", "changed who takes the decisions"),
    "repository.pushed": _acted("done", "pushed a branch"),
}

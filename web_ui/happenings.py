"""Events as sentences of the activity feed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from store_client import LogEvent, ProgressPoint
from web_ui.active import Here
from web_ui.filters import figure
from web_ui.pages.overview import Happening


@dataclass(frozen=True)
class Names:
    """What ids are called, as far as the page knows."""

    here: Here
    variants: Mapping[str, ProgressPoint]
    ideas: Mapping[str, str]
    workers: Mapping[str, str]

    def variant(self, event: LogEvent) -> tuple[str, str]:
        variant_id = str(event.data.get("variant_id", ""))
        point = self.variants.get(variant_id)
        return (point.label if point else variant_id), self.here.url("variant", variant=variant_id)

    def idea(self, event: LogEvent) -> tuple[str, str]:
        idea_id = str(event.data.get("idea_id", ""))
        return self.ideas.get(idea_id, idea_id), self.here.url("idea", idea=idea_id)

    def task(self, event: LogEvent) -> tuple[str, str]:
        task_id = str(event.data.get("task_id", ""))
        return task_id, self.here.url("task", task=task_id)

    def job(self, event: LogEvent) -> tuple[str, str]:
        return str(event.data.get("name", "job")), self.here.visit.url("job", job=str(event.data.get("job_id", "")))

    def here_itself(self, _event: LogEvent) -> tuple[str, str]:
        return "", self.here.url("overview")

    def who(self, event: LogEvent) -> str:
        worker_id = str(event.data.get("worker_id", ""))
        return self.workers.get(worker_id, worker_id)


@dataclass(frozen=True)
class Words:
    """How one type of event is told: its status, what was done, and to what."""

    status: str
    did: str
    what: Callable[[Names, LogEvent], tuple[str, str]]


SAID: Mapping[str, Words] = {
    "idea.ready": Words("ready", "proposed", Names.idea),
    "variant.succeeded": Words("succeeded", "scored", Names.variant),
    "variant.errored": Words("failed", "failed:", Names.variant),
    "variant.evaluation_errored": Words("evaluation_error", "could not be evaluated:", Names.variant),
    "variant.integrated": Words("integrated", "integrated", Names.variant),
    "task.reclaimed": Words("waiting", "given back:", Names.task),
    "job.finished": Words("failed", "job ended without success:", Names.job),
    "job.requeued": Words("waiting", "queued again:", Names.job),
    "experiment.paused": Words("paused", "paused", Names.here_itself),
    "experiment.resumed": Words("running", "resumed", Names.here_itself),
    "experiment.terminated": Words("completed", "ended", Names.here_itself),
    "experiment.automation_changed": Words("manual", "changed who does the work", Names.here_itself),
    "repository.pushed": Words("done", "pushed a branch", Names.here_itself),
}


def tell(event: LogEvent, names: Names) -> Happening | None:
    """One line of the feed; None for events that are the machine's own bookkeeping."""
    words = SAID.get(event.type)
    if words is None or (event.type == "job.finished" and event.data.get("state") in {"succeeded", "cancelled"}):
        return None
    what, href = words.what(names, event)
    return Happening(
        key=str(event.position),
        status=words.status,
        moment=event.occurred_at,
        who=names.who(event),
        did=words.did,
        what=what,
        what_href=href,
        outcome=_outcome(event, names),
    )


def _outcome(event: LogEvent, names: Names) -> str:
    if event.type in {"variant.succeeded", "variant.integrated"}:
        point = names.variants.get(str(event.data.get("variant_id")))
        return figure(point.objective_value) if point is not None and point.objective_value is not None else ""
    if event.type == "experiment.terminated":
        return str(event.data.get("reason", ""))
    return str(event.data.get("cause", "")).replace("_", " ")

"""Who took which decision when, from the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from store_client import LogEvent
from web_ui.filters import Moment

SHOWN = 12
NAMES = {
    "termination": "end the experiment",
    "ideation_creation": "ask for ideas",
    "execution_dispatch": "hand out ideas",
    "evaluation_dispatch": "hand out commits",
    "integration": "integrate variants",
}
TAKEN = {"auto": "orchestrators", "manual": "people"}
SUBJECTS = {"ideation": "ideas", "execution": "an execution", "evaluation": "an evaluation"}
SHARED: tuple[str, ...] = ("experiment.paused", "experiment.resumed", "experiment.started", "experiment.ended")


@dataclass(frozen=True)
class Taken:
    """One line of the history; `what` is a link to what it was about."""

    key: str
    status: str
    moment: Moment
    words: str
    href: str | None = None


def of_modes(events: Sequence[LogEvent], names: Mapping[str, str]) -> tuple[Taken, ...]:
    """Changes of who decides, and what kept the orchestrator from deciding; the newest first."""
    told = (_mode_line(event, names) for event in _newest(events))
    return tuple(line for line in told if line is not None)[:SHOWN]


def of_decisions(events: Sequence[LogEvent], url: Callable[..., str]) -> tuple[Taken, ...]:
    """Decisions that were taken, by whomever; the newest first."""
    told = (_decision_line(event, url) for event in _newest(events))
    return tuple(line for line in told if line is not None)[:SHOWN]


def _newest(events: Sequence[LogEvent]) -> list[LogEvent]:
    return sorted(events, key=lambda event: -event.position)


def _mode_line(event: LogEvent, names: Mapping[str, str]) -> Taken | None:
    if event.type == "experiment.dispatch_mode_changed":
        who = names.get(str(event.data.get("updated_by")), "An administrator")
        changed: Mapping[str, str] = event.data.get("changed") or {}
        each = [_taken_by(mode, changed) for mode in TAKEN if mode in changed.values()]
        mode = "manual" if "manual" in changed.values() else "automatic"
        return _line(event, mode, f"{who}: {'; '.join(each)} from then on")
    if event.type == "experiment.policy_error":
        return _line(event, "failed", f"The {event.data.get('policy_kind', '')} policy could not be computed")
    if event.type in SHARED:
        word = event.type.removeprefix("experiment.")
        return _line(event, {"paused": "paused", "ended": "done"}.get(word, "running"), f"The experiment was {word}")
    return None


def _taken_by(mode: str, changed: Mapping[str, str]) -> str:
    """Who takes which decisions, as `people hand out ideas, integrate variants`."""
    return f"{TAKEN[mode]} {', '.join(name for key, name in NAMES.items() if changed.get(key) == mode)}"


def _decision_line(event: LogEvent, url: Callable[..., str]) -> Taken | None:
    data = event.data
    match event.type:
        case "task.created":
            asked = SUBJECTS.get(str(data.get("kind")), "work")
            return _line(event, "waiting", f"Asked for {asked}", url("task", task=str(data["task_id"])))
        case "task.completed":
            return _line(event, "done", "Accepted a result", url("task", task=str(data["task_id"])))
        case "task.failed":
            return _line(event, "failed", "Rejected a result", url("task", task=str(data["task_id"])))
        case "variant.integrated":
            return _line(event, "done", "Integrated a variant", url("variant", variant=str(data["variant_id"])))
        case "variant.evaluation_errored":
            href = url("variant", variant=str(data["variant_id"]))
            return _line(event, "failed", "Gave up evaluating a variant", href)
    return None


def _line(event: LogEvent, status: str, words: str, href: str | None = None) -> Taken:
    return Taken(str(event.position), status, event.occurred_at, words, href)

"""The protocol's events replayed by somebody who knows nothing else: each step is legal, and all tell every state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SUBJECTS = {"task": "task_id", "idea": "idea_id", "variant": "variant_id"}
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    type_: (frozenset(before.split()), after)
    for type_, before, after in (
        ("task.created", "", "pending"), ("task.claimed", "pending", "claimed"),
        ("task.submitted", "claimed", "submitted"), ("task.completed", "submitted", "completed"),
        ("task.failed", "submitted", "failed"), ("task.reclaimed", "claimed submitted", "pending"),
        ("task.reassigned", "pending", "pending"), ("idea.drafted", "", "drafting"),
        ("idea.ready", "drafting", "ready"), ("idea.dispatched", "ready", "dispatched"),
        ("idea.completed", "dispatched", "completed"), ("variant.started", "", "starting"),
        ("variant.succeeded", "starting", "success"), ("variant.errored", "starting", "error"),
        ("variant.evaluation_errored", "starting", "evaluation_error"),
        ("variant.integrated", "success", "success"), ("experiment.terminated", "running", "terminated"),
    )
}  # fmt: skip
"""From where each event leads, and where to; what begins with it comes from nowhere."""
BEGINNINGS = {"task.created", "task.claimed"}
"""What a terminated experiment has no more of."""
COMMITS: Mapping[str, str] = {
    "create": "task.created idea.dispatched?", "claim": "task.claimed", "submit": "task.submitted?",
    "accept": "task.completed idea.completed? variant.succeeded?",
    "reject": "task.failed idea.completed? variant.errored?", "reclaim": "task.reclaimed variant.errored*",
    "release": "task.reclaimed variant.errored*", "renew": "",
    "reassign": "task.reassigned task.reclaimed? variant.errored*",
    "sweep_expired": "task.reclaimed* variant.errored*", "draft": "idea.drafted", "mark_ready": "idea.ready",
    "start": "variant.started variant.succeeded?", "integrate": "variant.integrated?",
    "declare_evaluation_error": "variant.evaluation_errored", "terminate": "experiment.terminated?",
    "change_dispatch_mode": "experiment.dispatch_mode_changed?", "report_policy_error": "experiment.policy_error",
}  # fmt: skip
"""What one operation tells in its one commit: once, `?` perhaps, `*` any number; of others, nothing."""


@dataclass
class Replay:
    """Everything that the log alone says."""

    states: dict[tuple[str, str], str] = field(default_factory=dict)
    claimants: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Any] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    """The idea that each execution task dispatched."""
    dispatch_mode: dict[str, str] = field(default_factory=dict)
    state: str = "running"

    def apply(self, type_: str, data: Mapping[str, Any]) -> None:
        """One event more; it must follow from those before it."""
        assert not (type_ in BEGINNINGS and self.state == "terminated"), f"{type_} after the end"
        noun = type_.partition(".")[0]
        if type_ in STEPS and noun in SUBJECTS:
            self._step(type_, (noun, data[SUBJECTS[noun]]))
        elif type_ in STEPS:
            assert STEPS[type_][0] == {self.state}
            self.state = STEPS[type_][1]
        getattr(self, type_.replace(".", "_"), lambda _data: None)(data)

    def _step(self, type_: str, who: tuple[str, str]) -> None:
        sources, target = STEPS[type_]
        before = self.states.get(who)
        assert (before in sources) if sources else (before is None), f"{type_} of {who}, which was {before}"
        self.states[who] = target

    def task_claimed(self, data: Mapping[str, Any]) -> None:
        assert data["task_id"] not in self.claimants, "a task has one claim at most"
        self.claimants[data["task_id"]] = data["worker_id"]

    def task_reclaimed(self, data: Mapping[str, Any]) -> None:
        del self.claimants[data["task_id"]]

    task_completed = task_failed = task_reclaimed

    def task_reassigned(self, data: Mapping[str, Any]) -> None:
        self.targets[data["task_id"]] = data["new_target"]

    def idea_dispatched(self, data: Mapping[str, Any]) -> None:
        self.subjects[data["task_id"]] = data["idea_id"]

    def idea_completed(self, data: Mapping[str, Any]) -> None:
        assert self.subjects[data["task_id"]] == data["idea_id"]
        assert self.states["task", data["task_id"]] in {"completed", "failed"}

    def variant_integrated(self, data: Mapping[str, Any]) -> None:
        assert data["variant_id"] not in self.commits, "a variant is integrated once"
        self.commits[data["variant_id"]] = data["variant_commit_sha"]

    def experiment_dispatch_mode_changed(self, data: Mapping[str, Any]) -> None:
        flipped = {key: data["dispatch_mode"][key] for key in data["changed"]}
        assert flipped == data["changed"]
        assert {key: data["dispatch_mode"][key] for key in self.dispatch_mode.keys() - flipped} == {
            key: value for key, value in self.dispatch_mode.items() if key not in flipped
        }
        self.dispatch_mode = dict(data["dispatch_mode"])


def must_be_one_commit(act: str, types: list[str]) -> None:
    """What an operation told is what it may tell, all of it together."""
    counts = Counter(types)
    for wanted in COMMITS.get(act, "").split():
        type_, least, most = wanted.rstrip("?*"), 0 if wanted[-1] in "?*" else 1, 10**6 if wanted[-1] == "*" else 1
        assert least <= counts.pop(type_, 0) <= most, f"{act} told {types}"
    assert not counts, f"{act} told {types}"

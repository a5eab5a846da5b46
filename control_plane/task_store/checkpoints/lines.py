"""Each line of an archive checked by itself and laid out as the row that it becomes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from control_plane.db.log import PROTOCOL_TYPES
from control_plane.db.staging import Staging, Taken
from control_plane.task_store.checkpoints import reading
from control_plane.task_store.checkpoints.archive import Archive
from control_plane.task_store.checkpoints.contents import Contents
from control_plane.task_store.rules import metrics, submissions
from control_plane.task_store.rules import tasks as task_rules
from store_client.errors import BadRequest, CheckpointInvalid
from store_client.wire import objective
from store_client.wire.checkpoints import CheckpointPaths, SubmissionLine
from store_client.wire.events import Event
from store_client.wire.ideas import Idea
from store_client.wire.scalars import fault_of_name, normal_name
from store_client.wire.tasks import SUBJECT, Task, TaskState
from store_client.wire.variants import Variant, VariantStatus
from store_client.wire.workers import Group, Worker

ORDER = ("workers", "groups", "ideas", "variants", "tasks", "submissions", "events")
"""What a line refers to is read before it, as far as the check of the line itself needs it."""
AROUND = {"task_id", "kind", "role", "submitted_at", "submitted_by", "worker_id", "experiment_id"}
"""What may stand beside the payload where a submission's line is the payload itself."""


@dataclass(frozen=True)
class Lines:
    """The reading of one archive's lines."""

    source_id: str
    landing_id: str
    config: Mapping[str, Any] | None
    contents: Contents
    stage: Staging
    mint: Callable[[str], str]

    def lay_out(self, archive: Archive, files: CheckpointPaths) -> dict[str, int]:
        """Check every line; how many each file has. CheckpointInvalid for the first that is wrong."""
        take: dict[str, Callable[[str, bytes], None]] = {
            "workers": self.worker, "groups": self.group, "ideas": self.idea, "variants": self.variant,
            "tasks": self.task, "submissions": self.submission, "events": self.event,
        }  # fmt: skip
        counts = {}
        for name in ORDER:
            counts[name] = 0
            for where, raw in reading.lines(archive, getattr(files, name)):
                counts[name] += 1
                try:
                    take[name](where, raw)
                except Taken as error:
                    raise CheckpointInvalid(f"{where} says again what another line said: {error}") from error
        return counts

    def worker(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        worker = reading.to_record(raw, Worker, where)
        self._must_be_here(worker.experiment_id, where)
        row = {
            "worker_id": worker.worker_id,
            "name": _name(worker.name, where),
            "labels": None if worker.labels is None else _json(worker.labels),
            "registered_at": worker.registered_at,
            "registered_by": worker.registered_by,
        }
        self.stage.add("workers", None, worker.worker_id, _json(row))

    def group(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        group = reading.to_record(raw, Group, where)
        self._must_be_here(group.experiment_id, where)
        name = _name(group.name, where)
        row = {"group_id": group.group_id, "created_at": group.created_at, "created_by": group.created_by}
        self.stage.add("groups", None, group.group_id, name, _json(row))
        for member_id in dict.fromkeys(group.members):
            self.stage.add("members", group.group_id, member_id)

    def idea(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        idea = reading.to_record(raw, Idea, where)
        self._must_be_here(idea.experiment_id, where)
        self._commits(idea.parent_commits, where)
        row = {
            **{name: getattr(idea, name) for name in ("idea_id", "slug", "state", "created_at", "created_by")},
            "priority": float(idea.priority),
            "parent_commits": _json(idea.parent_commits),
            "artifacts_uri": self.contents.local(idea.artifacts_uri, idea.created_by, where),
            "intended_executor": _json_of(idea.intended_executor),
            "intended_evaluator": _json_of(idea.intended_evaluator),
        }
        self.stage.add("ideas", None, idea.idea_id, idea.state, row["priority"], _json(row))

    def variant(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        variant = reading.to_record(raw, Variant, where)
        self._must_be_here(variant.experiment_id, where)
        if variant.kind is None and variant.idea_id is None:
            raise CheckpointInvalid(f"{where}: an ordinary variant names its idea_id")
        self._commits(variant.parent_commits, where)
        self._commits([sha for sha in (variant.commit_sha, variant.variant_commit_sha) if sha], where, least=0)
        value = self._value(variant, where)
        same = set(Variant.model_fields) - {"experiment_id", "parent_commits", "evaluation"}
        row = {
            **{name: getattr(variant, name) for name in sorted(same)},
            "parent_commits": _json(variant.parent_commits),
            "evaluation": None if variant.evaluation is None else _json(variant.evaluation),
            "objective_value": value,
            "created_by": variant.executed_by,
            "artifacts_uri": self.contents.local(variant.artifacts_uri, variant.evaluated_by, where),
            "executor_artifacts_uri": self.contents.local(variant.executor_artifacts_uri, variant.executed_by, where),
        }
        about = variant.kind, variant.idea_id, variant.status, variant.branch, variant.commit_sha
        self.stage.add("variants", None, variant.variant_id, *about, variant.variant_commit_sha, value, _json(row))

    def task(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        task = reading.to_record(raw, Task, where)
        payload = self._payload(task, where)
        self._must_be_held_rightly(task, where)
        is_claimed = task.state is TaskState.CLAIMED
        state = TaskState.PENDING if is_claimed else task.state  # the old claimant has to start over
        subject = task_rules.subject_of(task.kind, task.payload)
        row = {
            **{name: getattr(task, name) for name in ("task_id", "kind", "created_by", "created_at", "updated_at")},
            "state": state,
            "payload": _json(payload),
            "subject_id": subject,
            "target_kind": task.target and task.target.kind,
            "target_id": task.target and task.target.id,
            "submitted_by": None if is_claimed else task.submitted_by,
        }
        self.stage.add("tasks", None, task.task_id, task.kind, state, subject, row["submitted_by"], _json(row))

    def submission(self, where: str, raw: bytes) -> None:
        said = reading.parse(raw, where)
        if "payload" not in said:
            said = {**said, "payload": {key: value for key, value in said.items() if key not in AROUND}}
        line = reading.to_record(json.dumps(said).encode(), SubmissionLine, where)
        task = self.stage.first("SELECT kind, submitted_by, row FROM tasks WHERE id = ?", (line.task_id,))
        if task is None:
            raise CheckpointInvalid(f"{where}: there is no task {line.task_id}")
        kind, author, task_row = task
        if line.kind not in {None, kind}:
            raise CheckpointInvalid(f"{where}: task {line.task_id} is of kind {kind}, not {line.kind}")
        payload = dict(line.payload)
        try:
            submissions.parse(kind, payload)
        except BadRequest as error:
            raise CheckpointInvalid(f"{where}: {error.detail}") from error
        if payload.get("artifacts_uri") is not None:
            payload["artifacts_uri"] = self.contents.local(str(payload["artifacts_uri"]), author, where)
        row = {
            "task_id": line.task_id,
            "payload": _json(payload),
            "artifacts_uri": payload.get("artifacts_uri"),
            "submitted_at": line.submitted_at or json.loads(task_row)["updated_at"],
        }
        self.stage.add("submissions", None, line.task_id, kind, _json(row))

    def event(self, where: str, raw: bytes) -> None:
        reading.parse(raw, where)
        event = reading.to_record(raw, Event, where)
        self._must_be_here(event.experiment_id, where)
        named = [event.data.get(f"{noun}_id") for noun in ("task", "idea", "variant")]
        if event.type in PROTOCOL_TYPES:
            noun = event.type.partition(".")[0]
            if noun != "experiment" and not isinstance(event.data.get(f"{noun}_id"), str):
                raise CheckpointInvalid(f"{where}: an event {event.type} names its {noun}_id")
        about = [each if isinstance(each, str) and event.type in PROTOCOL_TYPES else None for each in named]
        minted = self.mint("evt")
        self.stage.add("events", None, event.event_id, minted, event.type, event.occurred_at, *about, _json(event.data))

    def _payload(self, task: Task, where: str) -> dict[str, Any]:
        key = SUBJECT[task.kind]
        if not isinstance(task.payload.get(key), str) or not task.payload[key]:
            raise CheckpointInvalid(f"{where}: the payload of an {task.kind} task names its {key}")
        if task.kind != "ideation":
            return dict(task.payload)
        self._must_be_here(task.payload[key], where)
        return {**task.payload, key: self.landing_id}

    def _must_be_held_rightly(self, task: Task, where: str) -> None:
        """A claimed task has a claim; a submitted one may have lost it on an earlier import; no other has one."""
        if (task.claim is None) if task.state is TaskState.CLAIMED else False:
            raise CheckpointInvalid(f"{where}: a claimed task has a claim")
        if task.claim is not None and task.state not in {TaskState.CLAIMED, TaskState.SUBMITTED}:
            raise CheckpointInvalid(f"{where}: a {task.state} task has no claim")

    def _value(self, variant: Variant, where: str) -> float | None:
        """The objective's value of a success, by this experiment's config."""
        if variant.evaluation is None or self.config is None:
            return None
        fault = metrics.fault_of(self.config["evaluation_schema"], variant.evaluation)
        if fault is not None:
            raise CheckpointInvalid(f"{where}: {fault}")
        if variant.status is not VariantStatus.SUCCESS:
            return None
        return objective.value_of(self.config["objective"]["expr"], variant.evaluation)

    def _commits(self, commits: Sequence[str], where: str, least: int = 1) -> None:
        if len(commits) < least:
            raise CheckpointInvalid(f"{where}: it has no parent commit")
        for sha in commits:
            self.stage.change("INSERT OR IGNORE INTO commits VALUES (?, ?)", (sha, where))

    def _must_be_here(self, experiment_id: Any, where: str) -> None:
        if experiment_id != self.source_id:
            raise CheckpointInvalid(f"{where}: it belongs to {str(experiment_id)[:60]}, not to {self.source_id}")


def _name(name: str | None, where: str) -> str | None:
    if name is None:
        return None
    normal = normal_name(name)
    fault = fault_of_name(normal)
    if fault is not None:
        raise CheckpointInvalid(f"{where}: {fault}")
    return normal


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json_of(record: Any) -> str | None:
    return None if record is None else _json(record.to_wire())

"""A real house with one experiment in it, and people of every kind who act there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import insert, update

from control_plane.db import log
from control_plane.db.engine import Database
from control_plane.db.identities import Issue, Keys, issue
from control_plane.db.tables import experiments, groups, members, workers
from control_plane.db.transaction import ADMIN, Caller, Tx
from control_plane.edge.house import House
from control_plane.edge.minting import mint
from control_plane.registry.operations import registrations
from control_plane.task_store.operations import ideas, tasks, variants
from store_client.wire.ideas import CreateIdea
from store_client.wire.tasks import Claim, ClaimTask, CreateTask, RejectTask, SubmitTask, Target, Task
from store_client.wire.variants import CreateVariant

T = TypeVar("T")
BASE = "b" * 40
AT = "2026-01-01T00:00:00Z"
URI = "https://example.org/idea"
CONFIG: dict[str, Any] = {
    "parallel_variants": 4,
    "evaluation_schema": {"accuracy": "real", "steps": "integer", "note": "text"},
    "objective": {"expr": "accuracy", "direction": "maximize"},
}


def sha(number: int) -> str:
    """A commit that no other number names."""
    return f"{number:040x}"


def ulid(number: int) -> str:
    return f"{number:026d}"


@dataclass
class TaskHouse:
    """One experiment whose operations a test calls as one of its people."""

    house: House
    experiment_id: str = "exp_" + ulid(1)
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.write(self._settle, ADMIN)

    def _settle(self, tx: Tx) -> None:
        begin_experiment(tx, self.experiment_id)
        for name in ("ann", "bob", "eve"):
            self._register(tx, name)
        for name in ("orchestrators", "admins"):
            self._register(tx, name)
            self._found(tx, name, self.id_of(name))

    def _register(self, tx: Tx, name: str) -> None:
        worker = self.id_of(name)
        row = {"worker_id": worker, "scope": self.experiment_id, "name": name, "registered_at": tx.now}
        tx.connection.execute(insert(workers).values(**row))
        self.tokens[name] = issue(tx.connection, self.house.keys, worker, tx.now, Issue(self.experiment_id))

    def _found(self, tx: Tx, name: str, *member_ids: str) -> str:
        group_id = mint("grp")
        row = {"group_id": group_id, "scope": self.experiment_id, "name": name, "created_at": tx.now}
        tx.connection.execute(insert(groups).values(**row))
        for member_id in member_ids:
            self.join(tx, group_id, member_id)
        return group_id

    def found(self, name: str, *member_ids: str) -> str:
        """A new group with these members."""
        return str(self.write(lambda tx: self._found(tx, name, *member_ids), ADMIN))

    @staticmethod
    def join(tx: Tx, group_id: str, member_id: str) -> None:
        row = {"scope": tx.experiment_id, "group_id": group_id, "member_id": member_id, "added_at": tx.now}
        tx.connection.execute(insert(members).values(row))

    def id_of(self, name: str) -> str:
        return "wkr_" + ulid(sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 10**20)

    def caller(self, name: str) -> Caller:
        return Caller(self.id_of(name), self.experiment_id, name)

    def write(self, work: Any, caller: Caller) -> Any:
        return self.house.writer.write(work, caller, self.experiment_id)

    def act(self, name: str, operation: Any, *arguments: Any, **named: Any) -> Any:
        """Run a writing operation as somebody."""
        return self.write(lambda tx: operation(tx, *arguments, **named), self.caller(name))

    def see(self, operation: Any, *arguments: Any, name: str = "ann", **named: Any) -> Any:
        """Run a reading operation as somebody."""
        caller = self.caller(name)
        return self.house.read_now(lambda tx: operation(tx.at(self.experiment_id, caller), *arguments, **named))

    def set(self, **columns: Any) -> None:
        """Change the experiment's row."""
        row = update(experiments).where(experiments.c.experiment_id == self.experiment_id).values(**columns)
        self.write(lambda tx: tx.connection.execute(row).close(), ADMIN)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Every protocol event so far."""
        found = self.see(lambda tx: log.read_protocol(tx.connection, self.experiment_id, 0, 100_000))
        return [(row["type"], row["data"]) for row in found]

    def new(self, prefix: str) -> str:
        return f"{prefix}-{next(self.numbers)}"

    # what a working day is made of

    def idea(self, *, is_ready: bool = True, **changes: Any) -> str:
        """A new idea of ann's."""
        idea_id = self.new("idea")
        self.act("ann", ideas.create, self.idea_body(idea_id, **changes))
        if is_ready:
            self.act("ann", ideas.mark_ready, idea_id)
        return idea_id

    def idea_body(self, idea_id: str, **changes: Any) -> CreateIdea:
        return CreateIdea(
            **{
                "idea_id": idea_id,
                "experiment_id": self.experiment_id,
                "slug": idea_id,
                "priority": 1,
                "parent_commits": (BASE,),
                "artifacts_uri": URI,
                "state": "drafting",
                "created_at": AT,
                **changes,
            }
        )

    def task_body(self, kind: str, subject_id: str = "", **changes: Any) -> CreateTask:
        payload = {
            "ideation": {"experiment_id": self.experiment_id},
            "execution": {"idea_id": subject_id},
            "evaluation": {"variant_id": subject_id},
        }[kind]
        body = {"task_id": self.new("task"), "kind": kind, "state": "pending", "payload": payload}
        return CreateTask(**body | {"created_at": AT, "updated_at": AT} | changes)

    def task(self, kind: str = "ideation", subject_id: str = "", target: Target | None = None) -> str:
        """A new pending task."""
        created: Task = self.act("orchestrators", tasks.create, self.task_body(kind, subject_id, target=target))
        return created.task_id

    def claim(self, task_id: str, name: str = "bob", **wish: Any) -> Claim:
        claimed: Claim = self.act(name, tasks.claim, task_id, ClaimTask(**wish))
        return claimed

    def submit(self, task_id: str, name: str = "bob", /, **payload: Any) -> None:
        self.act(name, tasks.submit, task_id, SubmitTask(payload=payload))

    def accept(self, task_id: str) -> None:
        self.act("orchestrators", tasks.accept, task_id)

    def reject(self, task_id: str, reason: str = "worker_error") -> None:
        self.act("orchestrators", tasks.reject, task_id, RejectTask.model_validate({"reason": reason}))

    def variant_body(self, idea_id: str | None, **changes: Any) -> CreateVariant:
        variant_id = self.new("variant")
        body = {
            "variant_id": variant_id,
            "experiment_id": self.experiment_id,
            "idea_id": idea_id,
            "status": "starting",
            "parent_commits": (BASE,),
            "branch": f"work/{self.id_of('bob')}/{variant_id}",
            "started_at": AT,
        }
        merged = body | changes
        return CreateVariant(**{key: value for key, value in merged.items() if value is not None})

    def variant(self, idea_id: str, name: str = "bob", **changes: Any) -> str:
        """A new starting variant of an idea."""
        body = self.variant_body(idea_id, **changes)
        self.act(name, variants.create, body)
        return body.variant_id

    def baseline_body(self, **changes: Any) -> CreateVariant:
        return self.variant_body(None, branch=None, kind="baseline", commit_sha=BASE, **changes)

    def executing(self, **idea: Any) -> tuple[str, str, str]:
        """A claimed execution task, its idea and its variant."""
        idea_id = self.idea(**idea)
        task_id = self.task("execution", idea_id)
        self.claim(task_id)
        return task_id, idea_id, self.variant(idea_id, parent_commits=idea.get("parent_commits", (BASE,)))

    def executed(self, number: int = 1, **idea: Any) -> str:
        """A variant whose execution was accepted with this commit."""
        task_id, _, variant_id = self.executing(**idea)
        self.submit(task_id, variant_id=variant_id, status="success", commit_sha=sha(number))
        self.accept(task_id)
        return variant_id

    def evaluating(self, variant_id: str) -> str:
        """A claimed evaluation task of a variant."""
        task_id = self.task("evaluation", variant_id)
        self.claim(task_id)
        return task_id

    def evaluated(self, variant_id: str, **evaluation: Any) -> None:
        """Evaluate a variant well."""
        task_id = self.evaluating(variant_id)
        self.submit(task_id, variant_id=variant_id, status="success", evaluation=evaluation)
        self.accept(task_id)


def begin_experiment(tx: Tx, experiment_id: str, **columns: Any) -> None:
    """The row of a running experiment, and its entry in the registry."""
    row = {
        "experiment_id": experiment_id,
        "slug": experiment_id.replace("_", "-"),
        "name": "An experiment",
        "status": "running",
        "config": CONFIG,
        "dispatch_mode": {},
        "automation": {},
        "base_commit_sha": BASE,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    tx.connection.execute(insert(experiments).values(**row | columns))
    registrations.register(tx, experiment_id, "An experiment")


@contextmanager
def open_house(url: str) -> Iterator[TaskHouse]:
    """A task house over a migrated database."""
    house = House(Database.open(url), Keys("admin-token", b"pepper"))
    try:
        yield TaskHouse(house)
    finally:
        house.close()

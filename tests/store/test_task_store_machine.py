"""Many actors, any order: every answer legal, every claim unique, the log complete, the counts true."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine, func, select

from control_plane.db import log, tally
from control_plane.db.migrate import upgrade
from control_plane.schema import metadata
from control_plane.task_store.operations import claims, tasks, variants
from control_plane.task_store.tables import ideas as idea_table
from control_plane.task_store.tables import tasks as task_table
from control_plane.task_store.tables import variants as variant_table
from store_client.errors import Refused
from store_client.wire.scalars import parse_time
from store_client.wire.tasks import (
    ClaimTask,
    ReassignTask,
    ReclaimTask,
    RejectTask,
    RenewClaim,
    SubmitTask,
    TaskState,
)
from store_client.wire.variants import IntegrateVariant, VariantStatus
from tests.store.task_house import TaskHouse, open_house, sha

PAST = "2020-01-01T00:00:00Z"
AFTER = {
    "task.created": TaskState.PENDING, "task.claimed": TaskState.CLAIMED, "task.submitted": TaskState.SUBMITTED,
    "task.completed": TaskState.COMPLETED, "task.failed": TaskState.FAILED, "task.reclaimed": TaskState.PENDING,
    "task.reassigned": TaskState.PENDING, "idea.drafted": "drafting", "idea.ready": "ready",
    "idea.dispatched": "dispatched", "idea.completed": "completed", "variant.started": VariantStatus.STARTING,
    "variant.succeeded": VariantStatus.SUCCESS, "variant.errored": VariantStatus.ERROR,
    "variant.evaluation_errored": VariantStatus.EVALUATION_ERROR,
}  # fmt: skip


class Chance(random.Random):
    """What happens next, drawn evenly: Hypothesis itself would draw simple days, and a day without claims is no day."""

    def name(self) -> str:
        return self.choice(("ann", "bob", "eve"))

    def place(self) -> int:
        return self.randrange(30)

    def often(self) -> bool:
        return self.random() < 0.7


class Working(RuleBasedStateMachine):
    """Everything a few workers and an orchestrator can do, in any order."""

    opening: Callable[[ExitStack], TaskHouse]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.is_running, self.steps = True, 0

    @initialize()
    def open(self) -> None:
        self.store = type(self).opening(self.stack)

    def teardown(self) -> None:
        self.stack.close()

    def attempt(self, name: str, operation: Any, *arguments: Any) -> bool:
        """Try something; a refusal must leave no trace."""
        before = len(self.store.told())
        try:
            self.store.act(name, operation, *arguments)
        except Refused:
            assert len(self.store.told()) == before
            return False
        return True

    def some(self, table: Any, chance: Chance, useful: Any = None) -> str | None:
        """An id of the table: mostly of a row where something can happen, sometimes of any other."""
        query = select(list(table.c)[1]).order_by(table.c.number)
        if useful is not None and chance.random() < 0.9:
            query = query.where(useful)
        ids = self.store.see(lambda tx: list(tx.connection.scalars(query)))
        return chance.choice(ids) if ids else None

    @rule(seed=st.integers(0, 2**32))
    def act(self, seed: int) -> None:
        self.steps += 1
        chance = Chance(f"{seed} {self.steps}")
        chance.choice(
            (self.draft, *2 * (self.create,), *3 * (self.claim, self.submit, self.judge), self.take_back, self.finish)
            + (self.switch,) * (self.steps % 4 == 0 or not self.is_running)
        )(chance)

    def draft(self, chance: Chance) -> None:
        self.store.idea(is_ready=chance.often(), priority=chance.randint(-3, 3))

    def create(self, chance: Chance) -> None:
        kind = chance.choice(("ideation", "execution", "evaluation"))
        if kind == "execution":
            subject = self.some(idea_table, chance, idea_table.c.state == "ready")
        else:
            subject = self.some(variant_table, chance, variant_table.c.commit_sha.is_not(None))
        body = self.store.task_body(kind, subject or "nowhere")
        self.attempt("orchestrators", tasks.create, body)

    def claim(self, chance: Chance) -> None:
        task_id = self.some(task_table, chance, task_table.c.state == TaskState.PENDING)
        if task_id is not None:
            wish = ClaimTask() if chance.often() else ClaimTask(expires_at=PAST)
            was = self.store.see(tasks.read, task_id).state
            can = was == TaskState.PENDING and self.is_running
            assert self.attempt(chance.name(), tasks.claim, task_id, wish) == can

    def submit(self, chance: Chance) -> None:
        task_id = self.some(task_table, chance, task_table.c.state == TaskState.CLAIMED)
        if task_id is None:
            return
        task = self.store.see(tasks.read, task_id)
        names = {self.store.id_of(name): name for name in ("ann", "bob", "eve")}
        name = names[task.claim.worker_id] if task.claim and chance.often() else chance.name()
        status = "success" if chance.often() else chance.choice(("error", "evaluation_error"))
        payload = {"status": status, **self._result(task, name, chance)}
        done = self.attempt(name, tasks.submit, task_id, SubmitTask(payload=payload))
        assert not done or (task.claim and names[task.claim.worker_id] == name)

    def _result(self, task: Any, name: str, chance: Chance) -> dict[str, Any]:
        if task.kind == "ideation":
            return {"idea_ids": []}
        if task.kind == "evaluation":
            return {"variant_id": task.payload["variant_id"], "evaluation": {"accuracy": chance.place()}}
        if chance.often():
            body = self.store.variant_body(task.payload["idea_id"])
            self.attempt(name, variants.create, body)
            return {"variant_id": body.variant_id, "commit_sha": sha(chance.place())}
        return {"variant_id": self.some(variant_table, chance) or "nowhere", "commit_sha": sha(chance.place())}

    def judge(self, chance: Chance) -> None:
        task_id = self.some(task_table, chance, task_table.c.state == TaskState.SUBMITTED)
        if task_id is not None:
            was = self.store.see(tasks.read, task_id).state
            reject = (tasks.reject, task_id, RejectTask(reason="validation_error"))
            done = self.attempt("orchestrators", *((tasks.accept, task_id) if chance.often() else reject))
            assert not done or was == TaskState.SUBMITTED

    def take_back(self, chance: Chance) -> None:
        task_id = self.some(task_table, chance)
        if task_id is None:
            return
        takings: tuple[tuple[Any, ...], ...] = (
            (chance.name(), tasks.reclaim, task_id, ReclaimTask(cause="health_policy")),
            (chance.name(), claims.release, task_id),
            (chance.name(), claims.renew, task_id, RenewClaim(seconds=60)),
            ("admins", tasks.reassign, task_id, ReassignTask(new_target=None, reason="because")),
            ("orchestrators", claims.sweep_expired),
        )
        self.attempt(*chance.choice(takings))

    def finish(self, chance: Chance) -> None:
        is_over = not chance.often()
        status = VariantStatus.STARTING if is_over else VariantStatus.SUCCESS
        variant_id = self.some(variant_table, chance, variant_table.c.status == status)
        if variant_id is not None:
            commit = IntegrateVariant(variant_commit_sha=sha(1000 + chance.place()))
            over = (variants.declare_evaluation_error, variant_id)
            self.attempt("orchestrators", *(over if is_over else (variants.integrate, variant_id, commit)))

    def switch(self, chance: Chance) -> None:
        status = "running" if chance.often() or not self.is_running else chance.choice(("paused", "completed"))
        self.store.set(status=status)
        self.is_running = status == "running"

    @invariant()
    def the_log_is_complete_and_tells_every_state(self) -> None:
        sequences = self.store.see(lambda tx: log.read_protocol(tx.connection, tx.experiment_id, 0, 10**6))
        assert [row["sequence"] for row in sequences] == list(range(1, len(sequences) + 1))
        told: dict[tuple[str, str], str] = {}
        for row in sequences:
            noun = row["type"].split(".")[0]
            if row["type"] in AFTER:
                told[noun, row["data"][f"{noun}_id"]] = AFTER[row["type"]]
        assert told == {
            **self._states("task", task_table.c.task_id, task_table.c.state),
            **self._states("idea", idea_table.c.idea_id, idea_table.c.state),
            **self._states("variant", variant_table.c.variant_id, variant_table.c.status),
        }

    def _states(self, noun: str, id_: Any, state: Any) -> dict[tuple[str, str], str]:
        query = select(id_, state)
        return self.store.see(lambda tx: {(noun, row[0]): row[1] for row in tx.connection.execute(query)})  # type: ignore[no-any-return] # what `see` gives is what the operation gave

    @invariant()
    def counts_are_true(self) -> None:
        kept = self.store.see(lambda tx: tally.read(tx.connection, tx.experiment_id))
        counted: Counter[str] = Counter()
        for table, name in ((idea_table, "ideas"), (variant_table, "variants")):
            state = table.c.state if name == "ideas" else table.c.status
            for value, number in self._grouped(state):
                counted[name] += number
                counted[f"{name}.{value}"] = number
        for kind, state, number in self._grouped(task_table.c.kind, task_table.c.state):
            counted[f"tasks.{kind}.{state}"] = number
        integrated = select(func.count()).where(variant_table.c.variant_commit_sha.is_not(None))
        counted["variants.integrated"] = self.store.see(lambda tx: tx.connection.scalar(integrated))
        assert {name: number for name, number in kept.items() if number} == +counted

    def _grouped(self, *columns: Any) -> list[Any]:
        query = select(*columns, func.count()).group_by(*columns)
        return self.store.see(lambda tx: [tuple(row) for row in tx.connection.execute(query)])  # type: ignore[no-any-return] # what `see` gives is what was asked

    @invariant()
    def rows_agree_with_their_states(self) -> None:
        for task in self.store.see(lambda tx: tx.connection.execute(select(task_table)).mappings().all()):
            is_held = task["state"] in {TaskState.CLAIMED, TaskState.SUBMITTED}
            assert (task["claimed_by"] is not None) == is_held
            assert not is_held or parse_time(task["lapses_at"])
        live = select(task_table.c.subject_id).where(
            task_table.c.state.in_([state for state in TaskState if state.is_live])
        )
        subjects = self.store.see(lambda tx: [id_ for id_ in tx.connection.scalars(live) if id_ is not None])
        assert len(subjects) == len(set(subjects))


def work_it(opening: Callable[[ExitStack], TaskHouse], examples: int, steps: int) -> None:
    machine = type("WorkingHere", (Working,), {"opening": staticmethod(opening)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=(Phase.generate,),  # to shrink a long day of work takes longer than to read it
        ),
    )


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Callable[[ExitStack], TaskHouse]:
    """Opens a fresh SQLite house for every example."""
    numbers = iter(range(10**6))

    def opening(stack: ExitStack) -> TaskHouse:
        url = f"sqlite:///{tmp_path}/{next(numbers)}.db"
        upgrade(url)
        return stack.enter_context(open_house(url))

    return opening


def test_any_order_of_work_keeps_the_house_in_order(on_sqlite: Callable[[ExitStack], TaskHouse]) -> None:
    work_it(on_sqlite, examples=8, steps=120)


@pytest.mark.long
def test_any_long_order_of_work_keeps_the_house_in_order(on_sqlite: Callable[[ExitStack], TaskHouse]) -> None:
    work_it(on_sqlite, examples=400, steps=150)


@pytest.mark.postgres
def test_any_order_of_work_keeps_the_house_in_order_on_postgresql(postgresql_url: str) -> None:
    def opening(stack: ExitStack) -> TaskHouse:
        engine = create_engine(postgresql_url)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        engine.dispose()
        return stack.enter_context(open_house(postgresql_url))

    work_it(opening, examples=2, steps=80)

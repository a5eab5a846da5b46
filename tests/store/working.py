"""Everything that a few workers, orchestrators and administrators can do, in any order, checked after every act."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from control_plane.db import identities, log
from control_plane.db.transaction import Tx
from control_plane.registry.operations import groups, lifecycle, standing, workers
from control_plane.task_store.operations import claims, ideas, tasks, variants
from store_client.errors import Refused
from store_client.wire.experiments import ChangeDispatchMode, PolicyError, Terminate
from store_client.wire.tasks import (
    ClaimTask,
    ClosedTarget,
    ReassignTask,
    ReclaimTask,
    RejectTask,
    RenewClaim,
    SubmitTask,
    TaskState,
)
from store_client.wire.variants import IntegrateVariant, VariantStatus
from store_client.wire.workers import AddMember
from tests.store.moment import must_agree, see
from tests.store.replay import Replay, must_be_one_commit
from tests.store.task_house import BASE, TaskHouse, sha

PAST = "2020-01-01T00:00:00Z"
WORKERS = ("ann", "bob", "eve")
MODES = ("termination", "ideation_creation", "execution_dispatch", "evaluation_dispatch", "integration")


class Chance(random.Random):
    """What happens next, drawn evenly: Hypothesis itself would draw simple days, and a day without claims is no day."""

    def name(self) -> str:
        return self.choice(WORKERS)

    def place(self) -> int:
        return self.randrange(30)

    def often(self) -> bool:
        return self.random() < 0.7


class Working(RuleBasedStateMachine):
    """One experiment and its people."""

    opening: Callable[[ExitStack], TaskHouse]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.steps, self.cursor, self.done = 0, 0, Counter[str]()

    @initialize()
    def open(self) -> None:
        self.store = type(self).opening(self.stack)
        inner = self.store.found("inner", self.store.id_of("ann"))
        self.groups = [self.store.found("outer", inner), inner]
        self.seen = self.store.see(see)
        self.replay = Replay(dispatch_mode=self.seen.mode)

    def teardown(self) -> None:
        self.stack.close()

    def attempt(self, name: str, act: str, operation: Any, *arguments: Any) -> bool:
        """Try something: it tells what it may, all of it at once; a refusal leaves no trace."""
        try:
            self.store.act(name, operation, *arguments)
        except Refused:
            is_done = False
        else:
            is_done = True
            self.done[act] += 1
        before, self.seen = self.seen, self.store.see(see)
        types = self._hear()
        if is_done:
            must_be_one_commit(act, types)
        else:
            assert (types, self.seen) == ([], before)
        must_agree(self.replay, self.seen)
        return is_done

    def _hear(self) -> list[str]:
        """What was told since; the protocol's sequence has no gap."""
        found = self.store.see(lambda tx: log.read_protocol(tx.connection, tx.experiment_id, self.cursor))
        for row in found:
            self.cursor += 1
            assert row["sequence"] == self.cursor
            self.replay.apply(row["type"], row["data"])
        return [row["type"] for row in found]

    def some(self, chance: Chance, rows: dict[str, Any], **useful: Any) -> str | None:
        """An id: mostly of a row where something can happen, sometimes of any other."""
        fit = [id_ for id_, row in rows.items() if all(row[key] == value for key, value in useful.items())]
        ids = fit if chance.random() < 0.9 else list(rows)
        return chance.choice(ids) if ids else None

    @rule(seed=st.integers(0, 2**32))
    def act(self, seed: int) -> None:
        """A few acts at a time: what begins early in a day must have time to end in it."""
        for _ in range(4):
            self.act_once(seed)

    def act_once(self, seed: int) -> None:
        self.steps += 1
        chance = Chance(f"{seed} {self.steps}")
        often = (self.draft, *3 * (self.create,), *4 * (self.claim, self.submit, self.judge), *2 * (self.finish,))
        seldom = (self.take_back, self.take_back, self.start, self.govern, self.people, self.switch)
        chance.choice((self.switch,) if self.is_paused() and chance.often() else often + seldom)(chance)

    def draft(self, chance: Chance) -> None:
        if chance.often():
            wishes = {"intended_executor": self._target(chance)} if not chance.often() else {}
            body = self.store.idea_body(self.store.new("idea"), priority=chance.randint(-3, 3), **wishes)
            self.attempt("ann", "draft", ideas.create, body)
        elif idea_id := self.some(chance, self.seen.ideas, state="drafting"):
            self.attempt(chance.name(), "mark_ready", ideas.mark_ready, idea_id)
        if idea_id := self.some(chance, self.seen.ideas, state="drafting"):
            self.attempt(chance.name(), "mark_ready", ideas.mark_ready, idea_id)

    def _target(self, chance: Chance) -> ClosedTarget | None:
        group = ClosedTarget(kind="group", id=chance.choice(self.groups))
        return chance.choice((None, group, ClosedTarget(kind="worker", id=self.store.id_of(chance.name()))))

    def create(self, chance: Chance) -> None:
        made = {id_: row for id_, row in self.seen.variants.items() if row["commit_sha"]}
        fit = self.some(chance, made if chance.often() else self.seen.variants, status="starting")
        kind = chance.choice(("ideation", "execution", "execution", *("evaluation",) * (4 if fit else 1)))
        subject = fit if kind == "evaluation" else self.some(chance, self.seen.ideas, state="ready")
        target = None if chance.random() < 0.9 else self._target(chance)
        body = self.store.task_body(kind, subject or "nowhere", target=target)
        done = self.attempt(chance.choice(("orchestrators", "admins")), "create", tasks.create, body)
        assert not done or self.seen.state == "running"

    def claim(self, chance: Chance) -> None:
        task_id = self.some(chance, self.seen.tasks, state=TaskState.PENDING)
        if task_id is None:
            return
        name, task = chance.name(), self.seen.tasks[task_id]
        worker_id = self.store.id_of(name)
        is_running = self.store.see(lambda tx: tx.status) == "running"
        is_meant = task["target_id"] in {None, worker_id, *self.seen.groups_of(worker_id)}
        wish = ClaimTask() if chance.random() < 0.9 else ClaimTask(expires_at=PAST)
        can = is_running and task["state"] == TaskState.PENDING and is_meant
        assert self.attempt(name, "claim", tasks.claim, task_id, wish) == can

    def submit(self, chance: Chance) -> None:
        state = TaskState.CLAIMED if chance.random() < 0.9 else TaskState.SUBMITTED
        task_id = self.some(chance, self.seen.tasks, state=state)
        if task_id is None:
            return
        task = self.seen.tasks[task_id]
        names = {self.store.id_of(name): name for name in WORKERS}
        name = names.get(task["claimed_by"], "ann") if chance.often() else chance.name()
        status = "success" if chance.often() else chance.choice(("error", "evaluation_error"))
        payload = {"status": status, **self._result(task, name, chance)}
        done = self.attempt(name, "submit", tasks.submit, task_id, SubmitTask(payload=payload))
        assert not done or task["claimed_by"] == self.store.id_of(name)

    def _result(self, task: Any, name: str, chance: Chance) -> dict[str, Any]:
        if task["kind"] == "ideation":
            return {
                "idea_ids": [idea_id for idea_id in (self.some(chance, self.seen.ideas, state="ready"),) if idea_id]
            }
        if task["kind"] == "evaluation":
            metrics = {"accuracy": chance.place()} if chance.random() < 0.9 else {"accuracy": "high"}
            return {"variant_id": task["subject_id"], "evaluation": metrics}
        commit = sha(chance.place()) if chance.random() < 0.9 else BASE
        own = self.some(chance, self.seen.variants, idea_id=task["subject_id"], status="starting")
        if own is None or not chance.often():
            body = self.store.variant_body(task["subject_id"])
            self.attempt(name, "start", variants.create, body)
            own = body.variant_id
        return {"variant_id": own, "commit_sha": commit}

    def judge(self, chance: Chance) -> None:
        task_id = self.some(chance, self.seen.tasks, state=TaskState.SUBMITTED)
        if task_id is None:
            return
        was = self.seen.tasks[task_id]["state"]
        if chance.often():
            done = self.attempt("orchestrators", "accept", tasks.accept, task_id)
        else:
            reason = RejectTask(reason=chance.choice(("worker_error", "validation_error", "policy_limit")))
            done = self.attempt("orchestrators", "reject", tasks.reject, task_id, reason)
        assert not done or was == TaskState.SUBMITTED

    def take_back(self, chance: Chance) -> None:
        task_id = self.some(chance, self.seen.tasks, state=chance.choice((TaskState.CLAIMED, TaskState.SUBMITTED)))
        if task_id is None:
            return
        cause = ReclaimTask(cause=chance.choice(("expired", "operator", "health_policy")))
        moved = ReassignTask(new_target=self._target(chance), reason="because")
        takings: tuple[tuple[Any, ...], ...] = (
            (chance.name(), "reclaim", tasks.reclaim, task_id, cause),
            (chance.name(), "release", claims.release, task_id),
            (chance.name(), "renew", claims.renew, task_id, RenewClaim(seconds=60)),
            ("admins", "reassign", tasks.reassign, task_id, moved),
            ("orchestrators", "sweep_expired", claims.sweep_expired),
        )
        self.attempt(*chance.choice(takings))

    def start(self, chance: Chance) -> None:
        """A stray variant of some idea, or the baseline."""
        if chance.often():
            idea_id = self.some(chance, self.seen.ideas, state="dispatched")
            self.attempt(chance.name(), "start", variants.create, self.store.variant_body(idea_id or "nowhere"))
        else:
            scored: dict[str, Any] = {"status": "success", "evaluation": {"accuracy": 1}, "completed_at": PAST}
            body = self.store.baseline_body(**scored if chance.often() else {})
            self.attempt(chance.choice(("orchestrators", "ann")), "start", variants.create, body)

    def finish(self, chance: Chance) -> None:
        is_over = chance.random() < 0.1
        status = VariantStatus.STARTING if is_over else VariantStatus.SUCCESS
        variant_id = self.some(chance, self.seen.variants, status=status)
        if variant_id is None:
            return
        if is_over:
            self.attempt(chance.name(), "declare_evaluation_error", variants.declare_evaluation_error, variant_id)
        else:
            known = self.replay.commits.get(variant_id, "")
            commit = known if known and chance.often() else sha(1000 + chance.place())
            body = IntegrateVariant(variant_commit_sha=commit)
            self.attempt("orchestrators", "integrate", variants.integrate, variant_id, body)

    def govern(self, chance: Chance) -> None:
        if chance.often():
            change = {chance.choice(MODES): chance.choice(("auto", "manual"))}
            body = ChangeDispatchMode.model_validate(change)
            self.attempt("admins", "change_dispatch_mode", lifecycle.change_dispatch_mode, body)
        else:
            fault = PolicyError(policy_kind="termination", error_type="ValueError", error_message="")
            self.attempt("orchestrators", "report_policy_error", lifecycle.report_policy_error, fault)

    def people(self, chance: Chance) -> None:
        group_id, worker_id = chance.choice(self.groups), self.store.id_of(chance.name())
        member_id = chance.choice((worker_id, *self.groups))
        edits: tuple[tuple[Any, ...], ...] = (
            ("add", groups.add, group_id, AddMember(member_id=member_id)),
            ("remove", groups.remove, group_id, member_id),
            ("disable", partial(standing.disable, open_claims=claims.open_by_worker), worker_id),
            ("enable", partial(standing.enable, open_claims=claims.open_by_worker), worker_id),
            ("reissue", partial(self._reissue, chance.name())),
        )
        self.attempt("admins", *chance.choice(edits))
        assert not any(self.seen.groups_of(group) & {group} for group in self.groups), "no group contains itself"

    def _reissue(self, name: str, tx: Tx) -> None:
        """The old token is void at once, and the new one is good unless its worker is disabled."""
        worker_id, keys = self.store.id_of(name), self.store.house.keys
        old, self.store.tokens[name] = self.store.tokens[name], ""
        self.store.tokens[name] = workers.reissue(tx, worker_id, keys=keys).registration_token
        proven = [
            identities.identify(tx.connection, keys, (worker_id, token), tx.now)
            for token in (old, self.store.tokens[name])
        ]
        is_disabled = workers.find(tx, worker_id)["disabled_at"] is not None
        assert (proven[0], proven[1] is None) == (None, is_disabled)

    def switch(self, chance: Chance) -> None:
        """A pause, its end, or late in the day the end of the experiment."""
        if self.is_paused():
            self.attempt("admins", "resume", lifecycle.resume)
        elif self.steps > 400 and not chance.often():
            by = chance.choice(("admins", "orchestrators"))
            self.attempt(by, "terminate", lifecycle.terminate, Terminate(reason="enough"))
        elif not chance.often():
            self.attempt("admins", "pause", lifecycle.pause)

    def is_paused(self) -> bool:
        return bool(self.store.see(lambda tx: tx.status) == "paused")

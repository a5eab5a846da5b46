"""Who goes first is a policy that admins set, planning reads, and usage ages under."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from control_plane.db.batch import Batch
from control_plane.db.tables import events, workers
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import endings, policy, usage
from control_plane.scheduler.operations.endings import Ending
from control_plane.scheduler.policy_tables import usage as table
from control_plane.scheduler.rules.board import LineKey, Policy, Quota, Situation
from control_plane.scheduler.rules.planning import plan
from control_plane.scheduler.tables import holds, jobs
from store_client.errors import NotFound
from store_client.wire.policy import SetExperimentShare, SetOperatorShare, SetPolicy
from store_client.wire.scalars import format_time, parse_time
from tests.scheduler.planning_cases import NOW, cpus, job
from tests.scheduler.queue_house import Queue

OPERATOR = "wkr_" + "7" * 26


@pytest.fixture
def operator(queue: Queue) -> str:
    """An operator of the deployment, whose identity in the experiment is bob."""

    def register(tx: Tx) -> None:
        row = {"scope": "", "worker_id": OPERATOR, "name": "bob", "registered_at": tx.now}
        tx.connection.execute(insert(workers).values(**row))
        tx.connection.execute(workers.update().where(_is_bob(queue)).values(deployment_worker_id=OPERATOR))

    queue.write(register)
    return OPERATOR


def _is_bob(queue: Queue) -> Any:
    return (workers.c.scope == queue.store.experiment_id) & (workers.c.worker_id == queue.store.id_of("bob"))


def test_the_policy_is_the_standard_one_until_somebody_sets_it(queue: Queue) -> None:
    assert queue.write(policy.read) == Policy()
    shown = queue.write(policy.show)
    assert (shown.starvation_seconds, shown.updated_by) == (11 * shown.ageing_seconds, None)


def test_what_a_change_leaves_out_stays_as_it_was(queue: Queue) -> None:
    queue.write(policy.change, SetPolicy(ageing_seconds=60))
    shown = queue.write(policy.change, SetPolicy(may_preempt=False))
    assert (shown.ageing_seconds, shown.may_preempt, shown.starvation_seconds) == (60, False, 660)
    assert shown.updated_at is not None
    assert queue.write(policy.read).may_preempt is False


def test_weights_and_quotas_are_what_planning_reads(queue: Queue) -> None:
    of = queue.store.experiment_id
    queue.write(policy.set_experiment_share, of, SetExperimentShare(weight=2, gpus=1.5, jobs=3))
    read = queue.write(policy.read)
    assert read.weights == {of: 2}
    assert read.experiment_quotas == {of: Quota(gpus=1.5, jobs=3)}


def test_a_share_like_everybody_elses_is_kept_no_more(queue: Queue) -> None:
    of = queue.store.experiment_id
    queue.write(policy.set_experiment_share, of, SetExperimentShare(weight=2))
    queue.write(policy.set_experiment_share, of, SetExperimentShare())
    assert queue.write(policy.show_shares).experiments == ()


@pytest.mark.parametrize("act", [policy.set_experiment_share, policy.set_operator_share])
def test_nobody_that_is_not_there_gets_a_share(queue: Queue, act: Any) -> None:
    body = SetExperimentShare() if act is policy.set_experiment_share else SetOperatorShare()
    with pytest.raises(NotFound):
        queue.write(act, "exp_" + "9" * 26, body)


def test_an_operators_quota_holds_for_his_identity_in_every_experiment(queue: Queue, operator: str) -> None:
    queue.write(policy.set_operator_share, operator, SetOperatorShare(jobs=1))
    read = queue.write(policy.read)
    bob, other = queue.store.id_of("bob"), "wkr_" + "8" * 26
    assert read.identities == {bob: operator}
    lines = {}
    for number, worker in enumerate((bob, bob, other), 1):
        one = job(number, operator=worker, experiment_id=f"exp_{number}")
        lines[LineKey(one.experiment_id, worker, one.priority, one.resources)] = [one]
    made = plan(Situation(NOW, cpus(4), lines, [], policy=read))
    assert [one.job_id for one in made.placements] == ["job_1", "job_3"]
    assert [one.job_id for one in made.blocked.values()] == ["job_2"]


def at(tx: Tx, hours: float) -> Tx:
    """The same connection so many hours after half past twelve."""
    moment = parse_time("2026-01-01T12:30:00.000000Z") + timedelta(hours=hours)
    return Tx(Batch(tx.connection, format_time(moment), tx.mint))


def test_usage_counts_half_after_each_half_life(queue: Queue) -> None:
    def use(tx: Tx) -> list[float]:
        usage.add(at(tx, 0), "exp_a", 60)
        usage.add(at(tx, 0.1), "exp_a", 40)
        return [usage.read(at(tx, hours))["exp_a"] for hours in (0.2, 2.5, 4.5)]

    queue.write(policy.change, SetPolicy(half_life_seconds=7200))
    assert queue.write(use) == [100, 50, 25]


def test_usage_of_long_ago_is_forgotten_when_there_is_newer(queue: Queue) -> None:
    def use(tx: Tx) -> set[str]:
        usage.add(at(tx, 0), "exp_old", 60)
        usage.add(at(tx, 241), "exp_new", 60)
        return set(tx.connection.scalars(select(table.c.experiment_id)))

    assert queue.write(use) == {"exp_new"}


def test_a_gpu_counts_by_its_part_and_cpus_where_there_is_none() -> None:
    half = {"slot_id": "GPU-1", "units": 6}
    assert usage.used([half, {"slot_id": "cpu:0", "units": 1}], 12, 10) == 5
    assert usage.used([{"slot_id": "cpu:0", "units": 1}, {"slot_id": "node/cpu:1", "units": 1}], 12, 10) == 20


def test_who_changed_what_is_told(queue: Queue) -> None:
    queue.write(policy.change, SetPolicy(ageing_seconds=60))
    queue.write(policy.set_experiment_share, queue.store.experiment_id, SetExperimentShare(gpus=1))
    told = queue.store.house.read_now(_told)
    assert [one["type"] for one in told] == ["queue.policy_changed", "queue.share_changed"]
    assert told[1]["data"]["gpus"] == 1
    assert told[0]["data"]["by"] == "admin"


def _told(tx: Tx) -> list[Any]:
    query = events.select().where(events.c.type.like("queue.%")).order_by(events.c.position)
    return list(tx.connection.execute(query).mappings())


def test_an_attempt_that_ends_is_charged_to_its_experiment(queue: Queue) -> None:
    job_id = queue.submit()
    attempt = queue.place(job_id)
    queue.write(lambda tx: tx.connection.execute(holds.update().values(held_since="2020-01-01T00:00:00.000000Z")))
    queue.start(job_id, attempt)
    queue.finish(job_id, attempt, Ending("finished", 0))
    (share,) = queue.write(policy.show_shares).experiments
    assert share.experiment_id == queue.store.experiment_id
    assert share.used_seconds > 365 * 86_400


def test_who_gives_way_keeps_the_age_it_had_when_it_was_placed(queue: Queue) -> None:
    job_id = queue.submit(retry={"max_attempts": 1})
    attempt = queue.place(job_id)
    queue.start(job_id, attempt)
    waited = {"queued_at": "2026-01-01T00:00:00.000000Z", "started_at": "2026-01-01T00:30:00.000000Z"}
    queue.write(lambda tx: tx.connection.execute(jobs.update().values(**waited)))
    queue.write(lambda tx: tx.connection.execute(holds.update().values(held_since="2026-01-01T00:10:00.000000Z")))
    queue.write(endings.give_way, job_id, attempt)
    queue.finish(job_id, attempt, Ending("preempted"))
    row = queue.write(lambda tx: tx.connection.execute(jobs.select()).mappings().one())
    assert row["state"] == "queued"
    age = parse_time(queue.store.house.clock()) - parse_time(row["queued_at"])
    assert timedelta(minutes=10) <= age < timedelta(minutes=11)

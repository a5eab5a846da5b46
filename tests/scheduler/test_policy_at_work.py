"""The scheduler goes by the policy that people set, while it runs."""

from control_plane.scheduler.operations import policy
from store_client.wire.jobs import JobState
from store_client.wire.policy import SetExperimentShare
from tests.scheduler.attempts import eventually
from tests.scheduler.queue_house import Yard

S = JobState


def test_a_quota_keeps_a_job_from_a_free_slot_until_it_is_raised(yard: Yard) -> None:
    yard.write(policy.set_experiment_share, yard.store.experiment_id, SetExperimentShare(jobs=1))
    first, second = (yard.shell("sleep 60") for _ in range(2))
    yard.await_state(first, S.RUNNING)
    eventually(lambda: "quota" in (yard.read(second).waiting_for or ""), "the quota as a reason")
    assert yard.state(second) is S.QUEUED
    yard.write(policy.set_experiment_share, yard.store.experiment_id, SetExperimentShare(jobs=2))
    yard.await_state(second, S.RUNNING)


def test_a_job_of_higher_priority_takes_one_that_allows_it_off_its_slot_and_gives_it_back(yard: Yard) -> None:
    both = {"resources": {"cpus": 2}}
    low = yard.shell("sleep 60", priority=1, preemption={"grace_seconds": 1}, **both)
    yard.await_state(low, S.RUNNING)
    high = yard.shell("true", priority=9, **both)
    assert yard.end(high).state is S.SUCCEEDED
    eventually(lambda: yard.state(low) is S.RUNNING and yard.read(low).attempt == 2, "its second attempt")
    assert [one.state for one in yard.read(low).attempts] == [S.PREEMPTED, S.RUNNING]

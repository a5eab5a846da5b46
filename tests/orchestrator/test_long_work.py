"""Work that takes long is work all the same: an orchestrator never takes silence for the end."""

from store_client.wire.tasks import TaskState
from tests.orchestrator.desk_house import DeskHouse
from tests.store.task_house import sha


def test_a_task_longer_than_many_quiet_rounds_is_waited_for(desk: DeskHouse) -> None:
    desk.configure(max_quiescent_iterations=2)
    desk.store.idea()
    orchestrator = desk.orchestrator()
    desk.settle(orchestrator)
    (execution,) = desk.tasks("execution")
    desk.store.claim(execution.task_id)
    variant_id = desk.store.variant(str(execution.payload["idea_id"]))
    for _ in range(10):
        orchestrator.round()
    assert desk.told("experiment.terminated") == []
    desk.store.submit(execution.task_id, variant_id=variant_id, status="success", commit_sha=sha(1))
    orchestrator.round()
    assert desk.variant(variant_id).commit_sha == sha(1)
    assert len(desk.tasks("evaluation", TaskState.PENDING)) == 1

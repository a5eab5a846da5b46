"""Several orchestrators at once decide everything exactly once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from control_plane.orchestrator.loop import Orchestrator
from store_client.wire.tasks import TaskState
from tests.orchestrator.desk_house import DeskHouse

CROWD = 4


def together(orchestrators: list[Orchestrator]) -> None:
    """One round of each, all begun at the same moment."""
    start = Barrier(len(orchestrators))

    def decide(orchestrator: Orchestrator) -> None:
        start.wait(60)
        orchestrator.round()

    with ThreadPoolExecutor(len(orchestrators)) as threads:
        list(threads.map(decide, orchestrators))


def until_quiet(desk: DeskHouse, orchestrators: list[Orchestrator], check: Callable[[], None]) -> None:
    before = -1
    while before != (before := len(desk.store.told())):
        together(orchestrators)
        check()


def test_each_idea_gets_one_task_each_variant_one_verdict_and_one_integration(desk: DeskHouse) -> None:
    parallel = 3
    desk.configure(parallel_variants=parallel)
    ideas = {desk.store.idea() for _ in range(10)}
    crowd = [desk.orchestrator() for _ in range(CROWD)]

    def check() -> None:
        live = [task for task in desk.tasks("execution") if task.state is not TaskState.COMPLETED]
        unjudged = [variant for variant in desk.variants() if variant.status == "starting" and variant.commit_sha]
        assert len(live) + len(unjudged) <= parallel

    number = 0
    while len(desk.told("variant.integrated")) < len(ideas):
        until_quiet(desk, crowd, check)
        for execution in desk.tasks("execution", TaskState.PENDING):
            number += 1
            desk.work(execution, number)
        for evaluation in desk.tasks("evaluation", TaskState.PENDING):
            desk.judge(evaluation)
    assert {task.payload["idea_id"] for task in desk.tasks("execution")} == ideas
    assert len(desk.tasks("execution")) == len(desk.tasks("evaluation")) == len(ideas)
    integrated = Counter(data["variant_id"] for data in desk.told("variant.integrated"))
    assert set(integrated.values()) == {1}
    assert {branch.variant_id for branch in desk.git.branches.values()} == set(integrated)


def test_ideation_and_baseline_are_made_once(desk: DeskHouse) -> None:
    desk.configure(ideation_policy={"kind": "maintain_pending", "target": 3}, baseline={"enabled": True})
    until_quiet(desk, [desk.orchestrator() for _ in range(CROWD)], lambda: None)
    assert len(desk.tasks("ideation")) == 3
    assert len(desk.variants()) == len(desk.tasks("evaluation")) == 1


def test_the_end_comes_once(desk: DeskHouse) -> None:
    desk.configure(termination_policy={"kind": "max_variants", "target": 0})
    until_quiet(desk, [desk.orchestrator() for _ in range(CROWD)], lambda: None)
    assert len(desk.told("experiment.terminated")) == 1

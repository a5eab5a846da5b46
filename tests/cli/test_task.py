"""`switchyard task` against a server: what a filter chooses is counted, acted on after a question, and given back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from store_client import ControlPlaneClient, CreateTask, RegisteredWorker, StaticBearer, Task, format_time
from store_client.cli.server import Server
from tests.cli.commands import invoked, start, stop

CONFIG = """
name: Tasks
parallel_variants: 1
evaluation_schema: {score: real}
objective: {expr: score, direction: maximize}
"""
HERS = 'worker:"Ada L"'


@dataclass(frozen=True)
class Yard:
    """A running server with one experiment, `tasks`, in which Ada is an administrator and Bob is not."""

    data: Path
    experiment_id: str
    worker_id: str
    bearer: StaticBearer

    def run(self, *arguments: str, stdin: str = "") -> Any:
        given = (*arguments[:2], "--data", str(self.data), "--experiment", "tasks", *arguments[2:])
        return invoked(*given, stdin=stdin)

    def told(self, *arguments: str) -> str:
        answer = self.run(*arguments)
        assert answer.returncode == 0, answer.stderr
        return str(answer.stdout)

    def asked(self, *arguments: str) -> Any:
        return json.loads(self.told(*arguments[:2], "--json", *arguments[2:]))

    def claimed(self, *names: str) -> None:
        """New ideations that Ada has claimed."""

        async def make(deployment: ControlPlaneClient) -> None:
            store, now = deployment.store(self.experiment_id, self.bearer), format_time(datetime.now(UTC))
            for name in names:
                payload = {"experiment_id": self.experiment_id}
                body = {"task_id": name, "kind": "ideation", "state": "pending", "payload": payload}
                await store.create_task(CreateTask.model_validate({**body, "created_at": now, "updated_at": now}))
                await store.claim_task(name)

        Server(self.data, None, is_json=False).ask(make)

    def task(self, name: str) -> Task:
        server = Server(self.data, None, is_json=False)
        return server.ask(lambda deployment: deployment.store(self.experiment_id).read_task(name))


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    directory, source = tmp_path_factory.mktemp("serve"), tmp_path_factory.mktemp("source")
    process, _ = start("serve", "--data", str(directory), "--port", "0")
    (source / "experiment.yaml").write_text(CONFIG)
    made = invoked("experiment", "create", str(source), "--name", "Tasks", "--data", str(directory), "--json")
    experiment_id = str(json.loads(made.stdout)["experiment_id"])

    async def people(deployment: ControlPlaneClient) -> RegisteredWorker:
        store = deployment.store(experiment_id)
        ada = await store.register_worker("Ada L")
        await store.register_worker("Bob")
        (admins,) = (await store.list_groups("admins")).groups
        await store.add_to_group(admins.group_id, ada.worker_id)
        return ada

    ada = Server(directory, None, is_json=False).ask(people)
    yield Yard(directory, experiment_id, ada.worker_id, StaticBearer(ada.worker_id, ada.registration_token))
    stop(process)


def test_what_somebody_holds_is_counted_shown_and_taken_back(yard: Yard) -> None:
    yard.claimed("one", "two")
    refused = yard.run("task", "take-back", HERS, stdin="n\n")
    assert (refused.returncode, "Take back 2 tasks?" in refused.stderr) == (1, True)
    shown = yard.told("task", "take-back", HERS, "--dry-run")
    assert ("Take back 2 tasks. Nothing was changed." in shown, "Ada L" in shown) == (True, True)
    counted = yard.asked("task", "take-back", f"{HERS} age<1d kind:ideation", "--dry-run")
    assert (counted["matched"], {one["task_id"] for one in counted["tasks"]}) == (2, {"one", "two"})
    for other in ("worker:Bob", "age>999999w", "by:me", "no such words"):
        assert yard.asked("task", "take-back", other, "--dry-run") == {"matched": 0, "tasks": []}
    assert yard.task("one").state == "claimed"
    done = yard.told("task", "take-back", HERS, "--reason", "Ada is away", "--yes")
    assert done.startswith("2 tasks are taken back.\nWhat became of each: switchyard task acts bulk_")
    assert yard.task("one").state == yard.task("two").state == "pending"
    assert yard.asked("task", "take-back", HERS, "--yes") == {"changed": 0, "refused": 0}
    newest, *_ = yard.asked("task", "acts")
    assert (newest["done"], newest["reason"], newest["act_id"] in done) == (2, "Ada is away", True)
    assert f"take back “worker:{yard.worker_id}”" in yard.told("task", "acts")
    each = yard.asked("task", "acts", newest["act_id"])["tasks"]
    assert {(one["task_id"], one["outcome"]) for one in each} == {("one", "done"), ("two", "done")}
    assert "cannot be undone" in invoked("task", "take-back", "--help").stdout
    assert "is over" in yard.run("task", "undo", newest["act_id"], "--yes").stderr


def test_tasks_are_given_to_somebody_by_name_and_given_back(yard: Yard) -> None:
    yard.claimed("three")
    assert "--reason" in yard.run("task", "reassign", HERS).stderr
    act_id = yard.asked("task", "reassign", HERS, "--to", "Bob", "--reason", "Ada is away", "--yes")["act_id"]
    target = yard.task("three").target
    assert target is not None
    facts = [line.split() for line in yard.told("task", "acts", act_id).splitlines()]
    assert ["Given", "to", "Bob"] in facts
    assert "Give 1 task back to whom they were for?" in yard.run("task", "undo", act_id, stdin="n\n").stderr
    assert "1 task is given back to whom they were for." in yard.told("task", "undo", act_id, "--yes")
    assert yard.task("three").target is None
    to_all = yard.asked("task", "reassign", "state:pending", "--to", "admins", "--reason", "theirs", "--yes")
    assert to_all["changed"] >= 1
    target = yard.task("three").target
    assert target is not None
    assert target.kind == "group"


@pytest.mark.parametrize(
    ("filter_", "status", "words"),
    [
        ("", 2, "name a condition"),
        ("state:any", 2, "name a condition"),
        ("colour:red", 2, "cannot be narrowed by “colour”"),
        ("age:2h", 2, "is asked for like age<2h"),
        ("worker:Nobody", 1, "Nobody in this experiment is called “Nobody”"),
    ],
)
def test_a_filter_that_chooses_nothing_in_particular_is_refused(
    yard: Yard, filter_: str, status: int, words: str
) -> None:
    for more in ((), ("--dry-run",)):
        answer = yard.run("task", "take-back", filter_, "--yes", *more)
        assert (answer.returncode, words in answer.stderr) == (status, True), answer.stderr
    assert "Nobody" in yard.run("task", "reassign", "state:pending", "--to", "Nobody", "--reason", "x").stderr

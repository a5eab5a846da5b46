"""Every body that a client can send is one that the strict server reads."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from store_client.wire.ideas import CreateIdea
from store_client.wire.jobs import SubmitJob
from store_client.wire.record import Record
from store_client.wire.tasks import CreateTask, ReassignTask
from store_client.wire.variants import CreateVariant, VariantStatus
from store_client.wire.workers import RegisterGroup

EXPERIMENT, WORKER, COMMIT = f"exp_{'0' * 26}", f"wkr_{'1' * 26}", "a" * 40
NOW = "2030-01-01T00:00:00Z"
IDEA = CreateIdea(
    idea_id="i", experiment_id=EXPERIMENT, slug="s", priority=1, parent_commits=(COMMIT,), artifacts_uri="eden://a/1",
    state="drafting", created_at=NOW,
)  # fmt: skip
VARIANT = CreateVariant(
    variant_id="v", experiment_id=EXPERIMENT, idea_id="i", status=VariantStatus.STARTING, parent_commits=(COMMIT,),
    started_at=NOW,
)  # fmt: skip
TASK = CreateTask(
    task_id="t", kind="execution", state="pending", payload={"idea_id": "i"}, created_at=NOW, updated_at=NOW
)
JOB = SubmitJob(name="n", command=("true",), tags=("a",), collect=("out",))


def read(kind: type[Record], wire: dict[str, Any]) -> Record:
    return kind.model_validate_json(json.dumps(wire), strict=True)


@pytest.mark.parametrize(
    "body", [IDEA, VARIANT, TASK, JOB, RegisterGroup(members=(WORKER,))], ids=lambda b: type(b).__name__
)
def test_a_body_survives_the_strict_reading_of_the_server(body: Record) -> None:
    assert read(type(body), body.to_wire()) == body


@pytest.mark.parametrize(
    ("body", "key", "value"),
    [(TASK, "claim", {}), (TASK, "target", None), (VARIANT, "variant_commit_sha", COMMIT), (JOB, "stdin", None)],
    ids=lambda value: str(value)[:20],
)
def test_a_key_that_must_not_be_there_is_refused(body: Record, key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        read(type(body), {**body.to_wire(), key: value})


def test_null_is_read_where_it_has_a_meaning() -> None:
    assert read(ReassignTask, {"new_target": None, "reason": "r"}) == ReassignTask(new_target=None, reason="r")

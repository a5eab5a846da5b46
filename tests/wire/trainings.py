"""Training specs and jobs as ARC's clients send them, and their addresses."""

from copy import deepcopy
from typing import Any

import httpx

from tests.wire.live import ADMIN_TOKEN
from tests.wire.store_app import WireApp

ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}
SPEC: dict[str, Any] = {
    "experiment_id": "exp-007",
    "description": "A deeper net",
    "architecture": {"family": "resnet", "variant": "50", "num_classes": 2},
    "hyperparameters": {"optimizer": {"learning_rate": 0.001}, "scheduler": None},
    "dataset": {"dataset_id": "eyes", "dataset_type": "train", "data_path": "/data/eyes"},
    "cycle_id": 3,
    "tags": ["fundus"],
}
JOB: dict[str, Any] = {
    "job_id": "job-007",
    "experiment_spec": SPEC,
    "checkpoint_dir": "checkpoints",
    "log_dir": "logs",
    "timeout": 3600,
}


def changed(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A record with some values changed, each at its path: `dataset__val_split`."""
    record = deepcopy(record)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = record
        for key in way:
            place = place[key]
        place[last] = value
    return record


async def post(app: WireApp, act: str, body: Any = None, headers: dict[str, str] = ADMIN) -> httpx.Response:
    given = {} if body is None else {"json": body}
    return await app.http.post(f"/api/experiments/{act}", headers=headers, **given)


async def create(app: WireApp, **changes: Any) -> httpx.Response:
    return await post(app, "create", {"experiment_spec": changed(SPEC, **changes)})


async def schedule(app: WireApp, config: dict[str, Any] = JOB, **more: Any) -> httpx.Response:
    return await post(app, "schedule", {"job_config": config, **more})


def say_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])

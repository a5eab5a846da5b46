"""Trainings at ARC's addresses: ids stay one, GPUs are honoured or refused, results are read back."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.db.engine import Database
from control_plane.db.identities import Keys
from control_plane.edge.house import House
from control_plane.scheduler.gpus import Gpu
from control_plane.scheduler.operations import views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.scheduler.rules.standing import Seen
from store_client.wire.gpus import GpuHolder, GpuInfo, GpuList
from store_client.wire.jobs import JobState
from store_client.wire.trainings import STATUS, JobStatus
from tests.wire.live import ADMIN_TOKEN, in_process, settle
from tests.wire.store_app import WireApp
from tests.wire.trainings import ADMIN, JOB, changed, create, post, say_of, schedule

AT = "2026-01-01T00:00:00.000000Z"
TRAIN = "cp .switchyard/spec.json seen.json; echo training; cp report.json .switchyard/result.json"


@pytest.fixture
def app(training_app: WireApp) -> WireApp:
    return training_app


async def job_of(app: WireApp, scheduled: httpx.Response) -> dict[str, Any]:
    assert scheduled.status_code == 201, scheduled.text
    found = await app.http.get(f"/api/jobs/{scheduled.json()['queue_job_id']}", headers=ADMIN)
    job: dict[str, Any] = found.json()
    return job


async def test_a_scheduled_spec_is_a_job_of_the_experiment(app: WireApp) -> None:
    scheduled = await schedule(app, changed(JOB, experiment_spec__novelty_class="wildcat"), priority=8)
    job = await job_of(app, scheduled)
    assert (job["state"], job["priority"], job["timeout_seconds"]) == ("queued", 8, 3600)
    assert job["command"] == ["/bin/sh", "-c", "python train.py"]
    assert job["tags"] == ["training", "novelty:wildcat", "cycle:3", "fundus"]
    assert job["resources"]["gpus_where_present"] == 1
    assert job["retry"]["max_attempts"] == 2
    answer = scheduled.json()
    assert (answer["runs_in"], answer["queue_position"]) == (app.store.experiment_id, 1)
    again = changed(JOB, job_id="job-008", experiment_spec__experiment_id="exp-008")
    second = await schedule(app, again, experiment=app.store.experiment_id)
    assert second.json()["queue_position"] == 2, "its place, not the length"


async def test_a_job_id_is_one_job_for_ever(app: WireApp) -> None:
    first = await schedule(app)
    again = await schedule(app, changed(JOB, submitted_at="2026-01-01T00:00:00"))
    assert again.json()["queue_job_id"] == first.json()["queue_job_id"]
    other = changed(JOB, experiment_spec__experiment_id="exp-008")
    assert "scheduled before" in say_of(await schedule(app, other), 409)
    assert "another spec" in say_of(await schedule(app, changed(JOB, job_id="j", experiment_spec__priority=1)), 409)


async def test_another_cycle_than_the_spec_says_is_refused(app: WireApp) -> None:
    assert "cycle_id" in say_of(await schedule(app, cycle_id=4), 409)


async def test_without_a_training_command_it_is_refused_with_what_to_do(app: WireApp, tmp_path: Path) -> None:
    other = await settle(app.http, tmp_path / "seed")
    named: dict[str, Any] = {"experiment": other.store.experiment_id}
    said = say_of(await schedule(app, **named), 409)
    assert "training_command" in said
    assert "command" in said
    job = await job_of(app, await schedule(app, **named, command=["python", "train.py", "$(touch /tmp/x)"]))
    assert job["command"] == ["python", "train.py", "$(touch /tmp/x)"]


async def test_what_names_no_experiment_goes_to_the_newest_that_runs_and_a_wrong_name_nowhere(app: WireApp) -> None:
    assert (await schedule(app)).json()["runs_in"] == app.store.experiment_id
    assert "nowhere" in say_of(await schedule(app, changed(JOB, job_id="j"), experiment="nowhere"), 404)
    await app.http.post(f"/api/experiments/{app.store.experiment_id}/pause", headers=ADMIN)
    assert "no experiment is running" in say_of(await schedule(app, changed(JOB, job_id="j")), 409)


async def test_only_administrators_schedule(app: WireApp) -> None:
    ann = {"Authorization": f"Bearer {app.store.id_of('ann')}:{app.store.tokens['ann']}"}
    body = {"job_config": JOB}
    assert (await post(app, "schedule", body, ann)).status_code in {401, 403}
    assert (await post(app, "schedule", body, {})).status_code == 401


def show(url: str, *states: Any) -> None:
    """The scheduler has seen GPUs in these states."""
    cards = [Gpu(f"GPU-{number}", number, "A card") for number in range(len(states))]
    slots = [Slot(card.uuid, "gpu", index=card.index, units=GPU_UNITS) for card in cards]
    parts: dict[str, Any] = {card.uuid: Seen(state) for card, state in zip(cards, states, strict=True)}
    with closing(House(Database.open(url), Keys(ADMIN_TOKEN, b"pepper"))) as house:
        house.writer.write(lambda tx: views.save(tx, View("", slots, cards, parts)))


@pytest.mark.parametrize("wish", [{"gpu_id": 1}, {"experiment_spec__gpu_allocation": "gpu1"}])
async def test_the_gpu_that_is_asked_for_is_the_one_it_gets(
    app: WireApp, sqlite_url: str, wish: dict[str, Any]
) -> None:
    await asyncio.to_thread(show, sqlite_url, "usable", "foreign")
    scheduled = await schedule(app, changed(JOB, **wish))
    resources = (await job_of(app, scheduled))["resources"]
    assert (resources["gpus"], resources["only_gpus"], resources["gpus_where_present"]) == (1, ["1"], 0)
    assert scheduled.json()["available_gpus"] == [0]


async def test_the_queue_and_the_gpus_are_told_under_arcs_names_too(app: WireApp, sqlite_url: str) -> None:
    await asyncio.to_thread(show, sqlite_url, "usable", "usable")
    job = await job_of(app, await schedule(app))
    queue = (await app.http.get("/api/scheduler/queue", headers=ADMIN)).json()
    assert (queue["queue_length"], queue["running_jobs"], queue["available_gpus"]) == (1, 0, 2)
    assert queue["timestamp"] == queue["at"]
    gpus = (await app.http.get("/api/scheduler/gpus", headers=ADMIN)).json()
    assert (gpus["available_count"], gpus["timestamp"]) == (2, gpus["gpus"][0]["seen_at"])
    assert [(gpu["gpu_id"], gpu["allocated"]) for gpu in gpus["gpus"]] == [(0, False), (1, False)]
    assert gpus["gpus"][0].keys().isdisjoint({"current_job_id", "memory_used_mb", "utilization_percent"}), "not known"
    assert (await status(app, job["job_id"])).json()["details"]["job_id"] == JOB["job_id"]


def test_what_is_known_of_a_gpu_that_is_held_is_told_under_arcs_names() -> None:
    holder = GpuHolder(
        job_id="job_1", job_number=1, job_name="t", experiment_id="exp_" + "0" * 26, attempt=1, units=12, held_since=AT
    )
    gpu = GpuInfo(
        uuid="GPU-1", index=1, state="usable", units=12, units_held=12, holders=(holder,), seen_at=AT,
        utilisation_percent=7, memory_used_bytes=3 << 30, memory_total_bytes=16 << 30,
    )  # fmt: skip
    told = {
        "gpu_id": 1, "allocated": True, "current_job_id": "job_1", "utilization_percent": 7,
        "memory_used_mb": 3072, "memory_total_mb": 16384,
    }  # fmt: skip
    assert told.items() <= gpu.to_wire().items()
    assert GpuList(gpus=(gpu,)).to_wire()["available_count"] == 0


@pytest.mark.parametrize(("states", "said"), [((), "none"), (("usable", "reserved"), "reserved"), (("usable",), "0")])
async def test_a_gpu_that_it_can_never_have_is_refused_and_never_another(
    app: WireApp, sqlite_url: str, states: tuple[str, ...], said: str
) -> None:
    await asyncio.to_thread(show, sqlite_url, *states)
    assert said in say_of(await schedule(app, changed(JOB, gpu_id=1)), 409)
    assert (await app.http.get("/api/jobs", headers=ADMIN)).json()["total"] == 0


async def test_the_config_of_the_experiment_says_what_trainings_get_and_allows(app: WireApp, tmp_path: Path) -> None:
    given = {"training": {"cpus": 4, "gpus": 1, "only_gpus": ["0"]}}
    other = await settle(app.http, tmp_path / "seed", training_command=["python", "train.py"], resources=given)
    named: dict[str, Any] = {"experiment": other.store.experiment_id}
    job = await job_of(app, await schedule(app, **named))
    assert job["command"] == ["python", "train.py"]
    assert (job["resources"]["cpus"], job["resources"]["only_gpus"]) == (4, ["0"])


async def test_a_training_is_found_by_its_job_and_by_its_spec(app: WireApp) -> None:
    assert "no training exp-007" in say_of(await status(app, "exp-007"), 404)
    await create(app)
    assert "never scheduled" in say_of(await status(app, "exp-007"), 404)
    await schedule(app)
    await schedule(app, changed(JOB, job_id="job-008"))
    found = (await status(app, "job-007")).json()
    assert (found["status"], found["details"]["queue_position"], found["result"]["job_id"]) == ("queued", 1, "job-007")
    assert found["result"]["experiment_spec"]["experiment_id"] == "exp-007"
    assert (await status(app, "exp-007")).json()["details"]["job_id"] == "job-008", "the newest"


async def status(app: WireApp, named: str) -> httpx.Response:
    return await app.http.get(f"/api/experiments/status/{named}", headers=ADMIN)


async def test_a_training_is_cancelled_once_and_stays_so(app: WireApp) -> None:
    await schedule(app)
    for _ in range(2):
        answer = await post(app, "cancel/job-007")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await status(app, "job-007")).json()["status"] == "cancelled"
    assert say_of(await post(app, "cancel/nothing"), 404)


async def test_ids_like_other_addresses_collide_with_none(app: WireApp) -> None:
    for name in ("pause", "jobs", "end", "status"):
        config = changed(JOB, job_id=name, experiment_spec__experiment_id=f"spec-{name}")
        assert (await schedule(app, config)).status_code == 201
        assert (await status(app, name)).json()["details"]["job_id"] == name
        assert (await post(app, f"cancel/{name}")).json()["job_id"] == name
    here = f"/api/experiments/{app.store.experiment_id}"
    assert (await app.http.get(here, headers=ADMIN)).json()["status"] == "running"
    assert (await app.http.get(f"{here}/jobs", headers=ADMIN)).json()["total"] == 4


def test_every_state_of_a_job_has_a_word_of_arc() -> None:
    assert set(STATUS) == set(JobState)
    assert set(STATUS.values()) == set(JobStatus)


REPORT = {
    "metrics": [{"metric_type": "auc", "value": 0.9, "epoch": 3}],
    "best_metrics": {"auc": 0.9},
    "checkpoints": [{"checkpoint_path": "checkpoints/3.pt", "epoch": 3, "is_best": True}],
    "epochs_completed": 4,
    "peak_memory_mb": 512.5,
}


@pytest.mark.parametrize(
    ("script", "expected", "said"),
    [
        (TRAIN, "completed", None),
        ("true", "failed", "left no .switchyard/result.json"),
        ("echo '{' >.switchyard/result.json", "failed", "cannot be read"),
        ("exit 3", "failed", "left no .switchyard/result.json"),
    ],
)
async def test_what_a_training_leaves_is_read_back(
    sqlite_url: str, tmp_path: Path, script: str, expected: str, said: str | None
) -> None:
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "report.json").write_text(json.dumps(REPORT))
    async with in_process(sqlite_url, tmp_path / "data", runs_scheduler=True, cpu_slots=2) as http:
        app = await settle(http, tmp_path / "seed", training_command=script)
        job = (await schedule(app)).json()["queue_job_id"]
        await http.get(f"/api/jobs/{job}", params={"wait_seconds": 30}, headers=ADMIN)
        found = (await status(app, "job-007")).json()
        result = found["result"]
        assert (found["status"], result["status"]) == (expected, expected)
        assert (said or "") in result.get("error_message", "")
        assert result["duration_seconds"] >= 0
        assert (result["epochs_completed"], result["best_metrics"]) == ((4, {"auc": 0.9}) if said is None else (0, {}))
        log = await http.get(result["log_file_path"], headers=ADMIN)
        assert (log.json()["text"] == "training\n") == (script == TRAIN)
        assert "has ended" in say_of(await post(app, "cancel/job-007"), 409)

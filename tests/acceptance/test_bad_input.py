"""Bad input, sent to real servers: a page or problem+json that says what to do, never a fault of the server."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from control_plane.task_store.artifact_files import MAX_BYTES
from store_client import ExperimentDetail
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import MANUAL, Recipe

NOWHERE = f"exp_{'0' * 26}"
NOBODY = f"wkr_{'0' * 26}"
PROBLEM = "application/problem+json"
MIB = 1024 * 1024


@pytest.fixture
def api(running: Deployment) -> Iterator[httpx.Client]:
    """The API, as the administrator."""
    token = (running.data / "admin-token").read_text(encoding="utf-8").strip()
    headers = {"Authorization": f"Bearer admin:{token}"}
    with httpx.Client(base_url=running.ready["control_plane"], headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def browser_of_admin(running: Deployment) -> Iterator[httpx.Client]:
    """A browser without eyes, signed in; it follows no redirect by itself."""
    with httpx.Client(base_url=running.ready["web"], timeout=60) as client:
        client.headers["Origin"] = running.ready["web"]
        code = running.client.create_sign_in_code().code
        assert client.post("/signin", data={"code": code, "next": "/"}).status_code == 303
        yield client


@pytest.fixture
def experiment(running: Deployment, tmp_path_factory: pytest.TempPathFactory) -> ExperimentDetail:
    """An experiment in which nothing happens by itself."""
    directory = tmp_path_factory.mktemp("source")
    return running.create(Recipe(automation=MANUAL).write(directory), directory.name)


def is_problem(answer: httpx.Response, status: int) -> bool:
    problem = answer.json()
    said = (answer.status_code, problem["status"], answer.headers["content-type"].split(";")[0])
    return said == (status, status, PROBLEM) and bool(problem["title"]) and problem["type"].startswith("eden://error/")


@pytest.mark.parametrize(
    ("method", "path", "status", "given"),
    [
        ("GET", f"/api/experiments/{NOWHERE}", 404, {}),
        ("GET", "/api/experiments/not-an-id", 404, {}),
        ("GET", f"/v0/experiments/{NOWHERE}/tasks", 400, {}),
        ("GET", f"/v0/experiments/{NOWHERE}/tasks", 404, {"headers": {"X-Eden-Experiment-Id": NOWHERE}}),
        ("GET", "/api/experiments", 401, {"headers": {"Authorization": "Bearer admin:wrong"}}),
        ("GET", "/api/experiments", 401, {"headers": {"Authorization": f"Bearer {NOBODY}:wrong"}}),
        ("GET", "/api/experiments", 401, {"headers": {"Authorization": "Basic YWRtaW46eA=="}}),
        ("POST", "/api/experiments", 400, {"content": b"{not json"}),
        ("POST", "/api/experiments", 400, {"json": {"config": {"objective": "more"}}}),
        ("POST", "/api/experiments", 400, {"json": {"directory": "/nonexistent"}}),
        ("POST", "/api/experiments", 400, {"json": {"unheard": "of"}}),
        ("POST", "/api/experiments", 413, {"content": b" " * (5 * MIB)}),
        ("GET", "/api/events?after=-1", 400, {}),
        ("GET", "/api/jobs/job_none", 404, {}),
    ],
)
def test_the_api_answers_nonsense_with_a_problem(
    api: httpx.Client, method: str, path: str, status: int, given: dict[str, Any]
) -> None:
    answer = api.request(method, path, **given)
    assert is_problem(answer, status), answer.text


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(
    running: Deployment, api: httpx.Client, experiment: ExperimentDetail
) -> None:
    before = list((running.data / "artifacts").rglob("*"))
    files = {"file": ("big.bin", b"\0" * (MAX_BYTES + 1), "application/octet-stream")}
    where = f"/v0/experiments/{experiment.experiment_id}/artifacts"
    answer = api.post(where, files=files, headers={"X-Eden-Experiment-Id": experiment.experiment_id})
    assert is_problem(answer, 413), answer.text
    assert [file for file in (running.data / "artifacts").rglob("*") if file.is_file() and file not in before] == []


def is_page(answer: httpx.Response, status: int) -> bool:
    said = (answer.status_code, answer.headers["content-type"].split(";")[0])
    return said == (status, "text/html") and "<h1" in answer.text and "Traceback" not in answer.text


def test_an_unknown_experiment_is_a_page_that_says_so(browser_of_admin: httpx.Client) -> None:
    for path in ("/e/nowhere/", f"/e/{NOWHERE}/executor", "/nothing", "/queue/999999"):
        assert is_page(browser_of_admin.get(path), 404), path


def test_a_stranger_is_led_to_the_door(running: Deployment, experiment: ExperimentDetail) -> None:
    path = f"{running.ready['web']}/e/{experiment.slug}/executor"
    for cookies in ({}, {"switchyard_0000000000": "forged"}):
        answer = httpx.get(path, cookies=cookies, timeout=60)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin?next=")


def test_a_form_from_elsewhere_is_refused(browser_of_admin: httpx.Client, experiment: ExperimentDetail) -> None:
    act = f"/e/{experiment.slug}/pause"
    assert is_page(browser_of_admin.post(act, headers={"Origin": "http://elsewhere.example"}), 403)
    assert is_page(browser_of_admin.post(act, headers={"Sec-Fetch-Site": "cross-site"}), 403)


def claimed_evaluation(deployment: Deployment, browser: httpx.Client, experiment: ExperimentDetail) -> str:
    """The baseline's evaluation, claimed by the browser's operator."""
    store = deployment.store(experiment)
    deployment.until(lambda: store.list_tasks("evaluation"), "the baseline is to be evaluated")
    (task,) = store.list_tasks("evaluation")
    assert browser.post(f"/e/{experiment.slug}/desk/{task.task_id}/claim").status_code == 303
    return str(task.task_id)


def test_a_forged_or_stale_form_changes_nothing_and_loses_nothing(
    running: Deployment, browser_of_admin: httpx.Client, experiment: ExperimentDetail
) -> None:
    task_id = claimed_evaluation(running, browser_of_admin, experiment)
    for claim in ("", "forged", "e30.forged.forged"):
        entered = {"claim": claim, "metric.score": "12.5", "status": "success", "notes": "kept words"}
        answer = browser_of_admin.post(f"/e/{experiment.slug}/evaluator/{task_id}/submit", data=entered)
        assert is_page(answer, 422), answer.status_code
        assert "12.5" in answer.text
        assert "kept words" in answer.text
    assert running.store(experiment).read_task(task_id).state == "claimed"


def test_a_file_beyond_the_limit_is_refused_on_its_desk_and_the_words_stay(
    running: Deployment, browser_of_admin: httpx.Client, experiment: ExperimentDetail
) -> None:
    desk = f"/e/{experiment.slug}/evaluator/{claimed_evaluation(running, browser_of_admin, experiment)}"
    claim = re.search(r'name="claim" value="([^"]+)"', browser_of_admin.get(desk).text)
    assert claim is not None
    entered = {"claim": claim[1], "metric.score": "12.5", "status": "success", "notes": ""}
    file = {"files": ("big.bin", b"\0" * (MAX_BYTES + 1), "application/octet-stream")}
    answer = browser_of_admin.post(f"{desk}/submit", data=entered, files=file)
    assert 400 <= answer.status_code < 500
    assert is_page(answer, answer.status_code)
    assert "12.5" in answer.text
    assert running.store(experiment).list_tasks("evaluation", "claimed")


@pytest.mark.parametrize(("fields", "status"), [(1, 400), (10, 413)])
def test_a_form_beyond_the_limit_is_a_page(
    running: Deployment, browser_of_admin: httpx.Client, experiment: ExperimentDetail, fields: int, status: int
) -> None:
    act = f"/e/{experiment.slug}/automation"
    long = {f"field{number}": "x" * (5 * MIB // fields) for number in range(fields)}
    assert is_page(browser_of_admin.post(act, data={**long, "executor": "automatic"}), status)
    assert running.store(experiment).read_experiment_detail().automation.executor == "manual"

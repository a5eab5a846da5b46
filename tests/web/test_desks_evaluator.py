"""The evaluator's desk: metrics typed by the experiment's schema, and what they mean."""

from pathlib import Path

import pytest

from store_client import ExperimentDetail
from tests.web.desk import Desk, fields_of, work_form
from tests.web.reading import page, says
from tests.web.world import HELLO, World

SCHEMA = {"error": "real", "steps": "integer", "note": "text"}


@pytest.fixture
async def hello(world: World, tmp_path: Path) -> ExperimentDetail:
    """The hello experiment with a metric of each type."""
    config = (
        (HELLO / ".eden" / "config.yaml")
        .read_text()
        .replace("evaluation_schema: {error: real}", "evaluation_schema: {error: real, steps: integer, note: text}")
    )
    directory = tmp_path / "typed"
    (directory / ".eden").mkdir(parents=True)
    (directory / ".eden" / "config.yaml").write_text(config)
    for name in ("guess.txt", "evaluate.py"):
        (directory / name).write_text((HELLO / name).read_text())
    return await world.experiment(directory=directory)


def metric(name: str) -> str:
    return f"metric.{name}"


async def test_the_page_names_the_commit_and_has_a_field_for_each_metric(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    shown = await desk.get(path)
    assert [field["name"] for field in page(shown).select('input[name^="metric."]')] == [
        metric(name) for name in SCHEMA
    ]
    assert f"git switch --detach {desk.experiment.base_commit_sha}" in says(shown)
    assert "The baseline has no idea" in says(shown)
    by_enter = work_form(shown).select("button")[0]
    assert by_enter["value"] == "preview", "the Enter key in a field shows the score, and hands nothing in"


async def test_metrics_are_submitted_by_their_types_and_empty_ones_are_left_out(desk: Desk) -> None:
    task, path = await desk.claim("evaluation")
    answer = await desk.send(
        await desk.get(path), **{metric("error"): "1e-3", metric("steps"): " 12 ", "notes": "went well"}
    )
    assert "is submitted" in says(await desk.follow(answer))
    submitted = await desk.submitted(task.task_id)
    assert submitted["evaluation"] == {"error": 0.001, "steps": 12}
    assert isinstance(submitted["evaluation"]["steps"], int)
    assert submitted["status"] == "success"
    await desk.world.decide()
    variant = await desk.store.read_variant_detail(str(task.subject_id))
    assert variant.objective_value == 0.001
    file = await desk.get(f"/artifacts?uri={variant.artifacts_uri}")
    assert file.text == "went well"


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("error", "abc", "Enter a number, such as 0.9811."),
        ("error", "nan", "Enter a finite number"),
        ("error", "1e999", "Enter a finite number"),
        ("error", "1_000", "Enter a number"),
        ("steps", "1.5", "Enter a whole number"),
        ("steps", "1_0", "Enter a whole number"),
        ("steps", "9" * 5000, "This number is too long."),
        ("note", "x" * 200_001, "200,000 are kept"),
    ],
)
async def test_a_metric_of_the_wrong_type_is_said_beside_it(desk: Desk, name: str, typed: str, said: str) -> None:
    task, path = await desk.claim("evaluation")
    answer = await desk.send(await desk.get(path), **{metric(name): typed, "notes": "precious"})
    assert answer.status_code == 422
    assert said in says(answer)
    form = page(answer).find("form", id="work")
    assert form is not None
    assert fields_of(form).items() >= {metric(name): typed, "notes": "precious"}.items()
    assert (await desk.store.read_task(task.task_id)).state == "claimed"


async def test_a_success_without_any_metric_is_sent_back(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    answer = await desk.send(await desk.get(path))
    assert answer.status_code == 422
    assert "Enter at least one metric" in says(answer)


@pytest.mark.parametrize("status", ["error", "evaluation_error"])
async def test_the_other_outcomes_need_no_metric(desk: Desk, status: str) -> None:
    task, path = await desk.claim("evaluation")
    answer = await desk.send(await desk.get(path), status=status, notes="it broke")
    assert answer.status_code == 303
    submitted = await desk.submitted(task.task_id)
    assert submitted["status"] == status
    assert "evaluation" not in submitted


async def test_an_outcome_that_is_none_is_sent_back(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    answer = await desk.send(await desk.get(path), status="great", **{metric("error"): "1"})
    assert answer.status_code == 422
    assert "Choose one of the three." in says(answer)


async def test_the_same_evaluation_twice_lands_once_and_another_one_does_not_replace_it(desk: Desk) -> None:
    task, path = await desk.claim("evaluation")
    form = await desk.get(path)
    for _ in range(2):
        assert (await desk.send(form, **{metric("error"): "0.5"})).status_code == 303
    answer = await desk.send(form, **{metric("error"): "0.4"})
    assert answer.status_code == 409
    assert "that one stands" in says(answer)
    assert (await desk.submitted(task.task_id))["evaluation"] == {"error": 0.5}


async def test_files_and_notes_are_kept_together(desk: Desk) -> None:
    task, path = await desk.claim("evaluation")
    form = page(await desk.get(path)).find("form", id="work")
    assert form is not None
    fields = fields_of(form) | {metric("error"): "0.5", "notes": "see the log"}
    files = [("files", ("run.log", b"line\n", "text/plain")), ("files", ("../../plot.svg", b"<svg/>", "image/svg+xml"))]
    assert (await desk.browser.post(str(form["action"]), data=fields, files=files)).status_code == 303
    uri = (await desk.submitted(task.task_id))["artifacts_uri"]
    info = await desk.world.store(desk.experiment.experiment_id).read_artifact_info(uri)
    assert info.content_type == "application/zip"


async def test_a_git_password_reads_but_does_not_stay_on_the_page(desk: Desk) -> None:
    _, path = await desk.claim("evaluation")
    answer = await desk.send_to(await desk.get(path), f"{path}/git-password", notes="kept")
    assert "Shown this once" in says(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert "kept" in answer.text
    assert "Shown this once" not in says(await desk.get(path))

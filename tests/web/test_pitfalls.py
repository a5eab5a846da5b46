"""Where consoles like this one have gone wrong: each of it said once, by what has to be so."""

import re
from pathlib import Path

import httpx

from store_client import CreateVariant, ExecutionResult, ExperimentDetail, Upload, VariantStatus
from tests.web.reading import page, part, says, words
from tests.web.test_workers import shown, token_of
from tests.web.work import Worker, now
from tests.web.world import World

ROOT = Path(__file__).parents[2]
PAGES = ("/", "/e/hello/", "/e/hello/ideator", "/e/hello/executor", "/e/hello/evaluator", "/e/hello/tasks",
         "/e/hello/admin/workers", "/admin/workers")  # fmt: skip
HOOKS = {"best-what", "scale", "at", "views"}
"""Classes that are for scripts and tests alone."""


async def test_whoever_replaces_the_token_of_their_own_worker_goes_on_as_before(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    await browser_of_admin.get("/e/hello/")
    (inside,) = (await world.store(hello.experiment_id).list_workers("Administrator")).workers
    (outside,) = (await world.deployment.list_deployment_workers("Administrator")).workers
    for root, worker in (("/e/hello", inside), ("", outside)):
        answer = await shown(browser_of_admin, f"{root}/admin/workers/{worker.worker_id}/reissue")
        assert token_of(answer)[0] == worker.worker_id
        assert {path: (await browser_of_admin.get(path)).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)
    made = await browser_of_admin.post("/e/hello/admin/groups/create", data={"name": "night shift"})
    assert made.status_code == 303


async def test_no_address_puts_words_of_somebody_else_into_a_page(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    """And every page fits a phone."""
    said = "Call 555-0100 at once"
    fields = dict.fromkeys(("banner", "ok", "error", "message", "flash", "done", "notice", "failed", "problem"), said)
    for path in PAGES:
        answer = await browser_of_admin.get(path, params=fields)
        assert said not in answer.text, path
        viewport = page(answer).select_one('meta[name="viewport"]')
        assert viewport is not None
        assert "width=device-width" in str(viewport["content"])


async def test_the_first_evaluation_has_a_name_and_no_page_prints_what_is_missing(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    """The baseline has no idea behind it."""
    ada = await Worker.of(world, hello)
    task = await ada.pending("evaluation")
    listed = await browser_of_admin.get("/e/hello/evaluator")
    assert "baseline" in words(page(listed).select_one(f'[data-key="{task.task_id}"]'))
    for path in ("evaluator", "tasks", f"tasks/{task.task_id}", f"variants/{task.subject_id}", ""):
        told = says(await browser_of_admin.get(f"/e/hello/{path}"))
        assert not re.search(r"\bNone\b|unavailable", told), path


async def test_what_an_executor_kept_is_shown_and_a_variant_that_waits_for_its_score_is_no_alarm(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    ada = await Worker.of(world, hello)
    await ada.evaluate(error=1.0)
    await ada.propose("better")
    task = await ada.claim("execution")
    kept = await ada.store.deposit_artifact(Upload("training.log", b"epoch 1\n", "text/plain"))
    branch = f"work/{ada.worker_id}/v-1"
    variant = CreateVariant(
        variant_id="v-1", experiment_id=hello.experiment_id, idea_id=task.subject_id, branch=branch,
        status=VariantStatus.STARTING, parent_commits=task.parent_commits, started_at=now(),
    )  # fmt: skip
    await ada.store.create_variant(variant)
    commit = ada.push(branch, task.parent_commits[0], guess__txt="1.4\n")
    result = ExecutionResult(variant_id="v-1", status="success", commit_sha=commit, artifacts_uri=kept.artifacts_uri)
    await ada.store.submit_task(task.task_id, result)
    evaluation = await ada.pending("evaluation")
    assert "training.log" in says(await browser_of_admin.get("/e/hello/variants/v-1"))
    claimed = await browser_of_admin.post(f"/e/hello/desk/{evaluation.task_id}/claim")
    assert "training.log" in says(await browser_of_admin.get(claimed.headers["location"]))
    overview = await browser_of_admin.get("/e/hello/")
    assert "stuck" not in says(overview).lower()
    assert "orphan" not in says(await browser_of_admin.get("/e/hello/tasks")).lower()
    assert part(overview, "head")


def test_every_class_of_a_template_has_a_rule() -> None:
    """A message without its style looks like none."""
    styles = "".join(file.read_text() for file in (ROOT / "static" / "css").glob("*.css"))
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", styles)) | HOOKS
    used = set()
    for file in (ROOT / "templates").rglob("*.html"):
        for value in re.findall(r'class="([^"]*)"', file.read_text()):
            plain = re.sub(r"\{%.*?%\}", " ", re.sub(r"\{\{.*?\}\}", "{}", value))
            used |= {name for name in plain.split() if re.fullmatch(r"[a-z][\w-]*", name)}
    assert len(used) > 100
    assert used - known == set()

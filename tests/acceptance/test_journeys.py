"""What an operator does in a browser, before real processes: take part by hand, queue work, keep two tabs apart."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from store_client import ExperimentDetail, SubmitJob
from tests.acceptance.deployment import Deployment
from tests.acceptance.experiments import MANUAL, Recipe
from tests.acceptance.visitor import Visitor
from tests.browsers import OpenPage

pytestmark = pytest.mark.browser
HELPED = MANUAL | {"executor": "automatic", "evaluator": "automatic"}
"""The baseline is measured by itself; ideas come when the operator lets them."""
WIDE = {"width": 1280, "height": 900}
LANDED = re.compile(r"/desk/[^/]+/submitted$")
"""Where a desk says what became of a result."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One deployment for all journeys; each makes experiments of its own."""
    shared = Deployment(tmp_path_factory.mktemp("up") / "data")
    try:
        yield shared.up()
    finally:
        shared.clean_up()


def sign_in_link(deployment: Deployment) -> str:
    code = deployment.client.create_sign_in_code().code
    return f"{deployment.ready['web']}/signin?code={code}"


@pytest.mark.parametrize("is_scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_an_operator_takes_part_by_hand_from_the_link_to_the_integrated_variant(
    running: Deployment, open_page: OpenPage, tmp_path: Path, is_scripted: bool
) -> None:
    name, other = ("Alpha", "Beta") if is_scripted else ("Gamma", "Delta")
    recipe = Recipe(3, automation=HELPED)
    experiment = running.create(recipe.write(tmp_path / "first"), name.lower())
    running.create(recipe.write(tmp_path / "second"), other.lower())
    visitor = Visitor(open_page(viewport=WIDE, java_script_enabled=is_scripted), running, is_scripted)
    visitor.sign_in(sign_in_link(running))
    for one in (name, other):
        expect(visitor.page.locator("main").get_by_role("link", name=one.lower(), exact=True)).to_be_visible()
    visitor.page.locator("main").get_by_role("link", name=other.lower(), exact=True).click()
    visitor.switch(name.lower())
    take_over(visitor)
    overview = visitor.page.context.new_page()
    overview.goto(f"{visitor.web}/e/{experiment.slug}/")
    before = points(overview)
    commit = execute_by_hand(visitor, tmp_path / "work")
    evaluate_by_hand(visitor, commit)
    see_it_integrated(visitor, experiment)
    if not is_scripted:
        overview.reload()
    expect(overview.locator("svg.plot circle.point")).not_to_have_count(before)
    expect(overview.locator("svg.plot .best-name")).to_contain_text("9,999")


def points(page: Page) -> int:
    expect(page.locator("#progress")).to_be_visible()
    return page.locator("svg.plot circle.point").count()


def take_over(visitor: Visitor) -> None:
    """Do execution and evaluation by hand, and have ideas proposed."""
    for desk, value in (("Executor", "manual"), ("Evaluator", "manual"), ("Ideator", "automatic")):
        visitor.tab(desk)
        visitor.set_automation(value)


def execute_by_hand(visitor: Visitor, directory: Path) -> str:
    visitor.tab("Executor")
    address = visitor.claim_first()
    commit = visitor.push_by_the_page(directory, "echo by hand >>steps.txt")
    visitor.page.goto(address)
    expect(chosen_commit(visitor.page)).to_have_attribute("value", commit)
    visitor.page.get_by_label("What did you change").fill("One step, taken by hand.")
    visitor.page.get_by_role("button", name="Submit for evaluation").click()
    expect(visitor.page).to_have_url(LANDED)
    return commit


def chosen_commit(page: Page) -> Locator:
    return page.locator('select[name="commit"] option:checked')


def evaluate_by_hand(visitor: Visitor, commit: str) -> None:
    visitor.tab("Evaluator")
    visitor.claim_first()
    expect(visitor.page.locator('section[aria-labelledby="variant"]')).to_contain_text(commit[:7])
    visitor.page.get_by_label("score").fill("9999")
    visitor.page.get_by_role("button", name="Submit the evaluation").click()
    expect(visitor.page).to_have_url(LANDED)


def see_it_integrated(visitor: Visitor, experiment: ExperimentDetail) -> None:
    visitor.tab("Variants")
    rows = visitor.page.locator("tbody tr")
    visitor.wait_for(lambda: rows.filter(has_text="integrated"), "the variant is integrated")
    store = visitor.deployment.store(experiment)
    (variant,) = [each for each in store.list_variants("success") if each.variant_commit_sha]
    assert variant.evaluation == {"score": 9999}
    assert variant.description == "One step, taken by hand."
    visitor.page.locator(f'tr[data-key="{variant.variant_id}"] a.key').click()
    expect(visitor.page.locator(".diff").first).to_contain_text("by hand")


def test_an_operator_runs_an_execution_on_the_queue_and_watches_its_log(
    running: Deployment, page: Page, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    waits = f"echo first words; until [ -e {gate} ]; do sleep 0.1; done; echo last words"
    recipe = Recipe(1, meanwhile=waits, automation=MANUAL | {"ideator": "automatic"})
    experiment = running.create(recipe.write(tmp_path / "source"), "queued")
    visitor = Visitor(page, running)
    visitor.sign_in(sign_in_link(running))
    visitor.go(f"/e/{experiment.slug}/executor")
    address = visitor.claim_first()
    page.get_by_role("button", name="Run on the queue").click()
    page.get_by_role("link", name="Watch its log").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("first words")
    gate.touch()
    expect(log).to_contain_text("last words")
    page.goto(address)
    expect(chosen_commit(page)).to_have_attribute("value", re.compile(r"^[0-9a-f]{40}$"))
    page.get_by_role("button", name="Submit for evaluation").click()
    expect(page).to_have_url(LANDED)
    store = running.store(experiment)
    running.until(lambda: store.list_tasks("evaluation", "pending")[1:], "the variant is to be evaluated")


def test_two_tabs_on_two_experiments_never_mix(running: Deployment, page: Page, tmp_path: Path) -> None:
    recipe = Recipe(2, automation=MANUAL)
    left, right = (running.create(recipe.write(tmp_path / name), name) for name in ("left", "right"))
    one = Visitor(page, running)
    one.sign_in(sign_in_link(running))
    one.go("/e/left/executor")
    other = Visitor(page.context.new_page(), running)
    other.go("/e/left/executor")
    other.switch("right")
    one.set_automation("automatic")
    assert automation(running, left) == ("automatic", "manual", "manual")
    assert automation(running, right) == ("manual", "manual", "manual")
    other.tab("Evaluator")
    one.tab("Ideator")
    other.set_automation("automatic")
    assert automation(running, left) == ("automatic", "manual", "manual")
    assert automation(running, right) == ("manual", "manual", "automatic")
    one.claim_first()
    held = [task for task in running.store(left).list_tasks("ideation") if task.state == "claimed"]
    assert len(held) == 1
    assert [task for task in running.store(right).list_tasks("ideation") if task.state == "claimed"] == []
    other.go("/ideator")
    expect(other.page.locator("#switcher > summary .name")).to_have_text("right")
    one.page.reload()
    expect(one.page.locator("#switcher > summary .name")).to_have_text("left")


def automation(deployment: Deployment, experiment: ExperimentDetail) -> tuple[str, str, str]:
    """Who does the work of executor, ideator and evaluator."""
    modes = deployment.store(experiment).read_experiment_detail().automation
    return modes.executor, modes.ideator, modes.evaluator


def test_a_link_signs_in_once(running: Deployment, page: Page, console_errors: list[str]) -> None:
    link = sign_in_link(running)
    visitor = Visitor(page, running)
    visitor.sign_in(link)
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("switchyard signin")
    assert ["422" in error for error in console_errors] == [True]
    console_errors.clear()


def test_cancelling_a_job_on_its_page_ends_it(running: Deployment, page: Page, tmp_path: Path) -> None:
    experiment = running.create(Recipe(automation=MANUAL).write(tmp_path / "source"), "cancelled")
    job = running.worker(experiment).submit_job(SubmitJob(name="Sleep", command=("sleep", "600")))
    visitor = Visitor(page, running)
    visitor.sign_in(sign_in_link(running))
    visitor.go(f"/queue/{job.number}")
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name=re.compile("^Cancel")).click()
    running.until(lambda: running.client.read_job(job.job_id).state == "cancelled", "the job is cancelled")

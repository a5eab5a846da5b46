"""The page of a job: its log searched and unwrapped, when it ends, and the command that queues one like it."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from control_plane.scheduler.operations import attempts
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.tables import jobs, progress
from store_client import ExperimentDetail, JobDetail
from store_client.cli import job_submit
from store_client.wire.jobs import Resources
from store_client.wire.scalars import format_time
from tests.web.desk import scheduling
from tests.web.reading import page, part, says, words
from tests.web.test_queue import ended, queued
from tests.web.world import World
from web_ui.job_command import again
from web_ui.job_words import needs

RICH: dict[str, Any] = {
    "command": ("python", "train.py", "--text", "it's here; $HOME"),
    "resources": {"gpus": 2, "gpu_memory_bytes": 20_000_000_000, "only_gpus": ["0", "GPU-a"], "cpus": 4},
    "priority": 7,
    "timeout_seconds": 90.5,
    "idle_timeout_seconds": 30,
    "retry": {"max_attempts": 5, "on": ["lost", "failed"], "delay_seconds": 2},
    "preemption": {},
    "tags": ["night", "a b"],
    "run_id": "run_1",
}


async def runs(world: World, job: JobDetail, *, minutes: float, said: dict[str, Any] | None = None) -> None:
    """The job runs since so many minutes, and says this of itself now."""
    now = datetime.now(UTC)
    began = format_time(now - timedelta(minutes=minutes))
    house, own = world.parts.house, jobs.c.job_id == job.job_id
    await house.write(lambda tx: attempts.place(tx, Placement.on(job.job_id, "cpu:0")))
    await house.write(lambda tx: attempts.start(tx, job.job_id, 1))
    await house.write(lambda tx: tx.connection.execute(update(jobs).where(own).values(started_at=began)).close())
    if said is not None:
        row = {"job_id": job.job_id, "attempt": 1, "at": format_time(now), "said": said}
        await house.write(lambda tx: tx.connection.execute(insert(progress).values(**row)).close())


@pytest.mark.parametrize(
    "wish",
    [RICH, {"resources": {"gpus": 1, "gpu_share": 0.25}}, {"resources": {"gpus": 1, "mig_profile": "1g.10gb"}}, {}],
)
async def test_a_jobs_command_queues_one_like_it(world: World, hello: ExperimentDetail, wish: dict[str, Any]) -> None:
    first = await queued(world, hello, "train", **wish)
    job = await world.deployment.read_job(first.job_id)
    said = again(job)
    program, noun, verb, *arguments = shlex.split(said.text)
    assert (program, noun, verb) == ("switchyard", "job", "submit")
    given = job_submit.submit.make_context("submit", arguments).params
    assert given.pop("experiment") == "hello"
    spec = job_submit.spec(given.pop("command"), given)
    same = ("name", "command", "resources", "priority", "timeout_seconds", "idle_timeout_seconds", "retry", "run_id")
    assert [getattr(spec, name) for name in same] == [getattr(job, name) for name in same]
    assert (spec.commit_sha, spec.preemption, set(spec.tags)) == (job.commit_sha, job.preemption, set(job.tags))
    assert said.lacks == ""


async def test_what_a_command_line_cannot_say_is_named_and_no_value_of_a_variable_is_told(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    wish: dict[str, Any] = {"environment": {"LEVEL": "very-secret"}, "files": {"a.txt": "hidden"}, "stdin": "hidden"}
    job = await queued(world, hello, **wish)
    shown = await browser_of_admin.get(f"/queue/{job.number}")
    assert "Without its variables (LEVEL), the files it was given (a.txt, -)." in says(shown)
    assert "very-secret" not in shown.text
    assert "hidden" not in says(shown)


async def test_lines_of_a_log_are_found_and_lines_can_be_left_unwrapped(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    lines = "printf 'begin\\nLoss 1\\nother <b>\\nloss 2\\n'"
    job = await queued(world, hello, command=("/bin/sh", "-c", lines))
    with scheduling(world):
        await ended(world, hello, job)
    path = f"/queue/{job.number}"
    found = await browser_of_admin.get(f"{path}?find=LOSS")
    assert "2 lines with “LOSS” in the first 30 B." in says(found)
    log = page(found).select_one("pre.log")
    assert log is not None
    assert log.get_text() == "Loss 1\nloss 2\n"
    none = await browser_of_admin.get(f"{path}?find=<script>&wrap=off")
    assert "0 lines with “<script>”" in says(none)
    plain = await browser_of_admin.get(f"{path}?wrap=off")
    assert page(plain).select(".log-box.is-unwrapped pre.log")
    assert "Wrap lines" in words(part(plain, "log"))


async def test_a_running_job_says_when_it_ends_as_far_as_it_says_how_far_it_is(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    telling = await queued(world, hello, "telling", timeout_seconds=7200)
    await runs(world, telling, minutes=30, said={"fraction": 0.5})
    shown = says(await browser_of_admin.get(f"/queue/{telling.number}"))
    assert re.search(r"At the pace it reports it ends in 2[34] to 3[78] min; at the latest", shown)
    assert "at the latest it is stopped in 1 h" in shown


async def test_a_job_that_says_nothing_of_itself_ends_at_its_limit_at_the_latest(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    silent = await queued(world, hello, "silent", timeout_seconds=600)
    await runs(world, silent, minutes=20)
    shown = says(await browser_of_admin.get(f"/queue/{silent.number}"))
    assert "It does not say how far it is; it is stopped any moment now, at its limit of 10 min." in shown


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Resources(gpus=1, gpu_share=0.25), "25 % of a GPU"),
        (Resources(gpus=1, mig_profile="1g.10gb", cpus=2), "a 1g.10gb slice · 2 CPUs"),
        (Resources(gpus_where_present=1), "1 GPU where there is one · 1 CPU"),
    ],
)
def test_needs_name_shares_and_slices(wish: Resources, said: str) -> None:
    assert needs(wish) == said

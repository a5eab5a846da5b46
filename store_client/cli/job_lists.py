"""Looking at jobs: lists, one whole, why it waits, and what it reports."""

import shlex
from collections.abc import Iterator
from typing import Any

import click

from store_client.cli import paging, show, sizes
from store_client.cli.server import Server, find_experiment, talks_to_server
from store_client.client import ControlPlaneClient
from store_client.wire.batches import JobFilter
from store_client.wire.jobs import Attempt, Job, JobDetail, JobState, Resources
from store_client.wire.reports import MetricSeries
from store_client.wire.scheduler import Explanation, QueuedJob, SchedulerStatus, StartBand

HEADINGS = ("Job", "State", "Name", "Needs", "Priority", "Attempt", "Why it waits")
"""What `row` tells of a job."""
STATE = click.Choice([state.value for state in JobState])


@click.command("list")
@click.option("--experiment", help="only this experiment's")
@click.option("--state", "states", type=STATE, multiple=True, help="may be repeated")
@click.option("--name", help="what the name begins with")
@click.option("--tag")
@click.option("--by", "submitted_by", help="who submitted it")
@click.option("--run", "run_id", help="the run it belongs to")
@click.option("--array", "array_id", help="the array it is one of")
@click.option("--act", "act_id", help="the act on many jobs that cancelled it")
@click.option("--cause", help="how it ended, as user_error or out_of_memory")
@click.option("--all", "is_all", is_flag=True, help="also jobs that have ended")
@click.option("--limit", type=click.IntRange(1, 100_000), default=paging.PAGE, show_default=True)
@talks_to_server
def list_(experiment: str | None, is_all: bool, limit: int, server: Server, **given: Any) -> None:
    """List the jobs that wait and run, or all, or those that meet every condition given."""

    async def read(deployment: ControlPlaneClient) -> list[Job]:
        wanted = await chosen(deployment, experiment, given)
        is_narrow = wanted.states or wanted.cause or is_all
        told = wanted if is_narrow else wanted.having(is_open=True)
        return await paging.first(lambda after, size: deployment.list_jobs(after=after, limit=size, wanted=told), limit)

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
    else:
        show.table(HEADINGS, map(row, found), empty="No job is like that." if is_all else "No job waits or runs.")


async def chosen(deployment: ControlPlaneClient, experiment: str | None, given: dict[str, Any]) -> JobFilter:
    """The filter that options name."""
    some = {name: value for name, value in given.items() if value}
    if experiment is not None:
        some["experiment_id"] = await find_experiment(deployment, experiment)
    return JobFilter.model_validate(some)


def row(found: Job) -> tuple[object, ...]:
    why = found.waiting_for if found.state is JobState.QUEUED else found.detail or found.cause
    return (
        found.number, found.state.value, found.name, needs(found.resources), found.priority, found.attempt, why or ""
    )  # fmt: skip


def needs(need: Resources) -> str:
    """What an attempt holds, in short."""
    count = max(need.gpus, need.gpus_where_present)
    kind = f"{100 * need.gpu_share:.0f} % of a GPU" if need.gpu_share else need.mig_profile or f"{count} GPU"
    parts = [kind] if count else []
    parts += [sizes.in_words(need.gpu_memory_bytes)] if need.gpu_memory_bytes else []
    return ", ".join([*parts, f"{need.cpus} CPU"])


@click.command()
@click.option("--experiment", help="only this experiment's")
@click.option("--limit", type=click.IntRange(1, paging.PAGE), default=50, show_default=True)
@talks_to_server
def queue(experiment: str | None, limit: int, server: Server) -> None:
    """Show who waits for slots, the next one first, and when each is likely to start."""

    async def read(deployment: ControlPlaneClient) -> SchedulerStatus:
        experiment_id = await find_experiment(deployment, experiment) if experiment else None
        return await deployment.read_queue(experiment_id, limit=limit)

    found = server.ask(read)
    if server.is_json:
        show.as_json(found)
        return
    show.table(
        ("Place", "Job", "Name", "Needs", "Priority", "Starts between", "Why it waits"),
        map(_queued, found.items),
        empty="No job waits for a slot.",
    )
    if found.items and found.no_start:
        click.echo(f"When they start is not known: {found.no_start}.")


def _queued(one: QueuedJob) -> tuple[object, ...]:
    job = one.job
    return (
        one.position, job.number, job.name, needs(job.resources), job.priority, _band(one.start), job.waiting_for or ""
    )  # fmt: skip


def _band(start: StartBand | None) -> str:
    """Two times of day, in UTC."""
    return "" if start is None else f"{start.earliest[11:19]} and {start.latest[11:19]}"


@click.command("show")
@click.argument("job")
@talks_to_server
def show_(job: str, server: Server) -> None:
    """Show one job."""
    found = server.ask(lambda deployment: deployment.read_job(job))
    if server.is_json:
        show.as_json(found)
        return
    show.facts(_facts(found))
    if found.attempts:
        headings = ("Attempt", "State", "Slots", "Node", "Started", "Ended", "Exit code", "Why")
        show.table(headings, map(_attempt, found.attempts), empty="")


def _facts(found: JobDetail) -> list[tuple[str, object]]:
    progress = found.progress
    done = f"{100 * progress.fraction:.0f} %" if progress and progress.fraction is not None else None
    return [
        ("Job", found.number),
        ("Id", found.job_id),
        ("Name", found.name),
        ("State", found.state.value),
        ("Place", found.position),
        ("Why it waits", found.waiting_for),
        ("Gives way", found.giving_way),
        ("Progress", " ".join(part for part in (done, progress.message if progress else None) if part)),
        ("Command", shlex.join(found.command)),
        ("Needs", needs(found.resources)),
        ("Priority", found.priority),
        ("Tags", ", ".join(found.tags)),
        ("Comes after", ", ".join(one.job_id for one in found.depends_on)),
        ("Commit", found.commit_sha),
        ("Attempt", found.attempt),
        ("Exit code", found.exit_code),
        ("How it ended", found.detail or found.cause),
        ("Started", found.started_at),
        ("Ended", found.ended_at),
        ("Published", found.published_commit),
    ]


def _attempt(one: Attempt) -> tuple[object, ...]:
    why = one.detail or one.cause
    return one.number, one.state.value, ", ".join(one.slots), one.node, one.started_at, one.ended_at, one.exit_code, why


@click.command()
@click.argument("job")
@talks_to_server
def explain(job: str, server: Server) -> None:
    """Say why a job waits, when it may start, and the smallest change that would start it."""
    found = server.ask(lambda deployment: deployment.explain_job(job))
    if server.is_json:
        show.as_json(found)
    else:
        click.echo("\n".join(_explained(found)))


def _explained(found: Explanation) -> Iterator[str]:
    yield f"Job {found.number}: {found.sentence}"
    yield from (f"  {place}. {one.sentence}" for place, one in enumerate(found.constraints, 1))
    if not found.constraints:
        return
    if found.start is not None:
        yield f"Starts between {found.start.earliest} and {found.start.latest}, eight of ten times."
    elif found.no_start:
        yield f"When it starts is not known: {found.no_start}."
    changes = [one for one in (found.change, *found.alternatives) if one is not None]
    nothing = f"What would help: {found.no_change or 'no change of the queue would start it sooner'}."
    yield "What would help, the smallest change first:" if changes else nothing
    yield from (f"  - {one.sentence}" for one in changes)


@click.command()
@click.argument("job")
@click.option("--attempt", type=click.IntRange(1), help="default: the newest")
@talks_to_server
def metrics(job: str, attempt: int | None, server: Server) -> None:
    """Show what a job reported of itself."""
    found = server.ask(lambda deployment: deployment.read_job_metrics(job, attempt=attempt, points=10_000))
    if server.is_json:
        show.as_json(found)
    else:
        headings = ("Metric", "Newest", "Least", "Greatest", "Values", "Step")
        show.table(headings, map(_metric, found.series), empty="It has reported nothing.")


def _metric(series: MetricSeries) -> tuple[object, ...]:
    values = [point.value for point in series.points]
    numbers = (show.number(one) for one in (values[-1], min(values), max(values)))
    return series.name, *numbers, len(values), show.number(series.points[-1].step)

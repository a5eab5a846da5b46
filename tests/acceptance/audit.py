"""What must hold of a data directory whatever happened to its processes: the log replayed against the rows, and git."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, RowMapping, Table, select

from control_plane.db.engine import Database
from control_plane.db.log import PROTOCOL_TYPES
from control_plane.db.tables import DEPLOYMENT, events, experiments, scores, tallies
from control_plane.scheduler.tables import attempts, holds, jobs
from control_plane.task_store.tables import ideas, submissions, tasks, variants
from tests.git.stock import Stock

Moves = Mapping[str, tuple[frozenset[str | None], str]]


def _from(*states: str | None) -> frozenset[str | None]:
    return frozenset(states)


ON_A_SLOT = _from("starting", "running")
ENDS = _from("succeeded", "failed", "cancelled", "timed_out", "out_of_memory", "lost")
TASKS: Moves = {
    "task.created": (_from(None), "pending"),
    "task.claimed": (_from("pending"), "claimed"),
    "task.submitted": (_from("claimed"), "submitted"),
    "task.completed": (_from("submitted"), "completed"),
    "task.failed": (_from("submitted"), "failed"),
    "task.reclaimed": (_from("claimed", "submitted"), "pending"),
    "task.reassigned": (_from("pending"), "pending"),
}
IDEAS: Moves = {
    "idea.drafted": (_from(None), "drafting"),
    "idea.ready": (_from("drafting"), "ready"),
    "idea.dispatched": (_from("ready"), "dispatched"),
    "idea.completed": (_from("dispatched"), "completed"),
}
VARIANTS: Moves = {
    "variant.started": (_from(None), "starting"),
    "variant.succeeded": (_from("starting"), "success"),
    "variant.errored": (_from("starting"), "error"),
    "variant.evaluation_errored": (_from("starting"), "evaluation_error"),
    "variant.integrated": (_from("success"), "integrated"),
}
JOBS: Moves = {
    "job.queued": (_from(None), "queued"),
    "job.starting": (_from("queued"), "starting"),
    "job.started": (_from("starting"), "running"),
    "job.cancelling": (ON_A_SLOT, "cancelling"),
    "job.requeued": (ON_A_SLOT | ENDS, "queued"),
    "job.finished": (ON_A_SLOT | {"queued", "cancelling"}, ""),
}


@dataclass(frozen=True)
class Books:
    """The rows of a deployment and its log, read at one moment."""

    connection: Connection
    repositories: Path

    def rows(self, table: Table) -> list[RowMapping]:
        return list(self.connection.execute(select(table)).mappings())

    @property
    def log(self) -> list[RowMapping]:
        return list(self.connection.execute(select(events).order_by(events.c.position)).mappings())


def faults(url: str, data: Path) -> list[str]:
    """Everything that is wrong, in words; an empty list when the books are in order."""
    database = Database.open(url)
    try:
        with database.reading() as connection:
            books = Books(connection, data / "repos")
            return [fault for look in LOOKS for fault in look(books)]
    finally:
        database.close()


def faults_of_the_log(books: Books) -> Iterator[str]:
    """Positions and sequences count without a gap, and no event is there twice."""
    log = books.log
    if [each["position"] for each in log] != list(range(1, len(log) + 1)):
        yield "the positions of the log have gaps"
    if len({each["event_id"] for each in log}) != len(log):
        yield "an event id is used twice"
    told: dict[str, list[int]] = {}
    for each in log:
        if (each["sequence"] is None) != (each["type"] not in PROTOCOL_TYPES):
            yield f"{each['type']} at {each['position']} has the sequence {each['sequence']}"
        if each["sequence"] is not None:
            told.setdefault(each["experiment_id"], []).append(each["sequence"])
    for experiment, sequences in told.items():
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"the sequences of {experiment} have gaps"


def faults_of_histories(books: Books) -> Iterator[str]:
    """Every history is legal step by step, and ends where its row stands."""
    log = books.log
    yield from _replay(log, TASKS, "task_id", {row["task_id"]: row["state"] for row in books.rows(tasks)})
    yield from _replay(log, IDEAS, "idea_id", {row["idea_id"]: row["state"] for row in books.rows(ideas)})
    yield from _replay(log, VARIANTS, "variant_id", {row["variant_id"]: _end(row) for row in books.rows(variants)})
    yield from _replay(log, JOBS, "job_id", {row["job_id"]: row["state"] for row in books.rows(jobs)})


def _end(variant: RowMapping) -> str:
    return "integrated" if variant["variant_commit_sha"] else str(variant["status"])


def _replay(log: list[RowMapping], moves: Moves, key: str, rows: Mapping[str, str]) -> Iterator[str]:
    states: dict[str, str] = {}
    for each in log:
        if each["type"] not in moves:
            continue
        named = each["data"][key]
        sources, state = moves[each["type"]]
        if states.get(named) not in sources:
            yield f"{each['type']} of {named} at {each['position']}, when it was {states.get(named)}"
        states[named] = state or each["data"]["state"]
    for named in rows.keys() | states.keys():
        if rows.get(named) != states.get(named):
            yield f"{named} is {rows.get(named)}, and its events make it {states.get(named)}"


def faults_of_tasks(books: Books) -> Iterator[str]:
    """A submission for each task that was submitted; one execution for each idea that was dispatched."""
    found = books.rows(tasks)
    handed_in = {row["task_id"] for row in found if row["state"] in {"submitted", "completed", "failed"}}
    if handed_in != {row["task_id"] for row in books.rows(submissions)}:
        yield "tasks and submissions do not belong together"
    executions = Counter(row["subject_id"] for row in found if row["kind"] == "execution")
    dispatched = {row["idea_id"] for row in books.rows(ideas) if row["state"] in {"dispatched", "completed"}}
    if executions != Counter(dispatched):
        yield f"ideas and executions do not belong together: {executions} and {dispatched}"
    commits = Counter(row["commit_sha"] for row in books.rows(variants) if row["commit_sha"] and not row["kind"])
    yield from (f"{commit} was accepted {count} times" for commit, count in commits.items() if count > 1)


def faults_of_tallies(books: Books) -> Iterator[str]:
    """Each kept count is what counting gives."""
    counted: Counter[tuple[str, str]] = Counter()
    for idea in books.rows(ideas):
        counted.update((idea["experiment_id"], name) for name in ("ideas", f"ideas.{idea['state']}"))
    for variant in books.rows(variants):
        names = ["variants", f"variants.{variant['status']}"]
        names += ["variants.integrated"] if variant["variant_commit_sha"] else []
        counted.update((variant["experiment_id"], name) for name in names)
    counted.update((row["experiment_id"], f"tasks.{row['kind']}.{row['state']}") for row in books.rows(tasks))
    for job in books.rows(jobs):
        counted.update((scope, f"jobs.{job['state']}") for scope in (job["experiment_id"], DEPLOYMENT))
    kept = {(row["experiment_id"], row["name"]): row["total"] for row in books.rows(tallies)}
    for key in counted.keys() | kept.keys():
        if kept.get(key, 0) != counted[key]:
            yield f"{key} is kept as {kept.get(key, 0)} and counts {counted[key]}"


def faults_of_scores(books: Books) -> Iterator[str]:
    """The best that is kept is the best there is."""
    kept = {row["experiment_id"]: row for row in books.rows(scores)}
    for experiment in books.rows(experiments):
        name = experiment["experiment_id"]
        scored = [row for row in books.rows(variants) if row["experiment_id"] == name and row["objective_value"]]
        best = min if experiment["config"]["objective"]["direction"] == "minimize" else max
        wanted = best((row["objective_value"] for row in scored), default=None)
        found = kept[name]["best_value"] if name in kept else None
        if found != wanted:
            yield f"{experiment['slug']}: the best is kept as {found} and is {wanted}"


def faults_of_jobs(books: Books) -> Iterator[str]:
    """Attempts are numbered without a gap, at most the last lives, and only what lives holds slots."""
    by_job: dict[str, list[RowMapping]] = {}
    for attempt in sorted(books.rows(attempts), key=lambda row: row["number"]):
        by_job.setdefault(attempt["job_id"], []).append(attempt)
    held = Counter((row["job_id"], row["attempt"]) for row in books.rows(holds))
    for job in books.rows(jobs):
        tried = by_job.get(job["job_id"], [])
        if [attempt["number"] for attempt in tried] != list(range(1, job["attempt"] + 1)):
            yield f"job {job['number']}: its attempts are not numbered without a gap"
        if any(attempt["ended_at"] is None for attempt in tried[:-1]):
            yield f"job {job['number']}: an earlier attempt did not end"
        is_placed = job["state"] in {"starting", "running", "cancelling"}
        if bool(held[job["job_id"], job["attempt"]]) != is_placed:
            yield f"job {job['number']} is {job['state']} and holds {held[job['job_id'], job['attempt']]} slots"
    under = Counter((row["task_id"], row["claimed_at"]) for row in books.rows(jobs) if row["role"])
    yield from (f"{count} jobs under one claim: {key}" for key, count in under.items() if count > 1)


def faults_of_git(books: Books) -> Iterator[str]:
    """Each integrated variant has its branch with one commit on its parents, and there is no other such branch."""
    for experiment in books.rows(experiments):
        repository = books.repositories / f"{experiment['experiment_id']}.git"
        if not repository.is_dir():
            continue
        integrated = [
            row
            for row in books.rows(variants)
            if row["experiment_id"] == experiment["experiment_id"] and row["variant_commit_sha"]
        ]
        slugs = {row["idea_id"]: row["slug"] for row in books.rows(ideas)}
        wanted = {
            f"variant/{row['variant_id']}-{slugs[row['idea_id']]}": (row["variant_commit_sha"], row["parent_commits"])
            for row in integrated
        }
        yield from _differences(repository, wanted, experiment)


def _differences(
    repository: Path, wanted: Mapping[str, tuple[str, list[str]]], experiment: RowMapping
) -> Iterator[str]:
    git = Stock(repository.parent / ".home")
    listing = "--format=%(refname:lstrip=2) %(objectname) %(parent)"
    listed = git("for-each-ref", listing, "refs/heads/variant", cwd=repository)
    found = {name: (commit, parents) for name, commit, *parents in map(str.split, listed.splitlines())}
    for name in found.keys() | wanted.keys():
        if found.get(name) != wanted.get(name):
            yield f"{experiment['slug']}: {name} is {found.get(name)}, and should be {wanted.get(name)}"
    if git("rev-parse", "refs/heads/main", cwd=repository) != experiment["base_commit_sha"]:
        yield f"{experiment['slug']}: main moved"


LOOKS: tuple[Callable[[Books], Iterator[str]], ...] = (
    faults_of_the_log,
    faults_of_histories,
    faults_of_tasks,
    faults_of_tallies,
    faults_of_scores,
    faults_of_jobs,
    faults_of_git,
)

"""What must be true of the queue at any moment, asked of the tables, the log and the machine."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, String, cast, select

from control_plane.db import log
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.operations import listing
from control_plane.scheduler.tables import attempts, holds, jobs
from store_client.wire.jobs import FINAL_STATES, JobState
from tests.scheduler.fake_engine import Machine

S = JobState
ON_SLOTS = {S.STARTING, S.RUNNING, S.CANCELLING}
STEPS: dict[str, tuple[set[JobState], set[JobState]]] = {
    "starting": ({S.QUEUED}, {S.STARTING}),
    "started": ({S.STARTING}, {S.RUNNING}),
    "cancelling": ({S.STARTING, S.RUNNING}, {S.CANCELLING}),
    "requeued": ({S.STARTING, S.RUNNING, *FINAL_STATES} - {S.SUCCEEDED}, {S.QUEUED}),
    "finished": ({S.QUEUED, *ON_SLOTS}, set(FINAL_STATES)),
}
"""From where each event of a job leads, and where to; others move nothing."""


JOBS = select(
    *(
        jobs.c[name]
        for name in ("job_id", "number", "experiment_id", "state", "attempt", "priority", "rank", "waits_on")
    ),
    *(jobs.c[name] for name in ("not_before", "queued_at", "waiting_for")),
    cast(jobs.c.resources, String).label("resources"),
)
ATTEMPTS = select(attempts.c.job_id, attempts.c.number, attempts.c.ended_at)
HOLDS = select(holds.c.slot_id, holds.c.unit, holds.c.job_id, holds.c.attempt)


@dataclass
class Story:
    """A job as the log tells it."""

    state: JobState = S.QUEUED
    attempt: int = 0

    def apply(self, act: str, state: JobState, attempt: int) -> None:
        sources, targets = STEPS.get(act, ({self.state}, {self.state}))
        is_legal = self.state in sources and state in targets
        assert is_legal, f"{act} of a job that was {self.state}, now {state}"
        assert attempt == self.attempt + (act == "starting"), f"{act} tells of attempt {attempt} after {self.attempt}"
        self.state, self.attempt = state, attempt


@dataclass
class Seen:
    """The tables at one moment."""

    jobs: dict[str, RowMapping]
    attempts: dict[tuple[str, int], RowMapping]
    held: dict[tuple[str, int], tuple[str, int]]
    tallies: dict[str, int]
    told: list[RowMapping]


@dataclass
class Accounts:
    """The books of one day."""

    house: House
    machine: Machine
    stories: dict[str, Story] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.position = self.house.read_now(lambda tx: log.tip(tx.connection))

    def expect(self, job_id: str) -> None:
        """A job was submitted, and from now on is there."""
        self.expected.add(job_id)

    @property
    def open_jobs(self) -> int:
        """How many jobs are open, as far as was last looked."""
        return sum(1 for story in self.stories.values() if story.state not in FINAL_STATES)

    def attempt_of(self, job_id: str) -> int:
        return self.stories[job_id].attempt if job_id in self.stories else 0

    def open_now(self) -> dict[str, tuple[str, str | None]]:
        """Every job that has not ended, and why it says it waits."""
        rows = self.house.read_now(_jobs).values()
        final = {state.value for state in FINAL_STATES}
        return {row["job_id"]: (row["state"], row["waiting_for"]) for row in rows if row["state"] not in final}

    def _look(self, tx: Tx) -> Seen:
        connection = tx.connection
        return Seen(
            _jobs(tx),
            {(row["job_id"], row["number"]): row for row in connection.execute(ATTEMPTS).mappings()},
            {(row.slot_id, row.unit): (row.job_id, row.attempt) for row in connection.execute(HOLDS)},
            {state: total for state, total in listing.by_state(tx).items() if total},
            list(log.read_after(connection, self.position, 10_000, None)),
        )

    def check(self) -> Seen:
        """Everything that must hold at any moment."""
        seen = self.house.read_now(self._look)
        self._replay(seen)
        assert self.expected == set(seen.jobs), "every job that was submitted is there"
        assert seen.tallies == Counter(row["state"] for row in seen.jobs.values()), "tallies are counts"
        self._attempts_are_in_order(seen)
        self._holds_are_of_live_attempts(seen)
        self._what_runs_is_known(seen)
        return seen

    def _replay(self, seen: Seen) -> None:
        for event in seen.told:
            self.position = event["position"]
            kind, _, act = event["type"].partition(".")
            if kind == "job":
                data = event["data"]
                if act == "queued":
                    assert data["job_id"] not in self.stories
                    self.stories[data["job_id"]] = Story()
                else:
                    self.stories[data["job_id"]].apply(act, S(data["state"]), data["attempt"])
        told = {job_id: (story.state, story.attempt) for job_id, story in self.stories.items()}
        assert told == {job_id: (row["state"], row["attempt"]) for job_id, row in seen.jobs.items()}

    @staticmethod
    def _attempts_are_in_order(seen: Seen) -> None:
        counts = Counter(job_id for job_id, _ in seen.attempts)
        for job_id, row in seen.jobs.items():
            assert counts[job_id] == row["attempt"], "attempts are numbered without gaps"
        for (job_id, number), row in seen.attempts.items():
            is_live = number == seen.jobs[job_id]["attempt"] and seen.jobs[job_id]["state"] in ON_SLOTS
            assert (row["ended_at"] is None) == is_live, f"attempt {number} of {job_id} lives where its job does not"

    @staticmethod
    def _holds_are_of_live_attempts(seen: Seen) -> None:
        live = {(job_id, row["attempt"]) for job_id, row in seen.jobs.items() if row["state"] in ON_SLOTS}
        assert set(seen.held.values()) == live, "exactly the live attempts hold slots"

    def _what_runs_is_known(self, seen: Seen) -> None:
        for key in self.machine.running:
            holding = {unit for unit, holder in seen.held.items() if holder == key}
            assert holding == self.machine.runs[key].units, f"{key} runs on units that it does not hold"

    @contextmanager
    def order_of_starts(self) -> Iterator[None]:
        """What is placed meanwhile stood before everything of its kind that is left waiting."""
        waited = [row for row in self.house.read_now(_jobs).values() if _is_placeable(row)]
        yield
        after = self.house.read_now(_jobs) if waited else {}
        placed = [row for row in waited if after[row["job_id"]]["attempt"] > row["attempt"]]
        left = [row for row in waited if after[row["job_id"]]["state"] == S.QUEUED and row not in placed]
        for passed in left:
            for one in placed:
                assert not _is_ahead(passed, one), f"job {one['number']} was placed before job {passed['number']}"


def _jobs(tx: Tx) -> dict[str, RowMapping]:
    return {row["job_id"]: row for row in tx.connection.execute(JOBS).mappings()}


def _is_placeable(row: RowMapping) -> bool:
    return bool(row["state"] == S.QUEUED and row["waits_on"] == 0 and row["not_before"] is None)


def _is_ahead(one: RowMapping, other: RowMapping) -> bool:
    """Whether a waiting job must start before another of the same wish."""
    if (one["experiment_id"], one["resources"]) != (other["experiment_id"], other["resources"]):
        return False
    if one["priority"] == other["priority"]:
        return bool((one["rank"], one["number"]) < (other["rank"], other["number"]))
    return bool(one["priority"] > other["priority"] and one["queued_at"] <= other["queued_at"])

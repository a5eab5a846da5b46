"""What must be true of the queue at any moment, asked of the tables, the log and the machine."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

from sqlalchemy import RowMapping, String, cast, func, select

from control_plane.db import log
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.operations import listing
from control_plane.scheduler.rules.board import GPU_UNITS
from control_plane.scheduler.tables import arrays, attempts, holds, jobs
from store_client.wire.jobs import FINAL_STATES, JobState, Resources
from store_client.wire.scalars import parse_time
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


ASKED = (
    "job_id", "number", "experiment_id", "submitted_by", "state", "attempt", "priority", "rank", "waits_on",
    "not_before", "queued_at", "waiting_for", "array_id",
)  # fmt: skip
SUBMITTED = func.coalesce(arrays.c.created_at, jobs.c.created_at).label("submitted_at")
JOBS = select(*(jobs.c[name] for name in ASKED), cast(jobs.c.resources, String).label("resources"), SUBMITTED)
JOBS = JOBS.outerjoin(arrays, arrays.c.array_id == jobs.c.array_id)
ARRAYS = select(arrays.c.array_id, arrays.c.size, arrays.c.made, arrays.c.ended, arrays.c.is_cancelled)
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
    arrays: dict[str, RowMapping]
    tallies: dict[str, int]
    told: list[RowMapping]


@dataclass
class Accounts:
    """The books of one day."""

    house: House
    machine: Machine
    stories: dict[str, Story] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    """Arrays of which it was told that they were cancelled, and not that they go on."""

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
        """Every job that has not ended, and why it says it waits; and the arrays that still lack jobs."""
        seen = self.house.read_now(self._look)
        rows = [row for row in seen.jobs.values() if not S(row["state"]).is_final]
        lacking = [row for row in seen.arrays.values() if row["made"] < row["size"] and not row["is_cancelled"]]
        found = {row["job_id"]: (row["state"], row["waiting_for"]) for row in rows}
        return found | {row["array_id"]: ("open", f"{row['made']} of {row['size']}") for row in lacking}

    def _look(self, tx: Tx) -> Seen:
        connection = tx.connection
        return Seen(
            _jobs(tx),
            {(row["job_id"], row["number"]): row for row in connection.execute(ATTEMPTS).mappings()},
            {(row.slot_id, row.unit): (row.job_id, row.attempt) for row in connection.execute(HOLDS)},
            {row["array_id"]: row for row in connection.execute(ARRAYS).mappings()},
            {state: total for state, total in listing.by_state(tx).items() if total},
            list(log.read_after(connection, self.position, 10_000, None)),
        )

    def check(self) -> Seen:
        """Everything that must hold at any moment."""
        seen = self.house.read_now(self._look)
        self._replay(seen)
        lost = self.expected - set(seen.jobs)
        assert not lost, f"jobs that were submitted are gone: {lost}"
        strange = {job_id for job_id, row in seen.jobs.items() if row["array_id"] is None} - self.expected
        assert not strange, f"jobs that nobody submitted: {strange}"
        self._arrays_are_whole(seen)
        assert seen.tallies == Counter(row["state"] for row in seen.jobs.values()), "tallies are counts"
        self._attempts_are_in_order(seen)
        self._holds_are_of_live_attempts(seen)
        self._what_runs_is_known(seen)
        self._grants_are_what_was_asked(seen)
        return seen

    def _replay(self, seen: Seen) -> None:
        for event in seen.told:
            self.position = event["position"]
            kind, _, act = event["type"].partition(".")
            data = event["data"]
            if act in ("array_cancelled", "array_reopened"):
                assert (data["array_id"] in self.closed) == (act == "array_reopened"), "each is told once"
                self.closed ^= {data["array_id"]}
            elif kind == "job" and act != "spread":
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

    def _arrays_are_whole(self, seen: Seen) -> None:
        made = Counter(row["array_id"] for row in seen.jobs.values() if row["array_id"] is not None)
        ended = Counter(row["array_id"] for row in seen.jobs.values() if row["array_id"] and S(row["state"]).is_final)
        for array_id, row in seen.arrays.items():
            assert (row["made"], row["ended"]) == (made[array_id], ended[array_id]), f"the counts of {array_id}"
            assert row["made"] <= row["size"]
            assert row["is_cancelled"] or array_id not in self.closed, f"{array_id} goes on, and nobody said so"

    @staticmethod
    def _holds_are_of_live_attempts(seen: Seen) -> None:
        live = {(job_id, row["attempt"]) for job_id, row in seen.jobs.items() if row["state"] in ON_SLOTS}
        assert set(seen.held.values()) == live, "exactly the live attempts hold slots"

    def _what_runs_is_known(self, seen: Seen) -> None:
        for key in self.machine.running:
            holding = {unit for unit, holder in seen.held.items() if holder == key}
            assert holding == self.machine.runs[key].units, f"{key} runs on units that it does not hold"

    def _grants_are_what_was_asked(self, seen: Seen) -> None:
        """Whole GPUs are held whole, a share is of one, and nobody holds more."""
        held: dict[tuple[str, int], Counter[str]] = {}
        for (slot_id, _), holder in seen.held.items():
            held.setdefault(holder, Counter())[slot_id] += 1
        for (job_id, _), slots in held.items():
            wish = Resources.model_validate_json(seen.jobs[job_id]["resources"])
            cards = [units for slot_id, units in slots.items() if not slot_id.startswith("cpu:")]
            assert len(slots) - len(cards) == wish.cpus
            if wish.gpu_share is not None:
                assert cards == [ceil(wish.gpu_share * GPU_UNITS)], f"{job_id} holds {slots}"
            else:
                assert set(cards) <= {GPU_UNITS}, f"{job_id} holds {slots}"
                assert len(cards) in {wish.gpus, wish.gpus_where_present}

    @contextmanager
    def order_of_starts(self, starvation_seconds: float) -> Iterator[None]:
        """What is placed meanwhile stood before everything of its kind that is left waiting."""
        waited = [row for row in self.house.read_now(_jobs).values() if _is_placeable(row)]
        yield
        after = self.house.read_now(_jobs) if waited else {}
        placed = [row for row in waited if after[row["job_id"]]["attempt"] > row["attempt"]]
        left = [row for row in waited if after[row["job_id"]]["state"] == S.QUEUED and row not in placed]
        for passed in left:
            for one in (one for one in placed if _is_alike(one, passed)):
                assert not _is_ahead(passed, one), f"job {one['number']} was placed before job {passed['number']}"
                later = (parse_time(one["submitted_at"]) - parse_time(passed["queued_at"])).total_seconds()
                assert later < starvation_seconds, f"job {passed['number']} starves behind job {one['number']}"


def _jobs(tx: Tx) -> dict[str, RowMapping]:
    return {row["job_id"]: row for row in tx.connection.execute(JOBS).mappings()}


def _is_placeable(row: RowMapping) -> bool:
    return bool(row["state"] == S.QUEUED and row["waits_on"] == 0 and row["not_before"] is None)


def _is_alike(one: RowMapping, other: RowMapping) -> bool:
    """Whether two ask for the same, for the same people."""
    return all(one[name] == other[name] for name in ("experiment_id", "submitted_by", "resources"))


def _is_ahead(one: RowMapping, other: RowMapping) -> bool:
    """Whether a waiting job must start before another that asks for the same."""
    if one["priority"] == other["priority"]:
        return bool((one["rank"], one["number"]) < (other["rank"], other["number"]))
    return False

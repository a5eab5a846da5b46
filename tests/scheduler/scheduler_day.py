"""A day of the whole queue: real schedulers on a real database, and a machine where everything goes wrong.

Each act takes one number and reads from it what it does to whom, so that a list of acts is a whole day, and the same
list the same day.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from control_plane.db.tables import experiments, tallies
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.breaker_tables import node_health
from control_plane.scheduler.engines.engine import Key
from control_plane.scheduler.operations import attempts, bulk, closing, reorder, submit
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.rules.board import Policy
from control_plane.scheduler.tables import array_acts, arrays, holds, job_tags, job_waits, jobs, progress
from control_plane.scheduler.tables import attempts as attempt_rows
from store_client.errors import Refused
from store_client.wire.batches import CancelJobs, JobFilter, MoveJob, ReopenArrays
from store_client.wire.jobs import Reprioritise, SubmitJob
from tests.scheduler.accounts import Accounts
from tests.scheduler.fake_engine import FakeEngine, Machine, exited, slots
from tests.scheduler.mortal import Clock, Died, Process
from tests.scheduler.queue_house import CLAIMS
from tests.scheduler.wishes import AFTER, CAUSES, ENDS, POLICIES, WISHES
from tests.store.task_house import TaskHouse, begin_experiment, ulid

TABLES = (holds, progress, attempt_rows, job_waits, job_tags, jobs, array_acts, arrays, tallies, node_health)
OTHER = "exp_" + ulid(2)
STARVATION_SECONDS = Policy().starvation_seconds
MOST_ROUNDS = 240
MOST_OPEN = 24
"""So many jobs are open at most: a day is for what happens to them, not for how many there are."""


@dataclass
class SchedulerDay:
    """Everything that can happen, each by its name and a number."""

    store: TaskHouse
    houses: tuple[House, House]
    clock: Clock
    machine: Machine = field(default_factory=Machine)
    jobs: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    processes: list[Process] = field(default_factory=list)
    has_large: bool = False
    has_gone_back: bool = False

    def __post_init__(self) -> None:
        self.write(_clear)
        self.experiments = (self.store.experiment_id, OTHER)
        self.accounts = Accounts(self.store.house, self.machine)
        self.processes = [Process(house, self.machine) for house in self.houses]

    def close(self) -> None:
        for process in self.processes:
            process.stop()

    def write(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        return self.store.house.writer.write(lambda tx: operation(tx, *arguments))

    def attempt(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        """What an act answers; None when it is refused."""
        try:
            return self.write(operation, *arguments)
        except (Refused, IntegrityError):
            return None

    def act(self, name: str, number: int) -> None:
        self.done[name] += 1
        self.clock.steady += 0.25
        getattr(self, name)(number)

    def job(self, number: int) -> str | None:
        return self.jobs[number % len(self.jobs)] if self.jobs else None

    # what people do

    def submit(self, number: int) -> None:
        """A job of any shape, in one of two experiments."""
        if self.accounts.open_jobs < MOST_OPEN:
            self._queue([self.wish(number)], number % 2)

    def submit_many(self, number: int) -> None:
        """Some jobs in one act."""
        if self.accounts.open_jobs < MOST_OPEN:
            self._queue([self.wish(number * 31 + place) for place in range(number % 3 + 2)], number % 2)

    def submit_array(self, number: int) -> None:
        """An array, sometimes larger than what is made of it at a time."""
        if self.accounts.open_jobs < MOST_OPEN and not self.has_large:
            self.has_large = number % 16 == 0
            body = self.wish(number // 16).having(array=70 if self.has_large else number % 4 + 1)
            self._queue([body], number % 2)

    def wish(self, number: int) -> SubmitJob:
        number, priority = divmod(number, 11)
        number, wish = divmod(number, len(WISHES))
        number, policy = divmod(number, len(POLICIES))
        number, ahead = divmod(number, 6)
        asked: dict[str, Any] = {"resources": WISHES[wish], "retry": POLICIES[policy], "priority": priority}
        if number % 3 == 0:
            asked["preemption"] = {"grace_seconds": 5}
        if ahead < len(AFTER) and self.jobs:
            asked["depends_on"] = [{"job_id": self.jobs[-1 - number % len(self.jobs)], "when": AFTER[ahead]}]
        return SubmitJob(name="a job", command=("/bin/true",), **asked)

    def _queue(self, bodies: list[SubmitJob], which: int) -> None:
        given = [(self.experiments[which], body) for body in bodies]
        for row in self.attempt(bulk.submit_all, given, CLAIMS) or ():
            self.jobs.append(row["job_id"])
            self.accounts.expect(row["job_id"])

    def cancel(self, number: int) -> None:
        if (job := self.job(number)) is not None:
            self.attempt(submit.cancel, job)

    def retry(self, number: int) -> None:
        if (job := self.job(number)) is not None and self.accounts.open_jobs < MOST_OPEN:
            self.attempt(submit.retry, job, CLAIMS)

    def reprioritise(self, number: int) -> None:
        number, priority = divmod(number, 11)
        if (job := self.job(number)) is not None:
            self.attempt(submit.reprioritise, job, Reprioritise(priority=priority))

    def move(self, number: int) -> None:
        """A waiting job goes to another place."""
        number, how = divmod(number, 4)
        job, other = self.job(number // 64), self.job(number % 64)
        wish: Any = ({"to": "front"}, {"to": "back"}, {"before": other}, {"after": other})[how]
        if job is not None and job != other:
            self.attempt(reorder.move, job, MoveJob(**wish))

    def cancel_many(self, number: int) -> None:
        """All that wait in an experiment, or all of its jobs; mostly by one of two acts."""
        wanted = {"experiment_id": self.experiments[number % 2], "states": ("queued",) if number % 3 else ()}
        act = (None, "act_1", "act_2")[number // 6 % 3]
        self.attempt(bulk.cancel, CancelJobs(filter=JobFilter(**wanted), act_id=act))

    def take_back(self, number: int) -> None:
        """The arrays of an act go on."""
        if self.accounts.open_jobs < MOST_OPEN:
            self.attempt(closing.reopen, ReopenArrays(act_id=f"act_{number % 2 + 1}"), CLAIMS)

    # what schedulers do

    def tick(self, number: int) -> None:
        """A round of one of the two schedulers, over everything or over what changed."""
        number, which = divmod(number, 2)
        process, everything = self.processes[which], number % 4 != 0
        with self.accounts.order_of_starts(inf if self.has_gone_back else STARVATION_SECONDS):
            self.live(process, lambda: process.tick(everything=everything))

    def work(self, number: int) -> None:
        """One of a scheduler's hands does what it was given."""
        number, which = divmod(number, 2)
        process = self.processes[which]
        self.live(process, lambda: process.hand.do(number))

    def work_all(self, number: int) -> None:
        process = self.processes[number % 2]
        self.live(process, lambda: [None for _ in range(100) if process.hand.do(0)])

    def die(self, number: int) -> None:
        """A scheduler will be killed within its next calls."""
        number, which = divmod(number, 2)
        number, is_late = divmod(number, 2)
        fuse = self.processes[which].fuse
        fuse.left, fuse.is_late = number % 12 + 1, bool(is_late)

    def restart(self, number: int) -> None:
        self._replace(self.processes[number % 2])

    def live(self, process: Process, acts: Callable[[], object]) -> None:
        """Something a process does, which it may not survive."""
        try:
            acts()
        except Died:
            self.done["died"] += 1
            self._replace(process)

    def _replace(self, process: Process) -> None:
        process.stop()
        which = self.processes.index(process)
        self.processes[which] = Process(self.houses[which], self.machine)

    def stop_server(self, number: int) -> None:
        """A scheduler ends with all that it started."""
        self.write(attempts.preempt_all)
        engine = FakeEngine(self.machine)
        for job in self.store.house.read_now(attempts.placed):
            engine.cancel(job)
        for key in self.machine.running:
            self.machine.end(key, exited("cancelled", None))
        self.restart(number)

    # what the machine does

    def running(self, number: int) -> Key | None:
        living = self.machine.running
        return living[number % len(living)] if living else None

    def end(self, number: int) -> None:
        """An attempt ends by itself, or as it was asked to."""
        number, how = divmod(number, len(ENDS))
        if (key := self.running(number)) is not None:
            asked = self.machine.runs[key].asked
            self.machine.end(key, exited("cancelled", None) if asked else ENDS[how])

    def end_all(self, _number: int) -> None:
        for key in self.machine.running:
            self.machine.end(key, exited("cancelled", None) if self.machine.runs[key].asked else exited())

    def vanish(self, number: int) -> None:
        if (key := self.running(number)) is not None:
            self.machine.vanish(key)

    def lose_node(self, _number: int) -> None:
        """The machine goes down and comes back with nothing running."""
        for key in self.machine.running:
            self.machine.vanish(key)

    def resist(self, number: int) -> None:
        """An attempt cannot be killed for now."""
        if (key := self.running(number)) is not None:
            self.machine.stubborn.add(key)

    def give_in(self, _number: int) -> None:
        self.machine.stubborn.clear()

    def change_slots(self, number: int) -> None:
        """GPUs and CPU slots come and go."""
        number, gpus = divmod(number, 3)
        self.machine.slots = slots(gpus, number % 5)

    # what goes wrong between them

    def stale_end(self, number: int) -> None:
        """The end of an attempt is told again, or far too late, or of an attempt that never was."""
        number, cause = divmod(number, len(CAUSES))
        number, back = divmod(number, 3)
        job = self.job(number)
        if job is None:
            return
        newest = self.accounts.attempt_of(job)
        key = (job, newest - 1 - back)
        if key[1] >= 0:
            assert not self.attempt(attempts.finish, *key, Ending(CAUSES[cause])), f"a stale end of {key} was believed"

    def stale_start(self, number: int) -> None:
        number, back = divmod(number, 3)
        job = self.job(number)
        if job is not None:
            self.attempt(attempts.start, job, self.accounts.attempt_of(job) - 1 - back)

    def jump(self, number: int) -> None:
        """The clock goes wrong by up to two hours either way; after it went back no age says anything."""
        seconds = number % 14_400 - 7_200
        self.has_gone_back |= seconds < 0
        self.clock.seconds += seconds

    def pass_time(self, number: int) -> None:
        self.clock.seconds += number % 600

    def calm(self) -> None:
        """All that was wrong is put right, on a large machine; whatever waits must then come to its end."""
        self.give_in(0)
        self.machine.slots = slots(8, 16)
        self.clock.steady += 3600
        for process in list(self.processes):
            self._replace(process)
        for number in range(MOST_ROUNDS):
            which = number % 2
            self.clock.seconds += 7200
            for name, how in (("tick", which + 2), ("work_all", which), ("end_all", 0)):
                self.act(name, how)
            if number % 4 == 0 and not self.accounts.open_now():
                break
        self.accounts.check()
        assert not self.accounts.open_now(), f"lost: {self.accounts.open_now()}"
        assert not self.machine.used


def _clear(tx: Tx) -> None:
    if tx.connection.scalar(select(experiments.c.slug).where(experiments.c.experiment_id == OTHER)) is None:
        begin_experiment(tx, OTHER)
    for table in TABLES:
        tx.connection.execute(delete(table))

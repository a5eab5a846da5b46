"""A round of the scheduler: hear what changed, see to the attempts concerned, place, commit, launch.

Its cost goes with what changed, not with how much waits or runs: the waiting jobs are mirrored in memory, and only
attempts that are said to have ended are looked at, all others now and then, a few at a time. Everything that a round
writes is committed together, and only then are attempts launched.
"""

import logging
from collections import deque
from collections.abc import Collection
from functools import partial
from typing import Any, cast

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.scheduler.decisions import Decisions
from control_plane.scheduler.engines.engine import Engine, Key, Placed, Way
from control_plane.scheduler.errands import Ended, Errands, Launched
from control_plane.scheduler.guard import Guard
from control_plane.scheduler.hands import Hands
from control_plane.scheduler.mirror import Mirror
from control_plane.scheduler.news import Heard, News
from control_plane.scheduler.operations import arrays, attempts, policy, standing, submit
from control_plane.scheduler.operations.rows import whole
from control_plane.scheduler.operations.situation import seconds_of
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.processes import Exit
from control_plane.scheduler.reasons import Reasons
from control_plane.scheduler.rules.board import Placement
from control_plane.scheduler.writes import Writes
from store_client.errors import Refused
from store_client.wire.jobs import JobState

logger = logging.getLogger(__name__)
EXPLAINING: Key = ("why", 0)
LOOKS = 128
"""So many of the attempts that nothing is said of are looked at in one round."""


class Rounds:
    """What the scheduler knows from round to round."""

    def __init__(self, house: House, engine: Engine, claims: Claims, hands: Hands) -> None:
        self._house, self._engine, self._hands = house, engine, hands
        self._news, self._errands = News(claims), Errands(engine)
        self.guard = Guard(self._house)
        self.decisions = Decisions(engine, self.guard)
        self._reasons = Reasons(self.decisions.latest)
        self._due: deque[str] = deque()
        self._later: set[Key] = set()
        self._launched: dict[Key, RowMapping] = {}
        """Jobs as they were placed: what an engine needs of them never changes in an attempt."""
        self._has_arrays = self._has_ended = True
        self._is_as_planned = True
        self.is_busy = False
        """Whether the last round found something to do."""

    @property
    def mirror(self) -> Mirror:
        return self._news.mirror

    @property
    def is_behind(self) -> bool:
        """Whether there is more to look at than one round does."""
        return bool(self._due) or self._has_arrays or self._has_ended

    def tick(self, ended: Collection[Key] = (), *, everything: bool = True) -> None:
        """One round; `ended` are attempts to look at, and `everything` asks for a look at all of them."""
        writes = Writes(self._house.writer)
        heard = self._house.read_now(self._news.catch_up)
        if everything:
            heard.add(self._house.read_now(self._news.look_again))
            self._due.extend(self.mirror.running)
            self._launched = {key: row for key, row in self._launched.items() if self.mirror.knows(key)}
        for job_id in heard.withdrawn:
            writes.add(partial(submit.let_go, job_id=job_id), _nothing, partial(self._refused, job_id))
        self.guard.learn(heard)
        self._take_answers(writes)
        self._look(ended, heard, writes)
        self._unfold(writes, is_due=heard.has_arrays or everything)
        self._close_ended(writes, is_due=heard.has_new_terms or everything)
        self._place(heard, writes)
        self.is_busy = bool(writes)
        self._is_as_planned = not heard.withdrawn
        writes.commit()
        if self._is_as_planned:
            self.decisions.carried_out(self.mirror)
        self._explain()

    def until_next(self, most: float) -> float:
        """Seconds until a job has rested, so many at most."""
        at = self.mirror.next_rouse
        return most if at is None else min(most, max(0.0, at - seconds_of(self._house.clock())))

    def sweep(self) -> None:
        """Tidy up after attempts that ended just before their scheduler did."""
        self._errands.sweep(lambda: self._house.read_now(live_keys))

    # attempts

    def _take_answers(self, writes: Writes) -> None:
        """What hands have done since the last round."""
        for key, answer in sorted(self._hands.take(), key=lambda each: isinstance(each[1], Ended)):
            if isinstance(answer, Launched):
                writes.add_to(attempts.start_all, key, _nothing, partial(self._failed, key))
            elif isinstance(answer, Ended):
                self._finish(key, answer, writes)

    def _finish(self, key: Key, ended: Ended, writes: Writes) -> None:
        """Its slots count as free at once: what is placed on them is written behind its end, in the same commit."""
        self._launched.pop(key, None)
        if self.mirror.knows(key):
            self.guard.judge(ended.ending, self.mirror.running[key[0]], writes)
            self.mirror.drop(key[0])
            self.decisions.look_again()
        sequel = partial(self._tidy, key, ended.job)
        writes.add_to(attempts.finish_all, (*key, ended.ending), sequel, partial(self._failed, key))

    def _tidy(self, key: Key, job: RowMapping, _is_new: bool) -> None:
        self._hands.give(key, partial(self._errands.tidy, job))

    def _look(self, ended: Collection[Key], heard: Heard, writes: Writes) -> None:
        """See how attempts go: those that are said to have ended, those that are to stop, and some others."""
        due = [self._due.popleft() for _ in range(min(LOOKS, len(self._due)))]
        urgent = {*self._later, *ended, *self.mirror.keys(heard.stopping)}
        urgent = {key for key in urgent if self.mirror.knows(key)}
        self._later = {key for key in urgent if self._hands.leave(key)}
        seen: dict[Key, Exit | bool | None] = {}
        for key in {*urgent, *self.mirror.keys(due)}.difference(self._later):
            if self._hands.leave(key):
                continue
            try:
                seen[key] = self._engine.status(self._identity(key))
            except Exception as error:  # noqa: BLE001 - a fault in one attempt does not stop the others: it rests
                self._hands.rest(key, error)
        self._act_on(seen, writes)

    def _identity(self, key: Key) -> RowMapping:
        running = self.mirror.running[key[0]]
        told = {"job_id": key[0], "attempt": key[1], "number": running.number, "experiment_id": running.experiment_id}
        return cast("RowMapping", told)  # whoever reads it reads by name

    def _act_on(self, seen: dict[Key, Exit | bool | None], writes: Writes) -> None:
        """Give hands what is to be done about attempts, with the whole rows of their jobs."""
        errands = {key: status for key, status in seen.items() if status is not True or self._is_ending(key)}
        for key in seen.keys() - errands.keys():
            job = self.mirror.get(key[0])
            if job is not None and job.state == JobState.STARTING:
                writes.add_to(attempts.start_all, key, _nothing, partial(self._failed, key))
        rows = {key: self._launched[key] for key in errands if isinstance(seen[key], Exit) and key in self._launched}
        rows |= self._read(errands.keys() - rows.keys())
        for key, status in errands.items():
            if key in rows:
                self._hands.give(key, self._errand(rows[key], status))

    def _read(self, keys: Collection[Key]) -> dict[Key, RowMapping]:
        """The whole rows of the jobs of these attempts, if they are still the newest."""
        if not keys:
            return {}
        found = self._house.read_now(lambda tx: whole(tx, [job_id for job_id, _ in keys]))
        return {key: found[key[0]] for key in keys if key[0] in found and found[key[0]]["attempt"] == key[1]}

    def _errand(self, row: RowMapping, status: Exit | bool | None) -> Any:
        if isinstance(status, Exit):
            return partial(self._errands.bring_back, row, status)
        if not status:
            return partial(self._errands.rescue, row)
        way: Way = "cancel" if row["state"] == JobState.CANCELLING else "preempt"
        return partial(self._errands.cancel, row, way)

    def _is_ending(self, key: Key) -> bool:
        return self.mirror.running[key[0]].is_ending

    # the queue

    def _unfold(self, writes: Writes, *, is_due: bool) -> None:
        """Make the jobs that arrays lack, and let go on what waited for ends."""
        if is_due or self._has_arrays:
            self._has_arrays = False
            writes.add(arrays.unfold, self._unfolded, partial(self._refused, None))

    def _unfolded(self, done: int) -> None:
        self._has_arrays = done > 0

    def _close_ended(self, writes: Writes, *, is_due: bool) -> None:
        """End with an experiment what still waits in it."""
        if is_due or self._has_ended:
            self._has_ended = False
            writes.add(standing.close_ended, self._closed, partial(self._refused, None))

    def _closed(self, done: int) -> None:
        self._has_ended = done > 0

    def _place(self, heard: Heard, writes: Writes) -> None:
        """Give free slots to waiting jobs, and take some off that are to give way."""
        if heard.has_new_terms:
            self.decisions.forget_terms()
        if self.mirror.ready:
            self.decisions.learn_terms(lambda: self._house.read_now(policy.terms))
        made = self.decisions.plan(self.mirror, heard.now)
        for placement in made.placements if made else ():
            if placement.job_id not in heard.withdrawn:
                wanted = placement, self.guard.node_of(placement)
                sequel = partial(self._placed, placement, heard.now)
                writes.add_to(attempts.place_all, wanted, sequel, partial(self._refused, placement.job_id))
        for one in made.give_ways if made else ():
            taken = partial(attempts.give_way, job_id=one.job_id, attempt=one.attempt)
            writes.add(taken, _nothing, partial(self._refused, one.job_id))

    def _explain(self) -> None:
        """Write down why the first of the waiting jobs wait."""
        if self._reasons.is_due and not self._hands.leave(EXPLAINING):
            self._hands.give(EXPLAINING, self._say)

    def _say(self) -> None:
        news = self._reasons.news()
        if news:
            self._house.writer.write(lambda tx: attempts.explain(tx, news))

    def _placed(self, placement: Placement, now: float, row: RowMapping) -> None:
        """Its slots are held, and committed: launch it."""
        self.mirror.occupy(placement, row["attempt"], now)
        placed = Placed(row, placement.grants)
        key = row["job_id"], row["attempt"]
        self._launched[key] = row
        self._hands.give(key, partial(self._errands.launch, placed))

    def _refused(self, job_id: str | None, error: BaseException) -> None:
        """The database knows better; look there."""
        self._is_as_planned = False
        if job_id is None or not isinstance(error, Refused):
            logger.warning("the scheduler looks anew at the whole queue: %s", error)
            self._news.doubt_all()
        else:
            logger.info("job %s was not touched: %s", job_id, error)
            self._news.doubt([job_id])

    def _failed(self, key: Key, error: BaseException) -> None:
        """What is to be written of an attempt could not be: see to it again, after a while."""
        self._is_as_planned = False
        self._news.doubt([key[0]])
        self._hands.rest(key, error)


def _nothing(_answer: object) -> None:
    """There is no sequel."""


def live_keys(tx: Tx) -> frozenset[Key]:
    """Every attempt that holds slots."""
    return frozenset((job["job_id"], job["attempt"]) for job in attempts.placed(tx))

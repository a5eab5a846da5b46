"""The queue for those who only look at it, in a process without a scheduler: a long one is followed, not read anew.

Reading 100,000 waiting jobs takes seconds; what was committed since the last look takes milliseconds.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import func, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.news import News
from control_plane.scheduler.operations import policy, situation
from control_plane.scheduler.operations.situation import Task, seconds_of
from control_plane.scheduler.rules.board import Situation, Slot, nodes_of
from control_plane.scheduler.rules.lines import going
from control_plane.scheduler.tables import jobs
from store_client.wire.jobs import JobState

MANY = 2000
"""A queue in which more jobs wait is long."""
_FIRST = select(jobs.c.job_id).where(jobs.c.state == JobState.QUEUED).limit(MANY + 1).subquery()
_WAITING = select(func.count()).select_from(_FIRST)


class _Nobody:
    """Claims, for one who withdraws no job whose claim has ended: that is the scheduler's to do."""

    def live_claim(self, _tx: Tx, _task_id: str) -> None:
        return None

    def live_claims(self, _tx: Tx, _tasks: Collection[Task]) -> Mapping[Task, str]:
        return {}


class Onlooker:
    """Reads the situation; not for several threads at once."""

    def __init__(self, slots: Callable[[Tx], Sequence[Slot]]) -> None:
        self._slots = slots
        self._news: News | None = None

    def read(self, tx: Tx) -> Situation:
        """All that a plan depends on, as the transaction sees it."""
        if (tx.connection.scalar(_WAITING) or 0) <= MANY:
            self._news = None
            return situation.read(tx, self._slots(tx))
        news, self._news = self._news or News(_Nobody()), None  # whatever breaks off in the middle is begun anew
        news.catch_up(tx)
        news.look_again(tx)
        self._news = news
        return self._as_followed(tx, news)

    def _as_followed(self, tx: Tx, news: News) -> Situation:
        slots, terms, mirror = self._slots(tx), policy.terms(tx), news.mirror
        lines, running = going(mirror.queued.copy(), terms.policy.resting), tuple(mirror.running.values())
        nodes = nodes_of(slots)
        return Situation(seconds_of(tx.now), slots, lines, running, policy=terms.policy, nodes=nodes, usage=terms.usage)

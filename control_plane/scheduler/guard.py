"""What the scheduler holds against machines and GPUs, and in how far it gives them more."""

from collections.abc import Mapping, Sequence
from functools import partial

from control_plane.edge.house import House
from control_plane.scheduler.news import Heard
from control_plane.scheduler.operations import health
from control_plane.scheduler.operations.attempts import Ending
from control_plane.scheduler.operations.durations import TELLING
from control_plane.scheduler.operations.situation import seconds_of
from control_plane.scheduler.rules.board import Placement, Running, Slot
from control_plane.scheduler.rules.breaker import Breaker, Health, failed, names_of
from control_plane.scheduler.writes import Writes


class Guard:
    """Reads what is held against whom when that may have changed, and notes how attempts ended."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.known: Mapping[str, Health] | None = None
        """What is held against whom; None when it has to be read."""
        self.nodes: Mapping[str, str] = {}
        """The machine of each slot that is not on the scheduler's own."""

    def see(self, slots: Sequence[Slot]) -> None:
        """These are the slots there are."""
        self.nodes = {slot.slot_id: slot.node for slot in slots if slot.node}

    def node_of(self, placement: Placement) -> str | None:
        """The machine that a placement is on; None is the scheduler's own."""
        return self.nodes.get(placement.grants[0].slot_id) if placement.grants else None

    def learn(self, heard: Heard) -> None:
        """Read again what was written since, by us or by somebody else."""
        if self.known is None or any(type_.startswith("node.") for type_ in heard.others):
            self.known = self._house.read_now(health.read)

    def judge(self, ending: Ending, attempt: Running, writes: Writes) -> None:
        """An attempt has ended: that speaks for or against where it was."""
        names = names_of([grant.slot_id for grant in attempt.grants], self.nodes)
        known = dict(self.known or {})
        if ending.is_held_against_machine:
            why = ending.detail or "it was lost"
            now = seconds_of(self._house.clock())
            self.known = {**known, **{name: failed(known.get(name), now, why) for name in names}}
            self._write(partial(health.note_failure, names=names, why=why), writes)
        elif ending.cause in TELLING and any(name in known for name in names):
            self.known = {name: held for name, held in known.items() if name not in names}
            self._write(partial(health.note_success, names=names), writes)

    def _write(self, work: partial[None], writes: Writes) -> None:
        writes.add(work, lambda _: None, self._forget)

    def _forget(self, _error: BaseException) -> None:
        """What was to be written was not: the database knows how things stand."""
        self.known = None

    def breaker(self, running: Sequence[Running], now: float) -> Breaker:
        """What is held against whom, with how many attempts each has had since."""
        known = self.known or {}
        under_way: dict[str, int] = {}
        for attempt in running if known else ():
            for name in names_of([grant.slot_id for grant in attempt.grants], self.nodes):
                if name in known and attempt.placed_at >= known[name].since:
                    under_way[name] = under_way.get(name, 0) + 1
        return Breaker(known, under_way, now)

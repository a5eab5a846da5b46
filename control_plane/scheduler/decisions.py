"""When a plan is made, and on what: the slots as the engine has them, the lines as the mirror has them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from control_plane.scheduler.engines.engine import Engine
from control_plane.scheduler.guard import Guard
from control_plane.scheduler.mirror import Mirror
from control_plane.scheduler.operations.policy import Terms
from control_plane.scheduler.rules.board import Lines, Situation, Slot, nodes_of
from control_plane.scheduler.rules.lines import going
from control_plane.scheduler.rules.machines import Machines
from control_plane.scheduler.rules.planning import Plan, plan

FRESH_SECONDS = 0.2
"""So long do the slots of one look serve, unless something came free."""
PLAN_SECONDS = 1.0
"""After so long a plan is made anew though nothing changed: waiting jobs grow older."""
TERMS_SECONDS = 2.0
"""So long are the policy and what experiments used of use."""
SHOW_SECONDS = 1.0
"""The lines are copied for others at most so often."""


class Decisions:
    """Makes plans when something changed, and keeps the newest for whoever asks."""

    def __init__(self, engine: Engine, guard: Guard) -> None:
        self._engine, self._guard = engine, guard
        self._terms, self._terms_at = Terms(), float("-inf")
        self._slots: Sequence[Slot] = ()
        self._looked_at = self._planned_at = self._shown_at = float("-inf")
        self._version = self._shown_version = -1
        self._held: object = None
        self._machines, self._nodes = Machines(), nodes_of(())
        self._shown: tuple[Situation, Plan] | None = None

    def latest(self) -> tuple[Situation, Plan] | None:
        """What was decided last, on what; nobody changes it any more. From any thread."""
        return self._shown

    def look_again(self) -> None:
        """A slot came free: whether it is to be given out, the engine says."""
        self._looked_at = float("-inf")

    def forget_terms(self) -> None:
        """The policy, or an experiment that it speaks of, has changed: plan anew, by what holds now."""
        self._terms_at, self._version = float("-inf"), -1

    def learn_terms(self, read: Callable[[], Terms]) -> None:
        """The policy and what experiments used, when those at hand are old."""
        if time.monotonic() - self._terms_at > TERMS_SECONDS:
            self._terms, self._terms_at = read(), time.monotonic()

    def plan(self, mirror: Mirror, now: float) -> Plan | None:
        """What to do now; None when nothing has changed since the last plan."""
        has_news, moment = self._look(mirror) or self._guard.known is not self._held, time.monotonic()
        is_shown = has_news or self._shown_version != mirror.version or bool(mirror.ready)
        is_shown = is_shown and moment - self._shown_at > SHOW_SECONDS
        is_old = bool(mirror.ready) and moment - self._planned_at > PLAN_SECONDS
        if not (has_news or is_shown or is_old or self._version != mirror.version):
            return None
        self._version, self._planned_at, self._held = mirror.version, moment, self._guard.known
        lines: Lines = mirror.queued.copy() if is_shown else mirror.queued.lines
        running = tuple(mirror.running.values())
        breaker = self._guard.breaker(running, now)
        slots, terms, nodes = tuple(breaker.guarded(self._slots)), self._terms, self._nodes
        lines = going(lines, terms.policy.resting)
        seen = Situation(now, slots, lines, running, policy=terms.policy, nodes=nodes, usage=terms.usage)
        made = plan(seen, self._machines)
        if breaker.known:
            started = tuple(breaker.within(made.placements, self._guard.nodes))
            self._version = self._version if len(started) == len(made.placements) else -1
            made = replace(made, placements=started)
        if is_shown:
            self._shown, self._shown_version, self._shown_at = (seen, made), mirror.version, moment
        return made

    def carried_out(self, mirror: Mirror) -> None:
        """All that was planned was done: what the mirror shows since is what the plan reckoned with."""
        if self._version >= 0:
            self._version = mirror.version

    def _look(self, mirror: Mirror) -> bool:
        """Whether the slots are others than before."""
        if time.monotonic() - self._looked_at < FRESH_SECONDS:
            return False
        before, self._slots = self._slots, self._engine.capacity(mirror.held.keys())
        self._looked_at = time.monotonic()
        if before is not self._slots:
            self._guard.see(self._slots)
            self._nodes = nodes_of(self._slots)
        return before is not self._slots and before != self._slots

"""The five decisions as cards: who takes each, what waits for it, and what a person can do about it now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from store_client import Backlog, ExperimentDetail, Mode, StageWork, Status, TaskDetail, VariantDetail
from web_ui.active import Here
from web_ui.filters import Moment, figure, plural
from web_ui.pages import dispatch_policies as policies
from web_ui.pages.dispatch_acts import MOST_AT_ONCE

DECISIONS: Mapping[str, tuple[str, str]] = {
    "termination": ("End the experiment", "when its termination policy says so"),
    "ideation_creation": ("Ask for ideas", "so many as its ideation policy says"),
    "execution_dispatch": ("Hand out ideas", "each ready idea becomes a task for executors"),
    "evaluation_dispatch": ("Hand out commits", "each commit becomes a task for evaluators"),
    "integration": ("Integrate variants", "each scored variant joins the lineage"),
}
STAGES = {
    "ideation_creation": ("ideation", "ideation task"),
    "execution_dispatch": ("execution", "execution"),
    "evaluation_dispatch": ("evaluation", "evaluation"),
}
CREATORS = frozenset({"admins", "orchestrators"})
Words = tuple[str, str]


@dataclass(frozen=True)
class Act:
    """One button: what it does, with what it says; `detail` is sent along where there is nothing to choose."""

    name: str
    label: str
    kind: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for a decision."""

    subject: str
    name: str
    href: str
    note: str
    since: Moment | None
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Decision:
    """One decision; `mode` is None where the server does not tell it, `most` how many may be asked for at once."""

    key: str
    name: str
    meaning: str
    mode: Mode | None
    policy: str = ""
    backlog: str = ""
    since: Moment | None = None
    waiting: tuple[Waiting, ...] = ()
    most: int = 0
    suggested: int = 1
    lacks: str = ""


@dataclass(frozen=True)
class Facts:
    """What the cards are drawn from; on servers that speak the protocol alone there is none of it."""

    detail: ExperimentDetail
    backlog: Backlog
    stages: Mapping[str, StageWork]
    variants: Mapping[str, VariantDetail]
    submitted: tuple[TaskDetail, ...]


def bare(key: str, mode: Mode | None) -> Decision:
    """A decision of which nothing but its mode is known."""
    return Decision(key, *DECISIONS[key], mode)


def card(here: Here, key: str, facts: Facts, groups: frozenset[str]) -> Decision:
    """One decision with what waits for it; the buttons are there when it is taken by hand."""
    mode: Mode = getattr(facts.detail.dispatch_mode, key)
    drawing = _Drawing(here, facts, groups, is_by_hand=mode == "manual")
    return getattr(drawing, key)()  # type: ignore[no-any-return]  # each method of this name makes a Decision


@dataclass(frozen=True)
class _Drawing:
    """The cards of one experiment for one person."""

    here: Here
    facts: Facts
    groups: frozenset[str]
    is_by_hand: bool

    def termination(self) -> Decision:
        told = policies.termination(self.facts.detail.config, self.facts.backlog)
        return self._card("termination", told)

    def ideation_creation(self) -> Decision:
        backlog = self.facts.backlog
        told = policies.ideation(self.facts.detail.config, backlog)
        most = MOST_AT_ONCE if self._may_create else 0
        suggested = min(max(backlog.ideations_missing, 1), MOST_AT_ONCE)
        return replace(self._card("ideation_creation", told), most=most, suggested=suggested)

    def execution_dispatch(self) -> Decision:
        told = policies.execution(self.facts.detail.config, self.facts.backlog)
        acts = (Act("execute", "Hand out"),) if self._may_create else ()
        waiting = tuple(
            Waiting(
                one.idea_id,
                one.slug,
                self.here.url("idea", idea=one.idea_id),
                f"priority {one.priority:g}",
                one.created_at,
                acts,
            )
            for one in self.facts.backlog.ideas
        )
        return self._card("execution_dispatch", told, waiting)

    def evaluation_dispatch(self) -> Decision:
        waiting = tuple(
            self._variant(
                one.variant.variant_id, _tries(one.attempts), one.variant.started_at, self._evaluating(one.attempts)
            )
            for one in self.facts.backlog.to_evaluate
        )
        told = "A variant is tried three times; then its evaluation is given up."
        return self._card("evaluation_dispatch", told, waiting)

    def _evaluating(self, attempts: int) -> tuple[Act, ...]:
        if not self._may_create:
            return ()
        again = Act("evaluate", "Evaluate again" if attempts else "Hand out")
        return (again, Act("give_up", "Give up", "danger")) if attempts else (again,)

    def integration(self) -> Decision:
        is_let = "orchestrators" in self.groups
        acts = (Act("integrate", "Integrate"),) if self.is_by_hand and is_let else ()
        waiting = tuple(
            self._variant(one.variant.variant_id, self._score(one.variant.variant_id), one.variant.completed_at, acts)
            for one in self.facts.backlog.to_integrate
        )
        lacks = "orchestrators" if self.is_by_hand and not is_let and waiting else ""
        told = "The variant becomes one commit on a branch of its own; what is built on it starts from there."
        return replace(self._card("integration", told, waiting), lacks=lacks)

    @property
    def _may_create(self) -> bool:
        """Whether this person may create tasks now: only while the experiment runs."""
        is_running = self.facts.detail.status is Status.RUNNING
        return self.is_by_hand and is_running and bool(self.groups & CREATORS)

    def _variant(self, variant_id: str, note: str, since: Moment | None, acts: tuple[Act, ...]) -> Waiting:
        known = self.facts.variants.get(variant_id)
        href = self.here.url("variant", variant=variant_id)
        return Waiting(variant_id, known.label if known else variant_id, href, note, since, acts)

    def _score(self, variant_id: str) -> str:
        known = self.facts.variants.get(variant_id)
        return f"scored {figure(known.objective_value)}" if known and known.objective_value is not None else "no score"

    def _card(self, key: str, policy: str, waiting: tuple[Waiting, ...] = ()) -> Decision:
        mode: Mode = "manual" if self.is_by_hand else "auto"
        backlog, since = self._told(key)
        return Decision(key, *DECISIONS[key], mode, policy, backlog, since, waiting)

    def _told(self, key: str) -> tuple[str, Moment | None]:
        """What was handed out already and is not done, and since when the oldest of it waits."""
        if key not in STAGES or self.facts.detail.status.is_final:
            return "", None
        kind, noun = STAGES[key]
        stage = self.facts.stages[kind]
        verb = "waits" if stage.waiting == 1 else "wait"
        return f"{plural(stage.waiting, noun)} {verb} to be claimed, {stage.active:,} in work", stage.oldest_waiting_at


def _tries(attempts: int) -> str:
    return f"{plural(attempts, 'evaluation')} of it ended without a verdict" if attempts else "not evaluated yet"

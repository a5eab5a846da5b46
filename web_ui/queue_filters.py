"""What narrows a list of jobs: its form, the filter it stands for, and that filter in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from store_client import ExperimentSummary, JobFilter, JobState
from web_ui.filter_language import Term, parse
from web_ui.filters import with_query
from web_ui.listing import Place
from web_ui.visit import Visit

FIELDS = ("state", "name", "tag", "cause", "array", "act")
OPEN, ENDED = "open", "ended"
CAUSES = ("user_error", "timeout", "out_of_memory", "node_lost", "start_failed", "cancelled")
STATES = (
    ("", "any state"),
    ("queued", "waiting"),
    ("running", "running"),
    (OPEN, "waiting or running"),
    (ENDED, "ended"),
    ("succeeded", "succeeded"),
    ("failed", "failed"),
    ("timed_out", "timed out"),
    ("out_of_memory", "out of memory"),
    ("lost", "lost"),
    ("cancelled", "cancelled"),
)
WRITTEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"state": tuple(name for name, _ in STATES if name), "cause": CAUSES, "tag": ()}
)
"""What may be written into the name as `state:failed`, and the values that it has; without values, any."""
LONGEST = 100
ACT = re.compile("[a-z0-9_]{1,60}", re.ASCII)


@dataclass(frozen=True)
class Filters:
    """The form as it stands, and what it chooses."""

    action: str
    experiment: str
    state: str
    name: str
    tag: str
    array: str
    act: str
    """The act on many jobs that cancelled these."""
    states: tuple[tuple[str, str], ...]
    wanted: JobFilter
    clear_href: str
    cancel_href: str | None
    """Where the open ones among these can be cancelled together; none where this leaves none out or may not be done."""
    cancel_count: int = 0
    """How many of these are open, as far as that is known; with none there is nothing to cancel."""
    known: tuple[tuple[str, str], ...] = ()
    """Some experiments to choose from, by slug and name; any other may be typed."""
    can_choose: bool = True
    """Whether the experiment is a condition here, and not where the page is."""

    @property
    def is_narrow(self) -> bool:
        return bool(self.state or self.name or self.tag or self.array or self.act or self.wanted.cause)

    @property
    def is_open(self) -> bool:
        """Whether the form is to be seen at once: when it says something."""
        return self.is_narrow or bool(self.experiment and self.can_choose)

    @property
    def is_by_end(self) -> bool:
        """Whether it leaves all that ended, which are shown by their end."""
        return self.state == ENDED and self.wanted == JobFilter(experiment_id=self.wanted.experiment_id, is_open=False)

    @property
    def words(self) -> str:
        """The conditions, as said after a count."""
        found = [dict(self.states).get(self.state, "")] if self.state else []
        found += [f"whose name begins with “{self.name}”"] if self.name else []
        found += [f"tagged {self.tag}"] if self.tag else []
        found += ["of one array"] if self.array else []
        found += ["cancelled together"] if self.act else []
        found += [f"ended by {self.wanted.cause.replace('_', ' ')}"] if self.wanted.cause else []
        return ", ".join(found) or "in all"

    @property
    def open(self) -> JobFilter | None:
        """Those of the jobs that have not ended; none where the conditions leave no open one."""
        wanted = self.wanted
        if wanted.is_of_all or wanted.is_open is False or wanted.cause is not None:
            return None
        if not wanted.states:
            return wanted.having(is_open=True)
        states = tuple(state for state in wanted.states if not JobState(state).is_final)
        return wanted.having(states=states) if states else None

    def counting(self, count: int) -> "Filters":
        """The same, of which so many are open."""
        return replace(self, cancel_count=count)

    def among(self, known: tuple[tuple[str, str], ...]) -> "Filters":
        """The same with some experiments to choose from."""
        return replace(self, known=known)

    def inside(self) -> "Filters":
        """The same on a page of one experiment."""
        return replace(self, can_choose=False)


def filters(visit: Visit, place: Place, chosen: ExperimentSummary | None) -> Filters:
    """The conditions in an address; words that mean nothing are passed over."""
    given = _told({name: place.fields.get(name, "").replace("\x00", "")[:LONGEST] for name in FIELDS})
    given["act"] = given["act"] if ACT.fullmatch(given["act"]) else ""
    state = given["state"] if given["state"] in dict(STATES) else ""
    cause = given["cause"] if given["cause"] in CAUSES else ""
    wanted = JobFilter.model_validate(
        {key: value for key, value in {
            "experiment_id": chosen.experiment_id if chosen else None, "name": given["name"], "tag": given["tag"],
            "array_id": given["array"], "act_id": given["act"], "cause": cause, **_states(state),
        }.items() if value not in {None, ""}}
    )  # fmt: skip
    slug = chosen.slug if chosen else ""
    made = Filters(
        action=visit.url("queue"),
        states=STATES,
        wanted=wanted,
        clear_href=with_query(visit.url("queue"), experiment=slug or None),
        cancel_href=None,
        experiment=slug,
        state=state,
        name=given["name"],
        tag=given["tag"],
        array=given["array"],
        act=given["act"],
    )
    if made.open is None or not _may_cancel(visit, wanted.experiment_id):
        return made
    query = {name: getattr(made, name) or None for name in ("experiment", "state", "name", "tag", "array", "act")}
    return replace(made, cancel_href=with_query(visit.url("preview_cancel"), **query))


def _told(given: dict[str, str]) -> dict[str, str]:
    """The fields of an address; conditions that were written into the name, as in other lists, go before their own."""
    terms = parse(given["name"])
    written = [term for term in terms if _is_condition(term)]
    if not written:
        return given
    rest = " ".join(term.value if not term.field else str(term) for term in terms if term not in written)
    return {**given, "name": rest, **{term.field: term.value for term in written}}


def _is_condition(term: Term) -> bool:
    values = WRITTEN.get(term.field) if term.operator == ":" else None
    return bool(term.value) and values is not None and (not values or term.value in values)


def _may_cancel(visit: Visit, experiment_id: str | None) -> bool:
    """Administrators may cancel anybody's jobs anywhere, others their own in one experiment."""
    return visit.is_administrator or (experiment_id is not None and visit.may_act_in(experiment_id))


def _states(state: str) -> dict[str, object]:
    if state in {OPEN, ENDED}:
        return {"is_open": state == OPEN}
    if state == "running":
        return {"states": ("starting", "running", "cancelling")}
    return {"states": (state,)} if state else {}

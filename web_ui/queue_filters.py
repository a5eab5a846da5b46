"""What narrows a list of jobs: its form, the filter it stands for, and that filter in words."""

from dataclasses import dataclass

from store_client import ExperimentSummary, JobFilter, JobState
from web_ui.filters import with_query
from web_ui.listing import Place
from web_ui.visit import Visit

FIELDS = ("state", "name", "tag", "cause")
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
LONGEST = 100


@dataclass(frozen=True)
class Filters:
    """The form as it stands, and what it chooses."""

    action: str
    experiment: str
    state: str
    name: str
    tag: str
    states: tuple[tuple[str, str], ...]
    wanted: JobFilter
    clear_href: str
    cancel_href: str | None
    """Where the open ones among these can be cancelled together; none where nothing leaves any out."""

    @property
    def is_narrow(self) -> bool:
        return bool(self.state or self.name or self.tag or self.wanted.cause)

    @property
    def words(self) -> str:
        """The conditions, as said after a count."""
        found = [dict(self.states).get(self.state, "")] if self.state else []
        found += [f"named {self.name}…"] if self.name else []
        found += [f"tagged {self.tag}"] if self.tag else []
        found += [f"ended by {self.wanted.cause.replace('_', ' ')}"] if self.wanted.cause else []
        return ", ".join(found) or "in all"


def filters(visit: Visit, place: Place, chosen: ExperimentSummary | None) -> Filters:
    """The conditions in an address; words that mean nothing are passed over."""
    given = {name: place.fields.get(name, "")[:LONGEST] for name in FIELDS}
    state = given["state"] if given["state"] in dict(STATES) else ""
    cause = given["cause"] if given["cause"] in CAUSES else ""
    scope = chosen.experiment_id if chosen else None
    wanted = JobFilter.model_validate(
        {key: value for key, value in {
            "experiment_id": scope, "name": given["name"], "tag": given["tag"], "cause": cause, **_states(state)
        }.items() if value not in {None, ""}}
    )  # fmt: skip
    slug = chosen.slug if chosen else ""
    fields = {"experiment": slug, "state": state, "name": given["name"], "tag": given["tag"]}
    query = {name: value or None for name, value in fields.items()}
    is_of_some = not wanted.is_of_all and wanted.is_open is not False and state not in {one.value for one in _FINAL}
    return Filters(
        action=visit.url("queue"),
        states=STATES,
        wanted=wanted,
        clear_href=with_query(visit.url("queue"), experiment=slug or None),
        cancel_href=with_query(visit.url("preview_cancel"), **query) if is_of_some else None,
        **fields,
    )


_FINAL = frozenset(state for state in JobState if state.is_final)


def _states(state: str) -> dict[str, object]:
    if state in {OPEN, ENDED}:
        return {"is_open": state == OPEN}
    if state == "running":
        return {"states": ("starting", "running", "cancelling")}
    return {"states": (state,)} if state else {}

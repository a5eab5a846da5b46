"""Which tasks a written filter chooses, for lists of them and for acts on many."""

from datetime import UTC, datetime, timedelta

from store_client.client import StoreClient
from store_client.filter_language import Field, Narrowing, Term, seconds, write
from store_client.wire.bulk import TaskChoice
from store_client.wire.calls.tasks import TaskView
from store_client.wire.scalars import format_time
from store_client.wire.tasks import KINDS, TaskState

ANY = "any"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
TASK_FIELDS = (
    Field("state", (ANY, *(one.value for one in TaskState))),
    Field("kind", KINDS),
    Field("worker", example="me"),
    Field("by", example="me"),
    Field("age", example="2h", takes="age"),
)


def view_of(found: Narrowing, at: datetime) -> TaskView:
    """What a filter says of names and ages, as the server takes it; ages count back from a moment."""
    view = TaskView()
    if words := " ".join(found.words).replace("\x00", "").strip():
        view["q"] = words
    longest = (at - EARLIEST).total_seconds()
    for term in found.compared:
        moment = format_time(at - timedelta(seconds=min(seconds(term.value) or 0, longest)))
        view["until" if term.is_least else "since"] = moment
    return view


def choice_of(found: Narrowing, worker: str | None, view: TaskView) -> TaskChoice | None:
    """The tasks that are meant, of that worker; None where nothing is left out, or something is not understood."""
    told = {"kind": found.chosen.get("kind"), "state": found.chosen.get("state"), "claimed_by": worker}
    given = {name: value for name, value in told.items() if value not in {None, ANY}}
    choice = TaskChoice.model_validate({**given, **view})
    return None if found.problem or choice.is_of_all else choice


def choice_text(choice: TaskChoice) -> str:
    """A choice as it is written."""
    pairs = (
        ("state", choice.state and choice.state.value), ("kind", choice.kind), ("worker", choice.claimed_by),
        ("by", choice.submitted_by), ("since", choice.since), ("until", choice.until),
    )  # fmt: skip
    terms = [Term(name, str(value)) for name, value in pairs if value]
    return write([*terms, *(Term("", word) for word in (choice.q or "").split())])


async def worker_named(store: StoreClient, named: str) -> tuple[str | None, str]:
    """The id of the worker of an experiment that has this name or id, or in words why none can be told."""
    known = (await store.list_workers(named)).workers
    if not known and named.startswith("wkr_"):
        return named, ""
    if len(known) == 1:
        return known[0].worker_id, ""
    if known:
        return None, f"{len(known)} workers are called “{named}”: say the id of one of them."
    return None, f"Nobody in this experiment is called “{named}”."

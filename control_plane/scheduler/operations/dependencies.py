"""What a job is to come after: found when it is submitted or tried again."""

from collections.abc import Sequence

from sqlalchemy import select

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Tx
from control_plane.scheduler.operations.ends import outcome_of
from control_plane.scheduler.operations.making import Wait
from control_plane.scheduler.operations.rows import load
from control_plane.scheduler.tables import arrays
from store_client.errors import InvalidPrecondition, NotFound
from store_client.wire.jobs import Dependency

ARRAY = "arr_"


def unmet(tx: Tx, asked: Sequence[Dependency]) -> tuple[Wait, ...]:
    """What is still to be waited for; what can never be met any more is refused.

    Only what exists can be named, so nothing ever waits for itself.
    """
    waits: dict[str, str] = {}
    for dependency in asked:
        on_id = _find(tx, dependency.job_id)
        outcome = outcome_of(tx, on_id)
        if outcome is None:
            is_strict = dependency.when == "succeeded" or waits.get(on_id) == "succeeded"
            waits[on_id] = "succeeded" if is_strict else "ended"
        elif dependency.when == "succeeded" and not outcome.is_success:
            raise InvalidPrecondition(f"{outcome.words}, and this is to come after its success; try that again first")
    return tuple(Wait(on_id, when_it) for on_id, when_it in waits.items())


def _find(tx: Tx, name: str) -> str:
    """The id of a job or an array that the caller may read."""
    is_everywhere = tx.caller.is_admin or tx.caller.scope == DEPLOYMENT
    scope = tx.at(DEPLOYMENT) if is_everywhere else tx
    try:
        if not name.startswith(ARRAY):
            return str(load(scope, name)["job_id"])
    except NotFound as error:
        raise NotFound(f"depends_on: there is no job {name} here") from error
    query = select(arrays.c.array_id).where(arrays.c.array_id == name)
    if scope.experiment_id:
        query = query.where(arrays.c.experiment_id == scope.experiment_id)
    if tx.connection.scalar(query) is None:
        raise NotFound(f"depends_on: there is no array {name} here")
    return name

"""Arrays and acts on many jobs: an act cancels those whose waiting jobs it chooses, and is taken back.

Only what acts did is taken back, and only once the last of them is. An array that was cancelled as one, or whose turn
can no longer come, is closed for good, whatever acts did before or do after.
"""

from sqlalchemy import RowMapping, delete, insert, select

from control_plane.db.transaction import Tx
from control_plane.scheduler.operations import ends, whole_arrays
from control_plane.scheduler.operations.dependencies import unmet
from control_plane.scheduler.operations.submit import must_be_wanted
from control_plane.scheduler.ports import Claims
from control_plane.scheduler.tables import array_acts, arrays, jobs
from store_client.errors import Refused
from store_client.wire.batches import ReopenArrays, ReopenedArrays
from store_client.wire.jobs import SubmitJob

AT_ONCE = 100
"""So many arrays are seen to in one transaction."""
OTHERS = "another act on many jobs has cancelled it, too; it goes on when that is taken back as well"


def close(tx: Tx, array_id: str, act_id: str | None) -> None:
    """Make no more jobs of an array some of whose waiting jobs are cancelled: for good, unless by an act."""
    row = whole_arrays.load(tx, array_id)
    if act_id is None:
        ends.close(tx, array_id)
    else:
        _keep(tx, row, act_id)
        ends.stop_making(tx, array_id)
    if not row["is_cancelled"]:
        whole_arrays.tell(tx, row, "array_cancelled", **({"act_id": act_id} if act_id else {}))


def _keep(tx: Tx, row: RowMapping, act_id: str) -> None:
    """Write down that an act closes an array, unless it is closed for good."""
    acts = _acts(tx, row["array_id"])
    if act_id not in acts and (acts or not row["is_cancelled"]):
        kept = {"act_id": act_id, "number": row["number"], "array_id": row["array_id"]}
        tx.connection.execute(insert(array_acts).values(kept))


def reopen(tx: Tx, body: ReopenArrays, claims: Claims) -> ReopenedArrays:
    """Take back that an act closed arrays: each once; what cannot go on stays as it is, and is told with the reason."""
    found = _closed_by(tx, body)
    some, refused, opened = found[:AT_ONCE], list[str](), list[RowMapping]()
    for array in some:
        why = _why_not(tx, array, claims)
        is_last = _acts(tx, array["array_id"]) == {body.act_id}
        if why is None and not body.is_preview:
            _take_back(tx, array, body.act_id, is_last=is_last)
        if why is None and is_last:
            opened.append(array)
        else:
            refused.append(f"the array of job {array['number']}: {why or OTHERS}")
    return ReopenedArrays(
        reopened=len(opened),
        to_come=sum(array["size"] - array["made"] for array in opened),
        refused=tuple(refused),
        next=some[-1]["number"] if len(found) > AT_ONCE else None,
    )


def _closed_by(tx: Tx, body: ReopenArrays) -> list[RowMapping]:
    wanted = select(arrays).join(array_acts, array_acts.c.array_id == arrays.c.array_id)
    wanted = wanted.where(array_acts.c.act_id == body.act_id, array_acts.c.number > (body.after or 0))
    return list(tx.connection.execute(wanted.order_by(array_acts.c.number).limit(AT_ONCE + 1)).mappings())


def _why_not(tx: Tx, array: RowMapping, claims: Claims) -> str | None:
    """Why more jobs of an array would be of no use, or could never begin."""
    first = tx.connection.execute(select(jobs).where(jobs.c.number == array["number"])).mappings().one()
    try:
        must_be_wanted(tx, first, claims)
        unmet(tx, SubmitJob.model_validate(array["spec"]).depends_on)
    except Refused as refusal:
        return refusal.detail
    return None


def _take_back(tx: Tx, array: RowMapping, act_id: str, *, is_last: bool) -> None:
    kept = (array_acts.c.act_id == act_id) & (array_acts.c.number == array["number"])
    tx.connection.execute(delete(array_acts).where(kept))
    if is_last:
        ends.go_on_making(tx, array["array_id"])
        whole_arrays.tell(tx, array, "array_reopened", act_id=act_id)


def _acts(tx: Tx, array_id: str) -> set[str]:
    """The acts that keep an array closed."""
    return set(tx.connection.scalars(select(array_acts.c.act_id).where(array_acts.c.array_id == array_id)))

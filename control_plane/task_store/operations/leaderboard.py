"""The leaderboard: found along the index of what it is sorted by, however many variants there are.

Those that have the measure come first, in its order, then those that have none, newest first. What no index serves is
looked for among a bounded number of variants at a time, and the page says where to go on.
"""

from sqlalchemy import RowMapping

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import details, narrowing
from control_plane.task_store.operations.parts import Part, Step, parts_of
from control_plane.task_store.rules import standings
from control_plane.task_store.rules.standings import Place
from store_client.wire.boards import Leaderboard
from store_client.wire.calls.boards import LeaderboardQuery

Found = list[tuple[Place, RowMapping]]


def page(tx: Tx, query: LeaderboardQuery) -> Leaderboard:
    """One page, forward from a place or backward from one."""
    text, is_back = query.before or query.after, query.before is not None
    start = standings.read(text) if text else None
    found, stopped = _walk(tx, query, Step(start, query.limit + 1, is_back))
    shown, goes_on = found[: query.limit], len(found) > query.limit or stopped is not None
    end = stopped if stopped is not None and len(found) <= query.limit else shown[-1][0] if shown else start
    begin = shown[0][0] if shown else start
    onward = standings.write(end) if goes_on and end is not None else None
    back = standings.write(begin) if start is not None and begin is not None else None
    total, is_more = narrowing.total(tx, query)
    return Leaderboard(
        items=details.of_variants(tx, [row for _, row in (reversed(shown) if is_back else shown)]),
        next=back if is_back else onward,
        previous=onward if is_back else back,
        total=total,
        is_more=is_more,
    )


def _walk(tx: Tx, query: LeaderboardQuery, step: Step) -> tuple[Found, Place | None]:
    """Rows of the parts of the list one after the other, and where the search stopped if it looked through enough."""
    parts: list[Part] = parts_of(tx, query)
    found: Found = []
    for part in reversed(parts) if step.is_back else parts:
        if (
            step.start is not None
            and (part.order < step.start.part) is not step.is_back
            and part.order != step.start.part
        ):
            continue
        rows, stopped = part.read(tx, step.within(part.order, len(found)))
        found += rows
        if stopped is not None or len(found) >= step.limit:
            return found, stopped
    return found, None

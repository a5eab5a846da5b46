"""The leaderboard of a peer's experiment, sorted from the copy of its variants."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from store_client.errors import BadRequest
from store_client.peers import variants
from store_client.peers.copy import Copy
from store_client.peers.kept import KeptVariant
from store_client.peers.peer import Peer
from store_client.wire import stretches
from store_client.wire.boards import Leaderboard
from store_client.wire.calls.boards import LeaderboardQuery

Key = tuple[int, float, str, int]


async def list_page(peer: Peer) -> Leaderboard:
    """Those that have the measure in its order, then those that have none, newest first."""
    query = peer.query
    assert isinstance(query, LeaderboardQuery)  # noqa: S101 - the table of calls says so
    copy, registry = await peer.copy(), await peer.registry()
    chosen = sorted(
        (each for each in copy.variants.values() if _is_wanted(copy, each, query)), key=lambda each: _key(each, query)
    )
    start = _place(query.after or query.before, chosen)
    if query.before is not None:
        begin = max(start - query.limit, 0)
        shown, is_more = chosen[begin:start], start < len(chosen)
    else:
        begin = start + 1 if query.after else 0
        shown, is_more = chosen[begin : begin + query.limit], begin + query.limit < len(chosen)
    return Leaderboard(
        items=tuple(variants.detail(copy, registry, each) for each in shown),
        next=_write(shown[-1]) if shown and is_more else None,
        previous=_write(shown[0]) if shown and begin > 0 else None,
        total=len(chosen),
    )


def _write(kept: KeptVariant) -> str:
    return base64.urlsafe_b64encode(json.dumps(kept.id).encode()).decode()


def _place(text: str | None, chosen: list[KeptVariant]) -> int:
    """Where the variant that a place names stands."""
    if text is None:
        return 0
    try:
        wanted = json.loads(base64.urlsafe_b64decode(text))
        return next(place for place, each in enumerate(chosen) if each.id == wanted)
    except (ValueError, StopIteration) as error:
        raise BadRequest("after or before is not the place of another page") from error


def _key(kept: KeptVariant, query: LeaderboardQuery) -> Key:
    sign = 1 if query.is_ascending else -1
    if query.sort == "number":
        return 0, 0.0, "", sign * kept.number
    measured = kept.value if query.sorted_metric is None else _measures(kept).get(query.sorted_metric)
    value = stretches.number_in(measured)
    if value is not None:
        return 0, sign * value, "", sign * kept.number
    return (0, 0.0, measured, kept.number) if isinstance(measured, str) else (1, 0.0, "", -kept.number)


def _is_wanted(copy: Copy, kept: KeptVariant, query: LeaderboardQuery) -> bool:
    record = kept.record
    called = f"{variants.label(copy, kept)} {record.description or ''} {kept.id} {' '.join(kept.commits)}".lower()
    return (
        query.status in {None, kept.status}
        and query.worker in {None, record.executed_by}
        and query.idea in {None, kept.idea_id}
        and all(word in called for word in (query.q or "").lower().split())
        and _is_between(kept, query)
    )


def _is_between(kept: KeptVariant, query: LeaderboardQuery) -> bool:
    if query.metric is None or (query.at_least is None and query.at_most is None):
        return True
    value = stretches.number_in(_measures(kept).get(query.metric))
    low = float("-inf") if query.at_least is None else float(query.at_least)
    high = float("inf") if query.at_most is None else float(query.at_most)
    return value is not None and low <= value <= high


def _measures(kept: KeptVariant) -> Mapping[str, Any]:
    return kept.record.evaluation or {}

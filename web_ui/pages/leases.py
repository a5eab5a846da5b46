"""Leases: who decides in each registered experiment, until when; taking a lease from its holder, and unregistering."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from starlette.responses import Response

from store_client import Forbidden, InvalidPrecondition, LeaseLine, LeaseLineQuery, NotFound, parse_time
from web_ui.filters import duration, plural, short_id
from web_ui.frame import deployment_frame
from web_ui.listing import PAGE, Pager, Place
from web_ui.templating import Frame
from web_ui.visit import Visit

MANY_FAILURES = 10


@dataclass(frozen=True)
class LeaseRow:
    """One experiment: its holder, or why there is none, and how fresh what is known of it is."""

    line: LeaseLine
    name: str
    href: str | None
    holder: str
    instance: str
    left: str
    state: str
    freshness: str
    is_stale: bool
    end_href: str | None
    forget_href: str | None


@dataclass(frozen=True)
class Leases:
    """`/admin/leases`."""

    template: ClassVar[str] = "leases/index.html"

    frame: Frame
    sentence: str
    rows: tuple[LeaseRow, ...]
    searched: str
    pager: Pager


async def index(visit: Visit) -> Response:
    """The registered experiments, the newest first."""
    if not visit.manages_deployment:
        raise Forbidden("only an administrator of the deployment sees who decides in every experiment")
    place = Place.of(visit.request, "q")
    words = place.fields.get("q", "").replace("\x00", "")[:200]
    query = LeaseLineQuery(q=words or None, limit=PAGE, after=(place.after or "")[:200] or None)
    found, experiments, fleet = await asyncio.gather(
        visit.client.list_lease_lines(query), visit.beside(), visit.fleet()
    )
    held = f"{plural(found.held, 'experiment')} {'has' if found.held == 1 else 'have'} somebody who decides."
    held = held if found.held else "Nobody holds one now."
    page = Leases(
        frame=deployment_frame(visit, experiments, "Leases", "leases", fleet),
        sentence=f"Who orchestrates an experiment holds the lease on it, and renews it as long as it lives. {held}",
        rows=tuple(_row(visit, line) for line in found.lines),
        searched=words,
        pager=place.pager(len(found.lines), found.next),
    )
    return visit.show(page)


async def end(visit: Visit) -> Response:
    """Take a lease from whoever holds it."""
    path = visit.url("leases")
    try:
        ended = await visit.client.end_lease(str(visit.request.path_params["lease"])[:200])
    except NotFound:
        return visit.go(path, ("notice", "That lease was replaced by another one already. Nothing was ended."))
    told = f"The lease on {ended.name or short_id(ended.experiment_id)} is free for whoever asks first."
    return visit.go(path, ("done", told))


async def forget(visit: Visit) -> Response:
    """Unregister an experiment that has ended and in which nobody decides."""
    path, entry_id = visit.url("leases"), str(visit.request.path_params["entry"])[:200]
    try:
        await visit.client.forget_registration(entry_id)
    except InvalidPrecondition as error:
        return visit.go(path, ("notice", f"It is still registered: {error}."))
    except NotFound:
        return visit.go(path, ("notice", "It was not registered any more. Nothing was changed."))
    return visit.go(path, ("done", f"{short_id(entry_id)} is no longer registered."))


def _row(visit: Visit, line: LeaseLine) -> LeaseRow:
    lease, has_ended = line.lease, line.state == "terminated"
    freshness, is_stale = _freshness(visit.now, line)
    return LeaseRow(
        line=line,
        name=line.name or short_id(line.experiment_id),
        href=visit.url("overview", experiment=line.experiment_id) if line.is_here else None,
        holder=(line.holder_name or short_id(lease.holder)) if lease else "",
        instance=lease.holder_instance if lease else "",
        left=duration(max(0.0, (parse_time(lease.expires_at) - visit.now).total_seconds())) if lease else "",
        state="running" if line.state == "running" else "done",
        freshness=freshness,
        is_stale=is_stale,
        end_href=visit.url("end_lease", lease=lease.lease_id) if lease else None,
        forget_href=visit.url("forget_registration", entry=line.experiment_id) if has_ended and not lease else None,
    )


def _freshness(now: datetime, line: LeaseLine) -> tuple[str, bool]:
    """How old what is known of an experiment is, and whether that is too old."""
    if line.is_here:
        return "here, always fresh", False
    if line.synced_at is None:
        return ("elsewhere, never answered", True) if line.failures else ("elsewhere, not asked yet", False)
    age = duration((now - parse_time(line.synced_at)).total_seconds())
    if line.failures >= MANY_FAILURES:
        return f"elsewhere, silent for {age}", True
    return f"elsewhere, answered {age} ago", False

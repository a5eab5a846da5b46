"""What somebody could do to the jobs that a filter chooses."""

from store_client import JobFilter
from web_ui.queue_filters import Filters
from web_ui.visit import Visit


async def counted(visit: Visit, narrowed: Filters) -> Filters:
    """The filters, with whether there is a job among them that this person may cancel."""
    wanted = narrowed.open
    if narrowed.cancel_href is None or wanted is None:
        return narrowed
    page = await visit.client.list_jobs(wanted=await theirs(visit, wanted), limit=1)
    return narrowed.counting(len(page.items))


async def theirs(visit: Visit, wanted: JobFilter) -> JobFilter:
    """Those of the jobs that this person may cancel: anybody's where they are administrator, else their own."""
    of = wanted.experiment_id
    if visit.is_administrator or of is None or dict(visit.who.roles).get(of) == "administrator":
        return wanted
    return wanted.having(submitted_by=await visit.console.factory.worker_id(visit.who, of))

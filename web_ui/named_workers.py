"""The worker that somebody means by a name, by an id or by “me”."""

from web_ui.active import Here


async def worker_named(here: Here, named: str) -> tuple[str | None, str]:
    """The id of that worker of this experiment, or in words why none can be told."""
    if named == "me":
        return await here.visit.console.factory.worker_id(here.visit.who, here.experiment_id), ""
    known = (await here.store.list_workers(named)).workers
    if not known and named.startswith("wkr_"):
        return named, ""
    if len(known) == 1:
        return known[0].worker_id, ""
    if known:
        return None, f"{len(known)} workers are called “{named}”: say the id of one of them."
    return None, f"Nobody in this experiment is called “{named}”."

"""The worker that somebody means by a name, by an id or by “me”."""

import store_client
from web_ui.active import Here


async def worker_named(here: Here, named: str) -> tuple[str | None, str]:
    """The id of that worker of this experiment, or in words why none can be told."""
    if named == "me":
        return await here.visit.console.factory.worker_id(here.visit.who, here.experiment_id), ""
    return await store_client.worker_named(here.store, named)

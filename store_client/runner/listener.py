"""News for a host that nobody else tells: the log of its experiment."""

from store_client.client import StoreClient
from store_client.runner.endure import Endurance
from store_client.runner.host import CONFIG_CHANGED, Host

WAIT_SECONDS = 20.0


class Listener:
    """Wakes a host when something happens to a task of its experiment."""

    def __init__(self, store: StoreClient, host: Host) -> None:
        self._store = store
        self._host = host
        self._cursor: int | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        endurance = Endurance()
        while True:
            if not await endurance.endure(f"the log of {self._store.experiment_id}", self.tick()):
                self._cursor = None
                await endurance.pause()

    async def tick(self) -> None:
        """Wait for the next events."""
        if self._cursor is None:
            self._cursor = (await self._store.read_log()).cursor
            self._host.reread()  # nobody knows what happened meanwhile
        page = await self._store.read_log(self._cursor, WAIT_SECONDS)
        self._cursor = page.cursor
        if any(event.type == CONFIG_CHANGED for event in page.events):
            self._host.reread()
        elif any(event.type.startswith("task.") for event in page.events):
            self._host.wake()

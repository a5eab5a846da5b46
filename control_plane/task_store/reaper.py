"""The reaper: takes back claims that have lapsed, in every process that serves, by the clock of the database."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from control_plane.edge.house import House
from control_plane.task_store.operations import claims
from store_client.errors import SwitchyardError

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0


class Reaper:
    """Looks once a second on a thread of its own, and writes only when there is something to take back."""

    def __init__(self, house: House, look_seconds: float = LOOK_SECONDS) -> None:
        self._house, self._look_seconds = house, look_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                found = self.look()
            except (SwitchyardError, SQLAlchemyError) as error:
                logger.warning("lapsed claims could not be taken back now: %s", error)
                found = 0
            self._stopping.wait(0 if found == claims.SWEEP_LIMIT else self._look_seconds)

    def look(self) -> int:
        """Take back what has lapsed by now; how many claims there were."""
        return self._house.writer.write(claims.sweep_expired) if self._is_due() else 0

    def _is_due(self) -> bool:
        database = self._house.database
        with database.reading() as connection:
            first = claims.first_lapse(connection)
            return first is not None and first <= database.now(connection, self._house.clock)

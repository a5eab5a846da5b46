"""The reaper: takes back claims that have lapsed, in every process that serves, by the clock of the database."""

from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.task_store.operations import claims

LOOK_SECONDS = 1.0


class Reaper(Rounds):
    """Looks once a second, and writes only when there is something to take back."""

    full = claims.SWEEP_LIMIT

    def __init__(self, house: House, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__("reaper", look_seconds)
        self._house = house

    def round(self) -> int:
        """Take back what has lapsed by now; how many claims there were."""
        return self._house.writer.write(claims.sweep_expired) if self._is_due() else 0

    def _is_due(self) -> bool:
        database = self._house.database
        with database.reading() as connection:
            first = claims.first_lapse(connection)
            return first is not None and first <= database.now(connection, self._house.clock)

"""The packer: branches that were pushed lie loose, a file each, until they are packed into one."""

import time
from collections.abc import Callable

from control_plane.edge.rounds import Rounds
from control_plane.repos.backend import HttpLimits
from control_plane.repos.vend import Repositories

ROUND_SECONDS, MANY_LOOSE = 600.0, 1000


class Packer(Rounds):
    """Packs now and then what was pushed since the start, in every process that serves; `now` says what is old."""

    def __init__(
        self, repositories: Repositories, many: int = MANY_LOOSE, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__("packer", ROUND_SECONDS, ROUND_SECONDS)
        self._repositories, self._many, self._now = repositories, many, now

    def round(self) -> int:
        """Pack the branches where many are loose; in how many repositories."""
        return self._repositories.pack(self._now() - HttpLimits().total_seconds, self._many)

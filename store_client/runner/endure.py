"""What keeps a loop going: an act whose failure, whatever it is, is logged and counted, and never ends its caller."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field

from store_client.errors import SwitchyardError
from store_client.transport import Patience

logger = logging.getLogger(__name__)
MOST = 8


@dataclass
class Endurance:
    """Fails in a row, and the pause that each of them costs."""

    patience: Patience = field(default_factory=lambda: Patience(first_pause_seconds=0.25, longest_pause_seconds=5.0))
    fails: int = 0

    async def endure(self, what: str, act: Awaitable[object]) -> bool:
        """Whether the act succeeded. A failure is logged: a refusal or silence in a line, once in a row."""
        try:
            await act
        except Exception as error:
            is_expected = isinstance(error, SwitchyardError)
            level = logging.ERROR if not is_expected else logging.DEBUG if self.fails else logging.WARNING
            logger.log(level, "%s: %s", what, error, exc_info=None if is_expected else error)
            self.fails = min(self.fails + 1, MOST)
            return False
        self.fails = 0
        return True

    async def pause(self) -> None:
        """Wait, longer after every further failure."""
        await self.patience.pause(max(self.fails - 1, 0))

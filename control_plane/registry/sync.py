"""Asks the task store that hosts an experiment for its state, now and then and before a lease is given."""

import logging

from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.registry.operations import syncing
from control_plane.registry.ports import States
from store_client.errors import SwitchyardError, Unreachable

logger = logging.getLogger(__name__)
POLL_SECONDS = 30.0


class StateSync(Rounds):
    """Asks about every experiment elsewhere in its turn; several processes share the asking."""

    def __init__(self, house: House, states: States, poll_seconds: float = POLL_SECONDS) -> None:
        super().__init__("state sync", poll_seconds / 2)
        self._house, self._states, self._poll_seconds = house, states, poll_seconds

    def round(self) -> int:
        """Ask about every experiment whose turn it is."""
        due = self._house.writer.write(lambda tx: syncing.take_due(tx, self._poll_seconds))
        for experiment_id in due:
            if self.stopping.is_set():
                break
            self._ask(experiment_id)
        return len(due)

    def refresh(self, experiment_id: str) -> None:
        """Ask about one experiment now, if it is hosted elsewhere; no answer is no fault of the caller."""
        try:
            if self._house.read_now(lambda tx: syncing.is_elsewhere(tx, experiment_id)):
                self._ask(experiment_id)
        except SwitchyardError as error:
            logger.warning("%s: its state could not be refreshed: %s", experiment_id, error)

    def _ask(self, experiment_id: str) -> None:
        try:
            state = self._states(experiment_id)
        except Unreachable as error:
            logger.info("%s: its state could not be read: %s", experiment_id, error)
            self._house.writer.write(lambda tx: syncing.record_failure(tx, experiment_id))
        else:
            if state is not None:
                self._house.writer.write(lambda tx: syncing.record(tx, experiment_id, state))

"""Asks the task store that hosts an experiment for its state, now and then and before a lease is given."""

import logging
import threading

from control_plane.edge.house import House
from control_plane.registry.operations import syncing
from control_plane.registry.ports import States
from store_client.errors import SwitchyardError, Unreachable

logger = logging.getLogger(__name__)
POLL_SECONDS = 30.0


class StateSync:
    """Polls on a thread of its own; several processes share the asking."""

    def __init__(self, house: House, states: States, poll_seconds: float = POLL_SECONDS) -> None:
        self._house, self._states, self._poll_seconds = house, states, poll_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state sync", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.round()
            except SwitchyardError as error:
                logger.warning("the states of experiments elsewhere could not be looked at: %s", error)
            self._stopping.wait(self._poll_seconds / 2)

    def round(self) -> None:
        """Ask about every experiment whose turn it is."""
        for experiment_id in self._house.writer.write(lambda tx: syncing.take_due(tx, self._poll_seconds)):
            if self._stopping.is_set():
                return
            self._ask(experiment_id)

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

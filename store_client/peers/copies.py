"""The copies that one transport keeps of a peer's experiments, within bounds."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from store_client.peers.copy import Copy

MOST_COPIES = 32
MOST_BYTES = 256 * 1024 * 1024
Configs = Mapping[str, Mapping[str, Any]]


class Copies:
    """Copies by experiment; the least recently used give way, never the one asked for."""

    def __init__(self, configs: Configs | None = None) -> None:
        self.configs: Configs = {} if configs is None else configs
        self._copies: OrderedDict[str, Copy] = OrderedDict()

    def of(self, experiment_id: str) -> Copy:
        """The copy of an experiment; empty when there was none, and begun anew when its config has been found."""
        kept, config = self._copies.get(experiment_id), self.configs.get(experiment_id)
        if kept is None or (config is not None and kept.config is not config):
            self._copies[experiment_id] = Copy({} if config is None else config)
        self._copies.move_to_end(experiment_id)
        return self._copies[experiment_id]

    def shrink(self) -> None:
        """Drop copies until the rest is within bounds."""
        while len(self._copies) > 1 and (len(self._copies) > MOST_COPIES or self._bytes() > MOST_BYTES):
            self._copies.popitem(last=False)

    def _bytes(self) -> int:
        """What the texts take, about half of the whole."""
        return sum(copy.size_bytes for copy in self._copies.values())

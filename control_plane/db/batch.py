"""What the operations of one transaction share: what is written once for all of them, and what need not be asked twice.

Events and counts are kept back and written together; `connection` writes them first, so that whoever asks the database
itself finds everything. An operation that fails takes its own share back.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from control_plane.db import log, tally
from control_plane.db.log import Told
from control_plane.db.tables import DEPLOYMENT

T = TypeVar("T")
_JSON = json.JSONEncoder(allow_nan=False)
Count = tuple[str, str, int]
"""An experiment, the name of a counter, and how much is added to it."""


@dataclass
class Batch:
    """The operations of one transaction, one after the other."""

    bare: Connection
    """The connection for statements that read no events and no counters, and change no identity and no experiment."""
    now: str
    mint: Callable[[str], str]
    _told: list[Told] = field(default_factory=list)
    _counted: list[Count] = field(default_factory=list)
    _known: dict[Hashable, Any] = field(default_factory=dict)
    _is_open: bool = False
    _start: tuple[int, int, int, int] = (0, 0, 0, 0)
    _written: tuple[int, int] = (0, 0)

    @property
    def connection(self) -> Connection:
        """The connection for any statement: from now on nothing of this operation is kept back or remembered."""
        if not self._is_open:
            self._is_open = True
            self._known.clear()
            self.write_down()
        return self.bare

    def begin(self) -> None:
        """An operation begins: what it tells and counts from here on is its own."""
        if self._is_open:
            self._known.clear()
        self._is_open = False
        self._start = (len(self._told), len(self._counted), *self._written)

    def take_back(self) -> None:
        """The operation failed, and the database is as it was when it began."""
        told, counted, *written = self._start
        del self._told[told:]
        del self._counted[counted:]
        self._written = (written[0], written[1])
        self._known.clear()

    @property
    def told(self) -> frozenset[str]:
        """The experiments that events of this batch tell of."""
        return frozenset(told.experiment_id for told in self._told)

    def tell(self, experiment_id: str, type_: str, data: Mapping[str, Any]) -> None:
        """An event of an experiment, or of the deployment."""
        text = _JSON.encode(data)  # what cannot be written fails where it is told
        self._told.append(Told(experiment_id, self.mint("evt"), type_, text))
        if self._is_open:
            self.write_down()

    def count(self, experiment_id: str, name: str, amount: int) -> None:
        """Something was added to a counter of an experiment."""
        self._counted.append((experiment_id, name, amount))
        if self._is_open:
            self.write_down()

    def count_with_all(self, experiment_id: str, name: str, amount: int) -> None:
        """The same, and to the deployment's counter of that name, which stands for those of all experiments."""
        self._counted += ((experiment_id, name, amount), (DEPLOYMENT, name, amount))
        if self._is_open:
            self.write_down()

    def write_down(self) -> None:
        """Write what was kept back."""
        told, counted = self._told[self._written[0] :], self._counted[self._written[1] :]
        if told:
            log.append(self.bare, self.now, told)
        if counted:
            sums: Counter[tuple[str, str]] = Counter()
            for experiment_id, name, amount in counted:
                sums[experiment_id, name] += amount
            tally.add_all(self.bare, sums)
        self._written = (len(self._told), len(self._counted))

    def known(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` finds, asked once for all operations that leave identities and experiments alone."""
        if self._is_open:
            return find()
        if key not in self._known:
            self._known[key] = find()
        found: T = self._known[key]
        return found

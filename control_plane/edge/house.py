"""What every request stands on: the database, its writer, the keys, the hub and the reader threads."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from control_plane.db.batch import Batch
from control_plane.db.engine import Database, is_out_of_reach
from control_plane.db.identities import Keys
from control_plane.db.transaction import Caller, Tx
from control_plane.db.writer import Writer
from control_plane.edge.hub import Hub
from control_plane.edge.minting import mint
from store_client.errors import Unavailable
from store_client.wire.scalars import format_time

T = TypeVar("T")


def clock() -> str:
    """The time now, as the wire spells it."""
    return format_time(datetime.now(UTC))


@dataclass
class House:
    """The shared floor of one control-plane process."""

    database: Database
    keys: Keys
    hub: Hub = field(default_factory=Hub)
    clock: Callable[[], str] = clock
    mint: Callable[[str], str] = mint
    seen: Callable[[Caller], None] = lambda _caller: None
    fence: Callable[[Tx, str], None] = lambda _tx, _lease_id: None
    """Refuses a write in an experiment whose lease is not, or no longer, the one that its caller named."""
    tell_others: Callable[[frozenset[str]], None] = lambda _experiments: None
    writer: Writer = field(init=False)
    readers: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, self.clock, self.mint, self._committed)
        self.readers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="reader")

    def _committed(self, experiments: frozenset[str]) -> None:
        self.hub.committed(experiments)
        self.tell_others(experiments)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run an operation on the writer and wait for its commit without holding a thread."""
        return await self.writer.submit_here(work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a reading operation on a reader thread, on one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, self.read_now, work)

    def read_now(self, work: Callable[[Tx], T]) -> T:
        """Run a reading operation on this thread."""
        with self.answering(), self.snapshot() as tx:
            return work(tx)

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """A transaction that sees one moment, for as long as the block."""
        with self.database.reading() as connection:
            yield Tx(Batch(connection, self.clock(), self.mint))

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Unavailable when the database cannot be reached in the block."""
        try:
            yield
        except SQLAlchemyError as error:
            if is_out_of_reach(error):
                raise Unavailable("the database does not answer") from error
            raise

    def close(self) -> None:
        self.writer.close()
        self.readers.shutdown()
        self.database.close()

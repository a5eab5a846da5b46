"""A line between the processes of one PostgreSQL: each says where it committed and hears where others did.

It is a hint only: what is missed while a line is down, a look at the log finds.
"""

from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import text

from control_plane.db.engine import Database
from control_plane.db.tables import DEPLOYMENT
from store_client.errors import Unavailable

CHANNEL = "switchyard_commits"
MAX_BYTES = 7000
"""PostgreSQL takes payloads below 8000; whoever has more to say names the deployment, which stands for all."""


class Line:
    """One session that listens; its file descriptor becomes readable when something is said."""

    def __init__(self, database: Database) -> None:
        self._connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session: Any = self._connection.connection.driver_connection
        self._session, self._own = session, session.info.backend_pid
        self._broken: Any = database.engine.dialect.loaded_dbapi.Error
        self._connection.detach()  # it is not for lending out, and a pool that is closed leaves it alone
        # A notice is no data: nobody waits for the disk because of it.
        self._connection.execute(text("SET synchronous_commit = off"))
        self._connection.execute(text(f"LISTEN {CHANNEL}"))

    def fileno(self) -> int:
        return int(self._session.fileno())

    def heard(self) -> frozenset[str]:
        """The experiments that others have named by now; Unavailable when the line is down."""
        try:
            found = [notice.payload for notice in self._session.notifies(timeout=0) if notice.pid != self._own]
        except self._broken as error:
            raise Unavailable(f"the line to the database is down: {error}") from error
        return frozenset(name for payload in found for name in payload.split(","))

    def tell(self, experiments: AbstractSet[str]) -> None:
        """Name experiments to the other processes, in one notice."""
        payload = ",".join(sorted(experiments))
        statement = text("SELECT pg_notify(:channel, :payload)")
        self._connection.execute(
            statement, {"channel": CHANNEL, "payload": payload if len(payload) <= MAX_BYTES else DEPLOYMENT}
        )

    def close(self) -> None:
        self._connection.close()
        self._session.close()

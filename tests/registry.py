"""The registry of a real house over a real database, with a repository maker of four lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update
from starlette.applications import Starlette

from control_plane.db import log
from control_plane.db.engine import Database
from control_plane.db.identities import Issue, Keys, issue
from control_plane.db.tables import metadata
from control_plane.db.transaction import ADMIN, Caller, Tx
from control_plane.edge.house import House
from control_plane.edge.problems import HANDLERS
from control_plane.registry import creation
from control_plane.registry.operations import experiments, workers
from control_plane.registry.operations.bootstrap import Bootstrap, bootstrap, issue_service_token
from control_plane.registry.operations.experiments import Seeded
from control_plane.registry.passwords import Passwords
from control_plane.registry.ports import Vouches
from control_plane.registry.routes import Neighbours, routes
from control_plane.registry.rules.plans import plan
from store_client.wire.experiments import CreateExperiment
from store_client.wire.workers import RegisterWorker

P = ParamSpec("P")
T = TypeVar("T")
ADMIN_TOKEN = "the-admin-token"
KEYS = Keys(ADMIN_TOKEN, b"a pepper of thirty-two bytes, yes")
COMMIT = "c0ffee" + "0" * 34
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CONFIG = {
    "parallel_variants": 2,
    "evaluation_schema": {"accuracy": "real", "note": "text"},
    "objective": {"expr": "accuracy", "direction": "maximize"},
}


@dataclass
class MadeUpSeeds:
    """Remembers which repositories there would be."""

    made: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def seed(self, experiment_id: str, source: Path, seeded_at: str) -> str:
        self.made[experiment_id] = source, seeded_at
        return COMMIT

    def copy(self, experiment_id: str, origin: str) -> str:
        self.made[experiment_id] = self.made.get(origin, (Path(origin), ""))
        return COMMIT

    def look(self, _source: Path) -> tuple[int, int, list[str]]:
        return 0, 0, []

    def hold(self, _experiment_id: str) -> "MadeUpSeeds":
        return self

    def release(self) -> None:
        """Nobody else was there."""

    def remove(self, experiment_id: str) -> None:
        self.made.pop(experiment_id, None)


@dataclass
class Registry:
    """A house whose operations are one call away."""

    house: House
    seeds: MadeUpSeeds = field(default_factory=MadeUpSeeds)
    passwords: Passwords = field(default_factory=lambda: Passwords(CHEAP))
    provider: Vouches | None = None

    def act(self, operation: Callable[Concatenate[Tx, P], T], *given: P.args, **named: P.kwargs) -> T:
        """Run an operation in the deployment's scope, as the admin."""
        return self.house.writer.write(lambda tx: operation(tx, *given, **named))

    def at(self, scope: str, work: Callable[[Tx], T], caller: Caller = ADMIN) -> T:
        """Run work in a scope, as a caller."""
        return self.house.writer.write(work, caller, scope)

    def experiment(self, name: str = "Digits", **config: Any) -> str:
        """A new experiment; its id."""
        decided = plan(CreateExperiment(config={**CONFIG, **config}, name=name), {**CONFIG, **config}, "Experiment")
        seeded = Seeded(self.house.mint("exp"), COMMIT)
        return self.act(experiments.create, decided, seeded).experiment_id

    def host(self, experiment_id: str) -> None:
        """An experiment given to a server at its start: no workers, no groups."""
        self.act(creation.host, experiment_id, CONFIG)

    def worker(self, scope: str, name: str = "ada") -> tuple[str, str]:
        """A new worker: its id and token."""
        made = self.at(scope, lambda tx: workers.register(tx, RegisterWorker(name=name), keys=KEYS))
        return made.worker_id, made.registration_token

    def credential(self, worker_id: str, kind: str, expires_at: str | None = None) -> str:
        """One more credential of a worker: its secret."""
        scope = select(metadata.tables["workers"].c.scope).where(metadata.tables["workers"].c.worker_id == worker_id)

        def work(tx: Tx) -> str:
            what = Issue(tx.connection.scalars(scope).one(), kind, expires_at)
            return issue(tx.connection, KEYS, worker_id, tx.now, what)

        return self.act(work)

    def service(self, name: str) -> tuple[str, str]:
        """A service worker of the deployment: its id and a fresh token."""
        worker_id = getattr(self.bootstrap(), name)
        return worker_id, self.act(issue_service_token, worker_id, keys=KEYS)

    def bootstrap(self) -> Bootstrap:
        return self.act(bootstrap)

    def told(self, scope: str) -> list[tuple[str, dict[str, Any]]]:
        """The events of a scope: their types and data."""
        with self.house.database.reading() as connection:
            return [(row["type"], row["data"]) for row in log.read_after(connection, 0, 1000, scope)]

    def everything(self) -> str:
        """All rows of all tables, as text."""
        with self.house.database.reading() as connection:
            return "\n".join(
                f"{table.name}: {row}" for table in metadata.sorted_tables for row in connection.execute(select(table))
            )

    def change(self, table: str, **values: Any) -> None:
        """Set columns of every row of a table, as only time or an accident could."""
        self.act(lambda tx: tx.connection.execute(update(metadata.tables[table]).values(**values)))

    def put(self, table: str, **values: Any) -> None:
        """Insert a row that another wing would have written."""
        self.act(lambda tx: tx.connection.execute(insert(metadata.tables[table]).values(**values)))

    def client(self, bearer: tuple[str, str] | None = None, experiment_id: str | None = None) -> httpx.AsyncClient:
        """HTTP into this house, with a bearer and the experiment header."""
        app = Starlette(
            routes=routes(self.house, Neighbours(self.seeds, passwords=self.passwords, provider=self.provider)),
            exception_handlers=dict(HANDLERS),
        )
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer[0]}:{bearer[1]}"}
        if experiment_id is not None:
            headers["X-Eden-Experiment-Id"] = experiment_id
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://control-plane", headers=headers)


@contextmanager
def open_registry(database_url: str) -> Iterator[Registry]:
    """The registry over a migrated database, closed afterwards."""
    house = House(Database.open(database_url), KEYS)
    try:
        yield Registry(house)
    finally:
        house.close()

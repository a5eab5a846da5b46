"""A real house with an orchestrator in it, over git made up in a few lines."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import insert, select

from control_plane import wiring
from control_plane.db.tables import groups
from control_plane.db.transaction import Tx
from control_plane.orchestrator.loop import Orchestrator
from control_plane.orchestrator.ports import Orphan, Wings
from control_plane.registry.operations.bootstrap import bootstrap
from control_plane.registry.tables import reserved_groups
from control_plane.repos.examine import Facts
from control_plane.task_store.operations import tasks, variants
from store_client.wire.calls.tasks import TaskFilter
from store_client.wire.calls.variants import VariantFilter
from store_client.wire.tasks import Task, TaskKind, TaskState
from store_client.wire.variants import Variant
from tests.store.task_house import CONFIG, TaskHouse, open_house

GOOD = Facts(exists=True, is_descendant=True)
FULLY_AUTOMATIC = dict.fromkeys(
    ("termination", "ideation_creation", "execution_dispatch", "evaluation_dispatch", "integration"), "auto"
)
BY_HAND = dict.fromkeys(FULLY_AUTOMATIC, "manual")


@dataclass
class MadeUpGit:
    """Every commit is good unless it is listed; branches are a dictionary."""

    facts: dict[str, Facts] = field(default_factory=dict)
    branches: dict[str, Orphan] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    def examine(self, _experiment_id: str, commit: str, _parents: Iterable[str], /) -> Facts:
        if commit in self.broken:
            raise self.broken[commit]
        return self.facts.get(commit, GOOD)

    def integrate(self, _experiment_id: str, variant: Variant, slug: str, /) -> tuple[str, str]:
        if variant.variant_id in self.broken:
            raise self.broken[variant.variant_id]
        branch, commit = f"variant/{variant.variant_id}-{slug}", (variant.commit_sha or "")[::-1]
        self.branches[branch] = Orphan(branch, commit, variant.variant_id)
        self.written.append(branch)
        return branch, commit

    def withdraw(self, _experiment_id: str, branch: str, _commit: str, /) -> None:
        del self.branches[branch]

    def orphans(self, _experiment_id: str, known: Collection[str], /) -> Sequence[Orphan]:
        return [branch for branch in self.branches.values() if branch.commit not in known]


@dataclass
class DeskHouse:
    """One experiment and whoever orchestrates it."""

    store: TaskHouse
    git: MadeUpGit
    wings: Wings
    opened: ExitStack = field(default_factory=ExitStack)

    def configure(self, mode: dict[str, str] | None = None, **config: Any) -> None:
        """Set the experiment's config and dispatch mode; the ideation policy keeps quiet unless it is named."""
        quiet: dict[str, Any] = {"ideation_policy": {"kind": "fixed_total", "total": 0}, "baseline": {"enabled": False}}
        self.store.set(config=CONFIG | quiet | config, dispatch_mode=FULLY_AUTOMATIC | (mode or {}))

    def orchestrator(self) -> Orchestrator:
        """One that remembers nothing, and stops with the house at the latest."""
        made = Orchestrator(self.store.house, self.wings)
        self.opened.callback(made.stop)
        return made

    def settle(self, orchestrator: Orchestrator | None = None) -> None:
        """Rounds until there is nothing left to decide."""
        deciding = orchestrator or Orchestrator(self.store.house, self.wings)
        before = -1
        while before != (before := len(self.store.told())):
            deciding.round()
        if orchestrator is None:
            deciding.stop()

    def tasks(self, kind: TaskKind, state: TaskState | None = None) -> list[Task]:
        found: list[Task] = self.store.see(lambda tx: [*tasks.list_all(tx, TaskFilter(kind=kind, state=state))])
        return found

    def variants(self) -> list[Variant]:
        found: list[Variant] = self.store.see(lambda tx: [*variants.list_all(tx, VariantFilter())])
        return found

    def variant(self, variant_id: str) -> Variant:
        found: Variant = self.store.see(variants.read, variant_id)
        return found

    def told(self, type_: str) -> list[dict[str, Any]]:
        return [data for told, data in self.store.told() if told == type_]

    def work(self, task: Task, number: int, **payload: Any) -> str:
        """Bob does an execution task; the variant."""
        self.store.claim(task.task_id)
        variant_id = self.store.variant(str(task.payload["idea_id"]))
        result = {"variant_id": variant_id, "status": "success", "commit_sha": f"{number:040x}", **payload}
        self.store.submit(task.task_id, **result)
        return variant_id

    def judge(self, task: Task, **payload: Any) -> None:
        """Bob does an evaluation task."""
        self.store.claim(task.task_id)
        result = {"variant_id": task.payload["variant_id"], "status": "success", "evaluation": {"accuracy": 0.5}}
        self.store.submit(task.task_id, **result | payload)


def _reserve(tx: Tx) -> None:
    """What creating an experiment through the registry does to its groups."""
    found = tx.connection.execute(select(groups).where(groups.c.scope == tx.experiment_id)).mappings().all()
    rows = [{"scope": row["scope"], "name": row["name"], "group_id": row["group_id"]} for row in found]
    tx.connection.execute(insert(reserved_groups), rows)


@contextmanager
def open_desk(url: str) -> Iterator[DeskHouse]:
    """A desk house over a migrated database."""
    with open_house(url) as store:
        identities = store.house.writer.write(bootstrap)
        store.house.writer.write(_reserve, experiment_id=store.experiment_id)
        git = MadeUpGit()
        wings = replace(wiring.wings(identities.orchestrator, None, None), repository=git)  # type: ignore[arg-type]  # git is made up
        desk = DeskHouse(store, git, wings)
        desk.configure()
        with desk.opened:
            yield desk

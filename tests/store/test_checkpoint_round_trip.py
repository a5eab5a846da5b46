"""An experiment out of one deployment and into another, on every pair of databases, with its repository and files."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select, update

from control_plane.db import tally
from control_plane.db.migrate import upgrade
from control_plane.db.tables import experiments, scores
from control_plane.db.transaction import Tx
from control_plane.edge.house import House
from control_plane.registry import creation
from control_plane.registry.operations import experiments as registry
from control_plane.registry.operations import groups
from control_plane.task_store.operations import ideas, tasks
from control_plane.task_store.tables import variants as variant_table
from store_client.wire.calls.tasks import TaskFilter
from store_client.wire.experiments import ImportedFrom
from store_client.wire.workers import AddMember
from tests.git.stock import SEEDED_AT, Stock
from tests.store.task_house import TaskHouse, open_house
from tests.store.vault import Vault, complete, essence, fresh_vault, rows_of, sha256, unpack, vault
from tests.store.working import Working

PAIRS = [
    "sqlite-sqlite",
    pytest.param("sqlite-postgresql", marks=pytest.mark.postgres),
    pytest.param("postgresql-sqlite", marks=pytest.mark.postgres),
]


@pytest.fixture
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> "Callable[[ExitStack], tuple[TaskHouse, Vault, Vault]]":
    """A house with work in it, its vault, and a fresh deployment's."""
    first, _, second = str(request.param).partition("-")
    urls = [str(request.getfixturevalue(f"{first}_url"))]
    if second == "postgresql":
        urls.append(str(request.getfixturevalue("postgresql_url")))
    else:
        urls.append(f"sqlite:///{tmp_path}/there.db")
        upgrade(urls[1])

    def opening(stack: ExitStack) -> tuple[TaskHouse, Vault, Vault]:
        store = stack.enter_context(open_house(urls[0]))
        complete(store)
        there = stack.enter_context(fresh_vault(urls[1], tmp_path / "there"))
        return store, vault(store.house, tmp_path / "here"), there

    return opening


def seed(git: Stock, here: Vault, store: TaskHouse, folder: Path) -> str:
    """A repository with a pushed branch; the branch's commit."""
    source, checkout = folder / "source", folder / "checkout"
    source.mkdir()
    (source / "program.py").write_text("value = 1\n")
    base = here.repositories.seed(store.experiment_id, source, SEEDED_AT)
    query = update(experiments).where(experiments.c.experiment_id == store.experiment_id).values(base_commit_sha=base)
    store.write(lambda tx: tx.connection.execute(query).close(), store.caller("admins"))
    bare = here.repositories.path(store.experiment_id)
    git("clone", "--quiet", str(bare), str(checkout), cwd=folder)
    commit = git.commit(checkout, program__py="value = 2\n")
    git("push", "--quiet", "origin", f"HEAD:refs/heads/work/{store.id_of('bob')}/first", cwd=checkout)
    return commit


def refs(git: Stock, vault_: Vault, experiment_id: str) -> str:
    repository = vault_.repositories.path(experiment_id)
    assert git("fsck", "--strict", "--full", cwd=repository) == ""
    return git("for-each-ref", cwd=repository)


def a_day_of_work(store: TaskHouse, here: Vault, commit: str, base: str) -> None:
    """Something of every kind, with a file that two ideas cite and one that nobody does."""
    why = here.deposit(store, b"because", "why.md")
    here.deposit(store, b"because", "again.md", name="bob")
    here.deposit(store, b"never cited", "notes.txt")
    parents = (base,)
    task_id, _, variant_id = store.executing(parent_commits=parents, artifacts_uri=why, priority=7)
    store.submit(task_id, variant_id=variant_id, status="success", commit_sha=commit, artifacts_uri=why)
    store.accept(task_id)
    store.evaluated(variant_id, accuracy=0.75, note=None)
    store.claim(store.task())
    store.idea(is_ready=False, parent_commits=parents)
    body = store.idea_body(
        "bobs", parent_commits=parents, artifacts_uri=here.deposit(store, b"because", "b", name="bob")
    )
    store.act("bob", ideas.create, body)
    store.found("a team", store.id_of("eve"), store.id_of("ann"))


@pytest.mark.parametrize("houses", PAIRS, indirect=True)
def test_rows_refs_and_bytes_come_back_as_they_were(
    houses: Callable[[ExitStack], tuple[TaskHouse, Vault, Vault]], tmp_path: Path
) -> None:
    git = Stock(tmp_path / "home")
    with ExitStack() as stack:
        store, here, there = houses(stack)
        commit = seed(git, here, store, tmp_path)
        base = here.repositories.head(store.experiment_id)
        query = update(variant_table).values(branch=f"work/{store.id_of('bob')}/first")
        a_day_of_work(store, here, commit, base)
        store.write(lambda tx: tx.connection.execute(query).close(), store.caller("admins"))
        archive = here.save(store.experiment_id)
        made = there.load(archive)
        again = there.save(made.experiment_id)
        before, after = unpack(archive), unpack(again)
        assert essence(before) == essence(after)
        assert refs(git, here, store.experiment_id) == refs(git, there, made.experiment_id)
        assert {f"artifacts/sha256/{sha256(content)}" for content in (b"because", b"never cited")} <= set(after)
        kept, told = (json.loads(parts["manifest.json"])["exporter"]["experiment"] for parts in (before, after))
        assert {**kept, "automation": None} == {**told, "automation": None}
        assert any("not pushed" in words for words in made.warnings) is False
        must_have_the_same_beside_its_lines(store, there, made.experiment_id)
        assert len(list((there.data / "imports").glob("exp_*"))) == 0


def must_have_the_same_beside_its_lines(store: TaskHouse, there: Vault, experiment_id: str) -> None:
    """What no line says and yet is true again: counters, scores, priorities, positions in the log."""

    def look(house: House, scope: str) -> tuple[Any, list[Any], list[Any], dict[str, int]]:
        def read(tx: Tx) -> tuple[Any, list[Any], list[Any], dict[str, int]]:
            inside = tx.at(scope)
            best = inside.connection.execute(select(scores).where(scores.c.experiment_id == scope)).mappings().first()
            listed = [*tasks.list_all(inside, TaskFilter())]
            values = select(
                variant_table.c.number, variant_table.c.objective_value, variant_table.c.evaluation_attempts
            )
            counters = {name: total for name, total in tally.read(inside.connection, scope).items() if total}
            rows = inside.connection.execute(values.where(variant_table.c.experiment_id == scope)).all()
            scored = {key: value for key, value in (best or {}).items() if key != "experiment_id"}
            return scored, [task.task_id for task in listed], [tuple(row) for row in rows], counters

        return house.read_now(read)

    before, after = look(store.house, store.experiment_id), look(there.house, experiment_id)
    assert before[:3] == after[:3]
    counts = dict(before[3])
    for kind in ("ideation", "execution", "evaluation"):
        held = counts.pop(f"tasks.{kind}.claimed", 0)
        if held:
            counts[f"tasks.{kind}.pending"] = counts.get(f"tasks.{kind}.pending", 0) + held
    assert counts == after[3]


@pytest.mark.parametrize("houses", ["sqlite-sqlite"], indirect=True)
def test_an_import_can_be_exported_and_imported_again_beside_its_source(
    houses: Callable[[ExitStack], tuple[TaskHouse, Vault, Vault]], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        store, here, _ = houses(stack)
        commit = seed(Stock(tmp_path / "home"), here, store, tmp_path)
        a_day_of_work(store, here, commit, here.repositories.head(store.experiment_id))
        store.write(
            lambda tx: tx.connection.execute(
                update(variant_table).values(branch=f"work/{store.id_of('bob')}/first")
            ).close(),
            store.caller("admins"),
        )
        task_id = store.task()
        store.claim(task_id)
        store.submit(task_id, status="success", idea_ids=[])
        first = here.load(here.save(store.experiment_id))
        second = here.load(here.save(first.experiment_id))
        parts = unpack(here.save(second.experiment_id))
        assert [task["state"] for task in rows_of(parts, "tasks")].count("submitted") == 1
        origin = ImportedFrom.model_validate(json.loads(parts["experiment.json"])["imported_from"])
        assert origin.source_experiment_id == first.experiment_id
        ids = [store.experiment_id, first.experiment_id, second.experiment_id]
        slugs = [here.house.read_now(lambda tx, at=at: tx.at(at).experiment["slug"]) for at in ids]  # type: ignore[misc] # the id of this round
        assert len(set(slugs)) == 3
        held = here.house.read_now(lambda tx: [groups.find_reserved(tx.at(at), "admins") for at in ids])
        assert len(set(held[1:])) == 1  # ids are kept, also beside their source
        body = AddMember(member_id=store.id_of("eve"))
        here.house.writer.write(lambda tx: groups.add(tx, str(held[1]), body), experiment_id=ids[1])
        lists = [here.house.read_now(lambda tx, at=at: groups.read(tx.at(at), str(held[1])).members) for at in ids[1:]]  # type: ignore[misc] # the id of this round
        assert lists[0] != lists[1]


@pytest.mark.parametrize("houses", ["sqlite-sqlite"], indirect=True)
def test_any_day_of_work_comes_back(
    houses: Callable[[ExitStack], tuple[TaskHouse, Vault, Vault]], tmp_path: Path
) -> None:
    numbers = iter(range(1000))

    def opening(stack: ExitStack) -> TaskHouse:
        url = f"sqlite:///{tmp_path}/day-{next(numbers)}.db"
        upgrade(url)
        return stack.enter_context(open_house(url))

    class Leaving(Working):
        """Ends every day with a round trip into another deployment."""

        def teardown(self) -> None:
            if hasattr(self, "store"):
                must_come_back(self.store, tmp_path / f"day-{next(numbers)}")
            super().teardown()

    machine = type("LeavingHere", (Leaving,), {"opening": staticmethod(opening)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=3, stateful_step_count=50, deadline=None, derandomize=True, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def must_come_back(store: TaskHouse, folder: Path) -> None:
    folder.mkdir()
    url = f"sqlite:///{folder}/there.db"
    upgrade(url)
    with fresh_vault(url, folder / "there") as there:
        archive = vault(store.house, folder / "here").save(store.experiment_id)
        made = there.load(archive)
        assert essence(unpack(archive)) == essence(unpack(there.save(made.experiment_id)))
        must_have_the_same_beside_its_lines(store, there, made.experiment_id)


def test_a_pristine_experiment_given_at_the_start_is_filled_and_one_with_work_is_not(
    sqlite_store: TaskHouse, tmp_path: Path
) -> None:
    here = vault(sqlite_store.house, tmp_path / "here")
    archive = here.save(sqlite_store.experiment_id)
    url = f"sqlite:///{tmp_path}/there.db"
    upgrade(url)
    with fresh_vault(url, tmp_path / "there") as there:
        wish = "exp_" + "0" * 24 + "77"
        config = {"parallel_variants": 1, "evaluation_schema": {"x": "real"}}
        given = config | {"objective": {"expr": "x", "direction": "maximize"}}
        there.house.writer.write(lambda tx: creation.host(tx, wish, given))
        assert there.load(archive, wish).experiment_id == wish
        assert there.house.read_now(lambda tx: registry.exists(tx.at(wish)))
        assert essence(unpack(there.save(wish)))["tasks"] == essence(unpack(archive))["tasks"]

"""Everything is found by its words or its id, by whoever may see it, however much there is."""

import time
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, connect

import pytest
from sqlalchemy import delete, insert, text, update

from control_plane.db.migrate import upgrade
from control_plane.db.tables import DEPLOYMENT, workers
from control_plane.db.transaction import ADMIN, Caller, Tx
from control_plane.describing import Describing
from control_plane.registry.tables import experiment_roles, operators
from control_plane.search.indexer import BATCH, Indexer
from control_plane.search.operations import Searches
from control_plane.search.rules.words import words
from control_plane.search.tables import search_entries
from control_plane.task_store.artifact_files import ArtifactFiles
from control_plane.task_store.operations import artifacts, variants
from control_plane.task_store.tables import variants as variant_table
from control_plane.task_store.uploads import Stored
from store_client.errors import BadRequest
from store_client.wire.calls.search import SearchQuery
from store_client.wire.search import SearchPage
from store_client.wire.variants import IntegrateVariant
from tests.store.task_house import TaskHouse, sha


class Finding:
    """A house whose indexer a test lets work."""

    def __init__(self, store: TaskHouse, folder: Path) -> None:
        self.store, self.files = store, ArtifactFiles(folder)
        self.wings = Describing(self.files)
        self.indexer = Indexer(store.house, self.wings)

    def index(self) -> None:
        while self.indexer.round():
            pass

    def page(self, q: str, caller: Caller = ADMIN, **more: object) -> SearchPage:
        query = SearchQuery.model_validate({"q": q, **more})
        read = Searches(self.wings).search
        return self.store.house.read_now(lambda tx: read(tx.at(DEPLOYMENT, caller), query))

    def ids(self, q: str, caller: Caller = ADMIN, **more: object) -> list[str]:
        return [one.id for one in self.page(q, caller, **more).items]

    def deposit(self, content: bytes, content_type: str = "text/markdown") -> str:
        arriving = self.files.incoming()
        arriving.write(content)
        stored = Stored(arriving.keep(), len(content), "idea.md", content_type)
        return str(self.store.act("ann", artifacts.record, stored).artifacts_uri)


@pytest.fixture
def finding(store: TaskHouse, tmp_path: Path) -> Finding:
    return Finding(store, tmp_path / "artifacts")


def test_ideas_variants_and_workers_are_found_by_their_words(finding: Finding) -> None:
    store = finding.store
    why = store.idea(slug="warmer-start", artifacts_uri=finding.deposit(b"# Why\nAnneal the *Temperature* slowly."))
    store.idea(slug="colder-start")
    done = store.executed(7)
    said = update(variant_table).values(description="Halved the learning rate")
    store.write(lambda tx: tx.connection.execute(said).close(), ADMIN)
    finding.index()
    assert finding.ids("TEMPERATURE anneal") == [why]
    assert finding.ids("temperature colder") == []
    assert finding.ids("learning halved") == [done]
    assert finding.ids(sha(7)) == [done]
    assert finding.ids("temper") == [why], "what begins so, where nothing is called just that"
    assert {one.kind for one in finding.page("start").items} == {"idea"}
    assert finding.ids("start", kind="variant") == []
    assert finding.page("halved").items[0].text == "Halved the learning rate"


def test_the_newest_come_first_a_page_at_a_time(finding: Finding) -> None:
    made = [finding.store.idea(slug=f"again-{n}") for n in range(5)]
    finding.index()
    seen, after = [], None
    for _ in range(3):
        page = finding.page("again", limit=2, after=after)
        seen.append([one.id for one in page.items])
        after = page.next
    assert seen == [made[:2:-1], made[2:0:-1], made[:1]]
    assert after is None
    for nonsense in ("x", "w", "w1x", "p-1", "w" + "9" * 40):
        with pytest.raises(BadRequest):
            finding.page("again", after=nonsense)


def test_whatever_has_an_id_is_found_by_it_in_any_experiment(finding: Finding) -> None:
    store = finding.store
    idea, task = store.idea(), store.task()
    finding.index()
    assert [(one.kind, one.id) for one in finding.page(f" {idea} ").exact] == [("idea", idea)]
    (found,) = finding.page(task).exact
    assert (found.kind, found.experiment_id, found.experiment_slug != "") == ("task", store.experiment_id, True)
    assert finding.page("no-such-id").exact == ()


def test_a_member_finds_only_what_is_in_their_experiments(finding: Finding) -> None:
    store, somebody = finding.store, "wkr_" + "7" * 26
    idea, task = store.idea(slug="secret-plan"), store.task()
    finding.index()
    member = Caller(somebody, DEPLOYMENT, "Mem", is_confined=True)
    assert finding.ids("secret", member) == []
    assert finding.page(task, member).exact == finding.page(idea, member).exact == ()
    assert finding.ids("secret", member, of_experiment=store.experiment_id) == []

    def invite(tx: Tx) -> None:
        row = {"worker_id": somebody, "scope": DEPLOYMENT, "name": "Mem", "registered_at": tx.now}
        tx.connection.execute(insert(workers).values(**row))
        tx.connection.execute(insert(operators).values(operator_id=somebody, role="viewer", created_at=tx.now))
        role = {"operator_id": somebody, "experiment_id": store.experiment_id, "role": "viewer"}
        columns = {name: role.get(name, tx.now) for name in experiment_roles.c.keys()}  # noqa: SIM118 - a collection of columns
        tx.connection.execute(insert(experiment_roles).values(**columns))

    store.write(invite, ADMIN)
    assert finding.ids("secret", member) == [idea]
    assert finding.page(task, member).exact[0].id == task


def test_what_changes_is_found_by_what_it_says_now(finding: Finding) -> None:
    store = finding.store
    done = store.executed(3)
    finding.index()
    assert finding.ids(sha(13)) == []
    store.evaluated(done, accuracy=0.5)
    store.act("orchestrators", variants.integrate, done, IntegrateVariant(variant_commit_sha=sha(13)))
    finding.index()
    assert finding.ids(sha(13)) == [done]


def test_two_processes_index_nothing_twice_and_lose_nothing(finding: Finding) -> None:
    store = finding.store
    idea = store.idea(slug="lonely")
    other = Indexer(store.house, finding.wings)
    place, told, entries = store.house.read_now(finding.indexer._look)
    assert entries
    while other.round():
        pass
    assert place is None
    assert told
    while finding.indexer.round():
        pass
    assert finding.ids("lonely") == [idea]
    rows = store.see(lambda tx: tx.connection.execute(search_entries.select()).mappings().all())
    assert len({(row["kind"], row["subject_id"]) for row in rows}) == len(rows)


def test_what_was_there_before_is_found_after_a_while(finding: Finding) -> None:
    made = [finding.store.idea(slug=f"old-{n}", is_ready=False) for n in range(3)]
    finding.index()
    forget = (delete(search_entries), text("DELETE FROM search_places"))
    finding.store.write(lambda tx: [tx.connection.execute(each).close() for each in forget], ADMIN)
    assert finding.ids("old") == []
    finding.index()
    assert finding.ids("old") == made[::-1]
    assert len(made) < BATCH


@pytest.mark.parametrize(
    "asked", ['"', "'", "a OR b", "x:*", "NEAR(", "(((", "\\", "é ü", "日本", "-", "a" * 200, "\u0301", "ǅ"]
)
def test_no_question_is_too_odd(finding: Finding, asked: str) -> None:
    odd = finding.store.idea(slug="plain")
    finding.index()
    assert odd not in finding.ids(asked)


def test_a_page_costs_the_same_however_much_is_found(finding: Finding) -> None:
    def fill(first: int, last: int) -> None:
        columns = "kind, scope, subject_id, title, text, words, at"
        scope = finding.store.experiment_id
        told = " ".join(("kind00idea", "scope" + scope.replace("_", ""), "again"))
        for n in range(first, last, 1000):
            values = ", ".join(f"('idea', '{scope}', 'i-{i}', 't', '', '{told} w{i}', 'x')" for i in range(n, n + 1000))
            statement = text(f"INSERT INTO search_entries ({columns}) VALUES {values}")  # noqa: S608 - made of numbers
            finding.store.write(lambda tx, s=statement: tx.connection.execute(s).close(), ADMIN)

    def cost() -> float:
        best = 1.0
        for _ in range(5):
            begun = time.thread_time()
            assert len(finding.ids("again", limit=20, of_experiment=finding.store.experiment_id)) == 20
            best = min(best, time.thread_time() - begun)
        return best

    fill(0, 1000)
    little = cost()
    fill(1000, 15_000)
    assert cost() < 4 * little + 0.002


def test_words_are_kept_once_and_not_without_end() -> None:
    assert tuple(words("Some_words, and some-WORDS", "é1")) == ("some", "words", "and", "é1")
    assert len(tuple(words(" ".join(map(str, range(1000)))))) == 400


def test_a_database_with_shorter_beginnings_finds_the_same_after_its_migration(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    upgrade(f"sqlite:///{old}", "0032")
    with closing(connect(old)) as then:
        values = "'idea', 'exp', 'i', 't', '', 'slow cooling', 'x'"
        then.execute(f"INSERT INTO search_entries (kind, scope, subject_id, title, text, words, at) VALUES ({values})")  # noqa: S608 - words of ours
        then.commit()
    upgrade(f"sqlite:///{old}")
    with closing(connect(old)) as now:
        assert [_has(now, asked) for asked in ('"cooli" *', '"slow"', '"warm" *')] == [True, True, False]
        now.execute("UPDATE search_entries SET words = 'warm'")
        assert [_has(now, asked) for asked in ('"cooli" *', '"warm" *')] == [False, True]


def _has(connection: Connection, asked: str) -> bool:
    found = connection.execute("SELECT rowid FROM search_words WHERE search_words MATCH ?", (asked,))
    return bool(found.fetchall())

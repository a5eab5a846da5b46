"""The leases of one orchestrator (protocol §11.7): acquired, renewed, fenced, given up and released."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from control_plane.db.transaction import ADMIN
from control_plane.edge.house import House
from control_plane.orchestrator.decisions import Desk
from control_plane.orchestrator.keeper import Keeper, LeaseLost
from control_plane.registry.operations import keeping
from store_client.errors import Unavailable
from tests.orchestrator.desk_house import DeskHouse, open_desk
from tests.orchestrator.lease_rows import SECONDS, replace_lease, rows
from tests.store.lease_time import pass_time
from tests.store.task_house import begin_experiment, ulid

OTHER = "exp_" + ulid(2)


@dataclass
class Clock:
    """A monotonic clock that a test sets."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    """A keeper, its clock, and the leases as the database has them."""

    desk: DeskHouse
    keeper: Keeper
    clock: Clock

    @property
    def house(self) -> House:
        return self.desk.store.house

    def pass_time(self, seconds: float) -> None:
        """For the database and for the process."""
        pass_time(self.house, seconds)
        self.clock.now += seconds

    def claim(self) -> set[str]:
        self.keeper.keep()
        return set(self.keeper.claim([self.desk.store.experiment_id, OTHER]))


@pytest.fixture
def bench(desk: DeskHouse) -> Iterator[Bench]:
    desk.store.house.writer.write(lambda tx: begin_experiment(tx, OTHER))
    clock = Clock()
    made = Bench(desk, Keeper(desk.store.house, keeping, SECONDS, clock), clock)
    yield made
    made.keeper.close()


def test_it_acquires_every_experiment_that_nobody_holds_each_on_its_own(bench: Bench) -> None:
    replace_lease(bench.house, OTHER)
    assert bench.claim() == {bench.desk.store.experiment_id}
    assert bench.keeper.holds(bench.desk.store.experiment_id)
    assert not bench.keeper.holds(OTHER)
    pass_time(bench.house, SECONDS + 1)
    assert OTHER in bench.claim(), "theirs has expired"


def test_it_renews_after_a_third_of_the_duration_and_not_before(bench: Bench) -> None:
    bench.claim()
    before = rows(bench.house)
    bench.clock.now += SECONDS / 3 - 1
    bench.keeper.keep()
    assert rows(bench.house) == before
    for _ in range(5):
        bench.pass_time(SECONDS / 3 + 1)
        bench.keeper.keep()
    after = rows(bench.house)
    assert {row["lease_id"] for row in after.values()} == {row["lease_id"] for row in before.values()}
    assert all(bench.keeper.holds(each) for each in after)
    assert bench.keeper.claim(list(after)) == ()


def test_it_gives_up_by_itself_what_it_could_not_renew_in_time(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.claim()

    def refuse(_work: object) -> None:
        raise Unavailable("the database does not answer")

    with monkeypatch.context() as cut_off:
        cut_off.setattr(bench.house.writer, "write", refuse)
        bench.clock.now += SECONDS - 1
        bench.keeper.keep()
        assert bench.keeper.holds(OTHER)
        bench.clock.now += 1
        bench.keeper.keep()
        assert not bench.keeper.holds(OTHER)
    assert "could not be renewed" in caplog.text


def test_a_lease_that_was_replaced_is_dropped_at_the_next_renewal_and_no_other(bench: Bench) -> None:
    bench.claim()
    replace_lease(bench.house, OTHER)
    bench.clock.now += SECONDS / 3
    bench.keeper.keep()
    assert not bench.keeper.holds(OTHER)
    assert bench.keeper.holds(bench.desk.store.experiment_id)


def test_a_stale_holders_write_is_refused_and_leaves_nothing(bench: Bench) -> None:
    bench.claim()
    house = bench.house
    desk = Desk(house, bench.desk.wings, OTHER, ADMIN, bench.keeper.fence)
    desk.write(lambda tx: tx.tell("experiment.policy_error"))
    replace_lease(house, OTHER)
    assert bench.keeper.holds(OTHER), "it does not know yet"
    told: list[str] = []
    for act in (desk.write, desk.try_to):
        with pytest.raises(LeaseLost):
            act(lambda tx: told.append(tx.experiment_id))
    assert told == [], "the fence comes first"


def test_a_write_after_the_leases_end_is_refused_though_nobody_else_has_it(bench: Bench) -> None:
    bench.claim()
    desk = Desk(bench.house, bench.desk.wings, OTHER, ADMIN, bench.keeper.fence)
    pass_time(bench.house, SECONDS + 1)
    with pytest.raises(LeaseLost):
        desk.write(lambda tx: tx.tell("experiment.policy_error"))


def test_closing_releases_everything_at_once(bench: Bench) -> None:
    bench.claim()
    bench.keeper.close()
    assert all(row["released_at"] is not None for row in rows(bench.house).values())


CUT = """SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.mark.postgres
def test_an_orchestrator_that_can_no_longer_show_that_it_lives_begins_again(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_desk(postgresql_url) as desk:
        clock, experiment_id = Clock(), desk.store.experiment_id
        keeper = Keeper(desk.store.house, keeping, SECONDS, clock)
        keeper.keep()
        assert keeper.claim([experiment_id])
        before = rows(desk.store.house)[experiment_id]
        with desk.store.house.database.engine.connect() as connection:
            assert connection.scalars(text(CUT)).all() == [True]
        clock.now += SECONDS / 3
        keeper.keep()
        assert not keeper.holds(experiment_id)
        assert "begins again" in caplog.text
        assert keeper.claim([experiment_id])
        after = rows(desk.store.house)[experiment_id]
        assert (after["holder"], after["epoch"]) == (before["holder"], before["epoch"] + 1)
        assert after["holder_instance"] != before["holder_instance"]
        keeper.close()

"""Claims are exclusive, are kept, given back or lost; and git's passwords live as long as they do."""

import threading
from typing import Any

import pytest

from control_plane.db.engine import Database
from control_plane.edge.house import House
from control_plane.task_store.operations import claims, git, tasks
from store_client.errors import IllegalTransition, InvalidPrecondition, NotClaimed, Refused, WrongClaimant
from store_client.wire.scalars import parse_time
from store_client.wire.tasks import ClaimTask, ReclaimTask, RenewClaim, SubmitTask
from store_client.wire.workers import GitPassword
from tests.store.task_house import TaskHouse, open_house, sha

PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00.5Z"


def at_once(works: list[Any]) -> list[Any]:
    """Run all at the same moment, each on its own thread; what each gave, or how it was refused."""
    gate = threading.Barrier(len(works))
    answers: list[Any] = [None] * len(works)

    def run(place: int) -> None:
        gate.wait(60)
        try:
            answers[place] = works[place]()
        except Refused as refusal:
            answers[place] = refusal

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_twenty_claims_at_once_one_wins(store: TaskHouse) -> None:
    task_id = store.task()
    answers = at_once([lambda: store.claim(task_id) for _ in range(20)])
    winners = [answer for answer in answers if not isinstance(answer, Refused)]
    assert len(winners) == 1
    assert all(isinstance(answer, IllegalTransition) for answer in answers if answer is not winners[0])
    assert [type_ for type_, _ in store.told()].count("task.claimed") == 1


@pytest.mark.postgres
def test_of_claims_through_two_servers_one_wins(postgresql_url: str) -> None:
    with open_house(postgresql_url) as store:
        other = House(Database.open(postgresql_url), store.house.keys)
        houses = [store.house, other] * 6
        task_ids = [store.task() for _ in range(5)]

        def claim(house: House, task_id: str) -> Any:
            return house.writer.write(
                lambda tx: tasks.claim(tx, task_id, ClaimTask()), store.caller("bob"), store.experiment_id
            )

        for task_id in task_ids:
            answers = at_once([lambda house=house, id_=task_id: claim(house, id_) for house in houses])
            assert len([answer for answer in answers if not isinstance(answer, Refused)]) == 1
        other.close()
        assert [type_ for type_, _ in store.told()].count("task.claimed") == len(task_ids)


def test_of_many_submissions_at_once_one_counts_and_the_rest_repeat_or_conflict(store: TaskHouse) -> None:
    task_id = store.task()
    store.claim(task_id)

    def submit(status: str) -> Any:
        payload = SubmitTask(payload={"idea_ids": [], "status": status})
        return lambda: store.act("bob", tasks.submit, task_id, payload)

    answers = at_once([submit("success") for _ in range(6)] + [submit("error") for _ in range(6)])
    assert len([answer for answer in answers if answer is None]) == 6
    assert [type_ for type_, _ in store.told()].count("task.submitted") == 1


def test_a_claim_is_renewed_by_its_claimant_from_now(store: TaskHouse) -> None:
    task_id = store.task()
    with pytest.raises(NotClaimed):
        store.act("bob", claims.renew, task_id, RenewClaim(seconds=60))
    first = store.claim(task_id, expires_at=PAST)
    with pytest.raises(WrongClaimant):
        store.act("eve", claims.renew, task_id, RenewClaim(seconds=60))
    before = store.told()
    renewed = store.act("bob", claims.renew, task_id, RenewClaim(seconds=60))
    assert (renewed.worker_id, renewed.claimed_at) == (first.worker_id, first.claimed_at)
    assert 0 <= (parse_time(renewed.expires_at) - parse_time(first.claimed_at)).total_seconds() - 60 < 60
    assert store.see(tasks.read, task_id).claim == renewed
    assert store.told() == before
    assert store.act("orchestrators", claims.sweep_expired) == 0


def test_a_claim_is_given_back_by_its_claimant(store: TaskHouse) -> None:
    task_id, _, variant_id = store.executing()
    with pytest.raises(WrongClaimant):
        store.act("eve", claims.release, task_id)
    assert store.act("bob", claims.release, task_id).state == "pending"
    assert [type_ for type_, _ in store.told()[-2:]] == ["task.reclaimed", "variant.errored"]
    assert store.told()[-2][1]["cause"] == "operator"
    assert store.told()[-1][1] == {"variant_id": variant_id}
    with pytest.raises(NotClaimed):
        store.act("bob", claims.release, task_id)


def test_the_sweep_takes_back_what_has_lapsed_and_nothing_else(store: TaskHouse) -> None:
    lapsed, held, submitted, late = (store.task() for _ in range(4))
    store.claim(lapsed, expires_at="2020-01-01T00:00:00.25Z")
    store.claim(held, expires_at=FUTURE)
    for task_id in (submitted, late):
        store.claim(task_id, expires_at=PAST)
    store.submit(submitted, idea_ids=[], status="success")
    execution, _, _ = store.executing()
    store.act("bob", claims.release, execution)
    store.claim(execution, expires_at=PAST)
    store.submit(late, idea_ids=[], status="success")  # lapsed, but not swept: it still counts
    assert store.act("orchestrators", claims.sweep_expired, 1) == 1
    assert store.act("orchestrators", claims.sweep_expired) == 1
    assert store.act("orchestrators", claims.sweep_expired) == 0
    states = {task_id: store.see(tasks.read, task_id).state for task_id in (lapsed, held, submitted, late, execution)}
    assert states == {
        lapsed: "pending", held: "claimed", submitted: "submitted", late: "submitted", execution: "pending"
    }  # fmt: skip
    causes = [data["cause"] for type_, data in store.told() if type_ == "task.reclaimed"]
    assert causes == ["operator", "expired", "expired"]


def test_who_holds_how_much_is_counted(store: TaskHouse) -> None:
    for name in ("bob", "bob", "eve"):
        store.claim(store.task(), name)
    assert store.see(claims.open_by_worker) == {store.id_of("bob"): 2, store.id_of("eve"): 1}


def password(store: TaskHouse, task_id: str, name: str = "bob") -> GitPassword:
    issued: GitPassword = store.act(name, git.password, task_id, keys=store.house.keys)
    return issued


def access(store: TaskHouse, username: str, secret: str) -> git.GitAccess | None:
    found: git.GitAccess | None = store.see(
        lambda tx: git.git_access(tx.connection, store.house.keys, username, secret, tx.now)
    )
    return found


def test_a_git_password_is_good_for_one_claim(store: TaskHouse) -> None:
    task_id, idea_id, _ = store.executing()
    with pytest.raises(WrongClaimant):
        password(store, task_id, "eve")
    first = password(store, task_id)
    bob = store.id_of("bob")
    assert (first.username, first.branch_prefix) == (bob, f"work/{bob}/")
    assert first.expires_at == store.see(tasks.read, task_id).claim.expires_at
    assert access(store, bob, first.password) == git.GitAccess(bob, store.experiment_id, f"refs/heads/work/{bob}/")
    second = password(store, task_id)
    assert access(store, bob, first.password) is None
    assert access(store, bob, second.password) is not None
    assert access(store, store.id_of("eve"), second.password) is None
    store.act("eve", tasks.reclaim, task_id, ReclaimTask(cause="operator"))
    assert access(store, bob, second.password) is None
    store.claim(task_id)
    assert access(store, bob, second.password) is None  # the same worker, but another claim
    third = password(store, task_id)
    store.submit(task_id, variant_id=store.variant(idea_id), status="success", commit_sha=sha(1))
    assert access(store, bob, third.password) is None


def test_a_git_password_lapses_with_its_claim_and_is_renewed_with_it(store: TaskHouse) -> None:
    idea_id = store.idea()
    task_id = store.task("execution", idea_id)
    other_id = store.task("execution", store.idea())
    for lapsed in (task_id, other_id):
        store.claim(lapsed, expires_at=PAST)
    issued, other = password(store, task_id), password(store, other_id)
    assert access(store, store.id_of("bob"), issued.password) is None
    store.act("bob", claims.renew, task_id, RenewClaim(seconds=600))
    assert access(store, store.id_of("bob"), issued.password) is not None
    assert access(store, store.id_of("bob"), other.password) is None


def test_an_unclaimed_task_has_no_git_password_and_neither_has_an_ideation(store: TaskHouse) -> None:
    task_id = store.task()
    with pytest.raises(NotClaimed):
        password(store, task_id)
    store.claim(task_id)
    with pytest.raises(InvalidPrecondition):
        password(store, task_id)


def test_tokens_push_under_their_workers_name_and_the_administrator_reads(store: TaskHouse) -> None:
    ann = store.id_of("ann")
    assert access(store, ann, store.tokens["ann"]) == git.GitAccess(ann, store.experiment_id, f"refs/heads/work/{ann}/")
    assert access(store, "admin", "admin-token") == git.GitAccess("admin", None, None)
    for username, secret in (("admin", "guess"), (ann, "guess"), (ann, ""), ("nobody", "x"), (ann + "\x00", "x")):
        assert access(store, username, secret) is None

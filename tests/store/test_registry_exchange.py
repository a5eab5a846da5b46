"""Sign-in and the exchange: how a person or a host becomes a worker of an experiment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import func, select

from control_plane.db import identities
from control_plane.db.tables import DEPLOYMENT, credentials
from control_plane.db.tables import workers as workers_table
from control_plane.db.transaction import Caller
from control_plane.registry.operations import exchange, groups, sessions, workers
from control_plane.registry.operations.bootstrap import LIVING_TOKENS
from control_plane.registry.operations.exchange import PURGED_AT_ONCE
from store_client.errors import Forbidden, NotFound, Unauthorized
from store_client.wire.calls.workers import NameFilter
from store_client.wire.workers import AddMember, EndSession, Exchange, Exchanged, RegisterWorker, Session, SignIn
from tests.registry import KEYS, Registry, open_registry

PAST = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        opened.bootstrap()
        yield opened


@pytest.fixture
def console(registry: Registry) -> Caller:
    return Caller(registry.bootstrap().console)


def sign_in(registry: Registry, code: str | None = None) -> Session:
    code = code or registry.act(sessions.create_code, keys=KEYS).code
    return registry.act(sessions.sign_in, SignIn(code=code), keys=KEYS)


def trade(
    registry: Registry, caller: Caller, session: str | None = None, experiment_id: str | None = None
) -> Exchanged:
    body = Exchange(session=session, experiment_id=experiment_id)
    return registry.at(DEPLOYMENT, partial(exchange.exchange, body=body, keys=KEYS), caller)


def identify(registry: Registry, worker_id: str, secret: str) -> Caller | None:
    with registry.house.database.reading() as connection:
        return identities.identify(connection, KEYS, (worker_id, secret), registry.house.clock())


def group_names(registry: Registry, experiment_id: str, worker_id: str) -> set[str]:
    found = registry.at(experiment_id, partial(groups.list_all, query=NameFilter())).groups
    return {group.name or "" for group in found if worker_id in group.members}


def test_a_code_signs_the_administrator_in_once(registry: Registry) -> None:
    code = registry.act(sessions.create_code, keys=KEYS)
    session = sign_in(registry, code.code)
    assert (session.operator_id, session.name, session.role) == (
        registry.bootstrap().administrator,
        "Administrator",
        "administrator",
    )
    assert session.expires_at > code.expires_at
    with pytest.raises(Unauthorized, match="used or has expired"):
        sign_in(registry, code.code)


def test_a_code_does_not_outlive_its_quarter_of_an_hour(registry: Registry) -> None:
    code = registry.act(sessions.create_code, keys=KEYS)
    registry.change("sign_in_codes", expires_at=PAST)
    with pytest.raises(Unauthorized):
        sign_in(registry, code.code)
    registry.act(sessions.create_code, keys=KEYS)
    assert PAST not in registry.everything()


def test_a_deployment_without_operators_has_nobody_to_sign_in(database_url: str) -> None:
    with open_registry(database_url) as bare, pytest.raises(NotFound, match="no administrator"):
        bare.act(sessions.create_code, keys=KEYS)


def test_an_operator_is_the_same_worker_each_time_with_a_fresh_token(registry: Registry, console: Caller) -> None:
    experiment_id, session = registry.experiment(), sign_in(registry)
    first, second = (trade(registry, console, session.session, experiment_id) for _ in range(2))
    assert first.worker_id == second.worker_id
    assert first.token != second.token
    for each in (first, second):
        assert identify(registry, each.worker_id, each.token) == Caller(each.worker_id, experiment_id, "Administrator")
    assert (first.name, first.role) == ("Administrator", "administrator")
    assert group_names(registry, experiment_id, first.worker_id) == {"admins"}


def test_identities_in_two_experiments_have_nothing_in_common(registry: Registry, console: Caller) -> None:
    session, one, two = sign_in(registry), registry.experiment("One"), registry.experiment("Two")
    here, there = (trade(registry, console, session.session, each) for each in (one, two))
    assert here.worker_id != there.worker_id
    assert identify(registry, there.worker_id, here.token) is None
    assert identify(registry, here.worker_id, there.token) is None


def test_exchanges_at_once_make_one_identity(registry: Registry, console: Caller) -> None:
    experiment_id, session = registry.experiment(), sign_in(registry).session
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: trade(registry, console, session, experiment_id), range(16)))
    assert len({each.worker_id for each in made}) == 1
    assert len({each.token for each in made}) == 16


def test_without_an_experiment_the_operator_is_itself(registry: Registry, console: Caller) -> None:
    traded = trade(registry, console, sign_in(registry).session)
    assert traded.worker_id == registry.bootstrap().administrator
    caller = identify(registry, traded.worker_id, traded.token)
    assert caller is not None
    with registry.house.database.reading() as connection:
        assert identities.is_in_named(connection, caller, ("admins",))


def test_a_token_ends_with_its_hour(registry: Registry, console: Caller) -> None:
    traded = trade(registry, console, sign_in(registry).session)
    registry.change("credentials", expires_at=traded.expires_at)
    assert identify(registry, traded.worker_id, traded.token) is not None
    registry.change("credentials", expires_at=PAST)
    assert identify(registry, traded.worker_id, traded.token) is None


def test_only_a_console_acts_for_a_session(registry: Registry) -> None:
    session = sign_in(registry).session
    own = registry.bootstrap()
    for worker_id in (own.orchestrator, own.auto_ideator, own.administrator):
        with pytest.raises(Forbidden, match="only a console"):
            trade(registry, Caller(worker_id), session)


def test_an_ended_expired_or_unknown_session_is_unauthorized(registry: Registry, console: Caller) -> None:
    ended, expired = sign_in(registry).session, sign_in(registry).session
    for _ in range(2):
        registry.act(sessions.end_session, EndSession(session=ended), keys=KEYS)
    registry.change("sessions", expires_at=PAST)
    for session in (ended, expired, "made up"):
        with pytest.raises(Unauthorized, match="sign in again"):
            trade(registry, console, session)


def test_a_session_lives_on_while_it_is_used(registry: Registry, console: Caller) -> None:
    session = sign_in(registry)
    soon = trade(registry, console, session.session).expires_at
    registry.change("sessions", expires_at=soon)
    trade(registry, console, session.session)
    assert soon not in next(line for line in registry.everything().splitlines() if line.startswith("sessions: "))


def test_a_disabled_operator_gets_nothing(registry: Registry, console: Caller) -> None:
    session, code = sign_in(registry).session, registry.act(sessions.create_code, keys=KEYS).code
    registry.change("workers", disabled_at=PAST)
    with pytest.raises(Unauthorized):
        trade(registry, console, session)
    with pytest.raises(Unauthorized):
        sign_in(registry, code)


def test_runners_and_orchestrators_get_identities_of_their_own(registry: Registry) -> None:
    experiment_id, own = registry.experiment(), registry.bootstrap()
    for worker_id, name, in_groups in (
        (own.auto_executor, "auto-executor", set[str]()),
        (own.orchestrator, "orchestrator", {"orchestrators"}),
    ):
        traded = trade(registry, Caller(worker_id), None, experiment_id)
        assert (traded.name, traded.role) == (name, "worker")
        assert group_names(registry, experiment_id, traded.worker_id) == in_groups
        assert trade(registry, Caller(worker_id), None, experiment_id).worker_id == traded.worker_id


def test_a_worker_without_a_mandate_gets_no_identity(registry: Registry, console: Caller) -> None:
    stranger, _ = registry.worker(DEPLOYMENT, "stranger")
    for caller in (Caller(stranger), console):
        with pytest.raises(Forbidden, match="runners, orchestrators, admins"):
            trade(registry, caller, None, registry.experiment())


def test_an_operator_in_no_group_enters_without_authority(registry: Registry, console: Caller) -> None:
    experiment_id, session = registry.experiment(), sign_in(registry).session
    registry.change("operators", role="viewer")
    traded = trade(registry, console, session, experiment_id)
    assert traded.role == "viewer"
    assert group_names(registry, experiment_id, traded.worker_id) == set()


def test_an_administrator_joins_admins_that_came_later(registry: Registry, console: Caller) -> None:
    experiment_id, session = registry.house.mint("exp"), sign_in(registry).session
    registry.host(experiment_id)
    worker_id = trade(registry, console, session, experiment_id).worker_id
    assert group_names(registry, experiment_id, worker_id) == set()
    registry.at(experiment_id, lambda tx: groups.make(tx, "admins"))
    trade(registry, console, session, experiment_id)
    assert group_names(registry, experiment_id, worker_id) == {"admins"}


def test_an_unknown_experiment_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no experiment"):
        trade(registry, Caller(registry.bootstrap().auto_ideator), None, "exp_" + "0" * 26)


def test_expired_credentials_are_purged_a_few_at_a_time(registry: Registry, console: Caller) -> None:
    session = sign_in(registry).session
    for _ in range(PURGED_AT_ONCE + 5):
        registry.credential(console.worker_id, "token", PAST)

    def expired() -> int:
        query = select(func.count()).select_from(credentials).where(credentials.c.expires_at == PAST)
        return registry.act(lambda tx: tx.connection.scalar(query)) or 0

    trade(registry, console, session)
    assert expired() == 5
    trade(registry, console, session)
    assert expired() == 0


def test_bootstrap_happens_once(registry: Registry) -> None:
    first, before = registry.bootstrap(), registry.everything()
    assert registry.bootstrap() == first
    assert registry.everything() == before
    found = registry.act(partial(groups.list_all, query=NameFilter())).groups
    listed = {group.name: set(group.members) for group in found}
    assert listed == {
        "admins": {first.administrator},
        "orchestrators": {first.orchestrator},
        "consoles": {first.console},
        "runners": {first.auto_ideator, first.auto_executor, first.auto_evaluator},
    }


def test_bootstrap_survives_a_namesake_and_an_edit(registry: Registry) -> None:
    first = registry.bootstrap()
    registry.act(workers.register, RegisterWorker(name="console"), keys=KEYS)
    consoles = registry.act(partial(groups.list_all, query=NameFilter(name="consoles"))).groups[0]
    registry.act(groups.remove, consoles.group_id, first.console)
    registry.act(groups.add, consoles.group_id, AddMember(member_id=registry.worker(DEPLOYMENT)[0]))
    edited = registry.everything()
    assert registry.bootstrap() == first
    assert registry.everything() == edited


def test_tokens_of_a_service_live_side_by_side_until_there_are_too_many(registry: Registry) -> None:
    worker_id = registry.bootstrap().console
    _, other = registry.service("auto_executor")
    tokens = [registry.service("console")[1] for _ in range(LIVING_TOKENS + 1)]
    living = [identify(registry, worker_id, token) for token in tokens]
    assert living == [None] + [Caller(worker_id, DEPLOYMENT, "console")] * LIVING_TOKENS
    assert identify(registry, registry.bootstrap().auto_executor, other) is not None


def test_no_secret_is_kept_in_clear(registry: Registry, console: Caller) -> None:
    experiment_id = registry.experiment()
    code = registry.act(sessions.create_code, keys=KEYS).code
    spent = registry.act(sessions.create_code, keys=KEYS).code
    session = sign_in(registry, spent).session
    secrets = [code, spent, session, registry.worker(experiment_id)[1], registry.service("console")[1]]
    secrets += [trade(registry, console, session, experiment_id).token, trade(registry, console, session).token]
    kept = registry.everything()
    assert [secret for secret in secrets if secret in kept] == []
    assert kept.count("credentials: ") >= 4


def test_an_identity_made_in_process_is_that_of_the_exchange(registry: Registry) -> None:
    experiment_id, own = registry.experiment(), registry.bootstrap()
    made = registry.act(exchange.enter, own.orchestrator, experiment_id)
    assert trade(registry, Caller(own.orchestrator), None, experiment_id).worker_id == made
    query = select(func.count()).select_from(workers_table).where(workers_table.c.scope == experiment_id)
    assert registry.act(lambda tx: tx.connection.scalar(query)) == 1

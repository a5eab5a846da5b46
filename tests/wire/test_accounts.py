"""People join by a link, sign in with a password, and end sessions; nobody guesses their way in."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from control_plane.registry.rules import guessing
from tests.registry import Registry, open_registry
from tests.wire.people import ADMIN, PASSWORD, People

PAST = "2020-01-01T00:00:00.000000Z"
ACCOUNT_ACTS = {
    "operator.invited", "operator.joined", "operator.changed", "operator.reset", "operator.password_changed",
    "invitation.revoked", "session.began", "session.ended", "session.revoked",
}  # fmt: skip


@asynccontextmanager
async def deployment(url: str) -> AsyncIterator[People]:
    with open_registry(url) as registry:
        registry.bootstrap()
        async with registry.client(registry.service("console")) as console, registry.client(ADMIN) as admin:
            yield People(registry, console, admin)


@pytest.fixture
async def people(sqlite_url: str) -> AsyncIterator[People]:
    async with deployment(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def people_on_both(database_url: str) -> AsyncIterator[People]:
    """The same on either database, for what the database itself has a part in."""
    async with deployment(database_url) as opened:
        yield opened


def told(registry: Registry) -> list[str]:
    return [type_ for type_, _ in registry.told("") if type_ in ACCOUNT_ACTS]


async def test_somebody_joins_by_a_link_once_and_signs_in_with_the_password_from_then_on(people: People) -> None:
    link = await people.invited("Ada")
    seen = await people.console.post("/api/invitations/look", json={"code": link["code"]})
    assert (seen.json()["name"], seen.json()["purpose"], "code" in seen.json()) == ("Ada", "invitation", False)
    joined = await people.accepted(link["code"])
    assert (joined.status_code, joined.json()["name"], joined.json()["role"]) == (201, "Ada", "operator")
    assert (await people.accepted(link["code"])).status_code == 404
    for name in ("ada", " ADA "):
        answer = await people.sign_in(name, browser="Firefox")
        assert answer.status_code == 201
        assert answer.json()["operator_id"] == joined.json()["operator_id"]
    wrong, unknown = await people.sign_in("ada", "x" * 12), await people.sign_in("nobody", "x" * 12)
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.json()["detail"] == unknown.json()["detail"] == "the name or the password is wrong"
    assert (
        told(people.registry)
        == ["operator.invited", "operator.joined", "operator.password_changed"] + ["session.began"] * 3
    )


async def test_what_is_stored_and_told_of_people_holds_no_secret(people: People) -> None:
    link = await people.invited("Ada")
    session = (await people.accepted(link["code"])).json()["session"]
    stored = people.registry.everything()
    assert "$argon2id$" in stored
    for secret in (PASSWORD, link["code"], session):
        assert secret not in stored
    told = str(people.registry.told(""))
    assert "'name': 'Ada'" in told
    assert re.search(r"(?<![0-9a-z_])ada(?![0-9a-z])", told) is None  # as a word: an id may hold these letters


async def test_links_end_are_replaced_and_are_revoked(people_on_both: People) -> None:
    people = people_on_both
    revoked = await people.invited("Ada")
    path = f"/api/invitations/{revoked['invitation_id']}"
    assert (await people.admin.delete(path)).status_code == 204
    assert (await people.admin.delete(path)).status_code == 404
    late = await people.invited("Ada")
    people.registry.change("invitations", expires_at=PAST)
    for code in (revoked["code"], late["code"], "made up"):
        assert (await people.accepted(code)).status_code == 404
        assert (await people.console.post("/api/invitations/look", json={"code": code})).status_code == 404
    assert (await people.admin.get("/api/invitations")).json() == {"invitations": []}
    session = await people.joined("Ada")
    first, second = [
        (await people.admin.post(f"/api/operators/{session['operator_id']}/reset")).json()["code"] for _ in range(2)
    ]
    assert (await people.accepted(first)).status_code == 404
    assert (await people.sign_in("ada")).status_code == 201
    assert (await people.accepted(second, "another password")).status_code == 201
    assert (await people.sign_in("ada")).status_code == 403
    assert (await people.console.post("/api/exchange", json={"session": session["session"]})).status_code == 401


async def test_two_at_once_behind_one_link_are_one(people_on_both: People) -> None:
    people = people_on_both
    code = (await people.invited("Ada"))["code"]
    answers = await asyncio.gather(*(people.accepted(code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404]


async def test_names_to_sign_in_with_are_one_persons(people: People) -> None:
    ada, bo = await people.joined("Ada"), await people.joined("Bo")
    for body in ({"name": "Other", "sign_in_name": "ADA"}, {"name": "x", "sign_in_name": "bo"}):
        assert (await people.admin.post("/api/invitations", json=body)).status_code == 409
    path = f"/api/operators/{bo['operator_id']}"
    assert (await people.admin.patch(path, json={"sign_in_name": "ada"})).status_code == 409
    for bad in ("", " ", "a", "a b", "a\nb", "<script>", "x" * 121):
        assert (await people.admin.patch(path, json={"sign_in_name": bad})).status_code == 422, bad
    assert (await people.admin.patch(path, json={"sign_in_name": "Bo@Example.org"})).status_code == 200
    assert (await people.sign_in("bo@example.ORG")).json()["operator_id"] == bo["operator_id"]
    assert (await people.sign_in("ada")).json()["operator_id"] == ada["operator_id"]


async def test_after_a_few_wrong_passwords_nobody_gets_in_from_there_for_a_while(people_on_both: People) -> None:
    people = people_on_both
    await people.joined("Ada")
    most = guessing.MOST["account and address"]
    here, elsewhere = {"address": "192.0.2.1"}, {"address": "192.0.2.2"}
    tried = await asyncio.gather(*(people.sign_in("ada", f"wrong {number}", **here) for number in range(most + 5)))
    assert sorted(answer.status_code for answer in tried) == [403] * most + [409] * 5
    right = await people.sign_in("ada", **here)
    assert (right.status_code, "too many" in right.json()["detail"]) == (409, True)
    assert (await people.sign_in("ada", **elsewhere)).status_code == 201
    unknown = [(await people.sign_in("nobody", **elsewhere)).status_code for _ in range(most + 1)]
    assert unknown == [403] * most + [409]
    people.registry.change("guesses", until=PAST)
    assert (await people.sign_in("ada", **here)).status_code == 201


async def test_one_address_does_not_try_one_password_on_everybody(people: People) -> None:
    most = guessing.MOST["address"]
    answers = [await people.sign_in(f"user{number}", address="192.0.2.1") for number in range(most + 1)]
    assert [answer.status_code for answer in answers] == [403] * most + [409]


async def test_right_passwords_are_not_counted(people: People) -> None:
    await people.joined("Ada")
    for _ in range(guessing.MOST["account and address"] * 2):
        assert (await people.sign_in("ada", address="192.0.2.1")).status_code == 201


async def test_a_check_takes_as_long_for_an_account_that_is_not_there(people: People) -> None:
    """By the processor's time: the machine may be busy. A hash at its real cost takes a tenth of a second."""
    passwords = type(people.registry.passwords)()
    stored = await passwords.hash(PASSWORD)
    await passwords.is_right(None, "warm")
    spent = []
    for known in (stored, None):
        begun = time.process_time()
        assert not await passwords.is_right(known, "wrong")
        spent.append(time.process_time() - begun)
    passwords.close()
    assert 0.5 < spent[0] / spent[1] < 2


async def test_hashing_leaves_the_loop_and_the_writer_free(people: People) -> None:
    passwords = type(people.registry.passwords)()
    hashing = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(3)]
    turns = 0
    while not all(task.done() for task in hashing):
        await people.registry.house.write(lambda tx: tx.now)
        turns += 1
    passwords.close()
    assert turns > 3


async def test_a_person_changes_their_password_and_is_signed_out_everywhere_else(people: People) -> None:
    ada = await people.joined("Ada", "viewer")
    other = (await people.sign_in("ada")).json()["session"]
    async with await people.as_person(ada["session"]) as mine, await people.as_person(other) as others:
        for body, status in (
            ({"password": "a new password"}, 400),
            ({"password": "a new password", "current": "wrong"}, 403),
            ({"password": "short", "current": PASSWORD}, 400),
            ({"password": "a new password", "current": PASSWORD}, 204),
        ):
            assert (await mine.post("/api/account/password", json=body)).status_code == status, body
        assert (await mine.get("/api/account")).json()["sign_in_name"] == "ada"
        assert (await others.get("/api/account")).status_code == 401
    assert (await people.sign_in("ada")).status_code == 403
    assert (await people.sign_in("ada", "a new password")).status_code == 201


async def test_the_first_administrator_comes_by_a_link_and_then_chooses_a_name_and_a_password(people: People) -> None:
    code = (await people.admin.post("/api/sign-in-codes")).json()["code"]
    session = (await people.console.post("/api/sessions", json={"code": code, "browser": "Firefox"})).json()["session"]
    async with await people.as_person(session) as mine:
        assert (await mine.get("/api/account")).json()["has_password"] is False
        assert (await mine.post("/api/account/password", json={"password": PASSWORD})).status_code == 400
        body = {"password": PASSWORD, "sign_in_name": "root"}
        assert (await mine.post("/api/account/password", json=body)).status_code == 204
    assert (await people.sign_in("root")).json()["role"] == "administrator"


async def test_sessions_are_listed_and_end_one_by_one_or_all_at_once(people_on_both: People) -> None:
    people = people_on_both
    ada, bo = await people.joined("Ada"), await people.joined("Bo")
    sessions = [(await people.sign_in("ada", browser=f"Browser {number}")).json()["session"] for number in range(3)]
    async with await people.as_person(sessions[0]) as mine, await people.as_person(sessions[1]) as second:
        lines = (await mine.get("/api/account/sessions")).json()["sessions"]
        assert len(lines) == 4
        assert [line["browser"] for line in lines if line["is_this"]] == ["Browser 0"]
        assert not [secret for secret in [*sessions, ada["session"]] if secret in str(lines)]
        (target,) = [line["session_id"] for line in lines if line.get("browser") == "Browser 1"]
        async with await people.as_person(bo["session"]) as stranger:
            assert (await stranger.post(f"/api/account/sessions/{target}/end")).status_code == 404
        assert (await mine.post(f"/api/account/sessions/{target}/end")).status_code == 204
        assert (await second.get("/api/account")).status_code == 401
        assert (await mine.post("/api/account/sessions/end")).json() == {"ended": 3}
        assert (await mine.get("/api/account")).status_code == 401
    async with await people.as_person(bo["session"]) as other:
        assert (await other.get("/api/account")).status_code == 200


async def test_an_administrator_sees_and_ends_the_sessions_of_others(people: People) -> None:
    ada = await people.joined("Ada")
    await people.sign_in("ada")
    path = f"/api/operators/{ada['operator_id']}/sessions"
    lines = (await people.admin.get(path)).json()["sessions"]
    assert (await people.admin.post(f"{path}/{lines[0]['session_id']}/end")).status_code == 204
    assert (await people.admin.post(f"{path}/{lines[0]['session_id']}/end")).status_code == 404
    assert (await people.admin.post(f"{path}/end")).json() == {"ended": 1}
    assert (await people.console.post("/api/exchange", json={"session": ada["session"]})).status_code == 401


async def test_a_session_ends_unused_and_in_any_case_after_a_fortnight(people: People) -> None:
    ada = await people.joined("Ada")
    line = (await people.admin.get(f"/api/operators/{ada['operator_id']}/sessions")).json()["sessions"][0]
    assert line["expires_at"][:10] > line["created_at"][:10]
    people.registry.change("sessions", created_at="2020-01-01T00:00:00.000000Z")
    assert (await people.console.post("/api/exchange", json={"session": ada["session"]})).status_code == 200
    assert (await people.console.post("/api/exchange", json={"session": ada["session"]})).status_code == 401


async def test_a_disabled_person_is_out_at_once_everywhere_and_no_link_lets_them_in(people: People) -> None:
    here = people.registry.experiment()
    ada = await people.joined("Ada")
    reset = (await people.admin.post(f"/api/operators/{ada['operator_id']}/reset")).json()["code"]
    async with await people.as_person(ada["session"]) as mine, await people.inside(ada["session"], here) as inside:
        assert (await people.admin.post(f"/api/workers/{ada['operator_id']}/disable")).status_code == 200
        assert (await mine.get("/api/account")).status_code == 401
        assert (await inside.get(f"/api/experiments/{here}")).status_code == 401
    assert (await people.sign_in("ada")).status_code == 403
    assert (await people.accepted(reset)).status_code == 404
    assert (await people.admin.post(f"/api/operators/{ada['operator_id']}/reset")).status_code == 409
    listed = (await people.admin.get(f"/api/operators/{ada['operator_id']}")).json()
    assert (listed["is_disabled"], listed["sessions"]) == (True, 0)

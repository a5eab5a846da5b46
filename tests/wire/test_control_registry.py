"""The registry of experiments over HTTP (protocol §11.1, §11.2, §11.8), in process and live, on both databases."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.store.task_house import CONFIG
from tests.wire.control_desk import CONFIG_URI, ControlDesk
from tests.wire.live import ADMIN_TOKEN
from tests.wire.store_app import WireApp

ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}
UNKNOWN = f"exp_{'0' * 26}"


@pytest.fixture
def desk(app: WireApp) -> ControlDesk:
    return ControlDesk(app.http)


async def test_registering_mints_an_id_each_time_and_shows_the_entry_whole(desk: ControlDesk) -> None:
    first = await desk.call("admin", "POST", "/experiments", {"name": "Twins", "config_uri": CONFIG_URI})
    assert first.status_code == 201
    second = await desk.ask("admin", "POST", "/experiments", {"name": "Twins", "config_uri": CONFIG_URI})
    entry = first.json()
    assert entry["experiment_id"] != second["experiment_id"]
    assert entry == {
        "experiment_id": entry["experiment_id"], "name": "Twins", "config_uri": CONFIG_URI,
        "created_at": entry["created_at"], "last_known_state": "running", "lease": None,
    }  # fmt: skip
    assert await desk.ask("admin", "GET", f"/experiments/{entry['experiment_id']}") == entry


@pytest.mark.parametrize("body", [{}, {"name": None}])
async def test_an_entry_without_a_name_says_null(desk: ControlDesk, body: dict[str, None]) -> None:
    made = await desk.ask("admin", "POST", "/experiments", {"config_uri": CONFIG_URI} | body)
    assert made["name"] is None
    assert made["lease"] is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("invalid-name", {"name": "", "config_uri": CONFIG_URI}),
        ("invalid-name", {"name": " padded", "config_uri": CONFIG_URI}),
        ("invalid-name", {"name": "x" * 129, "config_uri": CONFIG_URI}),
        ("bad-request", {"name": 1, "config_uri": CONFIG_URI}),
        ("bad-request", {"name": "x"}),
        ("bad-request", {"config_uri": None}),
        ("bad-request", {"config_uri": "no scheme"}),
        ("bad-request", {"config_uri": "https://example.org/%zz"}),
        ("bad-request", {"config_uri": "https://example.org/#a#b"}),
        ("bad-request", {"config_uri": CONFIG_URI, "colour": "red"}),
        ("bad-request", {"config_uri": CONFIG_URI, "experiment_id": "exp_mine"}),
        ("bad-request", {"config_uri": CONFIG_URI, "experiment_id": None}),
    ],
)
async def test_a_registration_that_is_not_well_formed_is_refused(
    desk: ControlDesk, kind: str, body: dict[str, object]
) -> None:
    before = len((await desk.ask("admin", "GET", "/experiments"))["experiments"])
    await desk.refused(kind, "admin", "POST", "/experiments", body)
    assert len((await desk.ask("admin", "GET", "/experiments"))["experiments"]) == before


async def test_an_experiment_that_is_hosted_here_has_its_entry(app: WireApp, desk: ControlDesk) -> None:
    hosted = app.store.experiment_id
    entry = await desk.ask("admin", "GET", f"/experiments/{hosted}")
    assert entry["name"] == "An experiment"
    assert entry["config_uri"] == f"switchyard:/api/experiments/{hosted}"
    response = await app.http.get(entry["config_uri"].removeprefix("switchyard:"), headers=ADMIN)
    assert response.json()["config"]["objective"] == CONFIG["objective"]


async def test_names_are_looked_up_exactly_and_in_their_normal_form(desk: ControlDesk) -> None:
    ids = {await desk.entry(name="Caf\u00e9"), await desk.entry(name="Cafe\u0301")}
    await desk.entry(name="caf\u00e9")

    async def found(name: str) -> set[str]:
        listed = await desk.ask("admin", "GET", "/experiments", params={"name": name})
        return {entry["experiment_id"] for entry in listed["experiments"]}

    assert await found("Cafe\u0301") >= ids
    assert len(await found("CAF\u00c9")) == 0
    assert await found(" Caf\u00e9") == set()


async def test_reads_are_for_the_admin_and_the_deployments_workers(app: WireApp, desk: ControlDesk) -> None:
    worker, entry = await desk.worker(), await desk.entry()
    for path in ("/experiments", f"/experiments/{entry}"):
        assert (await desk.call(worker, "GET", path)).status_code == 200
        assert (await app.http.get("/v0/control" + path)).status_code == 401
    token = app.store.tokens["ann"]
    headers = {"Authorization": f"Bearer {app.store.id_of('ann')}:{token}"}
    assert (await app.http.get("/v0/control/experiments", headers=headers)).status_code == 401
    for method, path, body in (
        ("POST", "/experiments", {"config_uri": CONFIG_URI}),
        ("DELETE", f"/experiments/{entry}", None),
    ):
        await desk.refused("forbidden", worker, method, path, body)


async def test_the_experiment_header_is_ignored_there(desk: ControlDesk) -> None:
    entry = await desk.entry()
    headers = {"X-Eden-Experiment-Id": UNKNOWN}
    assert (await desk.call("admin", "GET", f"/experiments/{entry}", headers=headers)).status_code == 200


@pytest.mark.parametrize("entry", [UNKNOWN, "nonsense", "%00", "a%2Fb"])
async def test_an_unknown_entry_is_not_found(desk: ControlDesk, entry: str) -> None:
    await desk.refused("not-found", "admin", "GET", f"/experiments/{entry}")
    await desk.refused("not-found", "admin", "DELETE", f"/experiments/{entry}")


async def test_only_a_terminated_experiment_without_a_lease_is_unregistered_and_stays_readable(
    app: WireApp, desk: ControlDesk
) -> None:
    hosted, holder = app.store.experiment_id, await desk.orchestrator()
    detail = await desk.refused("invalid-precondition", "admin", "DELETE", f"/experiments/{hosted}")
    assert "terminated" in detail
    lease = await desk.acquire(holder, hosted)
    await app.post("v0:terminate", {"reason": "enough"}, "admins")
    entry = await desk.ask("admin", "GET", f"/experiments/{hosted}")
    assert (entry["last_known_state"], entry["lease"]) == ("terminated", lease)
    detail = await desk.refused("invalid-precondition", "admin", "DELETE", f"/experiments/{hosted}")
    assert holder in detail
    await desk.ask(holder, "POST", f"/leases/{lease['lease_id']}/release", {"holder_instance": "i"})
    gone = await desk.call("admin", "DELETE", f"/experiments/{hosted}")
    assert (gone.status_code, gone.content) == (204, b"")
    await desk.refused("not-found", "admin", "GET", f"/experiments/{hosted}")
    body = {"holder": holder, "holder_instance": "i"}
    await desk.refused("not-found", holder, "POST", f"/experiments/{hosted}/leases", body)
    assert await app.get("v0:state") == {"state": "terminated"}


async def test_an_experiment_that_is_missing_from_the_list_is_registered_under_its_own_id(
    app: WireApp, desk: ControlDesk
) -> None:
    hosted = app.store.experiment_id
    await app.post("v0:terminate", {"reason": ""}, "admins")
    await desk.ask("admin", "DELETE", f"/experiments/{hosted}")
    body = {"config_uri": CONFIG_URI, "experiment_id": hosted}
    entry = await desk.ask("admin", "POST", "/experiments", body)
    assert (entry["experiment_id"], entry["last_known_state"]) == (hosted, "terminated")
    await desk.refused("already-exists", "admin", "POST", "/experiments", body)


async def test_a_registered_experiment_is_made_later_under_its_id_and_once(app: WireApp, desk: ControlDesk) -> None:
    entry = await desk.entry(name="Later")
    headers = ADMIN | {"X-Eden-Experiment-Id": entry}
    for path in ("", "/state", "/tasks", "/events"):
        assert (await app.http.get(f"/v0/experiments/{entry}{path}", headers=headers)).status_code == 404
    body = {"config": CONFIG, "experiment_id": entry}
    made = await app.http.post("/api/experiments", json=body, headers=ADMIN)
    assert (made.status_code, made.json()["experiment_id"]) == (201, entry)
    assert (await app.http.get(f"/v0/experiments/{entry}/state", headers=headers)).json() == {"state": "running"}
    kept = await desk.ask("admin", "GET", f"/experiments/{entry}")
    assert (kept["name"], kept["config_uri"]) == ("Later", CONFIG_URI)
    for experiment_id, kind in ((entry, "experiment-id-conflict"), (UNKNOWN, "invalid-precondition")):
        again = await app.http.post("/api/experiments", json=body | {"experiment_id": experiment_id}, headers=ADMIN)
        assert (again.status_code, again.json()["type"]) == (409, f"eden://error/{kind}")


async def test_what_the_registry_says_has_the_shape_of_the_protocol(desk: ControlDesk) -> None:
    holder, entry = await desk.orchestrator(), await desk.entry()
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/lease.schema.json").read_text(encoding="utf-8"))
    check = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    check.validate(await desk.acquire(holder, entry))
    check.validate((await desk.ask("admin", "GET", f"/experiments/{entry}"))["lease"])

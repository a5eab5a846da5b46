"""The ways a wire test reaches the control plane serve the same experiment."""

from tests.store.task_house import AT
from tests.wire.live import Servers, settle
from tests.wire.store_app import WireApp


async def test_each_way_serves_an_experiment_and_its_people(app: WireApp) -> None:
    payload = {"experiment_id": app.store.experiment_id}
    task = {"task_id": "t", "kind": "ideation", "state": "pending", "payload": payload}
    await app.post("v0:tasks", task | {"created_at": AT, "updated_at": AT}, "orchestrators")
    claim = await app.post("v0:tasks/t/claim", {})
    assert claim["worker_id"] == app.store.id_of("ann")
    assert [one["task_id"] for one in await app.get("v0:tasks", state="claimed")] == ["t"]
    assert (await app.get("v0:whoami", "admins"))["worker_id"] == app.store.id_of("admins")


async def test_three_servers_answer_in_turn_from_one_database(replicas: Servers) -> None:
    async with replicas.client() as http:
        app = await settle(http)
        read = [await app.get("v0:state") for _ in replicas.urls]
    assert read == [{"state": "running"}] * 3

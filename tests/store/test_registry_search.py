"""Workers are found by what they are called, whatever the letters."""

from collections.abc import Iterator

import pytest

from control_plane.registry.operations import workers
from store_client.wire.calls.workers import WorkerQuery
from store_client.wire.workers import RegisterWorker
from tests.registry import KEYS, Registry, open_registry


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def test_worker_details_are_found_by_name_id_and_label_a_page_at_a_time(registry: Registry) -> None:
    experiment_id = registry.experiment()
    made = [registry.worker(experiment_id)[0] for _ in range(3)]
    body = RegisterWorker(name="Größe 100%", labels={"ort": "Köln"})
    named = registry.at(experiment_id, lambda tx: workers.register(tx, body, keys=KEYS)).worker_id

    def found(**asked: object) -> tuple[list[str], str | None]:
        query = WorkerQuery.model_validate(asked)
        told = registry.at(experiment_id, lambda tx: workers.list_details(tx, query, open_claims=lambda _tx: {}))
        return [worker.worker_id for worker in told.workers], told.next

    assert found() == (sorted([*made, named]), None)
    assert found(limit=2) == (sorted([*made, named])[:2], sorted([*made, named])[1])
    assert found(limit=2, after=sorted([*made, named])[1]) == (sorted([*made, named])[2:], None)
    assert [found(q=words)[0] for words in ("100%", "köln", "ORT", named[-8:])] == [[named]] * 4
    assert found(q="%_%")[0] == []
    assert found(worker_id=made[1])[0] == [made[1]]

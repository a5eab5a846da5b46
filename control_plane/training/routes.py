"""ARC's calls and the operation behind each."""

from typing import Any

from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import endpoint
from control_plane.edge.house import House
from control_plane.training import schemas
from control_plane.training.operations import Trainings
from store_client.wire.calls import trainings as calls


def routes(house: House, trainings: Trainings) -> list[Route]:
    """Every route of trainings."""
    return [
        endpoint(house, calls.CREATE_TRAINING, trainings.create),
        endpoint(house, calls.SCHEDULE_TRAINING, trainings.schedule),
        endpoint(house, calls.READ_TRAINING, trainings.read),
        endpoint(house, calls.CANCEL_TRAINING, trainings.cancel),
        endpoint(house, calls.LIST_SCHEMAS, _names),
        endpoint(house, calls.READ_SCHEMA, _schema),
    ]


def _names(_tx: Tx) -> tuple[str, ...]:
    return schemas.names()


def _schema(_tx: Tx, name: str) -> dict[str, Any]:
    return schemas.schema(name)

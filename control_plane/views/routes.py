"""The calls about saved views, and the operation behind each."""

from starlette.routing import Route

from control_plane.edge.endpoint import endpoint
from control_plane.edge.house import House
from control_plane.views import operations
from store_client.wire.calls import views as calls


def routes(house: House) -> list[Route]:
    """Every route of saved views."""
    return [
        endpoint(house, calls.LIST_VIEWS, operations.list_own),
        endpoint(house, calls.SAVE_VIEW, operations.save),
        endpoint(house, calls.CHANGE_VIEW, operations.change),
        endpoint(house, calls.DELETE_VIEW, operations.remove),
    ]

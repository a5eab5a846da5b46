"""The call that finds, and the operation behind it."""

from starlette.routing import Route

from control_plane.edge.endpoint import endpoint
from control_plane.edge.house import House
from control_plane.search.operations import Searches
from control_plane.search.ports import Wings
from store_client.wire.calls import search as calls


def routes(house: House, wings: Wings) -> list[Route]:
    """Every route of the search."""
    return [endpoint(house, calls.SEARCH, Searches(wings).search)]

"""Saved views of lists."""

from store_client.resources.resource import Resource
from store_client.wire.calls import views as calls
from store_client.wire.views import ChangeView, SavedView, SaveView, ViewedList


class Views(Resource):
    """Calls about the views that whoever is signed in keeps."""

    async def list_views(self, of_list: ViewedList | None = None) -> tuple[SavedView, ...]:
        """One's own views, of one list or of all, in the order in which they were saved."""
        return tuple((await self._send(calls.LIST_VIEWS, query=calls.ViewQuery(list=of_list))).views)

    async def save_view(self, body: SaveView) -> SavedView:
        answer: SavedView = await self._send(calls.SAVE_VIEW, body)
        return answer

    async def change_view(self, view_id: str, body: ChangeView) -> SavedView:
        answer: SavedView = await self._send(calls.CHANGE_VIEW, body, view_id=view_id)
        return answer

    async def delete_view(self, view_id: str) -> None:
        await self._send(calls.DELETE_VIEW, view_id=view_id)

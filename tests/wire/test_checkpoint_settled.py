"""An import whose answer was lost is found again by what it came from (protocol §10.6)."""

import io

import httpx
import pytest

from store_client import ControlPlaneClient, StaticBearer, Transport, Unreachable, find_import, settle_import
from tests.store.vault import pack, unpack
from tests.wire.live import ADMIN_TOKEN
from tests.wire.store_app import WireApp
from tests.wire.test_checkpoints import IMPORT, NEAR_AND_FAR, export, load


class Deaf(httpx.AsyncBaseTransport):
    """Lets one import through and loses its answer."""

    def __init__(self, inner: httpx.AsyncClient) -> None:
        self._inner = inner
        self.lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = b"".join([piece async for piece in request.stream])  # type: ignore[union-attr] # an async request
        headers = {key: value for key, value in request.headers.items() if key != "content-length"}
        answer = await self._inner.request(
            request.method, request.url.raw_path.decode(), content=content, headers=headers
        )
        if request.url.path == IMPORT:
            self.lost += 1
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=answer.content)


@NEAR_AND_FAR
async def test_an_import_whose_answer_is_lost_is_found_again_and_not_repeated(app: WireApp) -> None:
    archive = io.BytesIO(await export(app))
    earlier = (await load(app, archive.getvalue())).json()["experiment_id"]
    deaf = Deaf(app.http)
    client = ControlPlaneClient(Transport("http://here", application=deaf), StaticBearer("admin", ADMIN_TOKEN))
    made = await settle_import(client, archive)
    assert deaf.lost == 1
    assert made.experiment_id not in {earlier, app.store.experiment_id}
    assert "fell silent" in made.warnings[0]
    other = io.BytesIO(await export(app))
    assert await find_import(client, other) is None
    with pytest.raises(Unreachable):
        await settle_import(client, io.BytesIO(pack({"manifest.json": unpack(other.getvalue())["manifest.json"]})))

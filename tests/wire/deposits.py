"""Files deposited and fetched over HTTP."""

from typing import Any

import httpx

from tests.wire.store_app import StoreApp

ALL_BYTES = bytes(range(256)) * 40
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nbytes\r\n'
"""A multipart body with one file, and no end yet."""


async def deposit(app: StoreApp, name: str = "bob", content: bytes = ALL_BYTES, **part: Any) -> dict[str, Any]:
    file = (part.get("filename", "out.bin"), content, part.get("type", "application/x-thing"))
    response = await app.call(name, "POST", "v0:artifacts", files={"file": file})
    assert response.status_code == 201, response.text
    deposited: dict[str, Any] = response.json()
    return deposited


async def fetch(app: StoreApp, name: str, uri: str, base: str = "v0") -> httpx.Response:
    return await app.call(name, "GET", f"{base}:artifacts", params={"uri": uri})

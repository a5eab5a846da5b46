"""Static files under addresses that change with their content, so that browsers may keep them for ever."""

from hashlib import sha256
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


def checksum(root: Path) -> str:
    """The digest of a whole tree: one for all files, so that modules find each other by relative paths."""
    digest = sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class ChecksummedFiles(StaticFiles):
    """Serves `<checksum>/path`; mount it at /static under the name `static`."""

    def __init__(self, root: Path) -> None:
        super().__init__(directory=root)
        self.version = checksum(root)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file behind the checksum; an older checksum gives today's file, to be asked for again."""
        version, _, inner = path.partition("/")
        response = await super().get_response(inner, scope)
        response.headers["Cache-Control"] = FOR_EVER if version == self.version else ASK_AGAIN
        return response

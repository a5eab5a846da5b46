"""Sources: files laid out below the data directory, looked at, and made an experiment of or cleared away.

Each has a folder of its own that nobody sees before it is complete. It goes within a day, and sooner when there are
many: then the oldest does.
"""

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, TypeVar

from control_plane.edge import disk
from control_plane.edge.house import House
from control_plane.registry import config_texts, directories
from control_plane.registry.ports import Fetch, Seeds
from control_plane.registry.rules import config as configs
from control_plane.registry.rules import lifetimes
from control_plane.registry.unpacking import Room, unpack
from store_client.errors import BadRequest, NotFound
from store_client.wire.configs import ConfigFault
from store_client.wire.record import Record
from store_client.wire.scalars import SUFFIX, parse_time
from store_client.wire.sources import Example, FetchSource, Source

T = TypeVar("T")
ID = re.compile(f"src_{SUFFIX}")
KEPT = timedelta(days=1)
MOST = 20
FILES, ABOUT, UNDER_WAY = "files", "source.json", ".laying-out."
WORDS = 300


@dataclass
class Sources:
    """The sources of a deployment; what blocks runs on threads of its own, a few at a time."""

    house: House
    seeds: Seeds
    fetch: Fetch
    folder: Path
    examples: Path
    room: Room = field(default_factory=Room)
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="source"))

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def spool(self, size_bytes: int = 0) -> IO[bytes]:
        """A file for an archive of about that size on its way; it is gone when it is closed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.must_hold(self.folder, 2 * size_bytes)  # the archive, and what comes out of it
        return tempfile.TemporaryFile(dir=self.folder)

    def unpack(self, archive: IO[bytes]) -> Source:
        """Lay out what an archive holds."""
        return self._lay_out("files that were uploaded", lambda files: unpack(archive, files, self.room))

    def bring(self, body: FetchSource) -> Source:
        """Lay out the files of a repository elsewhere, or of an example."""
        if (body.git_url is None) == (body.example is None):
            raise BadRequest("name either the address of a repository or an example")
        if body.example is not None:
            return self._copy(body.example)
        url = str(body.git_url)
        return self._lay_out(url, lambda files: self.fetch(url, body.revision, files))

    def read(self, source_id: str) -> Source:
        """What an experiment of it would be; NotFound once it is gone."""
        try:
            return Source.model_validate_json((self._place(source_id) / ABOUT).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFound("these files were cleared away; send them again") from error

    def directory(self, source_id: str) -> Path:
        """The directory of an experiment in it; BadRequest while there are faults."""
        found = self.read(source_id)
        if found.faults:
            raise BadRequest(f"no experiment can be made of these files: {found.faults[0].message}")
        return top(self._place(source_id) / FILES)

    def drop(self, source_id: str) -> None:
        """Clear it away, if it is there."""
        shutil.rmtree(self._place(source_id), ignore_errors=True)

    def list_examples(self) -> Iterator[Example]:
        """The experiments that come along, by name."""
        for place in sorted(self.examples.iterdir()) if self.examples.is_dir() else ():
            if any((place / name).is_file() for name in directories.CONFIG_FILES):
                config = directories.read_config(place)
                title, about = (str(config.get(key) or "") for key in ("name", "description"))
                yield Example(name=place.name, title=title or place.name, description=about[:WORDS])

    def _copy(self, name: str) -> Source:
        if name not in {one.name for one in self.list_examples()}:
            raise NotFound(f"there is no example {name}")
        origin = self.examples / name
        return self._lay_out(f"the example {name}", lambda files: _copied(origin, files))

    def _lay_out(self, origin: str, fill: Callable[[Path], Any]) -> Source:
        """Fill a folder and look at it; nothing is left when that fails."""
        self._make_room()
        disk.must_hold(self.folder, 0)
        source_id, now = self.house.mint("src"), self.house.clock()
        with disk.room(), tempfile.TemporaryDirectory(prefix=UNDER_WAY, dir=self.folder) as made:
            files = Path(made) / "new" / FILES
            files.mkdir(parents=True)
            commit = fill(files)
            found = Source(
                source_id=source_id,
                origin=origin,
                commit_sha=commit if isinstance(commit, str) else None,
                made_at=now,
                expires_at=lifetimes.after(now, KEPT),
                **self._look(top(files)),
            )
            (files.parent / ABOUT).write_text(_text(found), encoding="utf-8")
            files.parent.rename(self.folder / source_id)
        return found

    def _look(self, directory: Path) -> dict[str, Any]:
        """What is in a directory, and what an experiment of it would be, as far as it can be."""
        told: dict[str, Any] = {}
        try:
            told["files"], told["size_bytes"], told["paths"] = self.seeds.look(directory)
            file = directories.find_config(directory)
        except BadRequest as error:
            message = error.detail.replace(f"{directory} has", "the files have")
            return {**told, "faults": (ConfigFault(message=message),)}
        told["config_path"] = str(file.relative_to(directory))
        config, report = config_texts.examine_new(directories.read_text(file))
        told |= {"faults": report.faults, "notes": report.notes}
        if config is not None:
            told |= {key: config.get(key) for key in ("name", "objective", "evaluation_schema")}
            told["commands"] = configs.commands(config)
        return told

    def _make_room(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        oldest = lifetimes.after(self.house.clock(), -KEPT)
        self._forget_unfinished(parse_time(oldest).timestamp())
        kept = sorted(place.name for place in self.folder.glob("src_*"))  # ids sort by when they were made
        for number, name in enumerate(reversed(kept)):
            if number >= MOST - 1 or self._made_at(name) < oldest:
                self.drop(name)

    def _forget_unfinished(self, before: float) -> None:
        """Clear away what a server that was killed had begun; what others lay out now is younger."""
        for place in self.folder.glob(f"{UNDER_WAY}*"):
            with contextlib.suppress(FileNotFoundError):
                if place.stat().st_mtime < before:
                    shutil.rmtree(place, ignore_errors=True)

    def _made_at(self, source_id: str) -> str:
        try:
            return self.read(source_id).made_at
        except (NotFound, ValueError):
            return ""

    def _place(self, source_id: str) -> Path:
        if ID.fullmatch(source_id) is None:
            raise NotFound("there are no such files")
        return self.folder / source_id


def top(files: Path) -> Path:
    """The folder itself, or the one folder that is all there is in it: archives often have one around everything."""
    inside = list(files.iterdir())
    is_wrapped = len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink()
    return inside[0] if is_wrapped and inside[0].name != ".eden" else files


def _copied(origin: Path, files: Path) -> None:
    shutil.copytree(origin, files, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _text(record: Record) -> str:
    return record.model_dump_json(exclude_none=True)

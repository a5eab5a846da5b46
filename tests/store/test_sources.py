"""Sources: laid out whole or not at all, looked at, and cleared away in time; and ids that wait for an experiment."""

import errno
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from control_plane.edge.disk import KEPT_FREE_BYTES
from control_plane.registry.operations import registrations
from control_plane.registry.sources import FILES, MOST, UNDER_WAY, Sources
from control_plane.registry.unpacking import Writing
from control_plane.repos.fetching import Fetching
from control_plane.repos.vend import Repositories
from store_client.errors import BadRequest, NotFound, Unavailable
from store_client.wire.call import PageQuery
from store_client.wire.leases import RegisterExperiment
from store_client.wire.scalars import parse_time
from store_client.wire.sources import FetchSource
from tests.registry import CONFIG, Registry, open_registry

WHOLE = {"experiment.yaml": yaml.safe_dump(CONFIG), "program.py": "print(1)\n"}


@pytest.fixture
def registry(sqlite_url: str) -> Iterator[Registry]:
    with open_registry(sqlite_url) as opened:
        yield opened


@pytest.fixture
def sources(registry: Registry, tmp_path: Path) -> Sources:
    repositories = Repositories(tmp_path / "repos")
    examples = tmp_path / "examples"
    for name in ("one", "no-experiment"):
        (examples / name).mkdir(parents=True)
    (examples / "one" / "experiment.yaml").write_text(yaml.safe_dump({**CONFIG, "name": "One"}))
    return Sources(registry.house, repositories, Fetching(repositories.git), tmp_path / "sources", examples)


def tar(files: dict[str, str]) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made


def test_what_is_laid_out_is_told_and_can_be_made_an_experiment(sources: Sources) -> None:
    found = sources.unpack(tar({f"wrapped/{name}": text for name, text in WHOLE.items()}))
    assert (found.files, found.config_path, found.faults) == (2, "experiment.yaml", ())
    assert found.evaluation_schema == CONFIG["evaluation_schema"]
    assert sources.read(found.source_id) == found
    assert (sources.directory(found.source_id) / "program.py").read_text() == "print(1)\n"
    sources.drop(found.source_id)
    for odd in (found.source_id, "src_x", "../repos", "src_" + "0" * 26):
        with pytest.raises(NotFound):
            sources.read(odd)


def test_nothing_is_left_of_what_could_not_be_laid_out(sources: Sources) -> None:
    with pytest.raises(BadRequest):
        sources.unpack(io.BytesIO(b"nothing"))
    with pytest.raises(BadRequest):
        sources.bring(FetchSource())
    with pytest.raises(BadRequest):
        sources.bring(FetchSource(git_url="https://127.0.0.1/x", example="one"))
    with pytest.raises(BadRequest):
        sources.bring(FetchSource(git_url="https://127.0.0.1/x"))
    for name in ("two", "no-experiment", "../sources"):
        with pytest.raises(NotFound):
            sources.bring(FetchSource(example=name))
    assert list(sources.folder.iterdir()) == []
    assert [one.title for one in sources.list_examples()] == ["One"]


def test_no_experiment_is_made_of_files_with_faults(sources: Sources) -> None:
    for files, why in (
        ({"a": "a"}, "the files have neither"),
        ({"experiment.yaml": "a: ["}, "this is no YAML"),
        ({"experiment.yaml": "{}"}, "parallel_variants is missing"),
        (
            {"experiment.yaml": yaml.safe_dump({**CONFIG, "automation": {"executor": "automatic"}})},
            "cannot be automatic",
        ),
        ({}, "there are no files to start from"),
    ):
        found = sources.unpack(tar(files))
        assert why in found.faults[0].message
        with pytest.raises(BadRequest, match="no experiment can be made of these files"):
            sources.directory(found.source_id)


def test_a_config_that_leads_out_of_the_files_is_not_read(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret: [")
    (sources.examples / "one" / "experiment.yaml").unlink()
    (sources.examples / "one" / "experiment.yaml").symlink_to(tmp_path / "secret")
    (sources.examples / "one" / "program.py").write_text("")
    found = sources._lay_out("a repository", lambda files: (files / "experiment.yaml").symlink_to(tmp_path / "secret"))
    assert "is a link that leads out of the directory" in found.faults[0].message
    assert "secret" not in found.model_dump_json().replace(str(tmp_path), "")


def test_sources_go_within_a_day_and_the_oldest_of_many_sooner(sources: Sources, registry: Registry) -> None:
    first = sources.bring(FetchSource(example="one"))
    assert first.expires_at > first.made_at
    registry.house.clock = lambda: first.expires_at.replace("Z", "") + "Z" if first.expires_at else ""
    sources.bring(FetchSource(example="one"))
    assert first.source_id in {place.name for place in sources.folder.iterdir()}
    registry.house.clock = lambda: f"{int(first.expires_at[:4]) + 1}{first.expires_at[4:]}"
    made = [sources.bring(FetchSource(example="one")).source_id for _ in range(MOST + 1)]
    assert {place.name for place in sources.folder.iterdir()} == set(made[1:])
    assert (sources.folder / made[-1] / FILES / "experiment.yaml").is_file()


def test_ids_that_wait_for_an_experiment_are_listed_page_by_page(database_url: str) -> None:
    with open_registry(database_url) as registry:
        registry.experiment("Made")
        entries = [
            registry.act(
                registrations.register_experiment, RegisterExperiment(name=f"Waits {number}", config_uri="x:y")
            )
            for number in range(3)
        ]
        first = registry.act(registrations.list_unmade, PageQuery(limit=2))
        assert [one.experiment_id for one in first.experiments] == [one.experiment_id for one in entries[:2]]
        rest = registry.act(registrations.list_unmade, PageQuery(limit=2, after=first.next))
        assert ([one.name for one in rest.experiments], rest.next) == (["Waits 2"], None)


def test_a_full_disk_is_no_fault_of_what_was_sent_and_leaves_nothing(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Writing, "_copy", full)
    with pytest.raises(Unavailable, match="full"):
        sources.unpack(tar(WHOLE))
    assert list(sources.folder.iterdir()) == []


def test_what_a_killed_server_had_begun_is_cleared_away_and_what_is_under_way_stays(sources: Sources) -> None:
    left, young = (sources.folder / f"{UNDER_WAY}{name}" for name in ("left", "young"))
    for place, days in ((left, 2), (young, 0)):
        (place / "new").mkdir(parents=True)
        at = parse_time(sources.house.clock()).timestamp() - days * 86_400
        os.utime(place, (at, at))
    sources.unpack(tar(WHOLE))
    assert (left.exists(), young.exists()) == (False, True)


def test_nothing_is_taken_that_would_leave_too_little_of_the_disk(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1 << 40, free=free))

    disk(KEPT_FREE_BYTES + 3_000_000)
    with sources.spool(1_000_000) as file:
        assert file.writable()
    with pytest.raises(Unavailable, match=r"has 1,077 MB left, too little for 4 MB more beside what runs"):
        sources.spool(2_000_000)
    sources.bring(FetchSource(example="one"))
    disk(KEPT_FREE_BYTES - 1)
    with pytest.raises(Unavailable, match="an administrator makes room"):
        sources.bring(FetchSource(example="one"))
    assert len([place for place in sources.folder.iterdir() if place.is_dir()]) == 1

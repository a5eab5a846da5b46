"""Archives of unknown make: what is read whoever wrote it, and what is refused however it is wrapped."""

import io
import json
import random
import tarfile
from pathlib import Path

import pytest

from control_plane.task_store.checkpoints import archive as reading
from control_plane.task_store.checkpoints.archive import NOTE, Archive
from store_client.errors import PayloadTooLarge, Refused
from tests.store.foreign import AT, LANDING, foreign, idea, refusal, variant
from tests.store.vault import Parts, Vault, changed, pack, unpack


def test_the_top_folder_has_any_name_and_pax_or_ustar_or_long_names_are_one(here: Vault, native: Parts) -> None:
    for number, (top, form) in enumerate(
        ((".hidden", tarfile.PAX_FORMAT), ("x" * 90, tarfile.USTAR_FORMAT), ("ünïcode" * 20, tarfile.GNU_FORMAT))
    ):
        here.load(pack(native, top, form), f"exp_{'0' * 24}5{number}")


def test_a_folder_entry_is_fine_and_a_dot_before_it_too(here: Vault, native: Parts) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for folder in ("./", "./top/", "./top/artifacts/"):
            info = tarfile.TarInfo(folder)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for path, content in native.items():
            info = tarfile.TarInfo(f"./top/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    here.load(file.getvalue())


def wrapped(parts: Parts, *infos: tarfile.TarInfo) -> bytes:
    """An archive with odd members beside what belongs there."""
    file = io.BytesIO(pack(parts))
    with tarfile.open(fileobj=file, mode="a") as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(bytes(info.size)) if info.size else None)
    return file.getvalue()


def member(name: str, type_: bytes = tarfile.REGTYPE, linkname: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = type_, linkname, size
    return info


ODD: tuple[tuple[tarfile.TarInfo, str], ...] = (
    (member("somewhere/../../etc/passwd"), "no path inside"),
    (member("/etc/passwd"), "no path inside"),
    (member("elsewhere/tasks.jsonl"), "outside the archive's one folder"),
    (member("alone"), "outside"),
    (member("somewhere/tasks.jsonl"), "twice"),
    (member("somewhere/link", tarfile.SYMTYPE, "/etc/passwd"), "neither a file nor a folder"),
    (member("somewhere/link", tarfile.LNKTYPE, "somewhere/tasks.jsonl"), "neither a file nor a folder"),
    (member("somewhere/null", tarfile.CHRTYPE), "neither a file nor a folder"),
    (member("somewhere/pipe", tarfile.FIFOTYPE), "neither a file nor a folder"),
    (member("somewhere/sparse", tarfile.GNUTYPE_SPARSE), "neither a file nor a folder"),
    (member("somewhere/artifacts/sha256/" + "0" * 64, size=3), "another SHA-256"),
    (member("somewhere/artifacts/sha256/name", size=3), "is not named by"),
)


def test_a_member_that_does_not_belong_is_refused(here: Vault, native: Parts) -> None:
    for odd, words in ODD:
        assert words in refusal(here, wrapped(native, odd)), odd


def test_a_header_that_promises_too_much_is_refused(
    here: Vault, native: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = member("somewhere/odd")
    long.pax_headers = {"comment": "x" * (reading.MAX_HEADER_BYTES + 1)}
    assert "header" in refusal(here, wrapped(native, long))
    sparse = member("somewhere/odd")
    sparse.pax_headers = {"GNU.sparse.major": "1"}
    assert "sparse" in refusal(here, wrapped(native, sparse))
    whole = pack(native)
    assert "ends" in refusal(here, whole[: whole.index(b"tasks.jsonl") + 600])
    monkeypatch.setattr(reading, "MAX_MEMBERS", 5)
    assert "at most 5" in refusal(here, whole)
    assert "no tar" in refusal(here, b"x" * 5000)
    assert "no tar" in refusal(here, bytes(10240))


def test_thousands_of_small_records_in_one_header_are_read_once() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = member("top/file")
        info.pax_headers = {f"k{number}": "v" for number in range(50_000)} | {NOTE: "[]"}
        tar.addfile(info)
    assert Archive(io.BytesIO(file.getvalue())).members["file"].note == "[]"


def test_a_note_cannot_end_a_header_line(here: Vault, native: Parts) -> None:
    noted = {"filename": "a\r\nset-cookie: x", "content_type": "text/plain", "created_by": "admin", "created_at": AT}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in native.items():
            info = member(f"top/{path}", size=len(content))
            if path.startswith("artifacts/"):
                info.pax_headers = {NOTE: json.dumps([noted])}
            tar.addfile(info, io.BytesIO(content))
    assert "what is noted" in refusal(here, file.getvalue())


@pytest.mark.parametrize(("tags", "kept"), [("a b a", "a b"), ("x" * 41, None), (7, "7"), ([], None)])
def test_tags_that_nobody_could_give_here_are_left_behind(
    here: Vault, native: Parts, tags: object, kept: str | None
) -> None:
    manifest = json.loads(native["manifest.json"])
    manifest["exporter"]["experiment"]["tags"] = tags
    made = here.load(pack({**native, "manifest.json": json.dumps(manifest).encode()})).experiment_id
    assert here.house.read_now(lambda tx: tx.at(made).experiment["tags"]) == kept


def test_a_bundle_that_is_none_or_lacks_a_commit_is_refused(here: Vault, native: Parts, tmp_path: Path) -> None:
    assert "repo.bundle" in refusal(here, pack({**native, "repo.bundle": b"# v2 git bundle\nnonsense"}))
    source = tmp_path / "source"
    source.mkdir()
    (source / "program.py").write_text("value = 1\n")
    here.repositories.seed(LANDING, source, "2026-01-01T00:00:00Z")
    file = io.BytesIO()
    with (tmp_path / "bundle").open("w+b") as bundle:
        here.checkpoints.dump.bundles.write(LANDING, bundle)
        bundle.seek(0)
        file.write(bundle.read())
    assert "is not reachable" in refusal(here, pack({**native, "repo.bundle": file.getvalue()}))
    head = here.repositories.head(LANDING)
    real = foreign(ideas=[idea(parent_commits=[head])], variants=[variant(parent_commits=[head], branch="work/x/y")])
    real["repo.bundle"] = file.getvalue()
    made = here.load(pack(real))
    assert any("not pushed yet" in words for words in made.warnings)
    pushed = changed(real, "variants", lambda row: row.update(commit_sha=head))
    assert "its branch work/x/y" in refusal(here, pack(pushed))


def test_nothing_is_written_where_a_refusal_comes_in_the_last_moment(here: Vault, native: Parts) -> None:
    whole = pack(native)
    here.load(whole, LANDING)
    before = here.everything()
    with pytest.raises(Refused):
        here.load(whole, LANDING)
    assert here.everything() == before


def test_what_a_dead_import_left_is_swept_and_what_landed_is_not(here: Vault, native: Parts, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("x")
    dead, alive = f"exp_{'0' * 25}3", f"exp_{'0' * 25}4"
    here.load(pack(native), alive)
    for experiment_id in (dead, alive):
        here.repositories.seed(experiment_id, source, "2026-01-01T00:00:00Z")
        (here.repositories.root / f".{experiment_id}.git.cut").mkdir()
        (here.data / "imports" / experiment_id).write_text("placing\n")
    here.checkpoints.load.sweep()
    assert [path.name for path in here.repositories.root.glob("exp_*")] == [f"{alive}.git"]
    assert list(here.repositories.root.glob(".exp_*")) == []
    assert list((here.data / "imports").glob("exp_*")) == []


def test_an_archive_beyond_the_cap_is_too_large(here: Vault) -> None:
    spool = here.checkpoints.spool
    spool.max_bytes = 10
    with pytest.raises(PayloadTooLarge):
        spool._must_fit(11)
    spool.max_bytes = 2**80
    with pytest.raises(PayloadTooLarge):
        spool._must_fit(2**70)


def test_no_damage_to_an_archive_is_more_than_a_refusal(here: Vault, native: Parts) -> None:
    whole, before = pack(native, form=tarfile.PAX_FORMAT), here.everything()
    chance = random.Random(7)  # noqa: S311 - damage need not be secret
    for _ in range(120):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3, 40))):
            place = chance.randrange(len(damaged))
            cut = chance.choice((0, 0, 1, 512))
            damaged[place : place + cut] = chance.choice((b"", chance.randbytes(1), b"\0" * 512, b"{", b"\\u0000"))
        try:
            made = here.load(bytes(damaged))
        except Refused:
            assert here.everything() == before
        else:  # where it hit nothing that matters, what landed is whole
            unpack(here.save(made.experiment_id))
            before = here.everything()

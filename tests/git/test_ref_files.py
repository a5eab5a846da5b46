"""Branches are read from git's own files of refs as git would tell them, whatever it does to them meanwhile."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.repos import ref_files
from control_plane.repos.cleaning import ASIDE, WorkRefs
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, Stock

WORK = "refs/heads/work/"
SORTED = "# pack-refs with: peeled fully-peeled sorted \n"
PARTS = st.sampled_from(["a", "a.b", "a-b", "a0", "ab", "b", "é", "z", "A", "x.lock.y"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PLACES = st.sampled_from([WORK, WORK, WORK, ASIDE, "refs/heads/variant/", "refs/heads/", "refs/tags/"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PLACES, NAMES, st.integers(0, 1)),
        st.tuples(st.just("write"), PLACES, NAMES, st.integers(0, 1)),
        st.tuples(st.just("drop"), PLACES, NAMES, st.just(0)),
        st.tuples(st.just("pack"), PLACES, NAMES, st.just(0)),
        st.tuples(st.sampled_from(["lock", "empty", "junk", "hidden", "folder"]), PLACES, NAMES, st.just(0)),
    ),
    max_size=10,
)
AFTER = st.one_of(st.just(""), NAMES.map("work/".__add__), NAMES)
LITTER = {"lock": b"", "empty": b"", "junk": b"no commit\n", "hidden": b""}


@pytest.fixture
def refs(repositories: Repositories) -> WorkRefs:
    return WorkRefs(repositories)


@pytest.fixture
def commits(bare: Path, base: str, git: Stock) -> tuple[str, str]:
    """Two commits that branches may point at."""
    return base, git("commit-tree", "-m", "more", "-p", base, f"{base}^{{tree}}", cwd=bare)


@pytest.fixture
def only_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git is not asked for what its files tell."""

    def refuse(*_: Any) -> None:
        raise AssertionError("git was asked")

    monkeypatch.setattr(WorkRefs, "_told_by_git", refuse)


def told(git: Stock, bare: Path, root: str) -> list[tuple[str, str]]:
    """What git says of the refs below a root, as branches."""
    listed = git.tried("for-each-ref", "--format=%(refname) %(objectname)", root, cwd=bare).stdout.decode()
    return [("work/" + name.removeprefix(root), sha) for name, sha in (one.split(" ") for one in listed.splitlines())]


def litter(bare: Path, kind: str, ref: str) -> None:
    """What may lie among loose refs: what git is writing, what a crash left, what nothing is in any more."""
    path = bare / ref
    path = path.with_name(f"{path.name}.lock" if kind == "lock" else f".{path.name}" if kind == "hidden" else path.name)
    try:
        if kind == "folder":
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(LITTER[kind])
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        pass  # a branch is there


@pytest.mark.usefixtures("only_files")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, asked=st.tuples(AFTER, st.integers(1, 6)))
def test_branches_are_those_that_git_tells_in_its_order(
    steps: list[tuple[str, str, str, int]],
    asked: tuple[str, int],
    refs: WorkRefs,
    bare: Path,
    commits: tuple[str, str],
    git: Stock,
) -> None:
    for place in ("refs", "packed-refs"):
        shutil.rmtree(bare / place) if (bare / place).is_dir() else (bare / place).unlink(missing_ok=True)
    (bare / "refs").mkdir()
    for act, place, name, which in steps:
        if act == "write":
            git.tried("update-ref", place + name, commits[which], cwd=bare)  # not where a folder or a branch stands
        elif act == "drop":
            git.tried("update-ref", "-d", place + name, cwd=bare)
        elif act == "pack":
            git.tried("pack-refs", "--all", cwd=bare)
        else:
            litter(bare, act, place + name)
    after, most = asked
    for root in (WORK, ASIDE):
        expected = [one for one in told(git, bare, root) if one[0] > after][:most]
        assert list(refs.listed(EXPERIMENT, after, most, is_aside=root == ASIDE)) == expected


@pytest.mark.usefixtures("only_files")
def test_pages_are_whole_when_branches_are_packed_between_them(
    refs: WorkRefs, bare: Path, commits: tuple[str, str], git: Stock
) -> None:
    old, new = commits
    named = sorted(f"work/wkr_{number % 3}/{'deep/' * (number % 2)}v{number}" for number in range(30))
    for number, name in enumerate(named):
        git("update-ref", f"refs/heads/{name}", old, cwd=bare)
        if number == 15:
            git("pack-refs", "--all", cwd=bare)
    seen: list[str] = []
    after = ""
    while page := refs.listed(EXPERIMENT, after, 7):
        seen += [name for name, _ in page]
        after = seen[-1]
        git("update-ref", f"refs/heads/{after}", new, cwd=bare)  # it is loose again, and behind
        git("pack-refs", "--all", cwd=bare)
    assert seen == named


@pytest.mark.usefixtures("only_files")
@pytest.mark.parametrize("moment", ["_opened", "_pointed_at", "_entries"])
def test_a_packing_in_the_middle_of_a_reading_hides_and_revives_no_branch(
    refs: WorkRefs, bare: Path, commits: tuple[str, str], git: Stock, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    old, new = commits
    named = [f"work/{folder}/v{number}" for folder in "ab" for number in range(4)]
    for name in (*named, "work/a/gone"):
        git("update-ref", f"refs/heads/{name}", old, cwd=bare)
    git("pack-refs", "--all", cwd=bare)
    for name in (*named[::2], "work/a/gone"):
        git("update-ref", f"refs/heads/{name}", new, cwd=bare)
    git("update-ref", "-d", "refs/heads/work/a/gone", cwd=bare)
    real: Callable[..., Any] = getattr(ref_files, moment)

    def pack_first(*given: Any) -> Any:
        git("pack-refs", "--all", cwd=bare)
        return real(*given)

    monkeypatch.setattr(ref_files, moment, pack_first)
    expected = [(name, old if number % 2 else new) for number, name in enumerate(named)]
    assert list(refs.listed(EXPERIMENT, "", 50)) == expected
    assert list(refs.listed(EXPERIMENT, "", 50)) == expected


@pytest.mark.usefixtures("only_files")
def test_branches_that_stay_are_in_every_reading_while_others_come_go_and_are_packed(
    refs: WorkRefs, bare: Path, commits: tuple[str, str], git: Stock
) -> None:
    stay = [f"work/a/s{number}" for number in range(20)]
    both = [*stay, *(f"work/a/t{number}" for number in range(20))]
    is_over = threading.Event()

    def write(orders: str, names: list[str]) -> None:
        git("update-ref", "--stdin", cwd=bare, stdin="".join(orders % name for name in names).encode())

    def churn() -> None:
        for turn in range(8):
            write(f"update refs/heads/%s {commits[turn % 2]}\n", both)
            git("pack-refs", "--all", cwd=bare)
            write("delete refs/heads/%s\n", both[20:])
        is_over.set()

    write(f"update refs/heads/%s {commits[0]}\n", both)
    churning = threading.Thread(target=churn)
    churning.start()
    while not is_over.is_set():
        found = dict(refs.listed(EXPERIMENT, "", 100))
        assert found.keys() >= set(stay)
        assert set(found.values()) <= set(commits)
        assert [name for name, _ in refs.listed(EXPERIMENT, "work/a/s3", 5)] == sorted(stay)[14:19]
    churning.join()


@pytest.mark.usefixtures("only_files")
def test_a_page_looks_at_few_lines_however_many_branches_there_are(
    refs: WorkRefs, bare: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [f"work/wkr_{number:05d}/v" for number in range(50_000)]
    (bare / "packed-refs").write_text(SORTED + "".join(f"{base} refs/heads/{name}\n" for name in named))
    looked: list[int] = []
    real = ref_files._record

    def counted(file: IO[bytes]) -> Any:
        looked.append(1)
        return real(file)

    monkeypatch.setattr(ref_files, "_record", counted)
    for begin in (0, 1, 24_999, 49_899):
        assert [name for name, _ in refs.listed(EXPERIMENT, named[begin], 100)] == named[begin + 1 : begin + 101]
    assert refs.listed(EXPERIMENT, named[-1], 100) == []
    assert len(looked) < 5 * 150


def unsorted(bare: Path) -> None:
    header, *lines = (bare / "packed-refs").read_text().splitlines(keepends=True)
    (bare / "packed-refs").write_text(header.replace(" sorted", "") + "".join(reversed(lines)))


def without_a_header(bare: Path) -> None:
    (bare / "packed-refs").write_text("".join((bare / "packed-refs").read_text().splitlines(keepends=True)[1:]))


def with_another_name(bare: Path) -> None:
    (bare / "refs/heads/work/a").mkdir(parents=True)
    (bare / "refs/heads/work/a/other").write_text("ref: refs/heads/main\n")


def with_a_link(bare: Path) -> None:
    (bare / "refs/heads/work/a").mkdir(parents=True)
    (bare / "refs/heads/work/a/other").symlink_to("v1")
    (bare / "refs/heads/work/a/v1").write_text((bare / "packed-refs").read_text().splitlines()[-1][:40] + "\n")


@pytest.mark.parametrize("lay", [unsorted, without_a_header, with_another_name, with_a_link])
def test_refs_that_lie_otherwise_are_asked_of_git(
    refs: WorkRefs, bare: Path, base: str, git: Stock, lay: Callable[[Path], None]
) -> None:
    for number in range(5):
        git("update-ref", f"{WORK}a/v{number}", base, cwd=bare)
    git("pack-refs", "--all", "--prune", cwd=bare)
    shutil.rmtree(bare / "refs/heads/work", ignore_errors=True)
    lay(bare)
    whole = told(git, bare, WORK)
    assert len(whole) >= 5
    assert list(refs.listed(EXPERIMENT, "", 50)) == whole
    assert list(refs.listed(EXPERIMENT, whole[1][0], 2)) == whole[2:4]


def test_another_store_of_refs_is_asked_of_git(refs: WorkRefs, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "reftable").mkdir()
    monkeypatch.setattr(WorkRefs, "_told_by_git", lambda _, *asked: [(asked[1] + "told", "0")])
    assert list(refs.listed(EXPERIMENT, "", 5)) == [("work/told", "0")]


@pytest.mark.usefixtures("only_files")
def test_a_name_that_is_no_text_is_passed_over(refs: WorkRefs, bare: Path, base: str, git: Stock) -> None:
    for name in (b"a\xff", b"b", b"c\x80/d"):
        git("update-ref", "--stdin", cwd=bare, stdin=b"create %s%s %s\n" % (WORK.encode(), name, base.encode()))
    for _ in range(2):
        assert [name for name, _ in refs.listed(EXPERIMENT, "", 5)] == ["work/b"]
        git("pack-refs", "--all", cwd=bare)

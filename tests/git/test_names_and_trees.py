import os
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.repos import names, trees
from control_plane.repos.squash import EvaluatedVariant
from control_plane.repos.vend import Repositories
from tests.git.stock import EXPERIMENT, Stock

ABSENT = "f" * 40
Work = Callable[..., str]
Evaluated = Callable[..., EvaluatedVariant]


NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "ab", ".eden", ".eden.x", ".eden-x", "é", "z", " "])
TREES = st.dictionaries(NAMES, st.sampled_from(["file", "folder"]), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TREES, path=st.lists(NAMES, min_size=1, max_size=3))
def test_a_tree_with_one_file_more_is_the_tree_git_would_write(
    before: dict[str, str], path: list[str], bare: Path, git: Stock, repositories: Repositories
) -> None:
    blob = git("hash-object", "-w", "--stdin", stdin=b"x\n", cwd=bare)
    entries: dict[tuple[str, ...], str] = {
        (name,) if kind == "file" else (name, "inner"): blob for name, kind in before.items()
    }
    wanted = tuple(path)
    is_blocked = any(wanted[:depth] in entries for depth in range(1, len(wanted))) or any(
        entry[: len(wanted)] == wanted and len(entry) > len(wanted) for entry in entries
    )
    if is_blocked:
        return
    index = Stock(git.home, {"GIT_INDEX_FILE": str(bare / "test-index")})
    (bare / "test-index").unlink(missing_ok=True)

    def written(listed: dict[tuple[str, ...], str]) -> str:
        lines = "".join(f"100644 {sha}\t{'/'.join(name)}\n" for name, sha in listed.items())
        index("update-index", "--add", "--index-info", stdin=lines.encode(), cwd=bare)
        return index("write-tree", cwd=bare)

    def write(data: bytes) -> str:
        return git("hash-object", "-w", "-t", "tree", "--stdin", stdin=data, cwd=bare)

    root = written(entries)
    with repositories.objects(EXPERIMENT) as objects:

        def read(sha: str) -> bytes:
            return objects.read(sha, b"tree") or b""

        found = trees.with_file(read(root), tuple(os.fsencode(part) for part in wanted), blob, read, write)
    assert found == written(entries | {wanted: blob})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab./-~^:?*[\\@{ \x7f\té", max_size=8))
def test_ref_names_are_judged_as_git_judges_them(git: Stock, tmp_path: Path, text: str) -> None:
    ref = f"refs/heads/{text}"
    assert names.is_ref(ref) == (git.tried("check-ref-format", ref, cwd=tmp_path).returncode == 0)

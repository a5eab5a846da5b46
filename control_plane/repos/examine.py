"""Facts about commits, gathered before the operations that decide on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from control_plane.repos import names, trees
from control_plane.repos.git import Objects
from control_plane.repos.refusals import CommitMissing
from control_plane.repos.vend import Repositories

FILES_SHOWN = 1000
NUMSTAT_BYTES = 1 << 20
PLAIN = ("-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")


@dataclass(frozen=True, slots=True)
class FileChange:
    """`added` and `removed` count lines; both are None for a binary file."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a commit is; of a commit that does not exist, nothing else holds."""

    exists: bool
    missing_parents: tuple[str, ...] = ()
    is_unchanged: bool = False
    """Its tree is the tree of every parent."""
    is_descendant: bool = False
    """It descends from every parent."""
    changes: tuple[FileChange, ...] = ()
    """Against the first parent; at most FILES_SHOWN."""
    is_manifest_absent: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    commit_sha: str
    subject: str
    committed_at: str


@dataclass(frozen=True, slots=True)
class Diff:
    files: tuple[FileChange, ...]
    text: str
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class LogEntry:
    commit_sha: str
    parents: tuple[str, ...]
    author: str
    subject: str
    committed_at: str


class Examiner:
    """Reads repositories and changes nothing."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def examine(self, experiment_id: str, commit: str, parents: Iterable[str], variant_id: str | None = None) -> Facts:
        """Everything a submission or an integration asks about `commit`; the manifest is looked up for `variant_id`."""
        path, wanted = self._repositories.existing(experiment_id), tuple(map(names.commit, parents))
        with self._repositories.objects(experiment_id) as objects:
            tree = tree_of(objects, names.commit(commit))
            if tree is None:
                return Facts(exists=False)
            parent_trees = {parent: tree_of(objects, parent) for parent in wanted}
            is_manifest_absent = variant_id is None or not has_manifest(objects, tree, variant_id)
        missing = tuple(parent for parent, found in parent_trees.items() if found is None)
        return Facts(
            exists=True,
            missing_parents=missing,
            is_unchanged=bool(wanted) and set(parent_trees.values()) == {tree},
            is_descendant=not missing and self._reaches(path, wanted, (commit,)),
            changes=self._changes(path, wanted[0], commit) if wanted and not missing else (),
            is_manifest_absent=is_manifest_absent,
        )

    def is_unchanged(self, experiment_id: str, commit: str, parents: Iterable[str]) -> bool:
        """Whether the commit's tree is the tree of every parent; False when one of them is not there."""
        with self._repositories.objects(experiment_id) as objects:
            found = {tree_of(objects, names.commit(sha)) for sha in (commit, *parents)}
        return len(found) == 1 and None not in found

    def reachable(self, experiment_id: str, commits: Iterable[str], from_commits: Iterable[str]) -> bool:
        """Whether each of `commits` is one of `from_commits` or an ancestor of one; unknown commits are not."""
        starts = set(map(names.commit, from_commits))
        wanted = set(map(names.commit, commits)) - starts
        path = self._repositories.existing(experiment_id)
        if not wanted:
            return True
        with self._repositories.objects(experiment_id) as objects:
            is_known = all(tree_of(objects, sha) for sha in wanted)
            present = [sha for sha in sorted(starts) if tree_of(objects, sha)]
        return is_known and self._reaches(path, wanted, present)

    def descends(self, experiment_id: str, commit: str, parents: Iterable[str]) -> bool:
        """Whether `commit` has all of `parents`, which exist, among its ancestors."""
        return self._reaches(self._repositories.existing(experiment_id), parents, (commit,))

    def tip(self, experiment_id: str, branch: str) -> str | None:
        """The commit a branch points at."""
        return next((found.commit_sha for found in self.branches(experiment_id, branch) if found.name == branch), None)

    def branches(self, experiment_id: str, prefix: str = "") -> tuple[Branch, ...]:
        """The branches whose short names begin with `prefix`, which ends at a slash or is a whole name."""
        layout = "%(refname)%00%(objectname)%00%(contents:subject)%00%(committerdate:unix)"
        ref = names.branch(prefix.rstrip("/")) if prefix else names.BRANCHES
        path = self._repositories.existing(experiment_id)
        lines = self._repositories.git.run(path, "for-each-ref", f"--format={layout}", ref).splitlines()
        return tuple(_branch(line.split(b"\0")) for line in lines)

    def diff(self, experiment_id: str, before: str, after: str, limit_bytes: int = 200_000) -> Diff:
        """What changed between two commits: counts per file and the unified text, cut at `limit_bytes`."""
        path = self._repositories.existing(experiment_id)
        with self._repositories.objects(experiment_id) as objects:
            for sha in (before, after):
                if tree_of(objects, names.commit(sha)) is None:
                    raise CommitMissing(sha)
        text = self._head(path, limit_bytes + 1, "diff-tree", "-p", *PLAIN, before, after)
        changes = self._changes(path, before, after)
        return Diff(changes, text[:limit_bytes].decode(errors="replace"), len(text) > limit_bytes)

    def log(self, experiment_id: str, tip: str, limit: int = 50) -> tuple[LogEntry, ...]:
        """The newest commits that `tip` reaches."""
        path = self._repositories.existing(experiment_id)
        with self._repositories.objects(experiment_id) as objects:
            if tree_of(objects, names.commit(tip)) is None:
                raise CommitMissing(tip)
        layout = "--format=%H%x00%P%x00%an%x00%s%x00%ct"
        lines = self._repositories.git.run(path, "log", layout, f"--max-count={limit}", tip, "--").splitlines()
        return tuple(_entry(line.decode(errors="replace").split("\0")) for line in lines)

    def _reaches(self, path: Path, wanted: Iterable[str], starts: Iterable[str]) -> bool:
        """Walks until all are found: dates, which anyone may forge, decide only the order."""
        missing = {sha.encode() for sha in wanted} - {sha.encode() for sha in starts}
        if not missing:
            return True
        asked = "".join(f"{sha}\n" for sha in starts).encode()
        with self._repositories.git.reading(path, "rev-list", "--stdin", stdin=asked) as lines:
            for line in lines:
                missing.discard(line.strip())
                if not missing:
                    return True
        return False

    def _changes(self, path: Path, before: str, after: str) -> tuple[FileChange, ...]:
        counts = self._head(path, NUMSTAT_BYTES, "diff-tree", "--numstat", "-z", *PLAIN, before, after)
        return tuple(_change(record) for record in counts.split(b"\0")[:-1][:FILES_SHOWN])

    def _head(self, path: Path, limit_bytes: int, *argv: str) -> bytes:
        with self._repositories.git.reading(path, *argv) as output:
            return output.read(limit_bytes)


def tree_of(objects: Objects, commit: str) -> str | None:
    """The id of the commit's tree; None when there is no such commit."""
    data = objects.read(commit, b"commit")
    return data[5 : data.index(b"\n")].decode() if data else None


def manifest_path(variant_id: str) -> str:
    return f".eden/variants/{variant_id}/evaluation.json"


def has_manifest(objects: Objects, tree: str, variant_id: str) -> bool:
    """Whether anything stands at the manifest's path."""
    at: str | None = tree
    for part in manifest_path(variant_id).encode().split(b"/"):
        data = objects.read(at, b"tree") if at else None
        found = trees.find(data, part) if data else None
        at = found.sha if found else None
    return at is not None


def _change(record: bytes) -> FileChange:
    added, removed, path = record.split(b"\t", 2)
    shown = path.decode(errors="replace")
    return FileChange(shown, None, None) if added == b"-" else FileChange(shown, int(added), int(removed))


def _branch(fields: list[bytes]) -> Branch:
    ref, sha, subject, committed = (field.decode(errors="replace") for field in fields)
    return Branch(ref.removeprefix(names.BRANCHES), sha, subject, _moment(committed))


def _entry(fields: list[str]) -> LogEntry:
    sha, parents, author, subject, committed = fields
    return LogEntry(sha, tuple(parents.split()), author, subject, _moment(committed))


def _moment(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds or 0), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

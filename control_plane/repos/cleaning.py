"""Removing work branches without losing a commit: a removed one is kept aside, out of everybody's fetch.

What is aside still keeps its commits, and a checkpoint writes it as the branch that it was, because an archive has to
bring along every branch that a variant names (protocol §10). So it can be brought back at any time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from control_plane.repos import names, ref_files
from control_plane.repos.refusals import GitFailed, MalformedName
from control_plane.repos.vend import Repositories

ASIDE = "refs/cleaned/work/"
SHORT = names.WORK.removeprefix(names.BRANCHES)
BEYOND = "refs/z"
"""Sorts after every work branch, live or aside."""
AT_ONCE = 500
Found = tuple[str, str]
"""A branch by its short name, and the commit that it points at."""


@dataclass(frozen=True)
class WorkRefs:
    """The work branches of every repository, and those aside."""

    repositories: Repositories

    def listed(self, experiment_id: str, after: str, most: int, *, is_aside: bool = False) -> Sequence[Found]:
        """At most so many branches after a name, by name."""
        path, root = self.repositories.existing(experiment_id), ASIDE if is_aside else names.WORK
        last = _place(root, after)
        try:
            found = ref_files.following(path, root, last, most)
        except ref_files.OtherLayout:
            found = self._told_by_git(path, root, last, most)
        return [(branch_of(ref), sha) for ref, sha in found]

    def _told_by_git(self, path: Path, root: str, last: str, most: int) -> list[Found]:
        """The same from git, which reads and sorts all of them."""
        after, layout = last.encode(errors="surrogatepass"), "--format=%(refname) %(objectname)"
        with self.repositories.git.reading(path, "for-each-ref", layout, root) as lines:
            refs = ((name, sha) for name, sha in map(_halves, lines) if name > after)
            return list(islice((ref_files.text(ref) for ref in refs if ref_files.is_shown(ref)), most))

    def live(self, experiment_id: str, branches: Iterable[str], *, is_aside: bool = False) -> dict[str, str]:
        """Where those of these branches point that there are."""
        path, root = self.repositories.existing(experiment_id), ASIDE if is_aside else names.WORK
        refs = [_ref(root, name) for name in branches]
        found: dict[str, str] = {}
        for start in range(0, len(refs), AT_ONCE):
            some = refs[start : start + AT_ONCE]
            listed = self.repositories.git.run(path, "for-each-ref", "--format=%(objectname) %(refname)", *some)
            for sha, ref in (line.split(" ", 1) for line in listed.decode(errors="replace").splitlines()):
                if ref in some:  # a name that ends before a slash would match all below it
                    found["work/" + ref.removeprefix(root)] = sha
        return found

    def remove(self, experiment_id: str, found: Sequence[Found]) -> bool:
        """Put branches aside if each points at its commit now; whether they were: all, or none."""
        return self._move(experiment_id, found, (names.WORK, ASIDE), is_over=True)

    def restore(self, experiment_id: str, found: Sequence[Found]) -> bool:
        """Bring branches back that are aside at these commits, where no others have their names: all, or none."""
        return self._move(experiment_id, found, (ASIDE, names.WORK), is_over=False)

    def _move(self, experiment_id: str, found: Sequence[Found], way: tuple[str, str], *, is_over: bool) -> bool:
        """One transaction: git writes its file of packed refs anew in each that takes one of them away."""
        orders = "".join(_order(_ref(way[0], name), _ref(way[1], name), sha, is_over=is_over) for name, sha in found)
        path, asked = self.repositories.existing(experiment_id), f"start\0{orders}prepare\0commit\0"
        try:
            self.repositories.git.run(path, "update-ref", "--stdin", "-z", stdin=asked.encode())
        except GitFailed:
            live = self.live(experiment_id, [name for name, _ in found], is_aside=way[0] == ASIDE)
            if is_over and all(live.get(name) == sha for name, sha in found):
                raise
            return False
        return True


def _order(old: str, new: str, sha: str, *, is_over: bool) -> str:
    """What moves a ref, over what has the new name or only where nothing has."""
    made = f"update {new}\0{sha}\0\0" if is_over else f"create {new}\0{sha}\0"
    return f"{made}delete {old}\0{sha}\0"


def _ref(root: str, branch: str) -> str:
    """The full ref of a work branch, or of what is aside of it; never of anything else."""
    ref = names.branch(branch)
    if not ref.startswith(names.WORK):
        raise MalformedName("work branch", branch)
    return root + ref.removeprefix(names.WORK)


def _halves(line: bytes) -> tuple[bytes, bytes]:
    name, _, sha = line.rstrip(b"\n").partition(b" ")
    return name, sha


def _place(root: str, after: str) -> str:
    """What the ref of a work branch is after whose short name is after this, whatever it is."""
    if after.startswith(SHORT):
        return root + after.removeprefix(SHORT)
    return "" if after < SHORT else BEYOND


def branch_of(ref: str) -> str:
    """The short name of a work branch, by its ref or by that of what is aside of it."""
    return "work/" + ref.removeprefix(ASIDE).removeprefix(names.WORK)

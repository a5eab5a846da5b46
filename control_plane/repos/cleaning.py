"""Removing work branches without losing a commit: a removed one is kept aside, out of everybody's fetch.

What is aside still keeps its commits, and a checkpoint writes it as the branch that it was, because an archive has to
bring along every branch that a variant names (protocol §10). So it can be brought back at any time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from control_plane.repos import names
from control_plane.repos.refusals import GitFailed, MalformedName
from control_plane.repos.vend import Repositories

ASIDE = "refs/cleaned/work/"
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
        layout = "--format=%(objectname) %(refname)"
        with self.repositories.git.reading(path, "for-each-ref", layout, root.rstrip("/")) as lines:
            pairs = (line.decode(errors="replace").rstrip("\n").split(" ", 1) for line in lines)
            told = (("work/" + ref.removeprefix(root), sha) for sha, ref in pairs)
            return list(islice((one for one in told if one[0] > after), most))

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

    def remove(self, experiment_id: str, branch: str, sha: str) -> bool:
        """Put a branch aside if it points at this commit now; whether it did."""
        return self._move(experiment_id, (_ref(names.WORK, branch), _ref(ASIDE, branch)), sha, is_over=True)

    def restore(self, experiment_id: str, branch: str, sha: str) -> bool:
        """Bring a branch back that is aside at this commit, where no other has its name now; whether it did."""
        return self._move(experiment_id, (_ref(ASIDE, branch), _ref(names.WORK, branch)), sha, is_over=False)

    def _move(self, experiment_id: str, way: tuple[str, str], sha: str, *, is_over: bool) -> bool:
        """One transaction: both refs change, or neither."""
        old, new = way
        made = f"update {new}\0{sha}\0\0" if is_over else f"create {new}\0{sha}\0"
        orders = f"start\0{made}delete {old}\0{sha}\0prepare\0commit\0"
        path = self.repositories.existing(experiment_id)
        try:
            self.repositories.git.run(path, "update-ref", "--stdin", "-z", stdin=orders.encode())
        except GitFailed:
            is_still = (
                self.live(experiment_id, [branch_of(old)], is_aside=old.startswith(ASIDE)).get(branch_of(old)) == sha
            )
            if is_still and is_over:
                raise
            return False
        return True


def _ref(root: str, branch: str) -> str:
    """The full ref of a work branch, or of what is aside of it; never of anything else."""
    ref = names.branch(branch)
    if not ref.startswith(names.WORK):
        raise MalformedName("work branch", branch)
    return root + ref.removeprefix(names.WORK)


def branch_of(ref: str) -> str:
    """The short name of a work branch, by its ref or by that of what is aside of it."""
    return "work/" + ref.removeprefix(ASIDE).removeprefix(names.WORK)

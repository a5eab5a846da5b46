"""What a desk shows of a commit before it is handed in: the pushes to choose from, the checks it passes, its diff."""

from dataclasses import dataclass
from datetime import UTC, datetime

from store_client import Unreachable
from web_ui.active import Here
from web_ui.diffs import Changes, changes, summary
from web_ui.filters import ago, short_commit
from web_ui.repos import Preflight, Push
from web_ui.scores import ParentLink

SILENT = "The repository does not answer now, so pushes and checks cannot be shown. Reload in a moment."
OFFERED = 30


@dataclass(frozen=True)
class Check:
    """Something that holds of a commit, or is worth a look."""

    is_passed: bool
    label: str
    note: str = ""


@dataclass(frozen=True)
class Pushes:
    """The tips of one's newest branches, newest first; `fault` says why they cannot be shown."""

    all: tuple[Push, ...] = ()
    fault: str = ""

    def on(self, branch: str) -> Push | None:
        """The tip of one branch."""
        return next((push for push in self.all if push.branch == branch), None)

    def of(self, commit: str) -> Push | None:
        """The push of a commit."""
        return next((push for push in self.all if push.commit_sha == commit), None)


@dataclass(frozen=True)
class Examined:
    """A commit that is meant, looked at; `fault` says what forbids it to be handed in."""

    checks: tuple[Check, ...] = ()
    changes: Changes | None = None
    fault: str = ""


async def pushes_of(here: Here, worker_id: str, branch: str) -> Pushes:
    """What this person has pushed lately, and to a branch; on a server that is not ours anybody's branch may be."""
    prefix = f"work/{worker_id}/" if here.visit.offers.is_ours else "work/"
    names = (prefix, branch) if branch else (prefix,)
    try:
        return Pushes(await here.clone.pushes(*names)) if here.clone is not None else Pushes()
    except Unreachable:
        return Pushes(fault=SILENT)


def options(pushes: Pushes, here: Here, meant: str) -> tuple[tuple[str, str], ...]:
    """The pushes as a choice (3f9c2e1 widen to 128, 2 min ago), with the commit that is meant among them."""
    seen: dict[str, str] = {}
    for push in pushes.all[:OFFERED]:
        moment = datetime.fromtimestamp(push.committed_at, UTC)
        seen.setdefault(
            push.commit_sha, f"{short_commit(push.commit_sha)} {push.subject} · {ago(moment, here.visit.now)}"
        )
    if not meant:
        return (("", "choose a push" if seen else "nothing pushed yet"), *seen.items())
    seen.setdefault(meant, short_commit(meant))
    return tuple(seen.items())


async def examine(here: Here, commit: str, parents: tuple[ParentLink, ...]) -> Examined:
    """Whether a commit is there, descends from its parents and changes something; and its diff."""
    shas, clone = [parent.commit_sha for parent in parents], here.clone
    if clone is None:
        return Examined()
    try:
        facts = await clone.preflight(commit, shas)
        diff = await clone.diff(shas[0], commit) if facts.is_there and shas else None
    except Unreachable:
        return Examined(fault=SILENT)
    return Examined(checks(facts, parents), changes(diff) if diff else None, fault_of(facts))


def checks(facts: Preflight, parents: tuple[ParentLink, ...]) -> tuple[Check, ...]:
    """The checks as the page lists them."""
    if not facts.is_there:
        return (Check(is_passed=False, label="Not found", note="push it, then check again"),)
    built_on = ", ".join(f"{parent.label} at {short_commit(parent.commit_sha)}" for parent in parents)
    many = "its parent" if len(parents) == 1 else "all its parents"
    return (
        Check(facts.descends, f"Descends from {many}" if facts.descends else f"Does not descend from {many}", built_on),
        Check(
            facts.changes_something,
            "Changes something" if facts.changes_something else "Changes nothing",
            summary(facts.changes),
        ),
    )


def fault_of(facts: Preflight) -> str:
    """What forbids a commit to be handed in, or nothing."""
    if not facts.is_there:
        return "The server has no such commit. Push it first: git push -u origin HEAD."
    if not facts.descends:
        return "It does not descend from the idea's parent. Start your branch there, or rebase onto it."
    if not facts.changes_something:
        return "It has the very files of its parent. Change something and commit it."
    return ""

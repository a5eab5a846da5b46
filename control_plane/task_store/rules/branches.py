"""Whether a work branch may go: what it belongs to has ended, and points where the branch does."""

from dataclasses import dataclass

from store_client.wire.branches import BranchReason, BranchStanding

Judgement = tuple[BranchStanding, BranchReason]


@dataclass(frozen=True)
class Owner:
    """The variant that names a branch as its own."""

    variant_id: str
    status: str
    commit_sha: str | None
    is_integrated: bool


def judge(owner: Owner | None, commit_sha: str, *, is_held: bool) -> Judgement:
    """How a branch stands; `is_held` says of one of nobody's that a task is held which it may be for."""
    if owner is None:
        return ("needed", "held") if is_held else ("orphan", "no-variant")
    if owner.status == "starting":
        return "needed", "starting"
    if owner.status == "success" and not owner.is_integrated:
        return "needed", "not-integrated"
    if owner.commit_sha not in {None, commit_sha}:
        return "needed", "moved"
    if owner.status == "success":
        return "eligible", "integrated"
    return "eligible", "failed" if owner.status == "error" else "unmeasured"

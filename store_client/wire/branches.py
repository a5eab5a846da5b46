"""Work branches of an experiment: what each belongs to, and whether it may be cleaned up."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import WorkerId

BranchStanding = Literal["eligible", "needed", "orphan", "removed"]
"""An orphan belongs to no variant; what was removed is kept aside, and can be brought back."""
BranchReason = Literal[
    "failed", "unmeasured", "integrated", "starting", "not-integrated", "moved", "no-variant", "held", "removed"
]
"""Why it stands so; `held`: nobody's yet, but whoever pushed it, or anybody, holds a task that it may be for."""
BranchEnd = Literal["removed", "restored", "changed", "gone", "needed"]


class WorkBranchLine(Record):
    """One branch below `work/`."""

    name: str
    commit_sha: str
    standing: BranchStanding
    reason: BranchReason
    variant_id: str | None = None
    variant_label: str | None = None
    worker_id: WorkerId | None = Field(default=None, description="who alone may push it")
    worker_name: str | None = None


class WorkBranchPage(Record):
    items: tuple[WorkBranchLine, ...]
    next: str | None = Field(default=None, description="where the next page begins; also after a page with nothing")


class SeenBranch(Body):
    """A branch where somebody saw it; it is left alone when it has moved since."""

    name: str = Field(max_length=1000, pattern="^work/.+$")
    commit_sha: str = Field(pattern="^[0-9a-f]{40}$")


class ChooseBranches(Body):
    branches: tuple[SeenBranch, ...] = Field(min_length=1, max_length=200)


class BranchOutcome(Record):
    """What became of one branch; `reason` where it is needed."""

    name: str
    outcome: BranchEnd
    commit_sha: str | None = Field(default=None, description="where it points, if anywhere")
    reason: BranchReason | None = None


class BranchOutcomes(Record):
    items: tuple[BranchOutcome, ...]

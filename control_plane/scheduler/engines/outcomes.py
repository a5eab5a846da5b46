"""What a role's command says of itself that its engine must know."""

import json
from collections.abc import Mapping

from control_plane.scheduler.workspace.layout import SHA

OUTCOME = ".eden/outcome.json"


def named_commit(files: Mapping[str, str]) -> str | None:
    """The commit that a successful outcome among the collected files names by its full name; None for anything else."""
    try:
        told = json.loads(files.get(OUTCOME, "null"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("status") != "success":
        return None
    commit = told.get("commit_sha")
    return commit if isinstance(commit, str) and SHA.fullmatch(commit) else None

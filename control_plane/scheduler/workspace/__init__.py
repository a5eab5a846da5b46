"""The folder an attempt works in: the pinned commit, the base commit beside it, and what the command leaves there.

The command may do with its folder whatever it likes, before and while we use it: `beneath` never follows its links,
`git` never takes its configuration, `results` never believes its references.
"""

from control_plane.scheduler.workspace.arrivals import accept, drop
from control_plane.scheduler.workspace.checkout import prepare, remove
from control_plane.scheduler.workspace.errors import MachineFault, WorkspaceError
from control_plane.scheduler.workspace.joining import join
from control_plane.scheduler.workspace.layout import Workspace
from control_plane.scheduler.workspace.results import cited, collect, publish, publish_named
from control_plane.scheduler.workspace.surroundings import environment

__all__ = [
    "MachineFault",
    "Workspace",
    "WorkspaceError",
    "accept",
    "cited",
    "collect",
    "drop",
    "environment",
    "join",
    "prepare",
    "publish",
    "publish_named",
    "remove",
]

"""The environment of a command: an allow-list, nothing of this process."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from control_plane.scheduler.workspace.layout import Workspace

#: Variables whose value, a path in the workspace, the command gets in full.
PATH_VARIABLES = ("EDEN_TASK_JSON", "EDEN_OUTPUT")


def environment(workspace: Workspace, variables: Mapping[str, str]) -> dict[str, str]:
    """All that a command finds in its environment: the given variables, defaults for what they leave open, and ours.

    Unless GPUs are given CUDA_VISIBLE_DEVICES is empty, so that nobody takes one that was not.
    """
    defaults = {
        "CUDA_VISIBLE_DEVICES": "",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }
    paths = {name: str(workspace.work / variables[name]) for name in PATH_VARIABLES if name in variables}
    worker = variables.get("EDEN_WORKER_ID", "switchyard")
    return {**defaults, **signature(worker), **variables, **paths, **_places(workspace)}


def signature(author: str) -> dict[str, str]:
    """Who a commit is by: `Name <address>`, or a name alone. No git configuration tells."""
    name, _, address = author.rstrip(">").partition(" <")
    address = address or f"{name}@switchyard.invalid"
    names = {"GIT_AUTHOR_NAME": name, "GIT_COMMITTER_NAME": name}
    return {**names, "GIT_AUTHOR_EMAIL": address, "GIT_COMMITTER_EMAIL": address}


def _places(workspace: Workspace) -> dict[str, str]:
    _, repo = workspace.pin.read_text(encoding="utf-8").splitlines()
    places = {
        "PATH": os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), *os.get_exec_path()])),
        "HOME": str(workspace.home),
        "TMPDIR": str(workspace.tmp),
        "EDEN_WORKTREE": str(workspace.work),
        "EDEN_REPO_DIR": repo,
        "EDEN_ARTIFACT_PATH_ROOT": str(workspace.artifacts),
    }
    return {**places, "EDEN_EXPERIMENT_DIR": str(workspace.base)} if workspace.base.is_dir() else places

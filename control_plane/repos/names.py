"""Ids, commits and branches: read once here, trusted below."""

import re

from control_plane.repos.refusals import MalformedName

BRANCHES = "refs/heads/"
WORK = f"{BRANCHES}work/"
VARIANT = f"{BRANCHES}variant/"

_EXPERIMENT = re.compile(r"exp_[0-9a-hjkmnp-tv-z]{26}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def experiment(text: str) -> str:
    """The id itself; it becomes a file name, so nothing else may pass."""
    if _EXPERIMENT.fullmatch(text) is None:
        raise MalformedName("experiment id", text)
    return text


def commit(text: str) -> str:
    if _COMMIT.fullmatch(text) is None:
        raise MalformedName("commit id", text)
    return text


def branch(text: str) -> str:
    """The full ref of a branch given by its short name or already by its full one."""
    ref = text if text.startswith(BRANCHES) else BRANCHES + text
    if not is_ref(ref):
        raise MalformedName("branch", text)
    return ref


def variant_branch(variant_id: str, slug: str) -> str:
    """The full ref that an integrated variant gets."""
    if not all(variant_id.split("/")):
        raise MalformedName("variant id", variant_id)
    return branch(f"{VARIANT}{variant_id}-{slug}")


def is_ref(text: str) -> bool:
    """Whether git accepts this as a full ref name, and a file can have it."""
    if len(text.encode(errors="replace")) > 1000 or not is_well_formed(text):
        return False
    parts = text.split("/")
    return len(parts) > 2 and all(len(part.encode(errors="replace")) <= 240 for part in parts)


def is_well_formed(text: str) -> bool:
    """Whether git takes this for a ref name, however long (the rules of `git check-ref-format`)."""
    if _FORBIDDEN.search(text) or text.endswith((".", "/")):
        return False
    return all(part and not part.startswith(".") and not part.endswith(".lock") for part in text.split("/"))

"""Two sides of a comparison: which variants are meant, and what differs between their commits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from store_client import NotFound, Unreachable, VariantDetail
from web_ui.active import Here
from web_ui.filters import figure
from web_ui.git_process import Git
from web_ui.repos import COMMIT, Diff, diff, merge_base
from web_ui.scores import number

COUNT = re.compile(r"[1-9][0-9]{0,11}")
NO_REPOSITORY = "This console was started without a repository, so it cannot read the commits."
SILENT = "The repository does not answer now; reload in a moment."
GONE = "The repository no longer has one of the commits."


@dataclass(frozen=True)
class Side:
    """A variant, or a commit that is nobody's; `fault` says why it cannot be compared."""

    label: str
    commit_sha: str | None
    value: float | None = None
    href: str | None = None
    variant_id: str | None = None
    fault: str = ""


@dataclass(frozen=True)
class Differing:
    """What differs, or why nobody can say."""

    diff: Diff | None = None
    fault: str = ""


def side_of(here: Here, variant: VariantDetail) -> Side:
    """A variant as a side."""
    return Side(
        label=f"{variant.number} {variant.label}",
        commit_sha=variant.commit_sha,
        value=number(variant.objective_value),
        href=here.url("variant", variant=variant.variant_id),
        variant_id=variant.variant_id,
        fault="" if variant.commit_sha else f"{variant.label} has no commit yet.",
    )


async def other_side(here: Here, asked: str, variant: VariantDetail) -> Side:
    """What a variant is compared with: a variant's id or number, a commit, or by itself the first parent."""
    parent = next((one for one in variant.parents if asked in {"", one.commit_sha, one.variant_id}), None)
    if parent is not None:
        href = here.url("variant", variant=parent.variant_id) if parent.variant_id else None
        return Side(parent.label, parent.commit_sha, number(parent.objective_value), href, parent.variant_id)
    if not asked:
        return Side("", None, fault="It was built on nothing; choose what to compare it with.")
    if COMMIT.fullmatch(asked):
        return Side(f"commit {asked[:7]}", asked)
    other = await find(here, asked)
    if other is None:
        return Side("", None, fault=f"No variant here has the number or id {asked[:80]}.")
    return side_of(here, other)


async def find(here: Here, asked: str) -> VariantDetail | None:
    """The variant of this id or number."""
    variant_id = asked
    if COUNT.fullmatch(asked) and here.visit.offers.is_ours:
        row = await here.store.read_lineage(after=int(asked) - 1, limit=1)
        variant_id = row.ids[0] if row.numbers == (int(asked),) else asked
    if len(variant_id) > 200 or not variant_id.isprintable() or set(variant_id) & set("/?#\\"):
        return None
    try:
        return await here.store.read_variant_detail(variant_id)
    except NotFound:
        return None


async def differing(here: Here, before: Side, after: Side, files: tuple[str, ...] = ()) -> Differing:
    """What differs between two sides, in all files or some."""
    fault = before.fault or after.fault
    if fault or before.commit_sha is None or after.commit_sha is None:
        return Differing(fault=fault or "There is no commit yet to compare.")
    if before.commit_sha == after.commit_sha:
        return Differing(fault="Both are the same commit.")
    if here.clone is None:
        return Differing(fault=NO_REPOSITORY)
    span = (before.commit_sha, after.commit_sha)
    try:
        found = await here.clone.look(span, lambda git, path: diff(git, path, span, files))
    except Unreachable:
        return Differing(fault=SILENT)
    return Differing(found, "" if found is not None else GONE)


def named(label: str, value: float | None) -> str:
    """A variant in a choice: its name and score."""
    return label if value is None else f"{label}, {figure(value)}"


@dataclass(frozen=True)
class Together:
    """What several commits have in common, and what each changed since; `ancestor` is none where nothing is."""

    ancestor: str | None = None
    diffs: tuple[Diff, ...] = ()
    fault: str = ""


async def together(here: Here, commits: Sequence[str]) -> Together:
    """Several commits against the newest one that all of them descend from."""
    if len(commits) < 2:
        return Together()
    if here.clone is None:
        return Together(fault=NO_REPOSITORY)
    try:
        found = await here.clone.look(commits, lambda git, path: _since_ancestor(git, path, commits))
    except Unreachable:
        return Together(fault=SILENT)
    return found or Together(fault=GONE)


def _since_ancestor(git: Git, path: Path, commits: Sequence[str]) -> Together:
    ancestor = merge_base(git, path, commits)
    if ancestor is None:
        return Together(fault="These commits have nothing in common.")
    return Together(ancestor, tuple(diff(git, path, (ancestor, commit)) for commit in commits))

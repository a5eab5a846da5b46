"""The canonical lineage: one commit per integrated variant, the same whoever makes it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from control_plane.repos import names, trees
from control_plane.repos.examine import Branch, Examiner, has_manifest, manifest_path, tree_of
from control_plane.repos.git import INTEGRATOR_EMAIL, INTEGRATOR_NAME, Objects
from control_plane.repos.loose import LooseObjects, flush
from control_plane.repos.refusals import (
    CommitMissing,
    GitFailed,
    ManifestPresent,
    ParentsNotAncestors,
    RefConflict,
    VariantIneligible,
)
from control_plane.repos.vend import Repositories, seconds

NOTHING = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedVariant:
    """What of a variant goes into its commit, exactly as recorded."""

    variant_id: str
    slug: str
    idea_id: str
    commit_sha: str
    parent_commits: tuple[str, ...]
    evaluation: Mapping[str, object]
    completed_at: str
    artifacts_uri: str | None = None
    description: str | None = None

    @property
    def branch(self) -> str:
        """The short name of the branch it is published as."""
        return names.variant_branch(self.variant_id, self.slug).removeprefix(names.BRANCHES)


class Lineage:
    """Writes variants into repositories."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._examiner = Examiner(repositories)

    def squash(self, experiment_id: str, variant: EvaluatedVariant) -> str:
        """Write the variant's commit, durably and reached by no branch; the same variant gives the same id."""
        names.variant_branch(variant.variant_id, variant.slug)
        commits = (names.commit(variant.commit_sha), *map(names.commit, variant.parent_commits))
        if len(commits) == 1:
            raise VariantIneligible("a variant has at least one parent")
        with self._repositories.objects(experiment_id) as objects:
            found = {commit: tree_of(objects, commit) for commit in commits}
            tree = _required(found)[variant.commit_sha]
            if has_manifest(objects, tree, variant.variant_id):
                raise ManifestPresent(manifest_path(variant.variant_id))
            if not self._examiner.descends(experiment_id, variant.commit_sha, variant.parent_commits):
                raise ParentsNotAncestors(variant.commit_sha, variant.parent_commits)
            return _write(objects, variant, tree)

    def publish_variant(self, experiment_id: str, branch: str, sha: str) -> None:
        """Create `branch` at `sha`, durably; nothing to do when it is there, RefConflict when it is elsewhere."""
        path, ref = self._repositories.existing(experiment_id), _variant_ref(branch)
        try:
            self._repositories.git.run(path, "update-ref", ref, names.commit(sha), NOTHING)
        except GitFailed:
            found = self._examiner.tip(experiment_id, ref.removeprefix(names.BRANCHES))
            if found is None:
                raise
            if found != sha:
                raise RefConflict(ref, found) from None
        _flush_folders(path, ref)

    def withdraw_variant(self, experiment_id: str, branch: str, sha: str) -> None:
        """Delete `branch` if it points at `sha`; nothing to do when it is gone, RefConflict when it is elsewhere."""
        path, ref = self._repositories.existing(experiment_id), _variant_ref(branch)
        try:
            self._repositories.git.run(path, "update-ref", "-d", ref, names.commit(sha))
        except GitFailed:
            found = self._examiner.tip(experiment_id, ref.removeprefix(names.BRANCHES))
            if found == sha:
                raise
            if found is not None:
                raise RefConflict(ref, found) from None
        _flush_folders(path, ref)

    def orphans(self, experiment_id: str, known_shas: Iterable[str]) -> tuple[Branch, ...]:
        """The variant branches whose commits nobody recorded."""
        known = frozenset(known_shas)
        published = self._examiner.branches(experiment_id, "variant/")
        return tuple(branch for branch in published if branch.commit_sha not in known)


def manifest(variant: EvaluatedVariant) -> bytes:
    """The file that says inside the commit how the variant was evaluated."""
    optional = {"artifacts_uri": variant.artifacts_uri, "description": variant.description}
    record = {
        "variant_id": variant.variant_id,
        "idea_id": variant.idea_id,
        "commit_sha": variant.commit_sha,
        "parent_commits": list(variant.parent_commits),
        "evaluation": dict(variant.evaluation),
        "completed_at": variant.completed_at,
    } | {key: value for key, value in optional.items() if value is not None}
    return (json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write(objects: Objects, variant: EvaluatedVariant, tree: str) -> str:
    loose = LooseObjects(objects.path)

    def read(sha: str) -> bytes:
        return objects.read(sha, b"tree") or b""

    def write(data: bytes) -> str:
        return loose.write(b"tree", data)

    blob = loose.write(b"blob", manifest(variant))
    path = tuple(manifest_path(variant.variant_id).encode().split(b"/"))
    root = trees.with_file(read(tree), path, blob, read, write)
    commit = loose.write(b"commit", _commit(variant, root))
    loose.settle()
    return commit


def _commit(variant: EvaluatedVariant, tree: str) -> bytes:
    stamp = f"{INTEGRATOR_NAME} <{INTEGRATOR_EMAIL}> {seconds(variant.completed_at)} +0000"
    parents = "".join(f"parent {parent}\n" for parent in variant.parent_commits)
    subject = f"variant: {variant.variant_id} {variant.slug}\n"
    return f"tree {tree}\n{parents}author {stamp}\ncommitter {stamp}\n\n{subject}".encode()


def _required(found: Mapping[str, str | None]) -> dict[str, str]:
    for commit, tree in found.items():
        if tree is None:
            raise CommitMissing(commit)
    return {commit: tree for commit, tree in found.items() if tree is not None}


def _variant_ref(branch: str) -> str:
    ref = names.branch(branch)
    if not ref.startswith(names.VARIANT):
        raise VariantIneligible(f"{branch} is not a variant branch")
    return ref


def _flush_folders(repository: Path, ref: str) -> None:
    """Git flushes the ref's file, and leaves the directories that name it to us."""
    folder = (repository / ref).parent
    while folder != repository:
        if folder.is_dir():
            flush(folder)
        folder = folder.parent

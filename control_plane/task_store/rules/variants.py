"""The states of a variant (protocol §3.4) and what a new one must look like (§5.2, §5.3)."""

from collections.abc import Mapping, Sequence

from control_plane.task_store.rules import metrics
from control_plane.task_store.rules.moves import Move, Row, make
from store_client.errors import BadRequest, InvalidPrecondition
from store_client.wire.scalars import COMMIT
from store_client.wire.variants import CreateVariant, VariantStatus

STARTING, SUCCESS, ERROR = VariantStatus.STARTING, VariantStatus.SUCCESS, VariantStatus.ERROR

MOVES: Mapping[str, Move[VariantStatus]] = {
    "succeed": Move(frozenset({STARTING}), SUCCESS, InvalidPrecondition),
    "fail": Move(frozenset({STARTING}), ERROR, InvalidPrecondition),
    "declare_evaluation_error": Move(frozenset({STARTING}), VariantStatus.EVALUATION_ERROR),
}


def move(act: str, variant: Row) -> VariantStatus:
    """The status of the variant after the act, or the act's refusal."""
    return make(MOVES, act, VariantStatus(variant["status"]), f"variant {variant['variant_id']}")


def must_start(body: CreateVariant) -> None:
    """An ordinary variant begins with nothing achieved."""
    if body.status is not STARTING:
        raise BadRequest("a variant starts with status starting")
    if body.evaluation is not None or body.completed_at is not None:
        raise BadRequest("a starting variant has neither evaluation nor completed_at")


def must_follow(body: CreateVariant, parent_commits: Sequence[str]) -> None:
    """A variant has its idea's parents."""
    if list(body.parent_commits) != list(parent_commits):
        raise InvalidPrecondition("parent_commits must equal those of the idea")


def must_be_the_seed(body: CreateVariant, base_commit_sha: str | None) -> None:
    """A baseline is the seed commit, and its own parent."""
    if body.commit_sha is None or body.parent_commits != (body.commit_sha,):
        raise BadRequest("a baseline has a commit_sha, which is its only parent")
    if base_commit_sha is not None and body.commit_sha != base_commit_sha:
        raise InvalidPrecondition(f"the baseline is the base commit {base_commit_sha}")


def must_begin_or_be_scored(body: CreateVariant, schema: Mapping[str, str]) -> None:
    """A baseline starts like any other, or comes with trusted metrics that satisfy the schema."""
    if body.status is not SUCCESS:
        must_start(body)
        return
    if body.evaluation is None or body.completed_at is None:
        raise BadRequest("a scored baseline has evaluation and completed_at")
    metrics.must_satisfy(schema, body.evaluation)


def must_be_success(variant: Row) -> None:
    """An ordinary variant with a good score, integrated or not."""
    if variant["kind"] is not None:
        raise InvalidPrecondition("a baseline is never integrated")
    if variant["status"] != SUCCESS:
        raise InvalidPrecondition(f"only a success is integrated; this variant is {variant['status']}")


def must_be_integrable(variant: Row, variant_commit_sha: str) -> bool:
    """Whether the commit is yet to be recorded: False when the very same one already is (§5.8)."""
    if COMMIT.fullmatch(variant_commit_sha) is None:
        raise InvalidPrecondition("variant_commit_sha is not a commit")
    must_be_success(variant)
    if variant["variant_commit_sha"] not in {None, variant_commit_sha}:
        raise InvalidPrecondition(f"the variant is integrated as {variant['variant_commit_sha']}")
    return variant["variant_commit_sha"] is None
